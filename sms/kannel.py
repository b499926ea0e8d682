"""Kannel: sends by its `sendsms`, and reads what its `get-url` and `dlr-url` bring.

From the user guide of Kannel 1.4.5, and tried with Debian's bearerbox and smsbox (`tests/sms/test_kannel_itself.py`).
How Kannel must be configured: docs/sms-providers.md. The password is in the query: no address may be logged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from locales.letters import is_gsm7
from sms.provider import (
    FORM,
    DeliveryReport,
    IncomingSms,
    OutgoingSms,
    Proof,
    Provider,
    SendResult,
    SendStatus,
    SmsAccount,
    SmsPart,
    read_part,
    read_phone,
)
from sms.wire import HttpCall, ProviderReply, ask

NAME = "kannel"
NEEDS: tuple[str, ...] = ("url", "username", "password")
MAY_HAVE: tuple[str, ...] = ("sender_id", "smsc", "callback_url")
SIMULATED_PATH = "/kannel/cgi-bin/sendsms"
ONLY_SIMULATED = False
CUTS_LONG = False
SMS_PATH = "/sms/kannel/{secret}/in"
REPORT_PATH = "/sms/kannel/{secret}/report"
METHODS: tuple[str, ...] = ("GET",)
MEDIA_TYPE, ANSWER = FORM, ""

EVERY_REPORT = "31"  # delivered, not delivered, queued, handed to the network, refused by it
# `%d` of a report; it is a sum of bits only in the request.
REPORT_STATUSES: dict[str, Proof] = {
    "1": Proof.DELIVERED,
    "2": Proof.NOT_DELIVERED,
    "4": Proof.UNDERWAY,
    "8": Proof.UNDERWAY,
    "16": Proof.NOT_DELIVERED,
}
# The beginning of an answer, with its HTTP status. Any other, also a 5xx of a proxy: UNKNOWN.
ANSWERS: tuple[tuple[int, str, SendStatus], ...] = (
    (202, "0: Accepted for delivery", SendStatus.ACCEPTED),
    (202, "3: Queued for later delivery", SendStatus.ACCEPTED),
    (403, "Authorization failed", SendStatus.ACCOUNT),
    (403, "Not routable", SendStatus.REFUSED),
    (503, "Temporal failure", SendStatus.LATER),
    (400, "", SendStatus.REFUSED),
    (404, "", SendStatus.ACCOUNT),
)
# A header that has nothing but a reference of one byte or of two, how many parts there are, and which one this is.
PART_HEADER = re.compile(r"(?:\x05\x03.?|\x06\x08\x04.{0,2})([\x01-\x7f])([\x01-\x7f])", re.DOTALL)


@dataclass(frozen=True)
class Kannel:
    """An account at a smsbox. `report_url` gets our reference; `smsc` names a connection of the bearerbox."""

    account: SmsAccount = field(repr=False)
    concurrency: int = 32
    name: str = NAME
    reports_by_reference: bool = True

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message. The answer has no id: reports come under our reference."""
        reply = await ask(self.account.client, self._call(message))
        if isinstance(reply, SendResult):
            return reply
        return _result(reply, message)

    def _call(self, message: OutgoingSms) -> HttpCall:
        fields = self.account.fields
        plain = is_gsm7(message.body)
        query = {
            "username": fields["username"],
            "password": fields["password"],
            "to": message.phone,
            "text": message.body,
            "charset": "UTF-8",
            "coding": "0" if plain else "2",
            "dlr-mask": EVERY_REPORT,
            "dlr-url": f"{self.account.report_url}?{urlencode({'id': message.reference})}&status=%d",
        }
        more = {"from": message.sender or fields.get("sender_id", ""), "smsc": fields.get("smsc", "")}
        return HttpCall(
            "GET", fields["url"], query=query | {name: value for name, value in more.items() if value}
        )


def _result(reply: ProviderReply, message: OutgoingSms) -> SendResult:
    for code, begins, status in ANSWERS:
        if reply.code == code and reply.text.strip().startswith(begins):
            known = message.reference if status is SendStatus.ACCEPTED else None
            reason = None if status is SendStatus.ACCEPTED else reply.status
            return SendResult(status, known, reply.status, reason)
    return SendResult(SendStatus.UNKNOWN, status=reply.status, reason="an answer that Kannel does not give")


def connect(account: SmsAccount) -> Provider:
    """Connect to the `sendsms` of a smsbox."""
    return Kannel(account)


def read_sms(fields: Mapping[str, str]) -> IncomingSms:
    """A `get-url` with id=%I, from=%p, to=%P, text=%b, udh=%u.

    Kannel puts the parts of a long SMS together; those that are not complete in time it brings one by one.
    """
    return IncomingSms(
        fields.get("id", ""),
        read_phone(fields.get("from", "")),
        fields.get("to", ""),
        fields.get("text", ""),
        _part(fields.get("udh", "")),
    )


def _part(header: str) -> SmsPart | None:
    """The part that a user data header tells (3GPP TS 23.040, 9.2.3.24.1 and 9.2.3.24.8).

    It is read as text: of its bytes the reference may be a replacement character, or missing where it is zero.
    """
    if found := PART_HEADER.fullmatch(header):
        return read_part(header[:-2], str(ord(found[2])), str(ord(found[1])))
    return None


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A `dlr-url` as `Kannel.send` gives it. It names no phone, and not the reply of the network: words are in it."""
    status = fields.get("status", "")
    proof = REPORT_STATUSES.get(status.strip(), Proof.UNKNOWN_WORD)
    return DeliveryReport(fields.get("id", ""), status, proof, "", None)
