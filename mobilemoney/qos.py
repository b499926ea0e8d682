"""QOS (docs.qosic.com, merchant API): a push to a phone in Togo or Benin, through one account for several networks.

Documented: signing in, a request with `transRef` (ours, and its idempotency key), its status, the wallets. Unverified,
and so told by the account's credentials or never taken for granted: the address of the API (the documentation has
`api.example.com`), what QOS calls each network (`operatorId`), where the answer to signing in has its token, the words
of a status other than SUCCESSFUL, and how the status of an unknown reference is answered.

Answers tell neither currency nor phone. No notice is documented: payments are asked for. Transfers are documented for
banks only, so nothing is paid out from here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from mobilemoney import wire
from mobilemoney.operator import (
    AmountLimits,
    Capabilities,
    Fact,
    Flow,
    Notice,
    Operator,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    in_full,
    our_word,
)

NAME = "qos"
NEEDS = ("url", "client_key", "client_secret", "operator_ids", "email")
SIMULATED = False
CURRENCY = "XOF"
NETWORKS = ("TG-togocel", "TG-moov", "BJ-mtn", "BJ-moov", "BJ-celtiis")
CAPABILITIES = Capabilities(
    limits={CURRENCY: AmountLimits(1, wire.AMOUNT_LIMIT - 1)},
    networks=dict.fromkeys(NETWORKS, Flow.PUSH),
    honours_reference=True,
    not_told=frozenset({Fact.CURRENCY, Fact.PHONE}),
    not_found_is_proof=None,  # how it says NOT FOUND is unverified
    tells_balance=True,
)

WORDS = {"PENDING": Outcome.PENDING, "SUCCESSFUL": Outcome.PAID, "FAILED": Outcome.FAILED}
DONE = "00"
TOKEN = re.compile(r"[!-~]{1,4096}")  # what a header may carry
# "Payment reference already exists", "Transaction exist with the specified transaction reference"
KNOWN_ALREADY = ("already exists", "transaction exist")
# It wants a name and an address of each payer: members have none to give, and need not.
FIRST_NAME, LAST_NAME = "Membre", "Mutuelle"


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "Qos":
    """`operator_ids` is what QOS calls each network ("TG-moov=… BJ-mtn=…"), or one word for all.

    `email` is the mutuelle's own. ValueError for ids that cannot be read.
    """
    said = account.credentials
    return Qos(client, said["url"].rstrip("/"), said, read_operator_ids(said["operator_ids"]))


def read_operator_ids(written: str) -> dict[str, str]:
    """QOS's name of each network; ValueError for a network that is none of its own."""
    pairs = [part.partition("=") for part in written.replace(",", " ").split()]
    if len(pairs) == 1 and not pairs[0][1]:
        return dict.fromkeys(NETWORKS, pairs[0][0])
    ids = {network: name for network, _equals, name in pairs if name}
    if not ids or len(ids) != len(pairs) or not ids.keys() <= set(NETWORKS):
        raise ValueError(f"operator_ids is NETWORK=NAME …, with networks of {', '.join(NETWORKS)}")
    return ids


def named_in(notice: Notice) -> str | None:
    """No notice of QOS is documented."""
    return None


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """No notice of QOS is documented: whatever comes is a doorbell at most."""
    return None


@dataclass(frozen=True)
class Qos(Operator):
    """See `mobilemoney.operator.Operator`."""

    client: httpx.AsyncClient
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    operator_ids: Mapping[str, str] = field(repr=False)
    token: wire.TokenHolder = field(default_factory=wire.TokenHolder, repr=False)

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        if ask.currency != CURRENCY:
            return our_word(Outcome.FAILED, "INVALID_CURRENCY")
        if ask.network not in self.operator_ids:
            return our_word(Outcome.FAILED, "INVALID_NETWORK")
        body = {
            "amount": f"{ask.amount_minor}.00",
            "transRef": str(ask.reference),
            "msisdn": ask.phone.removeprefix("+"),
            "operatorId": self.operator_ids[ask.network],
            "countryCode": ask.network[:2],
            "currencyCode": CURRENCY,
            "firstName": FIRST_NAME,
            "lastName": LAST_NAME,
            "customerEmail": self.credentials["email"],
        }
        return read_request(await self._call("POST", "/api/v1/payment/collections/request", body))

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        reply = await self._call("GET", f"/api/v1/transactions/status/{ask.reference}")
        return read_status(reply, str(ask.reference))

    async def balance_minor(self) -> int | None:
        """What all wallets in francs have together; None unless each tells it."""
        reply = await self._call("GET", "/api/v1/merchant/reports/wallets")
        wallets = (reply.body or {}).get("data") if reply and reply.code == 200 else None
        if not isinstance(wallets, list) or not all(isinstance(one, dict) for one in wallets):
            return None
        told = [one for one in wallets if one.get("currencyCode") == CURRENCY]
        parts = [wire.minor(wire.text(one, "availableBalance"), CURRENCY) for one in told]
        known = [part for part in parts if part is not None]
        return sum(known) if parts and len(known) == len(parts) else None

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> wire.HttpReply | None:
        async def send(token: str) -> wire.HttpReply | None:
            headers = {"authorization": f"Bearer {token}"}
            return await wire.exchange(
                self.client, method, f"{self.base_url}{path}", body=body, headers=headers
            )

        return await self.token.exchange(self._sign_in, send)

    async def _sign_in(self) -> wire.AccessToken | None:
        said = self.credentials
        body = {"clientKey": said["client_key"], "clientSecret": said["client_secret"]}
        reply = await wire.exchange(self.client, "POST", f"{self.base_url}/api/v1/auth/login", body=body)
        token = token_in(reply)
        return wire.AccessToken(token) if token else None


def token_in(reply: wire.HttpReply | None) -> str | None:
    """The token in the answer to signing in, whole: `HttpReply.text` would cut a long one."""
    data = (reply.body or {}).get("data") if reply is not None and reply.code == 200 else None
    token = data.get("accessToken") if isinstance(data, dict) else None
    return token if isinstance(token, str) and TOKEN.fullmatch(token) else None


def read_request(reply: wire.HttpReply | None) -> OperatorAnswer:
    """FAILED is what its own envelope refuses; whatever has no envelope, or another HTTP status, decides nothing."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    success = (reply.body or {}).get("success")
    message, word = reply.text("message") or "", reply.text("data", "status")
    if any(known in message.lower() for known in KNOWN_ALREADY):
        return OperatorAnswer(Outcome.PENDING, reason=message)
    if reply.code == 200 and success is True and reply.text("responseCode") == DONE and word in WORDS:
        if word != "FAILED":
            return OperatorAnswer(
                Outcome.ACCEPTED, operator_reference=reply.text("data", "providerReference")
            )
    elif reply.code == 400 and success is False and reply.text("responseCode") not in (None, DONE):
        return OperatorAnswer(Outcome.FAILED, reason=message or reply.text("responseCode"))
    return OperatorAnswer(Outcome.UNKNOWN, reason=f"request answered {reply.code}")


def read_status(reply: wire.HttpReply | None, reference: str) -> OperatorAnswer:
    """UNKNOWN unless it is of our reference and a known word; PAID only if word and code agree."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    if reply.code == 404 and (reply.body or {}).get("success") is False:
        return OperatorAnswer(Outcome.NOT_FOUND)
    if reply.code != 200 or reply.text("data", "transRef") != reference:
        return OperatorAnswer(Outcome.UNKNOWN, reason=f"status answered {reply.code}")
    word, code = reply.text("data", "status") or "", reply.text("data", "responseCode")
    match WORDS.get(word):
        case Outcome.PENDING:
            return OperatorAnswer(Outcome.PENDING)
        case Outcome.PAID if code == DONE:
            return _paid(reply)
        case Outcome.FAILED if code not in (None, DONE):
            return OperatorAnswer(Outcome.FAILED, reason=code)
    return OperatorAnswer(Outcome.UNKNOWN, reason="an unknown word, or one that its code contradicts")


def _paid(reply: wire.HttpReply) -> OperatorAnswer:
    """The amount that was paid, without a fee that the payer bore on top of what was asked."""
    asked, paid, fee = (
        wire.minor(reply.text("data", name), CURRENCY) for name in ("requestedAmount", "amountPaid", "fee")
    )
    is_payers = asked is not None and fee is not None and fee > 0 and paid == asked + fee
    answer = OperatorAnswer(
        Outcome.PAID,
        amount_minor=asked if is_payers else paid,
        operator_reference=reply.text("data", "providerReference"),
        fee_minor=0 if is_payers else fee,
    )
    return in_full(answer, CAPABILITIES.not_told)
