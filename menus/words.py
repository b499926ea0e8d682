"""Sentences and questions that several menus share."""

from collections.abc import Sequence
from functools import reduce

from locales import Fact, Money, Sentence, _, _n, counts
from mutuelle.contributions.foresight import Foreseen
from mutuelle.contributions.payments import OpenPayment
from mutuelle.contributions.standing import Standing
from mutuelle.contributions.ways_to_pay import PayInCash, ways_of, who_takes_cash
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.households import Household
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle, mutuelles_near
from mutuelle.scheme.products import Offer, offers_for
from talk.answers import Secret, pin
from talk.words import Caller, Option, Request, ask, choose, look

MOST_LISTED = 8  # with the line of the others a short list
OTHERS = "others"
PAY, JOIN, COVER, HOUSEHOLD = (
    _("PAY"),
    _("JOIN"),
    _("COVER"),
    _("HOUSEHOLD"),
)  # keywords, named by other menus too
NO_HOUSEHOLD = _("This phone speaks for no household yet. Dial again and press 1 to join.")


async def whom(caller: Caller) -> Household | None:
    """The household this call is about; asked only where the phone speaks for several, and once a call."""
    households = (await look(profile_of, caller)).households
    if len(households) < 2:
        return households[0] if households else None
    chosen: Household = await choose(_("For which household?"), households, once=True)
    return chosen


async def which_mutuelle(caller: Caller, household: Household | None) -> Mutuelle:
    """The mutuelle of the caller's household, or one of those near a stranger."""
    if household is not None:
        own: Mutuelle = await look(get_mutuelle, household.mutuelle_id)
        return own
    near = await look(mutuelles_near, caller)
    if len(near) == 1:
        return near[0]
    chosen: Mutuelle = await choose(_("Which mutuelle?"), near)
    return chosen


async def which_office(appointments: Sequence[Appointment]) -> Appointment:
    """The mutuelle for which an officer acts; asked only of those who hold the office in several."""
    if len(appointments) == 1:
        return appointments[0]
    chosen: Appointment = await choose(_("Of which mutuelle?"), appointments)
    return chosen


async def one_of(question: Sentence, options: Sequence[Option]) -> Option:
    """One of many, never by first letters: for people, many of whom have no name on record."""
    is_short = len(options) <= MOST_LISTED + 1
    shown = options if is_short else (*options[:MOST_LISTED], Option(OTHERS, _("The others")))
    chosen: Option = await choose(question, shown)
    if is_short or chosen.key != OTHERS:
        return chosen
    return await one_of(question, options[MOST_LISTED:])


def first_fitting(forms: Sequence[Sentence]) -> Sentence:
    """The first of `forms`, the longest being first, for which there is room."""
    return reduce(Sentence.or_else, forms)


def part_of(least: Money) -> Sentence:
    return _("A part: {amount}", amount=least)


def under_way(payment: OpenPayment, caller: Caller, other_ways: Sequence[Sentence | str] = ()) -> Sentence:
    """A payment waits: where, how to find its request, how else to pay (`other_ways`), and that nothing is asked twice.

    Another's phone is not named. What has no room is left out, the least important first.
    """
    amount = payment.amount
    if payment.payer_phone != caller.phone:
        return _("A payment of {amount} is under way on another phone. Wait for our SMS.", amount=amount)
    if payment.way.takes_code:
        return first_fitting(_code_is_checked(amount, other_ways))
    if dial := payment.way.found_by:
        return first_fitting(_found_by(amount, dial, other_ways))
    return first_fitting(_to_approve(amount, other_ways))


def _code_is_checked(amount: Money, other_ways: Sequence[Sentence | str]) -> list[Sentence]:
    forms = [
        _(
            "A payment of {amount} is under way: your code is being checked. Wait for our SMS. "
            "If none comes, after 10 minutes pay {who}.",
            amount=amount,
            who=who,
        )
        for who in other_ways
    ]
    least = _(
        "A payment of {amount} is under way: your code is being checked. Wait for our SMS: never charged twice.",
        amount=amount,
    )
    return [*forms, least]


def _found_by(amount: Money, dial: Fact, other_ways: Sequence[Sentence | str]) -> list[Sentence]:
    facts: dict[str, Fact] = {"amount": amount, "dial": dial}
    forms = [
        _(
            "A payment of {amount} is under way. Nothing shows? Dial {dial}. If not, after 10 minutes pay {who}.",
            **facts,
            who=who,
        )
        for who in other_ways
    ]
    return [
        *forms,
        _("A payment of {amount} is under way, never charged twice. Nothing shows? Dial {dial}.", **facts),
        _("A payment of {amount} is under way. Nothing shows? Dial {dial}.", **facts),
    ]


def _to_approve(amount: Money, other_ways: Sequence[Sentence | str]) -> list[Sentence]:
    forms = [
        _(
            "A payment of {amount} is under way. Approve with your PIN. Nothing shows? "
            "After 10 minutes try again or pay {who}.",
            amount=amount,
            who=who,
        )
        for who in other_ways
    ]
    return [
        *forms,
        _(
            "A payment of {amount} is under way. Approve with your PIN or wait for our SMS: never charged twice.",
            amount=amount,
        ),
        _(
            "A payment of {amount} is under way. Approve it or wait for our SMS: never charged twice.",
            amount=amount,
        ),
    ]


async def own_under_way(stands: Standing, payment: OpenPayment, caller: Caller) -> Sentence:
    """The same of a household's own payment, with who takes cash instead."""
    if payment.payer_phone != caller.phone:
        return under_way(payment, caller)
    household = stands.household
    cash = await look(who_takes_cash, caller, household.mutuelle_id, household)
    return under_way(payment, caller, ways_of(cash, household.shown_number))


def beside(stands: Standing, said: Sentence, *, or_alone: bool = False) -> Sentence:
    """`said` with a word, where there is room, of a payment that another makes meanwhile: nobody need pay it twice.

    `or_alone`: the word alone stands before `said` alone, where the choices below say the sums.
    """
    payment = stands.open_payment
    if payment is None or not payment.by_another:
        return said
    whole = _("A payment of {amount} is under way. {said}", amount=payment.amount, said=said)
    alone = _("A payment of {amount} is under way.", amount=payment.amount)
    return (whole.or_else(alone) if or_alone else whole).or_else(said)


def paid_in_cash(cash: PayInCash, household: Household | None) -> Sentence:
    """Who takes cash, with the number that says for whom."""
    if household is None:
        return _("Cash is paid to {who}. Your member number says for whom.", who=cash.forms[0])
    return _("Cash is paid to {who}, for number {number}.", who=cash.forms[0], number=household.shown_number)


def work_pin() -> Request[Secret]:
    """An officer's own PIN, asked last: it is not the PIN of a mobile money account, and the words say so."""
    return ask(_("Your work PIN?"), pin)


async def pin_of(household: Household) -> Secret | None:
    """The household's own PIN, asked last, where it has one; by SMS none is asked for."""
    return await ask(_("The code of your household?"), pin) if household.has_pin else None


async def which_cover(caller: Caller, mutuelle: Mutuelle, people: tuple[int, ...]) -> Offer | None:
    """The cover for a household of these ages, asked only where there are several; None where there is none."""
    offers = await look(offers_for, mutuelle.id, people, mutuelle.today(caller.at))
    if len(offers) < 2:
        return offers[0] if offers else None
    options = [Option(offer.key, label) for offer, label in zip(offers, labels_of(offers), strict=True)]
    chosen = await choose(_("Which cover?"), options)
    return next(offer for offer in offers if offer.key == chosen.key)


def labels_of(offers: Sequence[Offer]) -> list[Sentence | str]:
    """A line for each offer: its name, its price, and the one reason why it costs more or less than the others."""
    waits = [offer.product.waiting_period_months for offer in offers]
    lasts = [offer.product.insurance_period_months for offer in offers]
    if len(set(waits)) > 1:
        reasons = [_("to wait: {months}", months=counts.months(n)) if n else _("no wait") for n in waits]
    elif len(set(lasts)) > 1:
        reasons = [_("for {months}", months=counts.months(n)) for n in lasts]
    elif len({offer.product.max_installments for offer in offers}) > 1:
        reasons = [_("from {amount}", amount=offer.installment) for offer in offers]
    else:
        return [offer.label for offer in offers]
    return [
        _("{offer}, {reason}", offer=offer.label, reason=reason)
        for offer, reason in zip(offers, reasons, strict=True)
    ]


def no_cover(mutuelle: Mutuelle, people: tuple[int, ...]) -> Sentence:
    return _n(
        "{mutuelle} has no cover for a household of {n}. Please see the treasurer.",
        "{mutuelle} has no cover for a household of {n}. Please see the treasurer.",  # not so in every language
        len(people),
        mutuelle=mutuelle.name,
    )


def registered(number: str, due: Money, covered: Foreseen, cash: PayInCash) -> Sentence:
    """Registered: whom to pay how much that is due, and what is `covered` if it is paid today."""
    facts: dict[str, Fact] = {"number": number, "price": due, "covered": covered.said}
    forms = [
        _(
            "Welcome! Number {number}. Pay {price} in cash to {who}. If paid today: {covered}.",
            **facts,
            who=who,
        )
        for who in cash.forms
    ]
    in_short = _("Welcome! Number {number}. Pay {price} in cash to {who}.", **facts, who=cash.forms[0])
    return first_fitting([*forms, in_short])
