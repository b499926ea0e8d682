"""Where it is measured: engines of its own and single processes of the service, in a new directory on free ports.

A web process is started with the very options of `keneya run`; a test compares them.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import migrations
from bench import cores
from bench.cores import Core
from engines import processes, run
from engines.cluster import SERVICE_ROLE
from engines.embedded import Engines, start_engines
from torture import town

OPTIONS = (
    "--no-access-log",
    "--no-server-header",
    "--timeout-keep-alive",
    "75",
    "--timeout-graceful-shutdown",
    "5",
    "--loop",
    "uvloop",
    "--http",
    "service.http_limits:LimitedHttpTools",
)
PLAIN = (*OPTIONS[:-1], "httptools")  # what is measured beside web has uvicorn to itself
WEB = "webhooks:create_app"
PORT_HERE = "PORT"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
# A server that is to hold a book has more memory than the one of `keneya run`.
POSTGRES_SETTINGS = {"max_connections": "120", "shared_buffers": "2GB"}
POSTGRES_BIN, REDIS_BIN = (os.environ.get(name) for name in ("POSTGRES_BIN", "REDIS_BIN"))


class BenchPlaceError(Exception):
    """A process did not start: one line for a person."""


@dataclass(frozen=True)
class BenchPlace:
    """A founded mutuelle on running engines; the URLs hold passwords."""

    home: Path
    service_url: str
    owner_url: str
    redis_url: str
    superuser_url: str  # makes databases, and sets what only a superuser may set
    pids: Mapping[str, int]  # of the engines

    def pool(self, size: int) -> AsyncEngine:
        """`size` connections of the service's role, handed out as the worker's are; without its deadlines."""
        return create_async_engine(
            self.service_url,
            pool_size=size,
            max_overflow=0,
            pool_use_lifo=True,
            hide_parameters=True,
            pool_pre_ping=True,
        )


@dataclass(frozen=True)
class Served:
    """A process that answers."""

    port: int
    pid: int


@contextmanager
def engines_in(folder: Path) -> Iterator[BenchPlace]:
    """Engines with durable writes in a new directory below `folder`, which is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder, prefix="run-"))
    home.chmod(0o711)  # the user of root's servers passes through
    postgres_bin, redis_bin = (Path(given) if given else None for given in (POSTGRES_BIN, REDIS_BIN))
    try:
        with start_engines(
            home / "var", postgres_bin=postgres_bin, redis_bin=redis_bin, postgres_settings=POSTGRES_SETTINGS
        ) as engines:
            yield place_on(engines, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def place_on(engines: Engines, home: Path) -> BenchPlace:
    """Where they answer."""
    return BenchPlace(
        home=home,
        service_url=engines.url("service"),
        owner_url=engines.url("owner"),
        redis_url=engines.addresses.redis_url or "",
        superuser_url=engines.superuser_url,
        pids=engines.addresses.pids,
    )


async def found(place: BenchPlace) -> None:
    """The schema, and the mutuelle of the proofs."""
    await migrations.migrate(place.owner_url, SERVICE_ROLE)
    await town.found(place.owner_url, time_scale=1)


@asynccontextmanager
async def served(
    place: BenchPlace, application: str, core: Core = None, options: Sequence[str] = OPTIONS
) -> AsyncIterator[Served]:
    """One process of `application`, as `keneya run` starts web."""
    command = [sys.executable, "-m", "uvicorn", "--factory", application, "--host", processes.LOOPBACK]
    async with started(place, [*command, "--port", PORT_HERE, *options], core) as process:
        yield process


@asynccontextmanager
async def started(
    place: BenchPlace,
    command: Sequence[str],
    core: Core = None,
    *,
    more: Mapping[str, str] | None = None,
    ready: str = "/health/live",
) -> AsyncIterator[Served]:
    """One process of `command` on `core` for as long as it is needed; PORT_HERE in it becomes its port.

    `more` of its environment; it answers at the path `ready` once it is there.
    """
    given = environment(place) | dict(more or {})
    port = given["PORT"]
    log = place.home / f"{port}.log"
    with log.open("ab") as output, cores.on(core):
        child = processes.start(
            [port if word == PORT_HERE else word for word in command],
            output=output,
            directory=run.HOME,
            environment=given,
        )
    try:
        await _wait_for(f"http://{processes.LOOPBACK}:{port}{ready}", log)
        yield Served(int(port), child.pid)
    finally:
        await asyncio.to_thread(processes.stop, child, SIGTERM, STOP_TIMEOUT_S)


def environment(place: BenchPlace) -> dict[str, str]:
    """Of a process that is measured: as `make run` gives it; the owner's URL is for who writes past the service."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    urls = {"DATABASE_URL": place.service_url, "REDIS_URL": place.redis_url, "PORT": "0"}
    return run.with_defaults(kept | urls) | {"OWNER_URL": place.owner_url}


async def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
    raise BenchPlaceError(f"no answer within {START_TIMEOUT_S:g} s: {_last_line(log)}")


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it says nothing"])[-1]


async def check(database_url: str) -> list[str]:
    """`keneya check`: a line for each broken invariant, or one if it said nothing and failed."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "check", "--json"),
        cwd=run.HOME,
        env={"PATH": os.environ.get("PATH", ""), "DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, trouble = await child.communicate()
    try:
        findings = json.loads(told)
    except ValueError:
        return [trouble.decode(errors="replace").strip() or "no findings"]
    broken = [f"{found['name']}: {', '.join(found['offenders'])}" for found in findings if not found["holds"]]
    return broken or ([f"keneya check exits {child.returncode}"] if child.returncode else [])
