"""pawaPay's Merchant API v2 as its documentation tells it, below `/simulator/pawapay`: a foreign client cannot tell.

The token is the account: any but `wrong`. A number of the sandbox ends as published, every other phone is asked on the
phone page; with a code of the payer's own (Orange of Burkina) nobody is asked, and noughts are a wrong one. A wallet a
currency is shown under each of its countries. Beside the provider's own paths, a test sets what the dashboard and
pawaPay's people set: `/simulator/pawapay/signatures`, `/simulator/pawapay/availability`.
Unverified: what is answered to a code that lacks or is wrong; how phones of Benin are told: here as they came.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, outgoing, pawapay_statements, pawapay_toolkit, signing, trouble
from simulator.deps import Simulator, epoch, iso, simulator_of
from simulator.money import OUT, Beginning, End, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import OutgoingNotice, notice_later
from simulator.pawapay_facts import (
    COMPLETED,
    PREAUTH,
    PROVIDERS,
    REDIRECT_AUTH,
    STUCK,
    sandbox_end,
)
from simulator.pawapay_orders import (
    DELAYED,
    DEPOSIT,
    NAME,
    OPERATIONS,
    PAYOUT,
    REFUND,
    PawapayOperation,
    PawapayOrder,
    PawapayRefusalError,
    account_in,
    availability_of,
    check_order,
    padded,
    read_request,
    release,
    signatures_of,
    understood,
)
from simulator.pawapay_toolkit import BASE, KEY_ID
from simulator.store import Row
from simulator.trouble import MoneyExchange

BULK = 20
SANDBOX_S = 2.0
FEE_PERCENT = 2  # of a deposit
NEVER = End(None, None, None, ())  # until a test, or pawaPay's people, say otherwise
REASONS = {"APPROVAL_REJECTED": "PAYMENT_NOT_APPROVED", "EXPIRED": "PAYMENT_NOT_APPROVED"}


# ---- deposits, payouts, refunds ----


def _operation(request: Request) -> PawapayOperation:
    found = OPERATIONS.get(request.path_params["operation"])
    if found is None:
        raise HTTPException(404)
    return found


async def initiate(request: Request) -> Response:
    """POST a deposit, a payout or a refund: 200 whatever becomes of it, 400 to 403 where the call itself is wrong."""
    sim, operation = simulator_of(request), _operation(request)
    try:
        account = account_in(request)
        body = await read_request(request, account)
    except PawapayRefusalError as refused:
        return refused.answer()
    phone, named = _meant(operation, body)
    struck = trouble.strike(sim, NAME, operation.ordered, phone, named)
    refused_code = "PAYER_NOT_FOUND" if operation is DEPOSIT else "RECIPIENT_NOT_FOUND"
    exchange = MoneyExchange(
        work=lambda: _initiated(sim, operation, account, body, struck),
        lost=lambda: JSONResponse(_accepted(operation, named)),
        refused=lambda: JSONResponse(_rejected(operation, named, PawapayRefusalError(refused_code))),
    )
    return await trouble.answered(sim, struck, exchange)


def _meant(operation: PawapayOperation, body: Any) -> tuple[str | None, str]:
    """Phone and id of a request, as far as they can be read: what a trouble is ordered for."""
    told = body if isinstance(body, dict) else {}
    party = told.get(operation.party)
    details = party.get("accountDetails") if isinstance(party, dict) else None
    digits = details.get("phoneNumber") if isinstance(details, dict) else None
    return (f"+{digits}" if digits else None), str(told.get(operation.id_field, ""))


def _initiated(
    sim: Simulator, operation: PawapayOperation, account: str, body: Any, struck: Row | None
) -> Response:
    """One order, as its answer."""
    try:
        return JSONResponse(_order(sim, operation, account, body, struck))
    except PawapayRefusalError as refused:
        if refused.http != 200:
            return refused.answer()
        return JSONResponse(_rejected(operation, str(body[operation.id_field]), refused))


async def bulk(request: Request) -> Response:
    """POST up to 20 payouts: each is answered on its own."""
    sim = simulator_of(request)
    try:
        account = account_in(request)
        bodies = await read_request(request, account)
        if not isinstance(bodies, list) or not 1 <= len(bodies) <= BULK:
            raise PawapayRefusalError("INVALID_INPUT", http=400)
    except PawapayRefusalError as refused:
        return refused.answer()
    answers = []
    for body in bodies:
        phone, named = _meant(PAYOUT, body)
        struck = trouble.strike(sim, NAME, trouble.PAYOUT, phone, named)
        answers.append(json.loads(bytes(_initiated(sim, PAYOUT, account, body, struck).body)))
    return JSONResponse(answers)


def _order(
    sim: Simulator, operation: PawapayOperation, account: str, body: Any, struck: Row | None
) -> dict[str, Any]:
    if isinstance(body, dict):
        known = f"{operation.kind} {str(body.get(operation.id_field)).lower()}"
        if money.find(sim, NAME, operation.direction, known):
            return {operation.id_field: body[operation.id_field], "status": "DUPLICATE_IGNORED"}
    asked = understood(sim, operation, account, body)
    check_order(sim, asked)
    order = _as_order(asked)
    if asked.operation is not DEPOSIT and not money.covers(sim, order):
        raise PawapayRefusalError("PAWAPAY_WALLET_OUT_OF_FUNDS")
    money.accept(sim, order, struck, Beginning(end=_end_of(sim, asked)))
    accepted = _accepted(operation, asked.id)
    if PROVIDERS[asked.provider].auth == REDIRECT_AUTH:
        accepted["nextStep"] = "GET_AUTH_URL"
    return accepted


def _as_order(asked: PawapayOrder) -> MoneyOrder:
    is_refund = asked.operation is REFUND
    fee_milli = journal.milli(asked.amount) * FEE_PERCENT // 100 if asked.operation is DEPOSIT else 0
    return MoneyOrder(
        NAME,
        asked.operation.direction,
        key=asked.key,
        reference=asked.id,
        amount=asked.amount,
        currency=asked.currency,
        phone=f"+{asked.digits}",
        token=asked.more["depositId"] if is_refund else "",
        receipt=f"{PROVIDERS[asked.provider].country}{asked.id.replace('-', '')[:12].upper()}",
        note=asked.note,
        account=asked.account,
        fee=journal.decimal(fee_milli - fee_milli % 1000),
        more={**asked.more, "provider": asked.provider, "kind": asked.operation.kind},
    )


def _end_of(sim: Simulator, asked: PawapayOrder) -> End | None:
    """How it ends already: a number of the sandbox, a network that is slow; None where the phone is asked."""
    is_payout = asked.operation is not DEPOSIT
    if is_payout and availability_of(sim, asked.provider) == DELAYED:
        return NEVER
    match sandbox_end(asked.digits, is_payout):
        case None if is_payout or PROVIDERS[asked.provider].auth != PREAUTH:
            return None
        case None if asked.code.strip("0") == "":
            return End(SANDBOX_S, money.FAILED, "PAYMENT_NOT_APPROVED", (SANDBOX_S,))
        case None:
            return End(SANDBOX_S, money.PAID, None, (SANDBOX_S,))
        case "COMPLETED":
            return End(SANDBOX_S, money.PAID, None, (SANDBOX_S,))
        case "SUBMITTED":
            return NEVER
        case code:
            return End(SANDBOX_S, money.FAILED, code, (SANDBOX_S,))


def _accepted(operation: PawapayOperation, named: str) -> dict[str, Any]:
    told = {operation.id_field: named, "status": "ACCEPTED", "created": _created(epoch())}
    return told | ({"nextStep": "FINAL_STATUS"} if operation is DEPOSIT else {})


def _rejected(operation: PawapayOperation, named: str, refused: PawapayRefusalError) -> dict[str, Any]:
    return {operation.id_field: named, "status": "REJECTED", "failureReason": refused.reason}


def _created(moment: float) -> str:
    return iso(moment)[:19] + "Z"


async def look_up(request: Request) -> Response:
    """GET one by its id: 200, FOUND or NOT_FOUND."""
    sim, operation = simulator_of(request), _operation(request)
    named = request.path_params["id"].lower()
    try:
        account = account_in(request)
    except PawapayRefusalError as refused:
        return refused.answer()
    row = _find(sim, operation, named, account)
    struck = trouble.strike(sim, NAME, operation.looked_up, row["phone"] if row else None, named)
    not_found = {"status": "NOT_FOUND"}
    exchange = MoneyExchange(
        work=lambda: JSONResponse(
            {"status": "FOUND", "data": data_of(sim, row, money.facts_of(row, struck))} if row else not_found
        ),
        not_found=lambda: JSONResponse(not_found),
    )
    return await trouble.answered(sim, struck, exchange)


def _find(sim: Simulator, operation: PawapayOperation, named: str, account: str) -> Row | None:
    row = money.find(sim, NAME, operation.direction, f"{operation.kind} {named}")
    return row if row and row["account"] == account else None


def data_of(sim: Simulator, row: Row, told: MoneyFacts, *, as_notice: bool = False) -> dict[str, Any]:
    """What is said of one: in a status, and in a notice, which leaves out clientReferenceId."""
    more = money.more_of(row)
    operation = next(one for one in OPERATIONS.values() if one.kind == more["kind"])
    details = {"phoneNumber": told.phone.removeprefix("+"), "provider": more["provider"]}
    said: dict[str, Any] = {
        operation.id_field: row["reference"],
        "status": _word(sim, row, told, more),
        "amount": told.amount and padded(told.amount, 4 if as_notice else 2),
        "currency": told.currency,
        "country": PROVIDERS[more["provider"]].country,
        operation.party: {"type": "MMO", "accountDetails": details},
        "customerMessage": row["note"] or None,
        "clientReferenceId": more.get("clientReferenceId"),
        "created": _created(row["begun_at"]),
        "providerTransactionId": row["receipt"] if told.state == money.PAID else None,
        "failureReason": None,
        "metadata": json.loads(more["metadata"]),
    }
    if told.state == money.FAILED:
        code = REASONS.get(told.reason or "", told.reason) or "UNSPECIFIED_FAILURE"
        said["failureReason"] = PawapayRefusalError(code).reason
    if as_notice:
        del said["clientReferenceId"]
    return {name: value for name, value in said.items() if name != "amount" or value is not None}


def _word(sim: Simulator, row: Row, told: MoneyFacts, more: Mapping[str, str]) -> str:
    words = {money.PAID: COMPLETED, money.FAILED: "FAILED"}
    if told.state != money.PENDING:
        return words.get(told.state, told.state)
    if row["scenario"] == "days-late" and row["final_at"] is not None:
        return "IN_RECONCILIATION"
    if row["direction"] == OUT and availability_of(sim, more["provider"]) == DELAYED:
        return "ENQUEUED"
    return STUCK if row["answer"] == "sandbox" and row["final_at"] is None else "PROCESSING"


async def fail_enqueued(request: Request) -> Response:
    """POST: an ENQUEUED payout or refund ends as MANUALLY_CANCELLED, and its notice says so."""
    return _asked_of(request, lambda sim, row, told: _cancelled(sim, row, told))


async def resend(request: Request) -> Response:
    """POST: the notice of what has ended comes again."""
    return _asked_of(request, lambda sim, row, told: _rung_again(sim, row, told))


def _asked_of(request: Request, do: Callable[[Simulator, Row, MoneyFacts], bool]) -> Response:
    sim, operation = simulator_of(request), _operation(request)
    named = request.path_params["id"].lower()
    try:
        account = account_in(request)
        row = _find(sim, operation, named, account)
        if row is None:
            raise PawapayRefusalError("NOT_FOUND")
        if not do(sim, row, money.facts_of(row)):
            raise PawapayRefusalError("INVALID_STATE")
    except PawapayRefusalError as refused:
        return refused.answer() if refused.http != 200 else JSONResponse(_rejected(operation, named, refused))
    return JSONResponse({operation.id_field: named, "status": "ACCEPTED"})


def _cancelled(sim: Simulator, row: Row, told: MoneyFacts) -> bool:
    is_enqueued = _word(sim, row, told, money.more_of(row)) == "ENQUEUED"
    if is_enqueued:
        release(sim, row, End(0, money.FAILED, "MANUALLY_CANCELLED"))
    return is_enqueued


def _rung_again(sim: Simulator, row: Row, told: MoneyFacts) -> bool:
    has_ended = told.state in (money.PAID, money.FAILED)
    notice = _notice(sim, row, told)
    if has_ended and notice and money.is_loopback(notice.url):
        notice_later(sim, notice, after_s=0)
    return has_ended


# ---- how it rings ----


def _notice(sim: Simulator, row: Row, told: MoneyFacts) -> OutgoingNotice | None:
    """A POST of the data to the one address of the account; only what has ended is told."""
    url = money.dashboard_url(sim, row)
    if not url or told.state == money.PENDING:
        return None
    kept = signatures_of(sim, row["account"])
    is_forged = row["scenario"] == "forged" and row["final_state"] is None
    form = kept["notices"] if kept and not is_forged else ""
    body = json.dumps(data_of(sim, row, told, as_notice=True), ensure_ascii=False)
    return OutgoingNotice(
        url, body, headers={"content-type": CONTENT_TYPE}, seal=f"{NAME} {form}" if form else ""
    )


CONTENT_TYPE = "application/json; charset=UTF-8"


def _seal(sim: Simulator, url: str, body: str, form: str) -> Mapping[str, str]:
    """The headers of a notice that leaves now: a signature lives a minute."""
    key = signing.key_of(sim.config.data)
    return signing.signed(url, CONTENT_TYPE, body.encode(), key, KEY_ID, form)


PROVIDER = MoneyProvider(NAME, _notice, pawapay_statements.written, rings_on_expiry=True)
outgoing.SEALS[NAME] = _seal
ROUTES = [
    *pawapay_toolkit.ROUTES,
    *pawapay_statements.ROUTES,
    Route(f"{BASE}/v2/payouts/bulk", bulk, methods=["POST"]),
    Route(f"{BASE}/v2/{{operation}}", initiate, methods=["POST"]),
    Route(f"{BASE}/v2/{{operation}}/{{id}}", look_up, methods=["GET"]),
    Route(f"{BASE}/v2/{{operation}}/fail-enqueued/{{id}}", fail_enqueued, methods=["POST"]),
    Route(f"{BASE}/v2/{{operation}}/resend-callback/{{id}}", resend, methods=["POST"]),
]
