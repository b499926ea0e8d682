"""Calls as Africa's Talking hands them on: what the service is sent, what the handset shows, how a call ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response

from simulator import calls
from tests.support.patience import as_busy
from tests.support.servers import Service, Simulator, con, end

AWA = "+22370000100"
CODE = "*384*57#"


async def dial(simulator: Simulator, code: str = CODE, phone: str = AWA) -> dict[str, Any]:
    call: dict[str, Any] = await simulator.post("/simulator/calls", 201, phone=phone, code=code)
    return call


async def answer(simulator: Simulator, call: dict[str, Any], typed: str) -> dict[str, Any]:
    shown: dict[str, Any] = await simulator.post(f"/simulator/calls/{call['id']}", answer=typed)
    return shown


async def test_the_text_is_every_answer_joined_by_stars(simulator: Simulator, service: Service) -> None:
    call = await dial(simulator)
    for typed in ("1", "", "Awa Koné", "2*3"):
        assert (await answer(simulator, call, typed))["state"] == "open"
    texts = [hop.form["text"] for hop in service.to("/ussd")]
    assert texts == ["", "1", "1*", "1**Awa Koné", "1**Awa Koné*2*3"]


async def test_a_hop_has_the_fields_of_the_gateway_in_its_order(
    simulator: Simulator, service: Service
) -> None:
    call = await dial(simulator)
    [hop] = service.to("/ussd")
    expected = "phoneNumber=%2B22370000100&serviceCode=%2A384%2A57%23&text=&sessionId="
    assert hop.body == f"{expected}{call['id']}&networkCode=99999"
    assert hop.headers["content-type"] == "application/x-www-form-urlencoded"
    assert len(call["id"]) == len("ATUid_") + 32


@pytest.mark.parametrize(
    ("dialled", "text"), [("*384*57*1*2#", "1*2"), ("*384*57*1**2#", "1**2"), ("*384*57**#", "*")]
)
async def test_answers_dialled_at_once_are_the_first_text(
    simulator: Simulator, service: Service, dialled: str, text: str
) -> None:
    call = await dial(simulator, dialled)
    await answer(simulator, call, "7")
    assert [hop.form["text"] for hop in service.to("/ussd")] == [text, f"{text}*7"]


@pytest.mark.parametrize("dialled", ["*384*58#", "*384*57", "144", "", "*384*571#"])
async def test_another_code_leads_nowhere(simulator: Simulator, service: Service, dialled: str) -> None:
    call = await dial(simulator, dialled)
    assert (call["state"], call["screen"]) == ("ended", calls.NO_NETWORK)
    assert service.heard == []


async def test_an_empty_first_answer_still_counts(simulator: Simulator, service: Service) -> None:
    call = await dial(simulator)
    await answer(simulator, call, "")
    await answer(simulator, call, "1")
    assert [hop.form["text"] for hop in service.to("/ussd")] == ["", "", "*1"]


async def test_end_shows_the_last_screen_and_tells_the_end(simulator: Simulator, service: Service) -> None:
    service.screen = lambda form: con("Menu") if not form["text"] else end("Au revoir")
    call = await dial(simulator)
    last = await answer(simulator, call, "9")
    assert (last["state"], last["screen"], last["error"]) == ("ended", "Au revoir", False)
    [event] = await service.wait_for("/ussd/ended")
    told = {
        name: event.form[name] for name in ("sessionId", "status", "input", "lastAppResponse", "hopsCount")
    }
    assert told == {
        "sessionId": call["id"],
        "status": "Success",
        "input": "9",
        "lastAppResponse": "END Au revoir",
        "hopsCount": "2",
    }
    await simulator.post(f"/simulator/calls/{call['id']}", 409, answer="1")


async def test_the_metadata_comes_back_with_the_next_hop(simulator: Simulator, service: Service) -> None:
    service.screen = lambda form: con("?", **{calls.METADATA_HEADER: f"step{len(form['text'])}"})
    call = await dial(simulator)
    await answer(simulator, call, "1")
    await simulator.http.delete(f"/simulator/calls/{call['id']}")
    given = [hop.headers.get(calls.METADATA_HEADER) for hop in service.to("/ussd")]
    assert given == [None, "step0"]
    [event] = await service.wait_for("/ussd/ended")
    assert event.form["hopsMetadata"] == "step0|step1"


BAD_REPLIES: dict[str, Callable[[dict[str, str]], Response]] = {
    "neither CON nor END": lambda form: PlainTextResponse("Bonjour"),
    "a space before CON": lambda form: PlainTextResponse(" CON Bonjour"),
    "a byte order mark": lambda form: PlainTextResponse("\ufeffCON Bonjour"),
    "nothing": lambda form: PlainTextResponse(""),
    "an error": lambda form: PlainTextResponse("CON Bonjour", 500),
    "not found": lambda form: PlainTextResponse("CON Bonjour", 404),
    "a redirect": lambda form: PlainTextResponse("", 302, headers={"location": "/health/live"}),
}


@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES)
async def test_a_bad_reply_is_the_networks_error(
    simulator: Simulator, service: Service, reply: Callable[[dict[str, str]], Response]
) -> None:
    service.screen = reply
    call = await dial(simulator)
    assert (call["state"], call["screen"], call["error"]) == ("ended", calls.NO_NETWORK, True)
    [event] = await service.wait_for("/ussd/ended")
    assert event.form["status"] == "Failed"
    assert event.form["errorMessage"] == call["fault"]


async def sleepy(form: dict[str, str]) -> Response:
    await asyncio.sleep(as_busy(0.5))
    return con("trop tard")


async def test_a_service_slower_than_the_gateway_waits_is_cut_off(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PATIENCE_S", 0.2)
    service.screen = sleepy
    call = await dial(simulator)
    assert call["error"]
    assert call["fault"] == "The application took too long to answer"


async def test_hanging_up_ends_the_call_once(simulator: Simulator, service: Service) -> None:
    call = await dial(simulator)
    for _ in range(2):
        answered = await simulator.http.delete(f"/simulator/calls/{call['id']}")
        assert answered.json()["state"] == "ended"
    [event] = await service.wait_for("/ussd/ended")
    assert event.form["status"] == "Incomplete"
    await asyncio.sleep(0.1)
    assert len(service.to("/ussd/ended")) == 1


async def test_hanging_up_while_the_service_thinks_stays_hung_up(
    simulator: Simulator, service: Service
) -> None:
    call = await dial(simulator)
    service.screen = sleepy
    waiting = asyncio.create_task(answer(simulator, call, "1"))
    await service.wait_for("/ussd", 2)
    await simulator.http.delete(f"/simulator/calls/{call['id']}")
    shown = await waiting
    assert (shown["state"], shown["screen"]) == ("ended", calls.HUNG_UP)
    assert [event.form["status"] for event in await service.wait_for("/ussd/ended")] == ["Incomplete"]


async def test_a_redial_hangs_up_the_call_before(simulator: Simulator, service: Service) -> None:
    first = await dial(simulator)
    await dial(simulator)
    await dial(simulator, phone="+22370000101")
    [event] = await service.wait_for("/ussd/ended")
    assert event.form["sessionId"] == first["id"]


@pytest.mark.parametrize("limit", ["IDLE_S", "CALL_S"])
async def test_the_network_ends_a_call_that_lasts_too_long(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(calls, limit, 0.2)
    call = await dial(simulator)
    [event] = await service.wait_for("/ussd/ended")
    assert event.form["status"] == "Incomplete"
    assert (await simulator.get(f"/simulator/calls/{call['id']}"))["screen"] == calls.TIMED_OUT


async def test_an_answer_that_comes_too_late_meets_the_end_of_the_call(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await dial(simulator)
    monkeypatch.setattr(calls, "IDLE_S", 0.0)
    assert (await answer(simulator, call, "1"))["screen"] == calls.TIMED_OUT
    assert len(service.to("/ussd")) == 1


async def test_one_answer_at_a_time(simulator: Simulator, service: Service) -> None:
    call = await dial(simulator)
    service.screen = sleepy
    first: Awaitable[object] = asyncio.create_task(answer(simulator, call, "1"))
    await service.wait_for("/ussd", 2)
    await simulator.post(f"/simulator/calls/{call['id']}", 409, answer="2")
    await first
    assert [hop.form["text"] for hop in service.to("/ussd")] == ["", "1"]


async def test_a_screen_longer_than_a_handset_shows_is_cut(simulator: Simulator, service: Service) -> None:
    service.screen = lambda form: con("x" * 300)
    assert len((await dial(simulator))["screen"]) == 182


async def test_an_unknown_call_is_not_found(simulator: Simulator) -> None:
    await simulator.post("/simulator/calls/ATUid_none", 404, answer="1")
    await simulator.post("/simulator/calls", 400, phone="MTN", code=CODE)
