"""Who pays for a household, for treasurers: the regime of one household; a change takes two."""

from locales import Sentence, _
from menus.find import NOT_FOUND, find_number, found_as
from menus.sign import propose_with_reason
from menus.words import one_of
from mutuelle.enrolment.regime_changes import PaidBy, regime_change, who_pays_for
from mutuelle.officers.roles import Appointment
from talk.words import Caller, Option, look

ITSELF = "itself"


async def payers(caller: Caller, appointment: Appointment) -> Sentence:
    number = await find_number(caller, appointment)
    if number is None:
        return NOT_FOUND
    found: PaidBy = await look(who_pays_for, caller, appointment, number)
    rows = {row.code: row for row in found.others}
    options = [Option(row.key, row.label) for row in rows.values()]
    if found.now:
        options.insert(0, Option(ITSELF, _("The household itself")))
    if not options:
        return _("{mutuelle} has no payer.", mutuelle=appointment.mutuelle_name)
    chosen = await one_of(asked(found), options)
    return await propose_with_reason(caller, appointment, regime_change(found, rows.get(chosen.key)))


def asked(found: PaidBy) -> Sentence:
    household = found_as(found.household)
    if found.now is None:
        return _("{household} pays itself. Who pays from now on?", household=household)
    return _("{household}: {regime}. Who pays from now on?", household=household, regime=found.now.label)
