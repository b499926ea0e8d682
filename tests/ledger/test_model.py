"""The ledger against its model: random batches, queries of every kind, each answer compared whole."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from invariants import examine
from ledger.book import Account, Journal, Movement, Posted, balance, open_accounts, post, reverse, statements
from ledger.checks import CHECKS
from ledger.reports import trial_balance
from tests.conftest import Database
from tests.ledger.drafts import DRAFTS, Draft, write
from tests.ledger.model import Model
from tests.ledger.scene import CHART, TODAY

T = TypeVar("T")
CODES = st.sampled_from([*(account.code for account in CHART), "health:bank:unknown"])
_tenants = itertools.count(1)


class BookMachine(RuleBasedStateMachine):
    """Each example is a mutuelle of its own in one database."""

    pool: AsyncEngine
    runner: asyncio.Runner

    @initialize()
    def open_the_chart(self) -> None:
        self.mutuelle = f"M{next(_tenants)}"
        accounts = [Account(self.mutuelle, a.code, a.currency) for a in CHART]
        self.model = Model({a.code: a for a in accounts}, datetime.now(UTC).date() + timedelta(366))
        self.sent: list[Journal] = []

        async def opened(db: AsyncConnection) -> None:
            await open_accounts(db, accounts)

        self.run(opened)

    def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def in_transaction() -> T:
            async with self.pool.begin() as db:
                return await work(db)

        return self.runner.run(in_transaction())

    @rule(drafts=st.lists(DRAFTS, max_size=6), together=st.booleans())
    def post_some(self, drafts: Sequence[Draft], together: bool) -> None:
        batch: list[Journal] = []
        for draft in drafts:
            known = [*self.sent, *batch]
            batch.append(write(draft, self.mutuelle, len(known), known))
        expected = [self.model.post(journal) for journal in batch]
        self.sent += batch

        async def posted(db: AsyncConnection) -> list[Posted]:
            if together:
                return await post(db, batch)
            return [(await post(db, [journal]))[0] for journal in batch]

        assert self.run(posted) == expected

    @rule(pick=st.integers(0, 50), key=st.sampled_from("abc"))
    def reverse_one(self, pick: int, key: str) -> None:
        booked = list(self.model.journals.values())
        if not booked:
            return
        old = booked[pick % len(booked)]
        swapped = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in old.movements]
        facts = ("reversal", TODAY, "treasurer", "error")
        mirror = Journal(self.mutuelle, "r", key, *facts, swapped, reverses=old.id)

        async def reversed_(db: AsyncConnection) -> Posted:
            said = {"actor": "treasurer", "reason": "error"}
            return await reverse(db, self.mutuelle, old.id, source="r", key=key, effective_on=TODAY, **said)

        assert self.run(reversed_) == self.model.post(mirror)
        self.sent.append(mirror)

    @rule(code=CODES, as_of=st.one_of(st.none(), st.dates(TODAY - timedelta(500), TODAY)))
    def read_a_balance(self, code: str, as_of: date | None) -> None:
        told = self.run(lambda db: balance(db, self.mutuelle, code, as_of))
        assert told == self.model.balance(code, as_of)

    @invariant()
    def statements_and_totals_agree(self) -> None:
        self.run(self.compare)

    async def compare(self, db: AsyncConnection) -> None:
        lines = {line.account: line for line in await trial_balance(db, self.mutuelle)}
        for code, entries in (await statements(db, self.mutuelle, list(self.model.accounts))).items():
            told = [(e.journal_id, e.debit, e.credit, e.counter_account, e.reversed) for e in entries]
            assert sorted(told) == sorted(self.model.statement(code))
            assert [e.effective_on for e in entries] == sorted(e.effective_on for e in entries)
            expected, line = self.model.balance(code, None), lines.get(code)
            totals = (line.debit, line.credit) if line else (0, 0)
            assert totals == (expected.debits, expected.credits)

    def teardown(self) -> None:
        findings = self.run(lambda db: examine(db, CHECKS))
        assert [finding for finding in findings if not finding.holds] == []


def test_the_ledger_answers_as_its_model(database: Database) -> None:
    with asyncio.Runner() as runner:
        BookMachine.runner = runner
        BookMachine.pool = create_async_engine(database.url)
        few = settings(
            max_examples=60, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        )
        run_state_machine_as_test(BookMachine, settings=few)
        runner.run(BookMachine.pool.dispose())
