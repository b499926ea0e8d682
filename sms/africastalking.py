"""Africa's Talking: sends through its SDK and reads its delivery reports. The only file that knows the SDK.

The SDK raises for silence and for refusals alike, and loses the status code: whatever is not proven unsent is
UNKNOWN here, since Africa's Talking has no idempotency key and a blind retry is a second SMS.
"""

import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import anyio
import anyio.to_thread
from africastalking.Service import AfricasTalkingException
from africastalking.SMS import SMSService
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ConnectTimeout, RequestException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from sms.provider import E164, DeliveryReport, Proof, SendResult, SendStatus

log = logging.getLogger("keneya.sms")

NAME = "africastalking"
TIMEOUT_S = (3.05, 9.05)  # to connect, to the next byte of the answer

# A recipient's statusCode. Not listed: UNKNOWN.
STATUS_CODES: dict[int, SendStatus] = {
    100: SendStatus.ACCEPTED,  # Processed
    101: SendStatus.ACCEPTED,  # Sent
    102: SendStatus.ACCEPTED,  # Queued
    401: SendStatus.REFUSED,  # RiskHold
    403: SendStatus.REFUSED,  # InvalidPhoneNumber
    404: SendStatus.REFUSED,  # UnsupportedNumberType
    405: SendStatus.ACCOUNT,  # InsufficientBalance
    406: SendStatus.REFUSED,  # UserInBlacklist
    407: SendStatus.REFUSED,  # CouldNotRoute
    409: SendStatus.REFUSED,  # DoNotDisturbRejection
    500: SendStatus.LATER,  # InternalServerError
    501: SendStatus.LATER,  # GatewayError
    502: SendStatus.LATER,  # RejectedByGateway
}
INVALID_SENDER_CODE = 402
INVALID_SENDER = SendResult(SendStatus.ACCOUNT, status="InvalidSenderId", reason="the sender id is not ours")

# What the body of a refusal over HTTP says, in small letters; the first found counts. None found: UNKNOWN.
REFUSALS: tuple[tuple[str, SendResult], ...] = (
    ("authentication is invalid", SendResult(SendStatus.ACCOUNT, reason="the API key was refused")),
    ("invalidsenderid", INVALID_SENDER),
    ("too many requests", SendResult(SendStatus.LATER, reason="too many requests")),
    ("rate limit", SendResult(SendStatus.LATER, reason="too many requests")),
)

# A delivery report's status, in small letters. Not listed: kept as it came.
REPORT_STATUSES: dict[str, Proof] = {
    "sent": Proof.UNDERWAY,
    "submitted": Proof.UNDERWAY,
    "buffered": Proof.UNDERWAY,
    "success": Proof.DELIVERED,
    "failed": Proof.NOT_DELIVERED,
    "rejected": Proof.NOT_DELIVERED,
    "absentsubscriber": Proof.NOT_DELIVERED,
    "expired": Proof.NOT_DELIVERED,
}


@dataclass(frozen=True)
class AfricasTalking:
    """An account. `url` ends in `/version1`; without `sender_id` Africa's Talking's own name is shown."""

    username: str
    api_key: str = field(repr=False)
    url: str
    sender_id: str | None = None
    concurrency: int = 32
    name: str = NAME

    @cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self.concurrency)

    @cached_property
    def _service(self) -> SMSService:
        service = SMSService(self.username, self.api_key)
        service._baseUrl = self.url.rstrip("/")  # the SDK has no parameter for it
        return service

    async def send(self, phone: str, body: str) -> SendResult:
        """Hand over one message; a refused sender id is left out at once, for a receipt must go out."""
        if not E164.fullmatch(phone):  # the SDK's own check lets a newline through
            return SendResult(SendStatus.REFUSED, reason="not an E.164 number")
        outcome = await self._call(phone, body, self.sender_id or None)
        if outcome is INVALID_SENDER and self.sender_id:
            log.warning("sms_sender_id_refused", extra={"provider": self.name})
            return await self._call(phone, body, None)
        return outcome

    async def _call(self, phone: str, body: str, sender_id: str | None) -> SendResult:
        return await anyio.to_thread.run_sync(
            _call, self._service, phone, body, sender_id, abandon_on_cancel=True, limiter=self._limiter
        )


def _call(service: SMSService, phone: str, body: str, sender_id: str | None) -> SendResult:
    """One call of the SDK, in a worker thread. Nothing that it raises may carry the body into a log."""
    try:
        return _read_answer(service.send(body, [phone], sender_id, timeout=TIMEOUT_S))
    except AfricasTalkingException as refusal:
        return _read_refusal(str(refusal))
    except RequestException as fault:
        if _left_no_byte(fault):
            return SendResult(SendStatus.LATER, reason=f"no connection ({type(fault).__name__})")
        return SendResult(SendStatus.UNKNOWN, reason=f"no answer ({type(fault).__name__})")
    except Exception as fault:  # the SDK's own faults: after the call, as far as anybody knows
        return SendResult(SendStatus.UNKNOWN, reason=f"the SDK failed ({type(fault).__name__})")


def _read_answer(answer: object) -> SendResult:
    """The SDK gives a str for any content type but exactly `application/json`."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return SendResult(SendStatus.UNKNOWN, reason="an answer that is not JSON")
    match answer:
        case {"SMSMessageData": {"Message": "InvalidSenderId"}}:
            return INVALID_SENDER
        case {"SMSMessageData": {"Recipients": [{"statusCode": code} as recipient]}}:
            return _read_recipient(code, recipient)
        case _:
            return SendResult(SendStatus.UNKNOWN, reason="an answer without our recipient")


def _read_recipient(code: object, recipient: Mapping[str, object]) -> SendResult:
    number = int(code) if isinstance(code, int | str) and str(code).isdecimal() else 0
    if number == INVALID_SENDER_CODE:
        return INVALID_SENDER
    status = f"{code} {recipient.get('status')}"[:60]
    answer = STATUS_CODES.get(number, SendStatus.UNKNOWN)
    if answer is not SendStatus.ACCEPTED:
        return SendResult(answer, status=status, reason=str(recipient.get("status"))[:60])
    message_id = recipient.get("messageId")
    if not isinstance(message_id, str) or message_id in ("", "None"):
        return SendResult(SendStatus.UNKNOWN, status=status, reason="accepted without an id")
    return SendResult(SendStatus.ACCEPTED, provider_message_id=message_id, status=status)


def _read_refusal(words: str) -> SendResult:
    """Of an HTTP status outside 2xx, which the SDK hides, only the words are left."""
    small = words[:2000].lower()
    for hint, outcome in REFUSALS:
        if hint in small:
            return outcome
    return SendResult(SendStatus.UNKNOWN, reason="an HTTP error")


def _left_no_byte(fault: RequestException) -> bool:
    """Whether the request surely never reached the other side: no connection, or one of the wrong machine."""
    if isinstance(fault, ConnectTimeout):
        return True
    cause = fault.args[0] if isinstance(fault, NoConnection) and fault.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    certificate = any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    return isinstance(reason, NewConnectionError) or certificate


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A delivery report's form; whatever is missing is empty."""
    status = fields.get("status", "")
    return DeliveryReport(
        provider=NAME,
        provider_message_id=fields.get("id", ""),
        status=status,
        proof=REPORT_STATUSES.get(status.strip().lower(), Proof.UNKNOWN_WORD),
        phone=read_phone(fields.get("phoneNumber", "")),
        failure_reason=fields.get("failureReason") or None,
    )


def read_phone(written: str) -> str:
    """E.164 if it can be; a plus that arrived as a space is put back."""
    digits = written.strip().removeprefix("+")
    return f"+{digits}" if digits.isdecimal() else written.strip()
