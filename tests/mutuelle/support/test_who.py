"""What support sees of a phone or a household: enough to help, nobody's name or phone; and the look is on record."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.payments import open_case
from mutuelle.cover.rules import Cover, CoverState
from mutuelle.households.tables import support_act
from mutuelle.officers.roles import Role
from mutuelle.support.changes import change_phone, close_household
from mutuelle.support.households import cover_in_words
from mutuelle.support.merging import merge_households
from mutuelle.support.who import about_household, about_phone
from mutuelle.tables import payment
from sms.delivery import opt_out
from sms.outbox import Message, enqueue
from sms.tables import MENU
from tests.support.joined_households import by, joined, unpaid
from tests.support.officers import appoint
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town


@pytest.fixture(autouse=True)
async def town(pool: AsyncEngine) -> None:
    await found_town(pool)


async def test_a_phone_shows_its_households_payments_and_messages_masked(pool: AsyncEngine) -> None:
    household = await joined(pool, AWA, pay_minor=3_000)
    async with pool.begin() as db:
        lines = await about_phone(db, AWA, by())
    text = "\n".join(lines)
    assert lines[0] == "phone …01"
    assert f"household {household.shown_number}, BEN Mutuelle Benso: A. K." in lines
    assert "  in Bandiagala since 2026-11-22" in lines
    assert "  Famille: part paid, due 9 000 F" in lines
    assert "  person 1 (head): A. K., born 1981" in lines
    assert "  SMS 2026-11-22 12:00 UTC receipt: DUE" in lines
    assert "3 000 F for 199" in text
    assert "PAID (status answer)" in text
    for hidden in ("Awa", "Kon", AWA, "76 00 00 01", "REÇU"):
        assert hidden not in text


async def test_a_failed_payment_has_no_receipt_and_more_sms_than_are_shown_are_counted(
    pool: AsyncEngine,
) -> None:
    """Answers to her own SMS never hide what she was told."""
    household = await unpaid(pool, AWA)
    async with pool.begin() as db:
        told = [Message("BEN", f"told {nth}", AWA, f"receipt {nth}", "words") for nth in range(7)]
        answers = [Message("BEN", f"said {nth}", AWA, "cover", "words", reply=True) for nth in range(9)]
        await enqueue(db, [*told, *answers], NOON)
        by_phone = await about_phone(db, AWA, by())
        by_number = await about_household(db, household.number, by())
    for lines in (by_phone, by_number):
        (paid_for,) = {line for line in lines if "FAILED" in line}
        assert ", no receipt, " in paid_for
        said = [line.strip() for line in lines if "SMS" in line or "…" in line]
        assert sum("UTC receipt" in line for line in said) == sum("UTC cover" in line for line in said) == 5
        assert {"… and 2 older SMS", "… and 4 older answers"} <= {*said}


@pytest.mark.parametrize(
    ("cover", "words"),
    [
        (Cover(CoverState.UNPAID), "unpaid"),
        (
            Cover(CoverState.WAITING, date(2027, 1, 30), date(2027, 11, 29)),
            "waiting, covered from 2027-01-30 until 2027-11-29",
        ),
        (Cover(CoverState.WAITING, None, date(2027, 1, 29)), "waiting, not covered before 2027-01-29"),
        (Cover(CoverState.COVERED, date(2026, 1, 1), date(2026, 12, 31)), "covered until 2026-12-31"),
        (Cover(CoverState.SUSPENDED, None, date(2026, 5, 31)), "suspended, ended 2026-05-31"),
        (Cover(CoverState.EXPIRED, None, date(2026, 5, 31)), "expired, ended 2026-05-31"),
    ],
)
def test_the_days_of_a_cover_are_not_mistaken(cover: Cover, words: str) -> None:
    assert cover_in_words(cover) == words


async def test_a_look_is_written_down_whatever_it_finds(pool: AsyncEngine) -> None:
    household = await unpaid(pool, AWA)
    async with pool.begin() as db:
        await about_phone(db, OUMAR, by())
        await about_household(db, household.number, by())
        await about_household(db, "199999995", by())
        rows = await db.execute(
            sa.select(support_act.c.act, support_act.c.subject, support_act.c.number).order_by(
                support_act.c.nth
            )
        )
        assert [tuple(row) for row in rows] == [
            ("who", OUMAR, None),
            ("who", household.number, household.number),
            ("who", "199999995", None),
        ]


async def test_an_unknown_phone_or_number_says_so(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        assert (await about_phone(db, OUMAR, by()))[-1] == "  speaks for no household"
        assert await about_household(db, "199999995", by()) == ["no household has the number 199999995"]


async def test_an_office_and_a_stop_are_shown(pool: AsyncEngine) -> None:
    await appoint(pool, OUMAR, Role.COLLECTOR)
    async with pool.begin() as db:
        await opt_out(db, OUMAR, MENU, NOON)
        lines = await about_phone(db, OUMAR, by())
    assert "  collector of BEN" in lines
    assert "  said STOP on 2026-11-22: no reminders go there" in lines


async def test_open_cases_changes_and_earlier_acts_are_shown(pool: AsyncEngine) -> None:
    household = await joined(pool, AWA)
    async with pool.begin() as db:
        reference = (await db.execute(sa.select(payment.c.reference))).scalar_one()
        await open_case(db, "BEN", reference, "clock", "the operator dates it tomorrow", NOON)
        await change_phone(db, household.number, by(NOON + timedelta(hours=1)), new=MARIAM, old=AWA)
        lines = await about_household(db, household.number, by())
    assert f"  OPEN CASE 2026-11-22 12:00 UTC clock: the operator dates it tomorrow, {reference}" in lines
    assert "  2026-11-22 13:00 UTC phone added, by Kadidia, support" in lines
    assert f"  2026-11-22 13:00 UTC household phone, by Kadidia, support: {by().reason}" in lines
    assert "  phone …02" in lines
    assert "  phone …01" not in lines


async def test_a_household_that_was_merged_into_another_is_not_said_to_be_covered(pool: AsyncEngine) -> None:
    kept, double = await joined(pool, AWA), await joined(pool, MARIAM, pay_minor=3_000)
    async with pool.begin() as db:
        await merge_households(db, double.number, kept.number, by())
        said = await about_household(db, double.number, by())
    assert not [line for line in said if "until" in line or "due" in line]


async def test_a_closed_household_is_still_found(pool: AsyncEngine) -> None:
    household = await unpaid(pool, AWA)
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=False)
        assert "  CLOSED on 2026-11-22" in await about_phone(db, AWA, by())
