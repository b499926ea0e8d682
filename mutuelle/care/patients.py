"""How a person is named to a doctor: by initials, and by age where two people share them or the cover depends on it."""

from collections.abc import Iterable
from datetime import date

from locales import Sentence, _
from mutuelle.contributions.family import aged, called
from mutuelle.cover.people import Person, present
from mutuelle.households.households import initials_of


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
