"""SMS: what every provider plays, and Africa's Talking's own form of it, for its official SDK.

The other providers have a file each, with SMS_PROVIDER. Each message is stored before its send is answered, and shows
on its phone at once. The last four digits of a number choose the result; every other number is reached:

    0401 to 0409, 0500 to 0502   refused with the status code 401 to 409, 500 to 502; another provider refuses it in
            its own words: 0402 and 0405 for the account, 0500 to 0502 for now, the others for good
    0601    its delivery report arrives before the answer of the send does
    0602    accepted, then Failed (DeliveryFailure)
    0603    accepted, then AbsentSubscriber
    0604    accepted, and never reported on
    0605    accepted, and the answer takes 15 s, longer than the SDK waits
    0606    a late Sent arrives after Success
    0607    accepted, and the answer is a 500 in HTML
    0609    its report has a word that nobody knows
    0608    answered as `application/json; charset=utf-8`, which the SDK hands on unparsed

The sender `INVALID`, or one that is no short code and no name of 1 to 11 letters and digits, gives
InvalidSenderId.
"""

import asyncio
import hmac
import importlib
import pkgutil
import re
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import simulator as package
from simulator.deps import PHONE, Simulator, epoch, fields, iso, phone_number, simulator_of
from simulator.outgoing import OutgoingNotice, Retries, form_notice, notice_later

SMS_PROVIDER = "africastalking"
DEFAULT_SENDER = "AFRICASTKNG"
SHORT_CODE = "38457"
SENDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}|[0-9]{3,8}")
SHOWN = 1000
SLOW_S = 15.0  # not divided by TIME_SCALE: the SDK's time-out is not either

REFUSALS = {
    "0401": (401, "RiskHold"),
    "0402": (402, "InvalidSenderId"),
    "0403": (403, "InvalidPhoneNumber"),
    "0404": (404, "UnsupportedNumberType"),
    "0405": (405, "InsufficientBalance"),
    "0406": (406, "UserInBlacklist"),
    "0407": (407, "CouldNotRoute"),
    "0409": (409, "DoNotDisturbRejection"),
    "0500": (500, "InternalServerError"),
    "0501": (501, "GatewayError"),
    "0502": (502, "RejectedByGateway"),
}


class WrittenSms(NamedTuple):
    """An SMS that a phone wrote."""

    id: str
    phone: str
    to: str
    text: str
    at: str


# number's end -> the reports it gets: seconds after the send, status, reason
REPORTS: dict[str, tuple[tuple[float, str, str], ...]] = {
    "0601": ((0.0, "Success", ""),),
    "0602": ((0.3, "Sent", ""), (1.0, "Failed", "DeliveryFailure")),
    "0603": ((0.3, "Sent", ""), (1.0, "AbsentSubscriber", "")),
    "0604": (),
    "0606": ((0.3, "Success", ""), (1.0, "Sent", "")),
    "0609": ((0.3, "Teleported", ""),),
}
USUAL_REPORTS = ((0.3, "Sent", ""), (1.0, "Success", ""))


async def send(request: Request) -> Response:
    """POST: 201 with one entry a recipient, 401 for a wrong key, 201 InvalidSenderId for a bad sender."""
    sim, form = simulator_of(request), await fields(request)
    if not hmac.compare_digest(request.headers.get("apikey", "").encode(), sim.config.api_key.encode()):
        return PlainTextResponse("The supplied authentication is invalid", 401)
    if fault := _fault(form):
        return PlainTextResponse(fault, 400)
    sender = form.get("from") or DEFAULT_SENDER
    if sender.upper() == "INVALID" or not SENDER.fullmatch(sender):
        return JSONResponse({"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}, 201)
    queued = form.get("enqueue", "1") != "0"
    numbers = form["to"].split(",")
    recipients = [_recipient(sim, number, sender, form["message"], queued) for number in numbers]
    return await _answer(recipients, numbers, parts(form["message"]))


def _fault(form: dict[str, str]) -> str:
    absent = [name for name in ("username", "to", "message") if not form.get(name)]
    return f"Request is missing required form field '{absent[0]}'" if absent else ""


def _recipient(sim: Simulator, number: str, sender: str, text: str, queued: bool) -> dict[str, object]:
    refusal = REFUSALS.get(number[-4:])
    if not PHONE.fullmatch(number):
        refusal = REFUSALS["0403"]
    if refusal:
        code, word = refusal
        return {"cost": "0", "messageId": "None", "number": number, "status": word, "statusCode": code}
    message_id = f"ATXid_{secrets.token_hex(16)}"
    receive(sim, message_id, number, sender, text)
    form = {"id": message_id, "phoneNumber": number, "networkCode": "99999"}

    def notice(status: str, reason: str) -> OutgoingNotice:
        why = {"failureReason": reason} if reason else {}
        return form_notice("/at/{secret}/delivery", form | {"status": status} | why)

    report(sim, number, notice)
    return {
        "cost": f"XOF {12 * parts(text)}.0000",
        "messageId": message_id,
        "number": number,
        "status": "Success",
        "statusCode": 102 if queued else 101,
    }


def receive(sim: Simulator, message_id: str, number: str, sender: str, text: str) -> None:
    """Show a message on its phone; the same id again changes nothing."""
    sim.db.execute(
        "INSERT OR IGNORE INTO message (id, phone, sender, text, at) VALUES (?, ?, ?, ?, ?)",
        (message_id, number, sender, text, epoch()),
    )


def report(sim: Simulator, number: str, notice: Callable[[str, str], OutgoingNotice]) -> None:
    """Send the delivery reports of a message; `notice` puts a status and its reason into the provider's form."""
    for after_s, status, reason in REPORTS.get(number[-4:], USUAL_REPORTS):
        notice_later(sim, notice(status, reason), after_s=after_s, retries=Retries(60, 1, 5))


class Refusal(StrEnum):
    """Why a number is refused, in the words of no provider."""

    ACCOUNT = "account"
    LATER = "later"
    FOR_GOOD = "for good"


def refusal_of(number: str) -> Refusal | None:
    """How the end of a number is refused; None if it is not."""
    end = number[-4:]
    if not PHONE.fullmatch(number):
        return Refusal.FOR_GOOD
    if end in REFUSALS:
        return ACCOUNT_ENDS.get(end) or (Refusal.LATER if end >= "0500" else Refusal.FOR_GOOD)
    return None


ACCOUNT_ENDS = {"0402": Refusal.ACCOUNT, "0405": Refusal.ACCOUNT}


async def oddity(*numbers: str) -> Response | None:
    """Wait as the end of a number says, and the answer that stands in for the provider's own, if there is one."""
    ends = {number[-4:] for number in numbers}
    if "0601" in ends:
        await asyncio.sleep(1)
    if "0605" in ends:
        await asyncio.sleep(SLOW_S)
    if "0607" in ends:
        return Response("<html><h1>502 Bad Gateway</h1></html>", 500, media_type="text/html")
    return None


async def _answer(recipients: list[dict[str, object]], numbers: list[str], parts_each: int) -> Response:
    if instead := await oddity(*numbers):
        return instead
    reached = sum(recipient["statusCode"] in (101, 102) for recipient in recipients)
    cost = 12 * reached * parts_each
    summary = f"Sent to {reached}/{len(recipients)} Total Cost: XOF {cost}.0000 Message parts: {parts_each}"
    answer = JSONResponse({"SMSMessageData": {"Message": summary, "Recipients": recipients}}, 201)
    if any(number.endswith("0608") for number in numbers):
        answer.headers["content-type"] = "application/json; charset=utf-8"
    return answer


def parts(text: str) -> int:
    """The number of segments, roughly: 160, then 153 characters of GSM-7 (here: Latin-1); else 70 and 67."""
    plain = all(ord(letter) < 256 for letter in text)
    size = len(text) if plain else len(text.encode("utf-16-le")) // 2
    alone, each = (160, 153) if plain else (70, 67)
    return 1 if size <= alone else -(-size // each)


async def sent(request: Request) -> JSONResponse:
    """GET ?to=: what a phone received (all phones without `to`), newest first."""
    sim, to = simulator_of(request), request.query_params.get("to")
    rows = sim.db.execute(
        "SELECT * FROM message WHERE :to IS NULL OR phone = :to ORDER BY position DESC LIMIT :shown",
        {"to": phone_number(to) if to is not None else None, "shown": SHOWN},
    ).fetchall()
    return JSONResponse(
        [
            {
                "id": row["id"],
                "to": row["phone"],
                "from": row["sender"],
                "text": row["text"],
                "at": iso(row["at"]),
            }
            for row in rows
        ]
    )


def incoming_notice(message: WrittenSms) -> OutgoingNotice:
    """An SMS that a phone sent, in the form of Africa's Talking."""
    form = {
        "date": message.at,
        "from": message.phone,
        "id": message.id,
        "linkId": "",
        "text": message.text,
        "to": message.to,
        "cost": "XOF 0.0000",
        "networkCode": "99999",
    }
    return form_notice("/at/{secret}/sms", form)


async def incoming(request: Request) -> JSONResponse:
    """POST from, text[, to, id, provider]: a phone sends an SMS in; tried every minute for 12 hours until 2xx.

    The `id` of an earlier one simulates a gateway's retry. Without `provider` it comes by Africa's Talking.
    """
    sim, form = simulator_of(request), await fields(request)
    if len(form.get("text", "")) > 1600:
        raise HTTPException(400, "a text has at most 1600 characters")
    by = sms_providers().get(form.get("provider") or SMS_PROVIDER)
    if by is None:
        raise HTTPException(400, f"a provider is one of {', '.join(sms_providers())}")
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    message = WrittenSms(
        form.get("id") or str(uuid4()),
        phone_number(form.get("from", "")),
        form.get("to") or SHORT_CODE,
        form.get("text", ""),
        now,
    )
    sim.db.execute(
        "INSERT OR IGNORE INTO written (id, phone, text, at) VALUES (?, ?, ?, ?)",
        (message.id, message.phone, message.text, epoch()),
    )
    notice_later(sim, by(message), after_s=0, retries=Retries(60, 1, 720))
    return JSONResponse({"id": message.id}, 202)


@lru_cache
def sms_providers() -> dict[str, Callable[[WrittenSms], OutgoingNotice]]:
    """How an SMS that a phone sent comes in, by the provider: each file with SMS_PROVIDER, Africa's Talking first."""
    names = sorted(f"simulator.{found.name}" for found in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(name) for name in sorted(names, key=lambda name: name != __name__)]
    return {file.SMS_PROVIDER: file.incoming_notice for file in modules if hasattr(file, "SMS_PROVIDER")}


def provider_routes() -> list[BaseRoute]:
    """The HTTP of the other providers."""
    modules = {sys.modules[notice.__module__] for notice in sms_providers().values()}
    return [route for file in modules if file.__name__ != __name__ for route in file.ROUTES]


async def written(request: Request) -> JSONResponse:
    """GET ?from=: the SMS that a phone sent in, newest first."""
    sim = simulator_of(request)
    rows = sim.db.execute(
        "SELECT * FROM written WHERE phone = ? ORDER BY position DESC LIMIT ?",
        (phone_number(request.query_params.get("from", "")), SHOWN),
    ).fetchall()
    return JSONResponse(
        [{"id": row["id"], "from": row["phone"], "text": row["text"], "at": iso(row["at"])} for row in rows]
    )


ROUTES = [
    Route("/simulator/at/version1/messaging", send, methods=["POST"]),
    Route("/simulator/sms", sent, methods=["GET"]),
    Route("/simulator/sms/incoming", incoming, methods=["POST"]),
    Route("/simulator/sms/incoming", written, methods=["GET"]),
]
