"""People come and go in a household: who is covered from when, what the next period costs, who is told."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, render
from mutuelle.acts import By
from mutuelle.contributions.family import Family, age_in_years, birth_year, called, changes_shown, family_of
from mutuelle.contributions.payments import PayingPhone
from mutuelle.contributions.standing import PaymentTerms, Standing, standing
from mutuelle.cover.people import Person, ages, people_of
from mutuelle.enrolment.edits import (
    CHANGES_A_MONTH,
    Born,
    Gone,
    Joiner,
    Move,
    add_person,
    correct_birth_year,
    correct_name,
    kept_cover,
    move_person,
    remove_person,
)
from mutuelle.enrolment.enrolment import pay
from mutuelle.households.change_log import Change, changes_of, note_change
from mutuelle.households.households import Household, add_phone, households_of
from mutuelle.tables import household as household_table
from mutuelle.tables import policy
from sms.tables import outbox
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller
from tests.support.officers import FANTA
from tests.support.town import AWA, MARIAM, OUMAR, found_town, join, paid, sell

JOINED = datetime(2025, 2, 2, 12, tzinfo=UTC)
JULY = datetime(2025, 7, 4, 12, tzinfo=UTC)
EXPIRES = date(2026, 2, 1)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    """Awa, her husband and two children: joined in February 2025 and paid up, covered from March."""
    household_table = await join(town, AWA, at=JOINED)
    await paid(town, household_table, at=JOINED)
    return household_table


def caller(at: datetime, phone: str = AWA) -> Caller:
    return Caller(phone, "fr", "test", f"{phone} {at}", at)


async def family(pool: AsyncEngine, household: Household, at: datetime) -> Family:
    async with pool.connect() as db:
        return await family_of(db, household, at)


async def stands(pool: AsyncEngine, household: Household, on: date) -> Standing:
    async with pool.connect() as db:
        return await standing(db, household, datetime(on.year, on.month, on.day, 12, tzinfo=UTC))


async def covered(pool: AsyncEngine, household: Household, on: date) -> list[int]:
    """The ranks of those who are covered on a day."""
    return [person.rank for person in (await stands(pool, household, on)).people if person.covered]


async def comes(
    pool: AsyncEngine, household: Household, name: str, age: int, at: datetime, phone: str = AWA, **wrong: Any
) -> None:
    known = await family(pool, household, at)
    facts = {"next_price": known.price_with(known.joiner(name, age)), **wrong}
    async with pool.begin() as db:
        await add_person(db, caller(at, phone), number=household.number, joiner=Joiner(name, age), **facts)


async def leaves(
    pool: AsyncEngine, household: Household, rank: int, at: datetime, reason: str = "left"
) -> None:
    price = (await family(pool, household, at)).price_without(rank)
    async with pool.begin() as db:
        await remove_person(
            db, caller(at), number=household.number, gone=Gone(rank, reason), next_price=price
        )


async def is_named(pool: AsyncEngine, household: Household, rank: int, name: str, at: datetime) -> None:
    async with pool.begin() as db:
        await correct_name(db, caller(at), number=household.number, rank=rank, name=name)


async def is_born_in(pool: AsyncEngine, household: Household, rank: int, year: int, at: datetime) -> None:
    price = (await family(pool, household, at)).price_corrected(rank, year)
    async with pool.begin() as db:
        await correct_birth_year(
            db, caller(at), number=household.number, born=Born(rank, year), next_price=price
        )


async def renews(pool: AsyncEngine, household: Household, at: datetime) -> None:
    """The household renews, for all whom the next period counts, and pays at once."""
    await wishes_to_renew(pool, household, at)
    await paid(pool, household, at=at)


async def wishes_to_renew(pool: AsyncEngine, household: Household, at: datetime) -> None:
    found = await stands(pool, household, at.date())
    assert found.renewal, "nothing to renew"
    async with pool.begin() as db:
        await pay(
            db,
            caller(at),
            number=household.number,
            amount=found.payable,
            terms=PaymentTerms(
                found.payable,
                found.credit,
                found.renewal.product.code,
                found.renewal.product.version,
                renews=True,
            ),
            payer=PayingPhone(AWA),
        )


async def test_whoever_is_added_is_covered_with_the_next_period_and_not_before(
    town: AsyncEngine, household: Household
) -> None:
    await comes(town, household, "Fatou Koné", 31, JULY)
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4]
    assert await covered(town, household, EXPIRES) == [1, 2, 3, 4]
    assert (await stands(town, household, EXPIRES)).members == 4
    await renews(town, household, datetime(2026, 1, 20, tzinfo=UTC))
    assert await covered(town, household, EXPIRES) == [1, 2, 3, 4]
    assert await covered(town, household, EXPIRES + timedelta(days=1)) == [1, 2, 3, 4, 5]
    assert (await stands(town, household, EXPIRES + timedelta(days=1))).members == 5


async def test_a_grace_covers_nobody_new(town: AsyncEngine, household: Household) -> None:
    await comes(town, household, "Fatou Koné", 31, JULY)
    assert await covered(town, household, EXPIRES + timedelta(days=20)) == [1, 2, 3, 4]


async def test_whoever_is_added_shortly_before_the_renewal_waits_like_a_new_household(
    town: AsyncEngine, household: Household
) -> None:
    await comes(town, household, "Fatou Koné", 31, datetime(2026, 1, 20, tzinfo=UTC))
    await renews(town, household, datetime(2026, 1, 21, tzinfo=UTC))
    assert await covered(town, household, date(2026, 2, 19)) == [1, 2, 3, 4]
    assert await covered(town, household, date(2026, 2, 20)) == [1, 2, 3, 4, 5]


async def test_whoever_is_added_after_an_early_renewal_is_counted_by_the_one_after(
    town: AsyncEngine, household: Household
) -> None:
    await renews(town, household, datetime(2026, 1, 20, tzinfo=UTC))
    await comes(town, household, "Fatou Koné", 31, datetime(2026, 1, 21, tzinfo=UTC))
    assert await covered(town, household, date(2026, 12, 1)) == [1, 2, 3, 4]
    await renews(town, household, datetime(2027, 1, 20, tzinfo=UTC))
    assert await covered(town, household, date(2027, 2, 1)) == [1, 2, 3, 4]
    assert await covered(town, household, date(2027, 2, 2)) == [1, 2, 3, 4, 5]


async def test_a_newborn_is_covered_at_once_as_the_household_is(
    town: AsyncEngine, household: Household
) -> None:
    await comes(town, household, "Salif Koné", 0, JULY)
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4, 5]
    assert (await stands(town, household, JULY.date())).members == 5
    assert await covered(town, household, date(2026, 3, 2)) == []  # the household's own cover has ended


async def test_an_adult_written_down_as_a_newborn_is_not_covered_by_a_correction(
    town: AsyncEngine, household: Household
) -> None:
    await comes(town, household, "Salif Koné", 0, JULY)
    await is_born_in(town, household, 5, 2024, JULY)  # born at the turn of the year: a newborn all the same
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4, 5]
    await is_born_in(town, household, 5, 1961, JULY)
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4]
    assert (await stands(town, household, JULY.date())).members == 4


async def test_a_newborn_waits_with_a_household_that_waits(town: AsyncEngine, household: Household) -> None:
    await comes(town, household, "Salif Koné", 0, datetime(2025, 2, 10, tzinfo=UTC))
    assert await covered(town, household, date(2025, 2, 20)) == []
    assert await covered(town, household, date(2025, 3, 2)) == [1, 2, 3, 4, 5]


async def test_whoever_is_removed_is_covered_to_the_end_of_that_day_only(
    town: AsyncEngine, household: Household
) -> None:
    await leaves(town, household, 2, JULY)
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4]
    assert await covered(town, household, JULY.date() + timedelta(days=1)) == [1, 3, 4]
    assert (await stands(town, household, JULY.date() + timedelta(days=1))).members == 3


async def test_whoever_is_removed_and_added_again_waits_for_the_next_period(
    town: AsyncEngine, household: Household
) -> None:
    await is_named(town, household, 2, "Adama Koné", JULY)
    await leaves(town, household, 2, JULY)
    await comes(town, household, "Adama Koné", 38, JULY)
    assert await covered(town, household, JULY.date() + timedelta(days=1)) == [1, 3, 4]


async def test_the_next_period_is_priced_for_whoever_is_there_then(town: AsyncEngine) -> None:
    six = await join(town, AWA, at=JOINED, ages=(45, 38, 30, 25, 22, 20))
    await paid(town, six, at=JOINED)
    await comes(town, six, "Fatou Koné", 31, JULY)
    assert (await stands(town, six, JULY.date())).due == Money(0, "XOF")
    renewal = (await stands(town, six, EXPIRES)).renewal
    assert renewal
    assert (renewal.members, renewal.price) == (7, Money(15_000, "XOF"))
    await leaves(town, six, 7, datetime(2026, 1, 30, tzinfo=UTC))
    assert (await stands(town, six, date(2026, 1, 30))).payable == Money(12_000, "XOF")
    await renews(town, six, datetime(2026, 1, 31, tzinfo=UTC))
    async with town.connect() as db:
        sizes = list(await db.scalars(select(policy.c.members).order_by(policy.c.sequence)))
    assert sizes == [6, 6]


async def test_a_year_of_birth_changes_the_next_price_only(town: AsyncEngine) -> None:
    seven = await join(town, AWA, at=JOINED, ages=(45, 38, 30, 25, 22, 20, 31))
    await paid(town, seven, at=JOINED)
    assert (await family(town, seven, JULY)).price == Money(15_000, "XOF")
    await is_born_in(town, seven, 7, 2015, JULY)
    assert (await family(town, seven, JULY)).price == Money(13_500, "XOF")
    assert (await stands(town, seven, JULY.date())).due == Money(0, "XOF")


async def test_a_price_that_is_no_longer_true_is_refused(town: AsyncEngine, household: Household) -> None:
    known = await family(town, household, JULY)
    agreed_to = known.price_with(known.joiner("Fatou Koné", 31))
    async with town.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=14_000)
    with pytest.raises(RefusedError, match="price has changed"):
        await comes(town, household, "Fatou Koné", 31, JULY, next_price=agreed_to)


async def test_nobody_is_added_while_a_renewal_is_paid(town: AsyncEngine, household: Household) -> None:
    at = datetime(2026, 1, 20, tzinfo=UTC)
    await wishes_to_renew(town, household, at)
    with pytest.raises(RefusedError, match="renewal is being paid"):
        await comes(town, household, "Fatou Koné", 31, at)
    await leaves(town, household, 4, at)  # whoever leaves takes nothing from what was agreed
    await paid(town, household, at=at)
    await comes(town, household, "Fatou Koné", 31, at)


async def test_a_household_changes_four_times_a_month_and_names_are_free(
    town: AsyncEngine, household: Household
) -> None:
    for rank, name in enumerate(("Adama Koné", "Issa Koné", "Sira Koné"), start=2):
        await is_named(town, household, rank, name, JULY)
    await comes(town, household, "Fatou Koné", 31, JULY)
    await leaves(town, household, 5, JULY)
    await is_named(town, household, 3, "Issa K. Koné", JULY)
    await is_born_in(town, household, 3, 2013, JULY)
    assert CHANGES_A_MONTH == 4
    with pytest.raises(RefusedError, match="changed often"):
        await comes(town, household, "Fatou Koné", 31, JULY + timedelta(days=29))
    await comes(town, household, "Fatou Koné", 31, JULY + timedelta(days=31))


async def test_the_head_is_the_mutuelles_to_change(town: AsyncEngine, household: Household) -> None:
    with pytest.raises(RefusedError, match="head of a household"):
        await leaves(town, household, 1, JULY)
    with pytest.raises(RefusedError, match="head of a household"):
        await is_named(town, household, 1, "Awa Diarra", JULY)
    with pytest.raises(RefusedError, match="aged 16"):
        await is_born_in(town, household, 1, 2015, JULY)


async def test_a_new_head_comes_first_and_is_the_mutuelles_to_change(
    town: AsyncEngine, household: Household
) -> None:
    async with town.begin() as db:
        await db.execute(update(household_table).values(head_rank=2, head_name="Adama Koné"))
        (new_head,) = await households_of(db, caller(JULY))
        assert ages(await people_of(db, new_head), JULY.date()) == (38, 45, 12, 7)
    with pytest.raises(RefusedError, match="head of a household"):
        await leaves(town, new_head, 2, JULY)
    await leaves(town, new_head, 1, JULY)


async def test_two_phones_at_once_add_one_person_once(town: AsyncEngine, household: Household) -> None:
    async with town.begin() as db:
        await add_phone(db, household, OUMAR, JOINED)
    both = [comes(town, household, "Fatou Koné", 31, JULY, phone=phone) for phone in (AWA, OUMAR)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [RefusedError]
    assert len((await family(town, household, JULY)).present) == 5


async def test_a_cover_takes_so_many_people(town: AsyncEngine) -> None:
    large = await join(town, MARIAM, at=JOINED, ages=(45,) + (20,) * 11)
    with pytest.raises(RefusedError, match="Your cover takes"):
        await comes(town, large, "Fatou Koné", 31, JULY, phone=MARIAM)


async def test_nobody_is_there_twice(town: AsyncEngine, household: Household) -> None:
    await comes(town, household, "Fatou Koné", 31, JULY)
    with pytest.raises(RefusedError, match="already"):
        await comes(town, household, "FATOU KONE", 30, JULY)
    await leaves(town, household, 5, JULY)
    with pytest.raises(RefusedError, match="no longer"):
        await leaves(town, household, 5, JULY)


async def test_another_household_is_not_the_callers_to_change(
    town: AsyncEngine, household: Household
) -> None:
    await join(town, MARIAM, at=JOINED, name="Mariam Diarra")
    with pytest.raises(RefusedError, match="does not speak"):
        await comes(town, household, "Fatou Koné", 31, JULY, phone=MARIAM)


async def test_the_other_phones_are_told_without_a_name(town: AsyncEngine, household: Household) -> None:
    async with town.begin() as db:
        await add_phone(db, household, OUMAR, JOINED)
    await comes(town, household, "Fatou Koné", 31, JULY)
    await is_named(town, household, 2, "Adama Koné", JULY)
    async with town.connect() as db:
        sent = (
            await db.execute(
                select(outbox.c.phone, outbox.c.body).where(outbox.c.template == "household changed")
            )
        ).all()
    assert {row.phone for row in sent} == {OUMAR}
    assert len(sent) == 2
    assert not any("Fatou" in row.body or "Adama" in row.body for row in sent)


async def test_who_did_what_is_told_to_the_household(town: AsyncEngine, household: Household) -> None:
    async with town.begin() as db:
        await add_phone(db, household, OUMAR, JOINED)
    await comes(town, household, "Fatou Koné", 31, JULY)
    await is_named(town, household, 2, "Adama Koné", JULY + timedelta(hours=1))
    await leaves(town, household, 5, JULY + timedelta(days=1), "died")
    async with town.connect() as db:
        found = await changes_of(db, household, 5)
        told = await changes_shown(db, caller(JULY, OUMAR), household, 5)
    assert [(noted.what, noted.detail, noted.reason) for noted in found] == [
        (Change.REMOVED, "Fatou Koné, 1994", "died"),
        (Change.NAMED, "Adama Koné, 1987", "asked"),
        (Change.ADDED, "Fatou Koné, 1994", "asked"),
    ]
    assert [noted.position for noted in found] == [3, 2, 1]
    assert [noted.actor for noted in found] == [AWA] * 3
    assert {render(change.by, "en") for change in told} == {"by another phone of yours"}
    assert told[0].on == date(2025, 7, 5)


@pytest.mark.parametrize(
    ("actor", "by"), [(FANTA, "by the agent Fanta Coulibaly"), ("cli", "by the mutuelle")]
)
async def test_a_change_by_somebody_else_names_an_officer_only(
    town: AsyncEngine, household: Household, actor: str, by: str
) -> None:
    async with town.begin() as db:
        await note_change(db, household, Change.CLOSED, detail="", by=By(actor, "asked", JULY))
        (told,) = await changes_shown(db, caller(JULY), household, 5)
    assert render(told.by, "en") == by


async def test_ages_and_names_as_they_are_told(town: AsyncEngine, household: Household) -> None:
    async with town.connect() as db:
        people = await people_of(db, household)
    assert ages(people, JULY.date()) == (45, 38, 12, 7)
    assert render(called(people[1], JULY.date()), "fr") == "personne de 38 ans"
    assert (
        render(called(Person(5, None, 2025, JULY.date()), JULY.date()), "fr") == "personne de moins d'un an"
    )


@pytest.mark.parametrize(
    ("typed", "age"), [("34", 34), ("34 ans", 34), ("1 an", 1), ("8 mois", 0), ("14 mois", 1), ("0", 0)]
)
def test_an_age_is_read_in_years_or_months(typed: str, age: int) -> None:
    assert age_in_years.parse(typed) == age


@pytest.mark.parametrize("typed", ["1899", "2026", "34", "mille"])
def test_a_year_of_birth_is_of_somebody_alive(typed: str) -> None:
    with pytest.raises(InvalidError):
        birth_year(JULY.date()).parse(typed)


async def moves(pool: AsyncEngine, household: Household, rank: int, into: str, at: datetime) -> None:
    """As the menu does: what was shown is agreed to."""
    known, found = await family(pool, household, at), await stands(pool, household, at.date())
    person = known.person(rank)
    keeps = person is not None and kept_cover(person, found, known.today) is not None
    going, price = Move(rank, into, keeps), known.price_without(rank)
    async with pool.begin() as db:
        await move_person(db, caller(at), number=household.number, going=going, next_price=price)


@pytest.fixture
async def other(town: AsyncEngine) -> Household:
    """Mariam's household, which joined when Awa's did and paid all."""
    household_table = await join(town, MARIAM, at=JOINED, name="Mariam Sangaré", ages=(40,))
    await paid(town, household_table, at=JOINED)
    return household_table


async def test_who_goes_to_another_covered_household_stays_covered(
    town: AsyncEngine, household: Household, other: Household
) -> None:
    await moves(town, household, 2, other.number, JULY)
    tomorrow = JULY.date() + timedelta(days=1)
    assert await covered(town, household, JULY.date()) == [
        1,
        3,
        4,
    ]  # nobody counts in two households on one day
    assert (await stands(town, household, JULY.date())).members == 3
    assert await covered(town, other, JULY.date()) == [1, 2]
    assert await covered(town, other, EXPIRES) == [1, 2]
    assert (await stands(town, other, tomorrow)).members == 2
    assert (await family(town, other, JULY)).people[1].first_policy == 2  # the next price counts them


async def test_who_goes_away_from_a_household_that_waits_goes_on_waiting(
    town: AsyncEngine, household: Household, other: Household
) -> None:
    """The wait that began with the first household ends on its own day, neither cut short nor served twice."""
    late = await join(town, OUMAR, at=JULY, name="Oumar Diallo")
    await paid(town, late, at=JULY)
    async with town.begin() as db:
        await move_person(
            db,
            caller(JULY, OUMAR),
            number=late.number,
            going=Move(2, other.number, keeps_cover=True),
            next_price=(await family_of(db, late, JULY)).price_without(2),
        )
    assert await covered(town, other, date(2025, 8, 3)) == [1]
    assert await covered(town, other, date(2025, 8, 4)) == [1, 2]


async def test_who_comes_from_a_household_without_cover_waits_for_the_next_period(
    town: AsyncEngine, household: Household, other: Household
) -> None:
    unpaid = await join(town, OUMAR, at=JULY, name="Oumar Diallo")
    async with town.begin() as db:
        price = (await family_of(db, unpaid, JULY)).price_without(2)
        facts: dict[str, Any] = {"number": unpaid.number, "next_price": price}
        with pytest.raises(RefusedError, match="has changed"):
            await move_person(db, caller(JULY, OUMAR), going=Move(2, other.number, keeps_cover=True), **facts)
    async with town.begin() as db:
        await move_person(db, caller(JULY, OUMAR), going=Move(2, other.number, keeps_cover=False), **facts)
    assert await covered(town, other, EXPIRES) == [1]


async def test_nobody_goes_to_their_own_household_or_to_one_that_is_not_there(
    town: AsyncEngine, household: Household, other: Household
) -> None:
    for number in (household.number, "199999999"):
        with pytest.raises(RefusedError, match="No other household"):
            await moves(town, household, 2, number, JULY)
    assert await covered(town, household, JULY.date()) == [1, 2, 3, 4]


async def test_who_comes_from_a_suspended_household_brings_no_cover(
    town: AsyncEngine, other: Household
) -> None:
    """Half was paid, the delay to pay is over: its wait was served, but its cover does not hold."""
    suspended = await join(town, OUMAR, at=JOINED, name="Oumar Diallo", pay_minor=6_000)
    await paid(town, suspended, at=JOINED)
    price = (await family(town, suspended, JULY)).price_without(2)
    going = Move(2, other.number, keeps_cover=False)
    async with town.begin() as db:
        await move_person(db, caller(JULY, OUMAR), number=suspended.number, going=going, next_price=price)
    assert await covered(town, other, EXPIRES) == [1]
