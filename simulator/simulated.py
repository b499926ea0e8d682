"""The mobile money operator `simulated`: asks a phone to approve a payment, pays out, and answers their status.

Its notice holds the reference only: the service must ask for the status.
"""

import json
import re
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, trouble
from simulator.deps import PHONE, Simulator, iso, json_object, simulator_of
from simulator.money import IN, OUT, Beginning, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import OutgoingNotice
from simulator.store import Row
from simulator.trouble import MoneyExchange

NAME = "simulated"
WINDOW_S = money.WINDOW_S
NOTE = re.compile(r"[A-Za-z0-9 ]{0,22}")
AMOUNT = re.compile(r"[1-9][0-9]{0,11}(\.[0-9]{1,3})?|0\.[0-9]{1,3}")
CURRENCIES = ("XOF", "XAF", "GNF", "RWF", "CDF", "USD", "EUR")
WORDS = {money.PAID: "SUCCESSFUL"}  # the others are the core's


async def ask(request: Request) -> Response:
    """POST a collection: 202, then 409 for the same reference again, 400 with a code for bad input."""
    return await _ordered(request, IN, trouble.REQUEST)


async def pay_out(request: Request) -> Response:
    """POST a payout, as a collection; 400 INSUFFICIENT_FLOAT where the account has not enough."""
    return await _ordered(request, OUT, trouble.PAYOUT)


async def _ordered(request: Request, direction: str, place: str) -> Response:
    sim, asked = simulator_of(request), await json_object(request)
    if code := fault_of(asked):
        return _refusal(400, code)
    asked["reference"] = reference = str(UUID(asked["reference"]))
    struck = trouble.strike(sim, NAME, place, asked["phone"], reference)
    known = PAYER if direction == IN else PAYEE
    exchange = MoneyExchange(
        work=lambda: _accept(sim, direction, asked, struck),
        lost=lambda: JSONResponse({"status": "PENDING"}, 202),
        refused=lambda: _refusal(400, known),
    )
    return await trouble.answered(sim, struck, exchange)


PAYER, PAYEE = "PAYER_NOT_FOUND", "PAYEE_NOT_FOUND"


def fault_of(asked: dict[str, Any]) -> str:
    """The code of the first fault in a request, or nothing."""
    if not asked:
        return "INVALID_BODY"
    checks = {
        "reference": is_reference,
        "phone": lambda value: bool(PHONE.fullmatch(value)),
        "amount": lambda value: bool(AMOUNT.fullmatch(value)),
        "currency": lambda value: value in CURRENCIES,
        "note": lambda value: bool(NOTE.fullmatch(value)),
        "notice_url": money.is_loopback,
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


def _accept(sim: Simulator, direction: str, asked: dict[str, str], struck: Row | None) -> Response:
    reference = asked["reference"]
    order = MoneyOrder(
        NAME,
        direction,
        key=reference,
        reference=reference,
        amount=asked["amount"],
        currency=asked["currency"],
        phone=asked["phone"],
        receipt=f"SIM{reference.replace('-', '')[:12].upper()}",
        note=asked["note"],
        notice_url=asked["notice_url"],
    )
    if money.find(sim, NAME, direction, reference):
        return _refusal(409, "DUPLICATE_REFERENCE")
    if direction == OUT and not money.covers(sim, order):
        return _refusal(400, "INSUFFICIENT_FLOAT")
    money.accept(sim, order, struck, Beginning(window_s=WINDOW_S))
    return JSONResponse({"reference": reference, "status": "PENDING"}, 202)


async def status(request: Request) -> Response:
    """GET a collection by its reference: 200 for a known one, whatever its status; else 404."""
    return await _status(request, IN, trouble.STATUS)


async def payout_status(request: Request) -> Response:
    """GET a payout by its reference."""
    return await _status(request, OUT, trouble.PAYOUT_STATUS)


async def _status(request: Request, direction: str, place: str) -> Response:
    sim, reference = simulator_of(request), request.path_params["reference"].lower()
    row = money.find(sim, NAME, direction, reference)
    struck = trouble.strike(sim, NAME, place, row["phone"] if row else None, reference)
    exchange = MoneyExchange(
        work=lambda: (
            JSONResponse(_said(row, money.facts_of(row, struck))) if row else _refusal(404, "NOT_FOUND")
        ),
        not_found=lambda: _refusal(404, "NOT_FOUND"),
    )
    return await trouble.answered(sim, struck, exchange)


def _said(row: Row, facts: MoneyFacts) -> dict[str, str | None]:
    return {
        "reference": row["reference"],
        "phone": facts.phone,
        "amount": facts.amount,
        "currency": facts.currency,
        "status": WORDS.get(facts.state, facts.state),
        "reason": facts.reason,
        "receipt": row["receipt"] if facts.state == money.PAID else None,
        "completed_at": None if facts.completed_at is None else iso(facts.completed_at),
    }


async def holder(request: Request) -> Response:
    """GET the registered name of a phone."""
    sim, phone = simulator_of(request), "+" + request.path_params["phone"].removeprefix("+")
    is_phone = bool(PHONE.fullmatch(phone))
    struck = trouble.strike(sim, NAME, trouble.HOLDER, phone)
    exchange = MoneyExchange(
        work=lambda: JSONResponse({"name": money.holder(phone)}) if is_phone else _refusal(404, "NOT_FOUND"),
        not_found=lambda: _refusal(404, "NOT_FOUND"),
    )
    return await trouble.answered(sim, struck, exchange)


async def balance(request: Request) -> Response:
    """GET ?currency=: what there is to pay out from."""
    sim, currency = simulator_of(request), request.query_params.get("currency", "")
    if currency not in CURRENCIES:
        return _refusal(400, "INVALID_CURRENCY")
    left = journal.decimal(money.balance_milli(sim, NAME, "", currency))
    struck = trouble.strike(sim, NAME, trouble.BALANCE, None)
    exchange = MoneyExchange(work=lambda: JSONResponse({"available": left, "currency": currency}))
    return await trouble.answered(sim, struck, exchange)


def _refusal(code: int, word: str) -> JSONResponse:
    return JSONResponse({"code": word, "message": word.replace("_", " ").lower()}, code)


def _notice(_sim: Simulator, row: Row, _told: MoneyFacts) -> OutgoingNotice:
    return OutgoingNotice(row["notice_url"], json.dumps({"reference": row["reference"]}))


def _statement(entries: list[journal.Entry]) -> str:
    """Preset `plain`: money out is below zero, and has no payer."""
    moved = [entry for entry in entries if entry["state"] == money.PAID]
    return journal.csv_text(
        ("date", "id", "payer", "amount", "currency", "note", "fee"),
        (
            (
                entry["ended_at"],
                entry["receipt"],
                entry["phone"] if entry["direction"] == IN else "",
                entry["amount"] if entry["direction"] == IN else f"-{entry['amount']}",
                entry["currency"],
                f"{entry['reference']} {entry['note']}".strip(),
                entry["fee"],
            )
            for entry in moved
        ),
    )


PROVIDER = MoneyProvider(NAME, _notice, _statement)
ROUTES = [
    Route("/simulator/operator/v1/collections", ask, methods=["POST"]),
    Route("/simulator/operator/v1/collections/{reference}", status, methods=["GET"]),
    Route("/simulator/operator/v1/payouts", pay_out, methods=["POST"]),
    Route("/simulator/operator/v1/payouts/{reference}", payout_status, methods=["GET"]),
    Route("/simulator/operator/v1/holders/{phone}", holder, methods=["GET"]),
    Route("/simulator/operator/v1/balance", balance, methods=["GET"]),
]
