"""The contract of an SMS provider: each provider's file translates its forms and answers into these values.

No answer is UNKNOWN, never a failure: a provider without an idempotency key may have sent the message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol

import httpx

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


@dataclass(frozen=True)
class OutgoingSms:
    """One message to hand over.

    `reference` is ours, the same when the message is resent. `phone` is E.164 with its plus. `sender` is the sender id
    of its network; "": the account's own.
    """

    reference: str
    phone: str
    body: str
    sender: str = ""


class Provider(Protocol):
    """Sends messages. `send` never raises for a fault of the provider: it answers UNKNOWN."""

    @property
    def name(self) -> str:
        """As stored beside a message, and in its delivery reports."""

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""

    @property
    def reports_by_reference(self) -> bool:
        """Whether a delivery report names our reference, so that even a call without an answer is known by it."""

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message."""


class Proof(IntEnum):
    """What a delivery report proves; the higher of two counts. Even an unknown word proves that it was accepted."""

    UNKNOWN_WORD = 0
    UNDERWAY = 1
    NOT_DELIVERED = 2
    DELIVERED = 3


@dataclass(frozen=True)
class SmsPart:
    """Which part of a longer message an SMS is: `number` from 1 to `of`. `reference` is that of its phone."""

    reference: str
    number: int
    of: int


def read_part(reference: str, number: str, of: str) -> SmsPart | None:
    """The part that these fields tell; None for an SMS that is whole, or if they cannot be."""
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= MOST_PARTS):
        return None
    return SmsPart(reference[:40], int(number), int(of)) if int(of) > 1 else None


MOST_PARTS = 255  # one byte in the header of a part


@dataclass(frozen=True)
class IncomingSms:
    """A received SMS with the provider's spelling; a missing field is empty."""

    provider_message_id: str
    phone: str
    short_code: str
    body: str
    part: SmsPart | None = None


@dataclass(frozen=True)
class DeliveryReport:
    """A delivery report as its provider's file read it; `status` stays the provider's own word."""

    provider_message_id: str
    status: str
    proof: Proof
    phone: str
    failure_reason: str | None


class SmsAdapter(Protocol):
    """What a file of this room must define to be a provider; a file without NAME is not one.

    NEEDS: the fields of its account that sending needs; MAY_HAVE: those that it can do without. SIMULATED_PATH: where
    the simulator plays it; ONLY_SIMULATED: it exists with the simulator only. Web loads every adapter for its forms, so
    only `connect` loads a library for sending.

    CUTS_LONG: whether a long SMS may come in parts that nothing tells from messages of their own.

    Its forms come to SMS_PATH and REPORT_PATH (with `{secret}` in them) by one of METHODS, as MEDIA_TYPE, and are
    answered ANSWER. `fields` are those of the query and the form; of JSON the names of nested objects are joined by
    dots. A provider that passes on a STOP has OPTOUT_PATH and `read_optout` (`OptoutAdapter`).
    """

    NAME: str
    NEEDS: tuple[str, ...]
    MAY_HAVE: tuple[str, ...]
    SIMULATED_PATH: str
    ONLY_SIMULATED: bool
    CUTS_LONG: bool
    SMS_PATH: str
    REPORT_PATH: str
    METHODS: tuple[str, ...]
    MEDIA_TYPE: str
    ANSWER: str

    def connect(self, account: "SmsAccount") -> Provider:
        """The provider, ready to send; ValueError if a field of the account cannot be used."""

    def read_sms(self, fields: Mapping[str, str]) -> IncomingSms:
        """Read a received SMS."""

    def read_report(self, fields: Mapping[str, str]) -> DeliveryReport:
        """Read a delivery report."""


class OptoutAdapter(SmsAdapter, Protocol):
    """A provider that tells us which phones it no longer delivers to."""

    OPTOUT_PATH: str

    def read_optout(self, fields: Mapping[str, str]) -> str:
        """The phone in the form of an opt-out: E.164 if possible."""


@dataclass(frozen=True)
class SmsAccount:
    """What a provider is connected with: its fields, the client of this process, where its reports come to."""

    fields: Mapping[str, str] = field(repr=False)
    client: httpx.AsyncClient
    report_url: str = field(repr=False)  # the secret is in it


FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def read_phone(written: str) -> str:
    """E.164 if possible; a plus decoded as a space is restored, a `tel:` left out."""
    digits = written.strip().removeprefix("tel:").strip().removeprefix("+")
    return f"+{digits}" if digits.isdecimal() else written.strip()
