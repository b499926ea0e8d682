"""PayGateGlobal and QOS as the simulator plays them to whoever speaks their HTTP: what is refused, and for whom."""

from typing import Any

import pytest

from simulator import money, paygate
from tests.support.patience import once
from tests.support.servers import Service, Simulator

PAYGATE, QOS = "/simulator/paygate/api", "/simulator/qos/api/v1"
PAY = {
    "auth_token": "a key",
    "phone_number": "96123456",
    "amount": 2000,
    "identifier": "C-1",
    "network": "FLOOZ",
}
COLLECT = {
    "amount": "2500.00",
    "transRef": "COL-20260810-000001",
    "msisdn": "22890123456",
    "operatorId": "TOGOCEL",
    "countryCode": "TG",
    "currencyCode": "XOF",
    "firstName": "Ada",
    "lastName": "Okafor",
    "customerEmail": "ada@example.com",
}


async def post(simulator: Simulator, path: str, body: object, **headers: str) -> tuple[int, Any]:
    answer = await simulator.http.post(path, json=body, headers=headers)
    return answer.status_code, answer.json()


async def answer(simulator: Simulator, phone: str, how: str) -> None:
    await simulator.post(f"/simulator/prompts/{(await simulator.prompt(phone))['id']}", answer=how)


# ---- PayGateGlobal ----


async def test_paygate_registers_once_and_tells_by_either_reference(simulator: Simulator) -> None:
    code, told = await post(simulator, f"{PAYGATE}/v1/pay", PAY)
    assert (code, told["status"]) == (200, 0)
    reference = told["tx_reference"]
    assert await post(simulator, f"{PAYGATE}/v1/pay", PAY) == (200, {"tx_reference": reference, "status": 6})
    assert len(await simulator.get("/simulator/prompts")) == 1
    by_ours = {"auth_token": "a key", "identifier": "C-1"}
    by_its = {"auth_token": "a key", "tx_reference": reference}
    for path, body in (("v2/status", by_ours), ("v1/status", by_its)):
        code, told = await post(simulator, f"{PAYGATE}/{path}", body)
        assert (code, told["status"], told["tx_reference"]) == (200, 2, reference)
    await answer(simulator, "+22896123456", "approve")
    _code, told = await post(simulator, f"{PAYGATE}/v2/status", by_ours)
    assert (told["status"], told["payment_method"], told["amount"]) == (0, "FLOOZ", "2000")
    assert told["payment_reference"]


@pytest.mark.parametrize(("how", "status"), [("decline", 6), ("left alone", 4)])
async def test_paygate_tells_what_was_not_paid(
    simulator: Simulator, how: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "left alone":
        monkeypatch.setattr(money, "WINDOW_S", 5.0)
    await post(simulator, f"{PAYGATE}/v1/pay", PAY)
    if how != "left alone":
        await answer(simulator, "+22896123456", how)
    asked = {"auth_token": "a key", "identifier": "C-1"}
    _code, told = await once(
        lambda: post(simulator, f"{PAYGATE}/v2/status", asked), lambda answered: answered[1]["status"] != 2
    )
    assert told["status"] == status


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"auth_token": ""}, 2),
        ({"auth_token": "wrong"}, 2),
        ({"auth_token": None}, 2),
        ({"phone_number": "9612345"}, 4),
        ({"phone_number": "+22370000002"}, 4),
        ({"amount": 0}, 4),
        ({"amount": "-5"}, 4),
        ({"amount": 12.5}, 4),
        ({"amount": True}, 4),
        ({"identifier": ""}, 4),
        ({"identifier": 7}, 4),
        ({"network": "MIXX"}, 4),
        ({"network": ["FLOOZ"]}, 4),
        ({"description": "x" * 201}, 4),
    ],
)
async def test_paygate_refuses_with_a_figure(
    simulator: Simulator, more: dict[str, object], status: int
) -> None:
    code, told = await post(simulator, f"{PAYGATE}/v1/pay", PAY | more)
    assert (code, told["status"]) == (200, status)
    assert await simulator.get("/simulator/prompts") == []


@pytest.mark.parametrize("phone", ["96123456", "22896123456", "+22896123456", 96123456])
@pytest.mark.parametrize("amount", [2000, "2000"])
async def test_paygate_takes_what_its_clients_send(
    simulator: Simulator, phone: object, amount: object
) -> None:
    _code, told = await post(simulator, f"{PAYGATE}/v1/pay", PAY | {"phone_number": phone, "amount": amount})
    assert told["status"] == 0
    assert (await simulator.prompt("+22896123456"))["amount"] == 2000


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
async def test_paygate_refuses_what_is_no_object(simulator: Simulator, body: bytes) -> None:
    told = await simulator.http.post(f"{PAYGATE}/v1/pay", content=body)
    assert (told.status_code, told.json()["status"]) == (200, 2)


async def test_paygate_shows_a_payment_to_its_merchant_only(simulator: Simulator) -> None:
    _code, told = await post(simulator, f"{PAYGATE}/v1/pay", PAY)
    for body in ({"identifier": "C-1"}, {"tx_reference": told["tx_reference"]}):
        version = "v2" if "identifier" in body else "v1"
        code, said = await post(simulator, f"{PAYGATE}/{version}/status", {"auth_token": "another", **body})
        assert (code, said["error_code"]) == (404, 404)
    code, said = await post(simulator, f"{PAYGATE}/v2/status", {"auth_token": "wrong", "identifier": "C-1"})
    assert (code, said["error_code"]) == (403, 403)


async def test_paygate_rings_at_the_dashboards_address_with_all_it_knows(
    simulator: Simulator, service: Service
) -> None:
    url = f"{service.url}/money/paygate/account"
    await simulator.post("/simulator/paygate/dashboard", account="a key", notice_url=url)
    await post(simulator, f"{PAYGATE}/v1/pay", PAY)
    await answer(simulator, "+22896123456", "approve")
    [heard] = await service.wait_for("/money/paygate/account")
    told = heard.body
    for name in (
        "tx_reference",
        "identifier",
        "payment_reference",
        "datetime",
        "payment_method",
        "phone_number",
    ):
        assert f'"{name}"' in told
    assert '"status"' not in told, "what it says is asked for"


def test_its_own_numbers_of_transactions_differ() -> None:
    assert len({paygate.tx_reference(str(nth)) for nth in range(5000)}) == 5000


# ---- QOS ----


async def signed_in(simulator: Simulator, key: str = "a key") -> dict[str, str]:
    code, told = await post(simulator, f"{QOS}/auth/login", {"clientKey": key, "clientSecret": "a secret"})
    assert (code, told["success"]) == (200, True)
    return {"authorization": f"Bearer {told['data']['accessToken']}"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"clientKey": "", "clientSecret": "s"}, 400, "Username is required"),
        ({"clientSecret": "s"}, 400, "Username is required"),
        ({"clientKey": "k", "clientSecret": "wrong"}, 401, "Invalid credentials"),
        ({"clientKey": "k"}, 401, "Invalid credentials"),
    ],
)
async def test_qos_lets_nobody_in_without_keys(
    simulator: Simulator, body: dict[str, str], code: int, message: str
) -> None:
    assert await post(simulator, f"{QOS}/auth/login", body) == (
        code,
        {"data": None, "message": message, "success": False, "responseCode": str(code)},
    )


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer qos-token-of-nobody", "Basic abc"])
async def test_qos_answers_nobody_without_a_token(simulator: Simulator, token: str) -> None:
    headers = {"authorization": token}
    assert (await post(simulator, f"{QOS}/payment/collections/request", COLLECT, **headers))[0] == 401
    for path in ("transactions/status/COL-20260810-000001", "merchant/reports/wallets"):
        assert (await simulator.http.get(f"{QOS}/{path}", headers=headers)).status_code == 401


async def test_qos_takes_a_reference_once_for_each_merchant(simulator: Simulator) -> None:
    one, other = await signed_in(simulator), await signed_in(simulator, "another")
    path = f"{QOS}/payment/collections/request"
    code, told = await post(simulator, path, COLLECT, **one)
    assert (code, told["responseCode"], told["data"]["status"]) == (200, "00", "PENDING")
    code, told = await post(simulator, path, COLLECT, **one)
    assert (code, told["success"], told["message"]) == (400, False, "Payment reference already exists")
    assert (await post(simulator, path, COLLECT, **other))[0] == 200
    assert len(await simulator.get("/simulator/prompts")) == 2


async def test_qos_tells_a_transaction_as_documented(simulator: Simulator) -> None:
    headers = await signed_in(simulator)
    await post(simulator, f"{QOS}/payment/collections/request", COLLECT, **headers)
    await answer(simulator, "+22890123456", "approve")
    told = await simulator.http.get(f"{QOS}/transactions/status/{COLLECT['transRef']}", headers=headers)
    assert told.json() == {
        "data": {
            "status": "SUCCESSFUL",
            "responseCode": "00",
            "transRef": "COL-20260810-000001",
            "providerReference": "PRV-COL-2026",
            "requestedAmount": "2500.00",
            "amountPaid": "2500.00",
            "fee": "25.0000",
            "residualAmount": None,
            "providerHttpStatusCode": None,
        },
        "message": "Success",
        "success": True,
        "responseCode": "00",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "0.00"),
        ("amount", "12.50"),
        ("amount", 2500),
        ("transRef", ""),
        ("transRef", "a/b"),
        ("msisdn", "+22890123456"),
        ("msisdn", "22370000002"),
        ("operatorId", ""),
        ("countryCode", "NG"),
        ("currencyCode", "NGN"),
    ],
)
async def test_qos_names_what_is_missing(simulator: Simulator, name: str, value: object) -> None:
    headers = await signed_in(simulator)
    code, told = await post(
        simulator, f"{QOS}/payment/collections/request", COLLECT | {name: value}, **headers
    )
    assert (code, told["message"]) == (400, f"{name} is required")
    assert await simulator.get("/simulator/prompts") == []


async def test_qos_knows_an_old_number_of_benin(simulator: Simulator) -> None:
    headers = await signed_in(simulator)
    body = COLLECT | {"msisdn": "22966414231", "countryCode": "BJ"}
    assert (await post(simulator, f"{QOS}/payment/collections/request", body, **headers))[0] == 200
    assert (await simulator.prompt("+2290166414231"))["amount"] == 2500
