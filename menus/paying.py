"""The phone that pays: which network it is on, the yes to the payment, and the code that some networks give before."""

from locales import Fact, Money, Sentence, _
from menus.words import first_fitting, paid_in_cash
from mutuelle.contributions.payments import PayingPhone, PaymentWay, not_without_code
from mutuelle.contributions.ways_to_pay import HowToPay, PayInCash, who_takes_cash
from mutuelle.households.households import Household
from talk.answers import Secret, payment_code
from talk.keywords import BY_MESSAGE
from talk.phones import shown_phone
from talk.trouble import RefusedError
from talk.words import Caller, Option, ask, choose, look

NETWORK, NONE, TRY, LATER = "network", "none", "try", "later"
OTHER_NETWORK = _("Another network")
NOT_ASKED = _("Nothing was asked for. Begin again when you are ready.")
ANOTHER = Option(NETWORK, OTHER_NETWORK, "3")  # beside yes and no


def may_name_network(caller: Caller, how: HowToPay) -> bool:
    """Whether she may say that the phone is on another network: in a call, where another one could be asked."""
    return bool(how.way and how.others) and caller.gateway != BY_MESSAGE


def silence(network: str) -> Sentence:
    """That the operator of a network does not answer now; where nobody knows the network's name, mobile money."""
    if not network:
        return _("Mobile money does not answer now.")
    return _("{network} does not answer now.", network=network)


async def to_be_tried(caller: Caller, how: HowToPay, household: Household | None = None) -> HowToPay | None:
    """How the phone is asked; None if not now. Where its operator does not answer, she reads that before she tries,
    with what else she can do. `household` is None where nobody has joined yet.
    """
    if how.way is None or not how.way.is_down:
        return how
    later = _("Later") if household else _("Go on, pay later")
    options = [Option(TRY, _("Try anyway"), "1"), Option(LATER, later, "2")]
    if may_name_network(caller, how):
        options.append(ANOTHER)
    number = household.shown_number if household else ""
    chosen = await choose(not_now(silence(how.way.network_name), how.instead, number), options)
    if chosen.key == NETWORK:
        return await to_be_tried(caller, await on_other_network(caller, how, household), household)
    return how if chosen.key == TRY else None


def not_now(said: Sentence, cash: PayInCash | None, number: str) -> Sentence:
    """What is `said` of an operator, and how else to pay; `number`, the household's, goes with a merchant code."""
    if cash is None:
        return _("{silence} Pay later, or with another phone.", silence=said)
    numbered = [_("{who}, number {number}", who=who, number=number) for who in cash.forms]
    ways = [*(numbered if number and cash.merchant_code else ()), *cash.forms]
    forms = [_("{silence} Pay later, or in cash to {who}.", silence=said, who=who) for who in ways]
    return first_fitting(
        [*forms, *(_("{silence} In cash: {who}.", silence=said, who=who) for who in cash.forms)]
    )


async def on_other_network(caller: Caller, how: HowToPay, household: Household | None = None) -> HowToPay:
    """How the phone pays on the network that the caller names; the last word is whom to pay in cash, if it is none.

    Without a `household` one of those that could be asked is named.
    """
    options = [Option(way.network, way.network_name) for way in how.others]
    if household is not None:
        options.append(Option(NONE, OTHER_NETWORK))
    chosen = await choose(_("The network of {phone}?", phone=shown_phone(how.phone)), options)
    if household is None or chosen.key != NONE:
        return how.on(chosen.key)
    cash = await look(who_takes_cash, caller, household.mutuelle_id, household)
    raise RefusedError(paid_in_cash(cash, household))


def asked_phone(how: HowToPay) -> Fact:
    """The phone, and its network where another one could be asked."""
    phone = shown_phone(how.phone)
    if network := named_network(how):
        return _("{phone} by {network}", phone=phone, network=network)
    return phone


def named_network(how: HowToPay) -> str:
    """The network that is asked, where another one could be; empty elsewhere."""
    return how.way.network_name if how.way and (how.others or how.said) else ""


async def code_before(how: HowToPay, money: Money) -> Secret | None:
    """The code that the phone's network gives before it pays, asked last; None where it gives none."""
    if how.way is None or not how.way.takes_code:
        return None
    facts: dict[str, Fact] = {"network": how.way.network_name, "amount": money}
    if dial := how.way.code_dialled:
        question = _(
            "Type the code of {network} to pay {amount}. No code yet? Hang up, dial {dial}, then call again.",
            **facts,
            dial=dial,
        )
    else:
        question = _(
            "Type the code of {network} to pay {amount}. No code yet? Hang up, get it from {network}, then call again.",
            **facts,
        )
    code_given: Secret = await ask(question, payment_code)
    return code_given


def refuse_code_by_message(caller: Caller, how: HowToPay) -> None:
    """RefusedError by SMS where the network gives a code before it pays: it is typed in a call only."""
    if caller.gateway == BY_MESSAGE and how.way and how.way.takes_code:
        raise RefusedError(not_without_code(how.way))


def asked_for(payer: PayingPhone, how: HowToPay, caller: Caller, money: Money) -> Sentence:
    """The last screen: what happens on the phone that pays."""
    facts: dict[str, Fact] = {"phone": shown_phone(payer.phone), "amount": money}
    if payer.otp is not None:
        return _(
            "Thank you. The code for {amount} is checked, with {phone}. A receipt follows by SMS.", **facts
        )
    if payer.phone != caller.phone:
        return _(
            "Thank you. {phone} is asked for {amount}: its owner approves with the PIN. A receipt follows by SMS.",
            **facts,
        )
    asked = _(
        "Thank you. In a moment {phone} will be asked for {amount}: approve with your PIN. A receipt follows by SMS.",
        **facts,
    )
    return with_prompt(asked, how.way)


def with_prompt(asked: Sentence, way: PaymentWay | None) -> Sentence:
    """`asked`, and where there is room what the phone dials if nothing shows: some networks show nothing before."""
    if way is None or (dial := way.found_by) is None:
        return asked
    return _("{asked} Nothing shows? Dial {dial}.", asked=asked, dial=dial).or_else(asked)
