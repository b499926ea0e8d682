"""Care that was given and billed: what the mutuelle owes of it by its rules, decided when the bill is written down.

Bills are written one by one under the household's lock, so that a ceiling is passed by none. Of a price above the
facility's own tariff only the tariff counts.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.benefits.quotes import facts_for, quote_for
from mutuelle.benefits.rules import Quote, QuoteState, Tariff, price_of_act
from mutuelle.benefits.services import service_name
from mutuelle.benefits.tables import care_bill
from mutuelle.contributions.standing import facts_of, stands_on
from mutuelle.households.households import find_household
from talk.trouble import RefusedError
from values import value


@value
class CareOfBill:
    """Care that a facility bills: to whom of which household, what, when (ISO date), at which price."""

    number: str
    rank: int
    facility_id: str
    service: str
    cared_on: str
    price_minor: int

    @property
    def day(self) -> date:
        return date.fromisoformat(self.cared_on)


@dataclass(frozen=True)
class SeenBill:
    """A bill as who signs it sees it: what is owed, the care in words, whether the same one is written down already.

    The same: of that facility, patient, care, day and price. It may be a second act, or a paper that was typed twice.
    """

    quote: Quote
    care: Sentence | str
    is_there: bool


async def see_bill(db: AsyncConnection, mutuelle_id: str, care: CareOfBill, at: datetime) -> SeenBill:
    """What the patient pays and the mutuelle owes of a bill, by the policy and the rules of the day of care.

    RefusedError where nobody owes anything to the facility: no agreement, no cover, care that is not paid.
    """
    household = await find_household(db, care.number, closed=True)
    if household is None or household.mutuelle_id != mutuelle_id:
        raise RefusedError(_("This household is not of your mutuelle."))
    known = await facts_of(db, household, at)
    stands = stands_on(household, replace(known, today=care.day))
    person = next((one for one in stands.people if one.rank == care.rank), None)
    if person is None or not person.covered:
        raise RefusedError(_("Not covered on {day}: the mutuelle owes nothing.", day=care.day))
    facts = await facts_for(db, stands, care.facility_id)
    level = facts.level_on(care.day)
    if level is None:
        raise RefusedError(_("No agreement with this facility on {day}.", day=care.day))
    tariff = price_of_act(facts.tariffs, care.service, care.day)
    price = care.price_minor if tariff is None else min(care.price_minor, tariff)
    priced = replace(facts, tariffs=(Tariff(care.service, care.day, price),))
    found = quote_for(priced, stands, person, care.service, level, care.day)
    if found.state is QuoteState.NOT_SAID:
        raise RefusedError(_("Your mutuelle has not said what it pays of this care."))
    if not found.paid_minor:
        raise RefusedError(_("The mutuelle owes nothing of this care: the patient pays all."))
    same = care.rank, care.service, care.day, found.price_minor, care.facility_id
    written = [(one.rank, one.service, one.cared_on, one.price_minor, one.facility_id) for one in facts.bills]
    return SeenBill(found, service_name(care.service, facts.named), same in written)


async def write_bill(
    db: AsyncConnection, mutuelle_id: str, voucher: UUID, care: CareOfBill, at: datetime
) -> None:
    """Write the care of a voucher; what the mutuelle owes is looked up again, as the voucher's amount was."""
    found = (await see_bill(db, mutuelle_id, care, at)).quote
    row = asdict(care) | {
        "mutuelle_id": mutuelle_id,
        "voucher": voucher,
        "level": found.level,
        "cared_on": care.day,
        "price_minor": found.price_minor,
        "paid_minor": found.paid_minor,
        "recorded_at": at,
    }
    await db.execute(insert(care_bill), row)
