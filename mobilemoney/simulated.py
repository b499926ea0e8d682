"""The simulator's operator: a push to the phone, approved with a PIN; its status is one word. It pays out too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx

from currencies import MINOR_DIGITS
from mobilemoney import wire
from mobilemoney.operator import (
    AmountLimits,
    Capabilities,
    Notice,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    PayoutOperator,
    in_full,
    our_word,
)

NAME = "simulated"
NEEDS = ("url",)
SIMULATED = True
CAPABILITIES = Capabilities(
    limits={currency: AmountLimits(1, wire.AMOUNT_LIMIT - 1) for currency in MINOR_DIGITS},
    honours_reference=True,
    not_found_is_proof=timedelta(minutes=15),
    pays_out=True,
    tells_payee=True,
    tells_balance=True,
    find_prompt="*888#",  # invented, as the operator is
    not_approved=frozenset({"EXPIRED"}),
)
COLLECTIONS, PAYOUTS = "collections", "payouts"

WORDS = {"PENDING": Outcome.PENDING, "SUCCESSFUL": Outcome.PAID, "FAILED": Outcome.FAILED}

# With one of these the operator refuses the request for good.
REFUSALS = {
    "INVALID_BODY",
    "INVALID_REFERENCE",
    "INVALID_PHONE",
    "INVALID_AMOUNT",
    "INVALID_CURRENCY",
    "INVALID_NOTE",
    "INVALID_NOTICE_URL",
    "PAYER_NOT_FOUND",
    "PAYEE_NOT_FOUND",
    "INSUFFICIENT_FLOAT",
}


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "Simulated":
    """The credential `url` is the address before `/v1/collections`."""
    return Simulated(client, account.credentials["url"].rstrip("/"), account.currency)


def named_in(notice: Notice) -> str | None:
    """Each payment has a notice address of its own: no notice has to name one."""
    return None


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """Its notices are not signed."""
    return None


@dataclass(frozen=True)
class Simulated(PayoutOperator):
    """See `mobilemoney.operator.PayoutOperator`. `currency` is the account's."""

    client: httpx.AsyncClient
    base_url: str
    currency: str

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        return await self._order(COLLECTIONS, ask)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        return await self._look(COLLECTIONS, ask.reference)

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        return await self._order(PAYOUTS, out)

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        return await self._look(PAYOUTS, out.reference)

    async def payee_name(self, phone: str) -> str | None:
        reply = await wire.exchange(self.client, "GET", f"{self.base_url}/v1/holders/{phone}")
        return reply.text("name") if reply is not None and reply.code == 200 else None

    async def balance_minor(self) -> int | None:
        url = f"{self.base_url}/v1/balance?currency={self.currency}"
        reply = await wire.exchange(self.client, "GET", url)
        if reply is None or reply.code != 200 or reply.text("currency") != self.currency:
            return None
        return wire.minor(reply.text("available"), self.currency)

    async def _order(self, kind: str, ask: PaymentRequest) -> OperatorAnswer:
        if ask.currency not in MINOR_DIGITS:
            return our_word(Outcome.FAILED, "INVALID_CURRENCY")
        body = {
            "reference": str(ask.reference),
            "phone": ask.phone,
            "amount": wire.decimal_text(ask.amount_minor, ask.currency),
            "currency": ask.currency,
            "note": wire.plain_note(ask.note),
            "notice_url": ask.notice_url,
        }
        return read_request(await wire.exchange(self.client, "POST", f"{self.base_url}/v1/{kind}", body=body))

    async def _look(self, kind: str, reference: UUID) -> OperatorAnswer:
        reply = await wire.exchange(self.client, "GET", f"{self.base_url}/v1/{kind}/{reference}")
        return read_status(reply, reference)


def read_request(reply: wire.HttpReply | None) -> OperatorAnswer:
    """202: accepted; 409: the operator has this reference already, so its status must be asked."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    code = reply.text("code")
    if reply.code == 202:
        return OperatorAnswer(Outcome.ACCEPTED)
    if reply.code == 409:
        return OperatorAnswer(Outcome.PENDING, reason=code)
    if reply.code == 400 and code in REFUSALS:
        return OperatorAnswer(Outcome.FAILED, reason=code)
    return OperatorAnswer(Outcome.UNKNOWN, reason=f"request answered {reply.code}")


def read_status(reply: wire.HttpReply | None, reference: UUID) -> OperatorAnswer:
    """UNKNOWN unless the status is of our reference, a known word and, if paid, has every fact."""
    if reply is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
    if reply.code == 404 and reply.text("code") == "NOT_FOUND":
        return OperatorAnswer(Outcome.NOT_FOUND)
    if reply.code != 200 or wire.reference(reply.text("reference")) != reference:
        return OperatorAnswer(Outcome.UNKNOWN, reason=f"status answered {reply.code}")
    outcome = WORDS.get(reply.text("status") or "")
    if outcome is None:
        return OperatorAnswer(Outcome.UNKNOWN, reason="unknown status word")
    return _with_facts(outcome, reply)


def _with_facts(outcome: Outcome, reply: wire.HttpReply) -> OperatorAnswer:
    currency = reply.text("currency")
    answer = OperatorAnswer(
        outcome,
        amount_minor=wire.minor(reply.text("amount"), currency),
        currency=currency,
        phone=wire.e164(reply.text("phone")),
        operator_reference=reply.text("receipt"),
        completed_at=wire.moment(reply.text("completed_at")),
        reason=reply.text("reason"),
    )
    return in_full(answer)
