"""Checking a cover: a doctor gives a member number and the patient's code, in one SMS or in my work, and is answered.

No PIN is asked: the code, made minutes ago on a phone of the household or printed on its card, is the proof, and it
opens one answer only. The patient's year of birth stands for it, a few times a day.
"""

from dataclasses import replace

from locales import Fact, Sentence, _
from menus.words import one_of
from mutuelle.care.code_input import (
    PROOF_CAME_BEFORE,
    CheckParts,
    care_proof,
    check_parts,
)
from mutuelle.care.directory import workplaces_of
from mutuelle.care.eligibility import (
    NOT_A_DOCTOR,
    PARTS_WAIT_S,
    check_cover,
    doctor_appointments,
)
from mutuelle.care.eligibility_history import Check, checks_by
from mutuelle.households.member_numbers import member_number, shown_number
from mutuelle.officers.roles import Appointment
from mutuelle.schedules.digest.words import SMS_SEPTETS
from talk.keywords import Takes, by_message
from talk.layout import longest
from talk.words import Caller, Option, ask, choose, confirm, do, look, order, show

CHECK_BY_MESSAGE = _(
    "Write the 9 digits of the member number and the 6 of the code, like: VERIFY 101 000 000 246813. "
    "Without a code: the year of birth"
)
CODE_AND_CARE = _("The patient's code (6 digits), else the year of birth? With the care: 246813 DEL")
NOTHING_CHECKED = _("Nothing was checked.")
MOST_PARTS = 4  # messages of one check
SHOWN = 32  # of the last checks: a busy morning


@by_message(_("VERIFY"), said=_("PATIENT* CHECK+PATIENT*|NUMBER*"), takes=Takes.FIGURES, weight=2)
async def verify(caller: Caller) -> Sentence:
    """VERIF 101 482 937 246813, or number and code in two messages: they are the request, and the agreement to it.

    The patient's year of birth may stand for the code; a word for the care asks what the patient pays. Of a proof that
    came first nothing is kept with the conversation: the action reads it from that message.
    """
    if not await look(doctor_appointments, caller):
        return NOT_A_DOCTOR
    said = await ask(CHECK_BY_MESSAGE, check_parts)
    for _nth in range(MOST_PARTS):
        if not said.lacks:
            break
        came = await ask(missing(said), check_parts)
        said = said.with_part(came)
    if said.lacks:
        return NOTHING_CHECKED
    agreed = await order(terms(said.number), in_parts=True)
    if not agreed:
        return NOTHING_CHECKED
    answer: Sentence = await do(
        check_cover, number=said.number, proof=said.proof or PROOF_CAME_BEFORE, service=said.service
    )
    return longest(one_at_a_time(answer), caller.language, SMS_SEPTETS) if said.more else answer


def missing(said: CheckParts) -> Sentence:
    """The question for the part that is missing. A part that comes again counts instead of the first."""
    if said.number:
        return _(
            "And the code of {number} (6 digits)? Without a code: the year of birth",
            number=shown_number(said.number),
        )
    return _("And the patient's member number (9 digits)?")


def one_at_a_time(answer: Sentence) -> list[Sentence]:
    """What is said where a message brought two patients; after a long answer in fewer words."""
    answers = [answer] if answer.shorter is None else [answer, answer.shorter]
    return [
        *(_("{answer} One patient a message: send the next one.", answer=one) for one in answers),
        *(_("{answer} One patient a message.", answer=one) for one in answers),
        answers[-1],
    ]


verify = replace(verify, life_s=PARTS_WAIT_S)


async def check_patient(caller: Caller, appointment: Appointment) -> Sentence:
    """The same from my work. The proof comes last: it is never kept with the other answers of a call."""
    places = await look(workplaces_of, caller, appointment.mutuelle_id)
    where = (await choose(_("Where are you?"), places)).key if len(places) > 1 else ""
    number = await ask(_("The patient's member number?"), member_number)
    agreed = await confirm(terms(number))
    if not agreed:
        return NOTHING_CHECKED
    said = await ask(CODE_AND_CARE, care_proof)
    answer: Sentence = await do(
        check_cover, number=number, proof=said.proof, service=said.service, facility_id=where
    )
    return answer


def terms(number: str) -> Sentence:
    return _(
        "Check the cover of number {number} now? The answer is kept, and the household is told.",
        number=shown_number(number),
    )


async def my_checks(caller: Caller, appointment: Appointment) -> Sentence:
    """The doctor's last answers, as they stand in his register; the references stand for the answers."""
    checks = {
        check.reference: check for check in await look(checks_by, caller, appointment.mutuelle_id, SHOWN)
    }
    if not checks:
        return _("You have made no check yet.")
    lines = [Option(reference, line(check)) for reference, check in checks.items()]
    return await show(entry(checks[(await one_of(_("Your last checks:"), lines)).key]))


def line(check: Check) -> Sentence:
    facts = _facts(check)
    if check.covered:
        return _("{day} {time} {patient} {number} {reference} COVERED", **facts)
    return _("{day} {time} {patient} {number} {reference} NOT COVERED", **facts)


def entry(check: Check) -> Sentence:
    """One check with all that a register wants."""
    facts = _facts(check) | {"day": check.day}
    if check.covered and check.until_on:
        said = _(
            "{day} at {time}: {patient}, number {number}. COVERED until {end}. Reference {reference}.",
            **facts,
            end=check.until_on,
        )
    else:
        said = _("{day} at {time}: {patient}, number {number}. NOT COVERED. Reference {reference}.", **facts)
    return _("{entry} Without code.", entry=said) if check.without_code else said


def _facts(check: Check) -> dict[str, Fact]:
    return {
        "day": f"{check.day:%d/%m}",
        "time": check.time,
        "patient": check.patient,
        "number": check.end_of_number,
        "reference": check.reference,
    }
