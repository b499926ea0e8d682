"""A whole service of its own, as `make run` starts it: in a directory of its own, on free ports, killed at will.

It brings itself back; nothing here ever starts a process a second time.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

import migrations
from bench.cores import children
from engines import processes, run
from engines.cluster import SERVICE_ROLE
from engines.embedded import find_running, start_engines
from settings import DEMO_SECRET
from torture import town

SECRET = DEMO_SECRET
TIME_SCALE = 10
START_TIMEOUT_S = 90.0
BACK_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
RUN = "import os, pathlib, sys; from engines import run; sys.exit(run.run(os.environ, pathlib.Path(sys.argv[1])))"
COMMANDS = {"web": "web.py", "worker": "worker.py"}
VICTIMS = ("web", "worker", "postgres", "redis")


class RunningServiceError(Exception):
    """The service did not start or did not come back: one line for a person."""


@dataclass(frozen=True)
class RunningPlace:
    """A running service. `launcher` is the process that brings the others back."""

    home: Path
    launcher: subprocess.Popen[bytes]
    web: str
    simulator: str

    @property
    def store(self) -> Path:
        """The simulator's own record: what the operator and the SMS gateway did."""
        return self.home / "var" / "simulator" / "simulator.sqlite3"

    @property
    def database_url(self) -> str:
        """The service's role on the place's database."""
        found = find_running(self.home / "var")
        if found is None or not found.database_url:
            raise RunningServiceError("the engines do not run")
        return found.database_url

    def pid(self, victim: str) -> int | None:
        """The process of `victim` that lives now."""
        if victim in COMMANDS:
            return next((pid for pid in children(self.launcher.pid) if _runs(pid, COMMANDS[victim])), None)
        found = find_running(self.home / "var")
        pid = found.pids.get(victim) if found else None
        return pid if pid and _runs(pid, "") else None

    def family(self, victim: str) -> list[int]:
        """The process of `victim` and its children: PostgreSQL's backends."""
        pid = self.pid(victim)
        return [pid, *children(pid)] if pid else []

    async def is_whole(self, http: httpx.AsyncClient) -> bool:
        """Whether every part is up."""
        if not all(self.pid(victim) for victim in VICTIMS):
            return False
        try:
            reply = await http.get(f"{self.web}/health/ready", timeout=5)
            return reply.status_code == 200 and reply.json()["status"] == "ready"
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    async def wait_until_whole(self, http: httpx.AsyncClient, within_s: float = BACK_TIMEOUT_S) -> None:
        """Return when every part is up; RunningServiceError if the service gave up, or after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                while not await self.is_whole(http):
                    if self.launcher.poll() is not None:
                        raise RunningServiceError(f"it gave up: {self.last_words()}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise RunningServiceError(f"not whole after {within_s:g} s: {self.last_words()}") from None

    def last_words(self) -> str:
        """The end of what `keneya run` told its person."""
        told = (self.home / "run.log").read_text(errors="replace").strip().splitlines()
        return " / ".join(told[-3:])


def _runs(pid: int, words: str) -> bool:
    """Whether `pid` lives (no zombie) and has `words` in its command."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return bool(command) and words in command


@asynccontextmanager
async def started(
    home: Path,
    http: httpx.AsyncClient,
    founds: Callable[[str, float], Awaitable[None]] = town.found,
    time_scale: float = TIME_SCALE,
) -> AsyncIterator[RunningPlace]:
    """Found the town in `home`, run the service there, stop it in order at the end.

    `founds` gets the owner's URL, and by what the town's waits are divided.
    """
    home.mkdir(parents=True)
    await _found_town(home, founds, time_scale)
    for program in COMMANDS.values():
        (home / program).symlink_to(run.HOME / program)
    web, simulator = processes.free_port(), processes.free_port()
    place = RunningPlace(home, _launch(home, web, simulator, time_scale), _url(web), _url(simulator))
    try:
        await place.wait_until_whole(http, START_TIMEOUT_S)
        yield place
    finally:
        processes.stop(place.launcher, signal.SIGTERM, STOP_TIMEOUT_S)


def _url(port: int) -> str:
    return f"http://{processes.LOOPBACK}:{port}"


async def _found_town(home: Path, founds: Callable[[str, float], Awaitable[None]], time_scale: float) -> None:
    """With engines of its own: `keneya run` then finds a database that needs no demonstration."""
    with start_engines(
        home / "var", postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN")
    ) as engines:
        owner_url = engines.url("owner")
        await migrations.migrate(owner_url, SERVICE_ROLE)
        await founds(owner_url, time_scale)


def program(name: str) -> Path | None:
    """Where the environment says that the programs are, if it does."""
    return Path(os.environ[name]) if os.environ.get(name) else None


def _launch(home: Path, web: int, simulator: int, time_scale: float) -> subprocess.Popen[bytes]:
    kept = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "POSTGRES_BIN", "REDIS_BIN")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "PORT": str(web),
        "SIMULATOR_URL": _url(simulator),
        "WEBHOOK_SECRET": SECRET,
        "TIME_SCALE": str(time_scale),
        "PYTHONPATH": str(run.HOME),
    }
    with (home / "run.log").open("ab") as log:
        return processes.start(
            [sys.executable, "-c", RUN, str(home)], output=log, directory=home, environment=environment
        )
