"""The behaviours of operators, as one table of cases that every adapter is tested with; a second one of payouts.

A new adapter adds its stage to STAGES: how to make its operator behave as in each case. Without one the test fails.
What its provider cannot do at all stands in LACKS, what it does otherwise in UNLIKE, with the reason.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import pytest

from mobilemoney import Operator, Outcome, PaymentRequest, adapters
from tests.support.operators import an_account
from tests.support.servers import Simulator


@dataclass(frozen=True)
class Case:
    """`trouble` is the operator's fault, `on` where it strikes; `payer` is the payer's answer."""

    name: str
    request: Outcome
    status: Outcome
    trouble: str = ""
    on: str = ""
    payer: str = ""
    reason: str | None = None


CASES = [
    Case("asked, not answered yet", Outcome.ACCEPTED, Outcome.PENDING),
    Case("approved", Outcome.ACCEPTED, Outcome.PAID, payer="approve"),
    Case("declined", Outcome.ACCEPTED, Outcome.FAILED, payer="decline", reason="APPROVAL_REJECTED"),
    Case("left alone", Outcome.ACCEPTED, Outcome.FAILED, payer="ignore", reason="EXPIRED"),
    Case("approved late", Outcome.ACCEPTED, Outcome.PAID, payer="late"),
    Case("refused with a known code", Outcome.FAILED, Outcome.NOT_FOUND, "refused", "request"),
    Case("accepted and forgotten", Outcome.ACCEPTED, Outcome.NOT_FOUND, "lost", "request"),
    Case("accepted, the answer a 500", Outcome.UNKNOWN, Outcome.PENDING, "accepted-then-500", "request"),
    Case("accepted, the answer too late", Outcome.UNKNOWN, Outcome.PENDING, "slow", "request"),
    Case("nothing done, a 500", Outcome.UNKNOWN, Outcome.NOT_FOUND, "error500", "request"),
    Case("nothing done, a page in HTML", Outcome.UNKNOWN, Outcome.NOT_FOUND, "html", "request"),
    Case("nothing done, JSON cut in half", Outcome.UNKNOWN, Outcome.NOT_FOUND, "garbage", "request"),
    Case("nothing done, a redirect", Outcome.UNKNOWN, Outcome.NOT_FOUND, "redirect", "request"),
    Case("accepted, the answer drips", Outcome.UNKNOWN, Outcome.PENDING, "trickle", "request"),
    Case("debited, the answer a 500", Outcome.UNKNOWN, Outcome.PAID, "debited-then-500", "request"),
    Case("the status drips", Outcome.ACCEPTED, Outcome.UNKNOWN, "trickle", "status", "approve"),
    Case("the status a redirect", Outcome.ACCEPTED, Outcome.UNKNOWN, "redirect", "status", "approve"),
    Case("the status too late", Outcome.ACCEPTED, Outcome.UNKNOWN, "slow", "status", "approve"),
    Case("the status a 500", Outcome.ACCEPTED, Outcome.UNKNOWN, "error500", "status", "approve"),
    Case("the status a page in HTML", Outcome.ACCEPTED, Outcome.UNKNOWN, "html", "status", "approve"),
    Case("the status cut in half", Outcome.ACCEPTED, Outcome.UNKNOWN, "garbage", "status", "approve"),
    Case(
        "a status word nobody has seen",
        Outcome.ACCEPTED,
        Outcome.UNKNOWN,
        "unknown-status",
        "status",
        "approve",
    ),
    Case(
        "not found although it is there",
        Outcome.ACCEPTED,
        Outcome.NOT_FOUND,
        "not-found",
        "status",
        "approve",
    ),
]


# Of payouts: `request` is what sending is answered. Nobody is asked: each ends by itself.
PAYOUT_CASES = [
    Case("paid out", Outcome.ACCEPTED, Outcome.PAID),
    Case("on its way for days", Outcome.ACCEPTED, Outcome.PENDING, "days-late", "payout"),
    Case("refused with a known code", Outcome.FAILED, Outcome.NOT_FOUND, "refused", "payout"),
    Case("accepted and forgotten", Outcome.ACCEPTED, Outcome.NOT_FOUND, "lost", "payout"),
    Case("sent, the answer a 500", Outcome.UNKNOWN, Outcome.PAID, "accepted-then-500", "payout"),
    Case("sent, the answer too late", Outcome.UNKNOWN, Outcome.PAID, "slow", "payout"),
    Case("debited, the answer a 500", Outcome.UNKNOWN, Outcome.PAID, "debited-then-500", "payout"),
    Case("nothing done, a 500", Outcome.UNKNOWN, Outcome.NOT_FOUND, "error500", "payout"),
    Case("nothing done, a page in HTML", Outcome.UNKNOWN, Outcome.NOT_FOUND, "html", "payout"),
    Case("nothing done, JSON cut in half", Outcome.UNKNOWN, Outcome.NOT_FOUND, "garbage", "payout"),
    Case("nothing done, a redirect", Outcome.UNKNOWN, Outcome.NOT_FOUND, "redirect", "payout"),
    Case("the status too late", Outcome.ACCEPTED, Outcome.UNKNOWN, "slow", "payout-status"),
    Case("the status drips", Outcome.ACCEPTED, Outcome.UNKNOWN, "trickle", "payout-status"),
    Case("the status a 500", Outcome.ACCEPTED, Outcome.UNKNOWN, "error500", "payout-status"),
    Case("the status a page in HTML", Outcome.ACCEPTED, Outcome.UNKNOWN, "html", "payout-status"),
    Case("the status cut in half", Outcome.ACCEPTED, Outcome.UNKNOWN, "garbage", "payout-status"),
    Case("the status a redirect", Outcome.ACCEPTED, Outcome.UNKNOWN, "redirect", "payout-status"),
    Case("a word nobody has seen", Outcome.ACCEPTED, Outcome.UNKNOWN, "unknown-status", "payout-status"),
    Case("not found although it is there", Outcome.ACCEPTED, Outcome.NOT_FOUND, "not-found", "payout-status"),
]

COMPLETED_AT = "the moment of completion"
NOTICES = "notices of its payments"
# What a provider cannot have, by its stage: a case or fact of this file, and why.
LACKS: dict[str, dict[str, str]] = {
    "mtn": {
        "accepted, the answer drips": "its answer has no body that could drip",
        COMPLETED_AT: "its status tells no time",
    },
    "paydunya": {COMPLETED_AT: "its status tells no time"},
    "pawapay": {COMPLETED_AT: "its status tells the time of the request only"},
    "qos": {COMPLETED_AT: "its status tells no time", NOTICES: "none are documented"},
}
# What a provider says instead of the word in a case.
REASONS = {
    "paydunya": {"APPROVAL_REJECTED": "cancelled", "EXPIRED": "expired"},
    "pawapay": {"APPROVAL_REJECTED": "PAYMENT_NOT_APPROVED", "EXPIRED": "PAYMENT_NOT_APPROVED"},
    "paygate": {"APPROVAL_REJECTED": "CANCELLED"},
    "qos": {"APPROVAL_REJECTED": "51", "EXPIRED": "51"},
}


@dataclass(frozen=True)
class Unlike:
    """What a provider does otherwise than a case says, and why."""

    why: str
    request: Outcome | None = None
    status: Outcome | None = None

    def of(self, case: Case) -> Case:
        """The case as this provider has it."""
        return replace(case, request=self.request or case.request, status=self.status or case.status)


NEVER_ASKED = "asked how it went before anything was asked for"
_IS_MADE = Unlike("its invoice is there before anybody is asked", status=Outcome.PENDING)
UNLIKE: dict[str, dict[str, Unlike]] = {
    "paydunya": {
        "refused with a known code": Unlike(
            "no word of its second step is a refusal for good", Outcome.UNKNOWN, Outcome.PENDING
        ),
        "accepted and forgotten": _IS_MADE,
        "nothing done, a 500": _IS_MADE,
        "nothing done, a page in HTML": _IS_MADE,
        "nothing done, JSON cut in half": _IS_MADE,
        "nothing done, a redirect": _IS_MADE,
        "not found although it is there": Unlike(
            "how it says that it does not know an invoice is not sure", status=Outcome.UNKNOWN
        ),
        NEVER_ASKED: Unlike("without a token there is nothing to ask", status=Outcome.UNKNOWN),
    },
}


def played(cases: Sequence[Case], names: Iterable[str]) -> list[object]:
    """Each stage of these with each case that its provider can have, as it has it."""
    found: list[object] = []
    for name in names:
        for case in cases:
            unlike = UNLIKE.get(name, {}).get(case.name)
            own = unlike.of(case) if unlike else case
            if case.name not in LACKS.get(name, {}):
                found.append(pytest.param(name, own, id=f"{name}: {case.name}"))
    return found


def an_ask(
    notice_url: str = "http://127.0.0.1:9/money/simulated/token",
    phone: str = "+22370000002",
    network: str = "",
) -> PaymentRequest:
    note = "Cotisation d'Awa, été 2026"
    return PaymentRequest(uuid4(), phone, 2000, "XOF", note, notice_url, network=network)


# A request to a phone that the provider can reach, where it cannot reach any.
ASKS: dict[str, Callable[[], PaymentRequest]] = {
    "mtn": partial(an_ask, phone="+2250504417001", network="CI-mtn"),
    "paydunya": partial(an_ask, network="ML-orange"),
    "pawapay": partial(an_ask, phone="+2250504417001", network="CI-mtn"),
    "paygate": partial(an_ask, phone="+22896123456", network="TG-moov"),
    "qos": partial(an_ask, phone="+22890123456", network="TG-togocel"),
}


def ask_of(name: str) -> PaymentRequest:
    """A request that the operator of this name can carry out."""
    return ASKS.get(name, an_ask)()


@dataclass(frozen=True)
class Stage:
    """A scripted operator: `disturb(trouble, on)` before the request, `pay(answer)` after it."""

    name: str
    operator: Operator
    base: str
    disturb: Callable[[str, str], Awaitable[object]]
    pay: Callable[[str], Awaitable[object]]

    def ask(self) -> PaymentRequest:
        """A request that it can carry out."""
        return ask_of(self.name)


# Where the simulator plays a provider, and the country of its account, where they are not the usual ones.
PATHS = {"simulated": "operator"}
ACCOUNT_COUNTRIES = {"mtn": "CI", "pawapay": "CI", "paygate": "TG", "qos": "TG"}


def staged(name: str, simulator: Simulator) -> Stage:
    """The stage of a provider that the simulator plays."""
    base = f"{simulator.url}/simulator/{PATHS.get(name, name)}"
    account = an_account(name, base, ACCOUNT_COUNTRIES.get(name, "ML"))

    async def disturb(trouble: str, on: str) -> None:
        await simulator.post("/simulator/trouble", mode=trouble, on=on, provider=name, seconds="1.5")

    async def pay(answer: str) -> None:
        prompt = await simulator.prompt(ask_of(name).phone)
        await simulator.post(f"/simulator/prompts/{prompt['id']}", answer=answer)

    return Stage(name, adapters()[name].connect(simulator.http, account), base, disturb, pay)


STAGES: dict[str, Callable[[Simulator], Stage]] = {
    name: partial(staged, name) for name in ("simulated", "mtn", "paydunya", "pawapay", "paygate", "qos")
}
PAYING_OUT = [name for name in STAGES if adapters()[name].CAPABILITIES.pays_out]
