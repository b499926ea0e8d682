"""PayGateGlobal (Togo): a push to a phone of Moov (Flooz) or Togocel (T-Money, now Mixx by Yas).

Second hand: its guide is shown to merchants only; nine clients in public code agree on what is here. Unverified, and so
to be tried with one's own account first: whether the push of v1 reaches T-Money (one old client says Flooz only), and
how the status of a reference that it does not know is answered. There is no sandbox.

Its answers tell no phone, and the amount only sometimes. Notices come to the one address of the account's dashboard,
unsigned. It pays out too, with fields that are unverified: so not from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

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
    our_word,
)

NAME = "paygate"
NEEDS = ("auth_token",)
SIMULATED = False
BASE_URL = "https://paygateglobal.com"
CURRENCY, COUNTRY, NUMBER_DIGITS = "XOF", "TG", 8  # "devise par défaut: FCFA"; it serves Togo only
NETWORKS = {"TG-moov": "FLOOZ", "TG-togocel": "TMONEY"}
CAPABILITIES = Capabilities(
    limits={CURRENCY: AmountLimits(1, wire.AMOUNT_LIMIT - 1)},
    networks=dict.fromkeys(NETWORKS, Flow.PUSH),
    honours_reference=True,  # second hand, as all of it: an identifier that it has already is answered 6
    not_told=frozenset({Fact.AMOUNT, Fact.CURRENCY, Fact.PHONE}),
    not_found_is_proof=None,  # how it says NOT FOUND is unverified
    notices_by_account=True,
    not_approved=frozenset({"EXPIRED"}),
    tells_balance=True,
)

# The same figures mean one thing of a request, and another of a payment.
REGISTERED, BAD_TOKEN, BAD_PARAMETERS, KNOWN_ALREADY = "0", "2", "4", "6"
PAID = "0"
UNPAID = {
    "2": OperatorAnswer(Outcome.PENDING),
    "4": OperatorAnswer(Outcome.FAILED, reason="EXPIRED"),
    "6": OperatorAnswer(Outcome.FAILED, reason="CANCELLED"),
}


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "PayGate":
    """The credential `url` is the address before `/api/v1/pay`; without it PayGateGlobal's own."""
    base_url = account.credentials.get("url") or BASE_URL
    return PayGate(client, base_url.rstrip("/"), account.credentials["auth_token"])


def named_in(notice: Notice) -> str | None:
    """`identifier`, of a notice in JSON or as a form; None if it has none."""
    body = wire.json_object(notice.body)
    if body is not None:
        return wire.text(body, "identifier")
    try:
        form = parse_qs(notice.body.decode(), max_num_fields=50)
    except ValueError:
        return None
    return wire.text({name: values[0] for name, values in form.items()}, "identifier")


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """Its notices are not signed."""
    return None


@dataclass(frozen=True)
class PayGate(Operator):
    """See `mobilemoney.operator.Operator`."""

    client: httpx.AsyncClient
    base_url: str
    auth_token: str = field(repr=False)

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        number = wire.national(ask.phone, COUNTRY) or ""
        for fits, reason in (
            (ask.currency == CURRENCY, "INVALID_CURRENCY"),
            (len(number) == NUMBER_DIGITS, "INVALID_PHONE"),
            (ask.network in NETWORKS, "INVALID_NETWORK"),
        ):
            if not fits:
                return our_word(Outcome.FAILED, reason)
        body = {
            "phone_number": number,
            "amount": ask.amount_minor,
            "description": wire.plain_note(ask.note),
            "identifier": str(ask.reference),
            "network": NETWORKS[ask.network],
        }
        return read_request(await self._post("/api/v1/pay", body))

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        reply = await self._post("/api/v2/status", {"identifier": str(ask.reference)})
        return read_status(reply, str(ask.reference))

    async def balance_minor(self) -> int | None:
        """Flooz and T-Money together: it keeps them apart, one account of ours has both."""
        reply = await self._post("/api/v1/check-balance", {})
        if reply is None or reply.code != 200:
            return None
        parts = [wire.minor(reply.text(name), CURRENCY) for name in ("flooz", "tmoney")]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    async def _post(self, path: str, body: Mapping[str, object]) -> wire.HttpReply | None:
        sent = {"auth_token": self.auth_token, **body}
        return await wire.exchange(self.client, "POST", f"{self.base_url}{path}", body=sent)


def read_request(reply: wire.HttpReply | None) -> OperatorAnswer:
    """A bad token is no refusal of this payment: it may have been accepted before the token was changed."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    word = reply.text("status") if reply.code == 200 else None
    reference = reply.text("tx_reference")
    if word == REGISTERED and reference:
        return OperatorAnswer(Outcome.ACCEPTED, operator_reference=reference)
    if word == KNOWN_ALREADY:
        return OperatorAnswer(Outcome.PENDING, reason="its identifier is known already")
    if word == BAD_PARAMETERS:
        return OperatorAnswer(Outcome.FAILED, reason="INVALID_PARAMETERS")
    if word == BAD_TOKEN:
        return OperatorAnswer(Outcome.UNKNOWN, reason="auth_token is refused")
    return OperatorAnswer(Outcome.UNKNOWN, reason=f"request answered {reply.code}")


def read_status(reply: wire.HttpReply | None, identifier: str) -> OperatorAnswer:
    """UNKNOWN unless the answer is of a transaction, and not of another one than ours."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    if reply.code == 404 and reply.text("error_code"):
        return OperatorAnswer(Outcome.NOT_FOUND)
    named = reply.text("identifier") or identifier  # v2 does not always repeat it
    if reply.code != 200 or reply.text("error_code") or named != identifier:
        return OperatorAnswer(Outcome.UNKNOWN, reason=f"status answered {reply.code}")
    if not reply.text("tx_reference"):
        return OperatorAnswer(Outcome.UNKNOWN, reason="a status of no transaction")
    word = reply.text("status") or ""
    if word == PAID:
        return _paid(reply)
    return UNPAID.get(word) or OperatorAnswer(Outcome.UNKNOWN, reason="unknown status word")


def _paid(reply: wire.HttpReply) -> OperatorAnswer:
    """What is told of the money: the amount sometimes, its currency and the phone never."""
    amount = reply.text("amount")
    amount_minor = wire.minor(amount, CURRENCY)
    if amount is not None and amount_minor is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="paid, with an amount that cannot be read")
    return OperatorAnswer(
        Outcome.PAID,
        amount_minor=amount_minor,
        operator_reference=reply.text("payment_reference") or reply.text("tx_reference"),
        completed_at=wire.moment(reply.text("datetime")),
    )
