"""Africa's Talking: sends through its SDK. The only file that knows the SDK.

A message is UNKNOWN unless it is proven unsent: Africa's Talking has no idempotency key, and a blind retry would be a
second SMS.
"""

import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus

import anyio
import anyio.to_thread
import requests
from africastalking.SMS import SMSService
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ConnectTimeout, RequestException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from sms.africastalking import NAME
from sms.provider import E164, OutgoingSms, SendResult, SendStatus

log = logging.getLogger("keneya.sms")

TIMEOUT_S = (3.05, 9.05)  # for connecting, for the next byte of the answer

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

# HTTP statuses outside 2xx that prove that nothing was sent. All others, also 5xx: UNKNOWN.
HTTP_STATUSES: dict[int, SendResult] = {
    HTTPStatus.BAD_REQUEST: SendResult(
        SendStatus.REFUSED, status="HTTP 400", reason="the request was refused"
    ),
    HTTPStatus.UNAUTHORIZED: SendResult(
        SendStatus.ACCOUNT, status="HTTP 401", reason="the API key was refused"
    ),
    HTTPStatus.FORBIDDEN: SendResult(
        SendStatus.ACCOUNT, status="HTTP 403", reason="the account may not send"
    ),
    HTTPStatus.NOT_FOUND: SendResult(
        SendStatus.ACCOUNT, status="HTTP 404", reason="AT_SMS_URL leads nowhere"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: SendResult(SendStatus.LATER, status="HTTP 429", reason="too many requests"),
}


class Client(SMSService):
    """The SDK's client builds the request. We send it, because the SDK drops the status of the answer."""

    def __init__(self, username: str, api_key: str, url: str) -> None:
        super().__init__(username, api_key)  # type: ignore[no-untyped-call]
        self._baseUrl = url.rstrip("/")  # the SDK has no parameter for it

    def _make_request(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        data: Mapping[str, str],
        params: Mapping[str, str] | None,
        callback: None = None,
        timeout: tuple[float, float] = TIMEOUT_S,
    ) -> requests.Response:
        return requests.request(
            method,
            url,
            headers=headers,
            data=data,
            params=params,
            timeout=timeout,
            allow_redirects=False,  # a fault at a second address would look as if nothing had been sent
        )


@dataclass(frozen=True)
class AfricasTalking:
    """An account. `url` ends in `/version1`; without `sender_id` Africa's Talking's own name is shown."""

    username: str
    api_key: str = field(repr=False)
    url: str
    sender_id: str | None = None
    concurrency: int = 32
    name: str = NAME
    reports_by_reference: bool = False

    @cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self.concurrency)

    @cached_property
    def _client(self) -> Client:
        return Client(self.username, self.api_key, self.url)

    async def send(self, message: OutgoingSms) -> SendResult:
        """Hand over one message; if the sender id is refused, retry at once without it, for receipts."""
        if not E164.fullmatch(message.phone):  # the SDK's own check lets a newline through
            return SendResult(SendStatus.REFUSED, reason="not an E.164 number")
        sender_id = message.sender or self.sender_id or None
        outcome = await self._call(message.phone, message.body, sender_id)
        if outcome is INVALID_SENDER and sender_id:
            log.warning("sms_sender_id_refused", extra={"provider": self.name})
            return await self._call(message.phone, message.body, None)
        return outcome

    async def _call(self, phone: str, body: str, sender_id: str | None) -> SendResult:
        return await anyio.to_thread.run_sync(
            _call, self._client, phone, body, sender_id, abandon_on_cancel=True, limiter=self._limiter
        )


def _call(client: Client, phone: str, body: str, sender_id: str | None) -> SendResult:
    """One call of the SDK, in a worker thread. Nothing that it raises may carry the body into a log."""
    try:
        response: requests.Response = client.send(body, [phone], sender_id, timeout=TIMEOUT_S)
    except RequestException as fault:
        if _left_no_byte(fault):
            return SendResult(SendStatus.LATER, reason=f"no connection ({type(fault).__name__})")
        return SendResult(SendStatus.UNKNOWN, reason=f"no answer ({type(fault).__name__})")
    except Exception as fault:  # the SDK's own faults may come after the call
        return SendResult(SendStatus.UNKNOWN, reason=f"the SDK failed ({type(fault).__name__})")
    code = response.status_code
    if code // 100 == 2:
        return _read_answer(response.content)
    return HTTP_STATUSES.get(code) or SendResult(
        SendStatus.UNKNOWN, status=f"HTTP {code}", reason="an HTTP error"
    )


def _read_answer(body: bytes) -> SendResult:
    try:
        answer = json.loads(body)
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


def _left_no_byte(fault: RequestException) -> bool:
    """Whether the request was certainly not sent: no connection, or a wrong certificate."""
    if isinstance(fault, ConnectTimeout):
        return True
    cause = fault.args[0] if isinstance(fault, NoConnection) and fault.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    certificate = any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    return isinstance(reason, NewConnectionError) or certificate
