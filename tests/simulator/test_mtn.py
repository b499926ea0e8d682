"""MTN's side as others see it: a foreign client drives it unchanged; what a request is refused for; its numbers."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import requests
from momo_openapi import AuthenticationError, Collection, Disbursement, MomoAPIError, MomoConfig
from momo_openapi.config import SANDBOX_URL
from momo_openapi.sandbox import provision_sandbox_user

from simulator import money
from tests.support.patience import once
from tests.support.servers import Service, Simulator

BASE = "/simulator/mtn"
PAYER = "2250504417001"


class Redirected(requests.adapters.HTTPAdapter):
    """Brings what goes to MTN's sandbox to the simulator: the client has that address as a constant."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        request.url = (request.url or "").replace(SANDBOX_URL, self.url)
        return super().send(request, *args, **more)


def config(simulator: Simulator, **more: str) -> MomoConfig:
    facts: dict[str, Any] = {
        "subscription_key": "a subscription",
        "user_id": "a-wallet",
        "credential_token": "a key",
        "target_environment": "mtnivorycoast",
        "base_url": simulator.url + BASE,
        "currency": "XOF",
    }
    return MomoConfig(**(facts | more))


def sender(client: Collection | Disbursement) -> Callable[..., str]:
    return client.request_to_pay if isinstance(client, Collection) else client.transfer


async def in_thread(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """The client blocks; the simulator answers in this loop."""
    return await asyncio.to_thread(work, *args, **more)


async def final(client: Any, reference: str) -> Any:
    """What the client is told once it is no longer PENDING."""
    return await once(
        lambda: in_thread(client.get_transaction_status, reference), lambda told: told["status"] != "PENDING"
    )


async def test_a_foreign_client_makes_a_user_in_the_sandbox_and_is_paid(served: Simulator) -> None:
    session = requests.Session()
    session.mount(SANDBOX_URL, Redirected(served.url + BASE))
    client = await in_thread(Collection.for_sandbox, "a subscription", session=session)
    assert client.base_url == SANDBOX_URL
    reference = await in_thread(client.request_to_pay, "100", PAYER, "order-42", payer_message="Order 42")
    told = await final(client, reference)
    assert told.pop("financialTransactionId").isdigit()
    assert told == {
        "externalId": "order-42",
        "amount": "100",
        "currency": "EUR",
        "status": "SUCCESSFUL",
        "payerMessage": "Order 42",
        "payeeNote": "",
        "payer": {"partyIdType": "MSISDN", "partyId": PAYER},
    }
    with pytest.raises(MomoAPIError) as refused:
        await in_thread(client.request_to_pay, "100", PAYER, "order-43", currency="XOF")
    assert (refused.value.status_code, refused.value.code) == (500, "INVALID_CURRENCY")
    balance = await in_thread(client.get_balance)
    assert balance == {"availableBalance": str(money.OPENING_MILLI // 1000 + 100 - 1), "currency": "EUR"}


async def test_a_user_of_the_sandbox_has_its_own_key_and_callback_host(served: Simulator) -> None:
    session = requests.Session()
    session.mount(SANDBOX_URL, Redirected(served.url + BASE))
    user, key = await in_thread(provision_sandbox_user, "a subscription", "pay.example.org", session=session)
    shown = await served.http.get(f"{BASE}/v1_0/apiuser/{user}", headers={"ocp-apim-subscription-key": "any"})
    assert shown.json() == {"providerCallbackHost": "pay.example.org", "targetEnvironment": "sandbox"}
    mine = {"user_id": user, "target_environment": "sandbox", "currency": "EUR"}
    with pytest.raises(AuthenticationError):
        await in_thread(Collection(config(served, **mine)).get_access_token)
    client = Collection(config(served, **mine, credential_token=key))
    with pytest.raises(MomoAPIError, match="INVALID_CALLBACK_URL_HOST"):
        await in_thread(
            client.request_to_pay, "5", PAYER, "1", callback_url="http://127.0.0.1:9/money/mtn/token"
        )
    await in_thread(client.request_to_pay, "5", PAYER, "1", callback_url="http://pay.example.org/token")
    again = {"ocp-apim-subscription-key": "any", "x-reference-id": user}
    host = {"providerCallbackHost": "pay.example.org"}
    answer = await served.http.post(f"{BASE}/v1_0/apiuser", headers=again, json=host)
    assert (answer.status_code, answer.json()["code"]) == (409, "RESOURCE_ALREADY_EXIST")


async def test_a_foreign_client_sees_a_prompt_answered_and_the_notice_comes_as_put(
    served: Simulator, service: Service
) -> None:
    client = Collection(config(served, callback_url=f"{service.url}/money/mtn/token"))
    reference = await in_thread(client.request_to_pay, "1500", PAYER, "C-2026-004417", payee_note="C 1")
    assert (await in_thread(client.get_transaction_status, reference))["status"] == "PENDING"
    prompt = await served.prompt(f"+{PAYER}")
    assert (prompt["operator"], prompt["amount"], prompt["reference"]) == ("mtn", 1500, reference)
    await served.post(f"/simulator/prompts/{prompt['id']}", answer="decline")
    told = await final(client, reference)
    assert (told["status"], told["reason"]) == ("FAILED", "APPROVAL_REJECTED")
    assert "financialTransactionId" not in told
    [rung] = await service.wait_for("/money/mtn/token")
    assert json.loads(rung.body) == told
    assert reference not in rung.body
    assert rung.headers["content-type"] == "application/json"


async def test_the_same_reference_again_is_refused_and_an_unknown_one_is_not_found(served: Simulator) -> None:
    for kind in (Collection, Disbursement):
        client = kind(config(served))
        send = sender(client)
        reference = await in_thread(send, "1500", PAYER, "1")
        with pytest.raises(MomoAPIError) as again:
            await in_thread(send, "1500", PAYER, "1", reference_id=reference)
        assert (again.value.status_code, again.value.code) == (409, "RESOURCE_ALREADY_EXIST")
        with pytest.raises(MomoAPIError) as unknown:
            await in_thread(client.get_transaction_status, str(uuid4()))
        assert (unknown.value.status_code, unknown.value.code) == (404, "RESOURCE_NOT_FOUND")


async def test_a_foreign_client_pays_out_until_nothing_is_left(served: Simulator) -> None:
    await served.post(f"{BASE}/float", account="a-wallet", currency="XOF", amount="2000")
    client = Disbursement(config(served))
    reference = await in_thread(client.transfer, "1500", PAYER, "payout-7", payer_message="Remboursement")
    told = await final(client, reference)
    assert told.pop("financialTransactionId").isdigit()
    assert told == {
        "externalId": "payout-7",
        "amount": "1500",
        "currency": "XOF",
        "status": "SUCCESSFUL",
        "payee": {"partyIdType": "MSISDN", "partyId": PAYER},
    }
    assert await in_thread(client.get_balance) == {"availableBalance": "500", "currency": "XOF"}
    with pytest.raises(MomoAPIError) as refused:
        await in_thread(client.transfer, "501", PAYER, "payout-8")
    assert (refused.value.status_code, refused.value.code) == (500, "NOT_ENOUGH_FUNDS")


PAYMENT_NUMBERS = {
    "450": "INTERNAL_PROCESSING_ERROR",
    "451": "APPROVAL_REJECTED",
    "452": "EXPIRED",
    "453": None,
    "454": "pending",
    "455": "PAYER_NOT_FOUND",
    "456": "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "457": "NOT_ALLOWED",
    "458": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "459": "INVALID_CALLBACK_URL_HOST",
    "460": "INVALID_CURRENCY",
    "461": "INTERNAL_PROCESSING_ERROR",
    "462": "SERVICE_UNAVAILABLE",
    "463": "COULD_NOT_PERFORM_TRANSACTION",
    "464": "TRANSFERTYPE_UNKNOWN",
    "499": None,
}
TRANSFER_NUMBERS = PAYMENT_NUMBERS | {
    "455": "NOT_ENOUGH_FUNDS",
    "456": "PAYER_LIMIT_REACHED",
    "457": "PAYEE_NOT_FOUND",
    "458": "NOT_ALLOWED",
    "459": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "460": "INVALID_CALLBACK_URL_HOST",
    "461": "INVALID_CURRENCY",
    "462": "INTERNAL_PROCESSING_ERROR",
    "463": "SERVICE_UNAVAILABLE",
    "464": None,
}


@pytest.mark.parametrize(
    ("kind", "numbers"), [(Collection, PAYMENT_NUMBERS), (Disbursement, TRANSFER_NUMBERS)]
)
async def test_the_numbers_of_the_sandbox(
    served: Simulator, kind: type[Collection | Disbursement], numbers: dict[str, str | None]
) -> None:
    client = kind(config(served, target_environment="sandbox", currency="EUR"))
    send = sender(client)
    sent = {suffix: await in_thread(send, "5", f"46733123{suffix}", suffix) for suffix in numbers}
    for suffix, reference in sent.items():
        if numbers[suffix] == "pending":
            assert (await in_thread(client.get_transaction_status, reference))["status"] == "PENDING"
            continue
        told = await final(client, reference)
        assert told.get("reason") == numbers[suffix], suffix
        assert told["status"] == ("FAILED" if numbers[suffix] else "SUCCESSFUL")


# ---- what has no foreign client: our own HTTP ----


async def bearer(simulator: Simulator, product: str = "collection", **more: str) -> dict[str, str]:
    """The headers of a request, with a fresh token."""
    basic = base64.b64encode(b"a-wallet:a key").decode()
    headers = {"ocp-apim-subscription-key": "any", "x-target-environment": "mtnbenin"}
    answer = await simulator.http.post(
        f"{BASE}/{product}/token/", headers=headers | {"authorization": f"Basic {basic}"}
    )
    assert (answer.status_code, answer.json()["token_type"]) == (200, "access_token")
    return headers | {"authorization": f"Bearer {answer.json()['access_token']}"} | more


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"user-agent": "python-requests/2.34"}, 403, "403 Forbidden"),
        ({"ocp-apim-subscription-key": "wrong"}, 401, "subscription key"),
        ({"ocp-apim-subscription-key": ""}, 401, "subscription key"),
        ({"x-target-environment": "wrong"}, 400, "X-Target-Environment"),
        ({"authorization": "Basic " + base64.b64encode(b"a-wallet:wrong").decode()}, 401, "invalid_client"),
        ({"authorization": "Basic " + base64.b64encode(b"a-wallet:").decode()}, 401, "invalid_client"),
        ({"authorization": "Basic %%"}, 401, "invalid_client"),
        ({"authorization": ""}, 401, "invalid_client"),
    ],
)
async def test_no_token_for(simulator: Simulator, more: dict[str, str], status: int, said: str) -> None:
    basic = base64.b64encode(b"a-wallet:a key").decode()
    headers = {
        "ocp-apim-subscription-key": "any",
        "x-target-environment": "mtnbenin",
        "authorization": f"Basic {basic}",
    }
    answer = await simulator.http.post(f"{BASE}/collection/token/", headers=headers | more)
    assert answer.status_code == status
    assert said in answer.text


async def test_a_token_opens_its_product_only_and_not_for_ever(simulator: Simulator) -> None:
    headers = await bearer(simulator)
    url = f"{BASE}/collection/v1_0/account/balance"
    assert (await simulator.http.get(url, headers=headers)).status_code == 200
    assert (
        await simulator.http.get(url.replace("collection", "disbursement"), headers=headers)
    ).status_code == 401
    for token in ("", "é", "a.b", headers["authorization"][7:-1]):
        forged = httpx.Headers(headers | {"authorization": f"Bearer {token}"}, encoding="utf-8")
        assert (await simulator.http.get(url, headers=forged)).status_code == 401
    nowhere = await simulator.http.get(url, headers=headers | {"x-target-environment": "wrong"})
    assert nowhere.json()["code"] == "NOT_ALLOWED_TARGET_ENVIRONMENT"


ORDER = {
    "amount": "1500",
    "currency": "XOF",
    "externalId": "C-2026-004417",
    "payer": {"partyIdType": "MSISDN", "partyId": PAYER},
    "payerMessage": "Cotisation mai",
    "payeeNote": "C 2026 004417",
}


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({}, 202, None),
        ({"payerMessage": "Cotisation d'avril"}, 400, None),
        ({"payeeNote": "été"}, 400, None),
        ({"payerMessage": "x" * 161}, 400, None),
        ({"amount": "0"}, 400, None),
        ({"amount": "1e3"}, 400, None),
        ({"amount": 1500}, 400, None),
        ({"payer": PAYER}, 400, None),
        ({"payer": {"partyIdType": "MSISDN", "partyId": "12"}}, 500, "PAYER_NOT_FOUND"),
        ({"payer": {"partyIdType": "EMAIL", "partyId": "awa@example.org"}}, 500, "PAYER_NOT_FOUND"),
        ({"currency": "XAF"}, 500, "INVALID_CURRENCY"),
        ({"currency": None}, 500, "INVALID_CURRENCY"),
    ],
)
async def test_what_a_request_is_answered(
    simulator: Simulator, more: dict[str, object], status: int, code: str | None
) -> None:
    headers = await bearer(simulator, **{"x-reference-id": str(uuid4())})
    answer = await simulator.http.post(
        f"{BASE}/collection/v1_0/requesttopay", headers=headers, json=ORDER | more
    )
    assert answer.status_code == status
    if status == 202:
        assert answer.content == b""
    else:
        assert answer.json().get("code") == code


async def test_a_request_without_a_uuid_or_a_body_is_bad(simulator: Simulator) -> None:
    url = f"{BASE}/collection/v1_0/requesttopay"
    for reference, body in (("17", json.dumps(ORDER)), (str(uuid4()), "[]"), (str(uuid4()), "{")):
        headers = await bearer(simulator, **{"x-reference-id": reference})
        answer = await simulator.http.post(url, headers=headers, content=body)
        assert answer.status_code == 400


HOLDERS = {"450": 404, "451": False, "452": 500, "453": 500, "454": 500, "455": 503, "456": True}


async def test_account_holders(simulator: Simulator) -> None:
    for product in ("collection", "disbursement"):
        headers = await bearer(simulator, product)
        url = f"{BASE}/{product}/v1_0/accountholder"
        for suffix, expected in HOLDERS.items():
            answer = await simulator.http.get(f"{url}/msisdn/46733123{suffix}/active", headers=headers)
            told = answer.json()["result"] if answer.status_code == 200 else answer.status_code
            assert told == expected, suffix
        info = await simulator.http.get(f"{url}/msisdn/{PAYER}/basicuserinfo", headers=headers)
        assert info.json()["name"] == money.holder(f"+{PAYER}")
        assert (await simulator.http.get(f"{url}/email/a@b.c/active", headers=headers)).status_code == 404
        assert (await simulator.http.get(f"{url}/msisdn/{PAYER}/active")).status_code == 401


async def test_a_refund_gives_back_no_more_than_was_paid(simulator: Simulator, service: Service) -> None:
    paid = str(uuid4())
    asked = await bearer(simulator, **{"x-reference-id": paid})
    await simulator.http.post(f"{BASE}/collection/v1_0/requesttopay", headers=asked, json=ORDER)
    prompt = await simulator.prompt(f"+{PAYER}")

    async def refund(amount: str, of: str = paid) -> tuple[int, str, str]:
        reference = str(uuid4())
        more = {"x-reference-id": reference, "x-callback-url": f"{service.url}/money/mtn/back"}
        body = {"amount": amount, "currency": "XOF", "externalId": "back", "referenceIdToRefund": of}
        headers = await bearer(simulator, "disbursement", **more)
        answer = await simulator.http.post(f"{BASE}/disbursement/v2_0/refund", headers=headers, json=body)
        return answer.status_code, answer.text, reference

    assert (await refund("1000"))[0] == 404  # not paid yet
    await simulator.post(f"/simulator/prompts/{prompt['id']}", answer="approve")
    status, _body, reference = await refund("1000")
    assert status == 202
    assert "NOT_ALLOWED" in (await refund("501"))[1]
    assert (await refund("500"))[0] == 202
    assert (await refund("1", of=str(uuid4())))[0] == 404
    rung = await service.wait_for("/money/mtn/back", 2)
    assert {json.loads(one.body)["payee"]["partyId"] for one in rung} == {PAYER}
    headers = await bearer(simulator, "disbursement")
    told = await simulator.http.get(f"{BASE}/disbursement/v1_0/refund/{reference}", headers=headers)
    assert (told.json()["status"], told.json()["amount"]) == ("SUCCESSFUL", "1000")
    as_transfer = await simulator.http.get(f"{BASE}/disbursement/v1_0/transfer/{reference}", headers=headers)
    assert as_transfer.status_code == 404


async def test_a_wallet_sees_its_own_money_only(served: Simulator) -> None:
    mine, other = Collection(config(served)), Collection(config(served, user_id="another-wallet"))
    reference = await in_thread(mine.request_to_pay, "1500", PAYER, "1")
    with pytest.raises(MomoAPIError, match="RESOURCE_NOT_FOUND"):
        await in_thread(other.get_transaction_status, reference)
    await served.post(f"/simulator/prompts/{(await served.prompt(f'+{PAYER}'))['id']}", answer="approve")
    statement = (await served.http.get(f"{BASE}/statement", params={"account": "a-wallet"})).text
    assert statement.splitlines()[0] == "Id,External id,Date,Status,Type,From,To,Amount,Fee,Currency"
    [line] = statement.splitlines()[1:]
    cells = line.split(",")
    assert cells[1] == reference
    assert cells[3:] == ["Successful", "Payment", PAYER, "MUTUELLE", "1500", "15", "XOF"]
    none = (await served.http.get(f"{BASE}/statement", params={"account": "another-wallet"})).text
    assert len(none.splitlines()) == 1
