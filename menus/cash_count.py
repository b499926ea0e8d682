"""A treasurer counts her box: what lies in it, before our book says what ought to."""

from dataclasses import replace

from locales import Money, Sentence, _
from menus.sign import NOTHING, propose
from menus.words import work_pin
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash_counts import BoxCount, difference_of, write_count
from mutuelle.treasury.cash_in_hand import cash_in_hand_of
from mutuelle.treasury.waivers import waiver_reason
from talk.answers import amount
from talk.words import Caller, ask, confirm, do, look

MOST_MINOR = 9_999_999


async def count_box(caller: Caller, appointment: Appointment) -> Sentence:
    held = (await look(cash_in_hand_of, appointment)).held
    kind = replace(amount(Money(0, held.currency), Money(MOST_MINOR, held.currency)), takes_zero=True)
    counted: Money = await ask(_("Count the notes and coins in your box. How much in all?"), kind)
    if counted != held:
        reason = await ask(
            _("Our book says {held}. Why is it different? In a few words", held=held), waiver_reason
        )
        return await propose(caller, appointment, difference_of(appointment, BoxCount(counted, held), reason))
    agreed = await confirm(_("{held}: the box agrees with our book. Write it down?", held=held))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(write_count, mutuelle=appointment.mutuelle_id, count=BoxCount(counted, held), pin=secret)
    return wrong or _("Thank you. The count of {held} is written down.", held=held)
