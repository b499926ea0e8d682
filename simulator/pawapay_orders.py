"""What pawaPay refuses and takes: whose token it is, what a request must have, and which orders a provider takes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from simulator import journal, money, signing, trouble
from simulator.deps import Simulator, epoch, simulator_of
from simulator.money import IN, OUT, End
from simulator.pawapay_facts import COUNTRIES, LEAST_USD, PREAUTH, PROVIDERS, TWO_PLACES, Mmo
from simulator.store import Row

NAME = "pawapay"
AMOUNT = re.compile(r"([0]|([1-9][0-9]{0,17}))([.][0-9]{0,3}[1-9])?")
MESSAGE = re.compile(r"[a-zA-Z0-9 ]{4,22}")
PHONE = re.compile(r"[1-9][0-9]{7,14}")
WRONG = "wrong"
OPERATIONAL, DELAYED, CLOSED = "OPERATIONAL", "DELAYED", "CLOSED"


class PawapayOperation(NamedTuple):
    """The field of an operation's id, who is at its other end, which way money goes, where troubles strike."""

    kind: str
    id_field: str
    party: str
    direction: str
    ordered: str
    looked_up: str


DEPOSIT = PawapayOperation("DEPOSIT", "depositId", "payer", IN, trouble.REQUEST, trouble.STATUS)
PAYOUT = PawapayOperation("PAYOUT", "payoutId", "recipient", OUT, trouble.PAYOUT, trouble.PAYOUT_STATUS)
REFUND = PawapayOperation("REFUND", "refundId", "recipient", OUT, trouble.PAYOUT, trouble.PAYOUT_STATUS)
NAME = "pawapay"
OPERATIONS = {"deposits": DEPOSIT, "payouts": PAYOUT, "refunds": REFUND}

REQUIRED = {
    DEPOSIT: {"depositId", "amount", "currency", "payer"},
    PAYOUT: {"payoutId", "amount", "currency", "recipient"},
    REFUND: {"refundId", "depositId"},
}
OPTIONAL = {
    DEPOSIT: {
        *("customerMessage", "clientReferenceId", "preAuthorisationCode", "successfulUrl", "failedUrl"),
        "metadata",
    },
    PAYOUT: {"customerMessage", "clientReferenceId", "metadata"},
    REFUND: {"amount", "currency", "clientReferenceId", "metadata"},
}


class PawapayRefusalError(Exception):
    """400 to 403 where the call itself is wrong; 200 with REJECTED where the provider does not take the order."""

    def __init__(self, code: str, about: str = "", http: int = 200) -> None:
        super().__init__(code)
        self.code, self.about, self.http = code, about or code.replace("_", " ").lower(), http

    @property
    def reason(self) -> dict[str, str]:
        return {"failureCode": self.code, "failureMessage": self.about}

    def answer(self) -> JSONResponse:
        return JSONResponse({"failureReason": self.reason}, self.http)


# ---- who calls ----


def account_in(request: Request) -> str:
    """Whose token it is; PawapayRefusalError without one, and for the token `wrong`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise PawapayRefusalError("NO_AUTHENTICATION", http=401)
    if token == WRONG:
        raise PawapayRefusalError("AUTHENTICATION_ERROR", http=403)
    return money.account_of(token)


def signatures_of(sim: Simulator, account: str) -> Row | None:
    kept: Row | None = sim.db.execute(
        "SELECT * FROM pawapay_account WHERE account = ?", (account,)
    ).fetchone()
    return kept


async def read_request(request: Request, account: str) -> Any:
    """The JSON of a financial request, signed where the account's signatures are on."""
    sim, body = simulator_of(request), await request.body()
    kept = signatures_of(sim, account)
    if kept and kept["public_key"]:
        key = signing.public_key(kept["public_key"])
        told = signing.SignedPost(
            request.method, request.headers.get("host", ""), request.url.path, dict(request.headers), body
        )
        if key is None or not signing.is_signed(told, key, kept["key_id"]):
            raise PawapayRefusalError("HTTP_SIGNATURE_ERROR", http=403)
    try:
        return json.loads(body, parse_float=str)
    except ValueError:
        raise PawapayRefusalError("INVALID_INPUT", "We were unable to parse the payload.", 400) from None


# ---- what is asked ----


@dataclass(frozen=True)
class PawapayOrder:
    """A financial request that can be understood. `more` is what only pawaPay keeps; `code` is not kept."""

    operation: PawapayOperation
    id: str
    account: str
    amount: str
    currency: str
    digits: str
    provider: str
    note: str
    more: Mapping[str, str]
    code: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """Payouts and refunds go out of the same wallet, under ids of their own."""
        return f"{self.operation.kind} {self.id}"


def understood(sim: Simulator, operation: PawapayOperation, account: str, body: Any) -> PawapayOrder:
    """PawapayRefusalError, HTTP 400, for a body that is not as the reference says."""
    if not isinstance(body, dict):
        raise PawapayRefusalError("INVALID_INPUT", http=400)
    if lacking := sorted(REQUIRED[operation] - set(body)):
        raise PawapayRefusalError("MISSING_PARAMETER", f"'{lacking[0]}' is missing.", 400)
    if strange := sorted(set(body) - REQUIRED[operation] - OPTIONAL[operation]):
        raise PawapayRefusalError("UNSUPPORTED_PARAMETER", f"'{strange[0]}' is not supported.", 400)
    if operation is REFUND:
        body = body | _of_deposit(sim, account, body)
    party = body[operation.party] if isinstance(body[operation.party], dict) else {}
    details = party.get("accountDetails")
    _check(_is_uuid4(body[operation.id_field]), operation.id_field)
    _check(_fits(AMOUNT, body["amount"]), "amount")
    _check(_fits(re.compile(r"[A-Z]{3}"), body["currency"]), "currency")
    if not isinstance(details, dict) or party.get("type") != "MMO":
        raise PawapayRefusalError("INVALID_PARAMETER", f"The value of '{operation.party}' is invalid.", 400)
    _check(body.get("customerMessage") is None or _fits(MESSAGE, body["customerMessage"]), "customerMessage")
    for name in ("phoneNumber", "provider"):
        _check(isinstance(details.get(name), str), f"accountDetails.{name}")
    mmo = PROVIDERS.get(details["provider"])
    if mmo and mmo.auth == PREAUTH and operation is DEPOSIT and not body.get("preAuthorisationCode"):
        raise PawapayRefusalError("MISSING_PARAMETER", "'preAuthorisationCode' is missing.", 400)
    return PawapayOrder(
        operation,
        body[operation.id_field].lower(),
        account,
        body["amount"],
        body["currency"],
        details["phoneNumber"],
        details["provider"],
        body.get("customerMessage") or "",
        _kept(body),
        str(body.get("preAuthorisationCode") or ""),
    )


def _check(fits: bool, name: str) -> None:
    if not fits:
        raise PawapayRefusalError("INVALID_PARAMETER", f"The value of '{name}' is invalid.", 400)


def _fits(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _is_uuid4(value: object) -> bool:
    try:
        return isinstance(value, str) and UUID(value).version == 4
    except ValueError:
        return False


def _kept(body: Mapping[str, Any]) -> dict[str, str]:
    """clientReferenceId, the deposit of a refund, and the metadata as one object."""
    flat: dict[str, str] = {}
    items = body.get("metadata") or []
    _check(isinstance(items, list) and len(items) <= 10, "metadata")
    for item in items:
        _check(isinstance(item, dict), "metadata")
        for name, value in item.items():
            if name in flat:
                raise PawapayRefusalError("DUPLICATE_METADATA_FIELD", http=400)
            if name != "isPII":
                flat[name] = str(value)
    named = {name: str(body[name]) for name in ("clientReferenceId", "depositId") if body.get(name)}
    return named | {"metadata": json.dumps(flat)}


def _of_deposit(sim: Simulator, account: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a refund takes from its deposit: the phone, and the amount that is left if it names none."""
    deposit = money.find(sim, NAME, IN, f"DEPOSIT {str(body['depositId']).lower()}")
    if deposit is None or deposit["account"] != account:
        raise PawapayRefusalError("NOT_FOUND")
    if money.facts_of(deposit).state != money.PAID:
        raise PawapayRefusalError("INVALID_STATE")
    earlier = sim.db.execute(
        "SELECT coalesce(sum(moved_milli), 0) AS milli, coalesce(sum(final_state IS NULL OR final_at > ?), 0) AS open"
        " FROM money WHERE provider = ? AND direction = 'out' AND token = ? AND coalesce(final_state, '') <> 'FAILED'",
        (epoch(), NAME, deposit["reference"]),
    ).fetchone()
    left = deposit["moved_milli"] - earlier["milli"]
    if earlier["open"]:
        raise PawapayRefusalError("REFUND_IN_PROGRESS")
    if left <= 0:
        raise PawapayRefusalError("DEPOSIT_ALREADY_REFUNDED")
    amount = str(body.get("amount") or journal.decimal(left))
    if AMOUNT.fullmatch(amount) and journal.milli(amount) > left:
        raise PawapayRefusalError("AMOUNT_TOO_LARGE")
    details = {
        "phoneNumber": deposit["phone"].removeprefix("+"),
        "provider": money.more_of(deposit)["provider"],
    }
    return {
        "amount": amount,
        "currency": body.get("currency") or deposit["currency"],
        "recipient": {"type": "MMO", "accountDetails": details},
    }


def check_order(sim: Simulator, asked: PawapayOrder) -> None:
    """PawapayRefusalError, HTTP 200, for an order that the provider does not take."""
    mmo, state = PROVIDERS.get(asked.provider), availability_of(sim, asked.provider)
    if mmo is None:
        raise PawapayRefusalError("INVALID_PROVIDER")
    if asked.currency not in mmo.currencies:
        raise PawapayRefusalError("INVALID_CURRENCY")
    if not PHONE.fullmatch(asked.digits) or not asked.digits.startswith(COUNTRIES[mmo.country].prefix):
        raise PawapayRefusalError("INVALID_PHONE_NUMBER")
    decimals = len(asked.amount.partition(".")[2])
    if decimals > (2 if mmo.currencies[asked.currency] == TWO_PLACES else 0):
        raise PawapayRefusalError("INVALID_AMOUNT")
    if (
        not journal.milli(least_of(mmo, asked.currency))
        <= journal.milli(asked.amount)
        <= journal.milli(mmo.most)
    ):
        raise PawapayRefusalError("AMOUNT_OUT_OF_BOUNDS")
    if state == CLOSED or (state == DELAYED and asked.operation is DEPOSIT):
        raise PawapayRefusalError("PROVIDER_TEMPORARILY_UNAVAILABLE")


def least_of(mmo: Mmo, currency: str) -> str:
    return LEAST_USD if currency == "USD" else mmo.least


def availability_of(sim: Simulator, provider: str) -> str:
    kept = sim.db.execute("SELECT status FROM pawapay_provider WHERE provider = ?", (provider,)).fetchone()
    return kept["status"] if kept else OPERATIONAL


def padded(amount: str, places: int) -> str:
    whole, _, part = amount.partition(".")
    return f"{whole}.{part.ljust(places, '0')}"


def release(sim: Simulator, row: Row, end: End) -> None:
    """End what waited for a network."""
    sim.db.execute("UPDATE money SET answer = NULL WHERE id = ? AND final_state IS NULL", (row["id"],))
    money.fix(sim, row, "sandbox", end)
