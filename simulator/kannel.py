"""Kannel's `sendsms` and what a smsbox asks of us, on the phones of `simulator/sms.py`."""

from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.deps import simulator_of
from simulator.outgoing import OutgoingNotice
from simulator.sms import Refusal, WrittenSms, oddity, receive, refusal_of, report

SMS_PROVIDER = "kannel"
REFUSED = {
    Refusal.ACCOUNT: (403, "Authorization failed for sendsms"),
    Refusal.LATER: (503, "Temporal failure, try again later."),
    Refusal.FOR_GOOD: (403, "Not routable. Do not try again."),
}
REPORTED = {"Sent": "8", "Success": "1", "Failed": "2", "AbsentSubscriber": "2"}


async def send(request: Request) -> Response:
    """GET username, password, to, text[, from, dlr-url]: 202, or a sentence."""
    sim, query = simulator_of(request), request.query_params
    if not query.get("username") or not query.get("password"):
        return PlainTextResponse("Authorization failed for sendsms", 403)
    number = query.get("to", "")
    if refusal := refusal_of(number):
        code, words = REFUSED[refusal]
        return PlainTextResponse(words, code)
    address = query.get("dlr-url", "")
    message_id = f"kannel {urlsplit(address).query}"  # without its path, where a secret is
    receive(sim, message_id, number, query.get("from", "KANNEL"), query.get("text", ""))

    def notice(status: str, _reason: str) -> OutgoingNotice:
        told = address.replace("%d", quote(REPORTED.get(status, status)))
        return OutgoingNotice(told, "", "GET", {})

    if address:
        report(sim, number, notice)
    return await oddity(number) or PlainTextResponse("0: Accepted for delivery", 202)


def incoming_notice(message: WrittenSms) -> OutgoingNotice:
    """The `get-url` of an sms-service."""
    query = {"id": message.id, "from": message.phone, "to": message.to, "text": message.text}
    return OutgoingNotice(f"/sms/kannel/{{secret}}/in?{urlencode(query)}", "", "GET", {})


ROUTES = [Route("/simulator/kannel/cgi-bin/sendsms", send, methods=["GET"])]
