"""A minimal stand-in of the service for the phone page: two screens, a payment request, a receipt."""

import os
import uuid
from urllib.parse import parse_qsl

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

SIMULATOR = os.environ.get("SIMULATOR_URL", "")
HOME = "CON Mutuelle Keneya\n1 Adhérer\n3 Trouver un médecin\n7 La mutuelle\n8 Langue"


async def ussd(request: Request) -> PlainTextResponse:
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    if not form["text"]:
        return PlainTextResponse(HOME)
    if form["text"] == "1":
        return PlainTextResponse("CON Nom du chef de famille ?")
    await collect(form["phoneNumber"])
    name = form["text"].removeprefix("1*")
    return PlainTextResponse(f"END Bienvenue {name} ! Approuvez 2 000 F avec votre PIN.")


async def collect(phone: str) -> None:
    body = {
        "reference": str(uuid.uuid4()),
        "phone": phone,
        "amount": "2000",
        "currency": "XOF",
        "note": "Cotisation Keneya",
        "notice_url": f"{os.environ['OWN_URL']}/money/simulated/token",
    }
    async with httpx.AsyncClient() as client:
        await client.post(f"{SIMULATOR}/simulator/operator/v1/collections", json=body)


async def notice(request: Request) -> PlainTextResponse:
    """The payment's notice: send the receipt to the only phone in these tests."""
    reference = (await request.json())["reference"]
    async with httpx.AsyncClient() as client:
        paid = await client.get(f"{SIMULATOR}/simulator/operator/v1/collections/{reference}")
        text = f"Reçu : {paid.json()['amount']} F. Votre famille est couverte."
        form = {"username": "demo", "to": paid.json()["phone"], "message": text, "from": "KENEYA"}
        if paid.json()["status"] == "SUCCESSFUL":
            url = f"{SIMULATOR}/simulator/at/version1/messaging"
            await client.post(url, data=form, headers={"apiKey": "key"})
    return PlainTextResponse("ok")


async def sms(request: Request) -> PlainTextResponse:
    """Answer an SMS with its own text; thanks want no answer."""
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    if form["text"] == "merci":
        return PlainTextResponse("ok")
    answer = {
        "username": "demo",
        "to": form["from"],
        "message": f"Vous avez écrit : {form['text']}",
        "from": "KENEYA",
    }
    async with httpx.AsyncClient() as client:
        await client.post(
            f"{SIMULATOR}/simulator/at/version1/messaging", data=answer, headers={"apiKey": "key"}
        )
    return PlainTextResponse("ok")


async def anything(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


app = Starlette(
    routes=[
        Route("/at/{secret}/ussd", ussd, methods=["POST"]),
        Route("/money/simulated/token", notice, methods=["POST"]),
        Route("/at/{secret}/sms", sms, methods=["POST"]),
        Route("/{path:path}", anything, methods=["GET", "POST"]),
    ]
)
