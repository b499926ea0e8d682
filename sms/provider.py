"""The contract of an SMS provider: each provider's file translates its answers into these values.

No answer is UNKNOWN, never a failure: a provider without an idempotency key may have sent the message.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

E164 = re.compile(r"\+[1-9][0-9]{7,14}")  # for fullmatch: nothing after the digits, a newline least of all


class SendStatus(StrEnum):
    """The result of handing over one message."""

    ACCEPTED = "ACCEPTED"  # the provider has it, under an id of its own
    REFUSED = "REFUSED"  # not sent, and never will be as it is
    LATER = "LATER"  # not sent; the same call may succeed later
    ACCOUNT = "ACCOUNT"  # not sent, and the message is not why: empty wallet, wrong key
    UNKNOWN = "UNKNOWN"  # it may have been sent


@dataclass(frozen=True)
class SendResult:
    """`provider_message_id` comes with ACCEPTED only; `status` is the provider's word, `reason` ours."""

    answer: SendStatus
    provider_message_id: str | None = None
    status: str | None = None
    reason: str | None = None


class Provider(Protocol):
    """Sends messages. `send` never raises for a fault of the provider: it answers UNKNOWN."""

    @property
    def name(self) -> str:
        """As stored beside a message, and in its delivery reports."""

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""

    async def send(self, phone: str, body: str) -> SendResult:
        """Hand over one message. `phone` is E.164 with its plus."""


class Proof(IntEnum):
    """What a delivery report proves; the higher of two counts. Even an unknown word proves that it was accepted."""

    UNKNOWN_WORD = 0
    UNDERWAY = 1
    NOT_DELIVERED = 2
    DELIVERED = 3


@dataclass(frozen=True)
class DeliveryReport:
    """A delivery report as its provider's file read it; `status` stays the provider's own word."""

    provider: str
    provider_message_id: str
    status: str
    proof: Proof
    phone: str
    failure_reason: str | None
