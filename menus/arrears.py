"""For treasurers: who owes what, and the digest's second form."""

from collections.abc import Sequence
from dataclasses import replace

from locales import Sentence, _
from menus.treasurer import NOT_A_TREASURER, treasuries
from menus.words import one_of, which_office
from mutuelle.care.unproven import unproven_checks
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.roles import Appointment
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.schedules.digest.month import BESIDE
from mutuelle.schedules.digest.words import SMS_SEPTETS, summary
from mutuelle.scheme.mutuelles import Place, places_named, places_of
from mutuelle.treasury.arrears import Arrears, arrears_by_place, where_is_owed, who_owes
from mutuelle.treasury.detail import detail_in_parts, detail_of, detail_pages
from talk.answers import Kind
from talk.keywords import Takes, by_message, word_for
from talk.layout import longest
from talk.questions import initials, words_of
from talk.trouble import InvalidError
from talk.words import Caller, Option, ask, choose, look, show

WHO = "who"
NEXT = Option("next", _("More"), "98")
# Septets of a page, what is below it left out: "98 Suite", "0 Retour", and on the first one who owes.
BALANCE_ROOM, PAGE_ROOM = 138, 138


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


async def balance_and_detail(caller: Caller, appointment: Appointment) -> Sentence:
    """The balance now, then page by page the digest's second form, with who owes below it."""
    found = await look(balance_now, caller, appointment.mutuelle_id)
    await choose(summary(found, caller.language, asks=False, room=BALANCE_ROOM), (NEXT,))
    detailed = await look(detail_of, caller, appointment.mutuelle_id)
    first, *others = detail_pages(detailed, caller.language, PAGE_ROOM)
    who = Option(WHO, _("Who owes"), "1")
    chosen = await choose(first, (who, NEXT) if detailed.late else (NEXT,))
    if chosen.key == WHO:
        return await who_owes_by_call(caller, appointment)
    for nth, page in enumerate(others[:-1]):  # each page is a question of its own
        await choose(page, (Option(f"{NEXT.key} {nth}", _("More"), "98"),))
    return await show(others[-1])


async def who_owes_by_call(caller: Caller, appointment: Appointment) -> Sentence:
    """The places where households are late, then the households of one, then what one of them owes."""
    places = await look(places_of, [appointment.mutuelle_id])
    owed = {one.place.key: one for one in await look(arrears_by_place, caller, places)}
    if not owed:
        return _("{where}: nobody is late.", where=appointment.mutuelle_name)
    lines = [
        Option(key, f"{one.place.name} {one.total.bare} ({len(one.owing)})") for key, one in owed.items()
    ]
    there = owed[(await choose(_("Who owes, where?"), lines)).key]
    late = {one.number: one for one in there.owing}
    lines = [Option(number, f"{one.head_name} {one.due.bare}") for number, one in late.items()]
    one = late[(await one_of(_("{place}, late:", place=there.place.name), lines)).key]
    return await show(
        _(
            "{name}, number {number}: {due} late.",
            name=one.head_name,
            number=shown_number(one.number),
            due=one.due,
        )
    )


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
    """The digest's second form: the only answer that may take more than one segment."""
    found = await treasuries(caller)
    if not found:
        return NOT_A_TREASURER
    word = word_for(detail.keyword, caller.language)
    await ask(_("For how households stand, send {word} alone.", word=word), nothing_behind)
    kept = await which_office(found)
    detailed = await look(detail_of, caller, kept.mutuelle_id)
    unproven = await look(unproven_checks, kept.mutuelle_id, caller.at)
    more = unproven.said(detailed.mutuelle) if unproven.is_high else None
    return detail_in_parts(detailed, caller.language, more)


detail = replace(detail, segments=3)
