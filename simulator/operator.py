"""The mobile money operator `simulated`: asks a phone to approve a payment, and answers its status.

The state of a collection is computed from stored facts and the clock, so a restart changes nothing. Its notice holds
the reference only: the service must ask for the status.
"""

import asyncio
import json
import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import trouble
from simulator.deps import PHONE, Simulator, epoch, fields, iso, phone_number, simulator_of
from simulator.outgoing import json_later
from simulator.store import Row

NAME = "simulated"
WINDOW_S = 300.0  # as long as a person may take before the prompt is void
LATE_S = 90.0
NOTICE_FIRST_S = 2.0
NOTE = re.compile(r"[A-Za-z0-9 ]{0,22}")
AMOUNT = re.compile(r"[1-9][0-9]{0,11}(\.[0-9]{1,3})?|0\.[0-9]{1,3}")
CURRENCIES = ("XOF", "XAF", "GNF", "RWF", "CDF", "USD", "EUR")


async def ask(request: Request) -> Response:
    """POST a collection: 202, then 409 for the same reference again, 400 with a code for bad input."""
    sim = simulator_of(request)
    try:
        asked = json.loads(await request.body())
    except ValueError:
        asked = None
    if code := fault_of(asked):
        return _refusal(400, code)
    asked["reference"] = str(UUID(asked["reference"]))
    struck = trouble.strike(sim, trouble.REQUEST, asked["phone"])
    return await _in_trouble(struck, lambda: _accept(sim, asked))


def fault_of(asked: Any) -> str:
    """The code of the first fault in a request, or nothing."""
    if not isinstance(asked, dict):
        return "INVALID_BODY"
    checks = {
        "reference": is_reference,
        "phone": lambda value: bool(PHONE.fullmatch(value)),
        "amount": lambda value: bool(AMOUNT.fullmatch(value)),
        "currency": lambda value: value in CURRENCIES,
        "note": lambda value: bool(NOTE.fullmatch(value)),
        "notice_url": is_loopback,
    }
    for name, fits in checks.items():
        value = asked.get(name)
        if not isinstance(value, str) or not fits(value):
            return f"INVALID_{name.upper()}"
    return ""


def is_reference(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine: the simulator calls no other."""
    try:
        parsed = urlsplit(url)
        host = parsed.hostname or ""
        return parsed.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _accept(sim: Simulator, asked: dict[str, str]) -> Response:
    kept = sim.db.execute(
        "INSERT INTO collection (reference, prompt_id, phone, amount, currency, note, notice_url, expires_at)"
        " VALUES (:reference, :prompt, :phone, :amount, :currency, :note, :notice_url, :expires_at)"
        " ON CONFLICT (reference) DO NOTHING",
        asked | {"prompt": str(uuid4()), "expires_at": epoch() + sim.scaled(WINDOW_S)},
    )
    if not kept.rowcount:
        return _refusal(409, "DUPLICATE_REFERENCE")
    return JSONResponse({"reference": asked["reference"], "status": "PENDING"}, 202)


async def _in_trouble(struck: Row | None, work: Callable[[], Response]) -> Response:
    """Do the work, changed by the ordered trouble if there is one."""
    match struck and struck["mode"]:
        case "slow":
            answer = work()
            await asyncio.sleep(struck["seconds"] if struck else 0)
            return answer
        case "error500":
            return Response("internal error", 500)
        case "html":
            return Response("<html><h1>403 Forbidden</h1></html>", 403, media_type="text/html")
        case "garbage":
            return Response('{"status": "SUCC', 200, media_type="application/json")
        case "accepted-then-500":
            work()
            return Response("internal error", 500)
        case "lost":
            return JSONResponse({"status": "PENDING"}, 202)
        case "refused":
            return _refusal(400, "PAYER_NOT_FOUND")
        case "not-found":
            return _refusal(404, "NOT_FOUND")
        case _:
            return work()


async def status(request: Request) -> Response:
    """GET a collection by its reference: 200 for a known one, whatever its status; else 404."""
    sim = simulator_of(request)
    row: Row | None = sim.db.execute(
        "SELECT * FROM collection WHERE reference = ?", (request.path_params["reference"].lower(),)
    ).fetchone()
    struck = trouble.strike(sim, trouble.STATUS, row["phone"] if row else None)
    if row is None:
        return await _in_trouble(struck, lambda: _refusal(404, "NOT_FOUND"))
    facts = bent(facts_of(row, epoch()), struck["mode"] if struck else None)
    return await _in_trouble(struck, lambda: JSONResponse(facts))


def facts_of(row: Row, now: float) -> dict[str, str | None]:
    """The operator's facts about a collection at `now`."""
    word, reason, completed_at = "PENDING", None, None
    if row["final_at"] is not None and row["final_at"] <= now:
        word, reason, completed_at = row["final_status"], row["final_reason"], row["final_at"]
    elif row["answer"] in (None, "ignore") and row["expires_at"] <= now:
        word, reason, completed_at = "FAILED", "EXPIRED", row["expires_at"]
    return {
        "reference": row["reference"],
        "phone": row["phone"],
        "amount": row["amount"],
        "currency": row["currency"],
        "status": word,
        "reason": reason,
        "receipt": f"SIM{row['reference'].replace('-', '')[:12].upper()}" if word == "SUCCESSFUL" else None,
        "completed_at": None if completed_at is None else iso(completed_at),
    }


def bent(facts: dict[str, str | None], mode: str | None) -> dict[str, str | None]:
    """The facts with the error that a test ordered."""
    match mode:
        case "unknown-status":
            return facts | {"status": "SETTLING_ELSEWHERE"}
        case "wrong-amount":
            return facts | {"amount": str(int(float(facts["amount"] or 0)) + 1)}
        case "wrong-currency":
            return facts | {"currency": "XAF" if facts["currency"] == "XOF" else "XOF"}
        case "wrong-phone":
            return facts | {"phone": f"{(facts['phone'] or '')[:-4]}9999"}
        case _:
            return facts


async def prompts(request: Request) -> JSONResponse:
    """GET ?phone=: the open prompts of a phone (of all phones without it), oldest first."""
    sim, phone = simulator_of(request), request.query_params.get("phone")
    rows = sim.db.execute(
        "SELECT * FROM collection WHERE answer IS NULL AND expires_at > :now"
        " AND (:phone IS NULL OR phone = :phone) ORDER BY position LIMIT 1000",
        {"now": epoch(), "phone": phone_number(phone) if phone is not None else None},
    ).fetchall()
    return JSONResponse([_prompt(row) for row in rows])


def _prompt(row: Row) -> dict[str, str | int]:
    shown = {name: row[name] for name in ("phone", "currency", "reference", "notice_url", "note")}
    # A whole number where it is one: the page shows it, and XOF and XAF have no smaller unit.
    amount = row["amount"]
    return shown | {
        "amount": int(amount) if amount.isdigit() else amount,
        "id": row["prompt_id"],
        "operator": NAME,
        "expires_at": iso(row["expires_at"]),
    }


# answer -> seconds until it is final (None: never), final status, reason, seconds until each notice
ANSWERS: dict[str, tuple[float | None, str | None, str | None, tuple[float, ...]]] = {
    "approve": (0, "SUCCESSFUL", None, (0,)),
    "decline": (0, "FAILED", "APPROVAL_REJECTED", (0,)),
    "ignore": (None, None, None, ()),
    "late": (LATE_S, "SUCCESSFUL", None, (LATE_S,)),
    "twice": (0, "SUCCESSFUL", None, (0, 0)),
    "notice-first": (NOTICE_FIRST_S, "SUCCESSFUL", None, (0,)),
}


async def answer(request: Request) -> JSONResponse:
    """POST answer=…: 404 for an unknown prompt, 400 for an unknown answer, 409 once answered or void."""
    sim, prompt_id = simulator_of(request), request.path_params["prompt"]
    row = sim.db.execute("SELECT * FROM collection WHERE prompt_id = ?", (prompt_id,)).fetchone()
    if row is None:
        raise HTTPException(404, "no such prompt")
    chosen = (await fields(request)).get("answer", "")
    if chosen not in ANSWERS:
        raise HTTPException(400, f"answer is one of {', '.join(ANSWERS)}")
    now = epoch()
    after_s, final, reason, notices_s = ANSWERS[chosen]
    final_at = None if after_s is None else now + sim.scaled(after_s)
    taken = sim.db.execute(
        "UPDATE collection SET answer = ?, final_at = ?, final_status = ?, final_reason = ?"
        " WHERE prompt_id = ? AND answer IS NULL AND expires_at > ?",
        (chosen, final_at, final, reason, prompt_id, now),
    )
    if not taken.rowcount:
        raise HTTPException(409, "answered already, or void")
    for notice_s in notices_s:
        json_later(sim, row["notice_url"], {"reference": row["reference"]}, after_s=notice_s)
    return JSONResponse({"id": prompt_id, "answer": chosen})


def _refusal(code: int, word: str) -> JSONResponse:
    return JSONResponse({"code": word, "message": word.replace("_", " ").lower()}, code)


ROUTES = [
    Route("/simulator/operator/v1/collections", ask, methods=["POST"]),
    Route("/simulator/operator/v1/collections/{reference}", status, methods=["GET"]),
    Route("/simulator/prompts", prompts, methods=["GET"]),
    Route("/simulator/prompts/{prompt}", answer, methods=["POST"]),
    *trouble.ROUTES,
]
