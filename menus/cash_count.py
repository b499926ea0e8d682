"""A treasurer counts her box: what lies in it, before our book says what ought to."""

from dataclasses import replace

from currencies import CURRENCIES, scaled
from locales import Money, Sentence, _
from menus.sign import NOTHING, propose
from menus.words import work_pin
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash_counts import BoxCount, counted_box, difference_of, write_count
from mutuelle.treasury.cash_in_hand import cash_in_hand_of
from mutuelle.treasury.waivers import waiver_reason
from talk.answers import Kind, amount
from talk.figures import amount_in, no_note_in, notes_in
from talk.trouble import InvalidError
from talk.words import Caller, ask, confirm, do, look

MOST_IN_CFA = 9_999_999


def notes_and_coins(currency: str) -> Kind[Money]:
    """What was counted: one amount, or each kind of note and coin with its number. Nothing at all is 0."""
    known = CURRENCIES[currency]
    whole = amount(Money(0, currency), Money(scaled(MOST_IN_CFA, currency), currency))

    def parse(typed: str) -> Money:
        total = notes_in(typed, known)
        if total is None and (unknown := no_note_in(typed, known)):
            raise InvalidError(
                _("There is no note or coin of {value}.", value=Money(unknown * known.unit, currency))
            )
        if total is None and amount_in(typed) is None:
            raise InvalidError(_("Please type the sum, or how many of each note."))
        return whole.parse(typed if total is None else str(total))

    bad = (*whole.bad, *(["3x10000 2x300"] if known.values else []), f"{10_000 * known.size}x10000")
    return replace(
        whole,
        name="notes",
        parse=parse,
        good=("3x10000 2x5000 450",),
        bad=bad,
        takes_zero=True,
        takes_rest=True,
    )


async def count_box(caller: Caller, appointment: Appointment) -> Sentence:
    held = (await look(cash_in_hand_of, appointment)).held
    question = _("Count your box. How much in all? Or note by note: 3x10000 2x5000 450. Empty: 0")
    counted: Money = await ask(question, notes_and_coins(held.currency))
    found = await look(counted_box, caller, appointment, counted)
    reason = None
    if not found.agrees:
        reason = await ask(
            _(
                "You counted {counted}, our book says {held}. Why is it different? In a few words",
                counted=counted,
                held=held,
            ),
            waiver_reason,
        )
        if not found.takes_one:
            act = difference_of(appointment, BoxCount(counted, held), reason)
            return await propose(caller, appointment, act)
    agreed = await confirm(to_agree(counted, held, reason))
    if not agreed:
        return NOTHING
    count = BoxCount(counted, held)
    wrong = await do(
        write_count,
        mutuelle=appointment.mutuelle_id,
        count=count,
        pin=await work_pin(),
        reason=reason,
    )
    return wrong or _("Thank you. The count of {held} is written down.", held=counted)


def to_agree(counted: Money, held: Money, reason: str | None) -> Sentence:
    if reason is None:
        return _("{held}: the box agrees with our book. Write it down?", held=held)
    return _(
        "The box holds {counted}, our book says {held}. {reason}. Book the difference?",
        counted=counted,
        held=held,
        reason=reason,
    )
