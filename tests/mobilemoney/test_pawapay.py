"""pawaPay alone: its wire as its documentation has it, signatures both ways, what its simulator makes of requests."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from mobilemoney import OperatorAccount, OperatorAnswer, Outcome, PaymentRequest, pawapay
from mobilemoney.networks import networks
from mobilemoney.operator import Flow, Notice
from mobilemoney.pawapay import CAPABILITIES, PROVIDERS, PawaPay, connect, forgery, named_in
from simulator import signing
from simulator.app import create_app
from simulator.deps import Config
from tests.support.patience import once
from tests.support.servers import Service, Simulator, environment, listening, reached, serving

ID = UUID("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417")
ASK = PaymentRequest(
    ID, "+2250504417001", 1500, "XOF", "Cotisation mai", "https://pay.example.org/x", "CI-mtn"
)
OUR_KEY, THEIR_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
HOST, PATH, KEY_ID = "pay.example.org", "/money/pawapay/f00d", "HTTP_EC_P256_KEY:1"


def pem_of(key: Any) -> str:
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, *form).decode())


def keys_of(*keys: tuple[str, ec.EllipticCurvePrivateKey]) -> str:
    """The answer of GET /v2/public-key/http."""
    return json.dumps([{"id": key_id, "key": signing.public_pem(key)} for key_id, key in keys])


def account(country: str = "CI", currency: str = "XOF", **more: str) -> OperatorAccount:
    fields = {"token": "secret"} | more
    return OperatorAccount("SIK", f"pawapay-{country}", "pawapay", country, currency, "n" * 40, fields)


class Answers:
    """Answers every request with what a test gave, and keeps what came."""

    def __init__(self, code: int, body: object) -> None:
        self.code, self.body = code, body
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return httpx.Response(self.code, content=content)

    def operator(self, **more: str) -> PawaPay:
        return connect(httpx.AsyncClient(transport=httpx.MockTransport(self)), account(**more))

    @property
    def sent(self) -> Any:
        return json.loads(self.seen[-1].content)


# ---- a request ----


async def test_a_deposit_is_written_as_documented() -> None:
    answers = Answers(200, {"depositId": str(ID), "status": "ACCEPTED", "created": "2026-05-02T08:11:09Z"})
    answer = await answers.operator().request(ASK)
    assert answer == OperatorAnswer(Outcome.ACCEPTED)
    [request] = answers.seen
    assert (request.method, str(request.url)) == ("POST", "https://api.pawapay.io/v2/deposits")
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-type"] == "application/json; charset=UTF-8"
    assert "signature" not in request.headers
    assert answers.sent == {
        "depositId": "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417",
        "amount": "1500",
        "currency": "XOF",
        "payer": {
            "type": "MMO",
            "accountDetails": {"phoneNumber": "2250504417001", "provider": "MTN_MOMO_CIV"},
        },
        "customerMessage": "Cotisation mai",
        "clientReferenceId": "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417",
    }


async def test_a_payout_names_a_recipient() -> None:
    answers = Answers(200, {"payoutId": str(ID), "status": "ACCEPTED"})
    assert (await answers.operator().pay_out(ASK)).outcome is Outcome.ACCEPTED
    assert str(answers.seen[-1].url) == "https://api.pawapay.io/v2/payouts"
    assert answers.sent["payoutId"] == str(ID)
    assert answers.sent["recipient"]["accountDetails"]["provider"] == "MTN_MOMO_CIV"
    assert not {"payer", "depositId", "preAuthorisationCode"} & set(answers.sent)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "written"),
    [(1500, "XOF", "1500"), (150_050, "CDF", "1500.5"), (150_000, "CDF", "1500"), (1_01, "USD", "1.01")],
)
async def test_no_amount_ends_in_a_needless_nought(amount_minor: int, currency: str, written: str) -> None:
    answers = Answers(500, {})
    ask = replace(ASK, amount_minor=amount_minor, currency=currency, network="CD-airtel")
    await answers.operator().request(ask)
    assert answers.sent["amount"] == written


@pytest.mark.parametrize(
    ("note", "written"),
    [
        ("Été: l'âme du village de Sokourani", "Ete l ame du village d"),
        ("mai", None),
        ("’«»", None),
        ("avril", "avril"),
    ],
)
async def test_a_message_is_plain_and_long_enough_or_left_out(note: str, written: str | None) -> None:
    answers = Answers(500, {})
    await answers.operator().request(replace(ASK, note=note))
    assert answers.sent.get("customerMessage") == written


async def test_the_code_of_the_payer_goes_out_where_it_is_asked_first() -> None:
    assert CAPABILITIES.flow("BF-orange") is Flow.OTP_FIRST
    assert CAPABILITIES.flow("BF-moov") is Flow.PUSH
    answers, orange = Answers(500, {}), replace(ASK, phone="+22607345678", network="BF-orange", otp="418002")
    operator = answers.operator(country="BF")
    await operator.request(orange)
    assert answers.sent["preAuthorisationCode"] == "418002"
    await operator.pay_out(orange)
    assert "preAuthorisationCode" not in answers.sent
    await operator.request(replace(orange, network="BF-moov"))
    assert "preAuthorisationCode" not in answers.sent


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (replace(ASK, network="BF-orange"), "no code of the payer"),
        (replace(ASK, network=""), "INVALID_PROVIDER"),
        (replace(ASK, network="ML-orange"), "INVALID_PROVIDER"),
        (replace(ASK, currency="GNF"), "INVALID_CURRENCY"),
    ],
)
async def test_what_cannot_be_written_is_never_sent(ask: PaymentRequest, reason: str) -> None:
    answers = Answers(200, {})
    assert await answers.operator().request(ask) == OperatorAnswer(
        Outcome.FAILED, reason=reason, is_ours=True
    )
    assert answers.seen == []


REJECTED = {
    "depositId": str(ID),
    "status": "REJECTED",
    "failureReason": {
        "failureCode": "AMOUNT_OUT_OF_BOUNDS",
        "failureMessage": "The amount needs to be more than '100' and less than '2000000' for provider 'MOOV_BEN'.",
    },
}


def reason(code: str) -> dict[str, object]:
    return {"failureReason": {"failureCode": code, "failureMessage": "…"}}


@pytest.mark.parametrize(
    ("code", "body", "outcome", "word"),
    [
        (200, {"depositId": str(ID), "status": "ACCEPTED", "nextStep": "FINAL_STATUS"}, Outcome.ACCEPTED, None),
        (200, {"depositId": str(ID), "status": "DUPLICATE_IGNORED"}, Outcome.PENDING, "DUPLICATE_IGNORED"),
        (200, REJECTED, Outcome.FAILED, "AMOUNT_OUT_OF_BOUNDS"),
        (400, reason("INVALID_PARAMETER"), Outcome.FAILED, "INVALID_PARAMETER"),
        (401, reason("NO_AUTHENTICATION"), Outcome.UNKNOWN, "NO_AUTHENTICATION"),
        (403, reason("HTTP_SIGNATURE_ERROR"), Outcome.UNKNOWN, "HTTP_SIGNATURE_ERROR"),
        (403, reason("DEPOSITS_NOT_ALLOWED"), Outcome.UNKNOWN, "DEPOSITS_NOT_ALLOWED"),
        # A code where the documentation has none of its kind, or none at all, says nothing for certain.
        (401, reason("INVALID_PARAMETER"), Outcome.UNKNOWN, "INVALID_PARAMETER"),
        (500, reason("UNKNOWN_ERROR"), Outcome.UNKNOWN, "UNKNOWN_ERROR"),
        (500, reason("INVALID_PARAMETER"), Outcome.UNKNOWN, "INVALID_PARAMETER"),
        (400, reason("TOO_MUCH_RAIN"), Outcome.UNKNOWN, "TOO_MUCH_RAIN"),
        (200, REJECTED | reason("UNKNOWN_ERROR"), Outcome.UNKNOWN, "UNKNOWN_ERROR"),
        (200, {"depositId": str(ID), "status": "REJECTED"}, Outcome.UNKNOWN, "request answered 200"),
        (200, {"depositId": str(ID), "status": "PONDERED"}, Outcome.UNKNOWN, "request answered 200"),
        (200, {"depositId": str(uuid4()), "status": "ACCEPTED"}, Outcome.UNKNOWN, "request answered 200"),
        (200, REJECTED | {"depositId": str(uuid4())}, Outcome.UNKNOWN, "AMOUNT_OUT_OF_BOUNDS"),
        (200, {"status": "ACCEPTED"}, Outcome.UNKNOWN, "request answered 200"),
        (202, {"depositId": str(ID), "status": "ACCEPTED"}, Outcome.UNKNOWN, "request answered 202"),
        (403, b"<html>FORBIDDEN</html>", Outcome.UNKNOWN, "request answered 403"),
        (200, REJECTED | {"failureReason": "no"}, Outcome.UNKNOWN, "request answered 200"),
    ],
)  # fmt: skip
async def test_what_an_answer_to_a_request_means(
    code: int, body: object, outcome: Outcome, word: str | None
) -> None:
    answer = await Answers(code, body).operator().request(ASK)
    assert (answer.outcome, answer.reason) == (outcome, word)


# ---- a status ----

DATA: dict[str, object] = {
    "depositId": str(ID),
    "status": "COMPLETED",
    "amount": "1500.0000",
    "currency": "XOF",
    "country": "CIV",
    "payer": {"type": "MMO", "accountDetails": {"phoneNumber": "2250504417001", "provider": "MTN_MOMO_CIV"}},
    "customerMessage": "Cotisation mai",
    "created": "2026-05-02T08:11:09Z",
    "providerTransactionId": "CI4417.0502.A1",
    "failureReason": None,
    "metadata": {"memberId": "M4417"},
}


def found(**more: object) -> dict[str, object]:
    return {"status": "FOUND", "data": DATA | more}


async def test_a_paid_deposit_has_the_facts_of_pawapay() -> None:
    answers = Answers(200, found())
    assert await answers.operator().status(ASK) == OperatorAnswer(
        Outcome.PAID,
        amount_minor=1500,
        currency="XOF",
        phone="+2250504417001",
        operator_reference="CI4417.0502.A1",
    )
    assert str(answers.seen[-1].url) == f"https://api.pawapay.io/v2/deposits/{ID}"


async def test_a_failed_deposit_has_the_reason_of_pawapay() -> None:
    answer = (
        await Answers(200, found(status="FAILED", **reason("PAYER_LIMIT_REACHED"))).operator().status(ASK)
    )
    assert (answer.outcome, answer.reason, answer.completed_at) == (
        Outcome.FAILED,
        "PAYER_LIMIT_REACHED",
        None,
    )


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, {"status": "NOT_FOUND"}, Outcome.NOT_FOUND),
        (200, found(status="ACCEPTED"), Outcome.PENDING),
        (200, found(status="PROCESSING"), Outcome.PENDING),
        (200, found(status="IN_RECONCILIATION"), Outcome.PENDING),
        (200, found(status="SUBMITTED"), Outcome.PENDING),
        (200, found(status="ENQUEUED"), Outcome.PENDING),
        (200, found(amount="1500.00"), Outcome.PAID),
        (200, found(amount=1500), Outcome.PAID),
        (200, found(providerTransactionId=None), Outcome.PAID),
        (200, found(depositId=str(ID).upper()), Outcome.PAID),
        (200, found(status="completed"), Outcome.UNKNOWN),
        (200, found(status="SETTLED"), Outcome.UNKNOWN),
        (200, found(depositId=str(uuid4())), Outcome.UNKNOWN),
        (200, found(amount=None), Outcome.UNKNOWN),
        (200, found(amount="1500.5"), Outcome.UNKNOWN),
        (200, found(currency="FCFA"), Outcome.UNKNOWN),
        (200, found(payer=None), Outcome.UNKNOWN),
        (200, DATA, Outcome.UNKNOWN),
        (200, {"status": "FOUND"}, Outcome.UNKNOWN),
        (200, [found()], Outcome.UNKNOWN),
        (404, {"status": "NOT_FOUND"}, Outcome.UNKNOWN),
        (403, reason("AUTHENTICATION_ERROR"), Outcome.UNKNOWN),
        (500, found(), Outcome.UNKNOWN),
    ],
)
async def test_what_a_status_means(code: int, body: object, outcome: Outcome) -> None:
    assert (await Answers(code, body).operator().status(ASK)).outcome is outcome


@pytest.mark.parametrize("told", ["22951345789", "2290151345789", "+2290151345789"])
async def test_a_phone_of_benin_is_the_same_with_and_without_its_new_digits(told: str) -> None:
    """Which of the two pawaPay tells is not known: neither may put the money into suspense."""
    ask = replace(ASK, phone="+2290151345789", network="BJ-mtn")
    body = found(payer={"type": "MMO", "accountDetails": {"phoneNumber": told}})
    assert (await Answers(200, body).operator(country="BJ").status(ask)).phone == ask.phone


async def test_a_payout_is_asked_for_and_told_as_one() -> None:
    data = {name: value for name, value in DATA.items() if name not in ("depositId", "payer")}
    told = {"status": "FOUND", "data": data | {"payoutId": str(ID), "recipient": DATA["payer"]}}
    answers = Answers(200, told)
    answer = await answers.operator().payout_status(ASK)
    assert (answer.outcome, answer.phone) == (Outcome.PAID, "+2250504417001")
    assert str(answers.seen[-1].url) == f"https://api.pawapay.io/v2/payouts/{ID}"
    assert (await answers.operator().status(ASK)).outcome is Outcome.UNKNOWN  # a payout is no deposit


BALANCES = {
    "balances": [
        {"country": "CIV", "balance": "250000.00", "currency": "XOF", "provider": ""},
        {"country": "BEN", "balance": "7.00", "currency": "XOF", "provider": ""},
        {"country": "COD", "balance": "12.34", "currency": "USD", "provider": ""},
        {"country": "COD", "balance": "5000.00", "currency": "CDF", "provider": "AIRTEL_COD"},
        {"country": "COD", "balance": "70.50", "currency": "CDF", "provider": "ORANGE_COD"},
    ]
}


@pytest.mark.parametrize(
    ("country", "currency", "body", "balance"),
    [
        ("CI", "XOF", BALANCES, 250_000),
        ("CD", "USD", BALANCES, 12_34),
        ("CD", "CDF", BALANCES, 5_070_50),
        ("SN", "XOF", BALANCES, None),
        ("ML", "XOF", BALANCES, None),
        ("CI", "XOF", {"balances": [{"country": "CIV", "currency": "XOF", "balance": "a lot"}]}, None),
        ("CI", "XOF", {"balances": "none"}, None),
        ("CI", "XOF", {}, None),
    ],
)
async def test_a_balance_is_that_of_the_country_and_the_currency(
    country: str, currency: str, body: object, balance: int | None
) -> None:
    operator = Answers(200, body).operator(country=country, currency=currency)
    assert await operator.balance_minor() == balance


# ---- what the file says of itself ----


def test_every_provider_is_of_a_network_that_is_known() -> None:
    assert set(PROVIDERS) <= set(networks())
    assert {name for name in PROVIDERS if name[:2] not in pawapay.COUNTRIES} == set()
    assert all(provider.endswith(pawapay.COUNTRIES[name[:2]]) for name, provider in PROVIDERS.items())
    assert not {"ML", "TG", "NE", "GN"} & {name[:2] for name in PROVIDERS}  # it does not serve them


def test_a_provider_is_that_of_its_network() -> None:
    names = {"mtn": "MTN_MOMO", "vodacom": "VODACOM_MPESA"}
    for network, provider in PROVIDERS.items():
        country, name = network.split("-")
        assert provider == f"{names.get(name, name.upper())}_{pawapay.COUNTRIES[country]}"


def test_a_web_page_is_offered_to_nobody() -> None:
    assert not [provider for provider in PROVIDERS.values() if provider.startswith("WAVE")]


# ---- signatures ----


async def test_a_request_is_signed_where_the_account_has_a_key() -> None:
    answers = Answers(200, {"payoutId": str(ID), "status": "ACCEPTED"})
    operator = answers.operator(private_key=pem_of(OUR_KEY), key_id="KENEYA:1")
    await operator.pay_out(ASK)
    [request] = answers.seen
    told = signing.SignedPost("POST", "api.pawapay.io", "/v2/payouts", dict(request.headers), request.content)
    assert signing.is_signed(told, OUR_KEY.public_key(), "KENEYA:1")
    assert not signing.is_signed(replace(told, body=told.body + b" "), OUR_KEY.public_key(), "KENEYA:1")
    assert not signing.is_signed(replace(told, authority="evil.example"), OUR_KEY.public_key(), "KENEYA:1")
    assert not signing.is_signed(told, THEIR_KEY.public_key(), "KENEYA:1")
    assert request.headers["content-type"] == "application/json; charset=UTF-8"
    await operator.payout_status(ASK)
    assert "signature" not in answers.seen[-1].headers  # only what moves money is signed


def notice(form: str = signing.DER, key: ec.EllipticCurvePrivateKey = THEIR_KEY, **more: Any) -> Notice:
    """A signed notice as pawaPay sends it; `more` is what somebody changed afterwards."""
    body = json.dumps(DATA).encode()
    headers = signing.signed(
        f"https://{HOST}{PATH}", "application/json; charset=UTF-8", body, key, KEY_ID, form
    )
    made = Notice("POST", PATH, headers, body, HOST)
    headers = {name: value for name, value in (headers | more.pop("headers", {})).items() if value}
    return replace(made, headers=headers, **more)


CREDENTIALS = {"token": "secret", "public_keys": keys_of(("OLD:1", OUR_KEY), (KEY_ID, THEIR_KEY))}


@pytest.mark.parametrize("form", [signing.DER, signing.RAW])
def test_a_signed_notice_is_pawapays_in_both_forms(form: str) -> None:
    assert forgery(notice(form), CREDENTIALS) is None


def test_without_keys_nothing_is_signed_and_a_notice_is_only_a_doorbell() -> None:
    assert forgery(replace(notice(), headers={}), {"token": "secret"}) is None


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (lambda: replace(notice(), headers={}), 'Expected "Signature-Input" header'),
        (lambda: notice(headers={"signature": ""}), 'Expected "Signature" header'),
        (lambda: notice(body=json.dumps(DATA, indent=1).encode()), "does not match the message body"),
        (lambda: notice(key=ec.generate_private_key(ec.SECP256R1())), "does not fit"),
        (lambda: notice(authority="evil.example"), "does not fit"),
        (lambda: notice(path="/money/pawapay/beef"), "does not fit"),
        (lambda: notice(method="PUT"), "does not fit"),
        (lambda: notice(authority=""), "host"),
        (lambda: notice(headers={"signature": "sig-pp=:AAAA:"}), "DER"),
        (lambda: notice(headers={"content-digest": signing.digest(b"{}")}), "does not fit"),
        (lambda: notice(headers={"signature-date": "2025-12-29T09:20:00.131905Z"}), "does not fit"),
    ],
)
def test_a_notice_that_somebody_changed_is_a_forgery(forged: Callable[[], Notice], why: str) -> None:
    assert why in (forgery(forged(), CREDENTIALS) or "")


def test_a_host_header_that_was_received_counts_for_nothing() -> None:
    """A proxy rewrites it, and a forger writes it."""
    assert forgery(notice(headers={"host": "evil.example"}), CREDENTIALS) is None


def test_a_key_that_is_not_known_is_a_forgery_until_it_is_fetched() -> None:
    only_old = CREDENTIALS | {"public_keys": keys_of(("OLD:1", OUR_KEY))}
    assert forgery(notice(), only_old) == f"key '{KEY_ID}' is not in public_keys"
    assert "key" in (forgery(notice(), CREDENTIALS | {"public_keys": "[]"}) or "")


@pytest.mark.parametrize(
    ("ago", "expires_in", "why"),
    [
        (timedelta(0), timedelta(seconds=60), None),
        (timedelta(minutes=14), timedelta(minutes=1), None),
        (timedelta(minutes=3), timedelta(minutes=-2), "past"),
        (timedelta(minutes=30), timedelta(minutes=1), "age"),
        (timedelta(minutes=-5), timedelta(minutes=6), "future"),
    ],
)
def test_a_signature_has_its_time(ago: timedelta, expires_in: timedelta, why: str | None) -> None:
    now = datetime.now(UTC)
    told = crafted(int((now - ago).timestamp()), int((now + expires_in).timestamp()))
    refused = forgery(told, CREDENTIALS)
    assert refused is None if why is None else why in (refused or "")


ALL = ("@method", "@authority", "@path", "signature-date", "content-digest", "content-type")


@pytest.mark.parametrize("left_out", ["@method", "@authority", "@path", "content-digest"])
def test_what_must_be_covered(left_out: str) -> None:
    created = int(datetime.now(UTC).timestamp())
    covered = [name for name in ALL if name != left_out]
    assert "not covered" in (forgery(crafted(created, created + 60, covered), CREDENTIALS) or "")
    assert forgery(crafted(created, created + 60, list(ALL)), CREDENTIALS) is None


def crafted(created: int, expires: int, covered: list[str] | None = None) -> Notice:
    """A notice that a holder of pawaPay's key signed in another way than usual, with a digest in SHA-256."""
    covered, body = covered or list(ALL), json.dumps(DATA).encode()
    headers = {
        "signature-date": "2026-05-02T08:11:09.000000Z",
        "content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:",
        "content-type": "application/json; charset=UTF-8",
    }
    told = {"@method": "POST", "@authority": HOST, "@path": PATH} | headers
    names = " ".join(f'"{name}"' for name in covered)
    signs = f'({names});alg="ecdsa-p256-sha256";keyid="{KEY_ID}";created={created};expires={expires}'
    base = "\n".join([*(f'"{name}": {told[name]}' for name in covered), f'"@signature-params": {signs}'])
    signature = base64.b64encode(THEIR_KEY.sign(base.encode(), signing.ECDSA)).decode()
    signed = {"signature-input": f"sig-pp={signs}", "signature": f"sig-pp=:{signature}:"}
    return Notice("POST", PATH, headers | signed, body, HOST)


@given(
    st.dictionaries(st.sampled_from(["signature", "signature-input", "content-digest"]), st.text()),
    st.binary(),
)
def test_nothing_that_comes_raises_and_nothing_of_it_is_pawapays(
    headers: dict[str, str], body: bytes
) -> None:
    told = replace(notice(), headers=dict(notice().headers) | headers, body=body)
    assert forgery(told, CREDENTIALS) is not None
    assert named_in(told) in (None, str(ID))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (DATA, str(ID)),
        ({"payoutId": str(ID).upper()}, str(ID)),
        ({"refundId": str(ID)}, str(ID)),
        ({"depositId": "M4417"}, None),
        ({"statementId": str(ID)}, None),
        ([DATA], None),
    ],
)
def test_a_notice_names_what_it_is_about(body: object, named: str | None) -> None:
    assert named_in(Notice("POST", PATH, {}, json.dumps(body).encode(), HOST)) == named


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"private_key": pem_of(OUR_KEY)}, "together"),
        ({"key_id": "KENEYA:1"}, "together"),
        ({"private_key": "no pem", "key_id": "K"}, "not a private key"),
        ({"private_key": pem_of(ec.generate_private_key(ec.SECP384R1())), "key_id": "K"}, "P-256"),
        ({"private_key": pem_of(rsa.generate_private_key(65537, 2048)), "key_id": "K"}, "P-256"),
        ({"public_keys": "no json"}, "public_keys"),
        ({"public_keys": '{"id": "K"}'}, "public_keys"),
        ({"public_keys": '[{"id": "K", "key": "no pem"}]'}, "public_keys"),
        ({"public_keys": "[]"}, "public_keys"),
        ({"token": "sécret\n"}, "token"),
        ({"private_key": pem_of(OUR_KEY), "key_id": 'KENEYA"1'}, "key_id"),
        ({"private_key": pem_of(OUR_KEY), "key_id": "KENEYA\n1"}, "key_id"),
        ({"private_key": pem_of(OUR_KEY), "key_id": "KENÉYA"}, "key_id"),
    ],
)
def test_credentials_that_cannot_be_used_are_refused_and_not_quoted(fields: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        connect(httpx.AsyncClient(), account(**fields))
    assert not any(value in str(refused.value) for value in fields.values() if len(value) > 3)


def test_no_secret_is_printed() -> None:
    operator = connect(httpx.AsyncClient(), account(private_key=pem_of(OUR_KEY), key_id="KENEYA:1"))
    assert "secret" not in repr(operator)
    assert "PRIVATE" not in repr(operator)


# ---- through the simulator ----


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(tmp_path: Path, service: Service) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


def at(simulator: Simulator, country: str = "CI", currency: str = "XOF", **more: str) -> PawaPay:
    url = f"{simulator.url}/simulator/pawapay"
    return connect(simulator.http, account(country, currency, url=url, **more))


async def ended(
    status: Callable[[PaymentRequest], Awaitable[OperatorAnswer]], ask: PaymentRequest
) -> OperatorAnswer:
    """The status once it is no longer PENDING."""
    return await once(lambda: status(ask), lambda answer: answer.outcome is not Outcome.PENDING)


def anew(phone: str, network: str, **more: Any) -> PaymentRequest:
    return replace(ASK, reference=uuid4(), phone=phone, network=network, **more)


@pytest.mark.parametrize(
    ("phone", "network", "outcome", "word"),
    [
        ("+22951345029", "BJ-mtn", Outcome.FAILED, "PAYER_NOT_FOUND"),
        ("+2290151345029", "BJ-mtn", Outcome.FAILED, "PAYER_NOT_FOUND"),
        ("+22951345789", "BJ-mtn", Outcome.PAID, None),
        ("+22602345048", "BF-moov", Outcome.FAILED, "INSUFFICIENT_BALANCE"),
        ("+22607345678", "BF-orange", Outcome.PAID, None),
        ("+22607345148", "BF-orange", Outcome.FAILED, "PAYMENT_NOT_APPROVED"),
        ("+2250503456039", "CI-mtn", Outcome.FAILED, "PAYMENT_NOT_APPROVED"),
        ("+2250734567890", "CI-orange", Outcome.PAID, None),
        ("+221773456049", "SN-orange", Outcome.FAILED, "INSUFFICIENT_BALANCE"),
        ("+221763456069", "SN-free", Outcome.FAILED, "UNSPECIFIED_FAILURE"),
    ],
)
async def test_numbers_of_the_sandbox_end_as_published(
    simulator: Simulator, phone: str, network: str, outcome: Outcome, word: str | None
) -> None:
    operator, ask = at(simulator), anew(phone, network, otp="418002")
    assert (await operator.request(ask)).outcome is Outcome.ACCEPTED
    answer = await ended(operator.status, ask)
    assert (answer.outcome, answer.reason) == (outcome, word)


@pytest.mark.parametrize(("otp", "outcome"), [("418002", Outcome.PAID), ("0000", Outcome.FAILED)])
async def test_with_a_code_of_the_payer_nobody_is_asked(
    simulator: Simulator, otp: str, outcome: Outcome
) -> None:
    operator, ask = at(simulator, "BF"), anew("+22607112233", "BF-orange", otp=otp)
    assert (await operator.request(ask)).outcome is Outcome.ACCEPTED
    assert await simulator.get("/simulator/prompts") == []
    assert (await ended(operator.status, ask)).outcome is outcome
    assert otp not in str(operator)
    assert otp not in repr(ask)


async def test_currencies_of_congo_have_centimes(simulator: Simulator) -> None:
    operator = at(simulator, "CD", "CDF")
    ask = anew("+243973456789", "CD-airtel", amount_minor=150_050, currency="CDF")
    assert (await operator.request(ask)).outcome is Outcome.ACCEPTED
    assert (await ended(operator.status, ask)).amount_minor == 150_050
    whole = anew("+243813456789", "CD-vodacom", amount_minor=150_050, currency="CDF")
    assert (await operator.request(whole)).reason == "INVALID_AMOUNT"
    assert not CAPABILITIES.limits["CDF"].allows(150_050)
    assert CAPABILITIES.limits["CDF"].allows(150_000)


async def test_a_stuck_deposit_stays_pending_and_never_rings(simulator: Simulator, service: Service) -> None:
    await simulator.post("/simulator/pawapay/dashboard", account="secret", notice_url=f"{service.url}{PATH}")
    operator, ask = at(simulator), anew("+2250503456129", "CI-mtn")
    await operator.request(ask)
    assert (await operator.status(ask)).outcome is Outcome.PENDING
    assert service.heard == []


async def test_a_payout_waits_for_its_network_and_is_sent_once(simulator: Simulator) -> None:
    operator, out = at(simulator), anew("+2250504417001", "CI-mtn")
    before = await operator.balance_minor()
    await simulator.post("/simulator/pawapay/availability", provider="MTN_MOMO_CIV", status="DELAYED")
    assert (
        await operator.request(anew("+2250504417001", "CI-mtn"))
    ).reason == "PROVIDER_TEMPORARILY_UNAVAILABLE"
    assert (await operator.pay_out(out)).outcome is Outcome.ACCEPTED
    assert (await operator.payout_status(out)).outcome is Outcome.PENDING
    assert (await operator.pay_out(out)).reason == "DUPLICATE_IGNORED"
    await simulator.post("/simulator/pawapay/availability", provider="MTN_MOMO_CIV", status="OPERATIONAL")
    answer = await ended(operator.payout_status, out)
    assert (answer.outcome, answer.amount_minor, answer.phone) == (Outcome.PAID, 1500, out.phone)
    assert before is not None
    assert await operator.balance_minor() == before - 1500


async def test_an_empty_wallet_pays_nothing_out(simulator: Simulator) -> None:
    await simulator.post("/simulator/pawapay/float", account="secret", currency="XOF", amount="1000")
    operator, out = at(simulator), anew("+2250504417001", "CI-mtn")
    assert (await operator.pay_out(out)).reason == "PAWAPAY_WALLET_OUT_OF_FUNDS"
    assert (await operator.payout_status(out)).outcome is Outcome.NOT_FOUND
    assert await operator.balance_minor() == 1000


async def test_a_wrong_token_decides_nothing(simulator: Simulator) -> None:
    operator, ask = at(simulator, token="wrong"), anew("+2250504417001", "CI-mtn")
    refused = OperatorAnswer(Outcome.UNKNOWN, reason="AUTHENTICATION_ERROR")
    assert await operator.request(ask) == refused
    assert await operator.pay_out(ask) == refused
    assert (await operator.status(ask)).outcome is Outcome.UNKNOWN
    assert await operator.balance_minor() is None


async def test_requests_must_be_signed_where_the_dashboard_says_so(simulator: Simulator) -> None:
    key = {"key_id": "KENEYA:1", "public_key": signing.public_pem(OUR_KEY)}
    await simulator.post("/simulator/pawapay/signatures", account="secret", **key)
    ask = anew("+2250503456789", "CI-mtn")
    assert await at(simulator).request(ask) == OperatorAnswer(Outcome.UNKNOWN, reason="HTTP_SIGNATURE_ERROR")
    stolen = at(simulator, private_key=pem_of(THEIR_KEY), key_id="KENEYA:1")
    assert (await stolen.request(ask)).reason == "HTTP_SIGNATURE_ERROR"
    ours = at(simulator, private_key=pem_of(OUR_KEY), key_id="KENEYA:1")
    assert (await ours.request(ask)).outcome is Outcome.ACCEPTED
    assert (await ended(ours.status, ask)).outcome is Outcome.PAID


@pytest.mark.parametrize("form", ["der", "raw"])
async def test_the_simulators_notices_are_signed_and_known_by_its_key(
    simulator: Simulator, service: Service, form: str
) -> None:
    await simulator.post("/simulator/pawapay/dashboard", account="secret", notice_url=f"{service.url}{PATH}")
    await simulator.post("/simulator/pawapay/signatures", account="secret", notices=form)
    ask = anew("+2250503456789", "CI-mtn")
    await at(simulator).request(ask)
    [heard] = await service.wait_for(PATH)
    keys = (await simulator.http.get("/simulator/pawapay/v2/public-key/http")).text
    told = Notice("POST", PATH, heard.headers, heard.body.encode(), service.url.removeprefix("http://"))
    assert forgery(told, {"public_keys": keys}) is None
    assert named_in(told) == str(ask.reference)
    assert forgery(replace(told, authority="127.0.0.1:9"), {"public_keys": keys})
    assert forgery(told, CREDENTIALS)


async def test_a_forged_notice_is_known_before_the_true_one(simulator: Simulator, service: Service) -> None:
    await simulator.post("/simulator/pawapay/dashboard", account="secret", notice_url=f"{service.url}{PATH}")
    await simulator.post("/simulator/pawapay/signatures", account="secret", notices="der")
    await simulator.post("/simulator/trouble", mode="forged", provider="pawapay", on="request")
    await at(simulator).request(anew("+2250503456789", "CI-mtn"))
    heard = await service.wait_for(PATH, 2)
    keys = (await simulator.http.get("/simulator/pawapay/v2/public-key/http")).text
    host = service.url.removeprefix("http://")
    told = [Notice("POST", PATH, one.headers, one.body.encode(), host) for one in heard]
    assert sorted(forgery(one, {"public_keys": keys}) is None for one in told) == [False, True]
