"""pawaPay, Merchant API v2: nine countries behind one account, which has a wallet in each.

From docs.pawapay.io (v2). A request is answered 200 even if it is REJECTED: its `status` says so. The same id again is
DUPLICATE_IGNORED. NOT_FOUND proves nothing until 15 minutes after the request. Fees are taken from what was collected.
An amount has no needless decimals; a message has 4 to 22 letters, digits and blanks. No time of completion is told:
`created` is that of the request, some minutes before. Limits are each account's own (GET /v2/active-conf): none is set
here, and pawaPay refuses what is outside them. Notices come to one address of an account.

Signatures go both ways where the credentials have keys. `private_key` (PEM, P-256) and `key_id`, its name in pawaPay's
dashboard, sign our requests. `public_keys`, the answer of GET /v2/public-key/http as it came, checks the notices: one
without a signature is a forgery then.

Second hand: that M-Pesa in Congo takes no centimes.
Unverified: whether live notices are signed in DER; with or without 01 in the phones of Benin. Wave leads to a web page,
which a basic phone cannot show: it is not offered. POST /v2/refunds is not used: a payout goes to any phone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import httpx

from mobilemoney import signatures, wire
from mobilemoney.operator import (
    AmountLimits,
    Capabilities,
    FeeBearer,
    Flow,
    Notice,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    PayoutOperator,
    in_full,
    our_word,
)

NAME = "pawapay"
NEEDS = ("token",)
SIMULATED = False
BASE_URL = "https://api.pawapay.io"

PROVIDERS = {
    "BJ-mtn": "MTN_MOMO_BEN",
    "BJ-moov": "MOOV_BEN",
    "BF-moov": "MOOV_BFA",
    "BF-orange": "ORANGE_BFA",
    "CI-mtn": "MTN_MOMO_CIV",
    "CI-orange": "ORANGE_CIV",
    "SN-orange": "ORANGE_SEN",
    "SN-free": "FREE_SEN",
    "CM-mtn": "MTN_MOMO_CMR",
    "CM-orange": "ORANGE_CMR",
    "CD-vodacom": "VODACOM_MPESA_COD",
    "CD-airtel": "AIRTEL_COD",
    "CD-orange": "ORANGE_COD",
    "CG-mtn": "MTN_MOMO_COG",
    "CG-airtel": "AIRTEL_COG",
    "GA-airtel": "AIRTEL_GAB",
    "RW-mtn": "MTN_MOMO_RWA",
    "RW-airtel": "AIRTEL_RWA",
}
OTP_FIRST = ("BF-orange",)  # the payer gets a code before, and it goes out as preAuthorisationCode
COUNTRIES = {
    "BJ": "BEN",
    "BF": "BFA",
    "CI": "CIV",
    "SN": "SEN",
    "CM": "CMR",
    "CD": "COD",
    "CG": "COG",
    "GA": "GAB",
    "RW": "RWA",
}

CAPABILITIES = Capabilities(
    limits={
        **{currency: AmountLimits(1, wire.AMOUNT_LIMIT - 1) for currency in ("XOF", "XAF", "RWF", "USD")},
        "CDF": AmountLimits(1_00, wire.AMOUNT_LIMIT - 1, 1_00),  # whole francs, which all three networks take
    },
    networks={name: Flow.OTP_FIRST if name in OTP_FIRST else Flow.PUSH for name in PROVIDERS},
    honours_reference=True,
    not_found_is_proof=timedelta(minutes=15),
    notices_by_account=True,
    not_approved=frozenset({"PAYMENT_NOT_APPROVED"}),
    fee_bearer=FeeBearer.MUTUELLE,
    pays_out=True,
    payouts=frozenset(PROVIDERS),
    tells_balance=True,
)

WORDS = {
    "ACCEPTED": Outcome.PENDING,
    "SUBMITTED": Outcome.PENDING,  # of the sandbox
    "ENQUEUED": Outcome.PENDING,  # a payout, until its network is back
    "PROCESSING": Outcome.PENDING,
    "IN_RECONCILIATION": Outcome.PENDING,
    "COMPLETED": Outcome.PAID,
    "FAILED": Outcome.FAILED,
}

# HTTP 400 with one of these: the request can never be taken. 401 and 403 (token, signature, right) hang on the account:
# they say nothing of the same request, sent before.
REFUSALS = {
    "INVALID_INPUT",
    "MISSING_PARAMETER",
    "UNSUPPORTED_PARAMETER",
    "INVALID_PARAMETER",
    "DUPLICATE_METADATA_FIELD",
}
NO_VERDICT = "UNKNOWN_ERROR"  # "do not assume failure": the status says what became of it
SHORTEST_MESSAGE = 4
KEY_ID = re.compile(r"[!#-\[\]-~]{1,200}")  # a text in quotes of RFC 8941, without blanks


class Operation(NamedTuple):
    """The path of an operation, the field of its id, and who is at its other end."""

    path: str
    id_field: str
    party: str


DEPOSIT = Operation("deposits", "depositId", "payer")
PAYOUT = Operation("payouts", "payoutId", "recipient")
NAMES_IN_NOTICES = ("depositId", "payoutId", "refundId")


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "PawaPay":
    """ValueError for a token, key or keys that cannot be used, without quoting them."""
    fields = account.credentials
    if not (fields["token"].isascii() and fields["token"].isprintable()):
        raise ValueError("token has letters that no header can have")
    if fields.get("public_keys"):
        signatures.public_keys(fields["public_keys"])
    pem, key_id = fields.get("private_key"), fields.get("key_id")
    if bool(pem) != bool(key_id):
        raise ValueError("private_key and key_id are needed together")
    if key_id and not KEY_ID.fullmatch(key_id):
        raise ValueError("key_id has letters that no signature can name")
    key = signatures.signing_key(key_id, pem) if pem and key_id else None
    url = (fields.get("url") or BASE_URL).rstrip("/")
    return PawaPay(client, url, fields["token"], account.country, account.currency, key)


def named_in(notice: Notice) -> str | None:
    """The id that we gave, of a deposit, a payout or a refund."""
    told = wire.json_object(notice.body)
    named = (wire.reference(wire.text(told, name)) for name in NAMES_IN_NOTICES)
    return next((str(reference) for reference in named if reference), None)


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """Why a notice is not pawaPay's; None also where the account has no `public_keys`: nothing is signed then.

    It was signed for our public address, never for the Host header that was received.
    """
    written = credentials.get("public_keys")
    if not written:
        return None
    try:
        keys = signatures.public_keys(written)
    except ValueError as unreadable:
        return str(unreadable)
    address = f"https://{notice.authority}{notice.path}"
    message = signatures.HttpMessage(notice.method, address, dict(notice.headers))
    return signatures.fault(message, notice.body, keys)


@dataclass(frozen=True)
class PawaPay(PayoutOperator):
    """See `mobilemoney.operator.PayoutOperator`. `country` has two letters."""

    client: httpx.AsyncClient
    base_url: str
    token: str = field(repr=False)
    country: str
    currency: str
    key: signatures.SigningKey | None = None

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        return await self._initiate(DEPOSIT, ask)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        return await self._look_up(DEPOSIT, ask)

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        return await self._initiate(PAYOUT, out)

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        return await self._look_up(PAYOUT, out)

    async def balance_minor(self) -> int | None:
        """The sum of the country's wallets in the account's currency: most accounts have one."""
        country = COUNTRIES.get(self.country, "")
        reply = await self._exchange("GET", f"/v2/wallet-balances?country={country}")
        wallets = (reply.body or {}).get("balances") if reply and reply.code == 200 else None
        if not isinstance(wallets, list):
            return None
        ours = [one for one in wallets if isinstance(one, dict) and one.get("country") == country]
        found = [one for one in ours if one.get("currency") == self.currency]
        amounts = [wire.minor(wire.text(one, "balance"), self.currency) for one in found]
        return None if not amounts or None in amounts else sum(filter(None, amounts))

    async def _initiate(self, operation: Operation, ask: PaymentRequest) -> OperatorAnswer:
        if refusal := _unsendable(operation, ask):
            return our_word(Outcome.FAILED, refusal)
        body = json.dumps(_body(operation, ask), separators=(",", ":")).encode()
        reply = await self._exchange("POST", f"/v2/{operation.path}", body)
        return read_initiation(reply, operation, ask)

    async def _look_up(self, operation: Operation, ask: PaymentRequest) -> OperatorAnswer:
        return read_status(
            await self._exchange("GET", f"/v2/{operation.path}/{ask.reference}"), operation, ask
        )

    async def _exchange(self, method: str, path: str, body: bytes | None = None) -> wire.HttpReply | None:
        url, headers = self.base_url + path, {"authorization": f"Bearer {self.token}"}
        if body is not None and self.key is not None:
            headers |= signatures.signed(method, url, body, self.key)
        elif body is not None:
            headers["content-type"] = signatures.CONTENT_TYPE
        return await wire.exchange(self.client, method, url, body=body, headers=headers)


def _unsendable(operation: Operation, ask: PaymentRequest) -> str | None:
    """Why a request cannot be written at all."""
    if ask.currency not in CAPABILITIES.limits:
        return "INVALID_CURRENCY"
    if ask.network not in PROVIDERS:
        return "INVALID_PROVIDER"
    if operation is DEPOSIT and ask.network in OTP_FIRST and not ask.otp:
        return "no code of the payer"
    return None


def _body(operation: Operation, ask: PaymentRequest) -> dict[str, object]:
    account = {"phoneNumber": ask.phone.removeprefix("+"), "provider": PROVIDERS[ask.network]}
    body: dict[str, object] = {
        operation.id_field: str(ask.reference),
        "amount": wire.decimal_text(ask.amount_minor, ask.currency),
        "currency": ask.currency,
        operation.party: {"type": "MMO", "accountDetails": account},
        "clientReferenceId": str(ask.reference),  # the statement repeats it
    }
    note = wire.plain_note(ask.note)
    if len(note) >= SHORTEST_MESSAGE:
        body["customerMessage"] = note
    if operation is DEPOSIT and ask.network in OTP_FIRST:
        body["preAuthorisationCode"] = ask.otp
    return body


def read_initiation(
    reply: wire.HttpReply | None, operation: Operation, ask: PaymentRequest
) -> OperatorAnswer:
    """FAILED for a definite refusal of this very id; DUPLICATE_IGNORED concludes nothing: its status must be asked."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    code = reply.text("failureReason", "failureCode")
    if reply.code == 400 and code in REFUSALS:
        return OperatorAnswer(Outcome.FAILED, reason=code)
    word = reply.text("status")
    if reply.code == 200 and wire.reference(reply.text(operation.id_field)) == ask.reference:
        if word == "ACCEPTED":
            return OperatorAnswer(Outcome.ACCEPTED)
        if word == "DUPLICATE_IGNORED":
            return OperatorAnswer(Outcome.PENDING, reason=word)
        if word == "REJECTED" and code and code != NO_VERDICT:
            return OperatorAnswer(Outcome.FAILED, reason=code, names_reference=True)
    return OperatorAnswer(Outcome.UNKNOWN, reason=code or f"request answered {reply.code}")


def read_status(reply: wire.HttpReply | None, operation: Operation, ask: PaymentRequest) -> OperatorAnswer:
    """UNKNOWN unless the status is of our id, a known word and, if paid, has every fact."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    found = reply.text("status") if reply.code == 200 else None
    if found == "NOT_FOUND":
        return OperatorAnswer(Outcome.NOT_FOUND)
    if found != "FOUND" or wire.reference(reply.text("data", operation.id_field)) != ask.reference:
        return OperatorAnswer(Outcome.UNKNOWN, reason=f"status answered {reply.code}")
    outcome = WORDS.get(reply.text("data", "status") or "")
    if outcome is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="unknown status word")
    return _with_facts(outcome, reply, operation)


def _with_facts(outcome: Outcome, reply: wire.HttpReply, operation: Operation) -> OperatorAnswer:
    currency = reply.text("data", "currency")
    answer = OperatorAnswer(
        outcome,
        amount_minor=wire.minor(reply.text("data", "amount"), currency),
        currency=currency,
        phone=wire.e164(reply.text("data", operation.party, "accountDetails", "phoneNumber")),
        operator_reference=reply.text("data", "providerTransactionId"),
        reason=reply.text("data", "failureReason", "failureCode"),
    )
    return in_full(answer)
