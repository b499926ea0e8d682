"""The contract of a mobile money operator: requests, and the possible answers.

UNKNOWN is an answer: a time-out, a 5xx, a page in HTML, an unknown word. FAILED needs a definite word of the operator,
PAID its status answer: a notice is never PAID.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import httpx


class Outcome(StrEnum):
    """ACCEPTED and NOT_FOUND are about a request; PENDING, PAID and FAILED about the payment itself."""

    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class PaymentRequest:
    """A payment to request. `reference` is ours, committed before it is sent; a retry uses the same one.

    `phone` is E.164 with its plus; the operator posts its notices to `notice_url`; `note` is shown to the payer.
    """

    reference: UUID
    phone: str
    amount_minor: int
    currency: str
    note: str
    notice_url: str


@dataclass(frozen=True)
class OperatorAnswer:
    """The operator's answer. Its facts are the operator's own: settling compares them with the request.

    PAID always has amount, currency and phone. `reason` is the operator's word, for UNKNOWN ours.
    """

    outcome: Outcome
    amount_minor: int | None = None
    currency: str | None = None
    phone: str | None = None
    operator_reference: str | None = None
    completed_at: datetime | None = None
    reason: str | None = None


class Operator(Protocol):
    """One connected operator. No method raises for a fault of the operator or the network."""

    @property
    def name(self) -> str:
        """Its file's NAME, as accounts and payments carry it."""

    @property
    def flow(self) -> str:
        """Its file's FLOW: how the payer is asked; "push" is a prompt on the phone."""

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        """Request a payment: ACCEPTED, PENDING (the operator has this reference already), FAILED or UNKNOWN."""

    async def status(self, reference: UUID) -> OperatorAnswer:
        """The status of a payment: PENDING, PAID, FAILED, NOT_FOUND or UNKNOWN."""


class Adapter(Protocol):
    """What a file of this room must define to be an operator; a file without NAME is not one.

    NEEDS: the settings that the operator requires. A SIMULATED one exists with the simulator only.
    """

    NAME: str
    FLOW: str
    NEEDS: tuple[str, ...]
    SIMULATED: bool

    def connect(self, client: httpx.AsyncClient, config: Mapping[str, str]) -> Operator:
        """Make the operator; `client` is shared, and the caller closes it."""
