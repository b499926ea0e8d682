"""Jasmin's HTTP API: `/send`, and what its HTTP client posts, on the phones of `simulator/sms.py`."""

from urllib.parse import urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.deps import fields, simulator_of
from simulator.outgoing import FORM, OutgoingNotice, form_notice
from simulator.sms import Refusal, WrittenSms, oddity, receive, refusal_of, report

SMS_PROVIDER = "jasmin"
REFUSED = {
    Refusal.ACCOUNT: (403, 'Error "Cannot charge submit_sm, check log file for details"'),
    Refusal.LATER: (403, 'Error "User throughput exceeded"'),
    Refusal.FOR_GOOD: (412, 'Error "No route found"'),
}
REPORTED = {"Sent": "ESME_ROK", "Success": "DELIVRD", "Failed": "UNDELIV", "AbsentSubscriber": "UNDELIV"}


async def send(request: Request) -> Response:
    """POST username, password, to, content or hex-content[, from, dlr-url]: Success or Error."""
    sim, form = simulator_of(request), await fields(request)
    if not form.get("username") or not form.get("password"):
        return PlainTextResponse('Error "Authentication failure for username:"', 403)
    number = form.get("to", "")
    if refusal := refusal_of(number):
        code, words = REFUSED[refusal]
        return PlainTextResponse(words, code)
    message_id = str(uuid4())
    text = form.get("content") or bytes.fromhex(form.get("hex-content", "")).decode("utf-16-be")
    receive(sim, message_id, number, form.get("from", "JASMIN"), text)
    address = form.get("dlr-url", "")

    def notice(status: str, reason: str) -> OutgoingNotice:
        word = REPORTED.get(status, status)
        told = {"id": message_id, "message_status": word, "level": "1" if word == "ESME_ROK" else "2"}
        return OutgoingNotice(
            address, urlencode(told | ({"err": reason} if reason else {})), headers={"content-type": FORM}
        )

    if address:
        report(sim, number, notice)
    return await oddity(number) or PlainTextResponse(f'Success "{message_id}"')


def incoming_notice(message: WrittenSms) -> OutgoingNotice:
    """What an HTTP client connector posts."""
    form = {
        "id": message.id,
        "from": message.phone.removeprefix("+"),
        "to": message.to,
        "origin-connector": "simulator",
        "content": message.text,
        "coding": "8",
        "binary": message.text.encode("utf-16-be", "replace").hex(),
    }
    return form_notice("/sms/jasmin/{secret}/in", form)


ROUTES = [Route("/simulator/jasmin/send", send, methods=["POST"])]
