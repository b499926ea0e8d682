"""PayGateGlobal: what only it has. The wire examples are those of its guide and of its clients."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from mobilemoney import Outcome, adapters, paygate
from mobilemoney.operator import Notice, PaymentRequest
from simulator.app import create_app
from tests.simulator.conftest import configured
from tests.support.operator_cases import an_ask
from tests.support.operators import an_account
from tests.support.servers import Service, Simulator, listening, reached, serving

FLOOZ, TMONEY = "+22896123456", "+22890123456"
OURS = UUID("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417")
# An answer of /api/v2/status, as the guide lists its fields.
STATUS = {
    "tx_reference": 441700123,
    "payment_reference": "99213005177",
    "status": 0,
    "datetime": "2026-05-02T08:11:09Z",
    "payment_method": "FLOOZ",
}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    async with serving(create_app(configured(service, tmp_path))) as url, reached(url) as running:
        yield running


def an_order(phone: str = FLOOZ, network: str = "TG-moov") -> PaymentRequest:
    return replace(an_ask(phone=phone, network=network), reference=uuid4())


def connected(simulator: Simulator, key: str = "a key") -> paygate.PayGate:
    account = an_account("paygate", f"{simulator.url}/simulator/paygate", "TG")
    account = replace(account, credentials={**account.credentials, "auth_token": key})
    return paygate.connect(simulator.http, account)


def answering(body: object, code: int = 200) -> tuple[paygate.PayGate, list[httpx.Request]]:
    """PayGateGlobal with one answer for all; and what it was asked."""
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(code, json=body)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return paygate.PayGate(client, paygate.BASE_URL, "a key"), heard


async def pay(simulator: Simulator, phone: str, answer: str = "approve") -> None:
    await simulator.post(f"/simulator/prompts/{(await simulator.prompt(phone))['id']}", answer=answer)


# ---- the wire ----


async def test_a_request_is_what_the_guide_asks_for() -> None:
    operator, heard = answering({"tx_reference": 441700123, "status": 0})
    ask = replace(an_order(), reference=OURS)
    answer = await operator.request(ask)
    assert (answer.outcome, answer.operator_reference) == (Outcome.ACCEPTED, "441700123")
    [request] = heard
    assert (request.method, str(request.url)) == ("POST", "https://paygateglobal.com/api/v1/pay")
    assert json.loads(request.content) == {
        "auth_token": "a key",
        "phone_number": "96123456",
        "amount": 2000,
        "description": "Cotisation d Awa ete 2",
        "identifier": "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417",
        "network": "FLOOZ",
    }


async def test_a_status_is_asked_by_our_identifier() -> None:
    operator, heard = answering(STATUS)
    answer = await operator.status(replace(an_order(), reference=OURS))
    assert (str(heard[0].url), json.loads(heard[0].content)) == (
        "https://paygateglobal.com/api/v2/status",
        {"auth_token": "a key", "identifier": str(OURS)},
    )
    assert (answer.outcome, answer.operator_reference) == (Outcome.PAID, "99213005177")
    assert answer.completed_at is not None
    assert answer.completed_at.isoformat() == "2026-05-02T08:11:09+00:00"
    assert (answer.amount_minor, answer.currency, answer.phone) == (None, None, None)


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, {"tx_reference": 1, "status": 0}, Outcome.ACCEPTED),
        (200, {"tx_reference": "1", "status": "0"}, Outcome.ACCEPTED),
        (200, {"status": 0}, Outcome.UNKNOWN),
        (200, {"status": 2}, Outcome.UNKNOWN),
        (200, {"status": 4}, Outcome.FAILED),
        (200, {"tx_reference": 1, "status": 6}, Outcome.PENDING),
        (200, {"status": 7}, Outcome.UNKNOWN),
        (200, {"error_code": 500, "error_message": "indisponible"}, Outcome.UNKNOWN),
        (500, {"status": 4}, Outcome.UNKNOWN),
        (403, {"status": 4}, Outcome.UNKNOWN),
    ],
)
async def test_a_figure_of_a_request_has_one_meaning(code: int, body: object, outcome: Outcome) -> None:
    operator, _heard = answering(body, code)
    assert (await operator.request(an_order())).outcome is outcome


@pytest.mark.parametrize(
    ("code", "told", "outcome"),
    [
        (200, {"status": 2}, Outcome.PENDING),
        (200, {"status": 4}, Outcome.FAILED),
        (200, {"status": "6"}, Outcome.FAILED),
        (200, {"status": 5}, Outcome.UNKNOWN),
        (200, {"status": None}, Outcome.UNKNOWN),
        # A refusal that has the figures of a status is not one of a payment: it names no transaction.
        (200, {"status": 4, "tx_reference": None}, Outcome.UNKNOWN),
        (200, {"status": 0, "tx_reference": None}, Outcome.UNKNOWN),
        (200, {"identifier": str(OURS)}, Outcome.PAID),
        (200, {"identifier": "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4418"}, Outcome.UNKNOWN),
        (200, {"error_code": 403, "error_message": "auth_token"}, Outcome.UNKNOWN),
        (404, {"error_code": 404, "error_message": "introuvable"}, Outcome.NOT_FOUND),
        (404, {}, Outcome.UNKNOWN),
        (500, {}, Outcome.UNKNOWN),
        (200, {"amount": "deux mille"}, Outcome.UNKNOWN),
        (200, {"amount": 2000.5}, Outcome.UNKNOWN),
    ],
)
async def test_a_figure_of_a_status_has_another_meaning(
    code: int, told: dict[str, Any], outcome: Outcome
) -> None:
    operator, _heard = answering(STATUS | told, code)
    assert (await operator.status(replace(an_order(), reference=OURS))).outcome is outcome


@pytest.mark.parametrize("amount", [2000, "2000", "2000.00", 2000.0])
async def test_an_amount_that_is_told_is_read(amount: object) -> None:
    operator, _heard = answering(STATUS | {"amount": amount})
    assert (await operator.status(an_order())).amount_minor == 2000


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (an_order(phone="+22370000002"), "INVALID_PHONE"),
        (an_order(phone="+2289612345"), "INVALID_PHONE"),
        (an_order(network=""), "INVALID_NETWORK"),
        (an_order(network="BJ-moov"), "INVALID_NETWORK"),
        (replace(an_order(), currency="XAF"), "INVALID_CURRENCY"),
    ],
)
async def test_what_it_cannot_ask_is_never_sent(ask: PaymentRequest, reason: str) -> None:
    operator, heard = answering({})
    answer = await operator.request(ask)
    assert (answer.outcome, answer.reason, heard) == (Outcome.FAILED, reason, [])


async def test_two_networks_two_words() -> None:
    operator, heard = answering({})
    await operator.request(an_order(TMONEY, "TG-togocel"))
    assert json.loads(heard[0].content)["network"] == "TMONEY"


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        ({"flooz": 50000, "tmoney": 25000}, 75000),
        ({"flooz": "50000", "tmoney": "0"}, 50000),
        ({"flooz": 50000}, None),
        ({"flooz": "?", "tmoney": 0}, None),
        ({"error_code": 403, "error_message": "IP"}, None),
    ],
)
async def test_a_balance_is_that_of_both_networks(body: object, balance: int | None) -> None:
    operator, heard = answering(body)
    assert await operator.balance_minor() == balance
    assert str(heard[0].url) == "https://paygateglobal.com/api/v1/check-balance"


def a_notice(body: bytes, content_type: str = "application/json") -> Notice:
    return Notice("POST", "/money/paygate/token", {"content-type": content_type}, body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (json.dumps({"tx_reference": 1, "identifier": str(OURS)}).encode(), str(OURS)),
        (f"tx_reference=1&identifier={OURS}".encode(), str(OURS)),
        (b'{"tx_reference": 1}', None),
        (b'{"identifier": {"x": 1}}', None),
        (b"[]", None),
        (b"", None),
        (b"\xff\x00", None),
        (b"&".join(b"a=1" for _ in range(100)), None),
    ],
)
def test_a_notice_names_its_payment(body: bytes, named: str | None) -> None:
    assert paygate.named_in(a_notice(body)) == named


# ---- against the simulator ----


async def test_flooz_tells_the_amount_and_t_money_does_not(simulator: Simulator) -> None:
    operator = connected(simulator)
    for phone, network, amount in ((FLOOZ, "TG-moov", 2000), (TMONEY, "TG-togocel", None)):
        ask = an_order(phone, network)
        await operator.request(ask)
        await pay(simulator, phone)
        answer = await operator.status(ask)
        assert (answer.outcome, answer.amount_minor) == (Outcome.PAID, amount)


async def test_another_amount_than_was_asked_is_told(simulator: Simulator) -> None:
    operator, ask = connected(simulator), an_order()
    await simulator.post("/simulator/trouble", mode="another-amount", provider="paygate")
    await operator.request(ask)
    await pay(simulator, FLOOZ)
    assert (await operator.status(ask)).amount_minor == 2001


async def test_a_wrong_key_decides_nothing(simulator: Simulator) -> None:
    ask = an_order()
    await connected(simulator).request(ask)
    wrong = connected(simulator, "wrong")
    assert (await wrong.request(ask)).outcome is Outcome.UNKNOWN
    assert (await wrong.status(ask)).outcome is Outcome.UNKNOWN
    assert await wrong.balance_minor() is None


async def test_another_merchant_does_not_see_our_payment(simulator: Simulator) -> None:
    ask = an_order()
    await connected(simulator).request(ask)
    assert (await connected(simulator, "another key").status(ask)).outcome is Outcome.NOT_FOUND


async def test_notices_come_to_the_one_address_of_the_account(simulator: Simulator, service: Service) -> None:
    operator, paid, declined = connected(simulator), an_order(), an_order(TMONEY, "TG-togocel")
    url = f"{service.url}/money/paygate/account"
    await simulator.post("/simulator/paygate/dashboard", account="a key", notice_url=url)
    await operator.request(declined)
    await pay(simulator, TMONEY, "decline")
    await operator.request(paid)
    await pay(simulator, FLOOZ, "twice")
    heard = await service.wait_for("/money/paygate/account", 2)
    told = [Notice("POST", one.path, one.headers, one.body.encode()) for one in heard]
    assert [paygate.named_in(notice) for notice in told] == [str(paid.reference)] * 2
    assert (await operator.status(declined)).outcome is Outcome.FAILED


async def test_payments_are_on_the_balance(simulator: Simulator) -> None:
    operator, ask = connected(simulator), an_order()
    before = await operator.balance_minor()
    await operator.request(ask)
    await pay(simulator, FLOOZ)
    after = await operator.balance_minor()
    assert before is not None
    assert after == before + 2000 - 50  # Flooz keeps 2.5 %


def test_what_is_unverified_is_never_taken_for_granted() -> None:
    can = adapters()["paygate"].CAPABILITIES
    assert can.not_found_is_proof is None
    assert not can.pays_out
