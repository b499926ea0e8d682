"""Africa's Talking USSD: posts what a phone dials and types to the service as the gateway does.

`text` is every answer of the call joined by `*`. A call ends with END, by hanging up, by a fault or by waiting too
long; the service gets one end-of-session event.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.deps import PATIENCE_S, Simulator, epoch, fields, phone_number, simulator_of
from simulator.outgoing import form_later
from simulator.store import Row

CALL_S = 180.0
IDLE_S = 90.0  # networks give 30 to 60 s; somebody who reads the page for the first time needs more
SCREEN_SIZE = 182  # characters a handset shows; the network cuts the rest
METADATA_SIZE = 99
METADATA_HEADER = "at-ussd-hop-metadata"
NETWORK_CODE = "99999"

NO_NETWORK = "Problème de connexion ou code IHM non valide."
TIMED_OUT = "La session a expiré."
HUNG_UP = "Appel terminé."


async def dial(request: Request) -> JSONResponse:
    """POST phone and code: start a call; an open call of this phone is hung up."""
    sim, form = simulator_of(request), await fields(request)
    phone, code = phone_number(form.get("phone", "")), form.get("code", "").strip()
    for call in sim.db.execute("SELECT * FROM call WHERE phone = ? AND status = 'Open'", (phone,)).fetchall():
        end(sim, call, "Incomplete", "", HUNG_UP)
    call_id, now = f"ATUid_{secrets.token_hex(16)}", epoch()
    text = dialled_text(code, sim.config.service_code)
    sim.db.execute(
        "INSERT INTO call (id, phone, service_code, text, started_at, touched_at) VALUES (?, ?, ?, ?, ?, ?)",
        (call_id, phone, sim.config.service_code, text or "", now, now),
    )
    if text is None:
        sim.db.execute("UPDATE call SET status = 'Failed', screen = ? WHERE id = ?", (NO_NETWORK, call_id))
    else:
        await _hop(sim, _call(sim, call_id), text)
    return JSONResponse(shown(_call(sim, call_id)), 201)


def dialled_text(dialled: str, service_code: str) -> str | None:
    """`*384*57*1*2#` is `1*2` at `*384*57#`; None for another service's code."""
    root = service_code.removesuffix("#")
    if dialled == service_code:
        return ""
    if dialled.startswith(root + "*") and dialled.endswith("#"):
        return dialled[len(root) + 1 : -1]
    return None


async def answer(request: Request) -> JSONResponse:
    """POST what the phone typed. 404: no such call; 409: it has ended, or its last hop is not answered yet."""
    sim, typed = simulator_of(request), (await fields(request)).get("answer", "")
    call = _call(sim, request.path_params["call"])
    if call["status"] != "Open":
        raise HTTPException(409, "this call has ended")
    if call["id"] in sim.calling:
        raise HTTPException(409, "the last answer is still on its way")
    if overdue(call, epoch()):
        end(sim, call, "Incomplete", "", TIMED_OUT)
        return JSONResponse(shown(_call(sim, call["id"])))
    text = f"{call['text']}*{typed}" if call["hops"] > 1 or call["text"] else typed
    await _hop(sim, call, text)
    return JSONResponse(shown(_call(sim, call["id"])))


async def look(request: Request) -> JSONResponse:
    return JSONResponse(shown(_call(simulator_of(request), request.path_params["call"])))


async def hang_up(request: Request) -> JSONResponse:
    """DELETE: the phone cancels. Harmless when the call has ended already."""
    sim = simulator_of(request)
    call = _call(sim, request.path_params["call"])
    if call["status"] == "Open":
        end(sim, call, "Incomplete", "", HUNG_UP)
    return JSONResponse(shown(_call(sim, call["id"])))


@dataclass(frozen=True)
class GatewayReply:
    """The reply of the service: its screen, or the fault that the network shows instead."""

    words: str = ""
    goes_on: bool = False
    metadata: str = ""
    fault: str = ""


async def _hop(sim: Simulator, call: Row, text: str) -> None:
    """Send one hop to the service. A call that was hung up meanwhile stays ended.

    The typed answer is stored together with its reply: if this process dies in between, typing again repeats the hop.
    """
    sim.calling.add(call["id"])
    try:
        reply = await _ask_service(sim, call, text)
    finally:
        sim.calling.discard(call["id"])
    sim.db.execute(
        "UPDATE call SET text = :text, hops = hops + 1, metadata = :metadata, last_answer = :words,"
        " touched_at = :now, hops_metadata = hops_metadata || iif(hops = 0, '', '|') || :metadata"
        " WHERE id = :id",
        {"text": text, "metadata": reply.metadata, "words": reply.words, "now": epoch(), "id": call["id"]},
    )
    call = _call(sim, call["id"])
    if call["status"] != "Open":
        return
    if reply.fault:
        end(sim, call, "Failed", reply.fault, NO_NETWORK)
    elif not reply.goes_on:
        end(sim, call, "Success", "", reply.words[4:][:SCREEN_SIZE])
    else:
        screen = reply.words[4:][:SCREEN_SIZE]
        sim.db.execute("UPDATE call SET screen = ? WHERE id = ?", (screen, call["id"]))


async def _ask_service(sim: Simulator, call: Row, text: str) -> GatewayReply:
    form = {
        "phoneNumber": call["phone"],
        "serviceCode": call["service_code"],
        "text": text,
        "sessionId": call["id"],
        "networkCode": NETWORK_CODE,
    }
    headers = {METADATA_HEADER: call["metadata"]} if call["metadata"] else {}
    address = f"{sim.config.service_url}/at/{sim.config.secret}/ussd"
    try:
        async with asyncio.timeout(PATIENCE_S):
            response = await sim.http.post(address, data=form, headers=headers)
    except TimeoutError:
        return GatewayReply(fault="The application took too long to answer")
    except httpx.HTTPError:
        return GatewayReply(fault="unexpected response code: 530")
    return read_reply(response)


def read_reply(response: httpx.Response) -> GatewayReply:
    """As strict as the gateway: 200, and CON or END with a space as the very first characters."""
    if response.status_code != 200:
        return GatewayReply(fault=f"unexpected response code: {response.status_code}")
    words = response.content.decode("utf-8", "replace")
    if not words.startswith(("CON ", "END ")):
        return GatewayReply(words=words, fault="Response should start with a CON or an END")
    metadata = response.headers.get(METADATA_HEADER, "")
    usable = len(metadata) <= METADATA_SIZE and "|" not in metadata
    return GatewayReply(words=words, goes_on=words.startswith("CON "), metadata=metadata if usable else "")


def overdue(call: Row, now: float) -> bool:
    return bool(now - call["started_at"] > CALL_S or now - call["touched_at"] > IDLE_S)


def end(sim: Simulator, call: Row, status: str, fault: str, screen: str) -> None:
    """Close the call once and send the end-of-session event to the service."""
    closed = sim.db.execute(
        "UPDATE call SET status = ?, fault = ?, screen = ? WHERE id = ? AND status = 'Open'",
        (status, fault, screen, call["id"]),
    )
    if closed.rowcount:
        event = ended_event(call, status, fault, epoch())
        form_later(sim, "/ussd/ended", event, after_s=0, retry_s=2, tries=3)


def ended_event(call: Row, status: str, fault: str, now: float) -> dict[str, str]:
    event = {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "sessionId": call["id"],
        "serviceCode": call["service_code"],
        "networkCode": NETWORK_CODE,
        "phoneNumber": call["phone"],
        "status": status,
        "cost": "XOF 0.00",
        "durationInMillis": str(round((now - call["started_at"]) * 1000)),
        "hopsCount": str(call["hops"]),
        "hopsMetadata": call["hops_metadata"],
        "input": call["text"],
        "lastAppResponse": call["last_answer"],
    }
    return event | ({"errorMessage": fault} if fault else {})


async def close_forgotten(sim: Simulator) -> None:
    """End calls that wait too long for the phone, as the network does; runs until cancelled."""
    while True:
        for call in sim.db.execute("SELECT * FROM call WHERE status = 'Open'").fetchall():
            if call["id"] not in sim.calling and overdue(call, epoch()):
                end(sim, call, "Incomplete", "", TIMED_OUT)
        await asyncio.sleep(1)


def shown(call: Row) -> dict[str, object]:
    """A call as the phone page sees it."""
    return {
        "id": call["id"],
        "phone": call["phone"],
        "state": "open" if call["status"] == "Open" else "ended",
        "screen": call["screen"],
        "fault": call["fault"],
        "error": call["status"] == "Failed",
    }


def _call(sim: Simulator, call_id: str) -> Row:
    call: Row | None = sim.db.execute("SELECT * FROM call WHERE id = ?", (call_id,)).fetchone()
    if call is None:
        raise HTTPException(404, "no such call")
    return call


ROUTES = [
    Route("/simulator/calls", dial, methods=["POST"]),
    Route("/simulator/calls/{call}", look, methods=["GET"]),
    Route("/simulator/calls/{call}", answer, methods=["POST"]),
    Route("/simulator/calls/{call}", hang_up, methods=["DELETE"]),
]
