"""USSD: what a phone dials and types reaches the service as a gateway sends it, Africa's Talking if no other is named.

A call ends by its last screen, by hanging up, by a fault or by waiting too long. Africa's Talking tells the service of
each end by an event; the others, if they do, within their own requests.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator import vendor
from simulator.deps import PATIENCE_S, Simulator, epoch, fields, phone_number, simulator_of
from simulator.outgoing import KEPT_OUT, OutgoingNotice, form_later, notice_later
from simulator.store import Row
from simulator.vendor import VendorHop

CALL_S = 180.0
IDLE_S = 90.0  # networks give 30 to 60 s; somebody who reads the page for the first time needs more
SCREEN_SIZE = 182  # characters a handset shows; the network cuts the rest
METADATA_SIZE = 99
METADATA_HEADER = "at-ussd-hop-metadata"

NO_NETWORK = "Problème de connexion ou code IHM non valide."
TIMED_OUT = "La session a expiré."
HUNG_UP = "Appel terminé."
ENDS = {HUNG_UP: "cancelled", TIMED_OUT: "timed out"}  # as gateways say it


async def dial(request: Request) -> JSONResponse:
    """POST phone and code, and the gateway if it is another one: start a call; an open one of this phone is hung up."""
    sim, form = simulator_of(request), await fields(request)
    phone, code = phone_number(form.get("phone", "")), form.get("code", "").strip()
    gateway = form.get("gateway") or vendor.AFRICASTALKING
    if gateway not in vendor.vendors():
        raise HTTPException(400, f"a gateway is one of {', '.join(vendor.vendors())}")
    for call in sim.db.execute("SELECT * FROM call WHERE phone = ? AND status = 'Open'", (phone,)).fetchall():
        end(sim, call, "Incomplete", "", HUNG_UP)
    call_id, now = f"ATUid_{secrets.token_hex(16)}", epoch()
    dialled = dialled_text(code, sim.config.service_code)
    sim.db.execute(
        "INSERT INTO call (id, phone, service_code, gateway, dialled, started_at, touched_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (call_id, phone, sim.config.service_code, gateway, dialled or "", now, now),
    )
    call = _call(sim, call_id)
    if dialled is None:
        sim.db.execute("UPDATE call SET status = 'Failed', screen = ? WHERE id = ?", (NO_NETWORK, call_id))
    else:
        await _send_hop(sim, call, hop_of(call))
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
    hop = hop_of(call)
    await _send_hop(sim, call, hop._replace(typed=(*hop.typed, typed)))
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


def hop_of(call: Row) -> VendorHop:
    """The newest hop of a call, as its gateway sends it."""
    typed = tuple(json.loads(call["typed"]))
    return VendorHop(call["id"], call["phone"], call["service_code"], call["dialled"], typed)


@dataclass(frozen=True)
class GatewayReply:
    """The reply of the service: its screen in `body`, or the fault that the network shows instead."""

    screen: str = ""
    goes_on: bool = False
    body: str = ""
    metadata: str = ""
    fault: str = ""


async def _send_hop(sim: Simulator, call: Row, hop: VendorHop) -> None:
    """Send one hop to the service. A call that was hung up meanwhile stays ended.

    The typed answer is stored together with its reply: if this process dies in between, typing again repeats the hop.
    """
    sim.calling.add(call["id"])
    try:
        reply = await _ask_service(sim, call, hop)
    finally:
        sim.calling.discard(call["id"])
    sim.db.execute(
        "UPDATE call SET typed = :typed, hops = hops + 1, metadata = :metadata, last_answer = :body,"
        " touched_at = :now, hops_metadata = hops_metadata || iif(hops = 0, '', '|') || :metadata"
        " WHERE id = :id",
        {
            "typed": json.dumps(hop.typed),
            "metadata": reply.metadata,
            "body": reply.body,
            "now": epoch(),
            "id": call["id"],
        },
    )
    call = _call(sim, call["id"])
    if call["status"] != "Open":
        return
    if reply.fault:
        end(sim, call, "Failed", reply.fault, NO_NETWORK)
    elif not reply.goes_on:
        end(sim, call, "Success", "", reply.screen[:SCREEN_SIZE])
    else:
        sim.db.execute("UPDATE call SET screen = ? WHERE id = ?", (reply.screen[:SCREEN_SIZE], call["id"]))


async def _ask_service(sim: Simulator, call: Row, hop: VendorHop) -> GatewayReply:
    gateway = call["gateway"]
    url = vendor.address(gateway, sim.config.service_url, sim.config.secret)
    request = vendor.request_of(gateway, url, hop)
    if call["metadata"]:
        request.headers[METADATA_HEADER] = call["metadata"]
    try:
        async with asyncio.timeout(PATIENCE_S):
            response = await sim.http.send(request)
    except TimeoutError:
        return GatewayReply(fault="The application took too long to answer")
    except httpx.HTTPError:
        return GatewayReply(fault="unexpected response code: 530")
    return read_reply(gateway, response)


def read_reply(gateway: str, response: httpx.Response) -> GatewayReply:
    """As strict as the gateway: 200, and a screen in its own form, from the very first character."""
    body = response.content.decode("utf-8", "replace")
    try:
        words, goes_on = vendor.read_reply(gateway, response)
    except ValueError as fault:
        return GatewayReply(body=body if response.status_code == 200 else "", fault=str(fault))
    metadata = response.headers.get(METADATA_HEADER, "")
    usable = len(metadata) <= METADATA_SIZE and "|" not in metadata
    return GatewayReply(words, goes_on, body, metadata if usable else "")


def overdue(call: Row, now: float) -> bool:
    return bool(now - call["started_at"] > CALL_S or now - call["touched_at"] > IDLE_S)


def end(sim: Simulator, call: Row, status: str, fault: str, screen: str) -> None:
    """Close the call once and tell the service of it, in the gateway's own way if it has one."""
    closed = sim.db.execute(
        "UPDATE call SET status = ?, fault = ?, screen = ? WHERE id = ? AND status = 'Open'",
        (status, fault, screen, call["id"]),
    )
    if closed.rowcount and call["gateway"] != vendor.AFRICASTALKING:
        _tell_end(sim, call, ENDS.get(screen, ""))
    elif closed.rowcount:
        event = ended_event(call, status, fault, epoch())
        form_later(sim, "/ussd/ended", event, after_s=0, retry_s=2, tries=3)


def _tell_end(sim: Simulator, call: Row, how: str) -> None:
    if how and vendor.tells_ends(call["gateway"]):
        path = vendor.address(call["gateway"], "", KEPT_OUT)
        said = vendor.request_of(
            call["gateway"], f"{sim.config.service_url}{path}", hop_of(call)._replace(ended=how)
        )
        query = f"?{said.url.query.decode()}" if said.url.query else ""
        kept = {"content-type": said.headers["content-type"]} if said.content else {}
        notice = OutgoingNotice(path + query, said.content.decode(), said.method, kept)
        notice_later(sim, notice, after_s=0)


def ended_event(call: Row, status: str, fault: str, now: float) -> dict[str, str]:
    event = {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "sessionId": call["id"],
        "serviceCode": call["service_code"],
        **vendor.EXTRAS[vendor.AFRICASTALKING],
        "phoneNumber": call["phone"],
        "status": status,
        "cost": "XOF 0.00",
        "durationInMillis": str(round((now - call["started_at"]) * 1000)),
        "hopsCount": str(call["hops"]),
        "hopsMetadata": call["hops_metadata"],
        "input": vendor.input_of(call["gateway"], hop_of(call)),
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
