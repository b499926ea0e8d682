"""My cover, on one screen: covered or not, until when, who, what remains due, what to do next."""

from locales import Fact, Sentence, _, _n
from menus.confirmation import no_household
from menus.verify import CHECK_BY_MESSAGE
from menus.words import COVER, PAY, first_fitting, own_under_way, whom
from mutuelle.care.eligibility import doctor_appointments
from mutuelle.contributions.foresight import if_paid
from mutuelle.contributions.receipts import with_credit
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.scheme.regimes import Regime
from talk.keywords import BY_MESSAGE, by_message, word_for
from talk.words import Caller, look


@by_message(
    COVER,
    said=_(
        "COVERED COVERAGE CARD RIGHTS BALANCE OWE* DEBT* ARREARS INSURED INSURANCE VALID EXPIRE* STATUS LATE DUE "
        "HOW+MUCH+OWE|LEFT|DUE|REMAIN* UNTIL+WHEN MEMBER+NUMBER UP+TO+DATE WHEN+END|EXPIRE "
        "HAVENT|NOT+PAID+YET HAVENT+PAID+!BUT DONT|HAVENT+MONEY+!BACK+!RECEIPT* HAVE+NO+MONEY"
    ),
)
async def cover(caller: Caller) -> Sentence:
    household = await whom(caller)
    if household is None:
        return await without_household(caller)
    stands = await look(standing, household, caller.at)
    if stands.own_payment and not stands.cover.is_covered:
        return await own_under_way(stands, stands.own_payment, caller)
    if stands.payer_of_all:
        return paid_for(stands, stands.payer_of_all, caller)
    said = covered(stands, caller) if stands.cover.is_covered else not_covered(stands, caller)
    said = with_credit(said, stands.credit)
    if stands.share is None:
        return said
    facts: dict[str, Fact] = {"payer": stands.share.regime.payer_name, "percent": stands.share.regime.percent}
    return _("{said} {payer} pays {percent} %.", said=said, **facts).or_else(said)


async def without_household(caller: Caller) -> Sentence:
    """A doctor who asks whether somebody is covered means a patient."""
    if caller.gateway == BY_MESSAGE and await look(doctor_appointments, caller):
        return CHECK_BY_MESSAGE
    return await no_household(caller)


def paid_for(stands: Standing, regime: Regime, caller: Caller) -> Sentence:
    """The same where a payer owes all of it: who, under which regime, and that there is nothing to pay."""
    found, facts = stands.cover, about(stands, caller)
    facts |= {"payer": regime.payer_name, "regime": regime.name}
    if found.state is CoverState.WAITING and found.from_on:
        waits = facts | {"start": found.from_on}
        return _(
            "{who}. Covered from {start} to {end}. {payer} pays for you ({regime}), nothing is due.", **waits
        ).or_else(_("{who}. Covered from {start} to {end}. {payer} pays for you.", **waits))
    if found.is_covered:
        return _(
            "{who}. COVERED until {end}. {payer} pays for you ({regime}), nothing is due.", **facts
        ).or_else(_("{who}. COVERED until {end}. {payer} pays for you.", **facts))
    return _(
        "{who}. NOT COVERED today. {payer} pays for you ({regime}), you need do nothing.", **facts
    ).or_else(_("{who}. NOT COVERED today. {payer} pays for you.", **facts))


def covered(stands: Standing, caller: Caller) -> Sentence:
    """Covered, until when, and what to do so that it goes on."""
    found, facts = stands.cover, about(stands, caller)
    if found.state is CoverState.GRACE:
        state = _("Your period is over, still COVERED until {end}.", **facts)
        long = _(
            "{who}. Your period is over, still COVERED until {end}. Renew before. {how}.",
            **facts,
        )
        return paid_today(stands, state, facts).or_else(long)
    state = _("COVERED until {end}.", **facts)
    if stands.due.amount_minor:
        long = _("{who}. COVERED until {end}. To stay covered, pay {due} before. {how}.", **facts)
        return paid_today(stands, state, facts).or_else(long)
    if stands.renews_by_credit:
        return _("{who}. COVERED until {end}. Your credit pays the renewal. {how}.", **facts)
    if stands.renews:
        long = _("{who}. COVERED until {end}. Renewal: {price}. {how}.", **facts, price=stands.payable)
        return paid_today(stands, state, facts).or_else(long)
    return _("{who}. COVERED until {end}. Nothing is due.", **facts)


def not_covered(stands: Standing, caller: Caller) -> Sentence:
    """Not covered, why, and what to do about it."""
    found, facts = stands.cover, about(stands, caller)
    if found.state is CoverState.WAITING and found.from_on and not stands.due.amount_minor:
        return _("{who}. All is paid. Covered from {start} to {end}.", **facts, start=found.from_on)
    if found.state is CoverState.WAITING and found.from_on:
        facts["start"] = found.from_on
        state = _("Covered from {start} to {end}.", **facts)
        long = _("{who}. Covered from {start} to {end}. Left to pay: {due}.", **facts)
        return paid_today(stands, state, facts).or_else(long)
    if found.state is CoverState.SUSPENDED:
        long = _("{who}. NOT COVERED: ended {end}. Pay {due}: covered that day. {how}.", **facts)
        return paid_today(stands, _("NOT COVERED: ended {end}.", **facts), facts).or_else(long)
    if stands.settles_debt:
        return _("{who}. NOT COVERED: ended {end}. First pay what is left, {due}. {how}.", **facts)
    if found.state is CoverState.EXPIRED and not stands.due.amount_minor:
        long = _("{who}. NOT COVERED: ended {end}. You can renew. {how}.", **facts)
        if not stands.renews or stands.renews_by_credit:
            return long
        return paid_today(stands, _("NOT COVERED: ended {end}.", **facts), facts).or_else(long)
    long = _(
        "{who}. NOT COVERED yet: {opening} opens your cover, left in all {due}. {how}.",
        **facts,
        opening=stands.opening,
    )
    return opened_today(stands, facts).or_else(long)


def paid_today(stands: Standing, state: Sentence, facts: dict[str, Fact]) -> Sentence:
    """How it stands, and what is covered if all that is left is paid today; of who it is about what has room."""
    told = {"state": state, "how": facts["how"], "amount": stands.payable}
    told["covered"] = if_paid(stands, stands.payable).said
    return first_fitting(
        [
            _("{who}. {state} {amount} paid today: {covered}. {how}.", **told, who=who)
            for who in shown_as(stands, facts)
        ]
    )


def opened_today(stands: Standing, facts: dict[str, Fact]) -> Sentence:
    """Not covered yet, and what is covered if the part that opens the cover is paid today."""
    told = {"how": facts["how"], "due": stands.due, "amount": stands.opening}
    told["covered"] = if_paid(stands, stands.opening).said
    return first_fitting(
        [
            _(
                "{who}. NOT COVERED yet. {amount} paid today: {covered}. Left in all: {due}. {how}.",
                **told,
                who=who,
            )
            for who in shown_as(stands, facts)
        ]
    )


def shown_as(stands: Standing, facts: dict[str, Fact]) -> list[Fact]:
    """Who the answer is about: with how many people, with the name, by the number alone."""
    household = stands.household
    named = _("{name}, {number}", name=household.head_name, number=household.shown_number)
    return [facts["who"], named, household.shown_number]


def about(stands: Standing, caller: Caller) -> dict[str, Fact]:
    """Who the answer is about, what they owe, and how to pay."""
    household = stands.household
    who = _n(
        "{name}, number {number}, {n} person",
        "{name}, number {number}, {n} people",
        stands.members,
        name=household.head_name,
        number=household.shown_number,
    )
    facts: dict[str, Fact] = {"who": who, "due": stands.due, "how": how_to_pay(caller)}
    if stands.cover.until_on:
        facts["end"] = stands.cover.until_on
    return facts


def how_to_pay(caller: Caller) -> Sentence:
    """The next step, on the channel where the answer is read."""
    if caller.gateway == BY_MESSAGE:
        return _("Reply {word}", word=word_for(PAY, caller.language))
    return _("Dial again, press 2")
