"""A doctor's check of a cover: what it answers, what it keeps, and what it never gives away."""

import asyncio
import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import render
from mutuelle.care import guess_limits
from mutuelle.care.eligibility import NOT_RECOGNISED, draw_reference
from mutuelle.care.eligibility_history import checks_by, checks_of
from mutuelle.care.guess_limits import LOCK, WRONG_A_HOUSEHOLD, locked
from mutuelle.care.invariants import INVARIANTS
from mutuelle.care.tables import care_code, eligibility_check, failed_check
from mutuelle.households.households import Household
from mutuelle.scheme.limits import USUAL
from talk.keywords import BY_MESSAGE
from talk.trouble import RefusedError
from tests.support.clinic import DR_ROKIA, DR_SOULEYMANE, contract, open_facility
from tests.support.doctor_desk import ask, calling, check, covered_household, make, other_than
from tests.support.officers import set_limit
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found, join, paid

MINUTE = timedelta(minutes=1)
UNIFORM = render(NOT_RECOGNISED, "fr")


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    return await covered_household(pool)


async def reasons(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return list(await db.scalars(select(failed_check.c.reason).order_by(failed_check.c.tried_at)))


async def told(pool: AsyncEngine, template: str) -> list[str]:
    async with pool.connect() as db:
        return list(
            await db.scalars(
                text("select body from sms_outbox where template = :t order by key").bindparams(t=template)
            )
        )


async def test_a_covered_patient(pool: AsyncEngine, household: Household) -> None:
    answer = await check(pool, household.number, await make(pool, household))
    assert re.fullmatch(
        r"A\. K\. : COUVERT le 22/11/2026, jusqu'au 22/09/2027\. Mutuelle Benso, référence [A-Z2-9]{6}\.",
        answer,
    )
    async with pool.connect() as db:
        row = (await db.execute(select(eligibility_check))).one()
        used_at = await db.scalar(select(care_code.c.used_at))
    assert answer.endswith(f"{row.reference}.")
    assert (row.covered, row.state, row.until_on) == (True, "covered", date(2027, 9, 22))
    assert (row.policy_sequence, row.policies_known, row.rank, row.doctor_phone) == (1, 1, 1, DR_ROKIA)
    assert used_at == row.asked_at == NOON


async def test_an_answer_says_nothing_of_money_or_care_and_no_name(
    pool: AsyncEngine, household: Household
) -> None:
    answer = await check(pool, household.number, await make(pool, household))
    for secret in ("Awa", "Kon", "12 000", "Famille", household.number, household.shown_number, "76"):
        assert secret not in answer


@pytest.mark.parametrize(
    ("joined_days_ago", "paid_minor", "answer"),
    [
        (60, 12_000, "COUVERT le 22/11/2026, jusqu'au 22/09/2027"),
        (60, 6_000, "COUVERT le 22/11/2026, jusqu'au 22/12/2026"),  # a part: until the rest is due
        (380, 12_000, "COUVERT le 22/11/2026, jusqu'au 06/12/2026"),  # over, in its grace
        (5, 12_000, "NON COUVERT le 22/11/2026"),  # waiting
        (60, 3_000, "NON COUVERT le 22/11/2026"),  # too little
        (150, 6_000, "NON COUVERT le 22/11/2026"),  # suspended
        (450, 12_000, "NON COUVERT le 22/11/2026"),  # expired
    ],
)
async def test_the_answer_is_the_cover_of_the_day(
    pool: AsyncEngine, household: Household, joined_days_ago: int, paid_minor: int, answer: str
) -> None:
    at = NOON - timedelta(days=joined_days_ago)
    other = await join(pool, MARIAM, at=at, name="Mariam Sangaré", pay_minor=paid_minor)
    await paid(pool, other, at=at)
    read = await check(pool, other.number, await make(pool, other, phone=MARIAM))
    assert read.startswith(f"M. S. : {answer}")
    await expect_sound(pool)


async def test_of_who_is_not_covered_yet_in_a_covered_household(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    async with owner.begin() as db:
        await db.execute(text("update beneficiary set first_policy = 2 where rank = 3"))
    read = await check(pool, household.number, await make(pool, household, rank=3))
    assert read.startswith("personne de 12 ans : NON COUVERT")
    assert "A. K. : COUVERT" in await check(pool, household.number, await make(pool, household))
    await expect_sound(pool)


async def test_the_household_is_told_of_every_check_in_neutral_words(
    pool: AsyncEngine, household: Household
) -> None:
    await check(pool, household.number, await make(pool, household))
    assert await told(pool, "cover checked") == [
        "Votre couverture a été vérifiée le 22/11/2026 à 12:00. Ce n'était pas vous ? "
        "Envoyez NON ou appelez le 76 00 00 09."
    ]


async def test_a_code_used_twice_says_so_to_both(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    first = await check(pool, household.number, code)
    later = NOON + 3 * MINUTE
    reference = first[-7:-1]
    own = await check(pool, household.number, code, at=later)
    assert own == f"{first} Code déjà utilisé à 12:00.", (
        "an SMS may have been lost: the same answer, not a new one"
    )
    async with pool.begin() as db:
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra")
    other = await check(pool, household.number, code, at=later + MINUTE, phone=DR_SOULEYMANE)
    assert other.startswith("Ce code de soins a déjà servi le 22/11/2026 à 12:00.")
    assert reference not in other
    assert len(await told(pool, "code used again")) == 1, "told once, however often it is tried"
    assert await reasons(pool) == ["used", "used"]
    assert not await is_locked(pool, household, later), "a code that is known was not guessed"


async def is_locked(pool: AsyncEngine, household: Household, at: datetime) -> bool:
    async with pool.begin() as db:
        desk = await guess_limits.facility_for(
            db, calling(DR_ROKIA), [household.mutuelle_id], household.number
        )
        return await guess_limits.is_locked(db, desk, household.number, at)


async def test_whatever_is_wrong_reads_the_same_and_is_counted(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
        await open_facility(db, code="ZAN")
    foreign = await join(pool, MARIAM, at=NOON, code="ZAN", name="Mariam Sangaré")
    closed = await join(pool, OUMAR, at=NOON, name="Oumar Diallo")
    codes = {
        h.number: await make(pool, h, phone=p)
        for h, p in ((household, AWA), (foreign, MARIAM), (closed, OUMAR))
    }
    async with owner.begin() as db:
        await db.execute(
            text("update household set closed_at = now() where number = :n").bindparams(n=closed.number)
        )
    code = codes[household.number]
    late = NOON + timedelta(minutes=16)
    tries = [
        ("code", household.number, other_than(code), NOON),
        ("number", "199999990", code, NOON + MINUTE),
        ("number", foreign.number, codes[foreign.number], NOON + 2 * MINUTE),
        ("number", closed.number, codes[closed.number], NOON + 3 * MINUTE),
        ("expired", household.number, code, late),
    ]
    for reason, number, typed, at in tries:
        assert await check(pool, number, typed, at=at) == UNIFORM, reason
    assert await reasons(pool) == [reason for reason, *_rest in tries]
    assert await told(pool, "cover checked") == []


async def test_whatever_is_wrong_costs_the_same_work(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    counts = set()
    for number, typed in ((household.number, other_than(code)), ("199999990", code)):
        statements = await statements_of(pool, number, typed)
        counts.add(tuple(statements))
    assert len(counts) == 1, "the same questions are put, whether or not the household exists"


async def statements_of(pool: AsyncEngine, number: str, code: str) -> list[str]:
    said: list[str] = []

    def note(*args: object) -> None:
        said.append(str(args[2]))

    event.listen(pool.sync_engine, "before_cursor_execute", note)
    try:
        await check(pool, number, code)
    finally:
        event.remove(pool.sync_engine, "before_cursor_execute", note)
    return said


async def test_three_wrong_ones_close_a_household_for_a_quarter_of_an_hour(
    pool: AsyncEngine, household: Household
) -> None:
    code = await make(pool, household)
    for nth in range(WRONG_A_HOUSEHOLD):
        assert await check(pool, household.number, other_than(code), at=NOON + nth * MINUTE) == UNIFORM
    third = NOON + (WRONG_A_HOUSEHOLD - 1) * MINUTE
    assert await check(pool, household.number, code, at=third + MINUTE) == UNIFORM
    assert await check(pool, household.number, other_than(code), at=third + 14 * MINUTE) == UNIFORM
    assert await reasons(pool) == ["code"] * 3 + ["locked"] * 2
    code = await make(pool, household, at=third + LOCK)
    assert "COUVERT" in await check(pool, household.number, code, at=third + LOCK)


async def test_a_lock_closes_no_other_household(pool: AsyncEngine, household: Household) -> None:
    for nth in range(WRONG_A_HOUSEHOLD):
        await check(pool, "199999990", "123456", at=NOON + nth * MINUTE)
    assert "COUVERT" in await check(pool, household.number, await make(pool, household), at=NOON + 4 * MINUTE)


def test_a_lock_is_counted_from_the_third_wrong_one_and_tries_meanwhile_do_not_prolong_it() -> None:
    def at(*minutes: int) -> list[datetime]:
        return [NOON + minute * MINUTE for minute in minutes]

    assert not locked(at(0, 1), NOON + 2 * MINUTE)
    assert locked(at(0, 1, 2), NOON + 2 * MINUTE)
    assert locked(at(0, 14, 15), NOON + 29 * MINUTE)
    assert not locked(at(0, 14, 15), NOON + 30 * MINUTE)
    assert not locked(at(0, 14, 16), NOON + 16 * MINUTE), "three in more than the window"
    assert locked(at(0, 10, 14, 16), NOON + 28 * MINUTE)


async def test_a_person_may_forgive_a_failed_check(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    for nth in range(WRONG_A_HOUSEHOLD):
        await check(pool, household.number, other_than(code), at=NOON + nth * MINUTE)
    async with pool.begin() as db:  # as docs/operations.md says
        await db.execute(text("update failed_check set forgiven_at = tried_at"))
    assert "COUVERT" in await check(pool, household.number, code, at=NOON + 5 * MINUTE)


async def test_thirty_wrong_ones_stop_a_facility_until_tomorrow(
    pool: AsyncEngine, household: Household, caplog: pytest.LogCaptureFixture
) -> None:
    async with pool.begin() as db:
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra")
    for nth in range(USUAL.guesses_a_day):
        assert not caplog.records
        phone = DR_ROKIA if nth % 2 else DR_SOULEYMANE
        assert await check(pool, f"1990{nth:05}", "123456", at=NOON, phone=phone) == UNIFORM
    assert [record.getMessage() for record in caplog.records] == ["check.facility_stopped"]
    assert caplog.records[0].__dict__["facility"] == "cscom"
    code = await make(pool, household)
    for phone in (DR_ROKIA, DR_SOULEYMANE):
        assert "plus de vérification avant demain" in await check(pool, household.number, code, phone=phone)
    assert len(await reasons(pool)) == USUAL.guesses_a_day, "past the limit nothing more is written"
    tomorrow = NOON + timedelta(hours=12)  # midnight in Bamako
    assert "COUVERT" in await check(
        pool, household.number, await make(pool, household, at=tomorrow), at=tomorrow
    )


async def test_forged_sms_close_neither_the_doctors_own_calls_nor_a_household_to_them(
    pool: AsyncEngine, household: Household
) -> None:
    code = await make(pool, household)
    for nth in range(USUAL.guesses_a_day):
        number = household.number if nth < WRONG_A_HOUSEHOLD else f"1990{nth:05}"
        assert await check(pool, number, other_than(code), gateway=BY_MESSAGE) == UNIFORM
    assert "en appelant le service : 9" in await check(pool, household.number, code, gateway=BY_MESSAGE)
    assert "COUVERT" in await check(pool, household.number, code)
    async with pool.connect() as db:
        assert [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds] == []


async def test_tries_at_a_locked_household_use_up_the_facility_too(
    pool: AsyncEngine, household: Household
) -> None:
    wrong = other_than(await make(pool, household))
    for _nth in range(USUAL.guesses_a_day):
        assert await check(pool, household.number, wrong) == UNIFORM
    assert "plus de vérification avant demain" in await check(pool, household.number, wrong)


async def test_whose_limits_are_met_does_not_tell_whether_a_number_is_a_members(
    pool: AsyncEngine, household: Household
) -> None:
    """A doctor of two mutuelles has used up one: numbers of the other read alike, known or not."""
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
        await open_facility(db, code="ZAN")
        await contract(db, code="ZAN")
    other = await join(pool, MARIAM, at=NOON, code="ZAN", name="Mariam Sangaré")
    for nth in range(USUAL.guesses_a_day):
        await check(pool, f"1990{nth:05}", "123456")
    assert await check(pool, other.number, "123456") == await check(pool, "198999990", "123456") == UNIFORM
    assert "demain" in await check(pool, household.number, "123456")


async def test_a_mutuelle_decides_how_many_wrong_numbers_a_facility_may_send(
    pool: AsyncEngine, household: Household
) -> None:
    await set_limit(pool, "guesses_a_day", 40)
    for nth in range(40):
        await check(pool, f"1990{nth:05}", "123456")
    assert "demain" in await check(pool, household.number, await make(pool, household))
    await set_limit(pool, "guesses_a_day", 6)
    async with pool.connect() as db:
        assert [one.invariant.name for one in await examine(db, INVARIANTS) if not one.holds] == []


async def test_a_doctor_has_so_many_answers_a_day(pool: AsyncEngine, household: Household) -> None:
    await set_limit(pool, "checks_a_day", 2)
    for nth in range(2):
        assert "COUVERT" in await check(
            pool,
            household.number,
            await make(pool, household, at=NOON + nth * MINUTE),
            at=NOON + nth * MINUTE,
        )
    code = await make(pool, household, at=NOON + 3 * MINUTE)
    assert "la prochaine sera possible demain" in await check(
        pool, household.number, code, at=NOON + 3 * MINUTE
    )
    async with pool.begin() as db:
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra")
    assert "COUVERT" in await check(pool, household.number, code, at=NOON + 4 * MINUTE, phone=DR_SOULEYMANE)


async def test_only_a_doctor_in_office_is_answered(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    code = await make(pool, household)
    for phone in (AWA, "+22376000007", "+22376000099"):  # a member, a treasurer, nobody
        with pytest.raises(RefusedError, match="Only doctors under contract"):
            await check(pool, household.number, code, phone=phone)
    async with owner.begin() as db:
        await db.execute(text("update doctor set until = '2026-11-21'"))
    with pytest.raises(RefusedError, match="Only doctors under contract"):
        await check(pool, household.number, code)
    assert await reasons(pool) == []


async def test_of_many_checks_at_once_one_is_answered(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    answers = await asyncio.gather(*(check(pool, household.number, code) for _nth in range(20)))
    assert sum("déjà utilisé" not in answer for answer in answers) == 1
    assert len({answer.removesuffix(" Code déjà utilisé à 12:00.") for answer in answers}) == 1
    assert await reasons(pool) == ["used"] * 19
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(eligibility_check)) == 1


async def test_of_many_wrong_ones_at_once_each_is_counted(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    wrong = await asyncio.gather(*(check(pool, household.number, other_than(code)) for _nth in range(20)))
    assert set(wrong) == {UNIFORM}
    assert sorted(await reasons(pool)) == ["code"] * 3 + ["locked"] * 17


async def test_checks_at_once_from_two_facilities_are_counted_as_one_household(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await open_facility(db, facility="csref", name="CSRef Zangasso")
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Diarra", facility="csref")
    code = await make(pool, household)
    doctors = (DR_ROKIA, DR_SOULEYMANE) * 6
    answers = await asyncio.gather(*(check(pool, household.number, code, phone=phone) for phone in doctors))
    assert sum("déjà" not in answer for answer in answers) == 1
    wrong = other_than(code)
    await asyncio.gather(
        *(check(pool, household.number, wrong, at=NOON + MINUTE, phone=phone) for phone in doctors)
    )
    assert sorted(await reasons(pool)) == ["code"] * 3 + ["locked"] * 9 + ["used"] * 11


async def test_the_wrong_ones_of_a_facility_are_counted_exactly_also_at_once(
    pool: AsyncEngine, household: Household
) -> None:
    numbers = [f"1990{nth:05}" for nth in range(USUAL.guesses_a_day + 8)]
    answers = await asyncio.gather(*(check(pool, number, "123456") for number in numbers))
    assert answers.count(UNIFORM) == USUAL.guesses_a_day
    assert len(await reasons(pool)) == USUAL.guesses_a_day


async def test_who_checked_is_read_by_the_member_and_by_the_doctor(
    pool: AsyncEngine, household: Household
) -> None:
    for nth in range(3):
        at = NOON + nth * MINUTE
        await check(pool, household.number, await make(pool, household, at=at), at=at)
    async with pool.connect() as db:
        of_member = await checks_of(db, household, 2)
        of_doctor = await checks_by(db, calling(DR_ROKIA), "BEN", 9)
        assert await checks_by(db, calling(DR_SOULEYMANE), "BEN", 9) == []
    assert [(c.time, c.day, c.facility, c.covered) for c in of_member] == [
        ("12:02", date(2026, 11, 22), "CSCom Hèrè", True),
        ("12:01", date(2026, 11, 22), "CSCom Hèrè", True),
    ]
    assert [c.reference for c in of_doctor][:2] == [c.reference for c in of_member]


async def test_nobody_can_change_or_forget_an_answer(pool: AsyncEngine, household: Household) -> None:
    await check(pool, household.number, await make(pool, household))
    for statement in (
        "update eligibility_check set covered = false",
        "delete from eligibility_check",
        "delete from failed_check",
        "update care_code set digest = digest",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with pool.begin() as db:
                await db.execute(text(statement))


async def test_a_failed_check_leaves_the_code_alive(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    await check(pool, household.number, other_than(code))
    assert "COUVERT" in await check(pool, household.number, code, at=NOON + MINUTE)


async def test_what_was_refused_by_a_fault_is_not_half_done(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    async with pool.connect() as db:
        assert "COUVERT" in render(await ask(db, household.number, code), "fr")
        await db.rollback()
    assert await told(pool, "cover checked") == []
    assert "COUVERT" in await check(pool, household.number, code)


def test_a_reference_is_six_letters_and_digits_that_cannot_be_mistaken() -> None:
    for _nth in range(200):
        assert re.fullmatch("[2-9A-HJ-NP-Z]{6}", draw_reference())


async def expect_sound(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        findings = await examine(db, INVARIANTS)
    assert [(f.invariant.name, f.offenders) for f in findings if not f.holds] == []
