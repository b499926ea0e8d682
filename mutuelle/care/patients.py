"""How people are named to a doctor: one by initials, and by age where two people share them or the cover depends on it;
several by their ages, so that he sees who is meant.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from locales import Fact, Sentence, _
from mutuelle.contributions.family import aged, called
from mutuelle.cover.people import Person, present
from mutuelle.households.households import Household, initials_of


def shown_patient(person: Person, everybody: Iterable[Person], today: date) -> Sentence | str:
    """The words for `person`, one of `everybody` in the household."""
    if person.name is None:
        return called(person, today)
    own = initials_of(person.name)
    others = [other for other in present(everybody) if other.rank != person.rank and other.name]
    # A newborn is covered at once: the age tells the doctor who that must be.
    if not person.is_newborn and all(initials_of(other.name or "") != own for other in others):
        return own
    return _("{initials} ({age})", initials=own, age=aged(person.age(today)))


def shown_covered(
    household: Household, covered: Sequence[Person], of: int, today: date
) -> tuple[Sentence | None, Sentence]:
    """The words for those `covered` of a household of `of` people: each by age (None: there is nobody), and counted."""
    facts: dict[str, Fact] = {"head": household.initials, "all": of}
    if not covered:
        return None, _("household of {head}", **facts)
    shown = (
        f"{initials_of(person.name)} {person.age(today)}" if person.name else str(person.age(today))
        for person in covered
    )
    listed = _("{ages} years old", ages=", ".join(shown))
    return listed, _("{n} of {all} people of {head}", **facts, n=len(covered))
