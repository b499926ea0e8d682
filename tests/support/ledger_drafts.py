"""Random journals for the model test: mostly valid, some with one fault, many that refer to an earlier one."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from ledger import accounts
from ledger.book import MAX_AMOUNT_MINOR, Account, Journal, Movement, Phase, Reservation
from tests.support.ledger_scene import (
    AWA,
    CHART,
    CONTRIBUTIONS,
    DOUALA_CASH,
    FLOAT,
    MOUSSA,
    TODAY,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
)

CASH, PAYOUTS = accounts.cash("office"), "health:disbursement:simulated-ML"  # never below zero
OWED, OWING = accounts.interfund("transport"), accounts.interfund("health", accounts.TRANSPORT)
HEALTH = (AWA, MOUSSA, FLOAT, CONTRIBUTIONS, CASH, PAYOUTS)
TRANSPORT = (TRANSPORT_CASH, TRANSPORT_INCOME)
CODES = (*(account.code for account in CHART), CASH, PAYOUTS, OWED, OWING)
CURRENCIES = {account.code: account.currency for account in CHART}
DAYS = (TODAY, TODAY - timedelta(1), TODAY - timedelta(40), TODAY - timedelta(400))
# Deadlines are long past or far in the future: no test waits for one.
DEADLINES = (None, None, datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))


def chart(mutuelle: str) -> list[Account]:
    """The accounts of `ledger_scene`, and those with a limit or between two funds."""
    return [Account(mutuelle, code, CURRENCIES.get(code, "XOF")) for code in CODES]


def _all_movements(change: Callable[[Movement], Movement]) -> Callable[[Journal], Journal]:
    return lambda journal: replace(journal, movements=[change(m) for m in journal.movements])


SPOIL: dict[str, Callable[[Journal], Journal]] = {
    "key": lambda journal: replace(journal, key=" "),
    "kind": lambda journal: replace(journal, kind="period closed"),
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
    "two funds": _all_movements(lambda m: replace(m, debit=TRANSPORT_CASH, credit=AWA)),
    "two currencies": _all_movements(lambda m: replace(m, debit=DOUALA_CASH)),
    "other side": _all_movements(lambda m: replace(m, debit=m.credit, credit=m.debit)),
    "one movement": lambda journal: replace(journal, movements=journal.movements[:1]),
    "deadline": _all_movements(lambda m: replace(m, expires_at=DEADLINES[-1])),
    "resolves nothing": _all_movements(lambda m: replace(m, phase=Phase.POST)),
    "resolves for no reason": _all_movements(lambda m: replace(m, resolves=Reservation(UUID(int=1), 1))),
}


@dataclass(frozen=True)
class Draft:
    """Drawn by hypothesis: how to make a journal from the earlier ones."""

    how: str  # fresh, transfer, repeat, change, mirror, post, void, expire
    movements: Sequence[Movement]
    pick: int  # the index of the earlier one
    less: int  # the amount less than the reservation's
    effective_on: date
    spoil: str


def _movement(
    sides: tuple[str, str], amount_minor: int, phase: Phase, expires_at: datetime | None
) -> Movement:
    deadline = expires_at if phase is Phase.PENDING else None
    return Movement(*sides, amount_minor, "XOF", phase, expires_at=deadline)


AMOUNTS = st.sampled_from([1, 500, 500, 2000, MAX_AMOUNT_MINOR])
MOVEMENTS = st.builds(
    _movement,
    st.sampled_from(list(itertools.permutations(HEALTH, 2))),
    AMOUNTS,
    st.sampled_from([Phase.SINGLE, Phase.SINGLE, Phase.PENDING]),
    st.sampled_from(DEADLINES),
)
HOWS = ("fresh",) * 5 + ("transfer", "repeat", "change", "mirror", "mirror", "post", "post", "void", "expire")
DRAFTS = st.builds(
    Draft,
    st.sampled_from(HOWS),
    st.lists(MOVEMENTS, min_size=1, max_size=3),
    st.integers(0, 50),
    st.sampled_from([0, 0, 0, 1, -1]),
    st.sampled_from(DAYS),
    st.sampled_from([""] * 3 * len(SPOIL) + list(SPOIL)),
)


def write(draft: Draft, mutuelle: str, key: str, earlier: Sequence[Journal]) -> Journal:
    """The journal of `draft`; `key` is new, `earlier` are the ones it may refer to."""
    fresh = Journal(mutuelle, "s", key, "k", draft.effective_on, "worker", "why", draft.movements)
    if draft.how in ("post", "void", "expire"):
        earlier = [j for j in earlier if any(m.phase is Phase.PENDING for m in j.movements)]
    if draft.how == "transfer":
        fresh = replace(fresh, movements=[*_transfer(draft.movements[0])])
    elif draft.how != "fresh" and earlier:
        fresh = _referring(draft, fresh, earlier[draft.pick % len(earlier)])
    return SPOIL[draft.spoil](fresh) if draft.spoil else fresh


def _transfer(like: Movement) -> tuple[Movement, Movement]:
    """A transfer, posted or reserved, from the health fund to the transport fund."""
    gives = replace(like, debit=OWED, credit=like.credit)
    return gives, replace(like, debit=TRANSPORT_CASH, credit=OWING)


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
            expires_at=None,
        )
        for n, m in enumerate(old.movements, 1)
        if m.phase is Phase.PENDING or draft.less == 0
    ]
    return replace(fresh, movements=resolved)
