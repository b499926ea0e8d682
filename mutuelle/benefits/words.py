"""What somebody pays for care, in words: for the doctor at the desk, and for the member before she goes.

A doctor is told what the patient pays, and of a ceiling only whether it leaves a part. A member reads her own rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from locales import Fact, Money, Sentence, _, counts
from mutuelle.benefits.quotes import BenefitFacts
from mutuelle.benefits.rules import Benefit, Quote, QuoteState, coming, in_force
from mutuelle.benefits.services import service_name
from mutuelle.founding.rules import LEVELS
from mutuelle.scheme.mutuelles import Mutuelle

LEVEL_NAMES: dict[str, Sentence] = {
    "post": _("health post"),
    "centre": _("health centre"),
    "hospital": _("hospital"),
}


def patient_pays(quote: Quote, mutuelle: Mutuelle) -> Sentence:
    """What a doctor reads behind COVERED, without the care's name; of a ceiling only that it is passed or begun."""
    if quote.state is QuoteState.NOT_SAID:
        return _("Patient's share: ask {phone}.", phone=mutuelle.complaints)
    if quote.state is QuoteState.NOT_PAID:
        return _("This care is not paid by the mutuelle.")
    if quote.state is QuoteState.WAITING:
        return _("This care is not paid yet: the patient pays all.")
    if quote.state is QuoteState.USED_UP:
        return _("Ceiling reached: the patient pays all.")
    pays = _pays(quote, mutuelle.currency)
    rule = quote.benefit
    if rule and rule.needs_referral and rule.needs_agreement:
        return _("With referral and our agreement, {pays}.", pays=pays)
    if rule and rule.needs_referral:
        return _("With a referral, {pays}.", pays=pays)
    if rule and rule.needs_agreement:
        return _("With our agreement, {pays}.", pays=pays)
    return _("Here, {pays}.", pays=pays)


def _pays(quote: Quote, currency: str) -> Sentence:
    """The share, and whether a ceiling may leave the patient more."""
    share = _share(quote.patient_minor, quote.patient_percent, currency)
    is_free = not (quote.patient_percent if quote.patient_minor is None else quote.patient_minor)
    pays = _("the patient pays nothing") if is_free else _("the patient pays {share}", share=share)
    most = quote.benefit and quote.benefit.act_ceiling_minor
    if quote.is_part and quote.price_minor is None:
        return _("{pays}, ceiling begun", pays=pays)
    if quote.is_part:
        return _("{pays}, over ceiling", pays=pays)
    if most and quote.price_minor is None:
        return _("{pays}, ceiling {most}", pays=pays, most=Money(most, currency))
    return pays


def _share(minor: int | None, percent: int | None, currency: str) -> Sentence | Money | str:
    """A sum where it is known, else the percentage."""
    if minor is not None:
        return Money(minor, currency) if minor else _("nothing")
    return f"{percent} %" if percent else _("nothing")


def share_of(rule: Benefit | None, currency: str) -> Sentence | Money | str:
    """What a member pays by a rule: 20 %, 500 F, nothing, all."""
    if rule is None or not rule.is_paid:
        return _("all")
    return _share(rule.copay_minor, rule.copay_percent, currency)


def rules_on(facts: BenefitFacts, service: str, on: date) -> list[Benefit]:
    """The rules of a service that day, the nearest level first."""
    return [rule for level in LEVELS if (rule := in_force(facts.benefits, service, level, on))]


def is_free(rule: Benefit | None) -> bool:
    """Whether a rule leaves nothing to the patient."""
    return rule is not None and rule.is_paid and not (rule.copay_minor or rule.copay_percent)


def shares_in_short(facts: BenefitFacts, service: str, on: date, currency: str) -> Sentence:
    """A service with the share at each level that has a rule, for a list: delivery 20 %, 40 %."""
    shares = list(dict.fromkeys(share_of(rule, currency) for rule in rules_on(facts, service, on)))
    return _("{service}: {share}", service=service_name(service, facts.named), share=listed(shares))


def where_paid(rule: Benefit, currency: str) -> Sentence:
    """A level with its share, for a list."""
    return _("{level}: {share}", level=LEVEL_NAMES[rule.level], share=share_of(rule, currency))


def where_paid_by_message(rule: Benefit, currency: str) -> Sentence:
    """A level with its share and whether it takes a referral, among others in one message."""
    where = {"level": LEVEL_NAMES[rule.level], "share": share_of(rule, currency)}
    if rule.needs_referral:
        return _("{level} {share} with a referral", **where)
    return _("{level} {share}", **where)


def member_pays(quote: Quote, facts: BenefitFacts, currency: str) -> Sentence:
    """What a member pays for a service at a level."""
    where = {"service": service_name(quote.service, facts.named), "level": LEVEL_NAMES[quote.level]}
    share = share_of(quote.benefit, currency) if quote.state is QuoteState.PAID else _("all")
    said = _("{service}, {level}: you pay {share}.", **where, share=share)
    if is_free(quote.benefit) and quote.state is QuoteState.PAID:
        said = _("{service}, {level}: you pay nothing.", **where)
    if quote.price_minor is not None and quote.patient_minor is not None:
        price, mine = Money(quote.price_minor, currency), Money(quote.patient_minor, currency)
        said = _("{service}, {level}. Price {price}: you pay {mine}.", **where, price=price, mine=mine)
    if quote.state is QuoteState.WAITING and quote.from_on:
        later = share_of(quote.benefit, currency)
        return _("{said} From {day} on: {share}.", said=said, day=quote.from_on, share=later)
    if quote.state is QuoteState.WAITING:
        return _("{said} You must wait first.", said=said)
    if quote.state is QuoteState.USED_UP:
        return _("{said} The ceiling of your period is reached.", said=said)
    return said


def with_what_is_left(said: Sentence, quote: Quote, currency: str) -> Sentence:
    """With what is left of the ceilings and counts to somebody who is covered and has waited."""
    rule, used = quote.benefit, quote.used
    if rule is None or quote.state is not QuoteState.PAID:
        return said
    sums = (
        (rule.person_ceiling_minor, used.person_minor),
        (rule.household_ceiling_minor, used.household_minor),
    )
    if left := min((most - done for most, done in sums if most is not None), default=None):
        said = _("{said} Ceiling: {left} more.", said=said, left=Money(left, currency))
    acts = ((rule.person_count, used.person_count), (rule.household_count, used.household_count))
    if times := min((most - done for most, done in acts if most is not None), default=None):
        said = _("{said} {times} more.", said=said, times=counts.times(times))
    return said


def conditions(rule: Benefit, facts: BenefitFacts, mutuelle: Mutuelle, on: date) -> list[Sentence]:
    """What a rule asks and leaves out, each in a sentence; with the change that is decided and comes."""
    currency = mutuelle.currency
    found = _ceilings(rule, currency)
    if rule.waiting_months:
        found.append(_("After {months} of cover.", months=counts.months(rule.waiting_months)))
    if rule.needs_referral:
        found.append(_("With a referral only."))
    if rule.needs_agreement:
        found.append(_("First ask the mutuelle: {phone}.", phone=mutuelle.complaints))
    if rule.exclusions:
        found.append(_("Not paid: {exclusions}.", exclusions=rule.exclusions))
    if later := coming(facts.benefits, rule.service, rule.level, on):
        what, value, _was = difference(rule, later, currency)
        found.append(_("{what}, from {day} on: {value}.", day=later.since, what=what, value=value))
    return found


def _ceilings(rule: Benefit, currency: str) -> list[Sentence]:
    found: list[Sentence] = []
    if rule.act_ceiling_minor is not None:
        most = Money(rule.act_ceiling_minor, currency)
        found.append(_("At most {most} is paid for an act.", most=most))
    if rule.person_ceiling_minor is not None:
        most = Money(rule.person_ceiling_minor, currency)
        found.append(_("At most {most} for a person in your period.", most=most))
    if rule.household_ceiling_minor is not None:
        most = Money(rule.household_ceiling_minor, currency)
        found.append(_("At most {most} for the household in your period.", most=most))
    if rule.person_count is not None:
        found.append(_("{times} for a person in your period.", times=counts.times(rule.person_count)))
    if rule.household_count is not None:
        found.append(_("{times} for the household in your period.", times=counts.times(rule.household_count)))
    return found


def joined(sentences: Sequence[Sentence]) -> Sentence:
    """The sentences one behind the other."""
    said = sentences[0]
    for more in sentences[1:]:
        said = _("{said} {more}", said=said, more=more)
    return said


def listed(parts: Sequence[Fact]) -> Fact:
    """The parts with commas between."""
    said = parts[0]
    for more in parts[1:]:
        said = _("{said}, {share}", said=said, share=more)
    return said


# What may be changed of a rule, one thing at a time, as it is named.
TERMS: Mapping[str, Sentence] = {
    "copay_percent": _("Patient pays, percent"),
    "copay_minor": _("Patient pays, a sum"),
    "is_paid": _("No longer paid"),
    "act_ceiling_minor": _("Ceiling of an act"),
    "person_ceiling_minor": _("Ceiling of a person"),
    "person_count": _("Times a person"),
    "household_ceiling_minor": _("Ceiling of a household"),
    "household_count": _("Times a household"),
    "waiting_months": _("Months to wait"),
}
SHARE_TERMS = ("copay_percent", "copay_minor", "is_paid")


def difference(was: Benefit | None, new: Benefit, currency: str) -> tuple[Sentence, Fact, Fact]:
    """What a change is of, its new value and the one of today; a change of the patient's share before any other."""
    old = was or replace(new, is_paid=False, copay_percent=None, copay_minor=None)
    if any(getattr(old, name) != getattr(new, name) for name in SHARE_TERMS):
        return _("Patient pays"), share_of(new, currency), share_of(was, currency)
    name = next((name for name in TERMS if getattr(old, name) != getattr(new, name)), None)
    if name is None:  # rules of an import may differ in what is no number
        return _("Other conditions"), share_of(new, currency), share_of(was, currency)
    return TERMS[name], _term(name, new, currency), _term(name, old, currency)


def _term(name: str, rule: Benefit, currency: str) -> Fact:
    found = getattr(rule, name)
    if not found:
        return _("none")
    return Money(found, currency) if name.endswith("_minor") else str(found)
