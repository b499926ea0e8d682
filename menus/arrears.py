"""By SMS, for treasurers: who owes what, and the digest's second form."""

from collections.abc import Sequence

from locales import Sentence, _
from menus.treasurer import NOT_A_TREASURER, treasuries
from menus.words import which_office
from mutuelle.schedules.digest.month import BESIDE
from mutuelle.schedules.digest.words import SMS_SEPTETS
from mutuelle.scheme.mutuelles import Place, places_named, places_of
from mutuelle.treasury.arrears import (
    Arrears,
    arrears_by_place,
    detail_of,
    detail_words,
    where_is_owed,
    who_owes,
)
from talk.answers import Kind
from talk.keywords import Takes, by_message, word_for
from talk.layout import longest
from talk.questions import initials, words_of
from talk.trouble import InvalidError
from talk.words import Caller, ask, choose, look


@by_message(
    _("ARREARS WHO_OWES"),
    officers=True,
    said=_("WHO+OWE*|LATE|BEHIND WHO+NOT|HASNT|HAVENT+PAID|PAY DEBTORS UNPAID LATE+HOUSEHOLDS|MEMBERS|LIST"),
    takes=Takes.WORDS,
    weight=7,
)
async def arrears(caller: Caller) -> Sentence:
    """RETARDS Zantiéla: who owes there. Without a place: how much is owed in each."""
    found = await treasuries(caller)
    if not found:
        return NOT_A_TREASURER
    word = word_for(arrears.keyword, caller.language)
    places = await look(places_of, [appointment.mutuelle_id for appointment in found])
    if not places:
        return owed_in(found[0].mutuelle_name, [], [], caller)
    question = _("Who owes, in which place? Example: {word} {place}", word=word, place=places[0].name)
    named = await ask(question, place_among(places))
    if named:
        place = named[0] if len(named) == 1 else await choose(_("Which place?"), named)
        return owed_in(place.name, [place], await look(arrears_by_place, caller, [place]), caller)
    kept = await which_office(found)
    everywhere = [place for place in places if place.mutuelle_id == kept.mutuelle_id]
    owed = await look(arrears_by_place, caller, everywhere) if everywhere else []
    return owed_in(kept.mutuelle_name, everywhere, owed, caller)


def owed_in(where: str, asked: Sequence[Place], owed: Sequence[Arrears], caller: Caller) -> Sentence:
    if not owed:
        return _("{where}: nobody is late.", where=where)
    names = len(asked) == 1
    word = word_for(arrears.keyword, caller.language)
    return longest(who_owes(owed[0]) if names else where_is_owed(owed, word), caller.language, SMS_SEPTETS)


def place_among(places: Sequence[Place]) -> Kind[list[Place]]:
    """The places that are called so, or nearly so; none where none is named."""

    def parse(typed: str) -> list[Place]:
        said = told_in(typed)
        if not said:
            return []
        if named := places_named(places, said):
            return named
        if within := [place for place in places if f" {initials(place.name)} " in f" {said} "]:
            return within
        raise InvalidError(_("No place is called {typed}.", typed=typed[:20].strip()))

    name = places[0].name
    return Kind("place among", parse, good=(name,), bad=("xxxx",), takes_rest=True, optional=True)


def told_in(typed: str) -> str:
    """The words that say something, in capitals."""
    return " ".join(word for word in initials(typed).split() if word not in words_of(BESIDE))


def _nothing(typed: str) -> str:
    if told_in(typed):
        raise InvalidError(_("Not understood: {words}", words=typed[:20].strip()))
    return ""


nothing_behind = Kind("nothing behind", _nothing, good=(), bad=("Zantiéla",), takes_rest=True, optional=True)


@by_message(_("DETAIL"), officers=True)
async def detail(caller: Caller) -> Sentence:
    """The digest's second form: how households stand, and what each collector holds."""
    found = await treasuries(caller)
    if not found:
        return NOT_A_TREASURER
    word = word_for(detail.keyword, caller.language)
    await ask(_("For how households stand, send {word} alone.", word=word), nothing_behind)
    kept = await which_office(found)
    return longest(
        detail_words(await look(detail_of, caller, kept.mutuelle_id)), caller.language, SMS_SEPTETS
    )
