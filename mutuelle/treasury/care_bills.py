"""A facility's bill, written down by a treasurer: for whom, which care, which day. The mutuelle then owes its share.

It is a voucher between the expense and what is owed to the facility (Money 3 pays it); with it the care counts against
the ceilings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from locales import Fact, Money, Sentence, _
from mutuelle.benefits.bills import CareOfBill, SeenBill, see_bill
from mutuelle.contributions.family import called
from mutuelle.cover.people import people_of
from mutuelle.households.households import find_household
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import facility
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.answers import Kind
from talk.figures import day_in
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller, Option

MOST_DAYS = 366  # back: a bill that is older is for the assembly


@dataclass(frozen=True)
class BillingFacility:
    """A facility that may send a bill."""

    key: str
    label: str


async def billing_facilities(db: AsyncConnection, mutuelle_id: str) -> list[BillingFacility]:
    """The facilities of the mutuelle, by name; one that has left may still bill care of before."""
    rows = await db.execute(
        select(facility.c.id, facility.c.name)
        .where(facility.c.mutuelle_id == mutuelle_id)
        .order_by(facility.c.name)
    )
    return [BillingFacility(*row) for row in rows]


async def patients_of(db: AsyncConnection, caller: Caller, own: Appointment, number: str) -> Sequence[Option]:
    """All who are or were in a household of the officer's mutuelle, also in one that has left: a bill comes late."""
    household = await find_household(db, number, closed=True)
    if household is None or household.mutuelle_id != own.mutuelle_id:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    today = (await get_mutuelle(db, own.mutuelle_id)).today(caller.at)
    return [Option(str(person.rank), called(person, today)) for person in await people_of(db, household)]


async def bill_voucher(
    db: AsyncConnection, caller: Caller, own: Appointment, care: CareOfBill, facility_name: str
) -> NewVoucher:
    """The voucher of a bill: the mutuelle's share, owed to the facility."""
    found = (await see_bill(db, own.mutuelle_id, care, caller.at)).quote
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    return NewVoucher(
        VoucherKind.BILL,
        accounts.unsplit("benefits"),
        accounts.payable(care.facility_id),
        Money(found.paid_minor, mutuelle.currency),
        f"{care.service} {care.day:%d/%m/%Y}",
        party=facility_name,
        care=care,
    )


async def expect_bill(
    db: AsyncConnection, caller: Caller, own: Appointment, new: NewVoucher
) -> SeenBill | None:
    """The bill, if the mutuelle owes now what the voucher says; RefusedError where it owes nothing."""
    if new.care is None:
        return None
    seen = await see_bill(db, own.mutuelle_id, new.care, caller.at)
    return seen if seen.quote.paid_minor == new.amount.amount_minor else None


def bill_words(new: NewVoucher, seen: SeenBill | None) -> Sentence:
    """All that is agreed to of a bill; first that the same one is there, where it is."""
    if new.care is None or seen is None:
        raise ValueError("a bill has its care, and was looked at")
    facts: dict[str, Fact] = {
        "party": new.party,
        "care": seen.care,
        "number": f"{shown_number(new.care.number)}-{new.care.rank}",
        "day": new.care.day,
        "price": Money(new.care.price_minor, new.amount.currency),
        "amount": new.amount,
    }
    if seen.is_there:
        whole = _(
            "Written down already! {party}: {care}, {number}, {day}, {price}. The mutuelle owes {amount} again?",
            **facts,
        )
        return whole.or_else(
            _(
                "Written down already! {care}, {number}, {day}, {price}. The mutuelle owes {amount} again?",
                **facts,
            )
        )
    return _("{party}: {care}, {number}, {day}, {price}. The mutuelle owes {amount}?", **facts)


def care_day(today: date) -> Kind[date]:
    """The day of care, at most a year back: 18, 18/11, 18/11/2026; 0 is today."""
    back = [today - timedelta(days=days) for days in range(MOST_DAYS)]

    def parse(typed: str) -> date:
        said = day_in(typed)
        if typed.strip() == "0":
            return today
        for day in back:
            shape = (day.day, day.month, day.year)
            if said and said in ([*shape[:1]], [*shape[:2]], [*shape], [*shape[:2], day.year % 100]):
                return day
        raise InvalidError(_("Please type a day from {first} to {last}.", first=back[-1], last=today))

    return Kind(
        "day of care", parse, good=("0", f"{today:%d/%m}"), bad=("", "hier", "99/99"), takes_zero=True
    )
