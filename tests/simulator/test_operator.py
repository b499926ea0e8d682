"""The operator that the simulator plays: what it accepts, how a payer's answer turns out, when it rings."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from simulator import money, simulated, trouble
from tests.support.patience import once
from tests.support.servers import Service, Simulator

NOTICE = "/money/simulated/token"


async def ask(simulator: Simulator, service: Service) -> tuple[str, str]:
    """Ask for 2000 F; gives our reference and the prompt's id."""
    reference = str(uuid4())
    await simulator.collect(reference, service.url + NOTICE)
    return reference, (await simulator.prompt())["id"]


async def settled(simulator: Simulator, reference: str) -> Any:
    """The status once it is no longer PENDING."""
    return await once(lambda: simulator.status(reference), lambda told: told["status"] != "PENDING")


async def test_a_prompt_says_what_is_asked(simulator: Simulator, service: Service) -> None:
    reference, _ = await ask(simulator, service)
    prompt = await simulator.prompt()
    assert {name: prompt[name] for name in ("phone", "amount", "currency", "operator", "reference")} == {
        "phone": "+22370000002",
        "amount": 2000,
        "currency": "XOF",
        "operator": "simulated",
        "reference": reference,
    }
    assert prompt["notice_url"] == service.url + NOTICE
    bare = (await simulator.http.get("/simulator/prompts?phone=+22370000002")).json()
    assert bare == [prompt]
    assert await simulator.get("/simulator/prompts", phone="+22370000003") == []


@pytest.mark.parametrize(
    ("answer", "status", "reason", "notices"),
    [
        ("approve", "SUCCESSFUL", None, 1),
        ("decline", "FAILED", "APPROVAL_REJECTED", 1),
        ("late", "SUCCESSFUL", None, 1),
        ("twice", "SUCCESSFUL", None, 2),
        ("notice-first", "SUCCESSFUL", None, 1),
        ("ignore", "FAILED", "EXPIRED", 0),
    ],
)
async def test_how_an_answer_turns_out(
    simulator: Simulator, service: Service, answer: str, status: str, reason: str | None, notices: int
) -> None:
    reference, prompt = await ask(simulator, service)
    assert (await simulator.status(reference))["status"] == "PENDING"
    await simulator.post(f"/simulator/prompts/{prompt}", answer=answer)
    assert await simulator.get("/simulator/prompts", phone="+22370000002") == []
    told = await settled(simulator, reference)
    assert (told["status"], told["reason"]) == (status, reason)
    assert (told["receipt"] is not None) == (status == "SUCCESSFUL")
    assert told["completed_at"].endswith("Z")
    if notices:
        await service.wait_for(NOTICE, notices)
    await asyncio.sleep(0.15)  # and no more
    assert [notice.body for notice in service.to(NOTICE)] == [f'{{"reference": "{reference}"}}'] * notices


async def test_a_notice_can_come_before_the_money(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(money.ANSWERS, "notice-first", money.End(50.0, money.PAID))
    reference, prompt = await ask(simulator, service)
    await simulator.post(f"/simulator/prompts/{prompt}", answer="notice-first")
    await service.wait_for(NOTICE)
    assert (await simulator.status(reference))["status"] == "PENDING"
    assert (await settled(simulator, reference))["status"] == "SUCCESSFUL"


async def test_late_money_takes_its_time(simulator: Simulator, service: Service) -> None:
    reference, prompt = await ask(simulator, service)
    await simulator.post(f"/simulator/prompts/{prompt}", answer="late")
    assert (await simulator.status(reference))["status"] == "PENDING"
    assert (await settled(simulator, reference))["status"] == "SUCCESSFUL"


async def test_a_prompt_nobody_answers_expires_without_a_notice(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "WINDOW_S", 10.0)
    reference, prompt = await ask(simulator, service)
    told = await settled(simulator, reference)
    assert (told["status"], told["reason"]) == ("FAILED", "EXPIRED")
    assert await simulator.get("/simulator/prompts") == []
    await simulator.post(f"/simulator/prompts/{prompt}", 409, answer="approve")
    assert service.heard == []


async def test_a_refused_notice_is_sent_again(simulator: Simulator, service: Service) -> None:
    service.refuse[NOTICE] = 2
    _, prompt = await ask(simulator, service)
    await simulator.post(f"/simulator/prompts/{prompt}", answer="approve")
    await service.wait_for(NOTICE, 3)
    await asyncio.sleep(0.3)
    assert len(service.to(NOTICE)) == 3


async def test_a_prompt_is_answered_once(simulator: Simulator, service: Service) -> None:
    reference, prompt = await ask(simulator, service)
    await simulator.post("/simulator/prompts/none", 404, answer="approve")
    await simulator.post(f"/simulator/prompts/{prompt}", 400, answer="perhaps")
    await simulator.post(f"/simulator/prompts/{prompt}", answer="approve")
    await simulator.post(f"/simulator/prompts/{prompt}", 409, answer="decline")
    assert (await simulator.status(reference))["status"] == "SUCCESSFUL"


async def test_the_same_reference_again_is_a_conflict_and_no_second_prompt(
    simulator: Simulator, service: Service
) -> None:
    reference, _ = await ask(simulator, service)
    again = await simulator.collect(reference.upper(), service.url, 409)
    assert again["code"] == "DUPLICATE_REFERENCE"
    assert len(await simulator.get("/simulator/prompts")) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reference", "42"),
        ("phone", "22370000002"),
        ("amount", "0"),
        ("amount", "-5"),
        ("amount", 2000),
        ("amount", "1e3"),
        ("currency", "FCFA"),
        ("note", "Cotisation d'avril"),
        ("note", "x" * 23),
        ("notice_url", "http://example.org/money"),
        ("notice_url", "http://127.0.0.1.example.org/money"),
        ("notice_url", "http://127.0.0.1@example.org/money"),
        ("notice_url", "file:///etc/passwd"),
        ("notice_url", "http://192.0.2.7/money"),
        ("notice_url", "http://[2001:db8::7]/money"),
        ("notice_url", "http://[::1"),
    ],
)
async def test_bad_input_is_refused_by_name(
    simulator: Simulator, service: Service, name: str, value: object
) -> None:
    asked: dict[str, Any] = {"reference": str(uuid4()), "notice_url": service.url, name: value}
    refusal = await simulator.collect(code=400, **asked)
    assert refusal["code"] == f"INVALID_{name.upper()}"
    assert await simulator.get("/simulator/prompts") == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(simulator: Simulator, body: bytes) -> None:
    answer = await simulator.http.post("/simulator/operator/v1/collections", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_BODY")


async def test_an_unknown_reference_is_not_found(simulator: Simulator) -> None:
    answer = await simulator.http.get(f"/simulator/operator/v1/collections/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_trouble_strikes_as_often_as_it_was_ordered(simulator: Simulator, service: Service) -> None:
    reference, _ = await ask(simulator, service)
    await simulator.post("/simulator/operator/trouble", mode="error500", count="2", on=trouble.STATUS)
    path = f"/simulator/operator/v1/collections/{reference}"
    codes = [(await simulator.http.get(path)).status_code for _ in range(3)]
    assert codes == [500, 500, 200]


async def test_trouble_for_a_phone_lasts_until_it_is_called_off(
    simulator: Simulator, service: Service
) -> None:
    reference, _ = await ask(simulator, service)
    await simulator.post("/simulator/operator/trouble", mode="not-found", phone="+22370000002")
    path = f"/simulator/operator/v1/collections/{reference}"
    assert [(await simulator.http.get(path)).status_code for _ in range(3)] == [404, 404, 404]
    await simulator.post("/simulator/operator/trouble", mode="none")
    assert (await simulator.http.get(path)).status_code == 200


@pytest.mark.parametrize(
    "form", [{"mode": "flood"}, {"mode": "lost", "on": "status"}, {"mode": "html", "count": "many"}]
)
async def test_trouble_that_does_not_exist_is_refused(simulator: Simulator, form: dict[str, str]) -> None:
    await simulator.post("/simulator/operator/trouble", 400, **form)
