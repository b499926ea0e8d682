"""Web and worker refuse to start where they could do harm: exit code 2, a line a fault, no traceback."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import cli
import migrations
import settings
import web
import worker
from engines import processes, run
from tests.conftest import Database
from tests.support.launching import wait_until
from tests.support.patience import PATIENCE_S
from tests.support.running_service import SECRET
from tests.support.town import AWA, NOON, found_town, join, unroute

# as Procfile starts them
WEB = ["web.py"]
WORKER = ["worker.py"]
each = pytest.mark.parametrize("process", [WEB, WORKER], ids=["web", "worker"])


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """What a process of real money is started with."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": SECRET,
        "SEAL_KEY": SECRET[::-1],
        "AT_USERNAME": "keneya",
        "AT_API_KEY": "key-of-the-tests",
    }


@each
async def test_no_process_starts_as_the_owner_of_the_tables(
    database: Database, redis_url: str, process: list[str]
) -> None:
    code, told = refusal(process, environment(database.owner_url, redis_url))
    assert code == 2, told
    assert "Traceback" not in told
    assert "only migrations may be the owner" in told


@pytest.mark.parametrize("process", [WEB, WORKER, ["-m", "cli", "web"], ["-m", "cli", "worker"]], ids=str)
def test_wrong_settings_end_a_process_with_a_line_each(process: list[str]) -> None:
    code, told = refusal(process, {"SIMULATOR": "maybe"})
    assert code == 2, told
    names = ["DATABASE_URL", "REDIS_URL", "WEBHOOK_SECRET", "SEAL_KEY", "AT_USERNAME"]
    names += ["AT_API_KEY", "SIMULATOR"]
    assert sorted(line.partition(":")[0] for line in told.splitlines()) == sorted(names)


@each
async def test_no_process_of_real_money_starts_with_a_route_to_the_simulated_operator(
    database: Database, pool: AsyncEngine, redis_url: str, process: list[str]
) -> None:
    await found_town(pool)
    code, told = refusal(process, environment(database.url, redis_url))
    assert code == 2, told
    assert "Traceback" not in told
    assert told.splitlines() == [
        "the route of BEN for ML leads to simulated, which cannot be asked from here without SIMULATOR=1: "
        "keneya route remove --mutuelle BEN --country ML"
    ]


@each
async def test_no_process_leaves_a_payment_without_an_answer(
    database: Database, pool: AsyncEngine, redis_url: str, process: list[str]
) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    await unroute(pool)
    code, told = refusal(process, environment(database.url, redis_url))
    assert (code, told) == (
        2,
        "payments wait for the answer of simulated, which cannot be asked from here without SIMULATOR=1: 1; "
        "keep its settings until they are settled\n",
    )


@pytest.mark.parametrize("process", [WEB, WORKER], ids=["web", "worker"])
async def test_no_process_starts_on_a_schema_that_is_older_than_it(
    database: Database, owner: AsyncEngine, redis_url: str, process: list[str]
) -> None:
    async with owner.begin() as db:
        await db.execute(text("drop table alembic_version"))
    needed = migrations.newest()
    complaint = f"the schema's version is none, this program needs {needed}: run `keneya migrate` first"
    assert refusal(process, environment(database.url, redis_url)) == (2, f"{complaint}\n")


@pytest.mark.parametrize(
    ("process", "absent"), [(WEB, "server"), (WORKER, "database")], ids=["web", "worker"]
)
def test_without_a_database_a_process_says_so_in_a_line(
    database: Database, process: list[str], absent: str, redis_url: str
) -> None:
    nobody = f"postgresql://service@127.0.0.1:{processes.free_port()}/keneya"
    nowhere = {"server": nobody, "database": f"{database.url}_absent"}[absent]
    code, told = refusal(process, environment(nowhere, redis_url))
    assert code == 1, told
    assert told.startswith("cannot reach the database: "), told
    assert len(told.splitlines()) == 1, told


@pytest.fixture
async def first_day(database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `docs/start` ships is imported as typed, into an empty database; the settings are those of real money."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    imported = await asyncio.to_thread(cli.main, ["import", str(run.HOME / "docs" / "start")])
    assert imported == 0
    return environment(database.url, redis_url)


async def test_the_worker_starts_on_what_the_examples_say(
    first_day: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "keneya.worker")
    stop = asyncio.Event()
    stop.set()  # it ends after its start: a round would write to the real gateway
    await worker.work(settings.read(first_day), stop)
    assert [record.message for record in caplog.records] == ["worker.started", "worker.stopped"]


def test_web_starts_on_what_the_examples_say_and_listens_on_the_loopback_alone(
    first_day: dict[str, str],
) -> None:
    port, form = processes.free_port(), {"phoneNumber": AWA, "sessionId": "ATUid_1", "networkCode": "1"}
    dialled = {**form, "serviceCode": "*384*57#", "text": "1*1*Awa Koné*45 38*2"}
    with (
        procfile("web", first_day | {"PORT": str(port)}) as web,
        httpx.Client(trust_env=False, timeout=PATIENCE_S, base_url=f"http://127.0.0.1:{port}") as http,
    ):
        wait_until(lambda: web.poll() is not None or is_ready(http))
        assert web.poll() is None
        assert (
            "13 000 F en espèces. Awa Koné, Finkolo, 2 personnes"
            in http.post(f"/at/{SECRET}/ussd", data=dialled).text
        )
        assert listening(port) == ["127.0.0.1"]


def listening(port: int) -> list[str]:
    """The addresses on which somebody of this machine listens at `port`."""
    sockets = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    found = [
        local.split(":")[0]
        for local, _peer, state in sockets
        if local.endswith(f":{port:04X}") and state == "0A"
    ]
    return [str(ip_address(bytes.fromhex(address)[::-1])) for address in found]


def is_ready(http: httpx.Client) -> bool:
    try:
        return bool(http.get("/health/ready").json()["status"] == "ready")
    except httpx.HTTPError:
        return False


def line_of(name: str) -> str:
    """The command of a process in `Procfile`."""
    lines = dict(line.split(": ", 1) for line in (run.HOME / "Procfile").read_text().splitlines())
    return lines[name]


@contextmanager
def procfile(name: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process as its line of `Procfile` starts it."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    child = subprocess.Popen(
        ["sh", "-c", f"exec {line_of(name)}"],
        cwd=run.HOME,
        env=processes.plain_environment() | {"PATH": path} | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(PATIENCE_S)


def test_web_says_in_a_line_that_an_address_is_taken(database: Database, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name in ("PORT", "METRICS_PORT"):
            environ = {"PORT": "0"} | environment(database.url, redis_url) | {name: port}
            code, told = refusal(WEB, environ)
            assert (code, len(told.splitlines())) == (1, 1), told
            assert f"cannot listen: 127.0.0.1:{port} (" in told


def refusal(process: list[str], environ: dict[str, str]) -> tuple[int, str]:
    """The exit code and the words of a process that does not want to start."""
    ended = subprocess.run(
        [sys.executable, *process],
        cwd=run.HOME,
        env=processes.plain_environment() | environ,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_web_that_is_not_ready_refuses_a_call_so_that_the_front_asks_another() -> None:
    with web.bound("127.0.0.1", 0) as own, pytest.raises(ConnectionRefusedError):
        socket.create_connection(own.getsockname(), timeout=PATIENCE_S)
