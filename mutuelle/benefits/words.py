"""What somebody pays for care, in words: for the doctor at the desk, and for the member before she goes.

A doctor is told what the patient pays, the ceiling of an act, and of those of a period only whether they leave a part:
what is left of them would say what care there was before. A member reads her own rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from locales import Fact, Money, Sentence, _, counts
from mutuelle.benefits.quotes import BenefitFacts
from mutuelle.benefits.rules import Benefit, Quote, QuoteState, coming, in_force
from mutuelle.founding.rules import LEVELS
from mutuelle.scheme.mutuelles import Mutuelle

LEVEL_NAMES: dict[str, Sentence] = {
    "post": _("health post"),
    "centre": _("health centre"),
    "hospital": _("hospital"),
}


def patient_pays(quote: Quote, mutuelle: Mutuelle, name: Fact, code: str) -> Sentence:
    """What a doctor reads of a care behind COVERED; where there is no room, its code and fewer words."""
    pays = _pays(quote, mutuelle.currency)
    return _patient_pays(quote, mutuelle, name, pays).or_else(
        _patient_pays(quote, mutuelle, code, pays.shorter or pays)
    )


def _patient_pays(quote: Quote, mutuelle: Mutuelle, care: Fact, pays: Sentence) -> Sentence:
    """Of a ceiling of a period only that it is reached or begun."""
    if quote.state is QuoteState.NOT_SAID:
        return _("{care}, patient's share: ask {phone}.", care=care, phone=mutuelle.complaints)
    if quote.state is QuoteState.NOT_PAID:
        return _("{care}: the mutuelle does not pay this care here.", care=care)
    if quote.state is QuoteState.WAITING:
        return _("{care}: the mutuelle does not pay yet, the patient pays all.", care=care)
    if quote.state is QuoteState.USED_UP:
        return _("{care}: the mutuelle has paid its most, the patient pays all.", care=care)
    said: dict[str, Fact] = {"care": care, "pays": pays}
    rule = quote.benefit
    if rule and rule.needs_referral and rule.needs_agreement:
        return _("{care}, referral and agreement: {pays}.", **said)
    if rule and rule.needs_referral:
        return _("{care}, with a referral: {pays}.", **said)
    if rule and rule.needs_agreement:
        return _("{care}, with our agreement: {pays}.", **said)
    return _("{care}: {pays}.", **said)


def _pays(quote: Quote, currency: str) -> Sentence:
    """The share, and whether a ceiling may leave the patient more."""
    share = _share(quote.patient_minor, quote.patient_percent, currency)
    is_free = not (quote.patient_percent if quote.patient_minor is None else quote.patient_minor)
    pays = _("the patient pays nothing") if is_free else _("the patient pays {share}", share=share)
    most = quote.benefit and quote.benefit.act_ceiling_minor
    if quote.is_part and quote.price_minor is None:
        whole = _("{pays}, up to the most of the mutuelle", pays=pays)
        return whole.or_else(_("{pays}, up to our most", pays=pays))
    if quote.is_part:
        whole = _("{pays}, the mutuelle has paid its most", pays=pays)
        return whole.or_else(_("{pays}, our most is paid", pays=pays))
    if most and quote.price_minor is None:
        facts: dict[str, Fact] = {"pays": pays, "most": Money(most, currency)}
        whole = _("{pays}, the mutuelle pays {most} at most", **facts)
        return whole.or_else(_("{pays}, we pay up to {most}", **facts))
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


def share_of_quotes(quotes: Sequence[Quote], currency: str) -> Sentence | Money | str:
    """What each person pays, in short: 20 %, 500 F, nothing, all; where it differs, that it does."""
    shares = {_share_of_quote(quote, currency) for quote in quotes}
    return shares.pop() if len(shares) == 1 else _("by person")


def _share_of_quote(quote: Quote, currency: str) -> Sentence | Money | str:
    if quote.state is QuoteState.PAID or quote.patient_minor is not None:
        return _share(quote.patient_minor, quote.patient_percent, currency)
    return _("all")


def member_pays(quote: Quote, where: Fact, currency: str) -> Sentence:
    """What a member pays for a service at `where`: the service, or a level, or both."""
    is_paid = quote.state is QuoteState.PAID
    if quote.price_minor is not None and quote.patient_minor is not None:
        price, mine = Money(quote.price_minor, currency), Money(quote.patient_minor, currency)
        said = _("{where}. Price {price}: you pay {mine}.", where=where, price=price, mine=mine)
    elif quote.state is QuoteState.NOT_PAID:
        return _("{where}: the mutuelle does not pay this care here.", where=where)
    elif is_paid and not (quote.patient_minor or quote.patient_percent):
        said = _("{where}: you pay nothing.", where=where)
    else:
        said = _("{where}: you pay {share}.", where=where, share=_share_of_quote(quote, currency))
    if quote.state is QuoteState.NOT_PAID:
        return _("{said} The mutuelle does not pay this care here.", said=said)
    if quote.state is QuoteState.WAITING and quote.from_on:
        later = share_of(quote.benefit, currency)
        return _("{said} From {day} on: {share}.", said=said, day=quote.from_on, share=later)
    if quote.state is QuoteState.WAITING:
        return _("{said} You must wait first.", said=said)
    if quote.state is QuoteState.USED_UP:
        return _("{said} The mutuelle has paid its most for your period.", said=said)
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
    short = said
    if left := min((most - done for most, done in sums if most is not None), default=None):
        said = _("{said} The mutuelle pays {left} more.", said=said, left=Money(left, currency))
        short = _("{said} Left: {left}.", said=short, left=Money(left, currency))
    acts = ((rule.person_count, used.person_count), (rule.household_count, used.household_count))
    if times := min((most - done for most, done in acts if most is not None), default=None):
        said, short = (
            _("{said} {times} more.", said=one, times=counts.times(times)) for one in (said, short)
        )
    return said.or_else(short) if left else said


def conditions(
    rule: Benefit, facts: BenefitFacts, mutuelle: Mutuelle, on: date, *, is_left_told: bool = False
) -> list[Sentence]:
    """What a rule asks and leaves out, each in a sentence, first what is to be done before the care; with the change
    that is decided and comes. `is_left_told`: what is left of the ceilings of a period was said already.
    """
    currency = mutuelle.currency
    found: list[Sentence] = []
    if rule.needs_referral:
        found.append(_("With a referral only."))
    if rule.needs_agreement:
        found.append(_("First ask the mutuelle: {phone}.", phone=mutuelle.complaints))
    if rule.act_ceiling_minor is not None:
        most = Money(rule.act_ceiling_minor, currency)
        found.append(_("The mutuelle pays {most} for an act at most.", most=most))
    if not is_left_told:
        found += _ceilings(rule, currency)
    if rule.waiting_months and not is_left_told:
        found.append(_("After {months} of cover.", months=counts.months(rule.waiting_months)))
    if rule.exclusions:
        found.append(_("The mutuelle does not pay: {exclusions}.", exclusions=rule.exclusions))
    if later := coming(facts.benefits, rule.service, rule.level, on):
        what, value, _was = difference(rule, later, currency)
        found.append(_("{what}, from {day} on: {value}.", day=later.since, what=what, value=value))
    return found


def _ceilings(rule: Benefit, currency: str) -> list[Sentence]:
    """The ceilings and counts of a period."""
    found: list[Sentence] = []
    if rule.person_ceiling_minor is not None:
        most = Money(rule.person_ceiling_minor, currency)
        found.append(_("The mutuelle pays {most} for a person in your period at most.", most=most))
    if rule.household_ceiling_minor is not None:
        most = Money(rule.household_ceiling_minor, currency)
        found.append(_("The mutuelle pays {most} for the household in your period at most.", most=most))
    if rule.person_count is not None:
        found.append(
            _(
                "The mutuelle pays it {times} for a person in your period.",
                times=counts.times(rule.person_count),
            )
        )
    if rule.household_count is not None:
        times = counts.times(rule.household_count)
        found.append(_("The mutuelle pays it {times} for the household in your period.", times=times))
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
    "act_ceiling_minor": _("Paid at most for an act"),
    "person_ceiling_minor": _("Paid at most for a person"),
    "person_count": _("Times a person"),
    "household_ceiling_minor": _("Paid at most for a household"),
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
