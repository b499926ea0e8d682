"""What operators say that accounts hold, beside the book and the statements; fees that an answer tells."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from commands.reconcile import lines_of
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest
from mutuelle import tables
from mutuelle.contributions.collection import Round, collect
from mutuelle.contributions.operator_balances import END_OF_DAY, ToldBalance, ask_balances, wish_balances
from mutuelle.schedules.jobs import run_schedules
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.reconciliation import BALANCE_DIFFERS, FEE_DIFFERS, Reconciliation, reconcile
from tests.support.officer_acts import broken
from tests.support.operators import connected_to
from tests.support.statements import books, taken
from tests.support.town import AWA, MARIAM, NOON, Clock, found_town, join

ACCOUNT, FLOAT = "simulated-ML", "health:float:simulated-ML"
AHEAD = "schedule_fires"  # by PostgreSQL's own time the schedules of the test's day are late
WITH_FEE = "date;id;payer;amount;fee;currency;note"


@dataclass
class TellingStub:
    """A wallet that begins with `held_minor`, takes what is asked for at once, and keeps a fee of it."""

    held_minor: int = 0
    fee_minor: int | None = None
    tells: bool = True
    taken: set[str] = field(default_factory=set)

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        return OperatorAnswer(Outcome.UNKNOWN)

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        self.taken.add(str(ask.reference))
        self.held_minor += ask.amount_minor - (self.fee_minor or 0)
        return OperatorAnswer(Outcome.ACCEPTED)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        facts = (ask.amount_minor, ask.currency, ask.phone, f"T{ask.reference}", NOON + timedelta(seconds=6))
        return OperatorAnswer(Outcome.PAID, *facts, fee_minor=self.fee_minor)

    async def balance_minor(self) -> int | None:
        return self.held_minor if self.tells else None


@pytest.fixture
def wallet() -> TellingStub:
    return TellingStub()


@pytest.fixture
async def house(pool: AsyncEngine, wallet: TellingStub, clock: Clock) -> Round:
    await found_town(pool)
    clock.now = NOON + timedelta(seconds=5)
    return Round(pool, ["simulated"], connected_to(wallet), "http://127.0.0.1", timing.Clock(clock))


async def is_paid(house: Round, clock: Clock) -> None:
    """The payments that wait are asked for and settled."""
    await collect(house)
    clock.now += timedelta(seconds=10)
    await collect(house)


async def at_night(house: Round, clock: Clock) -> None:
    """The end of the mutuelle's day: the clock wishes for balances, the worker asks for them."""
    await run_schedules(house.pool, house.clock)
    clock.now = clock.now.replace(hour=23, minute=51)
    await run_schedules(house.pool, house.clock)
    await ask_balances(house)


async def compared(house: Round) -> Reconciliation:
    async with house.pool.connect() as db:
        return await reconcile(db, await get_mutuelle(db, "BEN"), house.clock())


async def differing(house: Round) -> list[tuple[str, int]]:
    return [(one.kind, one.amount.amount_minor) for one in (await compared(house)).differences]


async def test_at_the_end_of_the_day_the_operator_says_what_the_book_says(house: Round, clock: Clock) -> None:
    await join(house.pool, AWA, at=NOON)
    await is_paid(house, clock)
    await at_night(house, clock)
    (held,) = (await compared(house)).balances
    assert (held.account, held.told.told_minor, held.told.booked_minor) == (ACCOUNT, 12_000, 12_000)
    assert (held.unexplained_minor, held.told.at) == (0, clock.now)
    assert await differing(house) == []
    assert {one for one in await broken(house.pool) if not one.startswith(AHEAD)} == set()


async def test_what_a_wallet_had_before_the_book_is_said_and_is_no_new_difference(
    house: Round, wallet: TellingStub, clock: Clock
) -> None:
    wallet.held_minor = 7_000
    await join(house.pool, AWA, at=NOON)
    await is_paid(house, clock)
    await at_night(house, clock)
    assert await differing(house) == []
    told = next(
        line for line in lines_of(await compared(house), clock.now) if ACCOUNT in line and "says" in line
    )
    assert "booked 12 000 F, the operator says 19 000 F" in told.replace("\xa0", " ")
    assert "7 000 F that were there before" in told.replace("\xa0", " ")


async def test_money_that_moved_without_the_book_is_a_difference_until_it_is_booked(
    house: Round, wallet: TellingStub, clock: Clock
) -> None:
    await join(house.pool, AWA, at=NOON)
    await is_paid(house, clock)
    await at_night(house, clock)
    wallet.held_minor += 5_000  # somebody paid to the merchant code
    clock.now += timedelta(hours=12)
    await at_night(house, clock)
    assert await differing(house) == [(BALANCE_DIFFERS, 5_000)]
    assert any("THE OPERATOR DIFFERS" in line for line in lines_of(await compared(house), clock.now))
    await books(house.pool, FLOAT, "deposit", 5_000, clock.now.date())
    clock.now += timedelta(hours=12)
    await at_night(house, clock)
    assert await differing(house) == []


async def test_what_is_under_way_is_no_difference(house: Round, wallet: TellingStub, clock: Clock) -> None:
    await at_night(house, clock)
    await join(house.pool, AWA, at=clock.now)
    clock.now += timedelta(seconds=5)
    await collect(house)  # taken at the operator, not settled yet
    assert wallet.held_minor == 12_000
    clock.now += timedelta(hours=23, minutes=50)
    await at_night(house, clock)
    (held,) = (await compared(house)).balances
    assert (held.told.told_minor, held.told.booked_minor, held.unexplained_minor) == (12_000, 0, 0)


async def test_who_does_not_tell_is_asked_again_and_in_the_end_left(
    house: Round, wallet: TellingStub, clock: Clock
) -> None:
    wallet.tells = False
    await at_night(house, clock)
    for _try in range(20):
        clock.now += timedelta(minutes=11)
        assert await ask_balances(house) == 0
    async with house.pool.connect() as db:
        assert await db.scalar(select(tables.operator_balance.c.tries)) == 12
    assert (await compared(house)).balances == []


async def test_after_a_statement_the_balance_is_asked_and_stands_beside_its_closing(
    house: Round, wallet: TellingStub, clock: Clock
) -> None:
    await join(house.pool, AWA, at=NOON)
    await is_paid(house, clock)
    async with house.pool.connect() as db:
        ours = await db.scalar(select(tables.payment.c.reference))
    day = NOON.date()
    lines = [f"{day};T1;;12000;XOF;{ours}", f"{day};T2;;-120;XOF;frais"]
    wallet.held_minor -= 120
    await taken(house.pool, lines, name=ACCOUNT, now=clock.now)
    assert await ask_balances(house) == 1
    (held,) = (await compared(house)).balances
    assert (held.told.told_minor, held.told.booked_minor, held.unexplained_minor) == (11_880, 11_880, 0)
    assert (held.stated_on, held.stated_minor, held.booked_then_minor) == (day, 11_880, 11_880)


async def test_a_fee_that_the_answer_tells_is_kept_not_posted_and_compared_with_the_statement(
    house: Round, wallet: TellingStub, clock: Clock
) -> None:
    async with house.pool.begin() as db:
        await wish_balances(db, "BEN", END_OF_DAY, clock.now)
    assert await ask_balances(house) == 1
    wallet.fee_minor = 100
    for phone in (AWA, MARIAM):
        await join(house.pool, phone, at=NOON, name="Mariam Sangaré")
    await is_paid(house, clock)
    await at_night(house, clock)
    (held,) = (await compared(house)).balances
    assert (held.told.told_minor, held.told.booked_minor, held.unexplained_minor) == (23_800, 24_000, 0)
    async with house.pool.connect() as db:
        rows = (await db.execute(select(tables.payment.c.reference, tables.payment.c.fee_minor))).all()
        posted = await db.scalar(text("select count(*) from ledger.entry where account = 'health:fees'"))
    assert ([row.fee_minor for row in rows], posted) == ([100, 100], 0)
    day = NOON.date()
    lines = [f"{day};T{nth};;12000;{100 + 50 * nth};XOF;{row.reference}" for nth, row in enumerate(rows)]
    await taken(house.pool, lines, name=ACCOUNT, head=WITH_FEE, now=clock.now)
    assert await differing(house) == [(FEE_DIFFERS, 50)]
    assert {one for one in await broken(house.pool) if not one.startswith(AHEAD)} == set()


AMOUNTS = st.integers(0, 100_000)


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.integers(1, 10_000))
def test_a_balance_differs_by_what_neither_the_way_nor_the_beginning_explains(
    base: int, booked: int, less: int, more: int, stolen: int
) -> None:
    first = ToldBalance(ACCOUNT, NOON, base, 0, 0, 0, 0)
    fits = ToldBalance(ACCOUNT, NOON, base + booked + more, booked, 0, less, more)
    assert fits.gap_since(first) == 0
    assert replace(fits, told_minor=base + booked - less).gap_since(first) == 0
    assert replace(fits, told_minor=base + booked + more + stolen).gap_since(first) == stolen
    empty = ToldBalance(ACCOUNT, NOON, 0, 0, 0, 0, 0)
    assert replace(fits, told_minor=booked - less - stolen).gap_since(empty) == -stolen
