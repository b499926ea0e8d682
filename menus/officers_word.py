"""What an officer says of a household that stands before her: a phone is theirs, a NO was looked at, no code."""

from locales import Sentence, _
from menus.find import NOT_FOUND, find_household, found_as
from menus.words import work_pin
from mutuelle.households.households import Household, household_by_number
from mutuelle.officers.roles import Appointment
from mutuelle.support.freezes import unfreeze
from mutuelle.support.phones import PhoneInDoubt, phones_in_doubt, take_pin_away, vouch
from talk.answers import reason_words
from talk.words import Caller, Option, ask, choose, confirm, do, look

NOTHING, WORD = _("Nothing was changed."), _("Phone, NO, code of a household")
PHONE, FROZEN, CODE = "phone", "frozen", "code"


async def officers_word(caller: Caller, appointment: Appointment) -> Sentence:
    """Only what waits for her word is offered."""
    found = await find_household(caller, appointment)
    if found is None:
        return NOT_FOUND
    household = await look(household_by_number, found.number)
    phones = await look(phones_in_doubt, household, caller.at)
    ways = [
        *([Option(PHONE, _("A phone is theirs"), "1")] if phones else []),
        *([Option(FROZEN, _("Looked at, goes on"), "2")] if household.is_frozen else []),
        *(
            [Option(CODE, _("Forgotten code: take it away"), "3")]
            if household.has_pin and not household.is_frozen
            else []
        ),
    ]
    if not ways:
        return _(
            "{household}: no phone in doubt, nothing is stopped, no code of its own.",
            household=found_as(household),
        )
    what = await choose(found_as(household), ways)
    if what.key == PHONE:
        return await a_phone(appointment, household, phones)
    return await (goes_on if what.key == FROZEN else without_code)(appointment, household)


async def a_phone(appointment: Appointment, household: Household, phones: list[PhoneInDoubt]) -> Sentence:
    """Known again by her word, without the number and a year of birth."""
    phone = phones[0] if len(phones) == 1 else await choose(_("Which phone?"), phones)
    agreed = await confirm(
        _(
            "You have seen that the phone {phone} is in the hands of {household}? It is shown to it again.",
            phone=phone.label,
            household=found_as(household),
        )
    )
    if not agreed:
        return NOTHING
    pin = await work_pin()
    wrong = await do(vouch, role=appointment.role, number=household.number, phone=phone.phone, pin=pin)
    return wrong or _("Done. The household is shown to that phone again.")


async def goes_on(appointment: Appointment, household: Household) -> Sentence:
    """She has spoken to the household that said NO."""
    reason = await ask(_("What did the household tell you? In a few words"), reason_words)
    agreed = await confirm(
        _(
            "{household}: let changes and care codes go on? {reason}",
            household=found_as(household),
            reason=reason,
        )
    )
    if not agreed:
        return NOTHING
    pin = await work_pin()
    wrong = await do(unfreeze, role=appointment.role, number=household.number, reason=reason, pin=pin)
    return wrong or _("Done. Changes and care codes are possible again, and the household is told.")


async def without_code(appointment: Appointment, household: Household) -> Sentence:
    """The household has forgotten its code: it can ask for another one."""
    agreed = await confirm(
        _(
            "The household {household} stands before you and has forgotten its code? It is taken away.",
            household=found_as(household),
        )
    )
    if not agreed:
        return NOTHING
    pin = await work_pin()
    wrong = await do(take_pin_away, role=appointment.role, number=household.number, pin=pin)
    return wrong or _("Done. Its phone can ask for another code: dial, press 4, then 7.")
