"""A provider that exists with the simulator only, in the plainest form that the contract allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mobilemoney.wire import json_object
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
    read_part,
    read_phone,
)
from sms.wire import HttpCall, ask

NAME = "simulated"
NEEDS: tuple[str, ...] = ("url",)
MAY_HAVE: tuple[str, ...] = ("sender_id",)
SIMULATED_PATH = "/sms/send"
ONLY_SIMULATED = True
CUTS_LONG = False
SMS_PATH = "/sms/simulated/{secret}/in"
REPORT_PATH = "/sms/simulated/{secret}/report"
METHODS: tuple[str, ...] = ("POST",)
MEDIA_TYPE, ANSWER = FORM, ""

REPORT_STATUSES = {"sent": Proof.UNDERWAY, "delivered": Proof.DELIVERED, "failed": Proof.NOT_DELIVERED}
REFUSALS = {400: SendStatus.REFUSED, 402: SendStatus.ACCOUNT, 429: SendStatus.LATER}


@dataclass(frozen=True)
class SimulatedSms:
    """Sends to the simulator; reports come under our reference."""

    account: SmsAccount = field(repr=False)
    concurrency: int = 32
    name: str = NAME
    reports_by_reference: bool = True

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message."""
        sender = message.sender or self.account.fields.get("sender_id", "")
        form = {"to": message.phone, "from": sender, "text": message.body}
        form |= {"reference": message.reference, "report_url": self.account.report_url}
        reply = await ask(self.account.client, HttpCall("POST", self.account.fields["url"], form=form))
        if isinstance(reply, SendResult):
            return reply
        if reply.code == 200 and json_object(reply.text.encode()) == {"reference": message.reference}:
            return SendResult(SendStatus.ACCEPTED, message.reference, "HTTP 200")
        status = REFUSALS.get(reply.code, SendStatus.UNKNOWN)
        return SendResult(status, status=reply.status, reason=f"HTTP {reply.code}")


def connect(account: SmsAccount) -> Provider:
    """Connect to the simulator."""
    return SimulatedSms(account)


def read_sms(fields: Mapping[str, str]) -> IncomingSms:
    """An SMS that a phone of the simulator sent."""
    phone, short_code = read_phone(fields.get("from", "")), fields.get("to", "")
    part = read_part(*(fields.get(name, "") for name in ("reference", "part", "parts")))
    return IncomingSms(fields.get("id", ""), phone, short_code, fields.get("text", ""), part)


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A delivery report of the simulator."""
    status = fields.get("status", "")
    proof = REPORT_STATUSES.get(status, Proof.UNKNOWN_WORD)
    return DeliveryReport(fields.get("reference", ""), status, proof, read_phone(fields.get("to", "")), None)
