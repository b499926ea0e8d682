"""Checking a cover: a doctor gives a member number and the patient's code, in one SMS or in my work, and is answered.

No PIN is asked: the code, made minutes ago on the patient's own phone, is the proof, and it opens one answer only.
"""

from functools import reduce

from locales import Sentence, _
from mutuelle.care.code_input import care_code, check_request
from mutuelle.care.eligibility import NOT_A_DOCTOR, check_cover, doctor_appointments
from mutuelle.care.eligibility_history import Check, checks_by
from mutuelle.households.member_numbers import member_number, shown_number
from mutuelle.officers.roles import Appointment
from talk.keywords import Takes, by_message
from talk.words import Caller, ask, confirm, do, look, order

CHECK_BY_MESSAGE = _(
    "Please write in one message the 9 digits of the member number and the 6 of the code, like: "
    "VERIFY 101 000 000 246813"
)
NOTHING_CHECKED = _("Nothing was checked.")
SHOWN = 4  # of the last checks: what one screen holds


@by_message(_("VERIFY"), said=_("PATIENT* #15 CHECK+PATIENT*|NUMBER*"), takes=Takes.FIGURES, weight=2)
async def verify(caller: Caller) -> Sentence:
    """VERIF 101 482 937 246813: one message is the whole request, and the doctor's agreement to it."""
    if not await look(doctor_appointments, caller):
        return NOT_A_DOCTOR
    wanted = await ask(CHECK_BY_MESSAGE, check_request)
    agreed = await order(terms(wanted.number))
    if not agreed:
        return NOTHING_CHECKED
    answer: Sentence = await do(check_cover, number=wanted.number, code=wanted.code)
    return answer


async def check_patient(caller: Caller, appointment: Appointment) -> Sentence:
    """The same from my work. The code comes last: it is never kept with the other answers of a call."""
    number = await ask(_("The patient's member number?"), member_number)
    agreed = await confirm(terms(number))
    if not agreed:
        return NOTHING_CHECKED
    code = await ask(_("The patient's code (6 digits)?"), care_code)
    answer: Sentence = await do(check_cover, number=number, code=code)
    return answer


def terms(number: str) -> Sentence:
    return _(
        "Check the cover of number {number} now? The answer is kept, and the household is told.",
        number=shown_number(number),
    )


async def my_checks(caller: Caller, appointment: Appointment) -> Sentence:
    """What the doctor was last answered: the references stand for the answers."""
    checks = await look(checks_by, caller, appointment.mutuelle_id, SHOWN)
    if not checks:
        return _("You have made no check yet.")
    return reduce(below, [line(check) for check in checks])


def below(above: Sentence, line: Sentence) -> Sentence:
    return _("{above}\n{below}", above=above, below=line)


def line(check: Check) -> Sentence:
    if check.covered:
        return _(
            "{day} {time} {reference} COVERED", day=check.day, time=check.time, reference=check.reference
        )
    return _(
        "{day} {time} {reference} NOT COVERED", day=check.day, time=check.time, reference=check.reference
    )
