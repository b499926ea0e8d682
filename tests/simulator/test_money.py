"""What every simulated provider has: payouts, a float that runs out, troubles, and a journal that is the truth."""

import asyncio
import json
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from simulator import journal, money, trouble
from simulator.app import create_app
from tests.simulator.conftest import configured
from tests.support.patience import as_busy, once
from tests.support.servers import Service, Simulator, called

NOTICE = "/money/simulated/token"
BASE = "/simulator/operator/v1"
PHONE = "+22370000002"


async def pay_out(simulator: Simulator, service: Service, code: int = 202, **more: str) -> Any:
    asked = {
        "reference": str(uuid4()),
        "phone": PHONE,
        "amount": "2000",
        "currency": "XOF",
        "note": "Remboursement",
        "notice_url": service.url + NOTICE,
    } | more
    answer = await simulator.http.post(f"{BASE}/payouts", json=asked)
    assert answer.status_code == code, answer.text
    return answer.json()


async def ended(simulator: Simulator, path: str) -> Any:
    """The status once it is no longer PENDING."""
    return await once(lambda: simulator.get(path), lambda told: told["status"] != "PENDING")


async def collect(simulator: Simulator, service: Service, answer: str = "", **more: Any) -> str:
    """A payment that was asked for, and answered if `answer` says how; gives our reference."""
    reference = str(uuid4())
    await simulator.collect(reference, service.url + NOTICE, **more)
    if answer:
        await simulator.post(f"/simulator/prompts/{(await simulator.prompt())['id']}", answer=answer)
    return reference


async def order(simulator: Simulator, mode: str, **more: str) -> None:
    await simulator.post("/simulator/trouble", mode=mode, **more)


def lines(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "money.jsonl").read_text().splitlines()]


def last(data: Path) -> dict[str, Any]:
    return lines(data)[-1]


# ---- payouts ----


async def test_a_payout_arrives_by_itself_and_rings(simulator: Simulator, service: Service) -> None:
    told = await pay_out(simulator, service)
    assert (await simulator.get(f"{BASE}/payouts/{told['reference']}"))["status"] == "PENDING"
    assert await simulator.get("/simulator/prompts") == [], "nobody is asked"
    done = await ended(simulator, f"{BASE}/payouts/{told['reference']}")
    assert (done["status"], done["amount"], done["phone"]) == ("SUCCESSFUL", "2000", PHONE)
    await service.wait_for(NOTICE)
    again = await pay_out(simulator, service, 409, reference=told["reference"])
    assert again["code"] == "DUPLICATE_REFERENCE"


async def test_a_payment_and_a_payout_of_one_reference_are_two(
    simulator: Simulator, service: Service
) -> None:
    reference = await collect(simulator, service)
    await pay_out(simulator, service, reference=reference)
    assert (await ended(simulator, f"{BASE}/payouts/{reference}"))["status"] == "SUCCESSFUL"
    assert (await simulator.status(reference))["status"] == "PENDING"


async def test_the_float_runs_out_and_is_filled_by_payments(simulator: Simulator, service: Service) -> None:
    await simulator.post("/simulator/simulated/float", currency="XOF", amount="3000")
    await pay_out(simulator, service)
    assert await balance(simulator) == "1000", "what is on its way is reserved"
    assert (await pay_out(simulator, service, 400))["code"] == "INSUFFICIENT_FLOAT"
    await collect(simulator, service, "approve")
    assert await balance(simulator) == "3000"
    await pay_out(simulator, service)


async def balance(simulator: Simulator) -> str:
    told: str = (await simulator.get(f"{BASE}/balance", currency="XOF"))["available"]
    return told


async def test_a_phone_has_one_registered_name(simulator: Simulator) -> None:
    first = await simulator.get(f"{BASE}/holders/{PHONE}")
    assert first == await simulator.get(f"{BASE}/holders/{PHONE}")
    assert first["name"].count(" ") == 1
    names = {money.holder(f"+2237000{nth:04}") for nth in range(50)}
    assert len(names) > 10


# ---- troubles ----


async def test_a_redirect_leads_to_this_machine(simulator: Simulator, service: Service) -> None:
    reference = await collect(simulator, service)
    await order(simulator, "redirect", on=trouble.STATUS)
    answer = await simulator.http.get(f"{BASE}/collections/{reference}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{service.url}/redirected")


async def test_a_body_trickles(served: Simulator, service: Service) -> None:
    reference = await collect(served, service)
    await order(served, "trickle", on=trouble.STATUS, seconds="0.3")
    pieces = []
    async with served.http.stream("GET", f"{BASE}/collections/{reference}") as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert len(pieces) > 5
    assert json.loads(b"".join(pieces))["reference"] == reference


async def test_money_moves_although_the_answer_is_a_500(
    simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    await order(simulator, "debited-then-500", count="2")
    for path in ("collections", "payouts"):
        asked = {"reference": str(uuid4()), "phone": PHONE, "amount": "500", "currency": "XOF", "note": ""}
        asked["notice_url"] = service.url + NOTICE
        answer = await simulator.http.post(f"{BASE}/{path}", json=asked)
        assert answer.status_code == 500
        assert (await simulator.get(f"{BASE}/{path}/{asked['reference']}"))["status"] == "SUCCESSFUL"
        assert (last(tmp_path)["state"], last(tmp_path)["reference"]) == ("PAID", asked["reference"])


async def test_a_notice_comes_before_the_answer(simulator: Simulator, service: Service) -> None:
    await order(simulator, "notice-before-answer")
    reference = str(uuid4())
    asking = asyncio.create_task(simulator.collect(reference, service.url + NOTICE))
    await service.wait_for(NOTICE)
    assert not asking.done()
    assert (await asking)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("mode", "count"), [("many-notices", 20), ("no-notice", 0), ("reordered", 2), ("notice-late", 0)]
)
async def test_how_often_a_notice_comes(
    simulator: Simulator, service: Service, mode: str, count: int
) -> None:
    await order(simulator, mode)
    reference = await collect(simulator, service, "approve")
    assert (await ended(simulator, f"{BASE}/collections/{reference}"))["status"] == "SUCCESSFUL"
    if count:
        await service.wait_for(NOTICE, count)
    await asyncio.sleep(0.3)  # and no more
    assert len(service.to(NOTICE)) == count


async def test_three_days_late(
    simulator: Simulator, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(money, "THREE_DAYS_S", 100 * as_busy(1.0))  # a second of a quiet machine
    await order(simulator, "days-late")
    reference = await collect(simulator, service, "approve")
    assert (await simulator.status(reference))["status"] == "PENDING"
    assert service.heard == []
    assert (await ended(simulator, f"{BASE}/collections/{reference}"))["status"] == "SUCCESSFUL"
    await service.wait_for(NOTICE)
    await order(simulator, "notice-late")
    other = await collect(simulator, service, "approve")
    assert (await simulator.status(other))["status"] == "SUCCESSFUL"
    assert len(service.to(NOTICE)) == 1
    await service.wait_for(NOTICE, 2)


async def test_a_forged_notice_is_about_money_that_nobody_paid(
    simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    await order(simulator, "forged")
    reference = await collect(simulator, service)
    await service.wait_for(NOTICE)
    assert (await simulator.status(reference))["status"] == "PENDING"
    assert last(tmp_path)["state"] == "PENDING"


async def test_another_amount_moves_than_was_asked(
    simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    await order(simulator, "another-amount")
    reference = await collect(simulator, service)
    assert (await simulator.prompt())["amount"] == 2000
    await simulator.post(f"/simulator/prompts/{(await simulator.prompt())['id']}", answer="approve")
    assert (await simulator.status(reference))["amount"] == "2001"
    assert last(tmp_path)["amount"] == "2001", "it is the truth"


async def test_an_amount_is_not_told(simulator: Simulator, service: Service) -> None:
    await order(simulator, "untold", on=trouble.REQUEST)
    reference = await collect(simulator, service, "approve")
    assert [(await simulator.status(reference))["amount"] for _ in range(2)] == [None, None], "it stays"
    other = await collect(simulator, service, "approve")
    await order(simulator, "untold", on=trouble.STATUS)
    assert [(await simulator.status(other))["amount"] for _ in range(2)] == [None, "2000"]


async def test_a_failure_is_told_of_money_that_comes(simulator: Simulator, service: Service) -> None:
    reference = await collect(simulator, service)
    await order(simulator, "wrong-failure")
    assert (await simulator.status(reference))["status"] == "FAILED"
    assert (await simulator.status(reference))["status"] == "PENDING"
    await simulator.post(f"/simulator/prompts/{(await simulator.prompt())['id']}", answer="approve")
    assert (await simulator.status(reference))["status"] == "SUCCESSFUL"


async def test_an_end_is_told_that_is_still_to_come(simulator: Simulator, service: Service) -> None:
    reference = await collect(simulator, service, "approve")
    await order(simulator, "wrong-time")
    lie, truth = [
        datetime.fromisoformat((await simulator.status(reference))["completed_at"]) for _ in range(2)
    ]
    assert lie - truth == timedelta(days=1)


async def test_a_seed_draws_the_same_troubles_again(service: Service, tmp_path: Path) -> None:
    references = [str(UUID(int=nth)) for nth in range(80)]  # the draw depends on them
    runs = []
    for nth in range(2):
        async with called(create_app(configured(service, tmp_path / str(nth)))) as simulator:
            await order(simulator, "any", seed="42", rate="0.5", on=trouble.STATUS, seconds="0.01")
            paths = [f"{BASE}/collections/{reference}" for reference in references]
            runs.append([(await simulator.http.get(path)).status_code for path in paths])
    assert runs[0] == runs[1]
    assert {404, 500, 403, 200, 307} <= set(runs[0]), "as if nothing was ordered, and four kinds of trouble"


async def test_chance_never_lies_about_money(simulator: Simulator, service: Service) -> None:
    reference = await collect(simulator, service, "approve")
    await order(simulator, "any", seed="7", on=trouble.STATUS, seconds="0")
    said = []
    for _ in range(200):
        answer = await simulator.http.get(f"{BASE}/collections/{reference}")
        if answer.status_code == 200 and answer.text != '{"status": "SUCC':
            said.append(answer.json())
        assert answer.status_code != 404
    assert {told["status"] for told in said} == {"SUCCESSFUL", money.UNSEEN}
    assert {told["amount"] for told in said} == {"2000", None}
    assert {told["phone"] for told in said} == {PHONE}


async def test_trouble_is_one_providers(simulator: Simulator, service: Service) -> None:
    await order(simulator, "error500", provider="another", count="9")
    await collect(simulator, service)
    await order(simulator, "error500", provider="simulated")
    answer = await simulator.http.get(f"{BASE}/collections/{uuid4()}")
    assert answer.status_code == 500
    await simulator.post("/simulator/trouble", 400, mode="any", rate="1")


# ---- the truth outside ----


async def test_the_journal_has_each_acceptance_and_each_end(
    simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    paid = await collect(simulator, service, "approve")
    declined = await collect(simulator, service, "decline")
    out = (await pay_out(simulator, service))["reference"]
    await order(simulator, "lost")
    await collect(simulator, service)
    assert [(line["reference"], line["direction"], line["state"]) for line in lines(tmp_path)] == [
        (paid, "in", "PENDING"),
        (paid, "in", "PAID"),
        (declined, "in", "PENDING"),
        (declined, "in", "FAILED"),
        (out, "out", "PENDING"),
        (out, "out", "PAID"),
    ]
    end = lines(tmp_path)[1]
    assert {name: end[name] for name in ("provider", "phone", "amount", "currency", "fee", "reason")} == {
        "provider": "simulated",
        "phone": PHONE,
        "amount": "2000",
        "currency": "XOF",
        "fee": "0",
        "reason": None,
    }


async def test_a_prompt_that_nobody_answered_has_its_end_in_the_journal(
    simulator: Simulator, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.simulated.WINDOW_S", 5.0)
    reference = await collect(simulator, service)
    assert (await ended(simulator, f"{BASE}/collections/{reference}"))["reason"] == "EXPIRED"
    assert (last(tmp_path)["state"], last(tmp_path)["reason"]) == ("FAILED", "EXPIRED")


async def test_nobody_is_answered_before_the_disk_has_the_line(
    simulator: Simulator, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, prompt = await collect(simulator, service), (await simulator.prompt())["id"]
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    await simulator.post(f"/simulator/prompts/{prompt}", answer="approve")
    assert synced == [(tmp_path / "money.jsonl").stat().st_size]

    def full(_file: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        await pay_out(simulator, service)
    assert (await simulator.status(reference))["status"] == "SUCCESSFUL"


async def test_what_a_killed_process_could_not_write_is_written_when_it_starts(
    service: Service, tmp_path: Path
) -> None:
    async with called(create_app(configured(service, tmp_path))) as simulator:
        await collect(simulator, service, "approve")
    written = lines(tmp_path)
    (tmp_path / "money.jsonl").unlink()
    async with called(create_app(configured(service, tmp_path))) as simulator:
        assert not (tmp_path / "money.jsonl").exists(), "a line that was written is not written again"
        open_db(tmp_path).execute("UPDATE money SET told = 0").connection.commit()
    async with called(create_app(configured(service, tmp_path))):
        again = lines(tmp_path)
    assert [line | {"at": ""} for line in again] == [line | {"at": ""} for line in written]


def open_db(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(data / "simulator.sqlite3")


async def test_a_statement_has_what_moved_and_what_was_kept(simulator: Simulator, service: Service) -> None:
    paid = await collect(simulator, service, "approve")
    await collect(simulator, service, "decline")
    await collect(simulator, service)
    out = (await pay_out(simulator, service, phone="+22870000002"))["reference"]
    await ended(simulator, f"{BASE}/payouts/{out}")
    text = (await simulator.http.get("/simulator/simulated/statement")).text
    head, *rows = [line.split(";") for line in text.splitlines()]
    assert head == ["date", "id", "payer", "amount", "currency", "note", "fee"]
    moved = sorted((row[2], row[3], row[5].split()[0]) for row in rows)
    assert moved == sorted([(PHONE, "2000", paid), ("", "-2000", out)])
    only = (await simulator.http.get("/simulator/simulated/statement?phones=%2B228")).text
    assert [line.split(";")[3] for line in only.splitlines()[1:]] == ["-2000"]
    assert (await simulator.http.get("/simulator/nobody/statement")).status_code == 404


def test_amounts_are_exact() -> None:
    for text in ("0.1", "12.5", "12.345", "999999999999.999", "2000", "1000000000000"):
        assert journal.decimal(journal.milli(text)) == text


async def test_a_dashboard_takes_no_address_elsewhere(simulator: Simulator) -> None:
    path = "/simulator/simulated/dashboard"
    await simulator.post(path, 400, account="key", notice_url="http://example.org/money")
    await simulator.post(path, account="key", notice_url="http://127.0.0.1:9/money")


async def test_it_rings_at_no_address_elsewhere(service: Service, tmp_path: Path) -> None:
    app = create_app(configured(service, tmp_path))
    async with called(app):
        for nth, url in enumerate(("http://example.org/money", "http://127.0.0.1:9/money")):
            order = money.MoneyOrder("simulated", money.IN, str(nth), str(nth), "5", "XOF", notice_url=url)
            money.accept(app.state.sim, order, None, money.Beginning(money.AT_ONCE))
        addresses = app.state.sim.db.execute("SELECT address FROM outgoing").fetchall()
    assert addresses == [{"address": "http://127.0.0.1:9/money"}]


async def test_an_older_store_is_begun_anew(service: Service, tmp_path: Path) -> None:
    db = open_db(tmp_path)
    db.execute("CREATE TABLE outgoing (position INTEGER PRIMARY KEY, address TEXT)")
    db.commit()
    db.close()
    async with called(create_app(configured(service, tmp_path))) as simulator:
        await collect(simulator, service, "approve")
        await service.wait_for(NOTICE)


async def test_a_client_that_follows_redirects_would_be_led_astray(
    served: Simulator, service: Service
) -> None:
    """What the trouble is for: the address that it leads to answers."""
    await order(served, "redirect", on=trouble.STATUS)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
        await client.get(f"{served.url}{BASE}/collections/{uuid4()}")
    assert len(service.to("/redirected")) == 1
