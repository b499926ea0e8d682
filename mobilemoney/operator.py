"""The contract of a mobile money operator: what it can do, requests, and the possible answers.

UNKNOWN is an answer: a time-out, a 5xx, a page in HTML, an unknown word. FAILED needs a definite word of the operator,
PAID its status answer: a notice is never PAID.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

import httpx


class Outcome(StrEnum):
    """ACCEPTED and NOT_FOUND are about a request; PENDING, PAID and FAILED about the payment or payout itself."""

    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN = "UNKNOWN"


class Flow(StrEnum):
    """How the payer agrees: PUSH by a prompt on the phone; OTP_FIRST by a code that she gets before, and types."""

    PUSH = "push"
    OTP_FIRST = "otp first"


class Fact(StrEnum):
    """What a status answer may say of the money, beside its outcome."""

    AMOUNT = "amount"
    CURRENCY = "currency"
    PHONE = "phone"


class FeeBearer(StrEnum):
    """Who pays the operator's fee for a contribution; UNKNOWN where only the contract with the operator says it."""

    MUTUELLE = "mutuelle"
    PAYER = "payer"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AmountLimits:
    """The least and the most that one request may move, and the step between amounts, in minor units."""

    least_minor: int
    most_minor: int
    step_minor: int = 1

    def allows(self, amount_minor: int) -> bool:
        """Whether one request may move this amount."""
        in_reach = self.least_minor <= amount_minor <= self.most_minor
        return in_reach and amount_minor % self.step_minor == 0


# Waits between two questions about one payment; the last one repeats. They never end: no silence means FAILED.
LADDER_S = (3, 5, 10, 20, 40, 60, 120, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)


@dataclass(frozen=True)
class Capabilities:
    """What an operator does and does not; each is a fact of its file, and the service adapts to it.

    `networks`: how the payers of a network are asked; where it is empty, any phone by a push. `payouts`: the networks
    whose phones get money, `pays_out` whether any do.
    `honours_reference`: our reference again makes no second payment; where False, no request is ever sent twice. What
    nobody has said of an operator stays at its default: it is not sent twice, and NOT_FOUND proves nothing.
    `two_steps`: a first step gives a token, which is committed before the second step asks the phone.
    `not_told`: facts that the status may leave out (`OperatorAnswer.difference_from`).
    `first_status`: how long after a request to ask first. `window`: how long a prompt lives. `ladder_s`: waits between
    questions. `not_found_is_proof`: how long after a request NOT_FOUND proves that it never came; None: never.
    `find_prompt`: what a payer dials to find a request that does not show, where it is the operator's own for every
    network. `not_approved`: its words for a request that nobody approved in time.
    `limits` by currency; a currency that is not there cannot be moved. `notices_by_account`: notices come to one
    address for all payments of an account, and `Adapter.named_in` reads which one is meant.
    """

    limits: Mapping[str, AmountLimits]
    networks: Mapping[str, Flow] = field(default_factory=dict)
    honours_reference: bool = False
    two_steps: bool = False
    not_told: frozenset[Fact] = frozenset()
    first_status: timedelta = timedelta(seconds=LADDER_S[0])
    window: timedelta = timedelta(minutes=5)
    ladder_s: tuple[int, ...] = LADDER_S
    not_found_is_proof: timedelta | None = None
    notices_by_account: bool = False
    find_prompt: str = ""
    not_approved: frozenset[str] = frozenset()
    fee_bearer: FeeBearer = FeeBearer.UNKNOWN
    pays_out: bool = False
    payouts: frozenset[str] = frozenset()
    tells_payee: bool = False
    tells_balance: bool = False

    def flow(self, network: str) -> Flow | None:
        """How a payer of this network is asked; None if the operator cannot ask it."""
        return self.networks.get(network) if self.networks else Flow.PUSH

    def pays(self, network: str) -> bool:
        """Whether the operator sends money to phones of this network."""
        return self.pays_out and (not self.payouts or network in self.payouts)


@dataclass(frozen=True)
class PaymentRequest:
    """Money to request from a phone, or in a payout to send to it. `reference` is ours, committed before it is sent;
    a retry uses the same one.

    `phone` is E.164 with its plus, `network` that of `mobilemoney.networks` ("" if nobody knows it); the operator posts
    its notices to `notice_url`; `note` is shown to the payer. `token` is what the first of two steps gave; `otp` what
    the payer typed where the flow is OTP_FIRST.
    """

    reference: UUID
    phone: str
    amount_minor: int
    currency: str
    note: str
    notice_url: str
    network: str = ""
    token: str | None = None
    otp: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OperatorAnswer:
    """The operator's answer. Its facts are the operator's own: settling compares them with the request.

    PAID has every fact that is not in `Capabilities.not_told`. `reason` is the operator's word, for UNKNOWN ours;
    `token` what a first step gave, `fee_minor` the operator's fee where the answer says it. `names_reference`: a
    refusal says by our reference which request it is of, so it is the verdict on every request with it. `is_ours`: no
    answer of the operator but our own word (`our_word`), which says nothing of its health.
    """

    outcome: Outcome
    amount_minor: int | None = None
    currency: str | None = None
    phone: str | None = None
    operator_reference: str | None = None
    completed_at: datetime | None = None
    reason: str | None = None
    token: str | None = None
    fee_minor: int | None = None
    names_reference: bool = False
    is_ours: bool = False

    def difference_from(self, amount_minor: int, currency: str, phone: str) -> Fact | None:
        """What it says otherwise than it was asked; None where it agrees. What is not told is no difference."""
        facts = (
            (Fact.CURRENCY, self.currency, currency),
            (Fact.AMOUNT, self.amount_minor, amount_minor),
            (Fact.PHONE, self.phone, phone),
        )
        return next((fact for fact, told, asked in facts if told not in (None, "", asked)), None)


def our_word(outcome: Outcome, reason: str) -> OperatorAnswer:
    """What we say ourselves: FAILED where nothing is sent to the operator, or UNKNOWN."""
    return OperatorAnswer(outcome, reason=reason, is_ours=True)


NO_FIRST_STEP = our_word(Outcome.UNKNOWN, "it has no first step")


def in_full(answer: OperatorAnswer, not_told: frozenset[Fact] = frozenset()) -> OperatorAnswer:
    """The answer; UNKNOWN if it is PAID and lacks a fact that the operator promises to tell."""
    told = {Fact.AMOUNT: answer.amount_minor, Fact.CURRENCY: answer.currency, Fact.PHONE: answer.phone}
    lacks = [fact for fact, value in told.items() if value is None and fact not in not_told]
    if answer.outcome is Outcome.PAID and lacks:
        return OperatorAnswer(Outcome.UNKNOWN, reason="paid, with facts missing or unreadable")
    return answer


@dataclass(frozen=True)
class OperatorAccount:
    """A mutuelle's own merchant account or wallet at an operator, and the fields that the adapter NEEDS.

    `notice_token` is in the one address to which notices of the whole account come.
    """

    mutuelle_id: str
    name: str
    operator: str
    country: str
    currency: str
    notice_token: str = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Notice:
    """A notice as it was received; `headers` have small letters. `authority` is the host, and the port if it is none of
    the usual, of our public address: what the sender's own Host header says is not believed.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    authority: str = ""


class Operator(Protocol):
    """One account at an operator, connected. No method raises for a fault of the operator or the network.

    An adapter inherits it, and with it the answers of an operator that has no such thing.
    """

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        """The first of two steps, which asks nobody yet: ACCEPTED with a token, FAILED or UNKNOWN."""
        return NO_FIRST_STEP

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        """Request a payment: ACCEPTED, PENDING (the operator has this reference already), FAILED or UNKNOWN."""

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        """The status of a payment: PENDING, PAID, FAILED, NOT_FOUND or UNKNOWN."""


@runtime_checkable
class PayoutOperator(Operator, Protocol):
    """An account that also sends money; a payout is prepared, sent and asked about as a payment is."""

    async def prepare_payout(self, out: PaymentRequest) -> OperatorAnswer:
        """The first of two steps, which moves nothing yet: ACCEPTED with a token, FAILED or UNKNOWN."""
        return NO_FIRST_STEP

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        """Send the money: ACCEPTED, PENDING (the operator has this reference already), FAILED or UNKNOWN."""

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        """The status of a payout: PENDING, PAID, FAILED, NOT_FOUND or UNKNOWN."""

    async def payee_name(self, phone: str) -> str | None:
        """The name under which the payee is registered; None where the operator does not tell it."""
        return None

    async def balance_minor(self) -> int | None:
        """What the account has at the operator, in minor units; None where the operator does not tell it."""
        return None


@runtime_checkable
class TellingOperator(Protocol):
    """An account that tells what it holds, whether it pays out or not."""

    async def balance_minor(self) -> int | None:
        """As that of a PayoutOperator."""


class Adapter(Protocol):
    """What a file of this room must define to be an operator; a file without NAME is not one.

    NEEDS: the fields of credentials that the operator requires; a file may have PAYOUT_NEEDS, those to pay out beside
    them. A SIMULATED one exists with the simulator only.
    """

    NAME: str
    NEEDS: tuple[str, ...]
    SIMULATED: bool
    CAPABILITIES: Capabilities

    def connect(self, client: httpx.AsyncClient, account: OperatorAccount) -> Operator:
        """Connect an account; `client` is shared, and the caller closes it. ValueError for unusable credentials."""

    def named_in(self, notice: Notice) -> str | None:
        """Our reference, or the token of the first step, as the notice says it; None if it names none."""

    def forgery(self, notice: Notice, credentials: Mapping[str, str]) -> str | None:
        """Why a notice is not the operator's, where notices are signed; None for a good one, and without signatures."""
