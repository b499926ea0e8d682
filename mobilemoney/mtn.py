"""MTN MoMo Open API: a push to the phone (requesttopay), a transfer to it, an account holder's name, a balance.

Wire truth: momodeveloper.mtn.com, the text of 2018 of the same documentation, and MTN-Group's own SDKs. Second hand
(PyPI `momo-openapi`, seen on the gateway by its author; no statement of MTN is known): production moves from
https://proxy.momoapi.mtn.com to https://momoapi.momo.africa, so `url` has no default; the newer one demands
X-Target-Environment for a token too, takes 10 to 20 s for it, answers 403 in HTML to the user agent of a library, and
only the host that took a request knows its status: `url` changes when no payment is open. Unverified: limits of
amounts, who pays which fee, the form of numbers of Benin, whether a reference whose request failed may come again.

A business error is an HTTP 500 with a code: only the known codes of a refusal are FAILED. A status is 200 even for a
failed payment; its reasons are an open list. The callback is PUT or POST, is not signed and does not name the request:
our token is in the path of X-Callback-Url, our reference in `externalId`.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import httpx

from mobilemoney import wire
from mobilemoney.operator import (
    AmountLimits,
    Capabilities,
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

NAME = "mtn"
NEEDS = ("url", "subscription_key", "user", "key", "target_environment")
PAYOUT_NEEDS = ("disbursement_subscription_key",)
OWN_WALLET = ("disbursement_user", "disbursement_key")
SIMULATED = False
NETWORKS = ("BJ-mtn", "CI-mtn", "CM-mtn", "CG-mtn", "GN-mtn", "RW-mtn")
CURRENCIES = ("XOF", "XAF", "GNF", "RWF", "EUR")  # EUR: the sandbox has no other
CAPABILITIES = Capabilities(
    limits={currency: AmountLimits(1, wire.AMOUNT_LIMIT - 1) for currency in CURRENCIES},
    networks=dict.fromkeys(NETWORKS, Flow.PUSH),
    honours_reference=True,
    not_found_is_proof=timedelta(minutes=15),  # this project's own rule: MTN says nothing of it
    window=timedelta(minutes=5),
    not_approved=frozenset({"EXPIRED", "COULD_NOT_PERFORM_TRANSACTION", "PAYMENT_NOT_APPROVED"}),
    pays_out=True,
    payouts=frozenset(NETWORKS),
    tells_payee=True,
    tells_balance=True,
)

COLLECTION, DISBURSEMENT = "collection", "disbursement"
REQUEST, TRANSFER = "collection/v1_0/requesttopay", "disbursement/v1_0/transfer"

WORDS = {"PENDING": Outcome.PENDING, "SUCCESSFUL": Outcome.PAID, "FAILED": Outcome.FAILED}

# With one of these, in a 400 or a 500, the request is refused for good, whatever else is under way. Not among them are
# those that hang on balances and limits (NOT_ENOUGH_FUNDS, PAYER_LIMIT_REACHED, PAYEE_NOT_ALLOWED_TO_RECEIVE): the same
# request, sent before and not found yet, may be what uses them up. The status decides.
REFUSALS = {
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "PAYEE_NOT_FOUND",
    "PAYER_NOT_FOUND",
}
TOKEN_PATIENCE_S = 22  # it takes up to 20 s; with a request behind it, it ends before a lease of the queue
TOKEN_KEPT = 0.9  # of the life that the operator gives it
TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
LEAST_LIFE_S, LONGEST_LIFE_S = 1, 24 * 3600
PRINTABLE = re.compile(r"[\x20-\x7e]{1,500}")


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "Mtn":
    """`user` and `key` are an API user and its key, or the portal's User ID and Credential Token: those of one wallet.

    Each product has a subscription key; without that of disbursement nothing is paid out. If payouts leave another
    wallet, it has `disbursement_user` and `disbursement_key`. `url` is the address before `/collection`. ValueError
    for a credential that no header can carry, and for a part of what payouts from another wallet need.
    """
    given = account.credentials
    for name in (*NEEDS, *PAYOUT_NEEDS, *OWN_WALLET):
        if given.get(name) and not PRINTABLE.fullmatch(given[name]):
            raise ValueError(f"{name} has a letter that no key of MTN has")
    keys = {COLLECTION: ProductKeys(given["subscription_key"], given["user"], given["key"])}
    own = [name for name in OWN_WALLET if given.get(name)]
    lacking = [name for name in (*PAYOUT_NEEDS, *OWN_WALLET) if not given.get(name)]
    if own and lacking:
        raise ValueError(f"payouts from a wallet of their own lack {', '.join(lacking)}")
    if subscription := given.get("disbursement_subscription_key"):
        user, key = own or ("user", "key")
        keys[DISBURSEMENT] = ProductKeys(subscription, given[user], given[key])
    return Mtn(client, given["url"].rstrip("/"), given["target_environment"], account.currency, keys)


def named_in(notice: Notice) -> str | None:
    """`externalId`, where each request puts our reference."""
    ours = wire.reference(wire.text(wire.json_object(notice.body), "externalId"))
    return str(ours) if ours else None


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """Its notices are not signed."""
    return None


@dataclass(frozen=True)
class ProductKeys:
    """What one product of MTN, collection or disbursement, is asked with."""

    subscription: str = field(repr=False)
    user: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def basic(self) -> str:
        # Never URL-encoded before base64: the newer host answers that with 500 (second hand).
        return "Basic " + base64.b64encode(f"{self.user}:{self.key}".encode()).decode()


@dataclass(frozen=True)
class Mtn(PayoutOperator):
    """See `mobilemoney.operator.PayoutOperator`. `tokens` has for each product its own."""

    client: httpx.AsyncClient
    base_url: str
    target_environment: str
    currency: str
    keys: Mapping[str, ProductKeys] = field(repr=False)
    tokens: Mapping[str, wire.TokenHolder] = field(
        default_factory=lambda: {product: wire.TokenHolder() for product in (COLLECTION, DISBURSEMENT)},
        repr=False,
    )

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        return await self._move(REQUEST, "payer", ask)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        reply = await self._exchange("GET", f"{REQUEST}/{ask.reference}")
        return read_status(reply, ask.reference, "payer")

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        if DISBURSEMENT not in self.keys:
            return our_word(Outcome.FAILED, "NO_DISBURSEMENT_KEY")
        return await self._move(TRANSFER, "payee", out)

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        reply = await self._exchange("GET", f"{TRANSFER}/{out.reference}")
        return read_status(reply, out.reference, "payee")

    async def payee_name(self, phone: str) -> str | None:
        """The operator tells birth and gender beside it: only the name leaves this function."""
        msisdn = wire.e164(phone)
        if msisdn is None:
            return None
        path = f"{DISBURSEMENT}/v1_0/accountholder/msisdn/{msisdn[1:]}/basicuserinfo"
        reply = await self._exchange("GET", path)
        if reply is None or reply.code != 200:
            return None
        both = " ".join(filter(None, (reply.text("given_name"), reply.text("family_name"))))
        return " ".join((reply.text("name") or both).split()) or None

    async def balance_minor(self) -> int | None:
        """Of the wallet that contributions come to."""
        reply = await self._exchange("GET", f"{COLLECTION}/v1_0/account/balance")
        if reply is None or reply.code != 200 or reply.text("currency") != self.currency:
            return None
        return wire.minor(reply.text("availableBalance"), self.currency)

    async def _move(self, path: str, party: str, ask: PaymentRequest) -> OperatorAnswer:
        if ask.currency not in CURRENCIES:
            return our_word(Outcome.FAILED, "INVALID_CURRENCY")
        note = wire.plain_note(ask.note)  # an apostrophe is answered 400
        body = {
            "amount": wire.decimal_text(ask.amount_minor, ask.currency),
            "currency": ask.currency,
            "externalId": str(ask.reference),
            party: {"partyIdType": "MSISDN", "partyId": ask.phone.removeprefix("+")},
            "payerMessage": note,
            "payeeNote": note,
        }
        headers = {"x-reference-id": str(ask.reference)}
        if ask.notice_url:
            headers["x-callback-url"] = ask.notice_url
        return read_request(await self._exchange("POST", path, body, headers))

    async def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> wire.HttpReply | None:
        """Ask with the product's token; None where it has no keys."""
        product = path.partition("/")[0]
        if product not in self.keys:
            return None

        async def send(token: str) -> wire.HttpReply | None:
            sent = self._headers(product) | {"authorization": f"Bearer {token}"} | dict(headers or {})
            return await wire.exchange(
                self.client, method, f"{self.base_url}/{path}", body=body, headers=sent
            )

        return await self.tokens[product].exchange(partial(self._fetch_token, product), send)

    def _headers(self, product: str) -> dict[str, str]:
        return {
            "ocp-apim-subscription-key": self.keys[product].subscription,
            "x-target-environment": self.target_environment,
        }

    async def _fetch_token(self, product: str) -> wire.AccessToken | None:
        headers = self._headers(product) | {"authorization": self.keys[product].basic}
        url = f"{self.base_url}/{product}/token/"
        reply = await wire.exchange(self.client, "POST", url, headers=headers, patience_s=TOKEN_PATIENCE_S)
        token = (reply.body or {}).get("access_token") if reply and reply.code == 200 else None
        if reply is None or not isinstance(token, str) or not TOKEN.fullmatch(token):
            return None
        life_s = min(max(_seconds(reply.text("expires_in")), LEAST_LIFE_S), LONGEST_LIFE_S)
        return wire.AccessToken(token, life_s * TOKEN_KEPT)


def _seconds(told: str | None) -> int:
    return int(told) if told and re.fullmatch(r"[0-9]{1,9}", told) else LEAST_LIFE_S


def read_request(reply: wire.HttpReply | None) -> OperatorAnswer:
    """202 with an empty body: accepted; 409: the operator has this reference already, so its status must be asked."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer, or no token")
    code = reply.text("code")
    if reply.code == 202:
        return OperatorAnswer(Outcome.ACCEPTED)
    if reply.code == 409 and code == "RESOURCE_ALREADY_EXIST":
        return OperatorAnswer(Outcome.PENDING, reason=code)
    if reply.code in {400, 500} and code in REFUSALS:
        return OperatorAnswer(Outcome.FAILED, reason=code)
    return OperatorAnswer(Outcome.UNKNOWN, reason=f"request answered {reply.code} {code or ''}".strip())


def read_status(reply: wire.HttpReply | None, reference: UUID, party: str) -> OperatorAnswer:
    """UNKNOWN unless the status is a known word, of our reference if it names one, and, if paid, has every fact."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer, or no token")
    if reply.code == 404 and reply.text("code") == "RESOURCE_NOT_FOUND":
        return OperatorAnswer(Outcome.NOT_FOUND)
    if reply.code != 200:
        return OperatorAnswer(Outcome.UNKNOWN, reason=f"status answered {reply.code}")
    named = reply.text("externalId")
    if named is not None and wire.reference(named) != reference:
        return OperatorAnswer(Outcome.UNKNOWN, reason="the status is of another reference")
    outcome = WORDS.get(reply.text("status") or "")
    if outcome is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="unknown status word")
    return _with_facts(outcome, reply, party)


def _with_facts(outcome: Outcome, reply: wire.HttpReply, party: str) -> OperatorAnswer:
    currency = reply.text("currency")
    answer = OperatorAnswer(
        outcome,
        amount_minor=wire.minor(reply.text("amount"), currency),
        currency=currency,
        phone=wire.e164(reply.text(party, "partyId")),
        operator_reference=reply.text("financialTransactionId"),
        reason=reply.text("reason")
        or reply.text("reason", "code"),  # a word in answers, an object in the schema
    )
    return in_full(answer)
