"""The ledger against its model: random batches, queries of every kind, each answer compared whole."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from invariants import examine
from ledger.book import (
    MAX_AMOUNT_MINOR,
    Account,
    Journal,
    Movement,
    Phase,
    Reservation,
    balance,
    open_accounts,
    post,
    reverse,
    statements,
)
from ledger.checks import CHECKS
from ledger.reports import trial_balance
from tests.conftest import Database
from tests.ledger.model import Model
from tests.ledger.scene import AWA, CHART, CONTRIBUTIONS, DOUALA_CASH, FLOAT, MOUSSA, TODAY, TRANSPORT_CASH

T = TypeVar("T")
Draft = tuple[tuple[str, Any], str, str, date, Random]

HEALTH = [AWA, MOUSSA, FLOAT, CONTRIBUTIONS]
CODES = st.sampled_from([*HEALTH, TRANSPORT_CASH, DOUALA_CASH, "health:bank:x"])
DATES = st.sampled_from([TODAY, TODAY - timedelta(1), TODAY - timedelta(400)])
MOVEMENTS = st.builds(
    lambda sides, amount, phase: Movement(*sides, amount, "XOF", phase),
    st.sampled_from(list(itertools.permutations(HEALTH, 2))),
    st.sampled_from([1, 500, 2000, MAX_AMOUNT_MINOR]),
    st.sampled_from([Phase.SINGLE, Phase.SINGLE, Phase.PENDING]),
)
FRESH = st.tuples(st.just("fresh"), st.lists(MOVEMENTS, min_size=1, max_size=3))
REPEAT = st.tuples(st.just("repeat"), st.booleans())
MIRROR = st.tuples(st.just("mirror"), st.booleans())
RESOLVE = st.tuples(
    st.just("resolve"),
    st.tuples(st.sampled_from([Phase.POST, Phase.VOID]), st.sampled_from([0, 0, 0, 1, -1])),
)
SPOILT: dict[str, Callable[[Journal], Journal]] = {
    "": lambda journal: journal,
    "key": lambda journal: replace(journal, key=" "),
    "actor": lambda journal: replace(journal, actor="  "),
    "reason": lambda journal: replace(journal, reason=""),
    "long ago": lambda journal: replace(journal, effective_on=date(1999, 12, 31)),
    "far ahead": lambda journal: replace(journal, effective_on=date(2090, 1, 1)),
    "nothing": lambda journal: replace(journal, movements=[]),
    "reverses": lambda journal: replace(journal, reverses=UUID(int=1)),
    **{
        name: lambda journal, change=change: replace(  # type: ignore[misc]
            journal, movements=[replace(m, **change) for m in journal.movements]
        )
        for name, change in {}.items()
    },
}
DRAFTS = st.lists(
    st.tuples(
        st.one_of(FRESH, FRESH, FRESH, REPEAT, MIRROR, RESOLVE, RESOLVE),
        DATES,
        st.sampled_from([""] * len(SPOILT) * 3 + list(SPOILT)),
        st.randoms(),
    ),
    max_size=6,
)

_tenants = itertools.count(1)


class BookMachine(RuleBasedStateMachine):
    """Each example is a mutuelle of its own in one database."""

    pool: AsyncEngine
    runner: asyncio.Runner

    @initialize()
    def open_the_chart(self) -> None:
        self.mutuelle = f"M{next(_tenants)}"
        accounts = {a.code: Account(self.mutuelle, a.code, a.currency) for a in CHART}
        self.model = Model(accounts, datetime.now(UTC).date() + timedelta(366))
        self.sent: list[Journal] = []
        self.run(lambda db: open_accounts(db, list(accounts.values())))

    def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def in_transaction() -> T:
            async with self.pool.begin() as db:
                return await work(db)

        return self.runner.run(in_transaction())

    def draft(self, drawn: Draft, batch: list[Journal]) -> Journal:
        (how, what), key, text, effective_on, random = drawn
        known = [*self.sent, *batch]
        if how == "repeat" and known:
            old = random.choice(known)
            return random.choice([old, replace(old, reason="another reason")])
        movements: list[Movement] = what if how == "fresh" else []
        reverses: UUID | None = None
        if how == "mirror" and known:
            original = random.choice(known)
            reverses = original.id
            movements = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in original.movements]
        if how == "resolve" and known:
            original = random.choice([j for j in known if j.movements] or known)
            phase, off = what
            movements = [
                Movement(
                    m.debit, m.credit, m.amount_minor + off, m.currency, phase, Reservation(original.id, n)
                )
                for n, m in enumerate(original.movements, 1)
            ]
        return Journal(
            self.mutuelle, "s", key, "k", effective_on, text, text, movements, reverses, {"n": key}
        )

    @rule(drafts=DRAFTS, together=st.booleans())
    def post_some(self, drafts: Sequence[Draft], together: bool) -> None:
        batch: list[Journal] = []
        for drawn in drafts:
            batch.append(self.draft(drawn, batch))
        expected = [self.model.post(journal) for journal in batch]
        if together:
            assert self.run(lambda db: post(db, batch)) == expected
        else:
            assert [self.run(lambda db, j=j: post(db, [j]))[0] for j in batch] == expected
        self.sent += batch

    @rule(random=st.randoms(), key=KEYS)
    def reverse_one(self, random: Random, key: str) -> None:
        original = random.choice(self.sent) if self.sent else None
        if original is None or original.id not in self.model.journals:
            return
        old = self.model.journals[original.id]
        swapped = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in old.movements]
        mirror = Journal(self.mutuelle, "r", key, "reversal", TODAY, "treasurer", "error", swapped, old.id)
        facts: dict[str, Any] = {
            "source": "r",
            "key": key,
            "effective_on": TODAY,
            "actor": "treasurer",
            "reason": "error",
        }
        expected = self.model.post(mirror)
        assert self.run(lambda db: reverse(db, self.mutuelle, old.id, **facts)) == expected
        self.sent.append(mirror)

    @rule(code=CODES, as_of=st.one_of(st.none(), DATES))
    def read_a_balance(self, code: str, as_of: date | None) -> None:
        assert self.run(lambda db: balance(db, self.mutuelle, code, as_of)) == self.model.balance(code, as_of)

    @invariant()
    def statements_and_totals_agree(self) -> None:
        self.run(self.compare)

    async def compare(self, db: AsyncConnection) -> None:
        codes = list(self.model.accounts)
        for code, entries in (await statements(db, self.mutuelle, codes)).items():
            told = [(e.journal_id, e.debit, e.credit, e.counter_account, e.reversed) for e in entries]
            assert sorted(told) == sorted(self.model.statement(code))
            assert [e.effective_on for e in entries] == sorted(e.effective_on for e in entries)
        lines = {line.account: line for line in await trial_balance(db, self.mutuelle)}
        for code in codes:
            expected = self.model.balance(code, None)
            line = lines.get(code)
            totals = (line.debit, line.credit) if line else (0, 0)
            assert totals == (expected.debits, expected.credits)

    def teardown(self) -> None:
        findings = self.run(lambda db: examine(db, CHECKS))
        assert [finding for finding in findings if not finding.holds] == []


def test_the_ledger_answers_as_its_model(database: Database) -> None:
    with asyncio.Runner() as runner:
        BookMachine.runner = runner
        BookMachine.pool = create_async_engine(database.url)
        run_state_machine_as_test(
            BookMachine,
            settings=settings(
                max_examples=80,
                stateful_step_count=12,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(BookMachine.pool.dispose())
