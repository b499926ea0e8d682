"""Trouble that a test orders from the operator: one table row a kind of trouble.

It strikes the next `count` requests, or every request for `phone`, until `mode=none` ends all of it.
"""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.desk import Desk, desk_of, fields, phone_number
from simulator.store import Row

REQUEST, STATUS = "request", "status"


@dataclass(frozen=True)
class Kind:
    """Where a trouble may strike, and what it does there; `does` is the sentence the next reader needs."""

    strikes: tuple[str, ...]
    does: str


KINDS = {
    "slow": Kind((REQUEST, STATUS), "does its work, and answers after `seconds` (15)"),
    "error500": Kind((REQUEST, STATUS), "answers 500 and does nothing"),
    "html": Kind((REQUEST, STATUS), "answers 403 with a page in HTML and does nothing"),
    "garbage": Kind((REQUEST, STATUS), "answers 200 with JSON cut in half and does nothing"),
    "accepted-then-500": Kind((REQUEST,), "does its work, and answers 500"),
    "lost": Kind((REQUEST,), "answers 202, and forgets"),
    "refused": Kind((REQUEST,), "answers 400 PAYER_NOT_FOUND"),
    "not-found": Kind((STATUS,), "answers 404 although it knows"),
    "unknown-status": Kind((STATUS,), "answers a status word that nobody has seen"),
    "wrong-amount": Kind((STATUS,), "tells one franc more than was asked"),
    "wrong-currency": Kind((STATUS,), "tells another currency"),
    "wrong-phone": Kind((STATUS,), "tells another payer"),
}


async def order(request: Request) -> JSONResponse:
    """POST mode[, count, phone, on=request|status, seconds]. Without count and phone it strikes once."""
    desk, form = desk_of(request), await fields(request)
    mode = form.get("mode", "")
    if mode == "none":
        desk.db.execute("DELETE FROM trouble")
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
    desk.db.execute(
        "INSERT INTO trouble (mode, at, phone, remaining, seconds) VALUES (?, ?, ?, ?, ?)",
        (mode, form.get("on"), phone, count, seconds),
    )
    return JSONResponse({"mode": mode, "does": kind.does})


def strike(desk: Desk, at: str, phone: str | None) -> Row | None:
    """The oldest trouble that fits this request, counted down; None when all is well."""
    rows = desk.db.execute(
        "SELECT * FROM trouble WHERE (at IS NULL OR at = ?) AND (phone IS NULL OR phone = ?)"
        " ORDER BY position",
        (at, phone),
    ).fetchall()
    trouble: Row | None = next((row for row in rows if at in KINDS[row["mode"]].strikes), None)
    if trouble is not None and trouble["remaining"] is not None:
        desk.db.execute(
            "UPDATE trouble SET remaining = remaining - 1 WHERE position = ?", (trouble["position"],)
        )
        desk.db.execute("DELETE FROM trouble WHERE remaining <= 0")
    return trouble


ROUTES = [Route("/simulator/operator/trouble", order, methods=["POST"])]
