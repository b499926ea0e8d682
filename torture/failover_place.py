"""Two of each: web, worker, PostgreSQL with a synchronous standby, Redis with a replica and three sentinels."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

import migrations
import settings
from bench.cores import children
from bench.homes import join_only
from bench.place import KEPT, place_on
from engines import processes, run
from engines.cluster import SERVICE_ROLE
from engines.embedded import Engines, start_engines
from engines.processes import Service
from torture import town
from torture.place import COMMANDS, SECRET, START_TIMEOUT_S, TIME_SCALE, RunningServiceError, program
from torture.redis_group import RedisGroup, group_of
from torture.standbys import Standby, standby_of

OF_EACH = 2
SETTLED_S = 3.0  # of `keneya-web@.service`: the front leaves a web that was stopped alone for a while


@dataclass(frozen=True)
class FailoverPlace:
    """What runs. Web answers on `ports`; a process of ours that is stopped is started again on its own port."""

    home: Path
    engines: Engines
    standby: Standby
    redis: RedisGroup
    ports: tuple[int, ...]
    webs: list[Service]
    workers: list[Service]
    simulator: str

    @property
    def store(self) -> Path:
        """The simulator's own record."""
        return self.home / "var" / "simulator" / "simulator.sqlite3"

    @property
    def promoted_url(self) -> str:
        """The service's role on the standby, which is the primary now."""
        return self.standby.alone(self.engines.url("service"))

    def kill(self, engine: str) -> None:
        """The first PostgreSQL or Redis with all its children, as if its machine was lost."""
        pid = self.engines.addresses.pids[engine]
        for one in (pid, *children(pid)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    async def restart(self, service: Service, http: httpx.AsyncClient) -> None:
        """As `systemctl restart` does: SIGTERM, its end, a new start, and a wait until it is asked again."""
        if not await asyncio.to_thread(service.stop):
            raise RunningServiceError(f"{service.name} did not stop within {service.stop_timeout_s:g} s")
        await _start(service, http)
        if service.probe_url:
            await asyncio.sleep(SETTLED_S)


@asynccontextmanager
async def started(
    home: Path, phones: Sequence[str], *, synchronous: bool = True
) -> AsyncIterator[FailoverPlace]:
    """Found the town with a household a phone that owes its contribution; all runs until the block ends."""
    home.mkdir(parents=True)
    for name in COMMANDS.values():
        (home / name).symlink_to(run.HOME / name)
    async with AsyncExitStack() as stack:
        engines = stack.enter_context(
            start_engines(home / "var", postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN"))
        )
        await migrations.migrate(engines.url("owner"), SERVICE_ROLE)
        await town.found(engines.url("owner"), TIME_SCALE)
        await join_only(place_on(engines, home), len(phones), phones=phones)
        standby = await stack.enter_async_context(standby_of(engines, synchronous=synchronous))
        redis = await stack.enter_async_context(group_of(engines))
        ports = tuple(processes.free_port() for _ in range(OF_EACH))
        environ = _environment(engines, standby, redis)
        simulator, webs, workers = _services(environ, ports, home)
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=5))
        everything = (simulator, *workers, *webs)
        for service in everything:
            stack.callback(service.stop)
        await asyncio.gather(*(_start(service, http) for service in everything))
        yield FailoverPlace(home, engines, standby, redis, ports, webs, workers, environ["SIMULATOR_URL"])


def _environment(engines: Engines, standby: Standby, redis: RedisGroup) -> dict[str, str]:
    simulator = f"http://{processes.LOOPBACK}:{processes.free_port()}"
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "DATABASE_URL": standby.with_primary(engines.url("service")),
        "REDIS_URL": redis.url,
        "SIMULATOR_URL": simulator,
        "AT_SMS_URL": f"{simulator}/simulator/at/version1",
        "WEBHOOK_SECRET": SECRET,
        "TIME_SCALE": str(TIME_SCALE),
        "PYTHONPATH": str(run.HOME),
    }


def _services(
    environ: Mapping[str, str], ports: tuple[int, ...], home: Path
) -> tuple[Service, list[Service], list[Service]]:
    """The simulator, which knows the first web, and `keneya run`'s own web and worker for each port."""
    simulators, workers, webs = [], [], []
    for port in ports:
        full = run.with_defaults(dict(environ) | {"PORT": str(port)})
        simulator, worker, web = run.services_of(full, settings.read(full), home)
        simulators.append(simulator)
        workers.append(replace(worker, name=f"worker-{port}"))
        webs.append(replace(web, name=f"web-{port}"))
    return simulators[0], webs, workers


async def _start(service: Service, http: httpx.AsyncClient) -> None:
    service.start()
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while service.probe_url and not await _answers(service, http):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise RunningServiceError(f"{service.name} does not answer: {service.last_words()}") from None


async def _answers(service: Service, http: httpx.AsyncClient) -> bool:
    if service.child is None or service.child.poll() is not None:
        raise RunningServiceError(f"{service.name} ended: {service.last_words()}")
    try:
        return (await http.get(service.probe_url)).status_code == 200
    except httpx.HTTPError:
        return False
