"""Orange SMS API 2.0: sends with a token that is renewed each hour; an incoming SMS may come without an id.

From developer.orange.com ("SMS Africa and Middle East 2.0"); tried with the simulator only. Not verified with a live
account: whether a report's `callbackData` is the last part of the send's `resourceURL` (public clients disagree;
without it a report is matched by its phone, and only where no two messages fit); whether `messageId` always comes; how
fast one may send. Orange's team in the country sets the addresses of reports and incoming SMS.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from urllib.parse import quote
from uuid import uuid4

from mobilemoney.wire import json_object
from sms.provider import (
    JSON,
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

NAME = "orange"
NEEDS: tuple[str, ...] = ("client_id", "client_secret", "sender_address")
MAY_HAVE: tuple[str, ...] = ("sender_id", "url")
SIMULATED_PATH = "/orange"
ONLY_SIMULATED = False
CUTS_LONG = True  # not documented
SMS_PATH = "/sms/orange/{secret}/in"
REPORT_PATH = "/sms/orange/{secret}/report"
METHODS: tuple[str, ...] = ("POST",)
MEDIA_TYPE, ANSWER = JSON, ""

URL = "https://api.orange.com"
TOKEN_LIFE_S, RENEWED_BEFORE_S = 3600, 120
# A report's deliveryStatus, in lower case. Any other is an unknown word.
REPORT_STATUSES: dict[str, Proof] = {
    "deliveredtonetwork": Proof.UNDERWAY,
    "messagewaiting": Proof.UNDERWAY,
    "deliveryuncertain": Proof.UNDERWAY,
    "deliveredtoterminal": Proof.DELIVERED,
    "deliveryimpossible": Proof.NOT_DELIVERED,
}
# HTTP statuses that prove that nothing was sent. All others, also 5xx: UNKNOWN.
REFUSALS: dict[int, SendStatus] = {
    400: SendStatus.REFUSED,
    401: SendStatus.ACCOUNT,
    403: SendStatus.ACCOUNT,  # no bundle, an expired one, a sender that is not ours
    404: SendStatus.ACCOUNT,
    429: SendStatus.LATER,
}


@dataclass
class Orange:
    """An application at Orange. The token is shared by all calls and asked once."""

    account: SmsAccount = field(repr=False)
    concurrency: int = 5
    name: str = NAME
    reports_by_reference: bool = False
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message. A token that is refused is renewed once: a 401 proves that nothing was sent."""
        reply = await self._post(message)
        if isinstance(reply, ProviderReply) and reply.code == HTTPStatus.UNAUTHORIZED:
            reply = await self._post(message)
        return reply if isinstance(reply, SendResult) else _result(reply)

    async def _post(self, message: OutgoingSms) -> ProviderReply | SendResult:
        """Call once; a token that is refused is forgotten."""
        token = await self._fresh_token()
        if isinstance(token, SendResult):
            return token
        reply = await ask(self.account.client, self._call(message, token))
        if (
            isinstance(reply, ProviderReply)
            and reply.code == HTTPStatus.UNAUTHORIZED
            and self._token == token
        ):
            self._token = ""
        return reply

    def _call(self, message: OutgoingSms, token: str) -> HttpCall:
        sender = _tel(self.account.fields["sender_address"])
        request: dict[str, object] = {
            "address": _tel(message.phone),
            "senderAddress": sender,
            "outboundSMSTextMessage": {"message": message.body},
        }
        if name := message.sender or self.account.fields.get("sender_id", ""):
            request["senderName"] = name
        return HttpCall(
            "POST",
            f"{self._url}/smsmessaging/v1/outbound/{quote(sender, safe='')}/requests",
            json={"outboundSMSMessageRequest": request},
            headers={"authorization": f"Bearer {token}"},
        )

    @property
    def _url(self) -> str:
        return (self.account.fields.get("url") or URL).rstrip("/")

    async def _fresh_token(self) -> str | SendResult:
        """The token; without one the message waits: nothing of it has left."""
        async with self._asking:
            if self._token and monotonic() < self._until:
                return self._token
            fields = self.account.fields
            basic = b64encode(f"{fields['client_id']}:{fields['client_secret']}".encode()).decode()
            call = HttpCall(
                "POST",
                f"{self._url}/oauth/v3/token",
                form={"grant_type": "client_credentials"},
                headers={"authorization": f"Basic {basic}", "accept": "application/json"},
            )
            reply = await ask(self.account.client, call)
            return self._keep(reply)

    def _keep(self, reply: ProviderReply | SendResult) -> str | SendResult:
        if isinstance(reply, SendResult):
            return SendResult(SendStatus.LATER, reason=f"no token: {reply.reason}")
        answer = json_object(reply.text.encode()) if reply.code == 200 else None
        token = (answer or {}).get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            refused = reply.code in (400, 401, 403)
            status = SendStatus.ACCOUNT if refused else SendStatus.LATER
            return SendResult(
                status, status=f"HTTP {reply.code}", reason="no token"
            )  # never the answer: it may be one
        life = str((answer or {}).get("expires_in", TOKEN_LIFE_S))
        life_s = min(int(life), TOKEN_LIFE_S) if life.isdecimal() else TOKEN_LIFE_S
        self._token, self._until = token, monotonic() + max(0, life_s - RENEWED_BEFORE_S)
        return token


def _tel(number: str) -> str:
    return f"tel:{read_phone(number)}"


def _result(reply: ProviderReply) -> SendResult:
    answer = json_object(reply.text.encode()) if reply.code == 201 else None
    if message_id := _id_in(answer or {}):
        return SendResult(SendStatus.ACCEPTED, message_id, "HTTP 201")
    if status := REFUSALS.get(reply.code):
        return SendResult(status, status=reply.status, reason=f"HTTP {reply.code}")
    return SendResult(SendStatus.UNKNOWN, status=reply.status, reason="an answer without an id")


def _id_in(answer: Mapping[str, object]) -> str:
    """The last part of the resource's address, in `outboundSMSMessageRequest` or `resourceReference`."""
    parts = (answer.get(name) for name in ("outboundSMSMessageRequest", "resourceReference"))
    urls = (part["resourceURL"] for part in parts if isinstance(part, dict) and "resourceURL" in part)
    return next((str(url).rstrip("/").rpartition("/")[2][:100].replace("\x00", "") for url in urls), "")


def connect(account: SmsAccount) -> Provider:
    """Connect an application; ValueError if `sender_address` is no number."""
    if not read_phone(account.fields["sender_address"]).startswith("+"):
        raise ValueError("sender_address is no phone number")
    return Orange(account)


IN, TOLD = "inboundSMSMessageNotification.inboundSMSMessage.", "deliveryInfoNotification."


def read_sms(fields: Mapping[str, str]) -> IncomingSms:
    """An SMS that a phone sent. Without an id its sender, time and words are its id: the same again is not a second."""
    phone, body = read_phone(fields.get(f"{IN}senderAddress", "")), fields.get(f"{IN}message", "")
    message_id = fields.get(f"{IN}messageId", "")
    if not message_id and (sent_at := fields.get(f"{IN}dateTime", "")):
        message_id = hashlib.sha256("\0".join((phone, sent_at, body)).encode(errors="replace")).hexdigest()[
            :40
        ]
    short_code = fields.get(f"{IN}destinationAddress", "").removeprefix("tel:")
    return IncomingSms(message_id or uuid4().hex, phone, short_code, body)


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A delivery receipt; its phone has `tel:` in front."""
    status = fields.get(f"{TOLD}deliveryInfo.deliveryStatus", "")
    proof = REPORT_STATUSES.get(status.strip().lower(), Proof.UNKNOWN_WORD)
    phone = read_phone(fields.get(f"{TOLD}deliveryInfo.address", ""))
    return DeliveryReport(fields.get(f"{TOLD}callbackData", ""), status, proof, phone, None)
