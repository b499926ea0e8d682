"""What only PayDunya has: two steps, a network's own fields, amounts without a currency, a constant for a signature.

The examples are typed from the provider's documentation.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest

from mobilemoney import paydunya, wire
from mobilemoney.networks import networks
from mobilemoney.operator import (
    Fact,
    Flow,
    Notice,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    PayoutOperator,
    our_word,
)
from simulator.app import create_app
from simulator.deps import Config
from tests.support.operators import an_account, in_steps, paid_out_in_steps
from tests.support.patience import once
from tests.support.servers import Service, Simulator, environment, listening, reached, serving

REFERENCE = UUID("7b1c0a52-7d11-4f8e-9a60-5f2d6c1e0b77")
TOKEN = "9MHW084mlDTpExGW8OY4"
KEYS = {
    "master_key": "wQzk9ZwR-Qq9m-0hD0-zpud-je5coGC3FHKW",
    "private_key": "live_private_rMIdJM3PLLhLjyArx9tF3VURAF5",
    "token": "IivOiOxGJuWhc5znlIiK",
    "store": "Mutuelle Benkadi",
    "email": "benkadi@example.org",
    "address": "Fana",
}
ASK = PaymentRequest(
    REFERENCE,
    "+22390239415",
    5000,
    "XOF",
    "Mutuelle 101000117",
    "https://keneya.example.org/money/paydunya/secret",
    network="ML-orange",
    token=TOKEN,
)
CREATED = {
    "response_code": "00",
    "response_text": f"https://app.paydunya.com/checkout/invoice/{TOKEN}",
    "description": "Checkout Invoice Created",
    "token": TOKEN,
}
FOUND: dict[str, Any] = {
    "response_code": "00",
    "response_text": "Transaction Found",
    "hash": hashlib.sha512(KEYS["master_key"].encode()).hexdigest(),
    "invoice": {"token": TOKEN, "items": {}, "taxes": {}, "total_amount": 5000, "description": "Mutuelle"},
    "custom_data": {"reference": str(REFERENCE)},
    "actions": {"callback_url": "https://keneya.example.org/money/paydunya/secret"},
    "mode": "live",
    "status": "completed",
    "customer": {"name": "", "phone": "774563209", "email": ""},
    "receipt_url": f"https://paydunya.com/checkout/receipt/pdf/{TOKEN}.pdf",
}
PAID_OUT = {
    "response_code": "00",
    "status": "success",
    "token": f"{TOKEN} ",  # with a blank behind it, as in the documentation
    "withdraw_mode": "orange-money-mali",
    "amount": "5000.00",
    "updated_at": "11/01/2024 14:30:32",
    "disburse_id": str(REFERENCE),
    "transaction_id": "TFA-TX-37XqPpVCjU7ReiycUg97",
    "disburse_tx_id": "CI000111.1430.A11197",
}


@dataclass
class Wire:
    """PayDunya as a test has it: it keeps what was sent, and gives the one answer."""

    answer: tuple[int, object] = (200, CREATED)
    heard: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        return httpx.Response(self.answer[0], json=self.answer[1])

    @property
    def sent(self) -> Any:
        """The body of the one request that was sent."""
        (request,) = self.heard
        return json.loads(request.content)


@pytest.fixture
def line() -> Wire:
    return Wire()


@pytest.fixture
def operator(line: Wire) -> PayoutOperator:
    return connected(line)


def connected(line: Wire, **more: str) -> PayoutOperator:
    client = httpx.AsyncClient(transport=httpx.MockTransport(line))
    account = OperatorAccount("BEN", "paydunya-ML", "paydunya", "ML", "XOF", "a token", KEYS | more)
    return paydunya.connect(client, account)


# What the documentation shows for each network; the name, the e-mail address and the address are the account's.
NAME, EMAIL, ADDRESS = "Mutuelle 101000117", KEYS["email"], KEYS["address"]
SHOWN: dict[str, tuple[str, str, dict[str, str]]] = {
    "ML-orange": (
        "+22390239415",
        "orange-money-mali",
        {
            "orange_money_mali_customer_fullname": NAME,
            "orange_money_mali_email": EMAIL,
            "orange_money_mali_phone_number": "90239415",
            "orange_money_mali_customer_address": ADDRESS,
            "payment_token": TOKEN,
        },
    ),
    "ML-moov": (
        "+22360239415",
        "moov-mali",
        {
            "moov_ml_customer_fullname": NAME,
            "moov_ml_email": EMAIL,
            "moov_ml_phone_number": "60239415",
            "moov_ml_customer_address": ADDRESS,
            "payment_token": TOKEN,
        },
    ),
    "TG-togocel": (
        "+22870707070",
        "t-money-togo",
        {"name_t_money": NAME, "email_t_money": EMAIL, "phone_t_money": "70707070", "payment_token": TOKEN},
    ),
    "TG-moov": (
        "+22899345678",
        "moov-togo",
        {
            "moov_togo_customer_fullname": NAME,
            "moov_togo_email": EMAIL,
            "moov_togo_customer_address": ADDRESS,
            "moov_togo_phone_number": "99345678",
            "payment_token": TOKEN,
        },
    ),
    "SN-free": (
        "+221768690999",
        "free-money-senegal",
        {"customer_name": NAME, "customer_email": EMAIL, "phone_number": "768690999", "payment_token": TOKEN},
    ),
    "SN-expresso": (
        "+221705189525",
        "expresso-senegal",
        {
            "expresso_sn_fullName": NAME,
            "expresso_sn_email": EMAIL,
            "expresso_sn_phone": "705189525",
            "payment_token": TOKEN,
        },
    ),
    "CI-orange": (
        "+2250777568646",
        "orange-money-ci",
        {
            "orange_money_ci_customer_fullname": NAME,
            "orange_money_ci_email": EMAIL,
            "orange_money_ci_phone_number": "0777568646",
            "orange_money_ci_otp": "8562",
            "payment_token": TOKEN,
        },
    ),
    "CI-mtn": (
        "+2250564142312",
        "mtn-ci",
        {
            "mtn_ci_customer_fullname": NAME,
            "mtn_ci_email": EMAIL,
            "mtn_ci_phone_number": "0564142312",
            "mtn_ci_wallet_provider": "MTNCI",
            "payment_token": TOKEN,
        },
    ),
    "CI-moov": (
        "+2250153401679",
        "moov-ci",
        {
            "moov_ci_customer_fullname": NAME,
            "moov_ci_email": EMAIL,
            "moov_ci_phone_number": "0153401679",
            "payment_token": TOKEN,
        },
    ),
    "BF-orange": (
        "+22676950976",
        "orange-money-burkina",
        {
            "name_bf": NAME,
            "email_bf": EMAIL,
            "phone_bf": "76950976",
            "otp_code": "8562",
            "payment_token": TOKEN,
        },
    ),
    "BF-moov": (
        "+22651765664",
        "moov-burkina",
        {
            "moov_burkina_faso_fullName": NAME,
            "moov_burkina_faso_email": EMAIL,
            "moov_burkina_faso_phone_number": "51765664",
            "moov_burkina_faso_payment_token": TOKEN,
        },
    ),
    "BJ-mtn": (
        "+2290166414231",
        "mtn-benin",
        {
            "mtn_benin_customer_fullname": NAME,
            "mtn_benin_email": EMAIL,
            "mtn_benin_phone_number": "0166414231",
            "mtn_benin_wallet_provider": "MTNBENIN",
            "payment_token": TOKEN,
        },
    ),
    "BJ-moov": (
        "+2290164253725",
        "moov-benin",
        {
            "moov_benin_customer_fullname": NAME,
            "moov_benin_email": EMAIL,
            "moov_benin_phone_number": "0164253725",
            "payment_token": TOKEN,
        },
    ),
    "CM-mtn": (
        "+237670000000",
        "mtn-cameroun",
        {
            "mtn_cameroun_customer_fullname": NAME,
            "mtn_cameroun_email": EMAIL,
            "mtn_cameroun_phone_number": "670000000",
            "mtn_cameroun_wallet_provider": "MTNCAMEROUN",
            "payment_token": TOKEN,
        },
    ),
}


def test_every_network_that_is_served_is_one_that_is_known() -> None:
    assert set(SHOWN) == set(paydunya.CAPABILITIES.networks) <= set(networks())
    assert paydunya.CAPABILITIES.payouts <= set(networks())


def test_it_is_never_sent_again_and_its_silence_proves_nothing() -> None:
    can = paydunya.CAPABILITIES
    assert (can.two_steps, can.honours_reference, can.not_found_is_proof) == (True, False, None)


@pytest.mark.parametrize("network", SHOWN)
async def test_a_network_is_asked_in_its_own_words(
    network: str, line: Wire, operator: PayoutOperator
) -> None:
    phone, path, fields = SHOWN[network]
    line.answer = 200, {"success": True, "message": "success message"}
    currency = "XAF" if network == "CM-mtn" else "XOF"
    ask = replace(ASK, phone=phone, network=network, currency=currency, otp="8562")
    assert await operator.request(ask) == OperatorAnswer(Outcome.ACCEPTED)
    assert str(line.heard[0].url) == f"https://app.paydunya.com/api/v1/softpay/{path}"
    assert line.sent == fields


async def test_the_first_step_makes_an_invoice_and_names_no_payer(
    line: Wire, operator: PayoutOperator
) -> None:
    answer = await operator.prepare(replace(ASK, token=None))
    assert (answer.outcome, answer.token) == (Outcome.ACCEPTED, TOKEN)
    assert str(line.heard[0].url) == "https://app.paydunya.com/api/v1/checkout-invoice/create"
    assert {
        name: line.heard[0].headers[f"PAYDUNYA-{name}"] for name in ("MASTER-KEY", "PRIVATE-KEY", "TOKEN")
    } == {
        "MASTER-KEY": KEYS["master_key"],
        "PRIVATE-KEY": KEYS["private_key"],
        "TOKEN": KEYS["token"],
    }
    assert line.sent == {
        "invoice": {"total_amount": 5000, "description": f"Mutuelle 101000117 {REFERENCE}"},
        "store": {"name": "Mutuelle Benkadi"},
        "custom_data": {"reference": str(REFERENCE)},
        "actions": {"callback_url": ASK.notice_url},
    }


async def test_a_prompt_of_moov_in_cote_d_ivoire_is_waited_for(
    line: Wire, operator: PayoutOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []
    exchange = wire.exchange

    async def noted(*asked: Any, patience_s: float | None = None, **more: Any) -> wire.HttpReply | None:
        waited.append(patience_s)
        return await exchange(*asked, patience_s=patience_s, **more)

    monkeypatch.setattr(wire, "exchange", noted)
    for network in ("CI-moov", "ML-orange"):
        await operator.request(replace(ASK, network=network, phone=SHOWN[network][0]))
    assert waited == [36, None]


NOT_SENT = [
    ("another currency", replace(ASK, currency="XAF"), "CURRENCY_NOT_SERVED"),
    (
        "CFA of the west in Cameroon",
        replace(ASK, network="CM-mtn", phone="+237670000000"),
        "CURRENCY_NOT_SERVED",
    ),
    (
        "a network with a QR only",
        replace(ASK, network="SN-orange", phone="+221771234567"),
        "NETWORK_NOT_SERVED",
    ),
    ("nobody knows which network", replace(ASK, network=""), "NETWORK_NOT_SERVED"),
    ("a phone of Togo at Orange Mali", replace(ASK, phone="+22890239415"), "PHONE_OF_ANOTHER_COUNTRY"),
]


@pytest.mark.parametrize(
    ("ask", "reason"), [case[1:] for case in NOT_SENT], ids=[case[0] for case in NOT_SENT]
)
async def test_what_cannot_be_asked_is_not_sent(
    line: Wire, operator: PayoutOperator, ask: PaymentRequest, reason: str
) -> None:
    refused = our_word(Outcome.FAILED, reason)
    assert [await operator.prepare(ask), await operator.request(ask)] == [refused, refused]
    assert not line.heard


async def test_without_the_code_of_the_payer_nothing_is_sent(line: Wire, operator: PayoutOperator) -> None:
    flows = paydunya.CAPABILITIES.networks
    asked = {network for network, flow in flows.items() if flow is Flow.OTP_FIRST}
    assert asked == {"BF-orange", "CI-orange"}
    for network in asked:
        answer = await operator.request(replace(ASK, network=network, phone=SHOWN[network][0]))
        assert answer == our_word(Outcome.FAILED, "NO_CODE")
    assert not line.heard


async def test_without_a_token_nothing_is_sent_and_nothing_is_known(
    line: Wire, operator: PayoutOperator
) -> None:
    bare = replace(ASK, token=None)
    steps = operator.request, operator.status, operator.pay_out, operator.payout_status
    assert {(await step(bare)).outcome for step in steps} == {Outcome.UNKNOWN}
    assert not line.heard


PREPARED = [
    ("an invoice", 200, CREATED, Outcome.ACCEPTED),
    (
        "a wrong key",
        200,
        {"response_code": "1001", "response_text": "Invalid Masterkey Specified"},
        Outcome.FAILED,
    ),
    ("maintenance", 200, {"response_code": "5000", "response_text": "maintenance"}, Outcome.UNKNOWN),
    ("no funds yet", 200, {"response_code": "4002", "response_text": "not enough funds"}, Outcome.UNKNOWN),
    ("a success without a token", 200, CREATED | {"token": ""}, Outcome.UNKNOWN),
    ("a token that cannot be kept", 200, CREATED | {"token": "t" * 101}, Outcome.UNKNOWN),
    ("a refusal with a 500", 500, {"response_code": "1001", "response_text": "oops"}, Outcome.UNKNOWN),
    ("a success with a 500", 500, CREATED, Outcome.UNKNOWN),
    ("words of another", 400, {"code": "MERCURY_IN_RETROGRADE"}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("code", "body", "outcome"), [case[1:] for case in PREPARED], ids=[case[0] for case in PREPARED]
)
async def test_answers_to_a_first_step(
    line: Wire, operator: PayoutOperator, code: int, body: Mapping[str, object], outcome: Outcome
) -> None:
    line.answer = code, body
    assert (await operator.prepare(ASK)).outcome is outcome
    line.answer = code, {**body, "disburse_token": body.get("token")}
    assert (await operator.prepare_payout(ASK)).outcome is outcome


EXPIRED = {"success": False, "message": "Vous avez dépassé le délai de validation de la transaction."}
REQUESTED = [
    ("asked", "ML-orange", 200, {"success": True, "message": "Paiement enregistré"}, Outcome.ACCEPTED),
    ("asked, the payer bears the fee", "ML-moov", 200, {"success": True, "fees": 100}, Outcome.ACCEPTED),
    ("too late at Moov Côte d'Ivoire", "CI-moov", 200, EXPIRED, Outcome.FAILED),
    ("too late at Moov Côte d'Ivoire, 422", "CI-moov", 422, EXPIRED, Outcome.FAILED),
    ("the same words of another network", "ML-moov", 200, EXPIRED, Outcome.UNKNOWN),
    ("too late with a 500", "CI-moov", 500, EXPIRED, Outcome.UNKNOWN),
    ("other words there", "CI-moov", 200, {"success": False, "message": "Solde"}, Outcome.UNKNOWN),
    ("a refusal without words", "CI-moov", 200, {"success": False}, Outcome.UNKNOWN),
    ("words without success", "CI-moov", 200, {"message": EXPIRED["message"]}, Outcome.UNKNOWN),
    ("success in letters", "ML-orange", 200, {"success": "true"}, Outcome.UNKNOWN),
    ("success with a 500", "ML-orange", 500, {"success": True}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("network", "code", "body", "outcome"),
    [case[1:] for case in REQUESTED],
    ids=[case[0] for case in REQUESTED],
)
async def test_answers_to_a_request(
    line: Wire, operator: PayoutOperator, network: str, code: int, body: object, outcome: Outcome
) -> None:
    line.answer = code, body
    answer = await operator.request(replace(ASK, network=network, phone=SHOWN[network][0]))
    assert answer.outcome is outcome
    assert answer.fee_minor is None  # what the payer bears is no cost of ours
    assert len(line.heard) == 1


def found(status: object = "completed", **more: object) -> dict[str, object]:
    return FOUND | {"status": status} | more


STATUSES = [
    ("not paid yet", found("pending"), Outcome.PENDING),
    ("paid", found(), Outcome.PAID),
    ("paid, the amount as a text", found(invoice=FOUND["invoice"] | {"total_amount": "5000"}), Outcome.PAID),
    ("refused", found("cancelled"), Outcome.FAILED),
    ("failed", found("failed"), Outcome.FAILED),
    ("expired", found("expired"), Outcome.FAILED),
    ("a word nobody has seen", found("refunded"), Outcome.UNKNOWN),
    ("a word in capitals", found("COMPLETED"), Outcome.UNKNOWN),
    ("no word", found(None), Outcome.UNKNOWN),
    ("paid without an amount", found(invoice={"token": TOKEN}), Outcome.UNKNOWN),
    ("part of a franc", found(invoice=FOUND["invoice"] | {"total_amount": "5000.5"}), Outcome.UNKNOWN),
    ("another invoice", found(invoice=FOUND["invoice"] | {"token": "another"}), Outcome.UNKNOWN),
    ("another reference", found(custom_data={"reference": "another"}), Outcome.UNKNOWN),
    ("its token only", found(custom_data=[]), Outcome.PAID),
    ("our reference only", found(invoice={"total_amount": 5000}), Outcome.PAID),
    ("neither", found(invoice={"total_amount": 5000}, custom_data=[]), Outcome.UNKNOWN),
    ("an error that says completed", found(response_code="1001"), Outcome.UNKNOWN),
    ("not found", {"response_code": "1001", "response_text": "Invoice Not Found"}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("body", "outcome"), [case[1:] for case in STATUSES], ids=[case[0] for case in STATUSES]
)
async def test_answers_to_a_status(
    line: Wire, operator: PayoutOperator, body: object, outcome: Outcome
) -> None:
    line.answer = 200, body
    answer = await operator.status(ASK)
    assert answer.outcome is outcome
    assert str(line.heard[0].url) == f"https://app.paydunya.com/api/v1/checkout-invoice/confirm/{TOKEN}"
    if outcome is Outcome.PAID:
        assert answer.amount_minor == 5000
        assert (answer.currency, answer.phone) == (None, None)
        assert {Fact.CURRENCY, Fact.PHONE} == paydunya.CAPABILITIES.not_told


async def test_another_amount_is_told_and_left_to_settling(line: Wire, operator: PayoutOperator) -> None:
    line.answer = 200, found(invoice=FOUND["invoice"] | {"total_amount": 4000})
    answer = await operator.status(ASK)
    assert (answer.outcome, answer.amount_minor) == (Outcome.PAID, 4000)


async def test_a_token_cannot_lead_elsewhere(line: Wire, operator: PayoutOperator) -> None:
    await operator.status(replace(ASK, token="../../v2/disburse?x#y"))
    assert line.heard[0].url.raw_path == b"/api/v1/checkout-invoice/confirm/..%2F..%2Fv2%2Fdisburse%3Fx%23y"


# ---- payouts ----


async def test_a_payout_is_two_steps(line: Wire, operator: PayoutOperator) -> None:
    line.answer = 200, {"response_code": "00", "disburse_token": f"{TOKEN} "}
    prepared = await operator.prepare_payout(replace(ASK, token=None))
    assert (prepared.outcome, prepared.token) == (Outcome.ACCEPTED, TOKEN)
    assert str(line.heard[0].url) == "https://app.paydunya.com/api/v2/disburse/get-invoice"
    assert line.sent == {
        "account_alias": "90239415",
        "amount": 5000,
        "withdraw_mode": "orange-money-mali",
        "callback_url": ASK.notice_url,
    }
    line.heard.clear()
    line.answer = 200, {"response_code": "00", "status": "pending", "transaction_id": "TFA-TX-37"}
    assert (await operator.pay_out(ASK)).outcome is Outcome.ACCEPTED
    assert str(line.heard[0].url) == "https://app.paydunya.com/api/v2/disburse/submit-invoice"
    assert line.sent == {"disburse_invoice": TOKEN, "disburse_id": str(REFERENCE)}


async def test_moov_of_mali_and_mtn_of_cameroon_cannot_be_paid(line: Wire, operator: PayoutOperator) -> None:
    for network in ("ML-moov", "CM-mtn"):
        assert not paydunya.CAPABILITIES.pays(network)
        answer = await operator.prepare_payout(replace(ASK, network=network, phone=SHOWN[network][0]))
        assert answer == our_word(Outcome.FAILED, "NETWORK_NOT_SERVED")
    assert not line.heard


@pytest.mark.parametrize(
    "body",
    [
        {"response_code": "4002", "response_text": "You don't have enough funds"},
        {"response_code": "5000", "response_text": "disburse_id already used"},
        {"response_code": "1001"},
        {"status": "failed"},
    ],
)
async def test_no_refusal_of_the_second_step_is_for_good(
    line: Wire, operator: PayoutOperator, body: object
) -> None:
    line.answer = 200, body
    assert (await operator.pay_out(ASK)).outcome is Outcome.UNKNOWN


PAYOUTS = [
    ("made, not sent", {"status": "created"}, Outcome.PENDING),
    ("on its way", {"status": "pending"}, Outcome.PENDING),
    ("paid", {}, Outcome.PAID),
    ("failed", {"status": "failed"}, Outcome.FAILED),
    ("a word of invoices", {"status": "completed"}, Outcome.UNKNOWN),
    ("paid without an amount", {"amount": None}, Outcome.UNKNOWN),
    ("another payout", {"token": "another"}, Outcome.UNKNOWN),
    ("another reference", {"disburse_id": "another"}, Outcome.UNKNOWN),
    ("an error that says failed", {"response_code": "5000", "status": "failed"}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("more", "outcome"), [case[1:] for case in PAYOUTS], ids=[case[0] for case in PAYOUTS]
)
async def test_answers_to_the_status_of_a_payout(
    line: Wire, operator: PayoutOperator, more: dict[str, object], outcome: Outcome
) -> None:
    line.answer = 200, PAID_OUT | more
    answer = await operator.payout_status(ASK)
    assert answer.outcome is outcome
    assert line.sent == {"disburse_invoice": TOKEN}
    if outcome is Outcome.PAID:
        assert (answer.amount_minor, answer.operator_reference) == (5000, "TFA-TX-37XqPpVCjU7ReiycUg97")


# ---- notices ----


def notice(body: str) -> Notice:
    return Notice(
        "POST", "/money/paydunya/secret", {"content-type": "application/x-www-form-urlencoded"}, body.encode()
    )


INVOICE = {"data[status]": "completed", "data[invoice][token]": TOKEN, "data[hash]": FOUND["hash"]}
NOTICES = [
    ("of an invoice", urlencode(INVOICE), TOKEN, True),
    (
        "of a payout",
        urlencode({"status": "success", "token": f"{TOKEN} ", "hash": FOUND["hash"]}),
        TOKEN,
        True,
    ),
    ("of a payout, unsigned", urlencode({"status": "success", "token": TOKEN}), TOKEN, True),
    ("of somebody else", urlencode(INVOICE | {"data[hash]": "8c6666a2"}), TOKEN, False),
    (
        "with capitals in its hash",
        urlencode(INVOICE | {"data[hash]": str(FOUND["hash"]).upper()}),
        TOKEN,
        True,
    ),
    ("empty, to try the address", "", None, True),
    ("no form", '{"data": {"status": "completed"}}', None, True),
    ("a token that was never ours", urlencode({"token": "t" * 101}), None, True),
    ("a thousand fields", "&".join(f"a{nth}=b" for nth in range(1000)), None, True),
    ("a hash that is no text", urlencode({"hash": "é\x00"}), None, False),
]


@pytest.mark.parametrize(
    ("body", "named", "is_good"), [case[1:] for case in NOTICES], ids=[case[0] for case in NOTICES]
)
def test_notices(body: str, named: str | None, is_good: bool) -> None:
    assert paydunya.named_in(notice(body)) == named
    assert (paydunya.forgery(notice(body), KEYS) is None) is is_good


def test_without_our_key_nothing_is_a_forgery() -> None:
    assert paydunya.forgery(notice(urlencode(INVOICE | {"data[hash]": "8c6666a2"})), {}) is None


def test_bytes_that_are_no_text_name_nothing() -> None:
    odd = Notice("POST", "/", {}, b"token=\xff\xfe")
    assert paydunya.named_in(odd) is None
    assert paydunya.forgery(odd, KEYS) is None


def test_keys_that_no_header_can_carry_are_refused_when_connecting() -> None:
    with pytest.raises(ValueError, match="private_key"):
        connected(Wire(), private_key="clé privée")


def test_keys_are_not_shown(operator: PayoutOperator) -> None:
    assert not any(KEYS[key] in repr(operator) for key in ("master_key", "private_key", "token"))


# ---- against its simulator ----


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="100"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


@pytest.fixture
def played(simulator: Simulator) -> PayoutOperator:
    account = an_account("paydunya", f"{simulator.url}/simulator/paydunya")
    return paydunya.connect(simulator.http, account)


def an_ask_of(network: str, service: Service) -> PaymentRequest:
    """A new request to a phone of this network, its code with it."""
    return replace(
        ASK,
        reference=uuid4(),
        phone=SHOWN[network][0],
        network=network,
        currency="XAF" if network == "CM-mtn" else "XOF",
        notice_url=f"{service.url}/money/paydunya/token",
        token=None,
        otp="8562",
    )


async def prompted(simulator: Simulator, phone: str) -> str:
    """The id of the prompt on this phone, once it is there."""
    found = await once(lambda: simulator.get("/simulator/prompts", phone=phone), bool)
    return str(found[-1]["id"])


@pytest.mark.parametrize("network", SHOWN)
async def test_every_network_is_asked_and_pays(
    network: str,
    simulator: Simulator,
    service: Service,
    played: PayoutOperator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulator.paydunya.MOOV_CI_S", 3000.0)  # a payer on a busy machine is slow
    ask = an_ask_of(network, service)
    asking = asyncio.create_task(in_steps("paydunya", played, ask))
    if paydunya.CAPABILITIES.networks[network] is Flow.PUSH:
        prompt = await prompted(simulator, ask.phone)
        await simulator.post(f"/simulator/prompts/{prompt}", answer="approve")
    answer, ask = await asking
    assert answer.outcome is Outcome.ACCEPTED
    paid = await played.status(ask)
    assert (paid.outcome, paid.amount_minor) == (Outcome.PAID, 5000)
    [heard] = await service.wait_for("/money/paydunya/token")
    rung = Notice("POST", "/money/paydunya/token", heard.headers, heard.body.encode())
    assert paydunya.named_in(rung) == ask.token
    assert paydunya.forgery(rung, {"master_key": "simulated"}) is None
    assert paydunya.forgery(rung, KEYS) is not None


async def test_moov_of_cote_d_ivoire_refuses_for_good_after_its_thirty_seconds(
    service: Service, played: PayoutOperator
) -> None:
    answer, ask = await in_steps("paydunya", played, an_ask_of("CI-moov", service))
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "EXPIRED")
    assert (await played.status(ask)).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        ("accepted-then-500", Outcome.UNKNOWN),
        ("slow", Outcome.UNKNOWN),
        ("trickle", Outcome.UNKNOWN),
        ("error500", Outcome.UNKNOWN),
        ("html", Outcome.UNKNOWN),
        ("garbage", Outcome.UNKNOWN),
        ("redirect", Outcome.UNKNOWN),
        ("refused", Outcome.FAILED),
    ],
)
async def test_a_first_step_without_a_token_is_made_again_and_one_phone_is_asked_once(
    trouble: str,
    outcome: Outcome,
    simulator: Simulator,
    service: Service,
    played: PayoutOperator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = an_ask_of("ML-orange", service)
    for on in ("prepare", "payout-prepare"):
        await simulator.post("/simulator/trouble", mode=trouble, on=on, provider="paydunya", seconds="1.5")
    with monkeypatch.context() as patience:
        patience.setattr(wire, "TIMEOUT", httpx.Timeout(1))
        patience.setattr(wire, "WHOLE_S", 1)
        assert (await played.prepare(ask)).outcome is outcome
        assert (await played.prepare_payout(ask)).outcome is outcome
    answer, ask = await in_steps("paydunya", played, ask)
    assert answer.outcome is Outcome.ACCEPTED
    assert len(await simulator.get("/simulator/prompts")) == 1
    answer, out = await paid_out_in_steps("paydunya", played, replace(ask, token=None))
    assert answer.outcome is Outcome.ACCEPTED
    assert (await played.pay_out(out)).outcome is Outcome.UNKNOWN, "sent again, it concludes nothing"


async def test_a_first_step_that_was_forgotten_leaves_a_token_that_concludes_nothing(
    simulator: Simulator, service: Service, played: PayoutOperator
) -> None:
    for on in ("prepare", "payout-prepare"):
        await simulator.post("/simulator/trouble", mode="lost", on=on, provider="paydunya")
    answer, ask = await in_steps("paydunya", played, an_ask_of("ML-orange", service))
    assert ask.token
    assert (answer.outcome, (await played.status(ask)).outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    answer, out = await paid_out_in_steps("paydunya", played, an_ask_of("ML-orange", service))
    assert out.token
    assert (answer.outcome, (await played.payout_status(out)).outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)


async def test_while_our_address_does_not_answer_a_payout_waits(
    service: Service, played: PayoutOperator
) -> None:
    service.refuse["/money/paydunya/token"] = 1
    answer = await played.prepare_payout(an_ask_of("ML-orange", service))
    assert (answer.outcome, answer.reason) == (Outcome.UNKNOWN, "4002: the callback is not accessible")


async def test_a_wrong_key_is_said_and_asks_nobody(simulator: Simulator, service: Service) -> None:
    url = f"{simulator.url}/simulator/paydunya"
    client = simulator.http
    fields = KEYS | {"private_key": "wrong", "url": url}
    account = OperatorAccount("BEN", "paydunya-ML", "paydunya", "ML", "XOF", "n" * 40, fields)
    operator = paydunya.connect(client, account)
    ask = an_ask_of("ML-orange", service)
    assert (await operator.prepare(ask)).reason == "1001: Invalid Masterkey Specified"
    with_token = replace(ask, token=TOKEN)
    steps = operator.request, operator.status, operator.pay_out, operator.payout_status
    assert {(await step(with_token)).outcome for step in steps} == {Outcome.UNKNOWN}
