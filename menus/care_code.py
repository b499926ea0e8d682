"""A care code: the patient shows it to the doctor, who can check her cover with it once, for fifteen minutes."""

from locales import Fact, Sentence, _
from menus.words import NO_HOUSEHOLD, one_of, pin_of, whom
from mutuelle.care.codes import make_code
from mutuelle.contributions.family import called
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import Person, present
from mutuelle.households.households import refuse_frozen
from talk.keywords import by_message
from talk.words import Caller, Option, confirm, do, look


async def care_code(caller: Caller) -> Sentence:
    household = await whom(caller)
    if household is None:
        return NO_HOUSEHOLD
    refuse_frozen(household)
    stands = await look(standing, household, caller.at)
    patient = await for_whom(stands, caller)
    agreed = await confirm(terms(stands, patient, caller))
    if not agreed:
        return _("No code was made.")
    pin = await pin_of(household)
    made = await do(make_code, number=household.number, rank=patient.rank, pin=pin)
    if isinstance(made, Sentence):
        return made
    facts: dict[str, Fact] = {"code": made.shown, "number": household.shown_number, "time": made.until}
    return _(
        "Tell the doctor, or the patient:\n{number}\nthen {code}\nbefore {time}, and nobody else. It serves once.",
        **facts,
    ).or_else(_("Tell the doctor:\n{number}\nthen {code}\nbefore {time}. It serves once.", **facts))


async def for_whom(stands: Standing, caller: Caller) -> Person:
    """The patient; asked only where there are several people."""
    people = present(stands.people)
    if len(people) == 1:
        return people[0]
    today = stands.mutuelle.today(caller.at)
    named = [Option(str(person.rank), called(person, today)) for person in people]
    rank = (await one_of(_("A code for care: who is the patient?"), named)).key
    return next(person for person in people if str(person.rank) == rank)


def terms(stands: Standing, patient: Person, caller: Caller) -> Sentence:
    """What the code does; without a cover, that the doctor will read so: better known before the visit."""
    facts: dict[str, Fact] = {"name": called(patient, stands.mutuelle.today(caller.at))}
    if patient.covered:
        return _(
            "Patient: {name}. Make a code? It tells a doctor once, within 15 minutes, whether there is cover. "
            "An older code ends.",
            **facts,
        )
    return _(
        "{name} is NOT COVERED today, and the doctor will read so. Make a code all the same, for 15 minutes?",
        **facts,
    )


@by_message(_("CODE"), said=_("CARE+CODE CODE+DOCTOR"), weight=2)
async def code_by_message(caller: Caller) -> Sentence:
    """No code is sent by SMS: it would stay in the phone, for its next reader."""
    return _(
        "A code for care is shown on the screen only: dial and press 5, on any phone of the household, near or far. "
        "It serves once, within 15 minutes."
    )
