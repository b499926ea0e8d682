"""Every way to read the book, while it is folded and sealed at random: no answer may depend on that."""

from datetime import date, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.balances import balance, balance_as_known
from ledger.folding import fold
from ledger.periods import closed_through
from ledger.reports import trial_balance
from ledger.reservations import held
from ledger.seals import newest, seal, seal_block, verify
from ledger.statements import Cursor, DayRange, Entry, statement_page, statements
from tests.support.ledger_drafts import CODES, DAYS, HEALTH
from tests.support.ledger_horizon import settled
from tests.support.ledger_machine import PICK
from tests.support.ledger_machine_writers import ManyWriters
from tests.support.ledger_model import Line
from tests.support.ledger_scene import TODAY, TRANSPORT_CASH

ASKED = st.sampled_from([*CODES, "health:member", "health:bank:unknown"])
AS_OF = st.one_of(st.none(), st.sampled_from(DAYS), st.dates(TODAY - timedelta(500), TODAY + timedelta(5)))


class BookMachine(ManyWriters):
    """The whole state machine: writers and readers."""

    @rule(most=st.sampled_from([1, 2, 5000]))
    def fold_some(self, most: int) -> None:
        self.done["folded"] += self.run(lambda db: fold(db, self.mutuelle, most))

    @rule(most=st.sampled_from([1, 3, 50_000]))
    def seal_some(self, most: int) -> None:
        sealed = self.run(lambda db: seal_block(db, self.mutuelle, most))
        last = self.run(lambda db: newest(db, self.mutuelle))
        assert (sealed is None) or (last is not None and last.root == sealed.root)
        if sealed and last:
            self.done["sealed"] += sealed.journals
            self.ticks.append(last.upto)

    @rule(code=ASKED, as_of=AS_OF)
    def read_a_balance(self, code: str, as_of: date | None) -> None:
        assert self.run(lambda db: balance(db, self.mutuelle, code, as_of)) == self.model.balance(code, as_of)

    @rule(code=ASKED, as_of=AS_OF, pick=PICK)
    def read_what_was_known(self, code: str, as_of: date | None, pick: int) -> None:
        tick = self.ticks[pick % len(self.ticks)]
        answered = self.run(lambda db: balance_as_known(db, self.mutuelle, code, tick, as_of))
        assert answered == self.model.balance(code, as_of, tick)

    @rule(as_of=AS_OF)
    def read_the_trial_balance(self, as_of: date | None) -> None:
        lines = self.run(lambda db: trial_balance(db, self.mutuelle, as_of))
        expected = self.model.trial_balance(as_of)
        assert {line.account: (line.debit, line.credit) for line in lines} == {
            code: (found.debits, found.credits) for code, found in expected.items()
        }

    @rule(code=st.sampled_from([*HEALTH, TRANSPORT_CASH]))
    def read_what_is_held(self, code: str) -> None:
        answered = self.run(lambda db: held(db, self.mutuelle, code))
        due = [m for _, m in self.model.held()]
        assert answered.debits == sum(m.amount_minor for m in due if m.debit == code)
        assert answered.credits == sum(m.amount_minor for m in due if m.credit == code)

    @rule(
        code=st.sampled_from(CODES),
        size=st.integers(1, 4),
        first_on=st.sampled_from(DAYS),
        days=st.integers(0, 400),
    )
    def read_page_by_page(self, code: str, size: int, first_on: date, days: int) -> None:
        last_on = first_on + timedelta(days)
        answered = self.run(lambda db: self.pages(db, code, size, first_on, last_on))
        expected = [line for line in self.model.statement(code) if first_on <= line[1] <= last_on]
        assert answered == expected

    async def pages(
        self, db: AsyncConnection, code: str, size: int, first_on: date, last_on: date
    ) -> list[Line]:
        lines: list[Line] = []
        after: Cursor | None = None
        running = self.model.balance(code, first_on - timedelta(1))
        while True:
            days = DayRange(first_on, last_on)
            page = await statement_page(db, self.mutuelle, code, days, after=after, size=size)
            assert page.opening == running
            assert len(page.entries) <= size
            lines += map(_line, page.entries)
            if page.next is None:
                return lines
            after, running = page.next, page.next.balance

    def teardown(self) -> None:
        """Compare the whole book, unfolded and folded; every journal is in one block."""
        self.run(self.compare)
        self.runner.run(settled(self.pool))
        self.run(lambda db: fold(db, self.mutuelle))
        self.run(lambda db: seal(db, self.mutuelle))
        self.run(self.compare)
        assert self.run(self.sealed) == len(self.model.booked)

    async def sealed(self, db: AsyncConnection) -> int:
        verdicts = [verdict async for verdict in verify(db, self.mutuelle)]
        assert [verdict.fault for verdict in verdicts if verdict.fault] == []
        return sum(verdict.seal.journals for verdict in verdicts)

    async def compare(self, db: AsyncConnection) -> None:
        assert await closed_through(db, self.mutuelle) == self.model.closed_through
        for code, entries in (await statements(db, self.mutuelle, CODES)).items():
            assert [*map(_line, entries)] == self.model.statement(code)
            assert await balance(db, self.mutuelle, code) == self.model.balance(code)


def _line(entry: Entry) -> Line:
    """An entry in the model's form."""
    sides = (entry.debit, entry.credit, entry.counter_account)
    return entry.journal_id, entry.effective_on, entry.occurred_on, *sides, entry.reversed
