"""The provider `simulated`: the plainest form of sending SMS, on the phones of `simulator/sms.py`."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.deps import fields, simulator_of
from simulator.outgoing import FORM, OutgoingNotice, form_notice
from simulator.sms import Refusal, WrittenSms, oddity, receive, refusal_of, report

SMS_PROVIDER = "simulated"
REFUSED = {Refusal.ACCOUNT: 402, Refusal.LATER: 429, Refusal.FOR_GOOD: 400}
REPORTED = {"Sent": "sent", "Success": "delivered", "Failed": "failed", "AbsentSubscriber": "failed"}


async def send(request: Request) -> Response:
    """POST to, from, text, reference, report_url: the reference back."""
    sim, form = simulator_of(request), await fields(request)
    number, reference, address = (form.get(name, "") for name in ("to", "reference", "report_url"))
    if refusal := refusal_of(number):
        return JSONResponse({"refused": refusal}, REFUSED[refusal])
    receive(sim, f"simulated {reference}", number, form.get("from") or "KENEYA", form.get("text", ""))

    def notice(status: str, reason: str) -> OutgoingNotice:
        told = {"reference": reference, "status": REPORTED.get(status, status), "to": number}
        return OutgoingNotice(address, urlencode(told), headers={"content-type": FORM})

    report(sim, number, notice)
    return await oddity(number) or JSONResponse({"reference": reference})


def incoming_notice(message: WrittenSms) -> OutgoingNotice:
    """An SMS that a phone sent, as a form."""
    form = {"id": message.id, "from": message.phone, "to": message.to, "text": message.text}
    return form_notice("/sms/simulated/{secret}/in", form)


ROUTES = [Route("/simulator/sms/send", send, methods=["POST"])]
