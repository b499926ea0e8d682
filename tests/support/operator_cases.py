"""The behaviours of operators, as one table of cases that every adapter is tested with.

A new adapter adds its stage to STAGES: how to make its operator behave as in each case. Without one the test fails.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from mobilemoney import Operator, Outcome, PaymentRequest
from mobilemoney.simulated import connect
from tests.support.operators import an_account
from tests.support.servers import Simulator


@dataclass(frozen=True)
class Case:
    """`trouble` is the operator's fault, `on` the request or the status; `payer` is the payer's answer."""

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


@dataclass(frozen=True)
class Stage:
    """A scripted operator: `disturb(trouble, on)` before the request, `pay(answer)` after it."""

    name: str
    operator: Operator
    disturb: Callable[[str, str], Awaitable[object]]
    pay: Callable[[str], Awaitable[object]]


def simulated_stage(simulator: Simulator) -> Stage:
    base = f"{simulator.url}/simulator/operator"

    async def disturb(trouble: str, on: str) -> None:
        await simulator.post("/simulator/operator/trouble", mode=trouble, on=on, seconds="0.6")

    async def pay(answer: str) -> None:
        await simulator.post(f"/simulator/prompts/{(await simulator.prompt())['id']}", answer=answer)

    return Stage("simulated", connect(simulator.http, an_account("simulated", base)), disturb, pay)


STAGES: dict[str, Callable[[Simulator], Stage]] = {"simulated": simulated_stage}


def an_ask(notice_url: str = "http://127.0.0.1:9/money/simulated/token") -> PaymentRequest:
    return PaymentRequest(uuid4(), "+22370000002", 2000, "XOF", "Cotisation d'Awa, été 2026", notice_url)
