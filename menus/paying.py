"""The phone that pays: which network it is on, the yes to the payment, and the code that some networks give before."""

from collections.abc import Callable

from locales import Fact, Money, Sentence, _
from menus.words import first_fitting, paid_in_cash
from mutuelle.contributions.payments import PayingPhone, PaymentWay, not_without_code
from mutuelle.contributions.ways_to_pay import HowToPay, who_takes_cash
from mutuelle.households.households import Household
from talk.answers import Secret, payment_code
from talk.keywords import BY_MESSAGE
from talk.phones import shown_phone
from talk.trouble import RefusedError
from talk.words import Caller, Option, ask, choose, confirm, confirm_or, look

NETWORK, NONE, TRY, LATER = "network", "none", "try", "later"
OTHER_NETWORK = _("Another network")
NOT_ASKED = _("Nothing was asked for. Begin again when you are ready.")
ANOTHER = Option(NETWORK, OTHER_NETWORK, "3")  # beside yes and no


async def agreed_to_pay(
    caller: Caller, household: Household, money: Money, how: HowToPay, words: Callable[[HowToPay], Sentence]
) -> PayingPhone | None:
    """The phone that is asked, once the caller agrees to `words`; None if she does not.

    In a call she may say first that it is on another network. By SMS no code is asked for.
    """
    refuse_code_by_message(caller, how)
    if caller.gateway == BY_MESSAGE:
        # Always for the own household with the own phone, which is asked for its PIN.
        return PayingPhone(how.phone) if await confirm(words(how), own=True) else None
    if how.others:
        agreed = await confirm_or(words(how), ANOTHER)
        if isinstance(agreed, Option):
            how = await on_other_network(caller, household, how)
            agreed = await confirm(words(how))
    else:
        agreed = await confirm(words(how))
    return PayingPhone(how.phone, how.said, await code_before(how, money)) if agreed else None


def silence(network: str) -> Sentence:
    """That the operator of a network does not answer now; where nobody knows the network's name, mobile money."""
    if not network:
        return _("Mobile money does not answer now.")
    return _("{network} does not answer now.", network=network)


async def is_to_try(how: HowToPay, number: str = "", *, later: Sentence | None = None) -> bool:
    """Whether the phone is asked. Not without a question where its operator does not answer now: what else can be done.

    `number`, the household's, goes with a payment to a merchant code.
    """
    if how.way is None or not how.way.is_down:
        return True
    said, cash = silence(how.way.network_name), how.instead
    if cash is None:
        forms = [_("{silence} Pay later, or with another phone.", silence=said)]
    else:
        ways = [cash.shown, shown_phone(cash.phone)] if cash.merchant_code is None else cash.forms
        numbered = [_("{who}, number {number}", who=who, number=number) for who in ways]
        full = [*(numbered if number and cash.merchant_code else ()), *ways]
        forms = [_("{silence} Pay later, or in cash to {who}.", silence=said, who=who) for who in full]
        forms += [_("{silence} In cash: {who}.", silence=said, who=who) for who in ways]
    options = (Option(TRY, _("Try anyway"), "1"), Option(LATER, later or _("Later"), "2"))
    return (await choose(first_fitting(forms), options)).key == TRY


async def on_other_network(caller: Caller, household: Household, how: HowToPay) -> HowToPay:
    """How the phone pays on the network that the caller names; the last word is whom to pay in cash, if it is none."""
    chosen = await choose(network_asked(how), [*network_options(how), Option(NONE, OTHER_NETWORK)])
    if chosen.key != NONE:
        return how.on(chosen.key)
    cash = await look(who_takes_cash, caller, household.mutuelle_id, household)
    raise RefusedError(paid_in_cash(cash, household))


def network_asked(how: HowToPay) -> Sentence:
    return _("The network of {phone}?", phone=shown_phone(how.phone))


def network_options(how: HowToPay) -> list[Option]:
    """The networks on which the phone could be asked."""
    return [Option(way.network, way.network_name) for way in how.others]


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
    named = next((way for way in how.others if way.network == payer.network), how.way)
    return with_prompt(asked, named)


def with_prompt(asked: Sentence, way: PaymentWay | None) -> Sentence:
    """`asked`, and where there is room what the phone dials if nothing shows: some networks show nothing before."""
    if way is None or (dial := way.found_by) is None:
        return asked
    return _("{asked} Nothing shows? Dial {dial}.", asked=asked, dial=dial).or_else(asked)
