"""Troubles that a test orders from the operator: one table row each.

A trouble strikes the next `count` requests, or every request for `phone`, until `mode=none` deletes all.
"""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.deps import Simulator, fields, phone_number, simulator_of
from simulator.store import Row

REQUEST, STATUS = "request", "status"


@dataclass(frozen=True)
class TroubleKind:
    """Where a trouble may strike; `does` says in one sentence what it does."""

    strikes: tuple[str, ...]
    does: str


KINDS = {
    "slow": TroubleKind((REQUEST, STATUS), "does its work, and answers after `seconds` (15)"),
    "error500": TroubleKind((REQUEST, STATUS), "answers 500 and does nothing"),
    "html": TroubleKind((REQUEST, STATUS), "answers 403 with a page in HTML and does nothing"),
    "garbage": TroubleKind((REQUEST, STATUS), "answers 200 with JSON cut in half and does nothing"),
    "accepted-then-500": TroubleKind((REQUEST,), "does its work, and answers 500"),
    "lost": TroubleKind((REQUEST,), "answers 202, and forgets"),
    "refused": TroubleKind((REQUEST,), "answers 400 PAYER_NOT_FOUND"),
    "not-found": TroubleKind((STATUS,), "answers 404 although it knows"),
    "unknown-status": TroubleKind((STATUS,), "answers a status word that nobody has seen"),
    "wrong-amount": TroubleKind((STATUS,), "tells one franc more than was asked"),
    "wrong-currency": TroubleKind((STATUS,), "tells another currency"),
    "wrong-phone": TroubleKind((STATUS,), "tells another payer"),
}


async def order(request: Request) -> JSONResponse:
    """POST mode[, count, phone, on=request|status, seconds]. Without count and phone it strikes once."""
    sim, form = simulator_of(request), await fields(request)
    mode = form.get("mode", "")
    if mode == "none":
        sim.db.execute("DELETE FROM trouble")
        return JSONResponse({"mode": mode})
    kind = KINDS.get(mode)
    if kind is None or form.get("on", kind.strikes[0]) not in kind.strikes:
        raise HTTPException(400, f"mode is none or one of {', '.join(KINDS)}; on is where that mode strikes")
    phone = phone_number(form["phone"]) if form.get("phone") else None
    try:
        count = int(form["count"]) if form.get("count") else (None if phone else 1)
        seconds = float(form.get("seconds") or 15)
    except ValueError:
        raise HTTPException(400, "count and seconds are numbers") from None
    sim.db.execute(
        "INSERT INTO trouble (mode, at, phone, remaining, seconds) VALUES (?, ?, ?, ?, ?)",
        (mode, form.get("on"), phone, count, seconds),
    )
    return JSONResponse({"mode": mode, "does": kind.does})


def strike(sim: Simulator, at: str, phone: str | None) -> Row | None:
    """The oldest trouble that fits this request, counted down; None if there is none."""
    rows = sim.db.execute(
        "SELECT * FROM trouble WHERE (at IS NULL OR at = ?) AND (phone IS NULL OR phone = ?)"
        " ORDER BY position",
        (at, phone),
    ).fetchall()
    trouble: Row | None = next((row for row in rows if at in KINDS[row["mode"]].strikes), None)
    if trouble is not None and trouble["remaining"] is not None:
        sim.db.execute(
            "UPDATE trouble SET remaining = remaining - 1 WHERE position = ?", (trouble["position"],)
        )
        sim.db.execute("DELETE FROM trouble WHERE remaining <= 0")
    return trouble


ROUTES = [Route("/simulator/operator/trouble", order, methods=["POST"])]
