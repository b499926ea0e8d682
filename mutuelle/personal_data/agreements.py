"""What a household agreed to: when, by which way, in which words. They are read where they were kept: with the action.

The language is not recorded apart: the words themselves are in it.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _, render
from locales.letters import fold, septets
from mutuelle.dates import local_date
from mutuelle.households.households import Household
from prepared import Prepared
from talk.keywords import BY_MESSAGE

LAST_AGREEMENTS = 18
# The actions that are agreements of a household, and what they are called. What it changed in its list of people has a
# list of its own: `who changed what`.
AGREED: dict[str, Sentence] = {
    "enrol": _("joining"),
    "register": _("list of the agent"),
    "confirm_registration": _("it is us"),
    "pay": _("payment"),
    "renew_by_credit": _("renewal"),
    "accept_reminders": _("reminders"),
    "stop_reminders": _("no reminders"),
    "leave": _("leaving"),
}


@dataclass(frozen=True)
class WordsAgreed:
    """One yes: `what` it was for, the `words` of the whole screen or SMS, when, and whether it was said by SMS."""

    what: str
    words: str
    at: datetime
    on: date
    by_message: bool

    @property
    def key(self) -> str:
        return f"{self.at:%Y%m%d%H%M%S%f} {self.what}"

    @property
    def label(self) -> Sentence:
        return _("{date} {what}", date=self.on, what=AGREED[self.what])

    def pages(self, language: str, room: int) -> list[Sentence]:
        """The words as they were shown, below when and how they were agreed to, in pages of `room` septets."""
        pages = [self._first("")]
        said = ""
        for word in self.words.split():
            longer = f"{said} {word}".strip()
            page = self._first(longer) if len(pages) == 1 else _("... {words}", words=longer)
            if septets(fold(render(page, language))) <= room:
                pages[-1], said = page, longer
            else:
                pages, said = [*pages, _("... {words}", words=word)], word
        return pages

    def _first(self, words: str) -> Sentence:
        facts: dict[str, Fact] = {"date": self.on, "words": words}
        return (
            _("{date}, by SMS: {words}", **facts)
            if self.by_message
            else _("{date}, by call: {words}", **facts)
        )


async def agreements_of(
    db: AsyncConnection, household: Household, limit: int = LAST_AGREEMENTS
) -> list[WordsAgreed]:
    """The last `limit` agreements of a household, the newest first. What somebody else pays for it is not its own."""
    facts = {"mutuelle": household.mutuelle_id, "number": household.number, "limit": limit}
    rows = await _AGREED.rows(db, facts)
    return [
        WordsAgreed(name, words, at, local_date(at, zone), gateway == BY_MESSAGE)
        for name, words, gateway, at, zone in rows
    ]


# A household's first action has no number among its facts, for it was drawn then: its moment is the household's own.
_AGREED = Prepared(
    text(
        """
    with agreed as (
        select a.name, a.consent, a.gateway, a.done_at from action a
         where a.facts ->> 'number' = :number and a.name in ('confirm_registration', 'renew_by_credit', 'leave')
        union all
        select a.name, a.consent, a.gateway, a.done_at from payment p
          join action a on a.done_at = p.asked_at and a.phone = p.asked_by and a.facts ->> 'number' = p.number
         where p.mutuelle_id = :mutuelle and p.number = :number and not p.by_another and a.name = 'pay'
        union all
        select a.name, a.consent, a.gateway, a.done_at from household h
          join action a on a.done_at = h.enrolled_at and a.name in ('enrol', 'register')
           and position(h.number in regexp_replace(a.screen, '[^0-9]', '', 'g')) > 0
         where h.mutuelle_id = :mutuelle and h.number = :number
        union all
        select a.name, a.consent, a.gateway, a.done_at from reminder_consent c
          join action a on a.phone = c.phone and (a.name, a.done_at) in
               (('accept_reminders', c.since), ('stop_reminders', c.until))
         where c.mutuelle_id = :mutuelle and c.number = :number)
    select agreed.name, agreed.consent, agreed.gateway, agreed.done_at, m.timezone
      from agreed, mutuelle m where m.id = :mutuelle
     order by agreed.done_at desc, agreed.name limit :limit
    """
    )
)
