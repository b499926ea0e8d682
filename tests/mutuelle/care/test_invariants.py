"""The invariants of codes and answers: cover worked out a second time in SQL, and a mutant that breaks each of them."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from ledger import tables as ledger_tables
from ledger.book import Origin, reverse
from mutuelle.care.invariants import INVARIANTS
from mutuelle.care.tables import eligibility_check
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from mutuelle.tables import household_phone
from tests.support.doctor_desk import calling, check, covered_household, give_card, make, other_than
from tests.support.town import AWA, MARIAM, NOON, heard, join, paid

DAY = timedelta(days=1)
CARELESS = """
    insert into failed_check (mutuelle_id, number, doctor_phone, facility_id, channel, reason, tried_at)
    select 'BEN', '199000010', phone, facility_id, 'sms', 'code', '2026-11-22 12:00Z'
    from doctor, generate_series(1, 31)
"""
# Seven more answers without a code to each of these doctors, all told to those who must know.
WITHOUT_CODE = """
    with given as (
        insert into eligibility_check (mutuelle_id, reference, number, rank, doctor_phone, facility_id, channel,
            asked_at, covered, state, until_on, policy_sequence, policies_known)
        select c.mutuelle_id, 'W' || translate(right(d.phone, 1), '01', 'ZY') || (2222 + n), number, rank,
            d.phone, c.facility_id, channel, asked_at, covered, state, until_on, policy_sequence, policies_known
        from eligibility_check c, doctor d, generate_series(0, {each} - 1) n where code_position = 1
        returning *)
    insert into sms_outbox (mutuelle_id, key, phone, template, body, is_reply, segments, due_at, created_at)
    select mutuelle_id, told || ' ' || reference || ' 1', '+22376000001', told, 'x', false, 1, asked_at, asked_at
    from given, unnest(array['cover checked', 'check to know']) told
"""
MORE_DOCTORS = """
    insert into doctor (mutuelle_id, phone, name, facility_id, languages, contracted_on)
    select mutuelle_id, '+2237600005' || n, name, facility_id, languages, contracted_on
    from doctor, generate_series(2, 4) n;
"""
BROKEN_BY = {
    "care_code_of_a_known_phone": "update household_phone set doubted_at = since, doubt = 'idle'",
    "check_answer_stands": "update eligibility_check set until_on = until_on + 1",
    "check_used_its_code": "update care_code set used_at = null, ended_at = made_at where card is null",
    "card_code_was_in_hand": "update care_card set handed_at = handed_at + interval '1 hour'",
    "card_has_ten_codes": "delete from care_code where line = 10",
    "check_was_told": "update sms_outbox set key = 'lost ' || key where template = 'cover checked'",
    "check_was_told_to_treasurers": "delete from sms_outbox where template = 'check to know'",
    "care_code_lives_briefly": "update care_code set expires_at = expires_at + interval '1 second'",
    "failed_checks_stop": CARELESS,
    "checks_without_code_stop": WITHOUT_CODE.format(each=6),
    "checks_without_code_stop_in_facility": MORE_DOCTORS + WITHOUT_CODE.format(each=4),
}


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    return await covered_household(pool)


async def broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds]


def test_every_invariant_has_a_mutant() -> None:
    assert set(BROKEN_BY) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize("name", BROKEN_BY)
async def test_each_invariant_is_broken_by_its_mutant_alone(
    pool: AsyncEngine, owner: AsyncEngine, household: Household, name: str
) -> None:
    code = await make(pool, household)
    await check(pool, household.number, other_than(code))
    await check(pool, household.number, code)
    await check(pool, household.number, (await give_card(pool, household))[0])
    await check(pool, household.number, "1981")
    assert await broken(pool) == []
    async with owner.begin() as db:
        for statement in BROKEN_BY[name].split(";"):
            await db.execute(text(statement))
    assert await broken(pool) == [name]


@pytest.mark.parametrize(
    "lie",
    [
        "state = 'expired', covered = false",
        "state = 'in arrears'",
        "state = 'grace'",
        "until_on = null, state = 'unpaid', covered = false",
        "asked_at = asked_at + interval '400 days'",
    ],
)
async def test_an_answer_that_the_books_do_not_give_is_found(
    pool: AsyncEngine, owner: AsyncEngine, household: Household, lie: str
) -> None:
    await check(pool, household.number, await make(pool, household))
    async with owner.begin() as db:
        await db.execute(text(f"update eligibility_check set {lie}"))
    assert "check_answer_stands" in await broken(pool)


async def test_an_answer_stands_whatever_is_learnt_later(pool: AsyncEngine, household: Household) -> None:
    """The receipt is taken back and other money comes: what was said when nobody knew it stays right."""
    half = await join(pool, MARIAM, at=NOON - 30 * DAY, name="Mariam Sangaré", pay_minor=6_000)
    await paid(pool, half, at=NOON - 30 * DAY)
    await check(pool, half.number, await make(pool, half, phone=MARIAM))
    await pay(pool, half, NOON - 29 * DAY)  # dated back, recorded now
    await check(pool, household.number, await make(pool, household))
    await take_back(pool, household)
    assert "NON COUVERT" in await check(pool, household.number, await make(pool, household))
    assert await broken(pool) == []


@pytest.mark.parametrize(
    ("renewed", "read"),
    [
        (
            datetime(2026, 1, 5, 12, tzinfo=UTC),
            "COUVERT le 06/02/2026, jusqu'au 09/01/2027",
        ),  # before the end
        (datetime(2026, 1, 25, 12, tzinfo=UTC), "COUVERT le 06/02/2026, jusqu'au 09/01/2027"),  # in the grace
        (datetime(2026, 2, 5, 12, tzinfo=UTC), "COUVERT le 06/02/2026, jusqu'au 09/01/2027"),
        (
            datetime(2026, 2, 20, 12, tzinfo=UTC),
            "NON COUVERT le 21/02/2026",
        ),  # too late: the month of waiting
    ],
)
async def test_an_answer_after_a_renewal_stands(
    pool: AsyncEngine, household: Household, renewed: datetime, read: str
) -> None:
    began = datetime(2025, 1, 10, 12, tzinfo=UTC)
    other = await join(pool, MARIAM, at=began, name="Mariam Sangaré")
    await paid(pool, other, at=began)
    await give_phone(pool, other)
    await pay(pool, other, renewed)
    at = max(renewed + DAY, datetime(2026, 2, 6, 12, tzinfo=UTC))
    assert read in await check(pool, other.number, await make(pool, other, at=at), at=at)
    assert await broken(pool) == []


@pytest.mark.parametrize("seed", range(4))
async def test_every_answer_in_a_random_life_stands(
    pool: AsyncEngine, household: Household, seed: int
) -> None:
    """Households pay late, in parts, renew, fall out and come back; answers are asked for all along."""
    chance = random.Random(seed)
    at = datetime(2025, 1, 10, 12, tzinfo=UTC)
    households = []
    for nth in range(4):
        phone = f"+2237600010{nth}"
        households.append(
            await join(
                pool, phone, at=at, name="Oumar Diallo", pay_minor=chance.choice([3_000, 6_000, 12_000])
            )
        )
    for other in households:
        await give_phone(pool, other)
    for _step in range(16):
        at += timedelta(days=chance.randrange(5, 90))
        other = chance.choice(households)
        if chance.random() < 0.6:
            await pay(pool, other, at)
        if chance.random() < 0.1:
            await take_back(pool, other)
        async with pool.begin() as db:
            await heard(db, at)
        checked = chance.choice(households)
        proofs = (
            await make(pool, checked, at=at),
            chance.choice(await give_card(pool, checked, at=at)),
            str(at.year - 45),  # of the year in which she joined, or a wrong one
        )
        await check(pool, checked.number, chance.choice(proofs), at=at)
    async with pool.connect() as db:
        states = set(await db.scalars(select(eligibility_check.c.state)))
    assert len(states) >= 3
    assert await broken(pool) == []


async def give_phone(pool: AsyncEngine, household: Household) -> None:
    """Awa's phone speaks for it too."""
    async with pool.begin() as db:
        row = {"mutuelle_id": household.mutuelle_id, "number": household.number, "phone": AWA, "since": NOON}
        await db.execute(insert(household_phone), row)


async def pay(pool: AsyncEngine, household: Household, at: datetime) -> None:
    """The open payment, or else all that is due, or a renewal."""
    async with pool.begin() as db:
        stands = await standing(db, household, at)
        if stands.open_payment is None:
            if not stands.payable.amount_minor:
                return
            await ask_payment(
                db,
                calling(AWA, at),
                household,
                stands.payable,
                PayingPhone(AWA),
                renewal=stands.renewal if stands.renews else None,
            )
    await paid(pool, household, at=at)


async def take_back(pool: AsyncEngine, household: Household) -> None:
    """The last receipt of a household is reversed."""
    entry, journal = ledger_tables.entry, ledger_tables.journal
    async with pool.begin() as db:
        found = await db.execute(
            select(entry.c.journal_id, entry.c.effective_on)
            .join(journal, journal.c.id == entry.c.journal_id)
            .where(entry.c.account == household.account, entry.c.credit > 0, journal.c.reverses_id.is_(None))
            .order_by(journal.c.recorded_at.desc())
            .limit(1)
        )
        row = found.one_or_none()
        if row is not None:
            await reverse(
                db,
                household.mutuelle_id,
                row.journal_id,
                row.effective_on,
                Origin(source="test", key=f"back {row.journal_id}", actor="a test", reason="taken back"),
            )
