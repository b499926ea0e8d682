"""What a member pays for care: service by service, at a level or a facility; by SMS in one message."""

from collections.abc import Sequence
from dataclasses import dataclass

from locales import Money, Sentence, _
from menus.words import one_of
from mutuelle.benefits.quotes import (
    BenefitFacts,
    benefit_facts,
    facts_for,
    quote_for,
    quote_of_rule,
    quotes_of_rules,
)
from mutuelle.benefits.rules import Benefit, Quote, in_force
from mutuelle.benefits.services import service_in, service_name, short_word, words_beside
from mutuelle.benefits.words import (
    conditions,
    joined,
    listed,
    member_pays,
    rules_on,
    share_of,
    shares_in_short,
    where_paid,
    where_paid_by_message,
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
CARE = _("CARE BENEFITS")  # the keyword
WHICH = _("Which care?")
named_in_words = Kind(
    "care in words", lambda typed: typed, good=("accouchement",), bad=(), takes_rest=True, optional=True
)


@dataclass(frozen=True)
class Asked:
    """Whose rules are read: `stands` is None for who has no household; she reads those of a product on sale."""

    mutuelle: Mutuelle
    facts: BenefitFacts
    stands: Standing | None


async def asked_by(
    caller: Caller, mutuelle: Mutuelle, household: Household | None, facility_id: str = ""
) -> Asked | None:
    """The rules that the caller asks about; None where the mutuelle has written down none."""
    today = mutuelle.today(caller.at)
    if household:
        stands: Standing = await look(standing, household, caller.at)
        found = await look(facts_for, stands, facility_id)
        return Asked(mutuelle, found, stands) if found.services_on(today) else None
    for product in await look(products_on_sale, mutuelle.id, today):
        found = await look(benefit_facts, mutuelle.id, product.code, "", facility_id)
        if found.services_on(today):
            return Asked(mutuelle, found, None)
    return None


async def what_she_pays(caller: Caller, asked: Asked) -> Sentence:
    """The services with their shares; then one of them, at a level."""
    today, currency = asked.mutuelle.today(caller.at), asked.mutuelle.currency
    services = asked.facts.services_on(today)
    lines = [Option(code, shares_in_short(asked.facts, code, today, currency)) for code in services]
    service = (await one_of(_("What you pay for care:"), lines)).key
    rules = rules_on(asked.facts, service, today)
    level = rules[0].level
    if len(rules) > 1:
        named = [Option(rule.level, where_paid(rule, currency)) for rule in rules]
        level = (await choose(_("Where?"), named)).key
    return await one_service(caller, asked, service, level)


async def one_service(caller: Caller, asked: Asked, service: str, level: str) -> Sentence:
    """What she pays for it there, and behind it the conditions."""
    quote = await quoted(caller, asked, service, level)
    said = member_pays(quote, asked.facts, asked.mutuelle.currency)
    if asked.stands and any(person.covered for person in asked.stands.people):
        said = with_what_is_left(said, quote, asked.mutuelle.currency)
    elif asked.stands:
        said = _("{said} Once you are covered.", said=said)
    today = asked.mutuelle.today(caller.at)
    more = conditions(quote.benefit, asked.facts, asked.mutuelle, today) if quote.benefit else []
    for first in range(0, len(more), CONDITIONS_A_PAGE):
        await choose(said, (Option(MORE, _("Conditions"), "1"),))
        said = joined(more[first : first + CONDITIONS_A_PAGE])
    return await show(said)


async def quoted(caller: Caller, asked: Asked, service: str, level: str) -> Quote:
    """The quote for a member who is covered; for anybody else the rule alone, with the price there."""
    today, stands = asked.mutuelle.today(caller.at), asked.stands
    covered = [person for person in stands.people if person.covered] if stands else []
    if stands is None or not covered:
        return quote_of_rule(asked.facts, service, level, today)
    rule = in_force(asked.facts.benefits, service, level, today)
    patient = await for_whom(caller, asked, covered, rule)
    return quote_for(asked.facts, stands, patient, service, level, today)


async def for_whom(caller: Caller, asked: Asked, people: Sequence[Person], rule: Benefit | None) -> Person:
    """The patient; asked only where a ceiling, a count or a wait is each person's own."""
    today = asked.mutuelle.today(caller.at)
    is_own = rule and (rule.person_ceiling_minor or rule.person_count or rule.waiting_months)
    if len(people) == 1 or not is_own:
        return people[0]
    named = [Option(str(person.rank), called(person, today)) for person in people]
    rank = (await one_of(_("For whom?"), named)).key
    return next(person for person in people if str(person.rank) == rank)


async def prices_at(caller: Caller, asked: Asked) -> Sentence:
    """The price of the usual acts at a facility under agreement, and what the member pays of each."""
    today = asked.mutuelle.today(caller.at)
    quotes = quotes_of_rules(asked.facts, today)
    if not quotes:
        return await show(_("No price is known there today. Ask: {phone}", phone=asked.mutuelle.complaints))
    lines = [Option(quote.service, price_line(asked, quote)) for quote in quotes]
    service = (await one_of(_("Price, and what you pay:"), lines)).key
    return await one_service(caller, asked, service, quotes[0].level)


def price_line(asked: Asked, quote: Quote) -> Sentence:
    """A service with its price and what a member pays, before any ceiling that is used."""
    currency = asked.mutuelle.currency
    return _(
        "{service} {price}: {mine}",
        service=service_name(quote.service, asked.facts.named),
        price=Money(quote.price_minor or 0, currency),
        mine=Money(quote.patient_minor or 0, currency),
    )


async def care_by_message(caller: Caller, asked: Asked) -> Sentence:
    """What is paid of the service that a message names, with the conditions that it has room for; else of each."""
    typed = await ask(WHICH, named_in_words)
    read = service_in(words_beside(typed), asked.facts.named)
    today, currency = asked.mutuelle.today(caller.at), asked.mutuelle.currency
    if read is None or read.code not in asked.facts.services_on(today):
        return longest(in_one_message(caller, asked), caller.language, SMS_SEPTETS)
    rules = rules_on(asked.facts, read.code, today)
    name = service_name(read.code, asked.facts.named)
    levels = listed([where_paid_by_message(rule, currency) for rule in rules])
    forms = [_("{service}, you pay: {levels}.", service=name, levels=levels)]
    each = [conditions(rule, asked.facts, asked.mutuelle, today) for rule in rules]
    for more in (
        one for one in each[0] if all(one in others for others in each[1:])
    ):  # what holds everywhere
        forms.insert(0, joined([forms[0], more]))
    return longest(forms, caller.language, SMS_SEPTETS)


def in_one_message(caller: Caller, asked: Asked) -> list[Sentence]:
    """The share of each service where it is nearest, under its three letters; fewer of them where there is no room."""
    today, currency = asked.mutuelle.today(caller.at), asked.mutuelle.currency
    services = asked.facts.services_on(today)
    words = [short_word(code, caller.language) for code in services]
    shares = [share_of(rules_on(asked.facts, code, today)[0], currency) for code in services]
    parts = [_("{word} {share}", word=word, share=share) for word, share in zip(words, shares, strict=True)]
    one = f"{word_for(CARE, caller.language)} {words[0]}"
    return [
        _(
            "You pay, where it is nearest: {listed}. For one of them: {one}",
            listed=listed(parts[:most]),
            one=one,
        )
        for most in range(len(parts), 0, -1)
    ]
