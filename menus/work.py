"""My work: the duties of the caller's role, and the PIN that they take.

A duty keeps its digit for ever: officers dial by heart. A new one is added behind the others of its role.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from locales import Once, Sentence, _
from menus.arrears import balance_and_detail
from menus.card import CARD, card
from menus.cash import receive
from menus.cash_deposit import deposit
from menus.cash_in_hand import in_hand
from menus.money import money
from menus.officers_word import WORD, officers_word
from menus.register import confirms_seen, gives_phone, registers
from menus.roles import roles
from menus.several_cash import receive_several
from menus.treasurer import answer, hour, what_is_wrong
from menus.unconfirmed import unconfirmed
from menus.verify import check_patient, my_checks
from mutuelle.households.caller_profile import profile_of
from mutuelle.officers.pins import lacks_pin, receive_pin, refuse_pin
from mutuelle.officers.roles import Appointment, Role
from talk.words import Caller, Option, Request, choose, confirm, do, look

PIN_DIGIT = "9"


@dataclass(frozen=True)
class Duty:
    """One item of the menu "my work"."""

    key: str
    label: Sentence
    menu: Callable[[Caller, Appointment], Coroutine[Request[Any], Any, Sentence]]
    digit: str


DUTIES: dict[Role, tuple[Duty, ...]] = {
    Role.DOCTOR: (
        Duty("check", _("Check a cover"), check_patient, "1"),
        Duty("checks", _("My last checks"), my_checks, "2"),
    ),
    Role.TREASURER: (
        Duty("balance", _("Balance now"), balance_and_detail, "1"),
        Duty("answer", _("Answer the summary"), answer, "2"),
        Duty("remarks", _("Remarks"), what_is_wrong, "3"),
        Duty("hour", _("Hour of the summary"), hour, "4"),
        Duty("roles", _("Roles"), roles, "5"),
        Duty("deposit", _("Collectors' cash"), deposit, "6"),
        Duty("unconfirmed", _("Registrations"), unconfirmed, "7"),
        Duty("money", _("Money"), money, "8"),
    ),
    Role.COLLECTOR: (
        Duty("receive", _("Cash received"), receive, "1"),
        Duty("cash", _("My cash"), in_hand, "2"),
        Duty("several", _("Cash of several households"), receive_several, "3"),
    ),
    Role.ENROLMENT: (
        Duty("register", _("Register a household"), registers, "1"),
        Duty("phone", _("Give a household its phone"), gives_phone, "2"),
        Duty("card", CARD, card, "3"),
        Duty("word", WORD, officers_word, "4"),
        Duty("seen", _("A household seen"), confirms_seen, "5"),
    ),
}


async def work(caller: Caller) -> Sentence:
    appointments = (await look(profile_of, caller)).appointments
    if not appointments:
        return _("This phone has no office in a mutuelle today.")
    appointment = (
        appointments[0] if len(appointments) == 1 else await choose(_("Which office?"), appointments)
    )
    duties = {duty.key: duty for duty in DUTIES[appointment.role]}
    offered = [Option(duty.key, duty.label, duty.digit) for duty in duties.values()]
    if appointment.role is not Role.DOCTOR and await look(
        lacks_pin, caller
    ):  # a doctor's check takes a code, no PIN
        offered.append(Option("pin", _("My PIN"), PIN_DIGIT))
    chosen = await choose(_("My work"), offered)
    if chosen.key == "pin":
        return await new_pin(caller)
    return await duties[chosen.key].menu(caller, appointment)


async def new_pin(caller: Caller) -> Sentence:
    """Shown on the last screen of this call, and nowhere else."""
    await look(refuse_pin, caller)
    agreed = await confirm(
        _(
            "Your work PIN will be shown once. Be alone, learn it by heart. It is not your mobile money PIN. Show it?"
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    drawn = await do(receive_pin)
    return _("Your work PIN: {pin}. Learn it now, it is not shown again. Tell it to nobody.", pin=Once(drawn))
