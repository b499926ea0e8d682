"""Checks without the patient's phone: a code of the household's card, or number and year of birth."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from invariants import examine
from locales import languages, render, render_within
from locales.letters import septets
from mutuelle.acts import By
from mutuelle.care.cards import end_card, hand_over, print_card
from mutuelle.care.eligibility import NOT_RECOGNISED
from mutuelle.care.invariants import INVARIANTS
from mutuelle.care.tables import care_card, care_code, eligibility_check, failed_check
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role
from mutuelle.schedules.jobs import run_schedules
from mutuelle.support.freezes import freeze_household, unfreeze_household
from mutuelle.tables import beneficiary
from talk.answers import Secret
from talk.keywords import BY_MESSAGE
from talk.trouble import RefusedError
from tests.mutuelle.care.test_eligibility import statements_of, told
from tests.support.clinic import DR_SOULEYMANE, contract
from tests.support.doctor_desk import (
    SEALS,
    ask,
    calling,
    check,
    covered_household,
    give_card,
    make,
    new_card,
    other_than,
)
from tests.support.officers import FANTA, MODIBO, OUMOU, PIN, appoint, set_limit
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, MARIAM, NOON, Clock, found, join, paid

MINUTE = timedelta(minutes=1)
UNIFORM = render(NOT_RECOGNISED, "fr")
AWA_BORN, CHILD_BORN = "1981", "2014"  # 45 and 12 years old in 2026


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household of four: 45, 38, 12 and 7 years old, covered."""
    return await covered_household(pool)


async def reasons(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return list(await db.scalars(select(failed_check.c.reason).order_by(failed_check.c.tried_at)))


async def expect_sound(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        assert [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds] == []


async def test_a_code_of_the_card_is_for_the_household_and_names_who_is_covered(
    pool: AsyncEngine, household: Household
) -> None:
    codes = await give_card(pool, household)
    assert len(set(codes)) == 10
    answer = await check(pool, household.number, codes[3])
    assert answer.startswith(
        "A. K. 45, 38, 12, 7 ans : COUVERT le 22/11/2026, jusqu'au 22/09/2027. Mutuelle Benso"
    )
    async with pool.connect() as db:
        row = (await db.execute(select(eligibility_check))).one()
    assert (row.rank, row.covered_ranks, row.covered) == (None, [1, 2, 3, 4], True)
    to_treasurer, _to_other = await told(pool, "check to know")
    assert to_treasurer.startswith("Mutuelle Benso : vérification par carte, CSCom Hèrè, numéro ..")
    assert len(await told(pool, "cover checked")) == 1
    await expect_sound(pool)


async def test_with_the_year_of_birth_behind_it_it_is_for_that_person(
    pool: AsyncEngine, household: Household
) -> None:
    codes = await give_card(pool, household)
    assert (await check(pool, household.number, codes[0] + CHILD_BORN)).startswith(
        "personne de 12 ans : COUVERT"
    )
    assert await check(pool, household.number, codes[1] + "1950") == UNIFORM
    assert await reasons(pool) == ["year"]
    assert "COUVERT" in await check(pool, household.number, codes[1]), "a wrong year leaves the code unused"
    await expect_sound(pool)


async def test_a_year_behind_a_code_made_on_a_phone_changes_nothing(
    pool: AsyncEngine, household: Household
) -> None:
    code = await make(pool, household)
    assert (await check(pool, household.number, code + "1950")).startswith("A. K. : COUVERT")


async def test_a_code_of_the_card_serves_once_and_lives_for_years(
    pool: AsyncEngine, household: Household
) -> None:
    codes = await give_card(pool, household)
    later = NOON + timedelta(days=200)
    first = await check(pool, household.number, codes[0], at=later)
    assert "COUVERT" in first
    again = await check(pool, household.number, codes[0], at=later + MINUTE)
    assert again == f"{first} Code déjà utilisé à 12:00."
    async with pool.begin() as db:
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra")
    other = await check(pool, household.number, codes[0], at=later + MINUTE, phone=DR_SOULEYMANE)
    assert other.startswith("Ce code de soins a déjà servi le 10/06/2027 à 12:00.")
    assert await reasons(pool) == ["used", "used"]
    await expect_sound(pool)


@pytest.mark.parametrize("is_wrong", ["printed only", "replaced", "of another household"])
async def test_a_card_that_is_not_in_hand_is_refused_as_any_wrong_code_and_three_close_the_household(
    pool: AsyncEngine, household: Household, is_wrong: str
) -> None:
    if is_wrong == "of another household":
        other = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
        codes = await give_card(pool, other)
    elif is_wrong == "replaced":
        codes = await give_card(pool, household)
        await new_card(pool, household, at=NOON)
    else:
        codes = tuple(str(code) for code in (await new_card(pool, household)).codes)
    for nth in range(3):
        assert await check(pool, household.number, codes[nth], at=NOON + nth * MINUTE) == UNIFORM
    code = await make(pool, household, at=NOON + 3 * MINUTE)
    assert await check(pool, household.number, code, at=NOON + 3 * MINUTE) == UNIFORM, "closed"
    assert await reasons(pool) == [*["code" if is_wrong == "of another household" else "card"] * 3, "locked"]
    assert await told(pool, "check to know") == []


async def test_number_and_year_of_birth_are_answered_as_unproven_and_everybody_is_told(
    pool: AsyncEngine, household: Household
) -> None:
    answer = await check(pool, household.number, AWA_BORN)
    assert answer.startswith("A. K. : COUVERT le 22/11/2026, jusqu'au 22/09/2027. Sans code. Mutuelle Benso")
    assert await told(pool, "cover checked") == [
        "Votre couverture a été vérifiée sans code le 22/11/2026 à 12:00. Ce n'était pas vous ? "
        "Envoyez NON ou appelez le 76 00 00 09."
    ]
    to_treasurer, to_other = await told(pool, "check to know")
    assert (
        to_treasurer
        == to_other
        == (
            f"Mutuelle Benso : vérification SANS CODE, CSCom Hèrè, numéro ..{household.number[-3:]}, "
            f"le 22/11/2026 à 12:00, référence {answer[-7:-1]}."
        )
    )
    await expect_sound(pool)


async def test_years_tried_one_after_the_other_are_guesses(pool: AsyncEngine, household: Household) -> None:
    for nth in range(3):
        assert await check(pool, household.number, f"195{nth}", at=NOON + nth * MINUTE) == UNIFORM
    assert await check(pool, household.number, AWA_BORN, at=NOON + 3 * MINUTE) == UNIFORM, "closed"
    assert await reasons(pool) == ["year"] * 3 + ["locked"]
    assert await told(pool, "check to know") + await told(pool, "cover checked") == []


async def test_whatever_is_wrong_costs_the_same_statements(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    unhanded = str((await new_card(pool, household)).codes[0])
    tries = [
        (household.number, other_than(code)),
        (household.number, "1950"),
        ("199999990", AWA_BORN),
        ("199999990", unhanded + AWA_BORN),
    ]
    said = {tuple(await statements_of(pool, number, proof)) for number, proof in tries}
    assert len(said) == 1
    assert await reasons(pool) == ["code", "year", "number", "number"]


@pytest.mark.parametrize("limit", ["without_code_a_doctor", "without_code_a_facility"])
async def test_checks_without_a_code_have_a_quota_by_doctor_and_by_facility_and_codes_have_none(
    pool: AsyncEngine, household: Household, limit: str
) -> None:
    async with pool.begin() as db:
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra")
    await set_limit(pool, limit, 2)
    for nth in range(2):
        assert "COUVERT" in await check(pool, household.number, AWA_BORN, at=NOON + nth * MINUTE)
    for year in (AWA_BORN, "1950"):
        assert (await check(pool, household.number, year)).startswith(
            "Plus de vérification sans code aujourd'hui"
        )
    assert await reasons(pool) == [], "past the quota nothing is looked at"
    other = await check(pool, household.number, AWA_BORN, phone=DR_SOULEYMANE)
    assert ("COUVERT" in other) == (limit == "without_code_a_doctor")
    assert "COUVERT" in await check(pool, household.number, await make(pool, household))
    assert "Sans code" in await check(pool, household.number, AWA_BORN, gateway=BY_MESSAGE), (
        "a channel of its own"
    )
    tomorrow = NOON + timedelta(hours=12)
    assert "Sans code" in await check(pool, household.number, AWA_BORN, at=tomorrow)
    await expect_sound(pool)


async def test_people_of_one_year_of_birth_are_answered_together(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    async with owner.begin() as db:
        await db.execute(update(beneficiary).where(beneficiary.c.rank == 2).values(birth_year=1981))
    assert (await check(pool, household.number, AWA_BORN)).startswith("A. K. 45, 45 ans : COUVERT")
    async with pool.connect() as db:
        assert await db.scalar(select(eligibility_check.c.covered_ranks)) == [1, 2]


async def test_who_has_left_is_not_found_by_her_year_of_birth(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    async with owner.begin() as db:
        gone = beneficiary.c.rank == 2
        await db.execute(update(beneficiary).where(gone).values(removed_on=NOON.date() - timedelta(days=1)))
    assert await check(pool, household.number, "1988") == UNIFORM
    codes = await give_card(pool, household)
    assert (await check(pool, household.number, codes[0])).startswith("A. K. 45, 12, 7 ans : COUVERT")


async def test_of_a_household_in_part_covered_only_these_are_named(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    """A newborn is covered at once, under its mother's number; who came later waits for the next period."""
    async with owner.begin() as db:
        await db.execute(update(beneficiary).where(beneficiary.c.rank == 2).values(first_policy=2))
        born = {"first_policy": 2, "birth_year": 2026, "added_on": NOON.date(), "covered_from": NOON.date()}
        await db.execute(update(beneficiary).where(beneficiary.c.rank == 3).values(**born))
    codes = await give_card(pool, household)
    assert (await check(pool, household.number, codes[0])).startswith("A. K. 45, 0, 7 ans : COUVERT")
    assert (await check(pool, household.number, "2026")).startswith("personne de moins d'un an : COUVERT")
    assert (await check(pool, household.number, "1988")).startswith("personne de 38 ans : NON COUVERT")
    assert (await check(pool, household.number, codes[1] + "1988")).startswith(
        "personne de 38 ans : NON COUVERT"
    )
    await expect_sound(pool)


async def test_without_cover_a_card_reads_so_of_the_household(
    pool: AsyncEngine, household: Household
) -> None:
    other = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
    await paid(pool, other, at=NOON)
    codes = await give_card(pool, other)
    assert (await check(pool, other.number, codes[0])).startswith(
        "ménage de M. S. : NON COUVERT le 22/11/2026."
    )
    await expect_sound(pool)


async def test_a_household_that_nobody_confirmed_is_answered_and_its_phone_hears_nothing(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    """The phone that an officer wrote down may be a stranger's; the treasurers are told."""
    async with owner.begin() as db:
        await db.execute(text("update household set registered_by = '+22376000007', confirmed_at = null"))
    codes = await give_card(pool, household)
    assert "COUVERT" in await check(pool, household.number, codes[0])
    assert "COUVERT" in await check(pool, household.number, AWA_BORN)
    assert await told(pool, "cover checked") == []
    assert len(await told(pool, "check to know")) == 2 * 2, "each of two checks to both treasurers"
    await expect_sound(pool)


@pytest.mark.parametrize("people", [1, 7, 12])
@pytest.mark.parametrize("language", languages())
async def test_the_answer_of_a_card_is_one_segment_however_many_people(
    pool: AsyncEngine, household: Household, owner: AsyncEngine, language: str, people: int
) -> None:
    ages = (45, *(40 - nth for nth in range(1, people)))
    other = await join(pool, MARIAM, at=NOON - timedelta(days=60), name="Maimouna Sangaré Konaté", ages=ages)
    await paid(pool, other, at=NOON - timedelta(days=60))
    async with owner.begin() as db:
        named = beneficiary.c.number == other.number
        await db.execute(update(beneficiary).where(named).values(name="Maimouna Sangaré Konaté"))
    codes = await give_card(pool, other)
    for at in (NOON, NOON + MINUTE):  # and the same answer again
        async with pool.begin() as db:
            said = render_within(await ask(db, other.number, codes[0], at=at), language, 160)
        assert septets(said) <= 160
        assert ("COVERED" if language == "en" else "COUVERT") in said
        if people == 12:
            assert "12" in said


async def test_ten_codes_of_each_card_and_a_new_card_ends_the_one_before(
    pool: AsyncEngine, household: Household
) -> None:
    first, second = await give_card(pool, household), await give_card(pool, household)
    assert set(first).isdisjoint(second)
    async with pool.connect() as db:
        cards = (await db.execute(select(care_card).order_by(care_card.c.card))).all()
        assert [(one.card, one.ended_at, one.ended_by) for one in cards] == [
            (1, NOON, "a test"),
            (2, None, None),
        ]
        kept = (await db.execute(select(care_code))).all()
        assert len(kept) == 20
        assert not any(code.encode() in row.digest for code in (*first, *second) for row in kept)
    assert await check(pool, household.number, first[0]) == UNIFORM
    assert "COUVERT" in await check(pool, household.number, second[0])
    await expect_sound(pool)


async def test_a_card_ends_after_it_was_used_also_by_a_clock_that_is_late(
    pool: AsyncEngine, household: Household
) -> None:
    codes = await give_card(pool, household)
    await check(pool, household.number, codes[0], at=NOON + 5 * MINUTE)
    await appoint(pool, OUMOU, Role.ENROLMENT, pin=PIN, at=NOON)
    printed = await new_card(pool, household, at=NOON + MINUTE)
    act: dict[str, Any] = {"number": household.number, "card": printed.card, "role": Role.ENROLMENT}
    for does in (hand_over, end_card):
        async with pool.begin() as db:
            assert await does(db, calling(OUMOU), **act, pin=Secret(PIN)) is None
    await expect_sound(pool)


async def test_a_code_that_is_made_on_a_phone_ends_no_card(pool: AsyncEngine, household: Household) -> None:
    codes = await give_card(pool, household)
    await make(pool, household)
    await make(pool, household, at=NOON + MINUTE)
    assert "COUVERT" in await check(pool, household.number, codes[0], at=NOON + MINUTE)


async def test_codes_of_a_card_differ_from_all_that_the_household_had(
    pool: AsyncEngine, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 8, 8, *range(8, 40)])
    monkeypatch.setattr("secrets.randbelow", lambda _most: next(drawn))
    await make(pool, household)
    async with pool.begin() as db:
        printed = await print_card(db, SEALS, household.number, By("a test", "printed", NOON))
    assert [int(code) for code in printed.codes] == list(range(8, 18))


async def test_an_officer_hands_over_the_card_that_is_printed_and_ends_it(
    pool: AsyncEngine, household: Household
) -> None:
    await appoint(pool, OUMOU, Role.ENROLMENT, pin=PIN, at=NOON)
    printed = await new_card(pool, household)
    act: dict[str, Any] = {
        "number": household.number,
        "card": printed.card,
        "role": Role.ENROLMENT,
        "pin": Secret(PIN),
    }
    async with pool.begin() as db:
        assert await hand_over(db, calling(OUMOU), **{**act, "pin": Secret("99999")}) is not None, (
            "a wrong PIN"
        )
    assert await check(pool, household.number, printed.codes[0]) == UNIFORM
    async with pool.begin() as db:
        assert await hand_over(db, calling(OUMOU), **act) is None
    assert "COUVERT" in await check(pool, household.number, printed.codes[0])
    assert len(await told(pool, "card handed over")) == 1
    async with pool.begin() as db:
        assert await end_card(db, calling(OUMOU), **act) is None
    assert await check(pool, household.number, printed.codes[1]) == UNIFORM
    assert len(await told(pool, "card ended")) == 1
    async with pool.connect() as db:
        row = (await db.execute(select(care_card))).one()
    assert (row.handed_by, row.ended_by) == (OUMOU, OUMOU)
    await expect_sound(pool)


async def test_who_is_no_officer_of_the_mutuelle_hands_over_nothing(
    pool: AsyncEngine, household: Household
) -> None:
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=PIN, at=NOON)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    await appoint(pool, MODIBO, Role.ENROLMENT, pin=PIN, at=NOON, code="ZAN")
    printed = await new_card(pool, household)
    act: dict[str, Any] = {"number": household.number, "card": printed.card, "pin": Secret(PIN)}
    for phone, role in ((OUMOU, Role.ENROLMENT), (MODIBO, Role.ENROLMENT), (OUMOU, Role.TREASURER)):
        for does in (hand_over, end_card):
            with pytest.raises(RefusedError):
                async with pool.begin() as db:
                    await does(db, calling(phone), **act, role=role)
    with pytest.raises(ValueError, match="collector"):
        async with pool.begin() as db:
            await hand_over(db, calling(OUMOU), **act, role=Role.COLLECTOR)


async def test_only_the_card_that_was_seen_is_handed_over_or_ended(
    pool: AsyncEngine, household: Household
) -> None:
    await appoint(pool, OUMOU, Role.ENROLMENT, pin=PIN, at=NOON)
    first, second = await new_card(pool, household), await new_card(pool, household)
    act: dict[str, Any] = {"number": household.number, "role": Role.ENROLMENT, "pin": Secret(PIN)}
    for does in (hand_over, end_card):
        with pytest.raises(RefusedError, match="has changed meanwhile"):
            async with pool.begin() as db:
                await does(db, calling(OUMOU), **act, card=first.card)
    async with pool.begin() as db:
        await hand_over(db, calling(OUMOU), **act, card=second.card)
    with pytest.raises(RefusedError, match="has changed meanwhile"):
        async with pool.begin() as db:
            await hand_over(db, calling(OUMOU), **act, card=second.card)


@pytest.mark.parametrize(("with_code", "without", "is_high"), [(0, 4, False), (20, 5, True), (21, 5, False)])
async def test_many_checks_without_a_code_are_in_the_treasurers_digest_and_detail(
    pool: AsyncEngine, household: Household, clock: Clock, with_code: int, without: int, is_high: bool
) -> None:
    await set_limit(pool, "codes_a_day", 50)
    await run_schedules(pool, timing.Clock.at(NOON))
    long_ago = NOON - timedelta(days=30)
    for nth in range(with_code):
        await check(
            pool,
            household.number,
            await make(pool, household, at=NOON + nth * MINUTE),
            at=NOON + nth * MINUTE,
        )
    for nth in range(without):
        assert "Sans code" in await check(pool, household.number, AWA_BORN, at=NOON + nth * MINUTE)
    for nth in range(3):  # of more than 30 days before the digest
        await check(pool, household.number, AWA_BORN, at=long_ago - timedelta(days=nth))
    monday = datetime(2026, 11, 23, 7, tzinfo=UTC)
    await run_schedules(pool, timing.Clock.at(monday))
    said = f"Mutuelle Benso, 30 jours : {without} vérifications SANS CODE sur {with_code + without}, dont {without} : "
    assert len(await told(pool, "digest")) == 2
    found = await told(pool, "digest, checks")
    assert len(found) == (2 if is_high else 0), "to both treasurers"
    clock.now = monday
    detail = await Writer(sms_deps(pool, clock), FANTA).send("DETAIL")
    for one in (*found, detail):
        assert (said in one) == is_high
    if is_high:
        assert found[0] == f"{said}CSCom Hèrè. Parlez-en à ses médecins."


async def test_a_card_of_a_household_that_said_no_opens_nothing_and_the_year_of_birth_still_does(
    pool: AsyncEngine, household: Household
) -> None:
    codes = await give_card(pool, household)
    assert "COUVERT" in await check(pool, household.number, codes[0])
    later = NOON + MINUTE
    async with pool.begin() as db:
        await freeze_household(db, calling(AWA, later), number=household.number)
    await set_limit(pool, "guesses_a_day", 3, since=NOON.date() - timedelta(days=1))
    for code in (codes[1], codes[2], codes[0], codes[3] + AWA_BORN):  # in good faith: no guess is counted
        assert await check(pool, household.number, code, at=later) == UNIFORM
    assert await reasons(pool) == ["frozen"] * 4
    assert "COUVERT" in await check(pool, household.number, AWA_BORN, at=later), "neither closed nor stopped"
    async with pool.begin() as db:
        await unfreeze_household(db, household.number, By("support", "they spoke", later))
    assert "COUVERT" in await check(pool, household.number, codes[1], at=later)
    await expect_sound(pool)
