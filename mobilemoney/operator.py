"""What every mobile money operator can be asked, and the few answers there are.

UNKNOWN is an answer: a time-out, a 5xx, a page in HTML, a word nobody has seen. Only the operator's own
definite word is FAILED, and only its status answer, never a notice, is PAID.
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
    """A payment asked for. `reference` is ours, committed before it leaves; a retry carries the same one.

    `phone` is E.164 with its plus; `notice_url` is where the operator may ring; `note` is shown to the payer.
    """

    reference: UUID
    phone: str
    amount_minor: int
    currency: str
    note: str
    notice_url: str


@dataclass(frozen=True)
class OperatorAnswer:
    """What the operator said, in our words. The facts are its own: settling compares them with the ask.

    With PAID, amount, currency and phone are always there. `reason` is the operator's word, for UNKNOWN ours.
    """

    outcome: Outcome
    amount_minor: int | None = None
    currency: str | None = None
    phone: str | None = None
    operator_reference: str | None = None
    completed_at: datetime | None = None
    reason: str | None = None


class Operator(Protocol):
    """One operator, ready to be asked. No method raises for anything the operator or the network does."""

    @property
    def name(self) -> str:
        """Its file's NAME, as accounts and payments carry it."""

    @property
    def flow(self) -> str:
        """Its file's FLOW: how the payer is asked, "push" being a prompt on the phone."""

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        """Ask for a payment: ACCEPTED, PENDING (this reference is known already), FAILED or UNKNOWN."""

    async def status(self, reference: UUID) -> OperatorAnswer:
        """Ask how a payment went: PENDING, PAID, FAILED, NOT_FOUND or UNKNOWN."""


class Adapter(Protocol):
    """What a file of this room must hold to be an operator; a file without NAME is none.

    NEEDS: the settings without which the operator is absent. SIMULATED ones exist with the simulator only.
    """

    NAME: str
    FLOW: str
    NEEDS: tuple[str, ...]
    SIMULATED: bool

    def connect(self, client: httpx.AsyncClient, config: Mapping[str, str]) -> Operator:
        """Make the operator; `client` is shared and stays the caller's to close."""
