"""Jasmin: sends by its HTTP API, and reads what its HTTP client posts; each post is answered ACK/Jasmin.

From the documentation of Jasmin 0.11 (`/send`, "Receiving DLR", "Receiving MO"); tried with the simulator only. Without
the answer ACK/Jasmin it posts the same again.
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
    read_phone,
)
from sms.wire import HttpCall, ProviderReply, ask

NAME = "jasmin"
NEEDS: tuple[str, ...] = ("url", "username", "password")
MAY_HAVE: tuple[str, ...] = ("sender_id", "callback_url")
SIMULATED_PATH = "/jasmin/send"
ONLY_SIMULATED = False
CUTS_LONG = False
SMS_PATH = "/sms/jasmin/{secret}/in"
REPORT_PATH = "/sms/jasmin/{secret}/report"
METHODS: tuple[str, ...] = ("POST", "GET")
MEDIA_TYPE, ANSWER = FORM, "ACK/Jasmin"

# `message_status` of a report. Another ESME_… is an SMSC that refused it; any other word is unknown.
REPORT_STATUSES: dict[str, Proof] = {
    "ESME_ROK": Proof.UNDERWAY,
    "ENROUTE": Proof.UNDERWAY,
    "ACCEPTD": Proof.UNDERWAY,
    "UNKNOWN": Proof.UNDERWAY,
    "DELIVRD": Proof.DELIVERED,
    "UNDELIV": Proof.NOT_DELIVERED,
    "EXPIRED": Proof.NOT_DELIVERED,
    "DELETED": Proof.NOT_DELIVERED,
    "REJECTD": Proof.NOT_DELIVERED,
}
REFUSED_BY_SMSC = "ESME_"
TAKEN = re.compile(r'Success "([^"]{1,100})"')
REFUSED = re.compile(r'Error "([^"]*)')
# The HTTP status of an answer Error "…": nothing was sent. A 5xx may come from beyond the queue: UNKNOWN.
ERRORS: dict[int, SendStatus] = {
    400: SendStatus.REFUSED,
    403: SendStatus.ACCOUNT,  # wrong password, no credit, a filter of this user
    404: SendStatus.ACCOUNT,
    412: SendStatus.REFUSED,  # no route to this number
}
TOO_FAST = "throughput"
UNICODE = "8"  # data coding: UTF-16, most significant byte first


@dataclass(frozen=True)
class Jasmin:
    """A user of a Jasmin server; its reports come under our reference, in the query of their address."""

    account: SmsAccount = field(repr=False)
    concurrency: int = 32
    name: str = NAME
    reports_by_reference: bool = True

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message."""
        reply = await ask(self.account.client, self._call(message))
        return reply if isinstance(reply, SendResult) else _result(reply, message)

    def _call(self, message: OutgoingSms) -> HttpCall:
        fields = self.account.fields
        form = {
            "username": fields["username"],
            "password": fields["password"],
            "to": message.phone,
            "dlr": "yes",
            "dlr-level": "3",
            "dlr-method": "POST",
            "dlr-url": f"{self.account.report_url}?{urlencode({'reference': message.reference})}",
        }
        if is_gsm7(message.body):
            form |= {"coding": "0", "content": message.body}
        else:
            form |= {"coding": UNICODE, "hex-content": message.body.encode("utf-16-be").hex()}
        if sender := message.sender or fields.get("sender_id", ""):
            form["from"] = sender
        return HttpCall("POST", fields["url"], form=form)


def _result(reply: ProviderReply, message: OutgoingSms) -> SendResult:
    if reply.code == 200 and TAKEN.match(reply.text):
        return SendResult(SendStatus.ACCEPTED, message.reference, reply.status)
    said = REFUSED.match(reply.text)
    if said is None or reply.code not in ERRORS:
        return SendResult(SendStatus.UNKNOWN, status=reply.status, reason="an answer that proves nothing")
    status = SendStatus.LATER if TOO_FAST in said[1].lower() else ERRORS[reply.code]
    return SendResult(status, status=reply.status, reason=said[1][:60])


def connect(account: SmsAccount) -> Provider:
    """Connect to the `/send` of a Jasmin server."""
    return Jasmin(account)


def read_sms(fields: Mapping[str, str]) -> IncomingSms:
    """An SMS that a phone sent: `content`, or UTF-16 in `binary`. Jasmin puts long ones together itself."""
    body = fields.get("content", "")
    if fields.get("coding") == UNICODE and fields.get("binary"):
        body = _from_hex(fields["binary"]) or body
    phone, short_code = read_phone(fields.get("from", "")), fields.get("to", "")
    return IncomingSms(fields.get("id", ""), phone, short_code, body)


def _from_hex(written: str) -> str:
    try:
        return bytes.fromhex(written).decode("utf-16-be", "replace")
    except ValueError:
        return ""


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A report of any level: our reference is in the query of its address; it names no phone."""
    status = fields.get("message_status", "")
    word = status.strip().upper()
    otherwise = Proof.NOT_DELIVERED if word.startswith(REFUSED_BY_SMSC) else Proof.UNKNOWN_WORD
    proof = REPORT_STATUSES.get(word, otherwise)
    why = fields.get("err", "").strip() if proof is Proof.NOT_DELIVERED else ""
    return DeliveryReport(fields.get("reference", ""), status, proof, "", why or None)
