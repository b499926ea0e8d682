"""MTN MoMo Open API: collection, disbursement, account holders, balances, and the sandbox's own provisioning.

Any key is right but `wrong`; an API user that was made here has the key and the callback host that it got here. In the
target environment `sandbox` nobody is asked and there is only EUR, as in MTN's; in any other the phone is asked. The
sandbox's numbers end as they say in every environment.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, trouble
from simulator.deps import PHONE, Simulator, epoch, json_object, simulator_of
from simulator.money import IN, OUT, Beginning, End, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import OutgoingNotice, Retries
from simulator.store import Row
from simulator.trouble import MoneyExchange

NAME = "mtn"
SANDBOX = "sandbox"
CURRENCIES = {
    "mtnbenin": "XOF",
    "mtncameroon": "XAF",
    "mtncongo": "XAF",
    "mtnguineaconakry": "GNF",
    "mtnivorycoast": "XOF",
    "mtnrwanda": "RWF",
    SANDBOX: "EUR",
}
ANY_CURRENCY = re.compile(r"[A-Z]{3}")  # of an environment that is not in the list
AMOUNT = re.compile(r"[1-9][0-9]{0,11}(\.[0-9]{1,2})?|0\.[0-9]{1,2}")
MESSAGE = re.compile(r"[A-Za-z0-9 .,:/_-]{0,160}")  # an apostrophe or an accent is a 400
TOKEN_S = 3600.0
FEE_OF = 100  # one hundredth of what comes in, in whole units; the API does not tell it, the statement does
WORDS = {money.PAID: "SUCCESSFUL"}  # the others are the core's
SUCCEEDS = End(2, money.PAID, None, (2,))
ONGOING = End(30, money.PAID, None, (30,))  # pending at first, a success 30 s later (the text of 2018)
DELAYED = End(None, None, None, ())


def _fails(reason: str) -> End:
    return End(1, money.FAILED, reason, (1,))


# What follows 46733123 in the sandbox's numbers. Where the documentation has a word only (failed, rejected), the
# reason is the one that the tests of public clients expect.
FIRST_OF_BOTH = {
    "450": _fails("INTERNAL_PROCESSING_ERROR"),
    "451": _fails("APPROVAL_REJECTED"),
    "452": _fails("EXPIRED"),
    "453": ONGOING,
    "454": DELAYED,
}
PAYERS = FIRST_OF_BOTH | {
    "455": _fails("PAYER_NOT_FOUND"),
    "456": _fails("PAYEE_NOT_ALLOWED_TO_RECEIVE"),
    "457": _fails("NOT_ALLOWED"),
    "458": _fails("NOT_ALLOWED_TARGET_ENVIRONMENT"),
    "459": _fails("INVALID_CALLBACK_URL_HOST"),
    "460": _fails("INVALID_CURRENCY"),
    "461": _fails("INTERNAL_PROCESSING_ERROR"),
    "462": _fails("SERVICE_UNAVAILABLE"),
    "463": _fails("COULD_NOT_PERFORM_TRANSACTION"),
    "464": _fails("TRANSFERTYPE_UNKNOWN"),
}
PAYEES = FIRST_OF_BOTH | {
    "455": _fails("NOT_ENOUGH_FUNDS"),
    "456": _fails("PAYER_LIMIT_REACHED"),
    "457": _fails("PAYEE_NOT_FOUND"),
    "458": _fails("NOT_ALLOWED"),
    "459": _fails("NOT_ALLOWED_TARGET_ENVIRONMENT"),
    "460": _fails("INVALID_CALLBACK_URL_HOST"),
    "461": _fails("INVALID_CURRENCY"),
    "462": _fails("INTERNAL_PROCESSING_ERROR"),
    "463": _fails("SERVICE_UNAVAILABLE"),
}
# Of account holders: the HTTP code, and its word; an inactive one is no error.
HOLDERS = {
    "450": (404, "RESOURCE_NOT_FOUND"),
    "451": (200, "inactive"),
    "452": (500, "NOT_ALLOWED"),
    "453": (500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
    "454": (500, "INTERNAL_PROCESSING_ERROR"),
    "455": (503, "SERVICE_UNAVAILABLE"),
}
MESSAGES = {
    "RESOURCE_NOT_FOUND": "Requested resource was not found.",
    "RESOURCE_ALREADY_EXIST": "Duplicated reference id. Creation of resource failed.",
    "NOT_ALLOWED": "Authorization failed. User does not have permission.",
    "NOT_ALLOWED_TARGET_ENVIRONMENT": "Access to target environment is forbidden.",
    "INVALID_CALLBACK_URL_HOST": "Callback URL with different host name then configured for API User",
    "INVALID_CURRENCY": "Currency not supported on the requested account",
    "INTERNAL_PROCESSING_ERROR": "An internal error occurred while processing.",
    "SERVICE_UNAVAILABLE": "Service temporarily unavailable, try again later.",
    "PAYER_NOT_FOUND": "Payee does not exist",
    "PAYEE_NOT_FOUND": "Payee does not exist",
    "NOT_ENOUGH_FUNDS": "The payer does not have enough funds.",
}


@dataclass(frozen=True)
class MomoKind:
    """One kind of money that may be ordered. `party` is the other side, `numbers` those of the sandbox."""

    product: str
    name: str
    direction: str
    party: str
    numbers: Mapping[str, End]
    unknown_party: str

    @property
    def asked(self) -> str:
        return trouble.REQUEST if self.direction == IN else trouble.PAYOUT

    @property
    def told(self) -> str:
        return trouble.STATUS if self.direction == IN else trouble.PAYOUT_STATUS


PAYMENT = MomoKind("collection", "requesttopay", IN, "payer", PAYERS, "PAYER_NOT_FOUND")
TRANSFER = MomoKind("disbursement", "transfer", OUT, "payee", PAYEES, "PAYEE_NOT_FOUND")
REFUND = MomoKind("disbursement", "refund", OUT, "payee", {}, "PAYEE_NOT_FOUND")


class MomoRefusedError(Exception):
    """A request that the gateway answers itself; with the answer."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


@dataclass(frozen=True)
class MomoCaller:
    """Who asks, as its token says it: the API user, and the environment of this request."""

    user: str
    environment: str

    @property
    def account(self) -> str:
        return money.account_of(self.user)

    def may_use(self, currency: str) -> bool:
        own = CURRENCIES.get(self.environment)
        return currency == own if own else bool(ANY_CURRENCY.fullmatch(currency))


def coded(status: int, code: str) -> JSONResponse:
    """An answer with a code, as MTN's gateway gives it for errors of business, mostly as a 500."""
    return JSONResponse({"code": code, "message": MESSAGES.get(code, code)}, status)


NOT_FOUND = partial(coded, 404, "RESOURCE_NOT_FOUND")


def bad(message: str) -> JSONResponse:
    """A request that does not follow the specification; it has no code."""
    return JSONResponse({"message": message}, 400)


def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint behind the gateway, which answers a library's user agent and a wrong subscription key itself."""

    async def answer(request: Request) -> Response:
        if "python-requests" in request.headers.get("user-agent", ""):
            return Response("<html><title>403 Forbidden</title></html>", 403, media_type="text/html")
        if request.headers.get("ocp-apim-subscription-key", "wrong") in ("", "wrong"):
            return denied("invalid subscription key")
        try:
            return await endpoint(request)
        except MomoRefusedError as refused:
            return refused.answer

    return answer


def denied(why: str) -> Response:
    return JSONResponse({"statusCode": 401, "message": f"Access denied due to {why}."}, 401)


# ---- keys: provisioning of the sandbox, tokens ----


async def make_user(request: Request) -> Response:
    """POST an API user: X-Reference-Id becomes its name; 201, empty."""
    user, body = _uuid(request.headers.get("x-reference-id")), await json_object(request)
    if user is None or not isinstance(body.get("providerCallbackHost"), str):
        return bad("X-Reference-Id is a UUID, providerCallbackHost a host name")
    made = simulator_of(request).db.execute(
        "INSERT INTO api_user (id, callback_host) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (user, body["providerCallbackHost"]),
    )
    return Response(status_code=201) if made.rowcount else coded(409, "RESOURCE_ALREADY_EXIST")


async def make_key(request: Request) -> Response:
    """POST a new key of an API user; the one before is none any more."""
    user, key = request.path_params["user"].lower(), uuid4().hex
    made = simulator_of(request).db.execute("UPDATE api_user SET api_key = ? WHERE id = ?", (key, user))
    return JSONResponse({"apiKey": key}, 201) if made.rowcount else NOT_FOUND()


async def show_user(request: Request) -> Response:
    """GET an API user; never its key."""
    user = _user(simulator_of(request), request.path_params["user"].lower())
    if user is None:
        return NOT_FOUND()
    return JSONResponse({"providerCallbackHost": user["callback_host"], "targetEnvironment": SANDBOX})


async def token(request: Request) -> Response:
    """POST with the API user and its key as Basic, its environment beside it (the newer platform demands it)."""
    sim = simulator_of(request)
    struck = trouble.strike(sim, NAME, trouble.TOKEN, None)
    return await trouble.answered(sim, struck, MoneyExchange(lambda: _token(sim, request)))


def _token(sim: Simulator, request: Request) -> Response:
    if request.headers.get("x-target-environment", "wrong") == "wrong":
        return JSONResponse({"error": "Invalid or missing X-Target-Environment header"}, 400)
    user, key = _basic(request.headers.get("authorization", ""))
    made = _user(sim, user)
    if not user or not key or "wrong" in (user, key) or (made and made["api_key"] != key):
        return JSONResponse({"error": "invalid_client"}, 401)
    life_s = max(1, round(sim.scaled(TOKEN_S)))
    claims = {"user": user, "product": request.path_params["product"], "until": epoch() + life_s}
    body = {"access_token": _signed(sim, claims), "token_type": "access_token", "expires_in": life_s}
    return JSONResponse(body)


def _basic(authorization: str) -> tuple[str, str]:
    """User and key; empty if they cannot be read."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, key) if scheme.lower() == "basic" else ("", "")


def _signed(sim: Simulator, claims: dict[str, Any]) -> str:
    """A token that needs no memory: a restart takes nobody's away."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{body}.{_signature(sim, body)}"


def _signature(sim: Simulator, body: str) -> str:
    return hmac.new(sim.config.secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def caller_of(request: Request, product: str) -> MomoCaller:
    """Who asks with this token; MomoRefusedError without a good one of the product."""
    sim = simulator_of(request)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    body, _, signature = given.partition(".")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        signature.encode(), _signature(sim, body).encode()
    ):
        raise MomoRefusedError(denied("invalid access token"))
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if claims["product"] != product or claims["until"] <= epoch():
        raise MomoRefusedError(denied("expired access token"))
    environment = request.headers.get("x-target-environment", "wrong")
    if environment == "wrong":
        raise MomoRefusedError(coded(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"))
    return MomoCaller(claims["user"], environment)


def _user(sim: Simulator, user: str) -> Row | None:
    row: Row | None = sim.db.execute("SELECT * FROM api_user WHERE id = ?", (user,)).fetchone()
    return row


# ---- money ----


async def ask(kind: MomoKind, request: Request) -> Response:
    """POST an order of this kind: 202 and nothing else, 409 for its reference again, 400 or a 500 with a code."""
    sim, caller = simulator_of(request), caller_of(request, kind.product)
    order = _order(sim, caller, kind, request, await json_object(request))
    struck = trouble.strike(sim, NAME, kind.asked, order.phone, order.reference)
    exchange = MoneyExchange(
        work=lambda: _accept(sim, kind, order, caller.environment, struck),
        lost=lambda: Response(status_code=202),
        refused=lambda: coded(500, kind.unknown_party),
    )
    return await trouble.answered(sim, struck, exchange)


def _order(
    sim: Simulator, caller: MomoCaller, kind: MomoKind, request: Request, body: dict[str, Any]
) -> MoneyOrder:
    """The order that is asked for; MomoRefusedError for the first fault in it."""
    reference = _uuid(request.headers.get("x-reference-id"))
    messages = [body.get(name, "") for name in ("payerMessage", "payeeNote")]
    if reference is None:
        raise MomoRefusedError(bad("X-Reference-Id is not a UUID"))
    if not isinstance(body.get("amount"), str) or not AMOUNT.fullmatch(body["amount"]):
        raise MomoRefusedError(bad("amount"))
    if not all(isinstance(message, str) and MESSAGE.fullmatch(message) for message in messages):
        raise MomoRefusedError(bad("payerMessage, payeeNote"))
    if not caller.may_use(str(body.get("currency"))):
        raise MomoRefusedError(coded(500, "INVALID_CURRENCY"))
    callback = request.headers.get("x-callback-url", "")
    user = _user(sim, caller.user)
    if callback and user and _host(callback) != user["callback_host"]:
        raise MomoRefusedError(coded(500, "INVALID_CALLBACK_URL_HOST"))
    refunded = _refunded(sim, caller, body) if kind is REFUND else None
    phone = refunded["phone"] if refunded else _party(kind, body)
    amount = body["amount"]
    more = {name: str(body.get(name, "")) for name in ("externalId", "payerMessage", "payeeNote")}
    return MoneyOrder(
        NAME,
        kind.direction,
        key=reference,
        reference=reference,
        amount=amount,
        currency=body["currency"],
        phone=phone,
        receipt=str(UUID(reference).int % 10**12).zfill(12),
        note=messages[0],
        notice_url=callback,
        account=caller.account,
        fee=str(journal.milli(amount) // 1000 // FEE_OF) if kind is PAYMENT else "0",
        more=more | {"kind": kind.name, "refunds": refunded["reference"] if refunded else ""},
    )


def _party(kind: MomoKind, body: dict[str, Any]) -> str:
    """The phone of the other side; no e-mail address and no party code is registered here."""
    party = body.get(kind.party)
    if not isinstance(party, dict) or not isinstance(party.get("partyId"), str):
        raise MomoRefusedError(bad(kind.party))
    phone = f"+{party['partyId']}"
    if party.get("partyIdType") != "MSISDN" or not PHONE.fullmatch(phone):
        raise MomoRefusedError(coded(500, kind.unknown_party))
    return phone


def _refunded(sim: Simulator, caller: MomoCaller, body: dict[str, Any]) -> Row:
    """The payment that is given back, of which so much is left."""
    row = money.find(sim, NAME, IN, _uuid(body.get("referenceIdToRefund")) or "")
    if row is None or row["account"] != caller.account or money.facts_of(row).state != money.PAID:
        raise MomoRefusedError(NOT_FOUND())
    back = sim.db.execute(
        "SELECT coalesce(sum(moved_milli), 0) AS milli FROM money WHERE provider = ? AND direction = ?"
        " AND coalesce(final_state, '') <> 'FAILED' AND json_extract(more, '$.refunds') = ?",
        (NAME, OUT, row["reference"]),
    ).fetchone()
    if back["milli"] + journal.milli(body["amount"]) > row["moved_milli"]:
        raise MomoRefusedError(coded(500, "NOT_ALLOWED"))
    return row


def _accept(
    sim: Simulator, kind: MomoKind, order: MoneyOrder, environment: str, struck: Row | None
) -> Response:
    if money.find(sim, NAME, order.direction, order.key):
        return coded(409, "RESOURCE_ALREADY_EXIST")
    if order.direction == OUT and not money.covers(sim, order):
        return coded(500, "NOT_ENOUGH_FUNDS")
    end = kind.numbers.get(_sandbox_suffix(order.phone)) or (SUCCEEDS if environment == SANDBOX else None)
    money.accept(sim, order, struck, Beginning(end))
    return Response(status_code=202)


def _sandbox_suffix(phone: str) -> str:
    return phone[-3:] if re.fullmatch(r"\+46733123[0-9]{3}", phone) else ""


async def status(kind: MomoKind, request: Request) -> Response:
    """GET an order by its reference: 200 whatever became of it."""
    sim, reference = simulator_of(request), request.path_params["reference"].lower()
    caller = caller_of(request, kind.product)
    row = money.find(sim, NAME, kind.direction, reference)
    if row and (row["account"] != caller.account or money.more_of(row)["kind"] != kind.name):
        row = None
    struck = trouble.strike(sim, NAME, kind.told, row["phone"] if row else None, reference)
    exchange = MoneyExchange(
        work=lambda: JSONResponse(_said(row, money.facts_of(row, struck))) if row else NOT_FOUND(),
        not_found=NOT_FOUND,
    )
    return await trouble.answered(sim, struck, exchange)


def _said(row: Row, facts: MoneyFacts) -> dict[str, Any]:
    """A status, and the callback: what is not there yet is left out. Transfers and refunds have no messages."""
    kept = money.more_of(row)
    said: dict[str, Any] = {
        "financialTransactionId": row["receipt"] if facts.state == money.PAID else None,
        "externalId": kept["externalId"],
        "amount": facts.amount,
        "currency": facts.currency,
        "status": WORDS.get(facts.state, facts.state),
        "reason": facts.reason,
    }
    if kept["kind"] == PAYMENT.name:
        said |= {name: kept[name] for name in ("payerMessage", "payeeNote")}
    said["payer" if row["direction"] == IN else "payee"] = {
        "partyIdType": "MSISDN",
        "partyId": facts.phone.removeprefix("+"),
    }
    return {name: value for name, value in said.items() if value is not None}


def _notice(_sim: Simulator, row: Row, facts: MoneyFacts) -> OutgoingNotice | None:
    """PUT for payments and transfers, POST for the others; unsigned."""
    if not row["notice_url"]:
        return None
    method = "POST" if money.more_of(row)["kind"] == REFUND.name else "PUT"
    return OutgoingNotice(row["notice_url"], json.dumps(_said(row, facts)), method)


# ---- account holders, balances ----


async def is_active(request: Request) -> Response:
    """GET whether an account holder may be paid and asked; 404 for a stranger."""
    return await _holder(request, lambda phone: JSONResponse({"result": _sandbox_suffix(phone) != "451"}))


async def user_info(request: Request) -> Response:
    """GET who an account holder is."""

    def said(phone: str) -> Response:
        given, _, family = money.holder(phone).partition(" ")
        body = {
            "sub": "0",
            "name": f"{given} {family}",
            "given_name": given,
            "family_name": family,
            "birthdate": "1976-08-13",
            "locale": "fr_FR",
            "gender": "FEMALE",
            "updated_at": 1676609351,
        }
        return JSONResponse(body)

    return await _holder(request, said)


async def _holder(request: Request, said: Callable[[str], Response]) -> Response:
    sim, found = simulator_of(request), request.path_params
    caller_of(request, found["product"])
    phone = f"+{found['id'].removeprefix('+')}"
    code, word = HOLDERS.get(_sandbox_suffix(phone), (200, ""))
    if found["type"].lower() != "msisdn" or not PHONE.fullmatch(phone):
        code, word = 404, "RESOURCE_NOT_FOUND"
    struck = trouble.strike(sim, NAME, trouble.HOLDER, phone)
    exchange = MoneyExchange(
        work=lambda: said(phone) if code == 200 else coded(code, word),
        not_found=NOT_FOUND,
    )
    return await trouble.answered(sim, struck, exchange)


async def balance(request: Request) -> Response:
    """GET what a wallet has, in the currency of its environment; of one that is not in the list, in its last one."""
    sim, caller = simulator_of(request), caller_of(request, request.path_params["product"])
    currency = request.path_params.get("currency") or CURRENCIES.get(caller.environment)
    currency = currency or _last_currency(sim, caller)
    left = journal.decimal(money.balance_milli(sim, NAME, caller.account, currency))
    struck = trouble.strike(sim, NAME, trouble.BALANCE, None)
    exchange = MoneyExchange(work=lambda: JSONResponse({"availableBalance": left, "currency": currency}))
    return await trouble.answered(sim, struck, exchange)


def _last_currency(sim: Simulator, caller: MomoCaller) -> str:
    row = sim.db.execute(
        "SELECT currency FROM money WHERE provider = ? AND account = ? ORDER BY position DESC LIMIT 1",
        (NAME, caller.account),
    ).fetchone()
    return row["currency"] if row else "XOF"


# ---- the portal ----


def _statement(entries: list[journal.Entry]) -> str:
    """The portal's export, as it is known second hand: preset `mtn`."""
    header = ("Id", "External id", "Date", "Status", "Type", "From", "To", "Amount", "Fee", "Currency")
    return journal.csv_text(header, map(_line, entries), ",")


def _line(entry: journal.Entry) -> tuple[str, ...]:
    phone, is_in = entry["phone"].removeprefix("+"), entry["direction"] == IN
    moved = entry["state"] == money.PAID
    return (
        entry["receipt"],
        entry["reference"],
        entry["ended_at"],
        "Successful" if moved else "Failed",
        "Payment" if is_in else "Transfer out",
        phone if is_in else "MUTUELLE",
        "MUTUELLE" if is_in else phone,
        entry["amount"],
        entry["fee"] if moved else "0",
        entry["currency"],
    )


def _uuid(value: object) -> str | None:
    """A UUID as it is kept; None for anything else."""
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


PROVIDER = MoneyProvider(
    NAME,
    _notice,
    _statement,
    title="MTN MoMo",
    rings_on_expiry=True,
    retries=Retries(1, 1, 20),  # one version of MTN's page; another says once
)


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(f"/simulator/mtn/{path}", guarded(endpoint), methods=[method])


_PRODUCT = "{product}/v1_0"
_HOLDER = f"{_PRODUCT}/accountholder/{{type}}/{{id}}"
ROUTES = [
    _route("POST", "v1_0/apiuser", make_user),
    _route("GET", "v1_0/apiuser/{user}", show_user),
    _route("POST", "v1_0/apiuser/{user}/apikey", make_key),
    _route("POST", "{product}/token/", token),
    *(
        _route("POST", f"{kind.product}/v1_0/{kind.name}", partial(ask, kind))
        for kind in (PAYMENT, TRANSFER, REFUND)
    ),
    *(
        _route("GET", f"{kind.product}/v1_0/{kind.name}/{{reference}}", partial(status, kind))
        for kind in (PAYMENT, TRANSFER, REFUND)
    ),
    _route("POST", "disbursement/v2_0/refund", partial(ask, REFUND)),
    _route("GET", f"{_HOLDER}/active", is_active),
    _route("GET", f"{_HOLDER}/basicuserinfo", user_info),
    _route("GET", f"{_PRODUCT}/account/balance", balance),
    _route("GET", f"{_PRODUCT}/account/balance/{{currency}}", balance),
]
