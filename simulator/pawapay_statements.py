"""pawaPay's statements: a CSV of a wallet's days, asked for by POST /v2/statements, ready at once, told by a callback.

The header of the CSV is second hand.
"""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money
from simulator.deps import Simulator, epoch, iso, simulator_of
from simulator.money import IN
from simulator.outgoing import OutgoingNotice, notice_later
from simulator.pawapay_facts import COMPLETED, COUNTRIES, PROVIDERS, predicted
from simulator.pawapay_orders import NAME, PawapayRefusalError, account_in, padded
from simulator.pawapay_toolkit import BASE
from simulator.store import Row

LONGEST = timedelta(days=31)
LIFE_S = 3600.0  # of the address of a file
HEADER = (
    *("Transaction ID", "Transaction Type", "Status", "Currency", "Amount", "Fee", "Net Amount"),
    *("Customer Phone Number", "Provider", "Client Reference", "Created At", "Completed At"),
    "Provider Transaction ID",
)


def written(entries: list[journal.Entry]) -> str:
    """The CSV of these."""
    return journal.csv_text(HEADER, map(_line, entries), ",")


def _line(entry: journal.Entry) -> tuple[str, ...]:
    kind = "DEPOSIT" if entry["direction"] == IN else "REFUND" if entry["token"] else "PAYOUT"
    is_paid = entry["state"] == money.PAID
    fee = journal.milli(entry["fee"]) if is_paid else 0
    net = journal.milli(entry["amount"]) + (-fee if kind == "DEPOSIT" else fee)
    digits = entry["phone"].removeprefix("+")
    return (
        entry["reference"],
        kind,
        COMPLETED if is_paid else "FAILED",
        entry["currency"],
        padded(entry["amount"], 4),
        padded(journal.decimal(fee), 4) if is_paid else "",
        padded(journal.decimal(net), 4) if is_paid else "",
        digits,
        (predicted(digits) or ("", ""))[1],
        entry["reference"],
        entry["begun_at"],
        entry["ended_at"],
        entry["receipt"] if is_paid else "",
    )


async def ask(request: Request) -> Response:
    """POST wallet, callbackUrl, startDate, endDate[, compressed]: it is ready when the callback comes."""
    sim = simulator_of(request)
    try:
        account = account_in(request)
        asked = _understood(await request.body())
    except PawapayRefusalError as refused:
        return refused.answer()
    row = asked | {"id": str(uuid4()), "account": account, "made_at": epoch()}
    sim.db.execute(
        "INSERT INTO pawapay_statement VALUES (:id, :account, :callback, :country, :currency, :starts_at,"
        " :ends_at, :compressed, :made_at)",
        row,
    )
    if money.is_loopback(row["callback"]):
        notice = OutgoingNotice(row["callback"], json.dumps(_data(request, row)))
        notice_later(sim, notice, after_s=1)
    return JSONResponse({"statementId": row["id"], "status": "ACCEPTED", "created": iso(row["made_at"])})


def _understood(body: bytes) -> dict[str, Any]:
    """The facts of a request; PawapayRefusalError, HTTP 400, for one that cannot be."""
    try:
        told = json.loads(body)
        wallet, callback = told["wallet"], str(told["callbackUrl"])
        start, end = (_moment(told[name]) for name in ("startDate", "endDate"))
        country, currency = str(wallet["country"]), str(wallet["currency"])
    except KeyError as absent:
        raise PawapayRefusalError("MISSING_PARAMETER", f"{absent} is missing.", 400) from None
    except (ValueError, TypeError):
        raise PawapayRefusalError("INVALID_INPUT", http=400) from None
    if not callback.startswith("https://") and not money.is_loopback(callback):
        raise PawapayRefusalError("INVALID_CALLBACK_URL", http=400)
    if not timedelta(0) < end - start <= LONGEST:
        raise PawapayRefusalError("INVALID_DATE_RANGE", http=400)
    if not any(mmo.country == country and currency in mmo.currencies for mmo in PROVIDERS.values()):
        raise PawapayRefusalError("WALLET_NOT_FOUND", http=400)
    return {
        "callback": callback,
        "country": country,
        "currency": currency,
        "starts_at": iso(start.timestamp()),
        "ends_at": iso(end.timestamp()),
        "compressed": int(told.get("compressed") is True),
    }


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _data(request: Request, row: Mapping[str, Any]) -> dict[str, Any]:
    address = f"{request.base_url}{BASE.removeprefix('/')}/v2/statements/{row['id']}/file"
    return {
        "statementId": row["id"],
        "status": COMPLETED,
        "wallet": {"country": row["country"], "currency": row["currency"]},
        "created": iso(row["made_at"]),
        "startDate": row["starts_at"],
        "endDate": row["ends_at"],
        "downloadUrl": address,
        "downloadUrlExpiresAt": iso(epoch() + LIFE_S),
        "completedAt": iso(row["made_at"]),
    }


def _kept(sim: Simulator, named: str) -> Row | None:
    row: Row | None = sim.db.execute("SELECT * FROM pawapay_statement WHERE id = ?", (named,)).fetchone()
    return row


async def look_up(request: Request) -> Response:
    """GET one by its id: FOUND, with the address of its file, or NOT_FOUND."""
    try:
        account = account_in(request)
    except PawapayRefusalError as refused:
        return refused.answer()
    row = _kept(simulator_of(request), request.path_params["id"])
    if row is None or row["account"] != account:
        return JSONResponse({"status": "NOT_FOUND"})
    return JSONResponse({"status": "FOUND", "data": _data(request, row)})


async def file(request: Request) -> Response:
    """GET the CSV, without a token: its address is the secret."""
    sim = simulator_of(request)
    row = _kept(sim, request.path_params["id"])
    if row is None:
        raise HTTPException(404)
    text = written(
        [
            entry
            for entry in journal.ended(sim, NAME)
            if entry["account"] == row["account"]
            and entry["currency"] == row["currency"]
            and entry["phone"].startswith(f"+{COUNTRIES[row['country']].prefix}")
            and row["starts_at"] <= entry["ended_at"] < row["ends_at"]
        ]
    )
    if row["compressed"]:
        return Response(gzip.compress(text.encode()), media_type="application/gzip")
    return Response(text, media_type="text/csv")


ROUTES = [
    Route(f"{BASE}/v2/statements", ask, methods=["POST"]),
    Route(f"{BASE}/v2/statements/{{id}}", look_up, methods=["GET"]),
    Route(f"{BASE}/v2/statements/{{id}}/file", file, methods=["GET"]),
]
