"""Reminder runs: once a day for a mutuelle, over all households that agreed to be reminded.

Idempotent: each is sent to a phone once for a policy and occasion. Its row is written first; an existing row sends
nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import reduce
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _, render_within
from mutuelle.contributions.foresight import if_insured_pays
from mutuelle.contributions.payments import OPEN
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.contributions.standing import after_credit
from mutuelle.contributions.ways_to_pay import PayInCash, cash_for_each
from mutuelle.cover.rules import CoverState, current
from mutuelle.household_key import same_household
from mutuelle.households.holders import IN_DOUBT, Doubt
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import SEGMENT
from mutuelle.schedules.schedules import Schedule
from mutuelle.schedules.tables import reminder, reminder_consent
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, payment
from sms.outbox import Message, enqueue
from talk.preferences import languages_of

REMINDERS = "reminders"
CHUNK = 500  # rows of one statement; between two the worker's other loops run


class Occasion(StrEnum):
    """Why a household is reminded."""

    TWO_WEEKS = "ends in two weeks"
    THREE_DAYS = "ends in three days"
    TODAY = "ends today"
    PART_PAID = "part paid"


# Days before the last covered day, first and last: a day on which no worker ran is made up for on the next, and a
# late consent brings no reminders on two days in a row.
ENDS = {Occasion.TWO_WEEKS: (14, 10), Occasion.THREE_DAYS: (3, 1), Occasion.TODAY: (0, 0)}
SUSPENDS = (7, 0)


@dataclass(frozen=True)
class Reminder:
    """The facts of a reminder: the last covered day as things stand, and what to pay (None: see the treasurer).

    `until` is the last covered day if that is paid today.
    `in_doubt`: who holds the phone that is reminded is not known.
    """

    number: str
    sequence: int
    occasion: Occasion
    ends_on: date
    amount: Money | None
    until: date | None = None
    in_doubt: bool = False


async def send_reminders(db: AsyncConnection, due: Schedule, now: datetime) -> int:
    """Write the reminders due on the day of `now`, with their messages, in the transaction of the firing."""
    mutuelle = await get_mutuelle(db, due.mutuelle_id)
    today = mutuelle.today(now)
    agreed = await _agreed(db, mutuelle.id, now)
    paying = set(await db.scalars(_under_way(mutuelle.id)))
    insured = await portfolio(
        db, mutuelle, today, only=sorted({number for number, *_phone in agreed} - paying)
    )
    wanted = {number: found for number, one in insured.items() if (found := reminder_of(one, today))}
    chosen = [
        (replace(wanted[number], in_doubt=in_doubt), phone)
        for number, phone, in_doubt in agreed
        if number in wanted
    ]
    sent = 0
    for start in range(0, len(chosen), CHUNK):
        sent += await _send(db, mutuelle, chosen[start : start + CHUNK], now)
        await asyncio.sleep(0)
    return sent


def reminder_of(one: Insured, today: date) -> Reminder | None:
    """The reminder that is due today for a household, if any."""
    ends_on = one.cover.until_on
    if ends_on is None:
        return None
    left = (ends_on - today).days
    period = current(one.periods, today)
    about = (one.number, period.terms.sequence)
    if period.due_minor:
        is_part_paid = one.cover.state in (CoverState.IN_ARREARS, CoverState.WAITING)
        if not is_part_paid or not _within(left, SUSPENDS):
            return None
        return Reminder(*about, Occasion.PART_PAID, ends_on, one.due, _until(one, one.due, today))
    renewed = any(later.opened_on is not None and later.opened_on > today for later in one.periods)
    if one.cover.state is not CoverState.COVERED or renewed:
        return None
    if one.renewal and one.regime and one.regime.is_whole:
        return None  # renewed by the clock: there is nothing to ask for
    occasion = next((which for which, days in ENDS.items() if _within(left, days)), None)
    price = _price(one)
    until = _until(one, price, today) if price else None
    return Reminder(*about, occasion, ends_on, price, until) if occasion else None


def _until(one: Insured, amount: Money, today: date) -> date | None:
    """The last day that is covered if `amount` is paid today."""
    return if_insured_pays(one, amount, today).cover.until_on


def _price(one: Insured) -> Money | None:
    """What to pay: the rest of a period that has begun, else the price of the next one, less the credit."""
    if one.due.amount_minor:
        return one.due
    return after_credit(one.renewal, one.credit) if one.renewal else None


def _within(left: int, days: tuple[int, int]) -> bool:
    return days[0] >= left >= days[1]


async def _agreed(db: AsyncConnection, mutuelle_id: str, now: datetime) -> list[tuple[str, str, bool]]:
    """(number, phone, whether in doubt) of each consent whose phone is still the household's, as far as is known, or
    that of the relative who registered it.
    """
    asked = select(reminder_consent.c.number, reminder_consent.c.phone).where(
        reminder_consent.c.mutuelle_id == mutuelle_id, reminder_consent.c.until.is_(None)
    )
    is_own = same_household(household_phone, reminder_consent) & (
        household_phone.c.phone == reminder_consent.c.phone
    )
    own = (
        asked.add_columns(IN_DOUBT)
        .join(household_phone, is_own)
        .where(household_phone.c.doubt.is_distinct_from(Doubt.NOT_ME))
    )
    relatives = (
        asked.add_columns(sa.false())
        .join(household_table, same_household(household_table, reminder_consent))
        .where(household_table.c.registered_by == reminder_consent.c.phone, ~sa.exists().where(is_own))
    )
    rows = await db.execute(sa.union_all(own, relatives).order_by("number", "phone"), {"at": now})
    return [(row[0], row[1], row[2]) for row in rows]


def _under_way(mutuelle_id: str) -> Select[str]:
    """The households that pay by themselves now: what another has not paid yet silences no reminder."""
    return select(payment.c.number).where(
        payment.c.mutuelle_id == mutuelle_id, payment.c.state.in_(OPEN), ~payment.c.by_another
    )


async def _send(
    db: AsyncConnection, mutuelle: Mutuelle, chosen: Sequence[tuple[Reminder, str]], now: datetime
) -> int:
    event = uuid4()
    rows = [
        _row(mutuelle.id, one, phone, now, f"reminder {event} {nth:03}")
        for nth, (one, phone) in enumerate(chosen, start=1)
    ]
    written = insert(reminder).values(rows).on_conflict_do_nothing().returning(reminder.c.message_key)
    new = set(await db.scalars(written))
    languages = await languages_of(db, [phone for _one, phone in chosen])
    in_cash = await cash_for_each(db, mutuelle.id, now, [(one.number, phone) for one, phone in chosen])
    messages = [
        Message(
            mutuelle=mutuelle.id,
            key=str(row["message_key"]),
            phone=phone,
            template=f"reminder, {one.occasion}",
            body=render_within(
                words_of(mutuelle.name, one, in_cash.get((one.number, phone))), languages[phone], SEGMENT
            ),
        )
        for row, (one, phone) in zip(rows, chosen, strict=True)
        if row["message_key"] in new
    ]
    await enqueue(db, messages, now)
    return len(messages)


def _row(mutuelle_id: str, one: Reminder, phone: str, now: datetime, message_key: str) -> dict[str, object]:
    return {
        "mutuelle_id": mutuelle_id,
        "number": one.number,
        "sequence": one.sequence,
        "kind": one.occasion,
        "phone": phone,
        "message_key": message_key,
        "ends_on": one.ends_on,
        "amount_minor": one.amount and one.amount.amount_minor,
        "sent_at": now,
    }


def words_of(mutuelle_name: str, one: Reminder, cash: PayInCash | None) -> Sentence:
    """No name of the household and nothing about health: others may read this phone.

    `cash`: whom to pay, where no operator can ask this phone. What has no room beside long names is left to the call,
    a merchant code never.
    """
    if one.in_doubt:
        return _(
            "{mutuelle}: a cover ends on {day}. To renew, call the service and press 4, your member number at hand. "
            "Not for you? Send NO.",
            mutuelle=mutuelle_name,
            day=one.ends_on,
        )
    by_call = [
        _reminding(mutuelle_name, said, how, amount)
        for amount in _sums(one)
        for said in (
            one,
            replace(one, occasion=Occasion.THREE_DAYS) if one.occasion is Occasion.TODAY else one,
        )
        for how in (_("dial, press 2"), _("call, press 2"))
    ]
    if cash is None:
        return reduce(Sentence.or_else, by_call)
    ways = [_("in cash to {who}", who=who) for who in cash.forms]
    if cash.merchant_code:
        ways.append(_("to merchant code {code}", code=cash.merchant_code))
    forms = []
    for amount in _sums(one):
        forms.append(_reminding(mutuelle_name, one, ways[0], amount))
        forms += [_in_short(mutuelle_name, one, way, amount) for way in ways]
    return reduce(Sentence.or_else, [*forms, *by_call])


def _sums(one: Reminder) -> list[Fact]:
    """What to pay: with the day until which it covers if it is paid today, and without."""
    if one.amount is None or one.until is None:
        return [one.amount or ""]
    return [_("{amount} (covered until {end})", amount=one.amount, end=one.until), one.amount]


def _in_short(mutuelle_name: str, one: Reminder, how: Sentence, amount: Fact) -> Sentence:
    if not (one.amount and one.amount.amount_minor):
        return _reminding(mutuelle_name, one, how, amount)
    return _(
        "{mutuelle}: household {number}, covered until {day}. To stay covered, {amount} {how}.",
        **_about(mutuelle_name, one),
        amount=amount,
        how=how,
    )


def _about(mutuelle_name: str, one: Reminder) -> dict[str, Fact]:
    return {"mutuelle": mutuelle_name, "number": shown_number(one.number), "day": one.ends_on}


def _reminding(mutuelle_name: str, one: Reminder, how: Sentence, amount: Fact) -> Sentence:
    facts = _about(mutuelle_name, one)
    if one.amount is None:
        return _(
            "{mutuelle}: the cover of household {number} ends on {day}. To renew, please see your treasurer.",
            **facts,
        )
    if not one.amount.amount_minor:
        return _(
            "{mutuelle}: the cover of household {number} ends on {day}. Your credit pays the renewal: dial, press 2.",
            **facts,
        )
    facts |= {"amount": amount, "how": how}
    if one.occasion is Occasion.PART_PAID:
        return _(
            "{mutuelle}: household {number} is covered until {day}. To stay covered, pay {amount}: {how}.",
            **facts,
        )
    if one.occasion is Occasion.TODAY:
        return _(
            "{mutuelle}: the cover of household {number} ends today, {day}. To renew, {amount}: {how}.",
            **facts,
        )
    return _("{mutuelle}: the cover of household {number} ends on {day}. To renew, {amount}: {how}.", **facts)
