"""Troubles that a test orders from the providers: one table row each.

A trouble strikes the next `count` requests, or every request for `phone`, until `mode=none` deletes all. With a `seed`
it strikes that part of all requests which `rate` says; mode `any` then means a kind that is drawn, none of which
lies about money.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from random import Random

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from simulator.deps import Simulator, fields, phone_number, simulator_of
from simulator.store import Row

# Where a trouble strikes: the steps of a payment and of a payout, and whatever else a provider answers.
PREPARE, REQUEST, STATUS = "prepare", "request", "status"
PAYOUT_PREPARE, PAYOUT, PAYOUT_STATUS = "payout-prepare", "payout", "payout-status"
TOKEN, HOLDER, BALANCE = "token", "holder", "balance"

MOVES = (REQUEST, PAYOUT)
STEPS = (*MOVES, PREPARE, PAYOUT_PREPARE)
TELLS = (STATUS, PAYOUT_STATUS)
EVERYWHERE = (REQUEST, STATUS, PAYOUT, PAYOUT_STATUS, PREPARE, PAYOUT_PREPARE, TOKEN, HOLDER, BALANCE)
ANY = "any"


@dataclass(frozen=True)
class TroubleKind:
    """Where a trouble may strike; `does` says in one sentence what it does.

    `stays` with the money that it struck. One that `lies` says of money what is not so: it is never drawn by chance.
    """

    strikes: tuple[str, ...]
    does: str
    stays: bool = False
    lies: bool = False


KINDS = {
    "slow": TroubleKind(EVERYWHERE, "does its work, and answers after `seconds` (15)"),
    "trickle": TroubleKind(EVERYWHERE, "does its work, and answers byte by byte for `seconds` (15)"),
    "error500": TroubleKind(EVERYWHERE, "answers 500 and does nothing"),
    "html": TroubleKind(EVERYWHERE, "answers 403 with a page in HTML and does nothing"),
    "unauthorised": TroubleKind(EVERYWHERE, "answers 401, as after a token's end, and does nothing"),
    "garbage": TroubleKind(EVERYWHERE, "answers 200 with JSON cut in half and does nothing"),
    "redirect": TroubleKind(EVERYWHERE, "answers 307 to an address on this machine and does nothing"),
    "accepted-then-500": TroubleKind(STEPS, "does its work, and answers 500"),
    "lost": TroubleKind(STEPS, "answers as if it had accepted, and forgets"),
    "refused": TroubleKind(STEPS, "refuses the phone or the order for good"),
    "debited-then-500": TroubleKind(MOVES, "moves the money at once, and answers 500", stays=True),
    "notice-before-answer": TroubleKind(MOVES, "moves and rings at once, answers a second later", stays=True),
    "notice-late": TroubleKind(MOVES, "rings three days after the end", stays=True),
    "days-late": TroubleKind(MOVES, "ends three days after the answer", stays=True),
    "reordered": TroubleKind(MOVES, "rings with what was before, after the end", stays=True),
    "many-notices": TroubleKind(MOVES, "rings twenty times", stays=True),
    "no-notice": TroubleKind(MOVES, "never rings", stays=True),
    "forged": TroubleKind(MOVES, "somebody else rings at once: it is paid", stays=True),
    "untold": TroubleKind((*MOVES, *TELLS), "does not tell the amount", stays=True),
    "another-amount": TroubleKind(MOVES, "moves one franc more than was asked", stays=True, lies=True),
    "not-found": TroubleKind((*TELLS, HOLDER), "answers 404 although it knows", lies=True),
    "unknown-status": TroubleKind(TELLS, "answers a status word that nobody has seen"),
    "wrong-failure": TroubleKind(TELLS, "tells that it failed, whatever becomes of it", lies=True),
    "wrong-time": TroubleKind(TELLS, "tells an end that is a day later", lies=True),
    "wrong-amount": TroubleKind(TELLS, "tells one franc more than was asked", lies=True),
    "wrong-currency": TroubleKind(TELLS, "tells another currency", lies=True),
    "wrong-phone": TroubleKind(TELLS, "tells another phone", lies=True),
}


async def order(request: Request) -> JSONResponse:
    """POST mode[, provider, on, phone, count, seconds, seed, rate]. Without count, phone and seed it strikes once."""
    sim, form = simulator_of(request), await fields(request)
    mode = form.get("mode", "")
    if mode == "none":
        sim.db.execute("DELETE FROM trouble")
        return JSONResponse({"mode": mode})
    kind = TroubleKind(EVERYWHERE, "draws a kind for each request") if mode == ANY else KINDS.get(mode)
    if kind is None or form.get("on", kind.strikes[0]) not in kind.strikes:
        raise HTTPException(400, f"mode is none or one of {', '.join(KINDS)}; on is where that mode strikes")
    phone = phone_number(form["phone"]) if form.get("phone") else None
    seed = form.get("seed")
    if mode == ANY and not seed:
        raise HTTPException(400, "any is drawn by a seed")
    try:
        count = int(form["count"]) if form.get("count") else (None if phone or seed else 1)
        seconds, rate = float(form.get("seconds") or 15), float(form.get("rate") or 1)
    except ValueError:
        raise HTTPException(400, "count, seconds and rate are numbers") from None
    sim.db.execute(
        "INSERT INTO trouble (mode, provider, at, phone, remaining, seconds, seed, rate)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (mode, form.get("provider"), form.get("on"), phone, count, seconds, seed, rate),
    )
    return JSONResponse({"mode": mode, "does": kind.does})


def strike(sim: Simulator, provider: str, at: str, phone: str | None, key: str = "") -> Row | None:
    """The oldest trouble that fits this request, counted down; None if there is none.

    `key` is the order that is meant: with the seed it decides what is drawn, so that a run can be played again.
    """
    rows = sim.db.execute(
        "SELECT * FROM trouble WHERE (at IS NULL OR at = ?) AND (phone IS NULL OR phone = ?)"
        " AND (provider IS NULL OR provider = ?) ORDER BY position",
        (at, phone, provider),
    ).fetchall()
    for row in rows:
        drawn = row if row["seed"] is None else _drawn(sim, row, (provider, at, key))
        if drawn is not None and at in KINDS[drawn["mode"]].strikes:
            _count_down(sim, row)
            return drawn
    return None


def _drawn(sim: Simulator, row: Row, meant: tuple[str, str, str]) -> Row | None:
    sim.drawn[meant] += 1
    chance = Random(f"{row['seed']} {meant} {sim.drawn[meant]}")  # noqa: S311 - it is no secret
    if chance.random() >= row["rate"]:
        return None
    if row["mode"] != ANY:
        return row
    fair = [mode for mode, kind in KINDS.items() if meant[1] in kind.strikes and not kind.lies]
    return row | {"mode": chance.choice(fair)}


def _count_down(sim: Simulator, row: Row) -> None:
    if row["remaining"] is not None:
        sim.db.execute("UPDATE trouble SET remaining = remaining - 1 WHERE position = ?", (row["position"],))
        sim.db.execute("DELETE FROM trouble WHERE remaining <= 0")


@dataclass(frozen=True)
class MoneyExchange:
    """One request to a provider: its work, which answers, and the provider's own words for what troubles need."""

    work: Callable[[], Response]
    lost: Callable[[], Response] | None = None
    refused: Callable[[], Response] | None = None
    not_found: Callable[[], Response] | None = None


async def answered(sim: Simulator, struck: Row | None, exchange: MoneyExchange) -> Response:
    """Do the work and answer, changed by the trouble if there is one."""
    mode, seconds = (struck["mode"], struck["seconds"]) if struck else (None, 0.0)
    match mode:
        case "error500":
            return Response("internal error", 500)
        case "html":
            return Response("<html><h1>403 Forbidden</h1></html>", 403, media_type="text/html")
        case "unauthorised":
            return JSONResponse({"message": "unauthorised"}, 401)
        case "garbage":
            return Response('{"status": "SUCC', 200, media_type="application/json")
        case "redirect":
            return RedirectResponse(f"{sim.config.service_url}/redirected", 307)
    own = {"lost": exchange.lost, "refused": exchange.refused, "not-found": exchange.not_found}.get(
        mode or ""
    )
    answer = (own or exchange.work)()
    match mode:
        case "slow":
            await asyncio.sleep(seconds)
        case "notice-before-answer":
            await asyncio.sleep(1)
        case "trickle":
            slowly = _byte_by_byte(bytes(answer.body), seconds)
            return StreamingResponse(slowly, answer.status_code, media_type=answer.media_type)
        case "accepted-then-500" | "debited-then-500":
            return Response("internal error", 500)
    return answer


async def _byte_by_byte(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for nth in range(len(body)):
        await asyncio.sleep(seconds / len(body))
        yield body[nth : nth + 1]


ROUTES = [
    Route("/simulator/trouble", order, methods=["POST"]),
    Route("/simulator/operator/trouble", order, methods=["POST"]),
]
