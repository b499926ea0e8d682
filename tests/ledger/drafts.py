"""Random journals for the model test: mostly sound, some spoilt in one way, many that refer to an earlier one."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import strategies as st

from ledger.book import MAX_AMOUNT_MINOR, Journal, Movement, Phase, Reservation
from tests.ledger.scene import AWA, CONTRIBUTIONS, DOUALA_CASH, FLOAT, MOUSSA, TODAY, TRANSPORT_CASH

HEALTH = (AWA, MOUSSA, FLOAT, CONTRIBUTIONS)


def _all_movements(change: Callable[[Movement], Movement]) -> Callable[[Journal], Journal]:
    return lambda journal: replace(journal, movements=[change(m) for m in journal.movements])


SPOIL: dict[str, Callable[[Journal], Journal]] = {
    "key": lambda journal: replace(journal, key=" "),
    "actor": lambda journal: replace(journal, actor="  "),
    "reason": lambda journal: replace(journal, reason=""),
    "long ago": lambda journal: replace(journal, effective_on=date(1999, 12, 31)),
    "far ahead": lambda journal: replace(journal, effective_on=date(2090, 1, 1)),
    "no movement": lambda journal: replace(journal, movements=[]),
    "reverses nothing": lambda journal: replace(journal, reverses=UUID(int=1)),
    "no amount": _all_movements(lambda m: replace(m, amount_minor=0)),
    "too much": _all_movements(lambda m: replace(m, amount_minor=MAX_AMOUNT_MINOR + 1)),
    "one account": _all_movements(lambda m: replace(m, credit=m.debit)),
    "unknown account": _all_movements(lambda m: replace(m, debit="health:bank:x")),
    "two funds": _all_movements(lambda m: replace(m, debit=TRANSPORT_CASH)),
    "two currencies": _all_movements(lambda m: replace(m, debit=DOUALA_CASH)),
    "resolves nothing": _all_movements(lambda m: replace(m, phase=Phase.POST)),
    "resolves for no reason": _all_movements(lambda m: replace(m, resolves=Reservation(UUID(int=1), 1))),
}


@dataclass(frozen=True)
class Draft:
    """What hypothesis draws: how to make a journal out of those before it."""

    how: str  # fresh, repeat, change, mirror, post, void
    movements: Sequence[Movement]
    pick: int  # which of the earlier ones
    less: int  # how much less than the reservation
    effective_on: date
    spoil: str


def _movement(sides: tuple[str, str], amount_minor: int, phase: Phase) -> Movement:
    return Movement(*sides, amount_minor, "XOF", phase)


MOVEMENTS = st.builds(
    _movement,
    st.sampled_from(list(itertools.permutations(HEALTH, 2))),
    st.sampled_from([1, 500, 2000, MAX_AMOUNT_MINOR]),
    st.sampled_from([Phase.SINGLE, Phase.SINGLE, Phase.PENDING]),
)
DRAFTS = st.builds(
    Draft,
    st.sampled_from(
        ["fresh", "fresh", "fresh", "repeat", "change", "mirror", "mirror", "post", "post", "void"]
    ),
    st.lists(MOVEMENTS, min_size=1, max_size=3),
    st.integers(0, 50),
    st.sampled_from([0, 0, 0, 1, -1]),
    st.sampled_from([TODAY, TODAY - timedelta(1), TODAY - timedelta(400)]),
    st.sampled_from([""] * 3 * len(SPOIL) + list(SPOIL)),
)


def write(draft: Draft, mutuelle: str, number: int, known: Sequence[Journal]) -> Journal:
    """The journal that `draft` means; `number` makes its key new, `known` are the ones it may refer to."""
    fresh = Journal(mutuelle, "s", str(number), "k", draft.effective_on, "worker", "why", draft.movements)
    if draft.how in ("post", "void"):
        known = [j for j in known if any(m.phase is Phase.PENDING for m in j.movements)]
    if draft.how != "fresh" and known:
        fresh = _referring(draft, fresh, known[draft.pick % len(known)])
    return SPOIL[draft.spoil](fresh) if draft.spoil else fresh


def _referring(draft: Draft, fresh: Journal, old: Journal) -> Journal:
    if draft.how == "repeat":
        return old
    if draft.how == "change":
        return replace(old, memo={"changed": "1"})
    if draft.how == "mirror":
        swapped = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in old.movements]
        return replace(fresh, movements=swapped, reverses=old.id)
    resolved = [
        replace(
            m,
            amount_minor=m.amount_minor - draft.less,
            phase=Phase(draft.how),
            resolves=Reservation(old.id, n),
        )
        for n, m in enumerate(old.movements, 1)
        if m.phase is Phase.PENDING or draft.less == 0
    ]
    return replace(fresh, movements=resolved)
