"""What must always hold of conversations."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "deed_has_outcome",
        "Every deed that was kept has the screen it ended with.",
        "select gateway || ' ' || call || ' ' || position from deed where screen is null",
    ),
)
