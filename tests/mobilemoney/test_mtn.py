"""MTN MoMo Open API: what only it has, on answers typed from its documentation."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from mobilemoney import Outcome, PaymentRequest, mtn, wire
from mobilemoney.operator import Notice, OperatorAccount, PayoutOperator
from simulator import money
from simulator.app import create_app
from simulator.deps import Config
from tests.support.patience import PATIENCE_S, until
from tests.support.servers import Service, Simulator, environment, listening, reached, serving

REFERENCE = UUID("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417")
ASK = PaymentRequest(
    REFERENCE, "+2250504417001", 1500, "XOF", "Cotisation d'avril", "https://pay.example.org/money/mtn/tok"
)
KEYS = {
    "url": "https://momo.example.org/",
    "subscription_key": "0123456789abcdef0123456789abcdef",
    "user": "c72025f5-5cd1-4630-99e4-8ba4722fad56",
    "key": "d90f73d6c1a34a2e94cbc3b65a0b4417",
    "target_environment": "mtnivorycoast",
}
PAYS_OUT = KEYS | {"disbursement_subscription_key": "fedcba9876543210fedcba9876543210"}
TOLD = {
    "amount": "1500",
    "currency": "XOF",
    "financialTransactionId": "51877203",
    "externalId": str(REFERENCE),
    "payer": {"partyIdType": "MSISDN", "partyId": "2250504417001"},
    "payerMessage": "Cotisation mai",
    "payeeNote": "C 2026 004417",
    "status": "SUCCESSFUL",
}
DUPLICATE = {
    "code": "RESOURCE_ALREADY_EXIST",
    "message": "Duplicated reference id. Creation of resource failed.",
}
NOT_FOUND = {"code": "RESOURCE_NOT_FOUND", "message": "Requested resource was not found."}


def account(credentials: Mapping[str, str]) -> OperatorAccount:
    return OperatorAccount(
        mutuelle_id="ABJ",
        name="mtn-CI",
        operator="mtn",
        country="CI",
        currency="XOF",
        notice_token="",
        credentials=credentials,
    )


Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Gateway:
    """MTN's side: gives tokens, answers anything else with `answer`, and keeps what it was asked.

    `gate` holds up tokens until it is set; with `refuses` there are none.
    """

    answer: Answer = lambda request: httpx.Response(202)
    expires_in: object = 3600
    refuses: bool = False
    gate: asyncio.Event | None = None
    tokens: list[httpx.Request] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)

    async def reply(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/token/"):
            self.asked.append(request)
            return self.answer(request)
        self.tokens.append(request)
        if self.gate:
            await self.gate.wait()
        if self.refuses:
            return httpx.Response(401, json={"error": "invalid_client"})
        token = f"eyJ{len(self.tokens)}"
        body = {"access_token": token, "token_type": "access_token", "expires_in": self.expires_in}
        return httpx.Response(200, json=body)

    def connected(self, credentials: Mapping[str, str] = PAYS_OUT) -> mtn.Mtn:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.reply))
        return mtn.connect(client, account(credentials))


def says(code: int, body: object = None, *, text: str | None = None) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        if text is not None:
            return httpx.Response(code, text=text)
        return httpx.Response(code) if body is None else httpx.Response(code, json=body)

    return answer


def bearers(gateway: Gateway) -> list[str]:
    return [request.headers["authorization"] for request in gateway.asked]


def test_it_pays_out() -> None:
    assert isinstance(Gateway().connected(), PayoutOperator)


async def test_a_request_on_the_wire_is_the_documented_one() -> None:
    gateway = Gateway()
    assert (await gateway.connected().request(ASK)).outcome is Outcome.ACCEPTED
    [sent] = gateway.asked
    assert (sent.method, str(sent.url)) == (
        "POST",
        "https://momo.example.org/collection/v1_0/requesttopay",
    )
    assert sent.headers["authorization"] == "Bearer eyJ1"
    assert sent.headers["x-reference-id"] == str(REFERENCE)
    assert sent.headers["x-target-environment"] == "mtnivorycoast"
    assert sent.headers["ocp-apim-subscription-key"] == KEYS["subscription_key"]
    assert sent.headers["x-callback-url"] == ASK.notice_url
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["user-agent"] == wire.USER_AGENT
    assert json.loads(sent.content) == {
        "amount": "1500",
        "currency": "XOF",
        "externalId": str(REFERENCE),
        "payer": {"partyIdType": "MSISDN", "partyId": "2250504417001"},
        "payerMessage": "Cotisation d avril",
        "payeeNote": "Cotisation d avril",
    }


async def test_a_transfer_has_its_own_product_key_and_a_payee() -> None:
    gateway = Gateway()
    operator = gateway.connected()
    assert (await operator.pay_out(ASK)).outcome is Outcome.ACCEPTED
    [sent] = gateway.asked
    assert sent.url.path == "/disbursement/v1_0/transfer"
    assert sent.headers["ocp-apim-subscription-key"] == PAYS_OUT["disbursement_subscription_key"]
    body = json.loads(sent.content)
    assert "payer" not in body
    assert body["payee"] == {"partyIdType": "MSISDN", "partyId": "2250504417001"}
    gateway.answer = says(
        200,
        {key: value for key, value in TOLD.items() if not key.startswith("paye")} | {"payee": TOLD["payer"]},
    )
    answer = await operator.payout_status(ASK)
    assert (answer.outcome, answer.phone, answer.operator_reference) == (Outcome.PAID, ASK.phone, "51877203")
    assert gateway.asked[-1].url.path == f"/disbursement/v1_0/transfer/{REFERENCE}"


async def test_without_a_disbursement_key_nothing_is_paid_out_nor_sent() -> None:
    gateway = Gateway()
    operator = gateway.connected(KEYS)
    answer = await operator.pay_out(ASK)
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "NO_DISBURSEMENT_KEY")
    assert (await operator.payout_status(ASK)).outcome is Outcome.UNKNOWN
    assert await operator.payee_name(ASK.phone) is None
    assert gateway.tokens == gateway.asked == []


@pytest.mark.parametrize(
    ("more", "pair"),
    [
        ({}, "{user}:{key}"),
        ({"disbursement_user": "other", "disbursement_key": "own"}, "other:own"),
    ],
)
async def test_a_wallet_for_payouts_may_be_another_one(more: dict[str, str], pair: str) -> None:
    gateway = Gateway()
    await gateway.connected(PAYS_OUT | more).pay_out(ASK)
    [token] = gateway.tokens
    scheme, _, encoded = token.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded).decode()) == ("Basic", pair.format(**KEYS))


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({"disbursement_user": "other"}, "disbursement_key"),
        ({"disbursement_key": "own"}, "disbursement_user"),
        (
            {"disbursement_user": "other", "disbursement_key": "own", "disbursement_subscription_key": ""},
            "disbursement_subscription_key",
        ),
    ],
)
async def test_half_of_a_wallet_for_payouts_is_none(more: dict[str, str], lacks: str) -> None:
    with pytest.raises(ValueError, match=f"lack {lacks}$"):
        Gateway().connected(PAYS_OUT | more)


async def test_a_token_is_asked_for_with_the_environment_and_credentials_as_they_are() -> None:
    gateway = Gateway()
    await gateway.connected(KEYS | {"user": "dXNlcg==", "key": "a+b/c&%"}).request(ASK)
    [token] = gateway.tokens
    assert (token.method, token.url.path) == ("POST", "/collection/token/")
    assert token.headers["x-target-environment"] == "mtnivorycoast"
    assert token.headers["ocp-apim-subscription-key"] == KEYS["subscription_key"]
    assert base64.b64decode(token.headers["authorization"].removeprefix("Basic ")) == b"dXNlcg==:a+b/c&%"


async def test_one_token_serves_all_that_wait_for_it_and_all_after() -> None:
    gateway = Gateway(gate=asyncio.Event())
    operator = gateway.connected()
    asking = [asyncio.create_task(operator.request(ASK)) for _ in range(10)]
    await until(lambda: bool(gateway.tokens), PATIENCE_S)
    asking[0].cancel()  # who gives up does not take it from the others
    assert gateway.gate
    gateway.gate.set()
    answers = await asyncio.gather(*asking[1:])
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    await operator.status(ASK)
    assert len(gateway.tokens) == 1
    assert bearers(gateway) == ["Bearer eyJ1"] * 10


async def test_each_product_has_its_token() -> None:
    gateway = Gateway()
    operator = gateway.connected()
    await operator.request(ASK)
    await operator.pay_out(ASK)
    assert [token.url.path for token in gateway.tokens] == ["/collection/token/", "/disbursement/token/"]
    assert bearers(gateway) == ["Bearer eyJ1", "Bearer eyJ2"]


async def test_a_token_is_renewed_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()
    operator = gateway.connected()
    await operator.status(ASK)
    left_s = operator.tokens["collection"].until - asyncio.get_running_loop().time()
    assert 3600 * 0.8 < left_s < 3600 * 0.95
    operator.tokens["collection"].until -= left_s
    await operator.status(ASK)
    assert bearers(gateway) == ["Bearer eyJ1", "Bearer eyJ2"]


@pytest.mark.parametrize("expires_in", [0, -5, "soon", None, True, 10**12, [3600]])
async def test_a_strange_life_of_a_token_does_no_harm(expires_in: object) -> None:
    gateway = Gateway(expires_in=expires_in)
    operator = gateway.connected()
    assert (await operator.request(ASK)).outcome is Outcome.ACCEPTED
    assert 0 < operator.tokens["collection"].until - asyncio.get_running_loop().time() <= mtn.LONGEST_LIFE_S


async def test_a_token_that_is_refused_is_renewed_once_and_the_same_request_sent_again() -> None:
    gateway = Gateway()
    operator = gateway.connected()
    await operator.status(ASK)
    gateway.answer = lambda request: httpx.Response(
        401 if request.headers["authorization"] == "Bearer eyJ1" else 202
    )
    assert (await operator.request(ASK)).outcome is Outcome.ACCEPTED
    assert bearers(gateway)[1:] == ["Bearer eyJ1", "Bearer eyJ2"]
    assert {request.headers["x-reference-id"] for request in gateway.asked[1:]} == {str(REFERENCE)}


async def test_a_key_that_is_always_refused_says_nothing_of_the_payment() -> None:
    gateway = Gateway(answer=says(401, {"statusCode": 401, "message": "Access denied"}))
    operator = gateway.connected()
    assert (await operator.request(ASK)).outcome is Outcome.UNKNOWN
    assert (await operator.status(ASK)).outcome is Outcome.UNKNOWN
    assert (len(gateway.asked), len(gateway.tokens)) == (2, 2)


async def test_no_request_waits_for_two_tokens() -> None:
    """Each may take most of a lease."""
    gateway = Gateway(answer=says(401))
    operator = gateway.connected()
    await operator.request(ASK)
    assert (len(gateway.tokens), bearers(gateway)) == (1, ["Bearer eyJ1"])
    gateway.answer = says(202)
    await operator.request(ASK)
    gateway.answer = says(401)
    await operator.request(ASK)
    assert len(gateway.tokens) == 3
    assert bearers(gateway)[1:] == ["Bearer eyJ2", "Bearer eyJ2", "Bearer eyJ3"]


async def test_without_a_token_nothing_is_sent_and_nothing_known() -> None:
    gateway = Gateway(refuses=True)
    operator = gateway.connected()
    for answer in (
        await operator.request(ASK),
        await operator.status(ASK),
        await operator.pay_out(ASK),
        await operator.payout_status(ASK),
    ):
        assert answer.outcome is Outcome.UNKNOWN
    assert await operator.balance_minor() is None
    assert gateway.asked == []
    gateway.refuses = False
    assert (await operator.request(ASK)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("token", ["", "two words", "é", "a\r\nx-evil: 1", 17, None, "x" * 9000])
async def test_a_token_that_no_header_can_carry_is_none(token: object) -> None:
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"access_token": token, "expires_in": 3600})
    )
    operator = mtn.connect(httpx.AsyncClient(transport=transport), account(PAYS_OUT))
    assert (await operator.request(ASK)).outcome is Outcome.UNKNOWN


async def test_a_token_may_take_longer_than_any_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WHOLE_S", 0.05)
    gateway = Gateway(gate=asyncio.Event())
    operator = gateway.connected()
    asking = asyncio.create_task(operator.request(ASK))
    await asyncio.sleep(0.2)
    assert gateway.gate
    gateway.gate.set()
    assert (await asking).outcome is Outcome.ACCEPTED


HTML = "<html><title>403 Forbidden</title></html>"


def coded(status: int, code: str) -> Answer:
    return says(status, {"code": code, "message": "Some words of MTN."})


REQUESTS = [
    ("202 with an empty body", says(202), Outcome.ACCEPTED),
    ("409, the reference is known", says(409, DUPLICATE), Outcome.PENDING),
    ("409 without words", says(409), Outcome.UNKNOWN),
    ("400 without a code", says(400, {"message": "payerMessage is too long"}), Outcome.UNKNOWN),
    ("400 and a refusal", coded(400, "INVALID_CURRENCY"), Outcome.FAILED),
    ("500 and a refusal", coded(500, "INVALID_CURRENCY"), Outcome.FAILED),
    ("500, no such payer", coded(500, "PAYER_NOT_FOUND"), Outcome.FAILED),
    ("500, not allowed", coded(500, "NOT_ALLOWED"), Outcome.FAILED),
    (
        "500, our float is used up, perhaps by this very request",
        coded(500, "NOT_ENOUGH_FUNDS"),
        Outcome.UNKNOWN,
    ),
    ("500, a limit of the payee", coded(500, "PAYEE_NOT_ALLOWED_TO_RECEIVE"), Outcome.UNKNOWN),
    ("500, whatever", coded(500, "INTERNAL_PROCESSING_ERROR"), Outcome.UNKNOWN),
    ("500, a new code", coded(500, "MERCURY_IN_RETROGRADE"), Outcome.UNKNOWN),
    ("500 without JSON", says(500, text="Internal server error"), Outcome.UNKNOWN),
    ("503", coded(503, "SERVICE_UNAVAILABLE"), Outcome.UNKNOWN),
    ("503 that names a refusal", coded(503, "NOT_ALLOWED"), Outcome.UNKNOWN),
    ("403 in HTML", says(403, text=HTML), Outcome.UNKNOWN),
    ("403, an address that is not on the list", coded(403, "FORBIDDEN_IP"), Outcome.UNKNOWN),
    ("200 instead of 202", says(200), Outcome.UNKNOWN),
    ("a redirect", says(307), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("answer", "outcome"), [case[1:] for case in REQUESTS], ids=[case[0] for case in REQUESTS]
)
async def test_what_a_request_and_a_transfer_are_answered(answer: Answer, outcome: Outcome) -> None:
    operator = Gateway(answer=answer).connected()
    assert (await operator.request(ASK)).outcome is outcome
    assert (await operator.pay_out(ASK)).outcome is outcome


def told(**more: object) -> dict[str, object]:
    return {name: value for name, value in (TOLD | more).items() if value is not None}


STATUSES = [
    ("as documented", told(), Outcome.PAID),
    ("an amount as a number", told(amount=1500), Outcome.PAID),
    ("a receipt as a number", told(financialTransactionId=51877203), Outcome.PAID),
    ("a phone as a number", told(payer={"partyIdType": "MSISDN", "partyId": 2250504417001}), Outcome.PAID),
    ("an amount with decimals", told(amount="1500.00"), Outcome.PAID),
    ("without a receipt", told(financialTransactionId=None), Outcome.PAID),
    ("without notes", told(payerMessage=None, payeeNote=None), Outcome.PAID),
    ("without externalId", told(externalId=None), Outcome.PAID),
    ("of another payment", told(externalId="C-2026-004417"), Outcome.UNKNOWN),
    ("of another reference", told(externalId="7b1c0a52-7d11-4f8e-9a60-5f2d6c1e0b77"), Outcome.UNKNOWN),
    ("without an amount", told(amount=None), Outcome.UNKNOWN),
    ("part of a franc", told(amount="1500.5"), Outcome.UNKNOWN),
    ("without a payer", told(payer=None), Outcome.UNKNOWN),
    ("a payer that is a word", told(payer="2250504417001"), Outcome.UNKNOWN),
    ("without a currency", told(currency=None), Outcome.UNKNOWN),
    ("pending", told(status="PENDING", financialTransactionId=None), Outcome.PENDING),
    ("a word nobody has seen", told(status="CREATED"), Outcome.UNKNOWN),
    ("a word in small letters", told(status="successful"), Outcome.UNKNOWN),
    ("no word", told(status=None), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("body", "outcome"), [case[1:] for case in STATUSES], ids=[case[0] for case in STATUSES]
)
async def test_shapes_of_a_status(body: dict[str, object], outcome: Outcome) -> None:
    answer = await Gateway(answer=says(200, body)).connected().status(ASK)
    assert answer.outcome is outcome
    if outcome is Outcome.PAID:
        assert (answer.amount_minor, answer.currency, answer.phone) == (1500, "XOF", "+2250504417001")
        assert answer.operator_reference in ("51877203", None)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("APPROVAL_REJECTED", "APPROVAL_REJECTED"),
        ({"code": "PAYER_NOT_FOUND", "message": "Payee does not exist"}, "PAYER_NOT_FOUND"),
        ("INTERNAL_PROCESSING_ERROR", "INTERNAL_PROCESSING_ERROR"),
        ("LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED",) * 2,
        (None, None),
        ({"message": "Payee does not exist"}, None),
        ([], None),
    ],
)
async def test_a_failure_has_its_reason_in_either_shape(reason: object, word: str | None) -> None:
    for body in (told(status="FAILED", reason=reason), {"status": "FAILED", "reason": reason}):
        answer = await Gateway(answer=says(200, body)).connected().status(ASK)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, word)


async def test_not_found_needs_its_word() -> None:
    operator = Gateway(answer=says(404, NOT_FOUND)).connected()
    assert (await operator.status(ASK)).outcome is Outcome.NOT_FOUND
    assert (await operator.payout_status(ASK)).outcome is Outcome.NOT_FOUND
    for answer in (
        says(404),
        says(404, text=HTML),
        says(404, {"statusCode": 404, "message": "Resource not found"}),
    ):
        assert (await Gateway(answer=answer).connected().status(ASK)).outcome is Outcome.UNKNOWN


HOLDER = {
    "sub": "0",
    "name": "Sand Box",
    "given_name": "Sand",
    "family_name": "Box",
    "birthdate": "1976-08-13",
    "locale": "sv_SE",
    "gender": "MALE",
    "updated_at": 1676609351,
}


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (says(200, HOLDER), "Sand Box"),
        (says(200, {"given_name": "Awa", "family_name": "KONE", "birthdate": "1976-08-13"}), "Awa KONE"),
        (says(200, {"family_name": " KONE \n"}), "KONE"),
        (says(200, {"birthdate": "1976-08-13", "gender": "MALE"}), None),
        (says(200, {"name": {"first": "Awa"}}), None),
        (says(404, NOT_FOUND), None),
        (says(500, {"code": "NOT_ALLOWED", "name": "Awa"}), None),
        (says(200, text=HTML), None),
    ],
)
async def test_of_an_account_holder_only_the_name_is_told(answer: Answer, name: str | None) -> None:
    gateway = Gateway(answer=answer)
    operator = gateway.connected()
    assert await operator.payee_name("+2250504417001") == name
    assert gateway.asked[0].url.path == "/disbursement/v1_0/accountholder/msisdn/2250504417001/basicuserinfo"
    assert await operator.payee_name("../../token") is None
    assert len(gateway.asked) == 1


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        ({"availableBalance": "250000", "currency": "XOF"}, 250_000),
        ({"availableBalance": 0, "currency": "XOF"}, 0),
        ({"availableBalance": "250000", "currency": "XAF"}, None),
        ({"availableBalance": "-5", "currency": "XOF"}, None),
        ({"currency": "XOF"}, None),
        ({}, None),
    ],
)
async def test_a_balance(body: dict[str, object], balance: int | None) -> None:
    gateway = Gateway(answer=says(200, body))
    assert await gateway.connected().balance_minor() == balance
    assert gateway.asked[0].url.path == "/collection/v1_0/account/balance"


async def test_a_currency_that_it_does_not_have_is_never_sent() -> None:
    gateway = Gateway()
    for currency in ("CDF", "FCFA"):
        ask = PaymentRequest(REFERENCE, ASK.phone, 1500, currency, "", "")
        answer = await gateway.connected().request(ask)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, "INVALID_CURRENCY")
    assert gateway.asked == []


async def test_without_an_address_for_it_no_notice_is_asked_for() -> None:
    gateway = Gateway()
    await gateway.connected().request(PaymentRequest(REFERENCE, ASK.phone, 1500, "XOF", "", ""))
    assert "x-callback-url" not in gateway.asked[0].headers


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (json.dumps(TOLD).encode(), str(REFERENCE)),
        (json.dumps(TOLD | {"externalId": 4417}).encode(), None),
        (b'{"status": "SUCCESSFUL"}', None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_a_callback_names_our_reference_as_its_external_id(body: bytes, named: str | None) -> None:
    for method in ("PUT", "POST"):
        assert mtn.named_in(Notice(method, "/money/mtn/tok", {}, body)) == named


def test_a_credential_that_no_header_can_carry_is_refused_by_name() -> None:
    for wrong in ({"user": "clé"}, {"disbursement_key": "a\nb", "disbursement_user": "u"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Gateway().connected(PAYS_OUT | wrong)


def test_nothing_of_the_keys_is_shown() -> None:
    shown = repr(Gateway().connected())
    assert not [value for name, value in PAYS_OUT.items() if "key" in name and value in shown]


async def test_an_address_that_is_none_is_no_answer() -> None:
    operator = mtn.connect(httpx.AsyncClient(trust_env=False), account(KEYS | {"url": "http://[::1"}))
    assert (await operator.request(ASK)).outcome is Outcome.UNKNOWN


# ---- against the simulator, which a foreign client drives too (tests/simulator/test_mtn.py) ----


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


def connected(simulator: Simulator, **more: str) -> mtn.Mtn:
    credentials = PAYS_OUT | {"url": f"{simulator.url}/simulator/mtn"} | more
    return mtn.connect(simulator.http, account(credentials))


def fresh(service: Service, phone: str = ASK.phone, currency: str = "XOF") -> PaymentRequest:
    return replace(
        ASK, reference=uuid4(), phone=phone, currency=currency, notice_url=f"{service.url}/money/mtn/token"
    )


async def trouble(simulator: Simulator, mode: str, on: str) -> None:
    await simulator.post("/simulator/trouble", mode=mode, on=on, provider="mtn", seconds="1.5")


async def prompts(simulator: Simulator) -> list[str]:
    return [one["reference"] for one in await simulator.get("/simulator/prompts", phone=ASK.phone)]


async def test_a_token_that_takes_long_is_waited_for(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = connected(simulator)
    await trouble(simulator, "slow", "token")
    monkeypatch.setattr(wire, "TIMEOUT", httpx.Timeout(1))
    monkeypatch.setattr(wire, "WHOLE_S", 1)
    assert (await operator.request(fresh(service))).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("mode", ["error500", "html", "garbage", "redirect", "unauthorised"])
async def test_whatever_a_token_request_is_answered_nothing_is_known(
    simulator: Simulator, service: Service, mode: str
) -> None:
    operator, ask = connected(simulator), fresh(service)
    await trouble(simulator, mode, "token")
    assert (await operator.request(ask)).outcome is Outcome.UNKNOWN
    assert (await operator.status(ask)).outcome is Outcome.NOT_FOUND


async def test_a_token_taken_back_at_any_step_is_renewed(simulator: Simulator, service: Service) -> None:
    operator, ask = connected(simulator), fresh(service)
    assert (await operator.status(ask)).outcome is Outcome.NOT_FOUND
    assert (await operator.payout_status(ask)).outcome is Outcome.NOT_FOUND
    await trouble(simulator, "unauthorised", "request")
    assert (await operator.request(ask)).outcome is Outcome.ACCEPTED
    assert await prompts(simulator) == [str(ask.reference)]
    await trouble(simulator, "unauthorised", "status")
    assert (await operator.status(ask)).outcome is Outcome.PENDING
    await trouble(simulator, "unauthorised", "payout")
    assert (await operator.pay_out(fresh(service))).outcome is Outcome.ACCEPTED
    await trouble(simulator, "unauthorised", "holder")
    assert await operator.payee_name(ask.phone) == money.holder(ask.phone)


@pytest.mark.parametrize("name", ["subscription_key", "user", "key", "target_environment"])
async def test_with_a_wrong_credential_nothing_is_known(
    simulator: Simulator, service: Service, name: str
) -> None:
    operator, ask = connected(simulator, **{name: "wrong"}), fresh(service)
    assert (await operator.request(ask)).outcome is Outcome.UNKNOWN
    assert (await operator.status(ask)).outcome is Outcome.UNKNOWN
    assert await prompts(simulator) == []


SANDBOX = [
    ("450", "INTERNAL_PROCESSING_ERROR"),
    ("451", "APPROVAL_REJECTED"),
    ("452", "EXPIRED"),
    ("453", None),
]


async def test_the_sandbox_has_its_numbers_and_one_currency(simulator: Simulator, service: Service) -> None:
    operator = connected(simulator, target_environment="sandbox")
    refused = await operator.request(fresh(service))
    assert (refused.outcome, refused.reason) == (Outcome.FAILED, "INVALID_CURRENCY")
    for suffix, reason in SANDBOX:
        ask = fresh(service, f"+46733123{suffix}", "EUR")
        for send, status in ((operator.request, operator.status), (operator.pay_out, operator.payout_status)):
            out = replace(ask, reference=uuid4())
            assert (await send(out)).outcome is Outcome.ACCEPTED
            answer = await status(out)
            while answer.outcome is Outcome.PENDING:
                await asyncio.sleep(0.02)
                answer = await status(out)
            assert (answer.outcome, answer.reason) == (Outcome.FAILED if reason else Outcome.PAID, reason)


async def test_the_callback_names_the_payment_and_a_forged_one_moves_nothing(
    simulator: Simulator, service: Service
) -> None:
    operator, ask = connected(simulator), fresh(service)
    await trouble(simulator, "forged", "request")
    await operator.request(ask)
    [forged] = await service.wait_for("/money/mtn/token")
    assert json.loads(forged.body)["status"] == "SUCCESSFUL"
    assert (await operator.status(ask)).outcome is Outcome.PENDING
    await simulator.post(f"/simulator/prompts/{(await simulator.prompt(ask.phone))['id']}", answer="decline")
    rung = (await service.wait_for("/money/mtn/token", 2))[-1]
    notice = Notice("PUT", rung.path, rung.headers, rung.body.encode())
    assert mtn.named_in(notice) == str(ask.reference)
    assert mtn.forgery(notice, PAYS_OUT) is None
    assert (await operator.status(ask)).outcome is Outcome.FAILED


async def test_what_is_paid_out_is_taken_off_the_balance(simulator: Simulator, service: Service) -> None:
    operator = connected(simulator)
    before = await operator.balance_minor()
    await operator.pay_out(fresh(service))
    assert before is not None
    assert await operator.balance_minor() == before - ASK.amount_minor
    await simulator.post("/simulator/mtn/float", account=KEYS["user"], currency="XOF", amount="1499")
    refused = await operator.pay_out(fresh(service))
    assert (refused.outcome, refused.reason) == (Outcome.UNKNOWN, "request answered 500 NOT_ENOUGH_FUNDS")
