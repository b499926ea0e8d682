"""What any SMS provider says and is asked, in our words: one file a provider translates its own into these.

No answer is UNKNOWN, never a failure: a provider without an idempotency key may have sent the message.
"""

import re
from collections.abc import Mapping
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
class IncomingSms:
    """An SMS that a phone sent to us, in the provider's own writing; what is missing is empty."""

    provider_message_id: str
    phone: str
    short_code: str
    body: str


@dataclass(frozen=True)
class DeliveryReport:
    """A delivery report as its provider's file read it; `status` stays the provider's own word."""

    provider_message_id: str
    status: str
    proof: Proof
    phone: str
    failure_reason: str | None


class SmsAdapter(Protocol):
    """What a file of this room must hold to be a provider; a file without NAME is none.

    The paths are where its forms arrive, with `{secret}` in them. NEEDS: the settings without which nothing can be
    sent. Web loads every adapter for its forms: a library for sending is loaded by `connect`.
    """

    NAME: str
    NEEDS: tuple[str, ...]
    SMS_PATH: str
    REPORT_PATH: str
    OPTOUT_PATH: str

    def connect(self, config: Mapping[str, str]) -> Provider:
        """The provider, ready to send."""

    def read_sms(self, fields: Mapping[str, str]) -> IncomingSms:
        """The form of an SMS that came in."""

    def read_report(self, fields: Mapping[str, str]) -> DeliveryReport:
        """The form of a delivery report."""

    def read_optout(self, fields: Mapping[str, str]) -> str:
        """The phone in the form that says that it opted out: E.164 if it can be."""
