"""PayDunya as the simulator plays it: its own client unchanged, its two steps, every network, its notices.

What is sent here is typed from the documentation; no adapter of ours takes part.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import paydunya as client
import pytest
from paydunya.invoice import Invoice, InvoiceItem

from simulator.paydunya import EXPIRED, WALLETS, WITHDRAW_MODES
from tests.simulator.test_money import lines, order
from tests.support.servers import Service, Simulator

BASE = "/simulator/paydunya"
NOTICE = "/money/paydunya/token"
MASTER = "wQzk9ZwR-Qq9m-0hD0-zpud-je5coGC3FHKW"
HASH = hashlib.sha512(MASTER.encode()).hexdigest()
KEYS = {
    "PAYDUNYA-MASTER-KEY": MASTER,
    "PAYDUNYA-PRIVATE-KEY": "live_private_rMIdJM3PLLhLjyArx9tF3VURAF5",
    "PAYDUNYA-TOKEN": "IivOiOxGJuWhc5znlIiK",
}
ORANGE_MALI = {
    "orange_money_mali_customer_fullname": "Camille",
    "orange_money_mali_email": "camille@example.org",
    "orange_money_mali_phone_number": "90239415",
    "orange_money_mali_customer_address": "Bamako",
}
MOOV_CI = {
    "moov_ci_customer_fullname": "Camille",
    "moov_ci_email": "camille@example.org",
    "moov_ci_phone_number": "0153401679",
}


async def post(simulator: Simulator, path: str, body: object, **headers: str) -> Any:
    answer = await simulator.http.post(f"{BASE}{path}", json=body, headers=KEYS | headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def invoice(simulator: Simulator, service: Service, reference: str = "C-2026-004417") -> str:
    """The token of an invoice of 5000 F."""
    asked = {
        "invoice": {"total_amount": 5000, "description": "Cotisation"},
        "store": {"name": "Mutuelle Espoir"},
        "custom_data": {"reference": reference},
        "actions": {"callback_url": service.url + NOTICE},
    }
    made = await post(simulator, "/api/v1/checkout-invoice/create", asked)
    assert (made["response_code"], made["description"]) == ("00", "Checkout Invoice Created")
    assert made["response_text"].endswith(f"/checkout/invoice/{made['token']}")
    return str(made["token"])


async def ask(simulator: Simulator, token: str, path: str = "orange-money-mali", **more: str) -> Any:
    fields = ORANGE_MALI | {"payment_token": token} | more
    return await post(simulator, f"/api/v1/softpay/{path}", fields)


async def confirmed(simulator: Simulator, token: str) -> Any:
    answer = await simulator.http.get(f"{BASE}/api/v1/checkout-invoice/confirm/{token}", headers=KEYS)
    return answer.json()


async def when(look: Callable[[], Awaitable[Any]], fits: Callable[[Any], object]) -> Any:
    """What is seen once it fits."""
    for _ in range(1000):
        if fits(seen := await look()):
            return seen
        await asyncio.sleep(0.01)
    raise TimeoutError


async def prompted(simulator: Simulator, phone: str) -> Any:
    """The newest prompt on a phone, once there is one."""
    return (await when(lambda: simulator.get("/simulator/prompts", phone=phone), bool))[-1]


async def decide(simulator: Simulator, phone: str, answer: str) -> None:
    await simulator.post(f"/simulator/prompts/{(await prompted(simulator, phone))['id']}", answer=answer)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moov Côte d'Ivoire waits long enough for a payer on a busy machine."""
    monkeypatch.setattr("simulator.paydunya.MOOV_CI_S", 3000.0)


# ---- its own client ----


@pytest.fixture
def own(served: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """PyPI `paydunya`, unchanged, with another host."""
    monkeypatch.setattr(client, "LIVE_ENDPOINT", f"{served.url}{BASE}/api/v1/")
    monkeypatch.setattr(client, "SANDBOX_ENDPOINT", f"{served.url}{BASE}/sandbox-api/v1/")
    monkeypatch.setattr(client, "api_keys", dict(KEYS))
    return served


def an_order() -> Any:
    made = Invoice(client.Store(name="Magasin Chez Sandra"))
    items = [
        InvoiceItem("Clavier DELL", 2, "3000", "6000", "Best Keyboard"),
        InvoiceItem("Ordinateur Lenovo L440", 1, "400000", "400000", "Powerful and slim"),
    ]
    made.add_items(items)
    made.add_taxes([("Other TAX", 5000), ("TVA (18%)", 700)])
    made.add_custom_data([("first_name", "Alioune"), ("cart_id", 97628)])
    return made


async def test_its_own_client_makes_an_invoice_and_confirms_it(own: Simulator) -> None:
    made = an_order()
    done, answer = await asyncio.to_thread(made.create)
    assert (done, answer["response_code"]) == (True, "00")
    done, answer = await asyncio.to_thread(made.confirm)
    assert (done, answer["status"], answer["invoice"]["total_amount"]) == (True, "pending", 406_000)
    token = answer["invoice"]["token"]
    assert (await ask(own, token))["success"]
    await decide(own, "+22390239415", "approve")
    done, answer = await asyncio.to_thread(made.confirm, token)
    assert (answer["status"], answer["custom_data"]["cart_id"]) == ("completed", 97628)
    assert answer["hash"] == HASH
    assert (await asyncio.to_thread(made.confirm, "nothing"))[0] is False


async def test_its_own_client_is_told_of_a_wrong_key(own: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("wrong", ""):
        monkeypatch.setitem(client.api_keys, "PAYDUNYA-PRIVATE-KEY", wrong)
        assert await asyncio.to_thread(an_order().create) == (False, "Invalid Masterkey Specified")


async def test_a_test_account_pays_a_test_invoice(own: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "debug", True)
    made = an_order()
    _done, answer = await asyncio.to_thread(made.create)
    assert answer["token"].startswith("test_")
    account = {"phone_phone": "97403627", "customer_email": "a@example.org", "password": "secret"}
    pay = "/sandbox-api/v1/softpay/checkout/make-payment"
    for expected in (True, False):  # it is completed after the first
        paid = await post(own, pay, account | {"invoice_token": answer["token"]})
        assert paid["success"] is expected
    _done, answer = await asyncio.to_thread(made.confirm)
    assert (answer["status"], answer["mode"]) == ("completed", "test")


# ---- two steps ----


async def test_a_repeated_first_step_makes_a_second_invoice_that_charges_nobody(
    simulator: Simulator, service: Service, tmp_path: Any
) -> None:
    first, second = [await invoice(simulator, service) for _nth in range(2)]
    assert first != second
    assert await simulator.get("/simulator/prompts") == []
    await ask(simulator, second)
    await decide(simulator, "+22390239415", "approve")
    assert [(await confirmed(simulator, token))["status"] for token in (first, second)] == [
        "pending",
        "completed",
    ]
    assert {line["token"] for line in lines(tmp_path)} == {second}


async def test_a_phone_shows_no_reference(simulator: Simulator, service: Service) -> None:
    reference = str(uuid4())
    asked: dict[str, Any] = {
        "invoice": {"total_amount": 5000, "description": f"Mutuelle 101000117 {reference}"},
        "store": {"name": "Mutuelle Espoir"},
        "custom_data": {"reference": reference},
    }
    token = (await post(simulator, "/api/v1/checkout-invoice/create", asked))["token"]
    await ask(simulator, token)
    prompt = await prompted(simulator, "+22390239415")
    assert (prompt["title"], prompt["note"]) == ("PayDunya", "Mutuelle 101000117")
    assert (await confirmed(simulator, token))["invoice"]["description"] == asked["invoice"]["description"]


async def test_a_second_prompt_for_one_token_is_refused(simulator: Simulator, service: Service) -> None:
    token = await invoice(simulator, service)
    assert [(await ask(simulator, token))["success"] for _nth in range(2)] == [True, False]
    assert len(await simulator.get("/simulator/prompts")) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [("approve", "completed"), ("decline", "cancelled"), ("ignore", "expired"), ("late", "completed")],
)
async def test_how_an_invoice_ends(simulator: Simulator, service: Service, answer: str, status: str) -> None:
    token = await invoice(simulator, service)
    assert await ask(simulator, token) == {
        "success": True,
        "message": "Paiement enregistré, en attente de confirmation du client",
    }
    await decide(simulator, "+22390239415", answer)
    told = await when(lambda: confirmed(simulator, token), lambda said: said["status"] != "pending")
    assert told["status"] == status
    assert told["custom_data"] == {"reference": "C-2026-004417"}


async def test_a_notice_is_a_form_and_its_hash_a_constant(simulator: Simulator, service: Service) -> None:
    for _nth in range(2):
        await ask(simulator, await invoice(simulator, service))
        await decide(simulator, "+22390239415", "approve")
    heard = [dict(parse_qsl(one.body)) for one in await service.wait_for(NOTICE, 2)]
    assert {one["data[hash]"] for one in heard} == {HASH}
    assert {one["data[status]"] for one in heard} == {"completed"}
    assert len({one["data[invoice][token]"] for one in heard}) == 2
    assert heard[0]["data[custom_data][reference]"] == "C-2026-004417"
    assert heard[0]["data[invoice][total_amount]"] == "5000"


@pytest.mark.parametrize("path", WALLETS)
async def test_every_network_asks_for_its_own_fields(
    simulator: Simulator, service: Service, path: str, patient: None
) -> None:
    wallet = WALLETS[path]
    token = await invoice(simulator, service)
    digits = "0153401679"[-10 if wallet.country_code in ("225", "229") else -8 :]
    asked = dict.fromkeys(wallet.needs, "Camille") | {wallet.phone: digits, wallet.token: token}
    if wallet.code:
        asked[wallet.code] = "8562"
    if wallet.fixed[0]:
        asked[wallet.fixed[0]] = wallet.fixed[1]
    for name in asked:
        less = {one: value for one, value in asked.items() if one != name}
        assert not (await post(simulator, f"/api/v1/softpay/{path}", less))["success"], name
    answered = asyncio.create_task(post(simulator, f"/api/v1/softpay/{path}", asked))
    phone = f"+{wallet.country_code}{digits}"
    if not wallet.code:
        assert (await prompted(simulator, phone))["currency"] == wallet.currency
        await decide(simulator, phone, "approve")
    assert (await answered)["success"]
    assert (await confirmed(simulator, token))["status"] == "completed"


async def ask_moov(simulator: Simulator, service: Service) -> "asyncio.Task[Any]":
    token = await invoice(simulator, service)
    asked = MOOV_CI | {"payment_token": token}
    return asyncio.create_task(post(simulator, "/api/v1/softpay/moov-ci", asked))


async def test_moov_of_cote_d_ivoire_waits_thirty_seconds_for_its_payer(
    simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    asking = await ask_moov(simulator, service)
    assert await asking == {"success": False, "message": EXPIRED}
    end = lines(tmp_path)[-1]
    waited = datetime.fromisoformat(end["ended_at"]) - datetime.fromisoformat(end["begun_at"])
    assert round(waited.total_seconds(), 2) == 0.3  # a hundred times shorter
    assert await simulator.get("/simulator/prompts") == []


async def test_a_refusal_at_moov_of_cote_d_ivoire_is_said_at_once(
    simulator: Simulator, service: Service, patient: None
) -> None:
    asking = await ask_moov(simulator, service)
    await decide(simulator, "+2250153401679", "decline")
    answer = await asking
    assert not answer["success"]
    assert answer["message"] != EXPIRED


async def test_a_code_of_the_payer_moves_the_money_at_once(simulator: Simulator, service: Service) -> None:
    token = await invoice(simulator, service)
    asked = {"name_bf": "C", "email_bf": "c@example.org", "phone_bf": "76950976", "payment_token": token}
    path = "/api/v1/softpay/orange-money-burkina"
    assert not (await post(simulator, path, asked | {"otp_code": "0000"}))["success"]
    assert (await confirmed(simulator, token))["status"] == "pending"
    assert (await post(simulator, path, asked | {"otp_code": "89525"}))["success"]
    assert (await confirmed(simulator, token))["status"] == "completed"


async def test_a_web_page_is_no_network(simulator: Simulator) -> None:
    answer = await simulator.http.post(f"{BASE}/api/v1/softpay/wave-senegal", json={}, headers=KEYS)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"invoice": {"total_amount": 5000}},
        {"invoice": {"total_amount": 0}, "store": {"name": "M"}},
        {"invoice": {"total_amount": 50.5}, "store": {"name": "M"}},
        {"invoice": {"total_amount": True}, "store": {"name": "M"}},
        {"invoice": [], "store": "M"},
    ],
)
async def test_an_invoice_that_is_none(simulator: Simulator, asked: object) -> None:
    assert (await post(simulator, "/api/v1/checkout-invoice/create", asked))["response_code"] == "1001"


# ---- payouts ----


async def get_invoice(simulator: Simulator, url: str, alias: str = "90239415", **more: object) -> Any:
    asked = {
        "account_alias": alias,
        "amount": 4500,
        "withdraw_mode": "orange-money-mali",
        "callback_url": url,
    } | more
    return await post(simulator, "/api/v2/disburse/get-invoice", asked)


async def submit(simulator: Simulator, token: str, own_id: str) -> Any:
    asked = {"disburse_invoice": token, "disburse_id": own_id}
    return await post(simulator, "/api/v2/disburse/submit-invoice", asked)


async def check(simulator: Simulator, token: str) -> Any:
    return await post(simulator, "/api/v2/disburse/check-status", {"disburse_invoice": token})


async def ended(simulator: Simulator, token: str) -> Any:
    return await when(lambda: check(simulator, token), lambda said: said["status"] != "pending")


async def test_a_payout_moves_in_its_second_step_only(
    simulator: Simulator, service: Service, tmp_path: Any
) -> None:
    made, own_id = await get_invoice(simulator, service.url + NOTICE), str(uuid4())
    token = made["disburse_token"]
    assert made == {"response_code": "00", "disburse_token": token}
    assert [one.body for one in service.to(NOTICE)] == [""], "its address is tried with nothing"
    assert (await check(simulator, token))["status"] == "created"
    assert not (tmp_path / "money.jsonl").exists()
    sent = await submit(simulator, f"{token} ", own_id)
    assert (sent["response_code"], sent["status"]) == ("00", "pending")
    told = await ended(simulator, token)
    assert (told["status"], told["amount"], told["disburse_id"]) == ("success", "4500.00", own_id)
    assert told["transaction_id"] == sent["transaction_id"]
    _probe, heard = await service.wait_for(NOTICE, 2)
    assert {name: heard.form[name] for name in ("token", "status", "hash")} == {
        "token": token,
        "status": "success",
        "hash": HASH,
    }
    again = await submit(simulator, token, own_id)
    other = await submit(
        simulator, (await get_invoice(simulator, service.url + NOTICE))["disburse_token"], own_id
    )
    assert {one["response_code"] for one in (again, other)} == {"5000"}
    assert [line["state"] for line in lines(tmp_path)] == ["PENDING", "PAID"]


async def test_a_payee_without_an_account_fails(simulator: Simulator, service: Service) -> None:
    token = (await get_invoice(simulator, service.url + NOTICE, "90230000"))["disburse_token"]
    await submit(simulator, token, str(uuid4()))
    assert (await ended(simulator, token))["status"] == "failed"


async def test_an_address_that_does_not_answer_stops_a_payout(simulator: Simulator, service: Service) -> None:
    service.refuse[NOTICE] = 1
    for url in (service.url + NOTICE, "http://127.0.0.1:9/", "https://example.org/", ""):
        refused = await get_invoice(simulator, url)
        assert refused == {"response_code": "4002", "response_text": "the callback is not accessible"}


async def test_a_float_runs_out(simulator: Simulator, service: Service) -> None:
    await simulator.post("/simulator/paydunya/float", currency="XOF", amount="4000", account=MASTER)
    token = (await get_invoice(simulator, service.url + NOTICE))["disburse_token"]
    refused = await submit(simulator, token, str(uuid4()))
    assert refused["response_code"] == "4002"
    assert "enough funds" in refused["response_text"]
    assert (await check(simulator, token))["status"] == "created"


@pytest.mark.parametrize("mode", ["moov-mali", "wave-senegal", ""])
async def test_not_everybody_can_be_paid(simulator: Simulator, service: Service, mode: str) -> None:
    assert mode not in WITHDRAW_MODES
    refused = await get_invoice(simulator, service.url + NOTICE, withdraw_mode=mode)
    assert refused["response_code"] == "1001"


# ---- its statement ----


async def test_its_statement_has_what_ended_with_its_fee(simulator: Simulator, service: Service) -> None:
    token = await invoice(simulator, service)
    await ask(simulator, token)
    await decide(simulator, "+22390239415", "approve")
    payout, own_id = (await get_invoice(simulator, service.url + NOTICE))["disburse_token"], str(uuid4())
    await submit(simulator, payout, own_id)
    await ended(simulator, payout)
    written = (await simulator.http.get("/simulator/paydunya/statement")).text.splitlines()
    assert written[0].startswith(
        "Numéro de transaction;Date de création;Statut;Téléphone client;Montant;Frais"
    )
    assert [row.split(";")[2:] for row in written[1:]] == [
        ["Complété", "+22390239415", "5000", "100", "Cotisation", token],
        ["Complété", "", "-4500", "0", f"Déboursement {own_id}", payout],
    ]


async def test_troubles_of_each_step(simulator: Simulator, service: Service) -> None:
    await order(simulator, "refused", on="prepare", provider="paydunya")
    asked = {"invoice": {"total_amount": 5000}, "store": {"name": "M"}}
    assert (await post(simulator, "/api/v1/checkout-invoice/create", asked))["response_code"] == "1001"
    token = await invoice(simulator, service)
    await order(simulator, "lost", on="request")
    assert (await ask(simulator, token))["success"]
    assert (await confirmed(simulator, token))["status"] == "pending"
    assert await simulator.get("/simulator/prompts") == []
    await order(simulator, "another-amount", on="request")
    await ask(simulator, token)
    await decide(simulator, "+22390239415", "approve")
    assert (await confirmed(simulator, token))["invoice"]["total_amount"] == 5001
