"""Treasurers change what the mutuelle pays: one thing of one rule, from a day on that leaves the notice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from currencies import scaled
from locales import Money, Sentence, _
from menus.sign import propose
from menus.words import one_of
from mutuelle.benefits.benefit_changes import benefit_change
from mutuelle.benefits.quotes import BenefitFacts, benefit_facts
from mutuelle.benefits.rules import MOST_MINOR, Benefit, in_force
from mutuelle.benefits.services import SERVICES, service_name
from mutuelle.benefits.words import LEVEL_NAMES, TERMS, share_of
from mutuelle.founding.rules import LEVELS, MAX_PRICE_MINOR
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import products_on_sale
from talk.answers import Kind, amount
from talk.figures import groups
from talk.trouble import InvalidError
from talk.words import Caller, Option, ask, choose, look

PERCENT, SUM, NOT_PAID = "copay_percent", "copay_minor", "is_paid"
# A rule of care that is not paid.
UNPAID: Mapping[str, Any] = dict.fromkeys(TERMS) | {"is_paid": False, "waiting_months": 0}


async def change_benefits(caller: Caller, appointment: Appointment, mutuelle: Mutuelle) -> Sentence:
    products = await look(products_on_sale, mutuelle.id, mutuelle.today(caller.at))
    if not products:
        return _("{mutuelle} sells no cover at the moment.", mutuelle=mutuelle.name)
    product = products[0] if len(products) == 1 else await choose(_("Of which cover?"), products)
    facts: BenefitFacts = await look(benefit_facts, mutuelle.id, product.code)
    codes = (*SERVICES, *sorted(facts.named))
    service = (
        await one_of(_("Which care?"), [Option(code, service_name(code, facts.named)) for code in codes])
    ).key
    today = mutuelle.today(caller.at)
    rules = {level: in_force(facts.benefits, service, level, today) for level in LEVELS}
    lines = [Option(level, level_line(level, rule, mutuelle.currency)) for level, rule in rules.items()]
    level = (await choose(_("Where?"), lines)).key
    old = rules[level] or Benefit(product.code, service, level, today, **UNPAID)
    new = await changed(old, mutuelle.currency)
    act = await look(benefit_change, caller, appointment, product.name, new)
    return await propose(caller, appointment, act)


def level_line(level: str, rule: Benefit | None, currency: str) -> Sentence:
    """A level with what a patient pays there today."""
    return _("{level}: {share}", level=LEVEL_NAMES[level], share=share_of(rule, currency))


async def changed(old: Benefit, currency: str) -> Benefit:
    """The rule with one thing of it changed; of care that is not paid only the patient's share can be."""
    offered = [Option(name, label) for name, label in TERMS.items() if old.is_paid or name in (PERCENT, SUM)]
    what = (await one_of(_("What changes?"), offered)).key
    if what == NOT_PAID:
        return replace(old, **UNPAID)
    if what == PERCENT:
        percent = await ask(_("What percent does the patient pay? 0: nothing"), whole_number(0, 99))
        return replace(old, is_paid=True, copay_percent=percent, copay_minor=None)
    if what == SUM:
        money = await ask(
            _("What sum does the patient pay?"),
            amount(Money(1, currency), Money(scaled(MAX_PRICE_MINOR, currency), currency)),
        )
        return replace(old, is_paid=True, copay_percent=None, copay_minor=money.amount_minor)
    if what.endswith("_minor"):
        money = await ask(
            _("How much at most? 0: no limit"),
            amount(Money(0, currency), Money(scaled(MOST_MINOR, currency), currency)),
        )
        return with_term(old, what, money.amount_minor or None)
    if what == "waiting_months":
        months = await ask(_("How many months? 0: none"), whole_number(0, 24))
        return replace(old, waiting_months=months)
    times = await ask(_("How many times at most? 0: no limit"), whole_number(0, 100))
    return with_term(old, what, times or None)


def with_term(old: Benefit, name: str, term: int | None) -> Benefit:
    """The rule with a ceiling or a count changed; None takes it away."""
    facts: dict[str, Any] = {name: term}
    return replace(old, **facts)


def whole_number(least: int, most: int) -> Kind[int]:
    """A number within these, both allowed."""

    def parse(typed: str) -> int:
        found = groups(typed)
        if len(found) != 1 or not least <= int(found[0]) <= most:
            raise InvalidError(_("From {least} to {most}, please.", least=least, most=most))
        return int(found[0])

    return Kind(
        "whole number", parse, good=(str(least), str(most)), bad=("", "dix", str(most + 1)), takes_zero=True
    )
