"""Reminders: who agreed, on the right days, with the exact sum, once ever; nobody else and nothing twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from locales import Money
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from mutuelle.schedules.jobs import run_schedules
from mutuelle.schedules.reminders.consent import accept_reminders, stop_reminders, wants_reminders
from mutuelle.schedules.tables import reminder
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone
from sms.tables import outbox
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.joined_households import unpaid
from tests.support.payers import HALF, INDIGENTS, lists, puts_under, town_with_payers
from tests.support.town import AWA, MARIAM, found, found_town, heard, join, paid, pays, sell

JOINED = datetime(2026, 1, 10, 12, tzinfo=UTC)
ENDS = date(2027, 1, 9)


def caller(phone: str = AWA, at: datetime = JOINED) -> Caller:
    return Caller(phone, "fr", "test", f"call {phone} {at}", at)


async def agrees(pool: AsyncEngine, phone: str = AWA, at: datetime = JOINED) -> None:
    async with pool.begin() as db:
        await accept_reminders(db, caller(phone, at))


async def insured(pool: AsyncEngine, phone: str = AWA, part_minor: int | None = None) -> Household:
    """A household that joined on JOINED, paid, and agreed to be reminded."""
    household = await join(pool, phone, at=JOINED, pay_minor=part_minor)
    await paid(pool, household, at=JOINED)
    await agrees(pool, phone)
    return household


async def reminded(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        mine = (outbox.c.template.like("reminder%")) & (outbox.c.phone == AWA)
        return list(await db.scalars(select(outbox.c.body).where(mine).order_by(outbox.c.recorded_at)))


async def live(pool: AsyncEngine, first: date, last: date) -> dict[date, str]:
    """Let the worker run once a day at 9:30 from `first` to `last`; what each day brought to AWA."""
    told: dict[date, str] = {}
    day, seen = first, len(await reminded(pool))
    while day <= last:
        await run_schedules(pool, timing.Clock.at(datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)))
        bodies = await reminded(pool)
        assert len(bodies) - seen in (0, 1)
        if len(bodies) > seen:
            told[day] = bodies[-1]
        seen, day = len(bodies), day + timedelta(days=1)
    return told


async def test_an_ending_cover_is_told_three_times_with_the_price_of_the_next(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await insured(pool)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=13_500, sold_from=date(2026, 12, 1))
    told = await live(pool, date(2026, 12, 20), date(2027, 1, 20))
    assert list(told) == [ENDS - timedelta(days=14), ENDS - timedelta(days=3), ENDS]
    number = household.shown_number
    assert told[ENDS - timedelta(days=3)] == (
        f"Mutuelle Benso : la couverture du ménage {number} finit le 09/01/2027. "
        "Pour renouveler, 13 500 F (couvert jusqu'au 09/01/2028) : appelez le service, tapez 2."
    )
    assert "aujourd'hui, 09/01/2027" in told[ENDS]
    async with pool.connect() as db:
        rows = (await db.execute(select(reminder.c.kind, reminder.c.ends_on, reminder.c.amount_minor))).all()
        stands = await standing(db, household, datetime(2027, 1, 9, 12, tzinfo=UTC))
    assert {(row.ends_on, row.amount_minor) for row in rows} == {(ENDS, 13_500)}
    assert stands.renewal
    assert stands.renewal.price.amount_minor == 13_500


async def test_days_without_a_worker_are_made_up_for_and_two_days_in_a_row_are_spared(
    pool: AsyncEngine,
) -> None:
    await found_town(pool)
    await insured(pool)
    assert await live(pool, date(2026, 12, 23), date(2026, 12, 24)) == {}
    # Stopped over Christmas: the first morning back is too late to be of use, the second tells what waits.
    assert list(await live(pool, date(2026, 12, 28), date(2027, 1, 20))) == [
        date(2026, 12, 29),
        ENDS - timedelta(days=3),
        ENDS,
    ]


async def test_who_agrees_late_is_told_at_three_days_first(pool: AsyncEngine) -> None:
    await found_town(pool)
    await paid(pool, await join(pool, AWA, at=JOINED), at=JOINED)
    assert await live(pool, date(2026, 12, 20), date(2027, 1, 2)) == {}
    await agrees(pool, at=datetime(2027, 1, 2, tzinfo=UTC))
    assert list(await live(pool, date(2027, 1, 3), date(2027, 1, 12))) == [ENDS - timedelta(days=3), ENDS]


async def test_a_part_paid_cover_is_told_before_it_is_suspended(pool: AsyncEngine) -> None:
    await found_town(pool)
    await insured(pool, part_minor=6_000)
    told = await live(pool, date(2026, 3, 25), date(2026, 4, 20))
    assert list(told) == [date(2026, 4, 2)]
    assert "est couvert jusqu'au 09/04/2026" in told[date(2026, 4, 2)]
    assert "payez 6 000 F" in told[date(2026, 4, 2)]


async def test_who_did_not_agree_or_stopped_or_lost_the_phone_is_not_reminded(pool: AsyncEngine) -> None:
    await found_town(pool)
    await paid(pool, await join(pool, AWA, at=JOINED), at=JOINED)
    assert await live(pool, date(2026, 12, 25), date(2026, 12, 26)) == {}
    await agrees(pool)
    await agrees(pool, at=JOINED + timedelta(days=1))
    async with pool.begin() as db:
        assert await wants_reminders(db, caller())
        assert not await wants_reminders(db, caller(MARIAM))
        await stop_reminders(db, caller(at=JOINED + timedelta(days=2)))
        assert not await wants_reminders(db, caller())
    assert await live(pool, date(2026, 12, 27), date(2026, 12, 28)) == {}
    await agrees(pool, at=JOINED + timedelta(days=3))
    async with pool.begin() as db:
        await db.execute(household_phone.delete())
    assert await live(pool, date(2026, 12, 29), date(2027, 1, 9)) == {}


async def test_who_has_no_household_cannot_agree(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.connect() as db:
        with pytest.raises(RefusedError, match="no household"):
            await accept_reminders(db, caller())
        await stop_reminders(db, caller())


async def test_who_renewed_or_is_paying_or_has_left_is_not_reminded(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await insured(pool)
    await pays(
        pool, household, 3_000, at=JOINED
    )  # in credit: nothing of it is due, the cover ends all the same
    async with pool.begin() as db:
        stands = await standing(db, household, datetime(2026, 12, 20, tzinfo=UTC))
        assert stands.renewal
    at = datetime(2026, 12, 24, tzinfo=UTC)
    async with pool.begin() as db:
        await ask_payment(
            db, caller(at=at), household, stands.renewal.price, PayingPhone(AWA), renewal=stands.renewal
        )
    assert await live(pool, date(2026, 12, 26), date(2026, 12, 27)) == {}
    await paid(pool, household, at=at)
    assert await live(pool, date(2026, 12, 28), date(2027, 1, 12)) == {}
    gone = await insured(pool, MARIAM)
    async with pool.begin() as db:
        closed = household_table.c.number == gone.number
        await db.execute(household_table.update().where(closed).values(closed_at=JOINED))
    await live(pool, date(2026, 12, 30), date(2026, 12, 31))
    async with pool.connect() as db:
        assert list(await db.scalars(select(reminder.c.number))) == []


async def renews(pool: AsyncEngine, household: Household, part_minor: int) -> None:
    """The household pays a part of its next period, a little before Christmas."""
    at = datetime(2026, 12, 20, 12, tzinfo=UTC)
    async with pool.begin() as db:
        renewal = (await standing(db, household, at)).renewal
        await ask_payment(
            db, caller(at=at), household, Money(part_minor, "XOF"), PayingPhone(AWA), renewal=renewal
        )
    await paid(pool, household, at=at)


async def test_a_next_period_that_opens_is_not_asked_for_but_its_rest_is(pool: AsyncEngine) -> None:
    await found_town(pool)
    await renews(pool, await insured(pool), 6_000)
    assert await live(pool, date(2026, 12, 24), date(2027, 1, 12)) == {}
    async with pool.begin() as db:
        await heard(db, datetime(2027, 3, 1, tzinfo=UTC))
    told = await live(pool, date(2027, 3, 30), date(2027, 4, 4))
    assert list(told) == [date(2027, 4, 2)]
    assert "couvert jusqu'au 09/04/2027. Pour le rester, payez 6 000 F" in told[date(2027, 4, 2)]


async def test_a_next_period_that_was_only_begun_is_asked_for_by_its_rest(pool: AsyncEngine) -> None:
    await found_town(pool)
    await renews(pool, await insured(pool), 3_000)
    told = await live(pool, date(2026, 12, 25), date(2026, 12, 27))
    assert [words.split(". ")[1] for words in told.values()] == [
        "Pour renouveler, 9 000 F (couvert jusqu'au 09/01/2028) : appelez le service, tapez 2."
    ]


async def test_what_a_payer_owes_whole_is_asked_of_nobody(pool: AsyncEngine) -> None:
    """It is renewed in the last week, and said so; a household that pays a half is reminded of its half."""
    await town_with_payers(pool)
    for phone, code in ((AWA, "indigents"), (MARIAM, "aide")):
        household = await unpaid(pool, phone, at=JOINED)
        await puts_under(pool, household, code, at=JOINED)
        await agrees(pool, phone)
    await pays(pool, household, 6_000, at=JOINED)
    assert await live(pool, ENDS - timedelta(days=20), ENDS) == {}
    async with pool.connect() as db:
        told = (await db.execute(select(outbox.c.phone, outbox.c.template, outbox.c.body))).all()
    [renewed] = [one.body for one in told if one.template == "renewed by payer"]
    assert renewed.startswith("Mutuelle Benso : Commune de Sikasso paie pour le ménage ")
    assert renewed.endswith(". Couvert jusqu'au 09/01/2028. Vous n'avez rien à payer.")
    asked = [one.body for one in told if one.template.startswith("reminder") and one.phone == MARIAM]
    assert len(asked) == 3
    assert all("6 000 F" in body for body in asked)


async def test_a_payer_who_ends_leaves_a_household_its_reminders(pool: AsyncEngine) -> None:
    await town_with_payers(pool)
    household = await unpaid(pool, AWA, at=JOINED)
    await puts_under(pool, household, "indigents", at=JOINED)
    await agrees(pool)
    await lists(pool, INDIGENTS, HALF, replace(INDIGENTS, since=ENDS - timedelta(days=30), percent=0))
    told = await live(pool, ENDS - timedelta(days=20), ENDS)
    assert len(told) == 3
    assert all("12 000 F" in body for body in told.values())


async def test_nothing_on_sale_sends_to_the_treasurer(pool: AsyncEngine) -> None:
    await found_town(pool)
    await insured(pool)
    async with pool.begin() as db:
        await db.execute(text("update product set sold_until = '2026-12-01'"))
    told = await live(pool, date(2026, 12, 26), date(2026, 12, 27))
    assert told[date(2026, 12, 27)].endswith("Pour renouveler, voyez votre trésorier.")


async def test_a_phone_of_two_households_is_told_of_each_and_both_phones_of_one(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    household = await insured(pool)
    other = await join(pool, "+22376000055", at=JOINED, code="ZAN")
    await paid(pool, other, at=JOINED)
    async with pool.begin() as db:
        for phone, one in ((MARIAM, household), (AWA, other)):
            key = {"mutuelle_id": one.mutuelle_id, "number": one.number}
            await db.execute(household_phone.insert(), {**key, "phone": phone, "since": JOINED})
    await agrees(pool)
    await agrees(pool, MARIAM)
    for _again in range(2):
        await run_schedules(pool, timing.Clock.at(datetime(2026, 12, 27, 10, tzinfo=UTC)))
        await run_schedules(pool, timing.Clock.at(datetime(2026, 12, 28, 10, tzinfo=UTC)))
    async with pool.connect() as db:
        told = await db.execute(select(reminder.c.mutuelle_id, reminder.c.phone))
        assert sorted(tuple(row) for row in told) == [("BEN", AWA), ("BEN", MARIAM), ("ZAN", AWA)]


async def test_a_stopped_phone_has_its_reminder_withheld_by_the_outbox(pool: AsyncEngine) -> None:
    """A reminder is an ordinary message: neither receipt nor reply, so that a STOP holds it back."""
    await found_town(pool)
    await insured(pool)
    await live(pool, date(2026, 12, 25), date(2026, 12, 27))
    async with pool.connect() as db:
        sent = (await db.execute(select(outbox).where(outbox.c.template.like("reminder%")))).one()
    assert (sent.is_reply, sent.receipt_code, sent.segments) == (False, None, 1)
