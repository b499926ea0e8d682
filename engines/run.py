"""`keneya run`: everything on this machine, for who tries the service or works on it.

Engines first, then the schema, then simulator, web and worker; stopped in the opposite order, web before all
others, so that nothing is asked of what is already gone. A database that was brought along is never seeded.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
import settings
from engines import processes
from engines.cluster import SERVICE_ROLE, EngineError, prepare
from engines.embedded import Engine, Engines, find_running, start_engines
from engines.processes import Service
from settings import DEMO_SECRET, Settings, SettingsError, local_url

HOME = Path(__file__).resolve().parents[1]

START_TIMEOUT_S = 60
TICK_S = 0.2
HIGHEST_PORT = 65535

# what stands in for addresses not known yet
EMBEDDED = {"DATABASE_URL": f"postgresql://{SERVICE_ROLE}@embedded/keneya", "REDIS_URL": "redis://embedded"}

DEMO = {
    "SIMULATOR": "1",
    "WEBHOOK_SECRET": DEMO_SECRET,
    "AT_USERNAME": "demo",
    "AT_API_KEY": "demo",
    "AT_SENDER_ID": "Keneya",
}


class RunError(Exception):
    """It cannot go on; the message is one line for a person."""


class Wish:
    """Ctrl-C, SIGTERM or a closed terminal: the first one asks to stop in order, the second insists."""

    def __init__(self) -> None:
        self.stop = False
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.stop:
            raise KeyboardInterrupt
        self.stop = True


def say(line: str) -> None:
    """One line for the person at the terminal, at once."""
    print(line, flush=True)


def run(environ: Mapping[str, str], home: Path = HOME) -> int:
    """Run everything until a signal comes; the answer is the exit code. Data and logs go to `home`/var."""
    wish = Wish()
    os.umask(0o077)  # the user of root's servers passes through var/: all that is made there is for us alone
    try:
        _run(dict(environ), home, wish)
        say("Stopped.")
    except SettingsError as fault:
        say("\n".join(fault.faults))
        return 2
    except (RunError, EngineError, migrations.UnknownSchemaError) as fault:
        say(f"keneya: {fault}")
        return 1
    except KeyboardInterrupt:
        say("keneya: stopped at once")
        return 130
    return 0


def _run(environ: dict[str, str], home: Path, wish: Wish) -> None:
    environ = with_defaults(environ)
    wanted = settings.read(EMBEDDED | environ)
    if running := find_running(home / "var"):
        raise RunError(f"process {running.launcher} already runs the service of {home}")
    _expect_free_port(wanted)
    with ExitStack() as undo:
        engines = _start_engines(environ, wanted, home / "var")
        if engines:
            undo.enter_context(engines)
            environ |= _addresses(engines)
        asyncio.run(prepare_database(environ, embedded=engines is not None and "postgres" in engines.wanted))
        services = services_of(environ, wanted, home)
        for service in services:  # undone in the opposite order: web, worker, simulator
            undo.callback(_stop, service)
            service.start()
        undo.callback(say, "Stopping …")
        for service in services:
            _wait_for(service, environ["RUN_ID"], wish)
        if not wish.stop:
            _tell(services, wanted, environ)
        while not wish.stop:
            _watch(engines, services)
            time.sleep(TICK_S)


def with_defaults(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with what `make run` adds; whatever is set there wins."""
    given = {name: value for name, value in environ.items() if value.strip()}
    port = given.get("PORT", "8000")
    full = {"HOST": "127.0.0.1"} | given | {"PORT": str(processes.free_port()) if port == "0" else port}
    if full.get("SIMULATOR", "1") != "1":
        return full | {"RUN_ID": uuid4().hex}
    usable = full["PORT"].isdecimal() and int(full["PORT"]) <= HIGHEST_PORT
    web = local_url(full["HOST"], full["PORT"] if usable else 8000)  # a fault is told later, once
    simulator = local_url("127.0.0.1", processes.free_port())
    urls = {"AT_SMS_URL": f"{web}/simulator/at/version1", "SIMULATOR_URL": simulator}
    return DEMO | urls | full | {"RUN_ID": uuid4().hex}


def _expect_free_port(wanted: Settings) -> None:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.host, wanted.port))
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise RunError(
                f"cannot listen on {wanted.host}:{wanted.port} ({reason}): choose another with PORT=…"
            ) from fault


def _start_engines(environ: Mapping[str, str], wanted: Settings, var: Path) -> Engines | None:
    """Start the engines that nobody brought along; the directory for logs and data is made in any case."""
    brought: dict[Engine, str] = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
    missing = [engine for engine, name in brought.items() if name not in environ]
    if not missing:
        prepare(var)
        return None
    say(f"Starting {' and '.join(missing)} in {var} …")
    engines = start_engines(var, postgres_bin=wanted.postgres_bin, redis_bin=wanted.redis_bin, wanted=missing)
    engines.serve(wanted.public_url)
    return engines


def _addresses(engines: Engines) -> dict[str, str]:
    found = engines.addresses
    urls = {
        "DATABASE_URL": found.database_url,
        "MIGRATE_DATABASE_URL": found.migrate_database_url,
        "REDIS_URL": found.redis_url,
    }
    return {name: url for name, url in urls.items() if url}


async def prepare_database(environ: Mapping[str, str], *, embedded: bool) -> None:
    """Bring the schema to its newest version; seed the demonstration into an empty embedded database."""
    if "MIGRATE_DATABASE_URL" not in environ:
        say("MIGRATE_DATABASE_URL is not set: the schema stays as it is")
        return
    owner_url = settings.database_url(environ["MIGRATE_DATABASE_URL"])
    service_role = make_url(environ["DATABASE_URL"]).username
    if not service_role:
        raise RunError("DATABASE_URL names no role: it needs one for its rights")
    await migrations.migrate(owner_url, service_role)
    if embedded and environ.get("SIMULATOR") == "1" and await _is_empty(owner_url):
        say("Seeding the demonstration federation …")
        await _seed(owner_url)


async def _is_empty(owner_url: str) -> bool:
    engine = create_async_engine(owner_url)
    try:
        async with engine.connect() as db:
            return not await db.scalar(text("select exists (select from mutuelle)"))
    finally:
        await engine.dispose()


async def _seed(owner_url: str) -> None:
    from mutuelle.demonstration import seed  # only here: nobody else needs the demonstration

    await seed(owner_url, datetime.now(UTC))


def services_of(environ: Mapping[str, str], wanted: Settings, home: Path) -> list[Service]:
    """Our processes in the order of their start; web, which asks the others, comes last and stops first."""
    ours = {name: value for name, value in environ.items() if name != "MIGRATE_DATABASE_URL"}
    ours["PYTHONUNBUFFERED"] = "1"
    base = local_url(wanted.host, wanted.port)
    worker = Service("worker", [sys.executable, "worker.py"], ours, home, stop_timeout_s=30)
    command = [sys.executable, "web.py"]
    web = Service("web", command, ours, home, stop_timeout_s=15, probe_url=f"{base}/health/live")
    if not wanted.simulator_url:
        return [worker, web]
    url = urlsplit(wanted.simulator_url)
    theirs = {name: value for name, value in ours.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    theirs |= {"SIMULATOR_SERVICE_URL": base, "SIMULATOR_DATA": str(home / "var" / "simulator")}
    command = [sys.executable, "-m", "uvicorn", "--factory", "simulator.app:create_app"]
    command += [
        "--host",
        str(url.hostname),
        "--port",
        str(url.port or 80),
        "--no-access-log",
        "--no-server-header",
    ]
    command += ["--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "5"]
    about = f"{wanted.simulator_url}/simulator/about"
    return [Service("simulator", command, theirs, home, stop_timeout_s=8, probe_url=about), worker, web]


def _wait_for(service: Service, run_id: str, wish: Wish) -> None:
    """Return when our own process answers; another program's answer on the same port does not count."""
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(trust_env=False, timeout=2) as client:
        while service.probe_url and not wish.stop:
            if service.child is None or service.child.poll() is not None:
                raise RunError(f"{service.name} does not start; {service.last_words()}")
            if _answers(client, service.probe_url, run_id):
                return
            if time.monotonic() > deadline:
                raise RunError(f"{service.name} did not answer within {START_TIMEOUT_S} s; see {service.log}")
            time.sleep(TICK_S / 2)


def _answers(client: httpx.Client, url: str, run_id: str) -> bool:
    try:
        reply = client.get(url)
        return reply.status_code == 200 and reply.json().get("run_id", run_id) == run_id
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


def _tell(services: list[Service], wanted: Settings, environ: Mapping[str, str]) -> None:
    base = local_url(wanted.host, wanted.port)
    for name in ("DATABASE_URL", "REDIS_URL"):
        url = make_url(environ[name])
        say(f"  {'postgres' if name == 'DATABASE_URL' else 'redis':<10} {url.host}:{url.port or ''}")
    for service in services:
        at = {"web": base, "simulator": wanted.simulator_url}.get(service.name) or "at work"
        say(f"  {service.name:<10} {at}   log: {service.log}")
    say(f"Open {base}/phone" if wanted.simulator else f"Web answers at {base}")
    say("Ctrl-C stops everything.")


def _watch(engines: Engines | None, services: list[Service]) -> None:
    for name in engines.dead() if engines else []:
        say(f"{name} ended, bringing it back on the same port")
    if engines and engines.dead():
        engines.start()
    for service in services:
        if report := service.watch():
            say(report)


def _stop(service: Service) -> None:
    if not service.stop():
        say(f"{service.name} did not stop within {service.stop_timeout_s:g} s and was killed")
