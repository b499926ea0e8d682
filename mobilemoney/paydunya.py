"""PayDunya: an invoice, which a phone is then asked to pay (SoftPay), and payouts (disburse v2).

1. `checkout-invoice/create` makes an invoice and gives its token. It asks nobody; made twice, one of the two is never
   paid.
2. `softpay/…` asks the payer of that invoice. Every network has a path and names of fields of its own: SOFTPAY. What a
   second call with one token does is unverified: it is never sent twice.
3. `checkout-invoice/confirm/TOKEN` says how it went, without currency or payer. The amounts have no currency on the
   wire either: they are of the network's country.

A notice is a form with the invoice's token. Its hash is the SHA-512 of the master key, a constant: it proves nothing.
Names and e-mail addresses of payers do not leave us: the account's credentials have one e-mail address for all.

Documented: the paths and fields, response_code "00", the states completed, failed and cancelled of an invoice, all of
a payout, and the refusal of Moov Côte d'Ivoire. From PayDunya's own client in Python: the path of 3, its state pending.
Second hand, from programs of others: its state expired, response codes other than "00", what a payout's status has
beside its state, the second part of PAYOUTS. Unverified: whether phones of Orange Mali get a push; whether MTN Benin
takes ten digits (the documentation has eight, and is older than the ten); what SoftPay answers to a wrong code; who
bears the fee, which the dashboard decides: `fees` in an answer are the payer's, and no cost of the mutuelle.

There is no sandbox for SoftPay and payouts. QR and web pages (Orange Senegal, Wave, Djamo) are of no use on a basic
phone and are not asked for. The code of the payer is got by #144*82#, then 2, in Côte d'Ivoire; in Burkina Faso as
Orange says.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote

import httpx

from mobilemoney import wire
from mobilemoney.operator import (
    AmountLimits,
    Capabilities,
    Fact,
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

NAME = "paydunya"
NEEDS = ("master_key", "private_key", "token", "store", "email", "address")
SIMULATED = False
BASE_URL = "https://app.paydunya.com"

TOKEN_SIZE = 100
# Of an invoice's notice; of a payout's, second hand.
TOKEN_FIELDS = ("data[invoice][token]", "data[token]", "token")
HASH_FIELDS = ("data[hash]", "hash")
NOTICE_FIELDS = 200
DONE = "00"  # the response_code of a success
# Second hand: there are no funds, or our address did not answer; maintenance. They pass.
PASSING = ("4002", "5000")

# The path behind `softpay/`, and what goes into which field.
SOFTPAY: dict[str, tuple[str, dict[str, str]]] = {
    "ML-orange": (
        "orange-money-mali",
        {
            "orange_money_mali_customer_fullname": "{name}",
            "orange_money_mali_email": "{email}",
            "orange_money_mali_phone_number": "{phone}",
            "orange_money_mali_customer_address": "{address}",
            "payment_token": "{token}",
        },
    ),
    "ML-moov": (
        "moov-mali",
        {
            "moov_ml_customer_fullname": "{name}",
            "moov_ml_email": "{email}",
            "moov_ml_phone_number": "{phone}",
            "moov_ml_customer_address": "{address}",
            "payment_token": "{token}",
        },
    ),
    "TG-togocel": (
        "t-money-togo",
        {
            "name_t_money": "{name}",
            "email_t_money": "{email}",
            "phone_t_money": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "TG-moov": (
        "moov-togo",
        {
            "moov_togo_customer_fullname": "{name}",
            "moov_togo_email": "{email}",
            "moov_togo_customer_address": "{address}",
            "moov_togo_phone_number": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "SN-free": (
        "free-money-senegal",
        {
            "customer_name": "{name}",
            "customer_email": "{email}",
            "phone_number": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "SN-expresso": (
        "expresso-senegal",
        {
            "expresso_sn_fullName": "{name}",
            "expresso_sn_email": "{email}",
            "expresso_sn_phone": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "CI-orange": (
        "orange-money-ci",
        {
            "orange_money_ci_customer_fullname": "{name}",
            "orange_money_ci_email": "{email}",
            "orange_money_ci_phone_number": "{phone}",
            "orange_money_ci_otp": "{otp}",
            "payment_token": "{token}",
        },
    ),
    "CI-mtn": (
        "mtn-ci",
        {
            "mtn_ci_customer_fullname": "{name}",
            "mtn_ci_email": "{email}",
            "mtn_ci_phone_number": "{phone}",
            "mtn_ci_wallet_provider": "MTNCI",
            "payment_token": "{token}",
        },
    ),
    "CI-moov": (
        "moov-ci",
        {
            "moov_ci_customer_fullname": "{name}",
            "moov_ci_email": "{email}",
            "moov_ci_phone_number": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "BF-orange": (
        "orange-money-burkina",
        {
            "name_bf": "{name}",
            "email_bf": "{email}",
            "phone_bf": "{phone}",
            "otp_code": "{otp}",
            "payment_token": "{token}",
        },
    ),
    "BF-moov": (
        "moov-burkina",
        {
            "moov_burkina_faso_fullName": "{name}",
            "moov_burkina_faso_email": "{email}",
            "moov_burkina_faso_phone_number": "{phone}",
            "moov_burkina_faso_payment_token": "{token}",
        },
    ),
    "BJ-mtn": (
        "mtn-benin",
        {
            "mtn_benin_customer_fullname": "{name}",
            "mtn_benin_email": "{email}",
            "mtn_benin_phone_number": "{phone}",
            "mtn_benin_wallet_provider": "MTNBENIN",
            "payment_token": "{token}",
        },
    ),
    "BJ-moov": (
        "moov-benin",
        {
            "moov_benin_customer_fullname": "{name}",
            "moov_benin_email": "{email}",
            "moov_benin_phone_number": "{phone}",
            "payment_token": "{token}",
        },
    ),
    "CM-mtn": (
        "mtn-cameroun",
        {
            "mtn_cameroun_customer_fullname": "{name}",
            "mtn_cameroun_email": "{email}",
            "mtn_cameroun_phone_number": "{phone}",
            "mtn_cameroun_wallet_provider": "MTNCAMEROUN",
            "payment_token": "{token}",
        },
    ),
}

# Moov Côte d'Ivoire answers only when the payer has; it begins so where nobody agreed for 30 seconds. No other network
# is known to refuse for good in the answer itself.
EXPIRED = {"moov-ci": "Vous avez dépassé le délai"}
PATIENCE_S = {"moov-ci": 36.0}

# `withdraw_mode` by the payee's network.
PAYOUTS = {
    # As the documentation lists them.
    "SN-orange": "orange-money-senegal",
    "SN-free": "free-money-senegal",
    "SN-expresso": "expresso-senegal",
    "BJ-mtn": "mtn-benin",
    "BJ-moov": "moov-benin",
    "CI-mtn": "mtn-ci",
    "CI-orange": "orange-money-ci",
    "CI-moov": "moov-ci",
    "TG-togocel": "t-money-togo",
    "ML-orange": "orange-money-mali",  # one client says that Mali cannot be paid
    # Second hand.
    "TG-moov": "moov-togo",  # one client says that it cannot be paid
    "BF-orange": "orange-money-burkina",
    "BF-moov": "moov-burkina-faso",
    "BJ-celtiis": "celtiis-cash",
}

CURRENCIES = {"CM": "XAF"}  # of a country; XOF in the others

PAYMENT_WORDS = {
    "pending": Outcome.PENDING,
    "completed": Outcome.PAID,
    "cancelled": Outcome.FAILED,
    "failed": Outcome.FAILED,
    "expired": Outcome.FAILED,
}
PAYOUT_WORDS = {
    "created": Outcome.PENDING,
    "pending": Outcome.PENDING,
    "success": Outcome.PAID,
    "failed": Outcome.FAILED,
}

NOT_PREPARED = our_word(Outcome.UNKNOWN, "the first step is missing")
NO_ANSWER = OperatorAnswer(Outcome.UNKNOWN, reason="no answer")

CAPABILITIES = Capabilities(
    limits={currency: AmountLimits(1, wire.AMOUNT_LIMIT - 1) for currency in ("XOF", "XAF")},
    networks={
        network: Flow.OTP_FIRST if "{otp}" in names.values() else Flow.PUSH
        for network, (_path, names) in SOFTPAY.items()
    },
    honours_reference=False,
    two_steps=True,
    not_told=frozenset({Fact.CURRENCY, Fact.PHONE}),
    not_found_is_proof=None,
    not_approved=frozenset({"EXPIRED", "expired"}),
    pays_out=True,
    payouts=frozenset(PAYOUTS),
)


def connect(client: httpx.AsyncClient, account: OperatorAccount) -> "PayDunya":
    """`store` is the name that payers read on the invoice; `email` and `address` stand in for those of payers."""
    credentials = account.credentials
    keys = ("master_key", "private_key", "token")
    if unusable := [key for key in keys if not re.fullmatch(r"[!-~]+", credentials[key])]:
        raise ValueError(f"{', '.join(unusable)}: only letters, digits and signs without blanks")
    headers = {f"PAYDUNYA-{key.replace('_', '-').upper()}": credentials[key] for key in keys}
    url = credentials.get("url", BASE_URL).rstrip("/")
    said = {need: credentials[need] for need in ("store", "email", "address")}
    return PayDunya(client, url, headers, **said)


def named_in(notice: Notice) -> str | None:
    """The token of the invoice, or of the payout; None for the empty notice with which an address is tried."""
    said = _form(notice)
    named = next((said[name].strip() for name in TOKEN_FIELDS if said.get(name)), "")
    return named if 0 < len(named) <= TOKEN_SIZE else None


def forgery(notice: Notice, credentials: Mapping[str, str]) -> str | None:
    """A wrong hash is nobody's. A right one proves nothing; a notice without one is a doorbell all the same."""
    said = _form(notice)
    told, key = (
        next((said[name] for name in HASH_FIELDS if said.get(name)), None),
        credentials.get("master_key"),
    )
    if told is None or key is None:
        return None
    is_ours = hmac.compare_digest(told.lower().encode(), hashlib.sha512(key.encode()).hexdigest().encode())
    return None if is_ours else "its hash is not that of our master key"


def _form(notice: Notice) -> dict[str, str]:
    try:
        return dict(parse_qsl(notice.body.decode(), max_num_fields=NOTICE_FIELDS))
    except ValueError:
        return {}


@dataclass(frozen=True)
class PayDunya(PayoutOperator):
    """See `mobilemoney.operator.PayoutOperator`."""

    client: httpx.AsyncClient
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    store: str
    email: str
    address: str

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        if fault := fault_of(ask, SOFTPAY):
            return our_word(Outcome.FAILED, fault)
        body = {
            # The description is what a statement has of an invoice.
            "invoice": {
                "total_amount": whole(ask),
                "description": f"{wire.plain_note(ask.note)} {ask.reference}".strip(),
            },
            "store": {"name": self.store},
            "custom_data": {"reference": str(ask.reference)},
            "actions": {"callback_url": ask.notice_url},
        }
        return read_prepared(await self._exchange("/api/v1/checkout-invoice/create", body), "token")

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        if not ask.token:
            return NOT_PREPARED
        if fault := fault_of(ask, SOFTPAY):
            return our_word(Outcome.FAILED, fault)
        path, names = SOFTPAY[ask.network]
        if "{otp}" in names.values() and not ask.otp:
            return our_word(Outcome.FAILED, "NO_CODE")
        facts = {
            "name": wire.plain_note(ask.note) or self.store,
            "email": self.email,
            "phone": wire.national(ask.phone, ask.network[:2]),
            "address": self.address,
            "token": ask.token,
            "otp": ask.otp,
        }
        body = {name: value.format_map(facts) for name, value in names.items()}
        reply = await self._exchange(f"/api/v1/softpay/{path}", body, PATIENCE_S.get(path))
        return read_request(reply, path)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        if not ask.token:
            return NOT_PREPARED
        reply = await self._exchange(f"/api/v1/checkout-invoice/confirm/{quote(ask.token, safe='')}")
        return read_status(reply, ask)

    async def prepare_payout(self, out: PaymentRequest) -> OperatorAnswer:
        if fault := fault_of(out, PAYOUTS):
            return our_word(Outcome.FAILED, fault)
        body = {
            "account_alias": wire.national(out.phone, out.network[:2]),
            "amount": whole(out),
            "withdraw_mode": PAYOUTS[out.network],
            "callback_url": out.notice_url,
        }
        return read_prepared(await self._exchange("/api/v2/disburse/get-invoice", body), "disburse_token")

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        if not out.token:
            return NOT_PREPARED
        body = {"disburse_invoice": out.token, "disburse_id": str(out.reference)}
        return read_paid_out(await self._exchange("/api/v2/disburse/submit-invoice", body))

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        if not out.token:
            return NOT_PREPARED
        body = {"disburse_invoice": out.token}
        return read_payout(await self._exchange("/api/v2/disburse/check-status", body), out)

    async def _exchange(
        self, path: str, body: Mapping[str, object] | None = None, patience_s: float | None = None
    ) -> wire.HttpReply | None:
        return await wire.exchange(
            self.client,
            "GET" if body is None else "POST",
            f"{self.base_url}{path}",
            body=body,
            headers=self.headers,
            patience_s=patience_s,
        )


def fault_of(ask: PaymentRequest, served: Mapping[str, object]) -> str | None:
    """Why a request cannot be put to PayDunya; None if it can."""
    country = ask.network[:2]
    if ask.network not in served:
        return "NETWORK_NOT_SERVED"
    if ask.currency != CURRENCIES.get(country, "XOF"):
        return "CURRENCY_NOT_SERVED"
    return None if wire.national(ask.phone, country) else "PHONE_OF_ANOTHER_COUNTRY"


def whole(ask: PaymentRequest) -> int:
    """The amount as PayDunya writes it: neither XOF nor XAF has decimals."""
    return int(wire.decimal_text(ask.amount_minor, ask.currency))


def read_prepared(reply: wire.HttpReply | None, name: str) -> OperatorAnswer:
    """A first step asks nobody and moves nothing: a refusal in words is for good, but for those that pass."""
    if reply is None:
        return NO_ANSWER
    code, token = reply.text("response_code"), (reply.text(name) or "").strip()
    if reply.code == 200 and code == DONE and token and len(token) <= TOKEN_SIZE:
        return OperatorAnswer(Outcome.ACCEPTED, token=token)
    refused = reply.code < 500 and code not in (None, DONE, *PASSING)
    return OperatorAnswer(Outcome.FAILED if refused else Outcome.UNKNOWN, reason=_said(reply))


def read_request(reply: wire.HttpReply | None, path: str) -> OperatorAnswer:
    """`success` is that the payer was asked; without it only the refusal that is known of this path is one."""
    if reply is None:
        return NO_ANSWER
    success = (reply.body or {}).get("success")
    if reply.code == 200 and success is True:
        return OperatorAnswer(Outcome.ACCEPTED)
    known = path in EXPIRED and (reply.text("message") or "").startswith(EXPIRED[path])
    if reply.code < 500 and success is False and known:
        return OperatorAnswer(Outcome.FAILED, reason="EXPIRED")
    return OperatorAnswer(Outcome.UNKNOWN, reason=_said(reply))


def read_status(reply: wire.HttpReply | None, ask: PaymentRequest) -> OperatorAnswer:
    """UNKNOWN unless the status is of our invoice, a known word and, if paid, has an amount."""
    if reply is None:
        return NO_ANSWER
    ours = reply.text("custom_data", "reference"), str(ask.reference)
    names = [(reply.text("invoice", "token"), ask.token), ours]
    answer = OperatorAnswer(
        PAYMENT_WORDS.get(reply.text("status") or "", Outcome.UNKNOWN),
        amount_minor=wire.minor(reply.text("invoice", "total_amount"), ask.currency),
        operator_reference=ask.token,
    )
    return _checked(reply, answer, names)


def read_paid_out(reply: wire.HttpReply | None) -> OperatorAnswer:
    """The second step moves money: only its status says that it did not."""
    if reply is None:
        return NO_ANSWER
    if reply.code == 200 and reply.text("response_code") == DONE:
        return OperatorAnswer(Outcome.ACCEPTED)
    return OperatorAnswer(Outcome.UNKNOWN, reason=_said(reply))


def read_payout(reply: wire.HttpReply | None, out: PaymentRequest) -> OperatorAnswer:
    """As `read_status`; a payout that was never sent to its operator is `created`, and may yet be."""
    if reply is None:
        return NO_ANSWER
    names = [(reply.text("token"), out.token), (reply.text("disburse_id"), str(out.reference))]
    answer = OperatorAnswer(
        PAYOUT_WORDS.get(reply.text("status") or "", Outcome.UNKNOWN),
        amount_minor=wire.minor(reply.text("amount"), out.currency),
        operator_reference=reply.text("transaction_id"),
    )
    return _checked(reply, answer, names)


def _checked(
    reply: wire.HttpReply, answer: OperatorAnswer, names: Sequence[tuple[str | None, str | None]]
) -> OperatorAnswer:
    """The answer, if it is one: each of `names` that is told is the expected one, and one is told."""
    if reply.code != 200 or reply.text("response_code") != DONE:
        return OperatorAnswer(Outcome.UNKNOWN, reason=_said(reply))
    told = [(name.strip(), expected) for name, expected in names if name]
    if not told or any(name != expected for name, expected in told):
        return OperatorAnswer(Outcome.UNKNOWN, reason="the status of another invoice")
    if answer.outcome is Outcome.UNKNOWN:
        return OperatorAnswer(Outcome.UNKNOWN, reason="unknown status word")
    return in_full(replace(answer, reason=reply.text("status")), CAPABILITIES.not_told)


def _said(reply: wire.HttpReply) -> str:
    """What PayDunya says of a request that did not succeed."""
    words = reply.text("response_code"), reply.text("response_text") or reply.text("message")
    return ": ".join(filter(None, words)) or f"answered {reply.code}"
