"""QOS, Togo and Benin: signing in, a push to a phone, its status, the wallets.

What its documentation does not show is a choice of this file: where the token is, the words PENDING and FAILED, the
code of each refusal, 404 for an unknown reference. It documents no notice, so none is sent, and no number of a
sandbox.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, trouble
from simulator.deps import Simulator, json_object, simulator_of
from simulator.money import IN, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import OutgoingNotice
from simulator.store import Row
from simulator.trouble import MoneyExchange

NAME = "qos"
DONE = "00"
CODES = {money.PAID: DONE, money.PENDING: "09", money.FAILED: "51"}
WORDS = {money.PAID: "SUCCESSFUL", money.PENDING: "PENDING", money.FAILED: "FAILED"}
FEE_PER_MILLE = 10
COUNTRY_CODES = {"TG": "228", "BJ": "229"}
TOKEN = "qos-token-of-"  # noqa: S105 - it opens a played account


async def login(request: Request) -> Response:
    """POST clientKey, clientSecret: a token; 400 without the one, 401 for the word `wrong`."""
    sim, asked = simulator_of(request), await json_object(request)
    key, secret = asked.get("clientKey"), asked.get("clientSecret")
    if not isinstance(key, str) or not key:
        return _refusal(400, "Username is required")
    if not isinstance(secret, str) or "wrong" in (key, secret) or not secret:
        return _refusal(401, "Invalid credentials")
    struck = trouble.strike(sim, NAME, trouble.TOKEN, None)
    exchange = MoneyExchange(work=lambda: _envelope({"accessToken": f"{TOKEN}{money.account_of(key)}"}))
    return await trouble.answered(sim, struck, exchange)


async def collect(request: Request) -> Response:
    """POST a collection; 400 for what is missing and for a transRef that is known."""
    sim, asked, account = simulator_of(request), await json_object(request), _account(request)
    if account is None:
        return _refusal(401, "Unauthorized")
    if fault := _fault(asked):
        return _refusal(400, fault)
    struck = trouble.strike(sim, NAME, trouble.REQUEST, _phone(asked), asked["transRef"])
    exchange = MoneyExchange(
        work=lambda: _accept(sim, account, asked, struck),
        lost=lambda: _envelope(_data(asked["transRef"], asked["amount"], money.PENDING)),
        refused=lambda: _refusal(400, "Customer account is not valid"),
    )
    return await trouble.answered(sim, struck, exchange)


def _fault(asked: dict[str, Any]) -> str:
    """What is missing or wrong in a request, or nothing."""
    checks: dict[str, Callable[[str], object]] = {
        "amount": re.compile(r"[1-9][0-9]{0,11}(\.0{1,4})?").fullmatch,
        "transRef": re.compile(r"[A-Za-z0-9-]{1,64}").fullmatch,
        "msisdn": re.compile(r"228[0-9]{8}|229(01)?[0-9]{8}").fullmatch,
        "operatorId": bool,
        "countryCode": COUNTRY_CODES.get,
        "currencyCode": re.compile("XOF").fullmatch,
    }
    for name, fits in checks.items():
        value = asked.get(name)
        if not isinstance(value, str) or not fits(value):
            return f"{name} is required"
    if not asked["msisdn"].startswith(COUNTRY_CODES[asked["countryCode"]]):
        return "msisdn is not of this country"
    return ""


def _phone(asked: dict[str, Any]) -> str:
    """The phone; numbers of Benin got 01 in front of their eight digits on 30 November 2024."""
    return "+" + re.sub(r"^229([0-9]{8})$", r"22901\1", asked["msisdn"])


def _accept(sim: Simulator, account: str, asked: dict[str, Any], struck: Row | None) -> Response:
    reference, amount = asked["transRef"], journal.decimal(journal.milli(asked["amount"]))
    fee_milli = journal.milli(amount) * FEE_PER_MILLE // 1000
    order = MoneyOrder(
        NAME,
        IN,
        key=f"{account} {reference}",  # references are unique for each merchant
        reference=reference,
        receipt=f"PRV-{reference[:8].upper()}",
        amount=amount,
        currency=asked["currencyCode"],
        phone=_phone(asked),
        account=account,
        fee=journal.decimal(-(-fee_milli // 1000) * 1000),
    )
    if money.accept(sim, order, struck) is None:
        return _refusal(400, "Payment reference already exists")
    return _envelope(_data(reference, asked["amount"], money.PENDING))


async def status(request: Request) -> Response:
    """GET a transaction by its transRef: of this merchant only."""
    sim, account = simulator_of(request), _account(request)
    if account is None:
        return _refusal(401, "Unauthorized")
    key = f"{account} {unquote(request.path_params['reference'])}"
    row = money.find(sim, NAME, IN, key)
    struck = trouble.strike(sim, NAME, trouble.STATUS, row["phone"] if row else None, key)
    exchange = MoneyExchange(
        work=lambda: _envelope(_said(row, money.facts_of(row, struck))) if row else _unknown(),
        not_found=_unknown,
    )
    return await trouble.answered(sim, struck, exchange)


def _said(row: Row, facts: MoneyFacts) -> dict[str, object]:
    is_paid = facts.state == money.PAID
    return _data(row["reference"], f"{row['amount']}.00", facts.state) | {
        "providerReference": row["receipt"] if is_paid else None,
        "amountPaid": f"{facts.amount}.00" if is_paid and facts.amount else None,
        "fee": f"{facts.fee}.0000" if is_paid else None,
    }


def _data(reference: str, amount: str, state: str) -> dict[str, object]:
    return {
        "status": WORDS.get(state, state),
        "responseCode": CODES.get(state, "99"),
        "transRef": reference,
        "providerReference": None,
        "requestedAmount": amount,
        "amountPaid": None,
        "fee": None,
        "residualAmount": None,
        "providerHttpStatusCode": None,
    }


async def wallets(request: Request) -> Response:
    """GET the wallets of the merchant: one, in francs."""
    sim, account = simulator_of(request), _account(request)
    if account is None:
        return _refusal(401, "Unauthorized")
    left = money.balance_milli(sim, NAME, account, "XOF") / 1000
    wallet = {"id": 301, "name": "Primary XOF Wallet", "currencyCode": "XOF", "isDefault": True}
    struck = trouble.strike(sim, NAME, trouble.BALANCE, None)
    exchange = MoneyExchange(
        work=lambda: _envelope([wallet | {"availableBalance": left, "ledgerBalance": left}])
    )
    return await trouble.answered(sim, struck, exchange)


def _account(request: Request) -> str | None:
    """Whose token it is; None for one that was never given."""
    told = request.headers.get("authorization", "").removeprefix(f"Bearer {TOKEN}")
    return told if re.fullmatch(r"[0-9a-f]{12}", told) else None


def _envelope(data: object) -> JSONResponse:
    return JSONResponse({"data": data, "message": "Success", "success": True, "responseCode": DONE})


def _refusal(code: int, message: str) -> JSONResponse:
    body = {"data": None, "message": message, "success": False, "responseCode": str(code)}
    return JSONResponse(body, code)


def _unknown() -> JSONResponse:
    return _refusal(404, "Transaction not found")


def _notice(_sim: Simulator, _row: Row, _told: MoneyFacts) -> OutgoingNotice | None:
    return None


def _statement(entries: list[journal.Entry]) -> str:
    """Preset `qos`: the fields of a status, for whatever has ended."""
    return journal.csv_text(
        (
            *("transRef", "providerReference", "status", "msisdn", "amountPaid", "fee", "currencyCode"),
            "completedAt",
        ),
        (
            (
                entry["reference"],
                entry["receipt"],
                WORDS[entry["state"]],
                entry["phone"].removeprefix("+"),
                f"{entry['amount']}.00",
                f"{entry['fee']}.0000",
                entry["currency"],
                entry["ended_at"],
            )
            for entry in entries
        ),
    )


PROVIDER = MoneyProvider(NAME, _notice, _statement, title="QOS")
ROUTES = [
    Route("/simulator/qos/api/v1/auth/login", login, methods=["POST"]),
    Route("/simulator/qos/api/v1/payment/collections/request", collect, methods=["POST"]),
    Route("/simulator/qos/api/v1/transactions/status/{reference}", status, methods=["GET"]),
    Route("/simulator/qos/api/v1/merchant/reports/wallets", wallets, methods=["GET"]),
]
