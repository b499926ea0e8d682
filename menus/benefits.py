"""What a member pays for care: service by service, at a level or a facility; by SMS in one message."""

from collections.abc import Sequence

from locales import Fact, Money, Sentence, _
from menus.words import one_of
from mutuelle.benefits.quotes import Asked, benefit_facts, facts_for
from mutuelle.benefits.rules import Benefit, Quote, QuoteState, in_force
from mutuelle.benefits.services import service_in, short_word, words_beside
from mutuelle.benefits.words import (
    LEVEL_NAMES,
    conditions,
    joined,
    listed,
    member_pays,
    rules_on,
    share_of_quotes,
    with_what_is_left,
)
from mutuelle.contributions.family import called
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import Person
from mutuelle.households.households import Household
from mutuelle.schedules.digest.words import SMS_SEPTETS
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import products_on_sale
from talk.answers import Kind
from talk.keywords import word_for
from talk.layout import longest
from talk.words import Caller, Option, ask, choose, look, show

MORE = "more"
CONDITIONS_A_PAGE = 2
MOST_BESIDE = 8  # words of care beside one care in full, in one message
CARE = _("CARE BENEFITS")  # the keyword
WHICH = _("Which care?")
named_in_words = Kind(
    "care in words", lambda typed: typed, good=("accouchement",), bad=(), takes_rest=True, optional=True
)


async def asked_by(
    caller: Caller, mutuelle: Mutuelle, household: Household | None, facility_id: str = ""
) -> Asked | None:
    """The rules that the caller asks about; None where the mutuelle has written down none."""
    today = mutuelle.today(caller.at)
    if household:
        stands: Standing = await look(standing, household, caller.at)
        found = await look(facts_for, stands, facility_id)
        return Asked(mutuelle, found, stands, today) if found.services_on(today) else None
    for product in await look(products_on_sale, mutuelle.id, today):
        found = await look(benefit_facts, mutuelle.id, product.code, "", facility_id)
        if found.services_on(today):
            return Asked(mutuelle, found, None, today)
    return None


async def what_she_pays(caller: Caller, asked: Asked) -> Sentence:
    """The services with their shares; then one of them, at a level."""
    lines = [Option(code, service_line(asked, code)) for code in asked.facts.services_on(asked.today)]
    title = _("What you pay for care:") if asked.covered else _("Once covered, you pay for care:")
    service = (await one_of(title, lines)).key
    rules = rules_on(asked.facts, service, asked.today)
    level = rules[0].level
    if len(rules) > 1:
        levels = [Option(rule.level, level_line(asked, rule)) for rule in rules]
        level = (await choose(_("Where?"), levels)).key
    return await one_service(caller, asked, service, level)


def share_at(asked: Asked, service: str, level: str) -> Fact:
    """What is paid of a service there, in short."""
    return share_of_quotes(asked.quotes(service, level), asked.mutuelle.currency)


def service_line(asked: Asked, service: str) -> Sentence:
    """A service with the share at each level that has a rule: delivery 20 %, 40 %."""
    rules = rules_on(asked.facts, service, asked.today)
    shares = list(dict.fromkeys(share_at(asked, service, rule.level) for rule in rules))
    return _("{service}: {share}", service=asked.name(service), share=listed(shares))


def level_line(asked: Asked, rule: Benefit) -> Sentence:
    share = share_at(asked, rule.service, rule.level)
    return _("{level}: {share}", level=LEVEL_NAMES[rule.level], share=share)


def level_in_short(asked: Asked, rule: Benefit) -> Sentence:
    share = share_at(asked, rule.service, rule.level)
    return _("{level} {share}", level=LEVEL_NAMES[rule.level], share=share)


async def one_service(caller: Caller, asked: Asked, service: str, level: str) -> Sentence:
    """What she pays for it there, and behind it the conditions."""
    rule = in_force(asked.facts.benefits, service, level, asked.today)
    patient = await for_whom(asked, rule) if asked.covered else None
    said = personal(asked, asked.quote(service, level, patient), at(asked, service, level))
    if not asked.covered and rule and rule.is_paid:
        said = once_covered(said)
    more = conditions(rule, asked.facts, asked.mutuelle, asked.today) if rule else []
    for first in range(0, len(more), CONDITIONS_A_PAGE):
        await choose(said, (Option(MORE, _("Conditions"), "1"),))
        said = joined(more[first : first + CONDITIONS_A_PAGE])
    return await show(said)


def at(asked: Asked, service: str, level: str) -> Sentence:
    return _("{service}, {level}", service=asked.name(service), level=LEVEL_NAMES[level])


def personal(asked: Asked, quote: Quote, where: Fact) -> Sentence:
    """What is paid at `where`, and to who is covered what is left of the ceilings."""
    said = member_pays(quote, where, asked.mutuelle.currency)
    return with_what_is_left(said, quote, asked.mutuelle.currency) if asked.covered else said


def once_covered(said: Sentence) -> Sentence:
    return _("{said} You must be covered first.", said=said)


async def for_whom(asked: Asked, rule: Benefit | None) -> Person:
    """The patient; asked only where a ceiling, a count or a wait is each person's own."""
    people = asked.covered
    is_own = rule and (rule.person_ceiling_minor or rule.person_count or rule.waiting_months)
    if len(people) == 1 or not is_own:
        return people[0]
    named = [Option(str(person.rank), called(person, asked.today)) for person in people]
    rank = (await one_of(_("For whom?"), named)).key
    return next(person for person in people if str(person.rank) == rank)


async def prices_at(caller: Caller, asked: Asked) -> Sentence:
    """The price of the usual acts at a facility under agreement, and what the member pays of each."""
    level, services = asked.facts.level_on(asked.today), asked.facts.priced_on(asked.today)
    if level is None or not services:
        return await show(_("No price is known there today. Ask: {phone}", phone=asked.mutuelle.complaints))
    lines = [Option(service, price_line(asked, service, level)) for service in services]
    title = _("Price, and what you pay:") if asked.covered else _("Price, and what you pay once covered:")
    service = (await one_of(title, lines)).key
    return await one_service(caller, asked, service, level)


def price_line(asked: Asked, service: str, level: str) -> Sentence:
    """A service with its price and what the member pays of it."""
    price_minor = asked.quotes(service, level)[0].price_minor or 0
    return _(
        "{service} {price}: {mine}",
        service=asked.name(service),
        price=Money(price_minor, asked.mutuelle.currency),
        mine=share_at(asked, service, level),
    )


async def care_by_message(caller: Caller, asked: Asked) -> Sentence:
    """What is paid of the service that a message names, at each level, with the conditions; else of each service."""
    typed = await ask(WHICH, named_in_words)
    read = service_in(words_beside(typed), asked.facts.named)
    forms = in_one_message(caller, asked) if read is None else one_by_message(asked, read.code)
    return longest(forms, caller.language, SMS_SEPTETS)


def one_by_message(asked: Asked, service: str) -> list[Sentence]:
    """All that is said of a service at each level; in shorter forms the message says where the rest stands."""
    rules = rules_on(asked.facts, service, asked.today)
    if not rules:
        return [_("{service}: the mutuelle does not pay this care.", service=asked.name(service))]
    found = [told_at(asked, rule, rule is rules[0]) for rule in rules]
    last = not asked.covered and any(rule.is_paid for rule in rules)
    all_said = sum(len(more) for _said, more in found)
    return [
        *(_in_full(found, most, last=last) for most in range(all_said, -1, -1)),
        with_the_rest(
            _(
                "{service}, you pay: {levels}.",
                service=asked.name(service),
                levels=listed([level_in_short(asked, rule) for rule in rules]),
            )
        ),
    ]


def told_at(asked: Asked, rule: Benefit, is_first: bool) -> tuple[Sentence, list[Sentence]]:
    """What is paid at a level, and the conditions there."""
    where = at(asked, rule.service, rule.level) if is_first else LEVEL_NAMES[rule.level]
    if rule.needs_referral:
        where = _("{where}, with a referral", where=where)
    quotes = asked.quotes(rule.service, rule.level)
    said = {personal(asked, quote, where) for quote in quotes}
    is_same = len(said) == 1
    is_left_told = is_same and bool(asked.covered) and quotes[0].state is QuoteState.PAID
    more = conditions(rule, asked.facts, asked.mutuelle, asked.today, is_left_told=is_left_told)
    more = more[1:] if rule.needs_referral else more  # the first one: it stands at the place
    return said.pop() if is_same else _("{where}: the share differs by person.", where=where), more


def _in_full(found: Sequence[tuple[Sentence, list[Sentence]]], most: int, *, last: bool) -> Sentence:
    """Each level with its conditions, of which so many are said."""
    sentences, left = [], most
    for said, more in found:
        sentences += [said, *more[:left]]
        left -= len(more[:left])
    whole = joined(sentences)
    if last:
        whole = once_covered(whole)
    return whole if most == sum(len(more) for _said, more in found) else with_the_rest(whole)


def with_the_rest(said: Sentence) -> Sentence:
    return _("{said} More: call, 7, 2.", said=said)


def in_one_message(caller: Caller, asked: Asked) -> list[Sentence]:
    """Each service with its word and its share where it is nearest; of those without room the words alone."""
    services = asked.facts.services_on(asked.today)
    words = [short_word(code, caller.language) for code in services]
    parts: list[Fact] = []
    for code, word in zip(services, words, strict=True):
        level = rules_on(asked.facts, code, asked.today)[0].level
        share = share_at(asked, code, level)
        parts.append(_("{service} ({word}) {share}", service=asked.name(code), word=word, share=share))
    one = f"{word_for(CARE, caller.language)} {words[0]}"
    return [near_you(asked, parts[:most], words[most:], one) for most in range(len(parts), 0, -1)]


def near_you(asked: Asked, parts: Sequence[Fact], rest: Sequence[str], one: str) -> Sentence:
    said: dict[str, Fact] = {"listed": listed(parts), "one": one}
    if not rest and asked.covered:
        return _("Near you, you pay: {listed}. For one of them: {one}", **said)
    if not rest:
        return _("Once covered, near you, you pay: {listed}. For one of them: {one}", **said)
    said["more"] = " ".join(rest[:MOST_BESIDE]) + ("…" if len(rest) > MOST_BESIDE else "")
    if asked.covered:
        return _("Near you, you pay: {listed}. Also {more}. For one of them: {one}", **said)
    return _("Once covered, near you, you pay: {listed}. Also {more}. For one of them: {one}", **said)
