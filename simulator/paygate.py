"""PayGateGlobal (Togo): asks a phone to pay, and answers in figures; its notices go to the address of the dashboard.

What it does not document is a choice of this file: the amount is told of Flooz, not of T-Money; an unknown identifier
is answered 404 with `error_code`; a phone may have its country code. It has no sandbox, so no number has an outcome.
"""

import json
import re
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, trouble
from simulator.deps import Simulator, iso, json_object, simulator_of
from simulator.money import IN, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import OutgoingNotice
from simulator.store import Row
from simulator.trouble import MoneyExchange

NAME = "paygate"
REGISTERED, BAD_TOKEN, BAD_PARAMETERS, KNOWN_ALREADY = 0, 2, 4, 6
PAID, GOES_ON, EXPIRED, CANCELLED = 0, 2, 4, 6
NOBODY_HAS_SEEN = 9
PHONE = re.compile(r"(\+?228)?[0-9]{8}")
METHODS = {"FLOOZ": "FLOOZ", "TMONEY": "T-Money"}
FEES_PER_MILLE = {"FLOOZ": 25, "TMONEY": 30}  # second hand: its own tariff


async def pay(request: Request) -> Response:
    """POST auth_token, phone_number, amount, identifier, network[, description]: a figure, always with 200."""
    sim, asked = simulator_of(request), await json_object(request)
    if not _is_key(asked):
        return JSONResponse({"tx_reference": None, "status": BAD_TOKEN})
    if not _fits(asked):
        return JSONResponse({"tx_reference": None, "status": BAD_PARAMETERS})
    identifier, phone = asked["identifier"], _phone(asked)
    struck = trouble.strike(sim, NAME, trouble.REQUEST, phone, identifier)
    exchange = MoneyExchange(
        work=lambda: _accept(sim, asked, struck),
        lost=lambda: JSONResponse({"tx_reference": tx_reference(identifier), "status": REGISTERED}),
        refused=lambda: JSONResponse({"tx_reference": None, "status": BAD_PARAMETERS}),
    )
    return await trouble.answered(sim, struck, exchange)


def _fits(asked: dict[str, Any]) -> bool:
    identifier, amount = asked.get("identifier"), str(asked.get("amount"))
    return (
        isinstance(identifier, str)
        and 0 < len(identifier) <= 100
        and PHONE.fullmatch(str(asked.get("phone_number"))) is not None
        and re.fullmatch(r"[1-9][0-9]{0,11}", amount) is not None
        and str(asked.get("network")) in METHODS
        and len(str(asked.get("description") or "")) <= 200
    )


def _phone(asked: dict[str, Any]) -> str:
    return f"+228{str(asked['phone_number'])[-8:]}"


def _accept(sim: Simulator, asked: dict[str, Any], struck: Row | None) -> Response:
    identifier, network = asked["identifier"], asked["network"]
    fee_milli = journal.milli(str(asked["amount"])) * FEES_PER_MILLE[network] // 1000
    order = MoneyOrder(
        NAME,
        IN,
        key=identifier,
        reference=identifier,
        token=tx_reference(identifier),
        receipt=f"{network[0]}{tx_reference(identifier)}",
        amount=str(asked["amount"]),
        currency="XOF",
        phone=_phone(asked),
        note=str(asked.get("description") or ""),
        account=money.account_of(asked["auth_token"]),
        fee=journal.decimal(-(-fee_milli // 1000) * 1000),
        more={"network": network},
    )
    row = money.accept(sim, order, struck)
    status = KNOWN_ALREADY if row is None else REGISTERED
    return JSONResponse({"tx_reference": order.token, "status": status})


def tx_reference(identifier: str) -> str:
    """PayGateGlobal's own number of a transaction."""
    return str(int.from_bytes(sha256(identifier.encode()).digest()[:5]))


async def status_by_identifier(request: Request) -> Response:
    """POST auth_token, identifier (v2)."""
    sim, asked = simulator_of(request), await json_object(request)
    return await _status(sim, asked, money.find(sim, NAME, IN, str(asked.get("identifier"))))


async def status_by_reference(request: Request) -> Response:
    """POST auth_token, tx_reference (v1)."""
    sim, asked = simulator_of(request), await json_object(request)
    return await _status(sim, asked, money.by_token(sim, NAME, str(asked.get("tx_reference"))))


async def _status(sim: Simulator, asked: dict[str, Any], row: Row | None) -> Response:
    if not _is_key(asked):
        return _error(403, "auth_token invalide")
    if row is not None and row["account"] != money.account_of(asked["auth_token"]):
        row = None  # another merchant's
    struck = trouble.strike(
        sim, NAME, trouble.STATUS, row["phone"] if row else None, row["key"] if row else ""
    )
    exchange = MoneyExchange(
        work=lambda: JSONResponse(_said(row, money.facts_of(row, struck))) if row else _unknown(),
        not_found=_unknown,
    )
    return await trouble.answered(sim, struck, exchange)


def _said(row: Row, facts: MoneyFacts) -> dict[str, object]:
    network = money.more_of(row)["network"]
    said: dict[str, object] = {
        "tx_reference": row["token"],
        "identifier": row["reference"],
        "payment_reference": row["receipt"] if facts.state == money.PAID else None,
        "status": _figure(facts),
        "datetime": iso(facts.completed_at) if facts.completed_at else None,
        "payment_method": METHODS[network],
    }
    if network == "FLOOZ" and facts.amount is not None:
        said["amount"] = facts.amount
    return said


def _figure(facts: MoneyFacts) -> int:
    if facts.state == money.FAILED:
        return EXPIRED if facts.reason == "EXPIRED" else CANCELLED
    return {money.PAID: PAID, money.PENDING: GOES_ON}.get(facts.state, NOBODY_HAS_SEEN)


async def check_balance(request: Request) -> Response:
    """POST auth_token: what each network's wallet has. All payments of the simulator go to Flooz's."""
    sim, asked = simulator_of(request), await json_object(request)
    if not _is_key(asked):
        return _error(403, "auth_token invalide")
    left = money.balance_milli(sim, NAME, money.account_of(asked["auth_token"]), "XOF")
    struck = trouble.strike(sim, NAME, trouble.BALANCE, None)
    exchange = MoneyExchange(work=lambda: JSONResponse({"flooz": left // 1000, "tmoney": 0}))
    return await trouble.answered(sim, struck, exchange)


def _is_key(asked: dict[str, Any]) -> bool:
    """Any key opens an account of its own here, but the word `wrong`."""
    key = asked.get("auth_token")
    return isinstance(key, str) and key not in ("", "wrong")


def _unknown() -> JSONResponse:
    return _error(404, "transaction introuvable")


def _error(code: int, message: str) -> JSONResponse:
    return JSONResponse({"error_code": code, "error_message": message}, code)


def _notice(sim: Simulator, row: Row, told: MoneyFacts) -> OutgoingNotice | None:
    """It rings of what was paid only."""
    url = money.dashboard_url(sim, row)
    if not url or told.state != money.PAID:
        return None
    body = _said(row, told) | {"phone_number": row["phone"].removeprefix("+228")}
    del body["status"]
    return OutgoingNotice(url, json.dumps(body))


def _statement(entries: list[journal.Entry]) -> str:
    """Preset `paygate`: the fields of its notices."""
    return journal.csv_text(
        ("tx_reference", "identifier", "payment_reference", "amount", "fees", "datetime", "phone_number"),
        (
            [entry[name] for name in ("token", "reference", "receipt", "amount", "fee", "ended_at")]
            + [entry["phone"].removeprefix("+228")]
            for entry in entries
            if entry["state"] == money.PAID
        ),
    )


PROVIDER = MoneyProvider(NAME, _notice, _statement, title="PayGateGlobal")
ROUTES = [
    Route("/simulator/paygate/api/v1/pay", pay, methods=["POST"]),
    Route("/simulator/paygate/api/v1/status", status_by_reference, methods=["POST"]),
    Route("/simulator/paygate/api/v2/status", status_by_identifier, methods=["POST"]),
    Route("/simulator/paygate/api/v1/check-balance", check_balance, methods=["POST"]),
]
