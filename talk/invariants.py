"""What must always hold of conversations."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "action_has_outcome",
        "Every action that was kept has the screen it ended with.",
        "select gateway || ' ' || call || ' ' || position from action where screen is null",
    ),
)
