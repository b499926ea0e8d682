"""What must never leave by the back door: PINs, messages, names, numbers and keys, in logs, Redis or metrics.

Web, worker and simulator run here as `keneya run` starts them, talkative, and a whole walk goes through them.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import settings
from engines import run
from mutuelle import tables
from service import logs
from sms.tables import outbox
from tests.conftest import Database
from tests.support.gateway_forms import FORM, HOP, REPORT, SMS
from tests.support.patience import PATIENCE_S
from tests.support.running_service import logging_restored
from tests.support.town import AWA, VILLAGES, found_town

PIN = "40719911"
NAME = "Kadidia Zoumanigui"
WORDS = "MONPETITMESSAGE"
SECRET = "webhook-secret-of-the-privacy-tests-7f3a"
API_KEY = "api-key-of-the-privacy-tests-91be"
PHONES = (AWA, "+22376000007", "+22376000044")


@dataclass
class Running:
    """The processes, and what they have written so far."""

    http: httpx.AsyncClient
    folder: Path
    redis_url: str

    async def post(self, path: str, form: dict[str, str] | bytes) -> httpx.Response:
        body: Any = {"content": form} if isinstance(form, bytes) else {"data": form}
        return await self.http.post(f"/at/{SECRET}/{path}", headers={"content-type": FORM}, **body)

    async def get(self, path: str, **query: str) -> Any:
        return (await self.http.get(path, params=query)).json()

    def logs(self) -> dict[str, str]:
        return {file.stem: file.read_text() for file in (self.folder / "var" / "log").iterdir()}


@pytest.fixture
async def running(
    database: Database, redis_url: str, pool: AsyncEngine, tmp_path: Path
) -> AsyncIterator[Running]:
    """Web, worker and simulator as processes of their own on the engines of the tests."""
    await found_town(pool)
    environ = run.with_defaults(
        {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis_url,
            "WEBHOOK_SECRET": SECRET,
            "AT_API_KEY": API_KEY,
            "PORT": "0",
            "TIME_SCALE": "20",
            "LOG_LEVEL": "DEBUG",
            "PYTHONPATH": str(run.HOME),
        }
    )
    (tmp_path / "var" / "log").mkdir(parents=True)
    for program in ("worker.py", "web.py"):
        (tmp_path / program).symlink_to(run.HOME / program)
    with ExitStack() as undo:
        for service in run.services_of(environ, settings.read(environ), tmp_path):
            if "uvicorn" in service.command:  # web has its level from LOG_LEVEL
                service.command += ["--log-level", "debug"]
            undo.callback(service.stop)
            service.start()
        base = f"http://127.0.0.1:{environ['PORT']}"
        async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
            await until(lambda: answers(http))
            yield Running(http, tmp_path, redis_url)


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        about = await http.get("/simulator/about")
        return about.status_code == 200 and (await http.get("/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """What `found` gives, once it gives something."""
    limit = time.monotonic() + PATIENCE_S
    while not (seen := await found()):
        assert time.monotonic() < limit, "it did not happen in time"
        await asyncio.sleep(0.05)
    return seen


async def walk(running: Running) -> None:
    """Join, pay, receive, send and mistype: all that a day brings, a PIN in the wrong places among it."""
    call = {**HOP, "sessionId": "ATUid_privacy", "text": ""}
    screen = (await running.post("ussd", call)).text
    for typed in ("1", "1", PIN, f"{NAME} {PIN}", "45*38*12*7", "1", "1"):
        call["text"] += f"*{typed}" if call["text"] else typed
        screen = (await running.post("ussd", call)).text
    assert screen.startswith("END "), screen
    ended = call | {"input": call["text"], "status": "Success", "lastAppResponse": screen, "cost": "XOF 0.1"}
    assert (await running.post("ussd/ended", ended)).status_code == 200
    [prompt, *_more] = await until(lambda: running.get("/simulator/prompts", phone=AWA))
    await running.http.post(
        "/simulator/operator/trouble", data={"mode": "html", "on": "status", "count": "1"}
    )
    await running.http.post(f"/simulator/prompts/{prompt['id']}", data={"answer": "approve"})
    await until(lambda: running.get("/simulator/sms", to=AWA))
    await running.http.post("/simulator/sms/incoming", data={"from": AWA, "text": f"{WORDS} {PIN} {NAME}"})
    await trouble(running, call)


async def trouble(running: Running, call: dict[str, str]) -> None:
    """What makes the service write warnings: each with something in it that must not be written."""
    other = call | {"sessionId": "ATUid_other", "phoneNumber": PHONES[2]}
    for path, form in (
        ("ussd", other | {"text": "2"}),
        ("ussd", other | {"text": f"2*{PIN}"}),
        ("ussd", other | {"text": f"9*{PIN}*{NAME}"}),
        ("ussd", call | {"sessionId": "", "text": PIN}),
        ("ussd", f"sessionId=a&phoneNumber={AWA}&text={PIN}&text={PIN}".encode()),
        ("sms", SMS | {"from": "MTN", "text": f"{WORDS} {PIN}"}),
        ("sms", SMS | {"from": PHONES[2], "text": f"{WORDS} {PIN}"}),
        ("delivery", REPORT | {"status": "a word of tomorrow"}),
        ("delivery", REPORT | {"id": "x" * 3000, "phoneNumber": PHONES[2]}),
        ("optout", {"senderId": "KENEYA", "phoneNumber": f"{PHONES[2]} {NAME}"}),
        ("optout", {"senderId": "KENEYA", "phoneNumber": PHONES[2]}),
    ):
        assert (await running.post(path, form)).status_code == 200
    assert (await running.http.post(f"/at/{SECRET}x/ussd", data=call)).status_code == 404
    assert (await running.http.post("/money/simulated/none", content=PIN.encode())).status_code == 404


def told(text: str, names: list[str], bodies: list[str]) -> list[str]:
    """What must not be in `text` and is; phone numbers in whatever way they are grouped."""
    words = [PIN, WORDS, SECRET, API_KEY, *NAME.split(), *names, *bodies]
    digits = re.sub(r"(?<=[0-9])[ .()-]+(?=[0-9])", "", text)
    return [word for word in words if word in text] + [phone for phone in PHONES if phone[-8:] in digits]


async def names_and_bodies(pool: AsyncEngine) -> tuple[list[str], list[str]]:
    async with pool.connect() as db:
        officers = list(await db.scalars(select(tables.officer.c.name)))
        return officers, list(await db.scalars(select(outbox.c.body)))


async def test_after_a_whole_walk_nothing_private_is_in_logs_redis_or_metrics(
    running: Running, pool: AsyncEngine, owner: AsyncEngine
) -> None:
    await walk(running)
    scraped = (await running.http.get("/metrics")).text
    names, bodies = await names_and_bodies(pool)
    assert len(bodies) >= 1
    written = running.logs()
    assert set(written) == {"web", "worker", "simulator"}
    for event in ("hop.diverged", "sms_in_dropped", "webhook.doubled_field", "sms_report_unknown_word"):
        assert event in written["web"], "the walk is in the logs"
    assert "payment.answer" in written["worker"]
    assert {
        name: told(text, names, bodies) for name, text in written.items() if told(text, names, bodies)
    } == {}
    assert told(scraped, names, bodies) == []
    async with Redis.from_url(running.redis_url) as redis:
        held = {str(key): str(await redis.get(key)) for key in await redis.keys("*")}
    assert any("ATUid_privacy" in key for key in held)
    assert [key for key, value in held.items() if PIN in key + value] == []
    assert await tables_with(owner, PIN) == ["public.sms_inbox"], "where a member's own SMS is kept"


async def tables_with(owner: AsyncEngine, words: str) -> list[str]:
    """The tables that hold `words` anywhere."""
    async with owner.connect() as db:
        names = await db.scalars(
            text(
                "select schemaname || '.' || tablename from pg_tables"
                " where schemaname in ('public', 'ledger') order by 1"
            )
        )
        found = {
            name: await db.scalar(
                text(f"select count(*) from {name} as kept where kept::text like :words"),
                {"words": f"%{words}%"},
            )
            for name in list(names)
        }
    return [name for name, count in found.items() if count]


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """What this process would log as web and worker do, talkative."""
    with logging_restored():
        written = StringIO()
        logs.configure("DEBUG", written)
        yield written


async def test_a_fault_of_the_database_does_not_tell_whose_row_it_was(
    stream: StringIO, database: Database, pool: AsyncEngine
) -> None:
    """A constraint that is broken makes PostgreSQL quote the row, and the SDK of a driver quotes PostgreSQL."""
    await found_town(pool)
    engine = create_async_engine(database.url, hide_parameters=True)
    row = {"mutuelle_id": "BEN", "number": "x", "head_name": NAME, "place_id": "v1", "enrolled_at": None}
    try:
        async with engine.begin() as db:
            await db.execute(insert(tables.household), row)
    except Exception:
        logging.getLogger("keneya.worker").exception("worker.round_failed")
    finally:
        await engine.dispose()
    assert "worker.round_failed" in stream.getvalue()
    assert told(stream.getvalue(), [*VILLAGES], []) == []
