"""A Redis that is not alone: a replica behind it, and three sentinels that choose the next master by themselves."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engines import processes
from engines.embedded import MEMORY_LIMIT, Engines

NAME = "keneya"
SENTINELS, QUORUM = 3, 2
PATIENCE_S = 60.0
SENTINEL = """
bind {host}
port {port}
sentinel monitor {name} {host} {master} {quorum}
sentinel auth-pass {name} {password}
sentinel down-after-milliseconds {name} 1000
sentinel failover-timeout {name} 5000
"""
REPLICA = """
bind {host}
port {port}
requirepass {password}
masterauth {password}
replicaof {host} {master}
maxmemory {memory}
maxmemory-policy volatile-ttl
save ""
appendonly no
"""


@dataclass(frozen=True)
class RedisGroup:
    """Where the sentinels answer, and the master's password."""

    ports: tuple[int, ...]
    password: str

    @property
    def url(self) -> str:
        """As REDIS_URL names them."""
        hosts = ",".join(f"{processes.LOOPBACK}:{port}" for port in self.ports)
        return f"redis+sentinel://:{self.password}@{hosts}/{NAME}"

    async def master(self) -> int:
        """The port of the one that the first sentinel calls the master now."""
        _host, port = await _said(self.ports[0], None, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return int(port)


@asynccontextmanager
async def group_of(engines: Engines) -> AsyncIterator[RedisGroup]:
    """A replica and sentinels of the Redis of `engines`; ready when all know of each other."""
    url = urlsplit(engines.addresses.redis_url or "")
    master, replica, password = url.port or 0, processes.free_port(), str(url.password)
    facts: dict[str, Any] = {"host": processes.LOOPBACK, "master": master, "password": password}
    await _said(master, password, "CONFIG", "SET", "repl-diskless-sync-delay", "0")
    program, ports = str(engines.place.programs.redis_server), _ports()
    children = [_start(engines, [program, "-"], _folder(engines, "replica"))]
    processes.tell(children[0], REPLICA.format(port=replica, memory=MEMORY_LIMIT, **facts))
    try:
        await _until(replica, password, "INFO", "replication", holds="master_link_status:up")
        for port in ports:
            told = SENTINEL.format(port=port, name=NAME, quorum=QUORUM, **facts)
            folder = _folder(engines, f"sentinel-{port}")
            (folder / "conf").write_text(told)
            os.chown(folder / "conf", engines.place.identity.uid, engines.place.identity.gid)
            children.append(_start(engines, [program, "conf", "--sentinel"], folder))
        known = f"slaves=1,sentinels={SENTINELS}"
        for port in ports:
            await _until(port, None, "INFO", "sentinel", holds=known)
        yield RedisGroup(ports, password)
    finally:
        for child in reversed(children):
            processes.stop(child, signal.SIGTERM, PATIENCE_S)


def _ports() -> tuple[int, ...]:
    return tuple(processes.free_port() for _ in range(SENTINELS))


def _folder(engines: Engines, name: str) -> Path:
    """A directory of a server's own: a replica writes the copy there, a sentinel what it learns."""
    folder, owner = engines.place.root / name, engines.place.identity
    folder.mkdir(mode=0o700)
    os.chown(folder, owner.uid, owner.gid)
    return folder


def _start(engines: Engines, command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    return processes.start(
        command,
        identity=engines.place.identity,
        output=subprocess.DEVNULL,
        directory=folder,
        environment=processes.plain_environment(),
        piped_input=command[-1] == "-",
    )


async def _said(port: int, password: str | None, *command: str) -> Any:
    async with Redis(host=processes.LOOPBACK, port=port, password=password, decode_responses=True) as redis:
        redis.response_callbacks.clear()  # the answer as it came
        return await redis.execute_command(*command)


async def _until(port: int, password: str | None, *command: str, holds: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if holds in await _said(port, password, *command):
                    return
            except (RedisError, OSError):  # it is starting
                pass
            await asyncio.sleep(0.1)
