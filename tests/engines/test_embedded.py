"""The embedded engines: private, alone on their data, and gone with whoever started them."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engines import cluster, embedded, processes
from engines.cluster import EngineError
from engines.embedded import Engines, find_running
from tests.conftest import program
from tests.support.launching import ask, close, launch, start, wait_until


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


async def test_redis_wants_its_password_and_forgets_rather_than_grows(engines: Engines) -> None:
    url = engines.addresses.redis_url
    assert url
    async with Redis.from_url(url) as redis:
        assert await redis.config_get("maxmemory") == {"maxmemory": str(128 * 1024 * 1024)}
    async with Redis.from_url(url.replace(":" + url.split(":")[2].split("@")[0], "")) as stranger:
        with pytest.raises(RedisError):
            await stranger.ping()


def test_a_second_start_on_the_same_data_is_refused(data: Path) -> None:
    launcher = launch(data)
    try:
        with pytest.raises(EngineError, match=f"process {launcher.pid} already runs"):
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
    found = find_running(data)
    assert found
    os.kill(found.pids["postgres"], signal.SIGSTOP)  # it cannot hear yet that its launcher is gone
    close(launcher)
    assert cluster.is_locked(data), "a server of ours still has the data open"
    waking = threading.Timer(0.5, os.kill, (found.pids["postgres"], signal.SIGCONT))
    waking.start()
    with start(data) as engines:
        assert find_running(data) == engines.addresses
    waking.join()


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
    stranger = processes.start(["sleep", "60"])
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
    try:
        with start(data) as engines:
            assert engines.dead() == []
    finally:
        close(stranger)


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
