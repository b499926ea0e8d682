"""Random lives of households that payers pay for, whole or in part, while payers pay late, early, or never.

Whatever happens: what members and payers owe and what was received is what was called; cover does not depend on when a
payer pays; more money never takes cover away.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mutuelle.acts import By
from mutuelle.contributions.payments import PayingPhone
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.cover.rules import Cover, cover
from mutuelle.enrolment.enrolment import pay
from mutuelle.enrolment.paid_for import IMPORT, NewRegime, change_regime, renew_paid_for
from mutuelle.households.households import Household, lock_household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.payer_lists import payer_dues
from tests.support.joined_households import stands, unpaid
from tests.support.officer_acts import broken, calling
from tests.support.payers import COMMUNE, STATE, owes, receives_of_payer, town_with_payers
from tests.support.town import paid

STEPS, BEGUN = 28, datetime(2024, 3, 1, 12, tzinfo=UTC)  # early: the book takes no day far ahead
AHEAD = (0, 1, 20, 45, 100, 200, 364, 366, 400, 500)
# Money that was called, from the policies themselves; money that came, from payments and vouchers.
SUMS = text("""
select (select coalesce(sum(l.contribution_minor + l.registration_minor), 0) from policy l
          join ledger.request r on r.mutuelle_id = l.mutuelle_id and r.source = 'policy'
               and r.key = l.number || '-' || l.sequence and r.verdict = 'created') as called,
       (select coalesce(sum(amount_minor), 0) from payment where state = 'PAID')
           + (select coalesce(sum(amount_minor), 0) from voucher where kind = 'debt received') as received,
       (select coalesce(sum(l.contribution_minor + l.registration_minor - coalesce(s.part_minor, 0)), 0)
          from policy l left join policy_share s using (mutuelle_id, number, sequence)
         where not exists (select from ledger.request r where r.mutuelle_id = l.mutuelle_id and r.source = 'policy'
                             and r.key = l.number || '-' || l.sequence and r.verdict = 'created')) as uncalled
""")


@dataclass
class Lives:
    """A town in which time passes; `homes` are its households, each with its phone."""

    pool: AsyncEngine
    chance: Random
    now: datetime = BEGUN
    homes: list[tuple[Household, str]] = field(default_factory=list)

    async def joins(self) -> None:
        phone = f"+2237600{len(self.homes):04}"
        household = await unpaid(self.pool, phone, name="Awa Koné", at=self.now)
        self.homes.append((household, phone))

    async def changes(self) -> None:
        """Another regime, or none, from the list of a payer."""
        household, _phone = self.chance.choice(self.homes)
        code = self.chance.choice(("indigents", "aide", None))
        until = self.chance.choice((None, self.now.date() + timedelta(days=self.chance.randint(0, 500))))
        async with self.pool.begin() as db:
            assert await lock_household(db, household.number)
            new = NewRegime(code, self.now.date(), until)
            await change_regime(db, household, new, by=By(IMPORT, "a list", self.now))

    async def pays(self) -> None:
        """A household pays a part or all of what it is asked for; then nobody loses a covered day."""
        household, phone = self.chance.choice(self.homes)
        now = await stands(self.pool, household, self.now)
        if not now.payable.amount_minor:
            return
        amount = self.chance.choice((now.least_payment, now.payable))
        before = await self.covered(household.number)
        async with self.pool.begin() as db:
            await pay(
                db,
                calling(phone, self.now),
                number=household.number,
                amount=amount,
                terms=now.payment_terms,
                payer=PayingPhone(phone),
            )
        await paid(self.pool, household, at=self.now)
        assert before <= await self.covered(household.number)

    async def payer_pays(self) -> None:
        """Some of what it owes; no cover of anybody moves by a day."""
        payer = self.chance.choice((COMMUNE, STATE))
        if owed := await owes(self.pool, payer):
            before = await self.covers()
            await receives_of_payer(self.pool, self.chance.randint(1, owed), payer, at=self.now)
            assert await self.covers() == before

    async def waits(self) -> None:
        self.now += timedelta(days=self.chance.choice((1, 10, 30, 90, 180)))
        async with self.pool.begin() as db:
            await renew_paid_for(db, "BEN", self.now)

    async def covers(self) -> dict[str, list[Cover]]:
        """Everybody's cover on days to come, without more money."""
        async with self.pool.connect() as db:
            insured = await self._insured(db)
        return {number: [cover(one.periods, day) for day in self._days()] for number, one in insured.items()}

    async def covered(self, number: str) -> set[date]:
        async with self.pool.connect() as db:
            periods = (await self._insured(db))[number].periods
        return {day for day in self._days() if cover(periods, day).is_covered}

    async def expect_all_is_called(self) -> None:
        async with self.pool.connect() as db:
            sums = (await db.execute(SUMS)).one()
            insured = await self._insured(db)
            dues = await payer_dues(db, await get_mutuelle(db, "BEN"), self.now.date())
        members = sum(one.due.amount_minor - one.credit.amount_minor for one in insured.values())
        payers = sum(due.left.amount_minor for of in dues for due in of.dues)
        assert members - sums.uncalled + payers + sums.received == sums.called
        assert payers == await owes(self.pool, COMMUNE) + await owes(self.pool, STATE)

    async def _insured(self, db: AsyncConnection) -> dict[str, Insured]:
        return await portfolio(db, await get_mutuelle(db, "BEN"), self.now.date())

    def _days(self) -> list[date]:
        return [self.now.date() + timedelta(days=ahead) for ahead in AHEAD]


@pytest.mark.parametrize("seed", range(4))
async def test_members_and_payers_owe_what_was_called_and_not_received(pool: AsyncEngine, seed: int) -> None:
    await town_with_payers(pool)
    lives = Lives(pool, Random(seed))
    await lives.joins()
    steps = (lives.joins, lives.changes, lives.changes, lives.pays, lives.pays, lives.payer_pays, lives.waits)
    for _step in range(STEPS):
        await lives.chance.choice(steps)()
        await lives.expect_all_is_called()
    assert await broken(pool) == set()
