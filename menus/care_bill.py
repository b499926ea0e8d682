"""A treasurer writes down a facility's bill: whose care, which, when, at which price. She reads what is owed of it."""

from currencies import scaled
from locales import Money, Sentence, _
from menus.find import NOT_FOUND, find_number
from menus.vouchers import how_much, record
from menus.words import one_of
from mutuelle.benefits.bills import CareOfBill
from mutuelle.benefits.rules import MOST_MINOR
from mutuelle.benefits.services import SERVICES, own_services, service_name
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.care_bills import (
    bill_voucher,
    billing_facilities,
    care_day,
    patients_of,
)
from talk.words import Caller, Option, ask, look


async def care_bill(caller: Caller, appointment: Appointment) -> Sentence:
    mutuelle: Mutuelle = await look(get_mutuelle, appointment.mutuelle_id)
    facilities = await look(billing_facilities, mutuelle.id)
    if not facilities:
        return _("Your mutuelle lists no facility.")
    listed = [Option(one.key, one.label) for one in facilities]
    where = listed[0] if len(listed) == 1 else await one_of(_("Whose bill?"), listed)
    number = await find_number(caller, appointment)
    if number is None:
        return NOT_FOUND
    people = await look(patients_of, caller, appointment, number)
    patient = people[0] if len(people) == 1 else await one_of(_("Who was the patient?"), people)
    named = await look(own_services, mutuelle.id)
    services = [Option(code, service_name(code, named)) for code in (*SERVICES, *sorted(named))]
    service = await one_of(_("Which care?"), services)
    day = await ask(_("Which day of care? Like 18/11; today: 0"), care_day(mutuelle.today(caller.at)))
    price = await how_much(
        _("The price of this care?"), Money(scaled(MOST_MINOR, mutuelle.currency), mutuelle.currency)
    )
    care = CareOfBill(number, int(patient.key), where.key, service.key, day.isoformat(), price.amount_minor)
    new = await look(bill_voucher, caller, appointment, care, str(where.label))
    return await record(caller, appointment, new)
