"""QOS: what only it has. The wire examples are those of docs.qosic.com, the merchant API."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from mobilemoney import Outcome, adapters, qos
from mobilemoney.operator import PaymentRequest
from simulator.app import create_app
from tests.simulator.conftest import configured
from tests.support.operator_cases import ask_of
from tests.support.operators import an_account
from tests.support.servers import Service, Simulator, reached, serving

OURS = UUID("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417")
BASE = "https://qos.example.org"
CREDENTIALS = {
    "url": BASE,
    "client_key": "8f93aa63-merchant-key",
    "client_secret": "a secret",
    "operator_ids": "TG-togocel=TOGOCEL TG-moov=MOOVTG",
    "email": "mutuelle@example.org",
}
LOGIN = {
    "data": {"accessToken": "a.long-token" * 40},
    "message": "Success",
    "success": True,
    "responseCode": "00",
}
DATA = {
    "status": "SUCCESSFUL",
    "responseCode": "00",
    "transRef": str(OURS),
    "providerReference": "PRV-93284723",
    "requestedAmount": "5000.00",
    "amountPaid": "5000.00",
    "fee": "50.0000",
    "residualAmount": None,
    "providerHttpStatusCode": None,
}


def told(**more: object) -> dict[str, object]:
    """A status as the documentation shows it."""
    return {"data": DATA | more, "message": "Success", "success": True, "responseCode": "00"}


def refused(message: str, code: str = "400") -> dict[str, object]:
    return {"data": None, "message": message, "success": False, "responseCode": code}


class Played:
    """QOS with one answer for all but signing in; `logins` are its answers to that, the last for ever."""

    def __init__(
        self, body: object, code: int = 200, logins: tuple[tuple[int, object], ...] = ((200, LOGIN),)
    ) -> None:
        self.answers: list[tuple[int, object]] = [(code, body)]
        self.logins = list(logins)
        self.heard: list[httpx.Request] = []
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        account = replace(an_account("qos", BASE, "TG"), credentials=CREDENTIALS)
        self.operator = qos.connect(client, account)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        await asyncio.sleep(0)  # others have their turn, as over a network
        queue = self.logins if request.url.path == "/api/v1/auth/login" else self.answers
        code, body = queue.pop(0) if len(queue) > 1 else queue[0]
        return httpx.Response(code, json=body)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.heard]


def an_order(**more: Any) -> PaymentRequest:
    return replace(ask_of("qos"), reference=OURS, **more)


LOGGED_IN = "/api/v1/auth/login"
COLLECT = "/api/v1/payment/collections/request"
STATUS = f"/api/v1/transactions/status/{OURS}"


# ---- the wire ----


async def test_a_request_is_what_the_documentation_shows() -> None:
    played = Played(told(status="PENDING", responseCode="09", amountPaid=None))
    answer = await played.operator.request(an_order())
    assert (answer.outcome, answer.operator_reference) == (Outcome.ACCEPTED, "PRV-93284723")
    login, request = played.heard
    assert (login.method, str(login.url), json.loads(login.content)) == (
        "POST",
        f"{BASE}{LOGGED_IN}",
        {"clientKey": "8f93aa63-merchant-key", "clientSecret": "a secret"},
    )
    assert (request.method, str(request.url)) == ("POST", f"{BASE}{COLLECT}")
    assert request.headers["authorization"] == f"Bearer {LOGIN['data']['accessToken']}"  # type: ignore[index]
    assert json.loads(request.content) == {
        "amount": "2000.00",
        "transRef": str(OURS),
        "msisdn": "22890123456",
        "operatorId": "TOGOCEL",
        "countryCode": "TG",
        "currencyCode": "XOF",
        "firstName": "Membre",
        "lastName": "Mutuelle",
        "customerEmail": "mutuelle@example.org",
    }


async def test_a_status_is_read_as_the_documentation_shows_it() -> None:
    played = Played(told())
    answer = await played.operator.status(an_order())
    assert played.paths == [LOGGED_IN, STATUS]
    assert (answer.outcome, answer.amount_minor, answer.fee_minor) == (Outcome.PAID, 5000, 50)
    assert answer.operator_reference == "PRV-93284723"
    assert (answer.currency, answer.phone, answer.completed_at) == (None, None, None)


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, told(status="SUCCESSFUL"), Outcome.ACCEPTED),  # its status is asked all the same
        (200, told(status="FAILED", responseCode="51"), Outcome.UNKNOWN),
        (200, told(status="NEW WORD"), Outcome.UNKNOWN),
        (200, told() | {"success": False}, Outcome.UNKNOWN),
        (200, told() | {"responseCode": "99"}, Outcome.UNKNOWN),
        (400, refused("Payment reference already exists"), Outcome.PENDING),
        (409, refused("Transaction exist with the specified transaction reference"), Outcome.PENDING),
        (400, refused("msisdn is not valid"), Outcome.FAILED),
        (400, refused("", code=""), Outcome.UNKNOWN),
        (400, {"message": "bad"}, Outcome.UNKNOWN),
        (403, refused("IP address is not whitelisted"), Outcome.UNKNOWN),
        (500, refused("internal"), Outcome.UNKNOWN),
    ],
)
async def test_a_request_has_one_outcome(code: int, body: object, outcome: Outcome) -> None:
    assert (await Played(body, code).operator.request(an_order())).outcome is outcome


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, told(status="PENDING", responseCode="09"), Outcome.PENDING),
        (200, told(status="PENDING", responseCode=None), Outcome.PENDING),
        (200, told(status="FAILED", responseCode="51"), Outcome.FAILED),
        (200, told(status="FAILED", responseCode="00"), Outcome.UNKNOWN),
        (200, told(status="FAILED", responseCode=None), Outcome.UNKNOWN),
        (200, told(responseCode="51"), Outcome.UNKNOWN),
        (200, told(status="successful"), Outcome.UNKNOWN),
        (200, told(status="REVERSED"), Outcome.UNKNOWN),
        (200, told(transRef="another"), Outcome.UNKNOWN),
        (200, told(transRef=None), Outcome.UNKNOWN),
        (200, told(amountPaid=None), Outcome.UNKNOWN),
        (200, told(amountPaid="5000.50"), Outcome.UNKNOWN),
        (404, refused("Transaction not found", "404"), Outcome.NOT_FOUND),
        (404, {"detail": "no such page"}, Outcome.UNKNOWN),
        (500, told(), Outcome.UNKNOWN),
    ],
)
async def test_a_status_has_one_outcome(code: int, body: object, outcome: Outcome) -> None:
    assert (await Played(body, code).operator.status(an_order())).outcome is outcome


@pytest.mark.parametrize(
    ("facts", "amount", "fee"),
    [
        ({}, 5000, 50),
        ({"amountPaid": "5050.00"}, 5000, 0),  # the payer bore it: the mutuelle gets what was asked
        ({"amountPaid": "4000.00"}, 4000, 50),
        ({"amountPaid": "6000.00"}, 6000, 50),
        ({"fee": None, "amountPaid": "5050.00"}, 5050, None),
        ({"fee": "0.0000"}, 5000, 0),
    ],
)
async def test_a_fee_that_the_payer_bears_is_no_difference(
    facts: dict[str, object], amount: int, fee: int | None
) -> None:
    answer = await Played(told(**facts)).operator.status(an_order())
    assert (answer.amount_minor, answer.fee_minor) == (amount, fee)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"currency": "XAF"}, "INVALID_CURRENCY"),
        ({"network": ""}, "INVALID_NETWORK"),
        ({"network": "BJ-mtn", "phone": "+2290166414231"}, "INVALID_NETWORK"),  # the account has no id for it
    ],
)
async def test_what_it_cannot_ask_is_never_sent(more: dict[str, str], reason: str) -> None:
    played = Played(told())
    answer = await played.operator.request(an_order(**more))
    assert (answer.outcome, answer.reason, played.heard) == (Outcome.FAILED, reason, [])


# ---- signing in ----


async def test_it_signs_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(told())
    await asyncio.gather(*(played.operator.status(an_order()) for _ in range(5)))
    assert played.paths.count(LOGGED_IN) == 1


async def test_a_refused_token_is_renewed_and_the_request_is_sent_again() -> None:
    played = Played(told(status="PENDING"))
    await played.operator.status(an_order())
    played.answers.insert(0, (401, {"message": "expired"}))
    assert (await played.operator.request(an_order())).outcome is Outcome.ACCEPTED
    assert played.paths == [LOGGED_IN, STATUS, COLLECT, LOGGED_IN, COLLECT]


async def test_a_token_that_is_refused_again_and_again_is_not_asked_for_for_ever() -> None:
    played = Played({"message": "expired"}, 401)
    assert (await played.operator.request(an_order())).outcome is Outcome.UNKNOWN
    assert played.paths == [LOGGED_IN, COLLECT]
    assert (await played.operator.request(an_order())).outcome is Outcome.UNKNOWN
    assert played.paths == [LOGGED_IN, COLLECT] * 2


@pytest.mark.parametrize(
    "login",
    [
        (401, refused("Invalid credentials", "401")),
        (500, {}),
        (200, {"data": None}),
        (200, {"data": {"accessToken": None}}),
        (200, {"data": {"accessToken": "two\r\nlines"}}),
        (200, {"data": {"accessToken": "é"}}),
        (200, {"data": {"accessToken": ""}}),
        (200, []),
    ],
)
async def test_without_a_token_nothing_is_sent_or_known(login: tuple[int, object]) -> None:
    played = Played(told(), logins=(login,))
    assert (await played.operator.request(an_order())).outcome is Outcome.UNKNOWN
    assert (await played.operator.status(an_order())).outcome is Outcome.UNKNOWN
    assert await played.operator.balance_minor() is None
    assert set(played.paths) == {LOGGED_IN}


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ("TOGOCEL", dict.fromkeys(qos.NETWORKS, "TOGOCEL")),
        ("TG-togocel=A TG-moov=B", {"TG-togocel": "A", "TG-moov": "B"}),
        ("TG-togocel=A, BJ-mtn=C=1", {"TG-togocel": "A", "BJ-mtn": "C=1"}),
    ],
)
def test_the_names_of_networks_are_the_accounts(written: str, ids: dict[str, str]) -> None:
    assert qos.read_operator_ids(written) == ids


@pytest.mark.parametrize("written", ["", "TG-togocel=", "TG-yas=A", "A B", "TG-togocel=A TG-togocel=B", "=A"])
def test_names_that_cannot_be_read_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="TG-togocel"):
        qos.read_operator_ids(written)


@pytest.mark.parametrize(
    ("wallets", "balance"),
    [
        ([{"currencyCode": "XOF", "availableBalance": 150000.0}], 150000),
        ([{"currencyCode": "XOF", "availableBalance": 1000}] * 2 + [{"currencyCode": "NGN"}], 2000),
        ([{"currencyCode": "NGN", "availableBalance": 150000.0}], None),
        ([{"currencyCode": "XOF"}], None),
        ([], None),
        (["XOF"], None),
        (None, None),
    ],
)
async def test_a_balance_is_that_of_the_wallets_in_francs(wallets: object, balance: int | None) -> None:
    played = Played({"data": wallets, "success": True, "responseCode": "00"})
    assert await played.operator.balance_minor() == balance
    assert played.paths == [LOGGED_IN, "/api/v1/merchant/reports/wallets"]


# ---- against the simulator ----


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    app = create_app(configured(Service("http://127.0.0.1:9"), tmp_path))
    async with serving(app) as url, reached(url) as running:
        yield running


def connected(simulator: Simulator, key: str = "a key") -> qos.Qos:
    account = an_account("qos", f"{simulator.url}/simulator/qos", "TG")
    return qos.connect(
        simulator.http, replace(account, credentials={**account.credentials, "client_key": key})
    )


async def test_both_countries_are_asked_and_pay(simulator: Simulator) -> None:
    operator = connected(simulator)
    for phone, network in (("+22896123456", "TG-moov"), ("+2290166414231", "BJ-mtn")):
        ask = replace(ask_of("qos"), phone=phone, network=network)
        assert (await operator.request(ask)).outcome is Outcome.ACCEPTED
        prompt = await simulator.prompt(phone)
        assert (prompt["amount"], prompt["operator"], prompt["title"]) == (2000, "qos", "QOS")
        await simulator.post(f"/simulator/prompts/{prompt['id']}", answer="approve")
        answer = await operator.status(ask)
        assert (answer.outcome, answer.amount_minor, answer.fee_minor) == (Outcome.PAID, 2000, 20)


async def test_a_token_that_ended_is_renewed(simulator: Simulator) -> None:
    operator, ask = connected(simulator), ask_of("qos")
    await operator.request(ask)
    await simulator.post("/simulator/trouble", mode="unauthorised", on="status", provider="qos")
    assert (await operator.status(ask)).outcome is Outcome.PENDING


async def test_another_merchant_does_not_see_our_payment(simulator: Simulator) -> None:
    ask = ask_of("qos")
    await connected(simulator).request(ask)
    another = connected(simulator, "another key")
    assert (await another.status(ask)).outcome is Outcome.NOT_FOUND
    assert (await another.request(ask)).outcome is Outcome.ACCEPTED, "references are each merchant's own"


async def test_a_wrong_key_decides_nothing(simulator: Simulator) -> None:
    operator = connected(simulator, "wrong")
    assert (await operator.request(ask_of("qos"))).outcome is Outcome.UNKNOWN
    assert await simulator.get("/simulator/prompts") == []


async def test_money_that_came_is_on_the_wallet(simulator: Simulator) -> None:
    operator, ask = connected(simulator), ask_of("qos")
    before = await operator.balance_minor()
    await operator.request(ask)
    prompt = await simulator.prompt(ask.phone)
    await simulator.post(f"/simulator/prompts/{prompt['id']}", answer="approve")
    assert before is not None
    assert await operator.balance_minor() == before + 2000 - 20


def test_what_is_unverified_is_never_taken_for_granted() -> None:
    adapter = adapters()["qos"]
    assert {"url", "operator_ids"} <= set(adapter.NEEDS), "told by the account"
    assert adapter.CAPABILITIES.not_found_is_proof is None
    assert not adapter.CAPABILITIES.pays_out
