"""What a treasurer types about an assembly: its day, its place, how many people, the number of the minute."""

from dataclasses import replace
from datetime import date, timedelta

from locales import _
from mutuelle.year_end.assemblies import LATEST
from talk.answers import Kind, reason_words
from talk.figures import amount_in, day_in
from talk.trouble import InvalidError

LONGEST_PLACE, LONGEST_MINUTE = 40, 20
MOST_PEOPLE = 99_999


def coming_day(today: date) -> Kind[date]:
    """A day after today, typed as 18, 18/12, 18.12.2026 or 18 décembre: the next one that it can be."""
    days = [today + timedelta(days=nth) for nth in range(1, LATEST.days + 1)]

    def parse(typed: str) -> date:
        said = day_in(typed)
        for day in days:
            shape = [day.day, day.month, day.year]
            if said and said in (shape[:1], shape[:2], shape, [*shape[:2], day.year % 100]):
                return day
        raise InvalidError(_("Please type a day from {first} to {last}.", first=days[0], last=days[-1]))

    return Kind("coming day", parse, good=(f"{days[20]:%d/%m}",), bad=("", "demain", "99/99"))


def people_count(least: int, most: int = MOST_PEOPLE) -> Kind[int]:
    """How many people: a whole number."""

    def parse(typed: str) -> int:
        number = amount_in(typed)
        if number is None or not least <= number <= most:
            raise InvalidError(
                _("Please type a number from {least} to {most}.", least=str(least), most=str(most))
            )
        return number

    return Kind(
        "people count",
        parse,
        good=(str(least), f"{most} personnes"),
        bad=("", "beaucoup", str(most + 1)),
        takes_zero=not least,
    )


def _place(typed: str) -> str:
    place: str = reason_words.parse(typed)
    if len(place) > LONGEST_PLACE:
        raise InvalidError(_("Too long: {most} letters at most.", most=LONGEST_PLACE))
    return place


meeting_place: Kind[str] = replace(
    reason_words, name="meeting place", parse=_place, good=("école de Kafana",), bad=("", "?", "x" * 41)
)


def _minute(typed: str) -> str:
    minute = " ".join(typed.split())
    if not 1 <= len(minute) <= LONGEST_MINUTE or not any(letter.isalnum() for letter in minute):
        raise InvalidError(_("Please type the number of the minute, like {example}.", example="3/2026"))
    return minute


minute_number = Kind(
    "minute number", _minute, good=("3/2026", "PV 12"), bad=("", "-", "x" * 21), takes_rest=True
)
