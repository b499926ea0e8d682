"""pawaPay's HTTP as the simulator plays it: what a client that knows only the documentation meets."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from simulator import money, pawapay_facts
from simulator.app import create_app
from simulator.deps import Config
from tests.support.patience import once
from tests.support.servers import Service, Simulator, environment, listening, reached, serving

NOTICES = "/merchant/pawapay"
PHONE, PROVIDER = "2250504417001", "MTN_MOMO_CIV"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(tmp_path: Path, service: Service) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        url = f"{service.url}{NOTICES}"
        await running.post("/simulator/pawapay/dashboard", account="merchant", notice_url=url)
        yield running


@pytest.fixture
async def merchant(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token, which knows the address and the documentation."""
    headers = {"authorization": "Bearer merchant"}
    url = f"{simulator.url}/simulator/pawapay"
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        yield http


def order(kind: str = "deposit", **more: Any) -> dict[str, object]:
    party = "payer" if kind == "deposit" else "recipient"
    details = {"phoneNumber": more.pop("phone", PHONE), "provider": more.pop("provider", PROVIDER)}
    asked: dict[str, object] = {
        f"{kind}Id": str(uuid4()),
        "amount": "1500",
        "currency": "XOF",
        party: {"type": "MMO", "accountDetails": details},
    }
    return asked | more


async def told(answer: httpx.Response, code: int = 200) -> Any:
    assert answer.status_code == code, answer.text
    return answer.json()


async def final(merchant: httpx.AsyncClient, kind: str, named: object) -> Any:
    """The data of an operation once it has ended."""

    async def look() -> Any:
        return (await told(await merchant.get(f"/v2/{kind}/{named}")))["data"]

    return await once(look, lambda data: data["status"] in ("COMPLETED", "FAILED"))


async def paid(merchant: httpx.AsyncClient, **more: Any) -> Any:
    """A deposit that is COMPLETED."""
    asked = order(phone="2250503456789", **more)
    await told(await merchant.post("/v2/deposits", json=asked))
    return await final(merchant, "deposits", asked["depositId"])


async def test_a_deposit_is_asked_approved_told_and_rung(
    merchant: httpx.AsyncClient, simulator: Simulator, service: Service
) -> None:
    asked = order(
        customerMessage="Cotisation mai",
        clientReferenceId="C 4417",
        metadata=[{"memberId": "M4417"}, {"nom": "Awa", "isPII": True}],
    )
    accepted = await told(await merchant.post("/v2/deposits", json=asked))
    assert (accepted["depositId"], accepted["status"]) == (asked["depositId"], "ACCEPTED")
    assert accepted["nextStep"] == "FINAL_STATUS"
    open_now = (await told(await merchant.get(f"/v2/deposits/{asked['depositId']}")))["data"]
    assert (open_now["status"], open_now["providerTransactionId"]) == ("PROCESSING", None)
    prompt = await simulator.prompt(f"+{PHONE}")
    assert (prompt["amount"], prompt["operator"], prompt["note"]) == (1500, "pawapay", "Cotisation mai")
    await simulator.post(f"/simulator/prompts/{prompt['id']}", answer="approve")
    data = await final(merchant, "deposits", asked["depositId"])
    assert (data["status"], data["amount"], data["country"]) == ("COMPLETED", "1500.00", "CIV")
    assert (data["clientReferenceId"], data["metadata"]) == ("C 4417", {"memberId": "M4417", "nom": "Awa"})
    [heard] = await service.wait_for(NOTICES)
    notice = json.loads(heard.body)
    assert (notice["depositId"], notice["status"], notice["amount"]) == (
        *(asked["depositId"], "COMPLETED", "1500.0000"),
    )
    assert "clientReferenceId" not in notice
    assert "signature" not in heard.headers


@pytest.mark.parametrize("how", ["declined", "left alone"])
async def test_a_prompt_that_nobody_approves_fails_and_rings(
    merchant: httpx.AsyncClient,
    simulator: Simulator,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    if how == "left alone":
        monkeypatch.setattr(money, "WINDOW_S", 5.0)
    asked = order()
    await told(await merchant.post("/v2/deposits", json=asked))
    if how == "declined":
        prompt = await simulator.prompt(f"+{PHONE}")
        await simulator.post(f"/simulator/prompts/{prompt['id']}", answer="decline")
    data = await final(merchant, "deposits", asked["depositId"])
    assert data["failureReason"]["failureCode"] == "PAYMENT_NOT_APPROVED"
    [heard] = await service.wait_for(NOTICES)
    assert json.loads(heard.body)["status"] == "FAILED"


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"payer": None}, 400, "INVALID_PARAMETER"),
        ({"amount": None}, 400, "INVALID_PARAMETER"),
        ({"amount": 1500}, 400, "INVALID_PARAMETER"),
        ({"amount": "1500.00"}, 400, "INVALID_PARAMETER"),  # no noughts at the end
        ({"amount": "01500"}, 400, "INVALID_PARAMETER"),
        ({"customerMessage": "été"}, 400, "INVALID_PARAMETER"),
        ({"customerMessage": "mai"}, 400, "INVALID_PARAMETER"),
        ({"customerMessage": "m" * 23}, 400, "INVALID_PARAMETER"),
        ({"depositId": "C-2026-004417"}, 400, "INVALID_PARAMETER"),
        ({"depositId": "018f0000-0000-7000-8000-000000000000"}, 400, "INVALID_PARAMETER"),  # no UUID 4
        ({"correspondent": "MTN_MOMO_CIV"}, 400, "UNSUPPORTED_PARAMETER"),  # of v1
        ({"metadata": [{"a": "1"}, {"a": "2"}]}, 400, "DUPLICATE_METADATA_FIELD"),
        ({"provider": "ORANGE_BFA", "phone": "22607345678"}, 400, "MISSING_PARAMETER"),
        ({"provider": "ORANGE_MLI"}, 200, "INVALID_PROVIDER"),
        ({"currency": "XAF"}, 200, "INVALID_CURRENCY"),
        ({"phone": "22670000000"}, 200, "INVALID_PHONE_NUMBER"),
        ({"phone": "0504417001"}, 200, "INVALID_PHONE_NUMBER"),
        ({"amount": "1500.5"}, 200, "INVALID_AMOUNT"),
        ({"amount": "99"}, 200, "AMOUNT_OUT_OF_BOUNDS"),
        ({"amount": "2000001"}, 200, "AMOUNT_OUT_OF_BOUNDS"),
    ],
)
async def test_what_is_refused_and_how(
    merchant: httpx.AsyncClient, change: dict[str, Any], code: int, word: str
) -> None:
    asked = order(**change)
    refused = await told(await merchant.post("/v2/deposits", json=asked), code)
    assert refused["failureReason"]["failureCode"] == word
    assert refused.get("status") == ("REJECTED" if code == 200 else None)
    if code == 200:
        assert (await told(await merchant.get(f"/v2/deposits/{asked['depositId']}"))) == {
            "status": "NOT_FOUND"
        }


async def test_who_calls(merchant: httpx.AsyncClient) -> None:
    for headers, code, word in (
        ({"authorization": ""}, 401, "NO_AUTHENTICATION"),
        ({"authorization": "Bearer wrong"}, 403, "AUTHENTICATION_ERROR"),
    ):
        for method, path in (
            ("POST", "/v2/deposits"),
            ("POST", "/v2/payouts/bulk"),
            ("GET", f"/v2/payouts/{uuid4()}"),
            ("POST", f"/v2/payouts/fail-enqueued/{uuid4()}"),
            ("GET", "/v2/active-conf"),
            ("GET", "/v2/wallet-balances"),
            ("POST", "/v2/predict-provider"),
        ):
            refused = await told(await merchant.request(method, path, headers=headers), code)
            assert refused["failureReason"]["failureCode"] == word
    asked = order(phone="2250503456789")
    await told(await merchant.post("/v2/deposits", json=asked))
    stranger = {"authorization": "Bearer another"}
    path = f"/v2/deposits/{asked['depositId']}"
    assert await told(await merchant.get(path, headers=stranger)) == {"status": "NOT_FOUND"}


async def test_the_same_id_again_is_ignored_even_after_its_end(merchant: httpx.AsyncClient) -> None:
    asked = order(phone="2250503456039")
    await told(await merchant.post("/v2/deposits", json=asked))
    await final(merchant, "deposits", asked["depositId"])
    again = await told(await merchant.post("/v2/deposits", json=asked | {"amount": "9000"}))
    assert again == {"depositId": asked["depositId"], "status": "DUPLICATE_IGNORED"}


async def test_a_body_that_is_no_json(merchant: httpx.AsyncClient) -> None:
    refused = await told(await merchant.post("/v2/deposits", content=b"{"), 400)
    assert refused["failureReason"]["failureCode"] == "INVALID_INPUT"
    assert (await merchant.post("/v2/remittances", json={})).status_code == 404


async def test_payouts_in_bulk_are_answered_each_on_its_own(merchant: httpx.AsyncClient) -> None:
    good, bad = order("payout", phone="2250503456789"), order("payout", amount="99")
    answers = await told(await merchant.post("/v2/payouts/bulk", json=[good, bad, good]))
    assert [answer["status"] for answer in answers] == ["ACCEPTED", "REJECTED", "DUPLICATE_IGNORED"]
    assert (await final(merchant, "payouts", good["payoutId"]))["status"] == "COMPLETED"
    too_many = await told(await merchant.post("/v2/payouts/bulk", json=[good] * 21), 400)
    assert too_many["failureReason"]["failureCode"] == "INVALID_INPUT"


async def test_an_enqueued_payout_is_cancelled_and_releases_its_money(
    merchant: httpx.AsyncClient, simulator: Simulator, service: Service
) -> None:
    async def left() -> str:
        balances = await told(await merchant.get("/v2/wallet-balances?country=CIV"))
        return str(balances["balances"][0]["balance"])

    before, asked = await left(), order("payout")
    await simulator.post("/simulator/pawapay/availability", provider=PROVIDER, status="DELAYED")
    await told(await merchant.post("/v2/payouts", json=asked))
    path = f"/v2/payouts/{asked['payoutId']}"
    assert (await told(await merchant.get(path)))["data"]["status"] == "ENQUEUED"
    assert await left() != before
    cancel = f"/v2/payouts/fail-enqueued/{asked['payoutId']}"
    assert (await told(await merchant.post(cancel)))["status"] == "ACCEPTED"
    data = await final(merchant, "payouts", asked["payoutId"])
    assert data["failureReason"]["failureCode"] == "MANUALLY_CANCELLED"
    assert await left() == before
    [heard] = await service.wait_for(NOTICES)
    assert json.loads(heard.body)["payoutId"] == asked["payoutId"]
    assert (await told(await merchant.post(cancel)))["failureReason"]["failureCode"] == "INVALID_STATE"
    unknown = await told(await merchant.post(f"/v2/payouts/fail-enqueued/{uuid4()}"))
    assert unknown["failureReason"]["failureCode"] == "NOT_FOUND"


async def test_a_notice_comes_again_when_it_is_asked_for(
    merchant: httpx.AsyncClient, service: Service
) -> None:
    data = await paid(merchant)
    await service.wait_for(NOTICES)
    again = f"/v2/deposits/resend-callback/{data['depositId']}"
    assert (await told(await merchant.post(again)))["status"] == "ACCEPTED"
    first, second = await service.wait_for(NOTICES, 2)
    assert first.body == second.body
    asked = order()
    await told(await merchant.post("/v2/deposits", json=asked))
    early = await told(await merchant.post(f"/v2/deposits/resend-callback/{asked['depositId']}"))
    assert early["failureReason"]["failureCode"] == "INVALID_STATE"


async def test_a_deposit_is_refunded_in_parts_and_never_beyond(
    merchant: httpx.AsyncClient, simulator: Simulator
) -> None:
    async def refund(code: int = 200, **more: object) -> Any:
        asked = {"refundId": str(uuid4()), "depositId": deposit} | more
        answer = await told(await merchant.post("/v2/refunds", json=asked), code)
        return answer.get("failureReason", {}).get("failureCode") or asked["refundId"]

    deposit = str(uuid4())
    assert await refund() == "NOT_FOUND"
    waits = order()
    await told(await merchant.post("/v2/deposits", json=waits))
    deposit = str(waits["depositId"])
    assert await refund() == "INVALID_STATE"
    deposit = (await paid(merchant))["depositId"]
    assert await refund(amount="1501", currency="XOF") == "AMOUNT_TOO_LARGE"
    await simulator.post("/simulator/pawapay/availability", provider=PROVIDER, status="DELAYED")
    part = await refund(amount="500", currency="XOF")
    assert await refund() == "REFUND_IN_PROGRESS"
    await simulator.post("/simulator/pawapay/availability", provider=PROVIDER, status="OPERATIONAL")
    data = await final(merchant, "refunds", part)
    assert (data["amount"], data["recipient"]["accountDetails"]["phoneNumber"]) == ("500.00", "2250503456789")
    rest = await final(merchant, "refunds", await refund())
    assert rest["amount"] == "1000.00"
    assert await refund() == "DEPOSIT_ALREADY_REFUNDED"


async def test_the_configuration_says_how_payers_agree_and_what_they_dial(
    merchant: httpx.AsyncClient,
) -> None:
    conf = await told(await merchant.get("/v2/active-conf?country=BFA&operationType=DEPOSIT"))
    assert conf["signatureConfiguration"] == {"signedRequestsOnly": False, "signedCallbacks": False}
    [country] = conf["countries"]
    kinds = {
        provider["provider"]: provider["currencies"][0]["operationTypes"] for provider in country["providers"]
    }
    assert {name: kind["DEPOSIT"]["authType"] for name, kind in kinds.items()} == {
        "MOOV_BFA": "PROVIDER_AUTH",
        "ORANGE_BFA": "PREAUTH",
    }
    assert list(kinds["MOOV_BFA"]) == ["DEPOSIT"]
    [channel] = kinds["ORANGE_BFA"]["DEPOSIT"]["authTokenInstructions"]["channels"]
    assert channel["instructions"]["fr"][0]["text"] == "Composez *144*4*6#"
    whole = await told(await merchant.get("/v2/active-conf"))
    assert {country["country"] for country in whole["countries"]} == set(pawapay_facts.COUNTRIES)


async def test_what_is_closed_takes_nothing(merchant: httpx.AsyncClient, simulator: Simulator) -> None:
    await simulator.post("/simulator/pawapay/availability", provider=PROVIDER, status="CLOSED")
    [country] = await told(await merchant.get("/v2/availability?country=CIV&operationType=PAYOUT"))
    states = {
        provider["provider"]: provider["operationTypes"][0]["status"] for provider in country["providers"]
    }
    assert (states[PROVIDER], states["ORANGE_CIV"]) == ("CLOSED", "OPERATIONAL")
    for kind in ("deposit", "payout"):
        refused = await told(await merchant.post(f"/v2/{kind}s", json=order(kind)))
        assert refused["failureReason"]["failureCode"] == "PROVIDER_TEMPORARILY_UNAVAILABLE"
    await simulator.post("/simulator/pawapay/availability", 400, provider=PROVIDER, status="ASLEEP")


@pytest.mark.parametrize(
    ("written", "predicted"),
    [
        ("+225 05 04 41 70 01", ("CIV", "MTN_MOMO_CIV", "2250504417001")),
        ("25007 834-56789a", ("RWA", "MTN_MOMO_RWA", "250783456789")),
        ("22951345789", ("BEN", "MTN_MOMO_BEN", "22951345789")),
        ("2290151345789", ("BEN", "MTN_MOMO_BEN", "2290151345789")),
        ("22607345678", ("BFA", "ORANGE_BFA", "22607345678")),
        ("24174345678", ("GAB", "AIRTEL_GAB", "24174345678")),
    ],
)
async def test_a_provider_is_predicted(
    merchant: httpx.AsyncClient, written: str, predicted: tuple[str, str, str]
) -> None:
    found = await told(await merchant.post("/v2/predict-provider", json={"phoneNumber": written}))
    assert (found["country"], found["provider"], found["phoneNumber"]) == predicted


@pytest.mark.parametrize("written", ["22370000002", "22890112233", "12", "", None])
async def test_a_phone_that_pawapay_does_not_serve(merchant: httpx.AsyncClient, written: str | None) -> None:
    """Mali and Togo are not among its countries."""
    refused = await told(await merchant.post("/v2/predict-provider", json={"phoneNumber": written}), 400)
    assert refused["failureReason"]["failureCode"] == "INVALID_PHONE_NUMBER"


def test_every_number_of_the_sandbox_is_of_a_provider() -> None:
    for numbers, is_payout in ((pawapay_facts.DEPOSIT_NUMBERS, False), (pawapay_facts.PAYOUT_NUMBERS, True)):
        for begins, ends in numbers.items():
            for end in ends.split():
                assert pawapay_facts.predicted(begins + end), begins + end
                assert pawapay_facts.sandbox_end(begins + end, is_payout)
    assert pawapay_facts.sandbox_end("22951345088", True) is None
    assert pawapay_facts.sandbox_end("22951345029", True) is None  # of deposits only


async def test_the_statement_says_what_has_moved(merchant: httpx.AsyncClient, simulator: Simulator) -> None:
    deposit = await paid(merchant)
    failed, out = order(phone="2250503456039"), order("payout", phone="2250503456789", amount="700")
    await told(await merchant.post("/v2/deposits", json=failed))
    await told(await merchant.post("/v2/payouts", json=out))
    await final(merchant, "deposits", failed["depositId"])
    await final(merchant, "payouts", out["payoutId"])
    refund = {"refundId": str(uuid4()), "depositId": deposit["depositId"]}
    await told(await merchant.post("/v2/refunds", json=refund))
    await final(merchant, "refunds", refund["refundId"])
    text = (await simulator.http.get("/simulator/pawapay/statement?account=merchant")).text
    lines = {line["Transaction ID"]: line for line in csv.DictReader(io.StringIO(text))}
    kinds = {named: (line["Transaction Type"], line["Status"]) for named, line in lines.items()}
    assert kinds == {
        deposit["depositId"]: ("DEPOSIT", "COMPLETED"),
        failed["depositId"]: ("DEPOSIT", "FAILED"),
        out["payoutId"]: ("PAYOUT", "COMPLETED"),
        refund["refundId"]: ("REFUND", "COMPLETED"),
    }
    assert lines[deposit["depositId"]]["Amount"] == "1500.0000"
    assert lines[deposit["depositId"]]["Net Amount"] == "1470.0000"
    assert lines[deposit["depositId"]]["Fee"] == "30.0000"
    assert lines[str(out["payoutId"])]["Net Amount"] == "700.0000"


HEADER = (
    "Transaction ID,Transaction Type,Status,Currency,Amount,Fee,Net Amount,Customer Phone Number,Provider,"
    "Client Reference,Created At,Completed At,Provider Transaction ID"
)


def wanted(service: Service, **more: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "wallet": {"country": "CIV", "currency": "XOF"},
        "callbackUrl": f"{service.url}/statement",
        "startDate": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%S}",
        "endDate": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    } | more


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_statement_is_asked_for_told_and_fetched(
    merchant: httpx.AsyncClient, service: Service, compressed: bool
) -> None:
    deposit = await paid(merchant)
    elsewhere = order(phone="22951345789", provider="MTN_MOMO_BEN")
    await told(await merchant.post("/v2/deposits", json=elsewhere))
    await final(merchant, "deposits", elsewhere["depositId"])
    asked = wanted(service, compressed=compressed)
    named = (await told(await merchant.post("/v2/statements", json=asked)))["statementId"]
    [heard] = await service.wait_for("/statement")
    data = json.loads(heard.body)
    assert (data["statementId"], data["status"]) == (named, "COMPLETED")
    again = (await told(await merchant.get(f"/v2/statements/{named}")))["data"]
    assert again["downloadUrl"] == data["downloadUrl"]
    async with httpx.AsyncClient(trust_env=False) as anybody:
        content = (await anybody.get(data["downloadUrl"])).content
    header, line = (gzip.decompress(content) if compressed else content).decode().splitlines()
    assert header == HEADER
    assert line.split(",")[:9] == [
        *(deposit["depositId"], "DEPOSIT", "COMPLETED", "XOF", "1500.0000", "30.0000", "1470.0000"),
        *("2250503456789", "MTN_MOMO_CIV"),
    ]
    stranger = {"authorization": "Bearer another"}
    assert await told(await merchant.get(f"/v2/statements/{named}", headers=stranger)) == {
        "status": "NOT_FOUND"
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"wallet": {"country": "MLI", "currency": "XOF"}}, "WALLET_NOT_FOUND"),
        ({"wallet": {"country": "CIV", "currency": "XAF"}}, "WALLET_NOT_FOUND"),
        ({"wallet": {"country": "CIV"}}, "MISSING_PARAMETER"),
        ({"wallet": "CIV"}, "INVALID_INPUT"),
        ({"startDate": "2026-01-01T00:00:00", "endDate": "2026-03-01T00:00:00"}, "INVALID_DATE_RANGE"),
        ({"endDate": "2020-01-01T00:00:00"}, "INVALID_DATE_RANGE"),
        ({"startDate": "yesterday"}, "INVALID_INPUT"),
        ({"callbackUrl": "http://pay.example.org/x"}, "INVALID_CALLBACK_URL"),
    ],
)
async def test_a_statement_that_cannot_be(
    merchant: httpx.AsyncClient, service: Service, change: dict[str, Any], word: str
) -> None:
    refused = await told(await merchant.post("/v2/statements", json=wanted(service, **change)), 400)
    assert refused["failureReason"]["failureCode"] == word


async def test_what_was_enqueued_goes_on_after_a_restart(tmp_path: Path, service: Service) -> None:
    config, asked = Config.read(environment(service.url, tmp_path, TIME_SCALE="200")), order("payout")
    headers, keys = {"authorization": "Bearer merchant"}, list[Any]()
    for state in ("DELAYED", "OPERATIONAL"):
        async with serving(create_app(config)) as url, reached(url) as running:
            await running.post("/simulator/pawapay/availability", provider=PROVIDER, status=state)
            base = f"{url}/simulator/pawapay"
            async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as merchant:
                answer = await told(await merchant.post("/v2/payouts", json=asked))
                assert answer["status"] == ("ACCEPTED" if state == "DELAYED" else "DUPLICATE_IGNORED")
                keys.append(await told(await merchant.get("/v2/public-key/http")))
                if state == "OPERATIONAL":
                    assert (await final(merchant, "payouts", asked["payoutId"]))["status"] == "COMPLETED"
    assert keys[0] == keys[1]
    assert keys[0][0]["id"] == "HTTP_EC_P256_KEY:1"
