"""Orange's SMS API 2.0: tokens, sending, receipts and SMS that come in, on the phones of `simulator/sms.py`.

A token is good for an hour (divided by TIME_SCALE), and each new one ends the one before.
"""

import json
import secrets
from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.deps import epoch, simulator_of
from simulator.outgoing import OutgoingNotice
from simulator.sms import Refusal, WrittenSms, oddity, receive, refusal_of, report

SMS_PROVIDER = "orange"
TOKEN_LIFE_S = 3600
REFUSED = {
    Refusal.ACCOUNT: (403, "POL0001", "Expired contract"),
    Refusal.LATER: (429, "SVC0290", "Too many requests"),
    Refusal.FOR_GOOD: (400, "SVC0004", "No valid addresses provided in message part"),
}
REPORTED = {
    "Sent": "DeliveredToNetwork",
    "Success": "DeliveredToTerminal",
    "Failed": "DeliveryImpossible",
    "AbsentSubscriber": "DeliveryImpossible",
}


async def token(request: Request) -> Response:
    """POST grant_type with Basic authorization: a token of its own."""
    sim = simulator_of(request)
    if not request.headers.get("authorization", "").startswith("Basic "):
        return JSONResponse({"error": "invalid_client"}, 401)
    sim.orange_token = (secrets.token_urlsafe(24), epoch() + sim.scaled(TOKEN_LIFE_S))
    return JSONResponse(
        {"token_type": "Bearer", "access_token": sim.orange_token[0], "expires_in": TOKEN_LIFE_S}
    )


async def send(request: Request) -> Response:
    """POST an outboundSMSMessageRequest: 201 with the address of what was made."""
    sim = simulator_of(request)
    given, (good, until) = request.headers.get("authorization", ""), sim.orange_token
    if not good or epoch() > until or given != f"Bearer {good}":
        return JSONResponse({"code": 42, "message": "Expired credentials"}, 401)
    asked = _asked(await request.body())
    number = str(asked.get("address", "")).removeprefix("tel:")
    if refusal := refusal_of(number):
        code, name, words = REFUSED[refusal]
        told = {"messageId": name, "text": words}
        return JSONResponse({"requestError": {"serviceException": told}}, code)
    message_id, text = str(uuid4()), str(asked.get("outboundSMSTextMessage", {}).get("message", ""))
    receive(sim, message_id, number, str(asked.get("senderName", "ORANGE")), text)

    def notice(status: str, reason: str) -> OutgoingNotice:
        info = {"address": f"tel:{number}", "deliveryStatus": REPORTED.get(status, status)}
        told = {"deliveryInfoNotification": {"callbackData": message_id, "deliveryInfo": info}}
        return OutgoingNotice("/sms/orange/{secret}/report", json.dumps(told))

    report(sim, number, notice)
    made = asked | {"resourceURL": f"{request.url}/{message_id}"}
    return await oddity(number) or JSONResponse({"outboundSMSMessageRequest": made}, 201)


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)["outboundSMSMessageRequest"]
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400, "an outboundSMSMessageRequest is expected") from None
    return asked if isinstance(asked, dict) else {}


def incoming_notice(message: WrittenSms) -> OutgoingNotice:
    """An inboundSMSMessageNotification, with an id: one without is told from another by its time only."""
    told = {
        "dateTime": message.at,
        "destinationAddress": f"tel:{message.to}",
        "messageId": message.id,
        "message": message.text,
        "senderAddress": f"tel:{message.phone}",
    }
    body = {"inboundSMSMessageNotification": {"inboundSMSMessage": told}}
    return OutgoingNotice("/sms/orange/{secret}/in", json.dumps(body))


ROUTES = [
    Route("/simulator/orange/oauth/v3/token", token, methods=["POST"]),
    Route("/simulator/orange/smsmessaging/v1/outbound/{sender}/requests", send, methods=["POST"]),
]
