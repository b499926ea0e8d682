"""Random histories of a book: every verb that writes, compared with the model.

Each example is its own mutuelle in one database.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.book import (
    Journal,
    Movement,
    Origin,
    Phase,
    Posted,
    Reservation,
    Voucher,
    open_accounts,
    post,
    reverse,
)
from ledger.periods import close_period, period_totals, reopen_period
from ledger.reservations import DueReservation, due_reservations, expire, reserve, settle_reservation, void
from ledger.transfers import Transfer, transfer
from tests.support.ledger_drafts import CASH, DAYS, DEADLINES, DRAFTS, MOVEMENTS, PAYOUTS, Draft, chart, write
from tests.support.ledger_model import Model
from tests.support.ledger_scene import FLOAT, TODAY, TRANSPORT_CASH

T = TypeVar("T")
TICK = text("select ledger.tick()::text")
PICK = st.integers(0, 50)
FUNDING_MINOR = 3000  # of each limited account: some drafts want more
_tenants = itertools.count(1)


class OneWriter(RuleBasedStateMachine):
    """Model and ledger side by side; `done` counts over all examples."""

    pool: ClassVar[AsyncEngine]
    runner: ClassVar[asyncio.Runner]
    done: ClassVar[Counter[str]] = Counter()

    @initialize()
    def open_the_chart(self) -> None:
        self.mutuelle = f"M{next(_tenants)}"
        self.model = Model(datetime.now(UTC).date())
        self.sent: list[Journal] = []
        self.ticks = [0]
        accounts = chart(self.mutuelle)
        self.run(lambda db: open_accounts(db, accounts))
        for account in accounts:
            self.model.open(account)
        for code, pick in itertools.product((CASH, PAYOUTS, TRANSPORT_CASH), (1, 3)):
            self.fund(code, pick)

    def fund(self, code: str, pick: int) -> None:
        """Put money on a limited account, more of it for later days."""
        income = f"{code.partition(':')[0]}:contributions"
        given = self.voucher(pick).journal([Movement(code, income, FUNDING_MINOR // 2, "XOF")])
        [answered] = self.run(lambda db: post(db, [given]))
        self.expect(answered, given)

    def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in its own transaction, and give the model its tick."""

        async def in_transaction() -> T:
            async with self.pool.begin() as db:
                answered = await work(db)
                self.model.tick = int(await db.scalar(TICK) or 0)
                return answered

        return self.runner.run(in_transaction())

    def key(self) -> str:
        self.done["keys"] += 1
        return str(self.done["keys"])

    def voucher(self, pick: int) -> Voucher:
        """A voucher, mostly with a new key, sometimes with that of another verb."""
        key = "again" if pick % 7 == 0 else self.key()
        return Voucher(self.mutuelle, "verb", key, "k", DAYS[pick % len(DAYS)], "worker", "why")

    def expect(self, answered: Posted, journal: Journal) -> None:
        """The ledger's answer for this journal is the model's."""
        assert answered == self.model.post(journal)
        self.sent.append(journal)
        self.count(answered)

    def count(self, answered: Posted) -> None:
        self.done[f"{answered.verdict} {answered.reason or ''}".strip()] += 1

    def written(self, drafts: Sequence[Draft]) -> list[Journal]:
        batch: list[Journal] = []
        stands = [booked.journal for booked in self.model.booked.values() if booked.journal.movements]
        for draft in drafts:
            known = self.sent if draft.pick % 5 == 0 or draft.how in ("repeat", "change") else stands
            batch.append(write(draft, self.mutuelle, self.key(), [*known, *batch]))
        return batch

    @rule(drafts=st.lists(DRAFTS, max_size=8), together=st.booleans())
    def post_some(self, drafts: Sequence[Draft], together: bool) -> None:
        batch = self.written(drafts)

        async def posted(db: AsyncConnection) -> list[Posted]:
            if together:
                return await post(db, batch)
            return [(await post(db, [journal]))[0] for journal in batch]

        for answered, journal in zip(self.run(posted), batch, strict=True):
            self.expect(answered, journal)

    @rule(pick=PICK, key=st.sampled_from("abc"))
    def reverse_one(self, pick: int, key: str) -> None:
        booked = [b.journal for b in self.model.booked.values() if b.journal.movements]
        if not booked:
            return
        old = booked[pick % len(booked)]
        swapped = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in old.movements]
        facts = ("reversal", TODAY, "treasurer", "error")
        mirror = Journal(self.mutuelle, "r", key, *facts, swapped, reverses=old.id)
        said = {"source": "r", "key": key, "actor": "treasurer", "reason": "error"}
        answered = self.run(lambda db: reverse(db, self.mutuelle, old.id, TODAY, Origin(**said)))
        self.expect(answered, mirror)

    @rule(movements=st.lists(MOVEMENTS, min_size=1, max_size=2), pick=PICK, until=st.sampled_from(DEADLINES))
    def reserve_some(self, movements: Sequence[Movement], pick: int, until: datetime | None) -> None:
        plain = [Movement(m.debit, m.credit, m.amount_minor, m.currency) for m in movements]
        voucher = self.voucher(pick)
        answered, names = self.run(lambda db: reserve(db, voucher, plain, until))
        pending = [
            Movement(m.debit, m.credit, m.amount_minor, m.currency, Phase.PENDING, None, until) for m in plain
        ]
        self.expect(answered, voucher.journal(pending))
        if answered.journal_id:
            assert names == [Reservation(answered.journal_id, nth) for nth in range(1, len(plain) + 1)]

    @rule(pick=PICK, part=st.sampled_from([None, None, 1, 400]), frees=st.booleans())
    def resolve_one(self, pick: int, part: int | None, frees: bool) -> None:
        every = self.model.reservations()
        if not every:
            return
        (reservation, old), voucher = every[pick % len(every)], self.voucher(pick)
        if frees:
            answered = self.run(lambda db: void(db, voucher, reservation))
        else:
            answered = self.run(lambda db: settle_reservation(db, voucher, reservation, part))
        phase, amount = (Phase.VOID, None) if frees else (Phase.POST, part)
        resolving = Movement(
            old.debit, old.credit, amount or old.amount_minor, old.currency, phase, reservation
        )
        self.expect(answered, voucher.journal([resolving]))

    @rule()
    def expire_what_is_due(self) -> None:
        async def expired(db: AsyncConnection) -> tuple[list[DueReservation], list[Posted]]:
            due = [one for one in await due_reservations(db, 100_000) if one.mutuelle == self.mutuelle]
            return due, await expire(db, due, TODAY)

        due, answered = self.run(expired)
        now = datetime.now(UTC)
        assert {one.reservation for one in due} == {
            r for r, m in self.model.held() if m.expires_at and m.expires_at <= now
        }
        for one, answer in zip(due, answered, strict=True):
            assert answer.stands
            m = one.movement
            freed = Movement(m.debit, m.credit, m.amount_minor, m.currency, Phase.EXPIRE, one.reservation)
            key = f"{one.reservation.journal_id} {one.reservation.position} {TODAY}"
            kind, why = "reservation expired", "its deadline has passed"
            self.expect(answer, Journal(self.mutuelle, kind, key, kind, TODAY, "ledger", why, [freed]))

    @rule(pick=PICK, source=st.sampled_from([CASH, PAYOUTS, FLOAT]), amount=st.sampled_from([1, 500, 2000]))
    def transfer_some(self, pick: int, source: str, amount: int) -> None:
        order, voucher = Transfer(source, TRANSPORT_CASH, amount, "XOF"), self.voucher(pick)
        self.expect(self.run(lambda db: transfer(db, voucher, order)), voucher.journal(order.movements()))

    @rule(days=st.sampled_from([0, 1, 30, 300, 450]), key=st.sampled_from("pqrstuv"))
    def close_a_period(self, days: int, key: str) -> None:
        last_on = TODAY - timedelta(days)
        act = self.act(key, "period closed", last_on)
        said = {"source": act.source, "key": key, "actor": act.actor, "reason": act.reason}
        answered = self.run(lambda db: close_period(db, self.mutuelle, last_on, Origin(**said)))
        assert answered == self.model.close(act, last_on)
        self.done[f"close {answered.verdict}"] += 1
        if answered.verdict == "created":
            totals = self.run(lambda db: period_totals(db, self.mutuelle, act.id))
            assert {t.account: (t.cum_debits, t.cum_credits) for t in totals} == {
                t.account: (b.debits, b.credits)
                for t in totals
                for b in [self.model.balance(t.account, last_on)]
            }

    @rule(key=st.sampled_from("pqrstuv"))
    def reopen_a_period(self, key: str) -> None:
        act = self.act(key, "period reopened", TODAY)
        said = {"source": act.source, "key": key, "actor": act.actor, "reason": act.reason}
        answered = self.run(lambda db: reopen_period(db, self.mutuelle, Origin(**said)))
        assert answered == self.model.reopen(act)
        self.done[f"reopen {answered.verdict}"] += 1

    def act(self, key: str, kind: str, on: date) -> Journal:
        return Journal(self.mutuelle, "period", key, kind, on, "treasurer", "end of the month", [])
