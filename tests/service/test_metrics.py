"""What Prometheus reads: well formed, moving with what happens, and honest when the tables cannot be read."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import timing
import web
from mutuelle import tables
from mutuelle.schedules.jobs import OF_MUTUELLE, begin_schedules
from mutuelle.schedules.reminders.run import REMINDERS
from mutuelle.schedules.schedules import NewSchedule, Schedule, add_schedule, run_due
from service import metrics
from sms import africastalking
from sms.inbox import store_sms
from tests.conftest import Database
from tests.support.gateway_forms import HOP, kept, post
from tests.support.ledger_scene import open_chart, paid, posted
from tests.support.running_service import House, WirePhone, housed
from tests.support.town import AWA, found_town, join

Sample = tuple[str, str]


def samples(text: str) -> Mapping[Sample, float]:
    """Every value by its name and its only label (empty without one)."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened a moment ago is told."""
    monkeypatch.setattr(metrics, "SAMPLE_EVERY_S", 0.0)
    monkeypatch.setattr(metrics, "REST", 0)


async def scrape(house: House) -> Mapping[Sample, float]:
    answer = await house.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return samples(answer.text)


async def test_every_family_is_told_once_with_its_help(house: House) -> None:
    text = (await house.http.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert all(family.documentation for family in families)
    ours = {name for name in names if name.startswith("keneya_")}
    assert ours >= {"keneya_ussd_hops", "keneya_ussd_hop_seconds", "keneya_payments", "keneya_database_up"}
    assert "process_resident_memory_bytes" in names
    told = samples(text)
    assert told["keneya_database_bytes", ""] > 1_000_000
    assert told["keneya_disk_free_bytes", ""] > 0
    assert told["keneya_log_lines_lost", ""] >= 0


async def test_hops_and_ends_of_calls_are_counted(house: House) -> None:
    before = await scrape(house)
    phone = WirePhone(house)
    await phone.dial()
    await phone.type("8")
    await post(house, "ussd", HOP | {"phoneNumber": "MTN"})
    for status in ("Success", "Incomplete", "Incomplete", "a word of tomorrow", AWA):
        await post(house, "ussd/ended", {"status": status, "input": "1*4071"})
    after = await scrape(house)

    def moved(name: str, label: str = "") -> float:
        return after[name, label] - before.get((name, label), 0)

    assert moved("keneya_ussd_hops_total", "con") == 2
    assert moved("keneya_ussd_hops_total", "end") == 1
    assert moved("keneya_ussd_hop_seconds_count") == 3
    assert 0 < moved("keneya_ussd_hop_seconds_sum") < 10
    ends = {
        label: moved("keneya_ussd_calls_ended_total", label) for label in ("Success", "Incomplete", "other")
    }
    assert ends == {"Success": 1, "Incomplete": 2, "other": 2}


def test_hops_are_counted_by_the_time_they_took() -> None:
    hops = metrics._Hops()
    for seconds in (0.01, 0.011, 30.0):
        hops.count(False, seconds)
    told = {s.labels["le"]: s.value for family in hops.collect() for s in family.samples if "le" in s.labels}
    assert [told[limit] for limit in ("0.01", "0.025", "10.0", "+Inf")] == [1, 2, 2, 3]


async def test_a_hop_that_is_nobodys_is_not_counted(house: House) -> None:
    before = await scrape(house)
    await post(house, "ussd", HOP, "a wrong secret")
    assert (await scrape(house)).get(("keneya_ussd_hops_total", "con")) == before.get(
        ("keneya_ussd_hops_total", "con")
    )


async def test_payments_are_told_by_state_and_a_state_left_is_told_no_more(house: House) -> None:
    assert ("keneya_payments", "ASKED") not in await scrape(house)
    await join(house.pool, AWA, at=datetime.now(UTC) - timedelta(minutes=1))
    asked = await scrape(house)
    assert asked["keneya_payments", "ASKED"] == 1
    assert asked["keneya_payment_cases_open", ""] == 0
    assert asked["keneya_payment_oldest_open_seconds", ""] >= 60
    await house.prompt()
    sent = await scrape(house)
    assert ("keneya_payments", "ASKED") not in sent
    [payment] = await kept(house.pool, tables.payment)
    assert sent["keneya_payments", payment.state] == 1


async def test_without_the_database_only_what_this_process_knows_is_told(pool: AsyncEngine) -> None:
    told = samples((await metrics.exposition(metrics.Sampler(pool)))[0].decode())
    assert told["keneya_database_up", ""] == 1
    assert ("keneya_payment_cases_open", "") in told
    gone = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    left = samples((await metrics.exposition(metrics.Sampler(gone)))[0].decode())
    await gone.dispose()
    assert left["keneya_database_up", ""] == 0
    assert ("keneya_payment_cases_open", "") not in left, "what was read once is not told as if it were now"
    assert ("keneya_ussd_hop_seconds_count", "") in left


async def read_by_tables(pool: AsyncEngine) -> Mapping[Sample, float]:
    return samples((await metrics.exposition(metrics.Sampler(pool)))[0].decode())


async def test_what_is_past_its_hour_is_overdue_also_where_it_is_tried_again_and_again(
    pool: AsyncEngine,
) -> None:
    async def broken(_db: AsyncConnection, _found: Schedule, _now: datetime) -> int:
        raise RuntimeError("a fault of ours")

    await found_town(pool)
    now = datetime.now(UTC)
    async with pool.begin() as db:
        new = NewSchedule("BEN", REMINDERS, OF_MUTUELLE, "0 * * * *", "UTC")
        await add_schedule(db, new, timing.Clock.at(now - timedelta(hours=2), 2.0))
    assert (await read_by_tables(pool))["keneya_schedules_overdue", ""] == 1
    assert await run_due(pool, {REMINDERS: broken}, begin_schedules, timing.Clock.at(now, 2.0)) == 1
    assert (await read_by_tables(pool))["keneya_schedules_overdue", ""] == 1, (
        "it failed, and waits for its next try"
    )


async def test_messages_that_came_in_are_told_by_state_and_age(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        form = {"id": "ATXid_in_1", "from": AWA, "text": "couverture", "to": "38457"}
        await store_sms(db, africastalking, form, datetime.now(UTC) - timedelta(minutes=1))
    seen = await read_by_tables(pool)
    assert seen["keneya_sms_in", "WAITING"] == 1
    assert 60 <= seen["keneya_sms_in_oldest_seconds", ""] < 120


async def test_what_no_seal_holds_yet_is_told_by_its_age(house: House) -> None:
    """The worker's own round seals it: the terms of what is sold first."""
    assert await house.rounds["seal"]() == 1
    assert (await scrape(house))["keneya_seal_lag_seconds", ""] == 0
    await open_chart(house.pool)
    await posted(house.pool, paid("1"))
    await asyncio.sleep(0.01)
    assert 0.01 <= (await scrape(house))["keneya_seal_lag_seconds", ""] < 60
    assert await house.rounds["seal"]() == 1
    assert (await scrape(house))["keneya_seal_lag_seconds", ""] == 0


# Who may ask, and how often the tables are read.


async def test_however_often_they_are_asked_the_tables_are_read_once_in_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scrape(house)
    monkeypatch.setattr(metrics, "SAMPLE_EVERY_S", 60.0)
    first = await scrape(house)
    await join(house.pool, AWA, at=datetime.now(UTC))
    reads = counted(monkeypatch)
    answers = await asyncio.gather(*(scrape(house) for _nth in range(20)))
    assert reads == []
    assert {told.get(("keneya_payments", "ASKED")) for told in answers} == {
        first.get(("keneya_payments", "ASKED"))
    }
    hops = [told["keneya_ussd_hop_seconds_count", ""] for told in answers]
    await post(house, "ussd", HOP)
    assert (await scrape(house))["keneya_ussd_hop_seconds_count", ""] == max(hops) + 1, (
        "the process's own at once"
    )


def counted(monkeypatch: pytest.MonkeyPatch) -> list[AsyncEngine]:
    reads: list[AsyncEngine] = []
    really = metrics._read_tables

    async def read(pool: AsyncEngine) -> None:
        reads.append(pool)
        await really(pool)

    monkeypatch.setattr(metrics, "_read_tables", read)
    return reads


async def test_what_takes_long_is_done_once_for_all_who_ask_and_then_left_alone_for_long(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "PATIENCE_S", 0.05)
    monkeypatch.setattr(metrics, "REST", 50)
    sampler, reads, go_on = metrics.Sampler(pool), [0], asyncio.Event()

    async def slow(_pool: AsyncEngine) -> None:
        reads[0] += 1
        await go_on.wait()

    monkeypatch.setattr(metrics, "_read_tables", slow)
    told = await asyncio.gather(*(metrics.exposition(sampler) for _nth in range(5)))
    assert reads == [1]
    assert all(b"keneya_database_up 0.0" in body for body, _type in told), "nothing was read yet"
    await asyncio.sleep(0.1)
    go_on.set()
    await sampler.sample()
    assert sampler.up
    assert sampler.next_at > time.monotonic() + 5, "fifty times what it took"
    await sampler.sample()
    assert reads == [1]


async def test_hops_and_metrics_share_no_connection_to_postgresql(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = counted(monkeypatch)
    await scrape(house)
    [sampled] = reads
    assert sampled.pool.size() == 1  # type: ignore[attr-defined]
    assert sampled is not house.pool


async def test_only_this_machine_reads_them_on_the_port_of_hops(house: House) -> None:
    nowhere = await house.http.get("/nowhere")
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        passed_on = await house.http.get("/metrics", headers={name: "127.0.0.1"})
        assert (passed_on.status_code, passed_on.content) == (404, nowhere.content), name


async def test_they_have_a_port_of_their_own_where_one_is_set(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> None:
    """The same process on two ports, as web.py opens them."""
    bound = web.bound("127.0.0.1", 0)
    port = bound.getsockname()[1]
    async with housed(database.url, redis_url, tmp_path, pool, beside=bound, METRICS_PORT=str(port)) as house:
        assert (await house.http.get("/metrics")).status_code == 404
        async with httpx.AsyncClient(trust_env=False) as http:
            assert "keneya_ussd_hops_total" in (await http.get(f"http://127.0.0.1:{port}/metrics")).text
