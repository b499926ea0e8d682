"""The embedded engines: private, alone on their data, and gone with whoever started them."""

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import cluster
import embedded
import processes
from embedded import EngineFault, Engines, find_running
from processes import Identity
from tests.conftest import program

ROOT = os.geteuid() == 0
GONE_TIMEOUT_S = 15

LAUNCHER = """
import os, pathlib, sys
from embedded import start_engines
from tests.conftest import program
with start_engines(
    pathlib.Path(sys.argv[1]), postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN"), durable=False
):
    print(os.geteuid(), flush=True)
    sys.stdin.read()
"""


def start(data: Path, *, durable: bool = False) -> Engines:
    """The engines under test, with the programs that the whole run was asked to use."""
    return embedded.start_engines(
        data, postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN"), durable=durable
    )


def launch(data: Path, identity: Identity = processes.OURSELVES) -> subprocess.Popen[bytes]:
    """Another process that starts engines on `data` and holds them; it answers with its user id."""
    launcher = processes.start(
        [sys.executable, "-c", LAUNCHER, str(data)],
        identity=identity,
        output=subprocess.PIPE,
        directory=Path(__file__).parents[1],
        piped_input=True,
    )
    assert launcher.stdout
    answer = launcher.stdout.readline().decode()
    assert answer.strip().isdigit(), answer + launcher.stdout.read().decode()
    return launcher


def close(launcher: subprocess.Popen[bytes]) -> None:
    """What a test leaves behind must not linger."""
    launcher.kill()
    launcher.wait()
    for pipe in (launcher.stdin, launcher.stdout):
        if pipe:
            pipe.close()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what other processes do; it must happen within GONE_TIMEOUT_S."""
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def ask(engines_url: str | None, statement: str) -> object:
    """One statement in a transaction of its own, and the first cell of its answer."""
    assert engines_url
    engine = create_async_engine(engines_url, poolclass=NullPool)
    try:
        async with engine.begin() as db:
            answer = await db.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that is not there yet."""
    folder = Path(tempfile.mkdtemp(prefix="keneya-engines-"))
    yield folder / "var"
    if (folder / "var" / "engines.lock").exists():
        wait_until(lambda: not cluster.is_locked(folder / "var"))
    shutil.rmtree(folder)


async def test_postgres_is_set_up_for_keeping_money(data: Path) -> None:
    with start(data, durable=True) as engines:
        url = engines.addresses.database_url
        shown = {
            name: await ask(url, f"show {name}")
            for name in ("fsync", "data_checksums", "server_encoding", "listen_addresses", "timezone")
        }
        assert await ask(engines.superuser_url, "show data_directory") == str(data / "postgres")
    assert shown == {
        "fsync": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "timezone": "UTC",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "create role mine",
        "create table mine (a int)",
        "create schema mine",
        "alter role keneya_service createdb",
    ],
)
async def test_the_services_role_makes_nothing(engines: Engines, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await ask(engines.addresses.database_url, statement)


async def test_no_role_enters_without_its_password(engines: Engines) -> None:
    url = make_url(engines.superuser_url).set(password="guessed")
    with pytest.raises(Exception, match="password authentication failed"):
        await ask(url.render_as_string(hide_password=False), "select 1")


async def test_redis_wants_its_password_and_forgets_rather_than_grows(engines: Engines) -> None:
    url = engines.addresses.redis_url
    assert url
    async with Redis.from_url(url) as redis:
        assert await redis.config_get("maxmemory") == {"maxmemory": str(128 * 1024 * 1024)}
    async with Redis.from_url(url.replace(":" + url.split(":")[2].split("@")[0], "")) as stranger:
        with pytest.raises(RedisError):
            await stranger.ping()


def test_nobody_else_reads_what_is_on_disk_or_in_the_process_list(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AT_API_KEY", "a-key-of-ours")
    with start(data) as engines:
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for name in ("engines.json", "passwords.json"):
            assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
        passwords = json.loads((data / "passwords.json").read_text())
        assert len(set(passwords.values())) == 3
        secrets = [*passwords.values(), str(engines.addresses.redis_url).split("@")[0], "a-key-of-ours"]
        for pid in engines.addresses.pids.values():
            seen = subprocess.run(
                ["ps", "eww", "-o", "args", "-p", str(pid)], capture_output=True, check=True
            )
            assert not [secret for secret in secrets if secret in seen.stdout.decode()]
    assert not (data / "engines.json").exists()


def test_a_second_start_on_the_same_data_is_refused(data: Path) -> None:
    launcher = launch(data)
    try:
        with pytest.raises(EngineFault, match=f"process {launcher.pid} already runs"):
            start(data)
    finally:
        close(launcher)


def test_a_running_pair_is_found_and_a_stopped_one_is_not(data: Path) -> None:
    assert find_running(data) is None
    assert not data.exists(), "looking must not make anything"
    with start(data) as engines:
        assert find_running(data) == engines.addresses
    assert find_running(data) is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_engines_end_with_their_launcher_and_the_next_start_has_the_data(
    data: Path, how: signal.Signals
) -> None:
    launcher = launch(data)
    try:
        found = find_running(data)
        assert found
        assert found.launcher == launcher.pid
        await ask(found.migrate_database_url, "create table paid (amount int)")
        await ask(found.migrate_database_url, "insert into paid values (6000)")
        launcher.send_signal(how)
        launcher.wait()
        wait_until(lambda: not cluster.is_locked(data))
    finally:
        close(launcher)
    with start(data) as engines:
        assert await ask(engines.addresses.migrate_database_url, "select amount from paid") == 6000


def test_a_start_waits_for_engines_that_are_on_their_way_out(data: Path) -> None:
    launcher = launch(data)
    close(launcher)  # killed: nothing has told the engines yet when we come
    with start(data) as engines:
        assert find_running(data) == engines.addresses


async def test_killed_engines_come_back_on_the_same_port_with_their_data(data: Path) -> None:
    with start(data, durable=True) as engines:
        before = engines.addresses
        await ask(before.migrate_database_url, "create table paid (amount int)")
        await ask(before.migrate_database_url, "insert into paid values (6000)")
        for pid in before.pids.values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(engines.dead()) == 2)
        engines.start()
        assert engines.dead() == []
        assert engines.addresses.database_url == before.database_url
        assert engines.addresses.redis_url == before.redis_url
        assert await ask(before.migrate_database_url, "select amount from paid") == 6000
        assert find_running(data) == engines.addresses


def test_a_stale_pid_file_that_names_a_living_process_does_not_block_the_start(data: Path) -> None:
    with start(data) as engines:
        pid_file = Path(engines.addresses.data_directory) / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with start(data) as engines:
        assert engines.dead() == []


def test_a_first_start_that_was_interrupted_is_begun_again(data: Path) -> None:
    (data / "postgres.new" / "base").mkdir(parents=True)
    with start(data):
        assert not (data / "postgres.new").exists()


def test_a_port_that_another_program_took_meanwhile_is_replaced(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as thief:
        thief.bind((processes.LOOPBACK, 0))
        thief.listen()
        taken: int = thief.getsockname()[1]
        free = [taken, processes.free_port(), taken, processes.free_port()]
        monkeypatch.setattr(processes, "free_port", lambda: free.pop(0))
        with start(data) as engines:
            assert str(taken) not in f"{engines.addresses.database_url} {engines.addresses.redis_url}"


def test_only_the_engine_that_is_missing_is_started(data: Path) -> None:
    with embedded.start_engines(data, redis_bin=program("REDIS_BIN"), wanted=["redis"]) as engines:
        assert engines.addresses.database_url is None
        assert list(engines.addresses.pids) == ["redis"]


def test_data_of_another_major_version_are_left_alone(data: Path) -> None:
    with start(data) as engines:
        version = Path(engines.addresses.data_directory) / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(EngineFault, match=r"made by PostgreSQL 9, .* set POSTGRES_BIN"):
        start(data)


def test_a_program_that_is_not_there_is_named(data: Path) -> None:
    with pytest.raises(EngineFault, match="/nowhere/postgres is not a program"):
        embedded.start_engines(data, postgres_bin=Path("/nowhere"))


def test_engines_are_not_started_from_a_thread_that_may_end_first(data: Path) -> None:
    faults: list[str] = []

    def attempt() -> None:
        try:
            start(data)
        except RuntimeError as fault:
            faults.append(str(fault))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert faults == ["children are started from the main thread: they die with the thread"]


def test_a_plain_user_runs_them(data: Path) -> None:
    identity = processes.unprivileged()
    if processes.changes_user(identity):
        data.parent.chmod(0o755)
        shutil.chown(data.parent, identity.uid, identity.gid)
    launcher = launch(data, identity)
    try:
        assert find_running(data)
    finally:
        close(launcher)


async def test_they_run_below_a_directory_that_nobody_else_may_enter(data: Path) -> None:
    data.parent.chmod(0o700)
    with start(data) as engines:
        assert await ask(engines.addresses.database_url, "select 1") == 1
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700, "no parent is opened to others"


@pytest.mark.parametrize("programs_reachable", [True, False])
async def test_root_without_user_namespaces_works_elsewhere_and_leaves_a_pointer(
    data: Path, monkeypatch: pytest.MonkeyPatch, programs_reachable: bool
) -> None:
    with start(data) as engines:  # before: root's own data, which must move along
        await ask(engines.addresses.migrate_database_url, "create table kept (a int)")
    elsewhere = data.parent.parent / f"{data.parent.name}-reachable"
    elsewhere.mkdir(mode=0o755)
    monkeypatch.setattr(cluster, "REACHABLE_ROOT", elsewhere)
    monkeypatch.setattr(processes, "_enter_namespace", refuse)
    if not programs_reachable:
        monkeypatch.setattr(processes, "can_start", lambda command, identity: False)
    try:
        for _ in range(2):  # the second time by its pointer
            with start(data) as engines:
                await ask(engines.addresses.migrate_database_url, "select a from kept")
                place = engines.addresses.data_directory
                assert place.startswith(str(elsewhere if ROOT else data))
                assert os.stat(place).st_uid == (pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid())
        assert (data / "postgres.at").exists() == ROOT
    finally:
        shutil.rmtree(elsewhere)


def refuse(identity: Identity) -> None:
    """A system that gives no user namespace, as most containers do."""
    raise OSError
