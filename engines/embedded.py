"""Starts PostgreSQL and Valkey for those who bring none, from the programs inside the installed wheels.

The engines belong to the process that started them and end with it, whatever ends it; one data directory
has one pair of engines, ever. A lock that the engines themselves inherit says so: it is free only when the
last of their processes is gone.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Literal

from engines import processes
from engines.cluster import (
    AUDITOR_ROLE,
    DATABASE,
    ORPHANS_TIMEOUT_S,
    OWNER_ROLE,
    SERVICE_ROLE,
    SUPERUSER,
    EngineError,
    Passwords,
    ServerFolder,
    find_programs,
    is_locked,
    lock_data,
    make_cluster,
    make_place,
    passwords_of,
    prepare,
    write_private,
)
from engines.processes import LOOPBACK

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
PORT_ATTEMPTS = 5
MEMORY_LIMIT = "128mb"  # of Valkey: some sixty thousand calls on record (measured), three times the peak

Engine = Literal["postgres", "redis"]

POSTGRES_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Addresses:
    """Where the engines answer; the URLs hold passwords. `launcher` and `pids` are process ids.

    None: that engine was not wanted, its users bring their own.
    """

    database_url: str | None
    migrate_database_url: str | None
    redis_url: str | None
    data_directory: str
    launcher: int
    pids: dict[str, int]
    auditor_database_url: str | None = None
    public_url: str | None = None  # of the web process that runs on them, if the launcher said it


def find_running(data: Path) -> Addresses | None:
    """The engines that another process runs on `data`, or None; starts nothing and writes nothing."""
    try:
        if not is_locked(data):
            return None
        return Addresses(**json.loads((data / "engines.json").read_text()))
    except PermissionError as fault:
        raise EngineError(f"{data} belongs to another user: call as that user") from fault
    except (FileNotFoundError, ValueError, TypeError):  # none yet, or being started at this moment
        return None


def start_engines(
    data: Path,
    *,
    postgres_bin: Path | None = None,
    redis_bin: Path | None = None,
    wanted: Collection[Engine] = ("postgres", "redis"),
    durable: bool = True,
    postgres_settings: Mapping[str, str] = MappingProxyType({}),
) -> "Engines":
    """Start the `wanted` engines on the directory `data`, made on first use, and wait until they answer.

    `postgres_bin` is a directory with `postgres` and `initdb`, `redis_bin` a Redis or Valkey server; without
    them the wheels' own. `durable=False` skips fsync: for tests only; `postgres_settings` go before ours: for
    benchmarks. Raises EngineError.
    """
    data = data.resolve()
    prepare(data)
    with contextlib.ExitStack() as undo:
        lock = undo.enter_context(lock_data(data))
        (data / "engines.json").unlink(missing_ok=True)
        passwords = passwords_of(data)
        place = make_place(data, find_programs(postgres_bin, redis_bin, redis="redis" in wanted))
        if "postgres" in wanted:
            make_cluster(place, passwords)
        settings = {**POSTGRES_SETTINGS, **postgres_settings} | {"fsync": "on" if durable else "off"}
        engines = Engines(data, place, passwords, lock, wanted, settings)
        undo.callback(engines.stop)
        engines.start()
        undo.pop_all()
    return engines


@dataclass(eq=False)
class Engines(contextlib.AbstractContextManager["Engines"]):
    """A running pair; `with` stops it at the end. Only the process that started it may stop it."""

    data: Path
    place: ServerFolder
    passwords: Passwords = field(repr=False)
    lock: IO[bytes]
    wanted: Collection[Engine]
    postgres_settings: Mapping[str, str]
    public_url: str | None = None
    _redis_password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    _children: dict[Engine, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ports: dict[Engine, int] = field(default_factory=dict)

    def __exit__(self, *_fault: object) -> None:
        self.stop()

    @property
    def addresses(self) -> Addresses:
        """Where the engines answer now."""
        postgres, redis = "postgres" in self.wanted, "redis" in self.wanted
        return Addresses(
            database_url=self.url("service") if postgres else None,
            migrate_database_url=self.url("owner") if postgres else None,
            redis_url=f"redis://:{self._redis_password}@{LOOPBACK}:{self._ports['redis']}/0"
            if redis
            else None,
            data_directory=str(self.place.cluster),
            launcher=os.getpid(),
            pids={name: child.pid for name, child in self._children.items()},
            auditor_database_url=self.url("auditor") if postgres else None,
            public_url=self.public_url,
        )

    @property
    def superuser_url(self) -> str:
        """For tests, proofs and benchmarks, which make databases; the service never connects as the superuser."""
        return self._url(SUPERUSER, self.passwords.superuser, "postgres")

    def url(self, who: Literal["owner", "service", "auditor"], database: str = DATABASE) -> str:
        """The address of `database` for one of the three roles."""
        role = {"owner": OWNER_ROLE, "service": SERVICE_ROLE, "auditor": AUDITOR_ROLE}[who]
        return self._url(role, getattr(self.passwords, who), database)

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql+asyncpg://{role}:{password}@{LOOPBACK}:{self._ports['postgres']}/{database}"

    def start(self) -> None:
        """Start what does not run, each on its former port if it had one, and write `engines.json`."""
        for name in self.wanted:
            if name not in self._children or self._children[name].poll() is not None:
                self._start_one(name)
        self._write()

    def _write(self) -> None:
        write_private(self.data / "engines.json", json.dumps(asdict(self.addresses), indent=1))

    def serve(self, public_url: str) -> None:
        """Keep the address of the web process that runs on them, for commands that are typed beside."""
        self.public_url = public_url
        self._write()

    def dead(self) -> list[Engine]:
        """The engines that ended without being asked to; `start` brings them back."""
        return [name for name, child in self._children.items() if child.poll() is not None]

    def stop(self) -> None:
        """Stop both, Redis first, and free the data directory. May be called twice."""
        (self.data / "engines.json").unlink(missing_ok=True)
        if redis := self._children.get("redis"):
            processes.stop(redis, signal.SIGTERM, STOP_TIMEOUT_S)
        if postgres := self._children.get("postgres"):
            processes.stop(postgres, signal.SIGINT, STOP_TIMEOUT_S)  # its "fast" stop: clients are cut off
        self.lock.close()

    def _start_one(self, name: Engine) -> None:
        begin = self._begin_postgres if name == "postgres" else self._begin_redis
        for port in self._ports_to_try(name):
            if self._wait(name, begin(port)):
                self._ports[name] = port
                return
        raise EngineError(f"{name} does not start: {_last_line(self._log_path(name))}")

    def _ports_to_try(self, name: Engine) -> Iterator[int]:
        """Free ones at first; later only the former one: its clients know no other.

        Backends of a server that was killed may still be at work, and hold its memory until they notice.
        """
        if name not in self._ports:
            yield from (processes.free_port() for _ in range(PORT_ATTEMPTS))
            return
        deadline = time.monotonic() + ORPHANS_TIMEOUT_S
        while time.monotonic() < deadline:
            yield self._ports[name]
            time.sleep(0.1)

    def _wait(self, name: Engine, ready: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._children[name].poll() is None:
            if ready():
                return True
            if time.monotonic() > deadline:
                raise EngineError(f"{name} did not answer within {START_TIMEOUT_S} s")
            time.sleep(0.01)
        return False

    def _begin_postgres(self, port: int) -> Callable[[], bool]:
        # The lock is ours: whatever process the file of a killed server names, it is no server of ours.
        (self.place.cluster / "postmaster.pid").unlink(missing_ok=True)
        command = [str(self.place.programs.postgres_bin / "postgres"), "-D", str(self.place.cluster)]
        for name, value in {**self.postgres_settings, "port": str(port)}.items():
            command += ["-c", f"{name}={value}"]
        child = self._spawn("postgres", command, signal.SIGINT)
        return lambda: _postmaster_is_ready(self.place.cluster, child.pid)

    def _begin_redis(self, port: int) -> Callable[[], bool]:
        child = self._spawn("redis", [str(self.place.programs.redis_server), "-"], signal.SIGTERM)
        settings = [
            f"bind {LOOPBACK}",
            f"port {port}",
            f"requirepass {self._redis_password}",
            f"maxmemory {MEMORY_LIMIT}",
            "maxmemory-policy volatile-ttl",
            'save ""',
            "appendonly no",
        ]
        processes.tell(child, "\n".join(settings))  # the password is in no file and not in `ps`
        return lambda: _redis_answers(port, self._redis_password)

    def _spawn(
        self, name: Engine, command: list[str], death_signal: signal.Signals
    ) -> subprocess.Popen[bytes]:
        with self._log_path(name).open("ab") as log:
            child = processes.start(
                command,
                death_signal=death_signal,
                identity=self.place.identity,
                output=log,
                directory=self.place.root,
                environment=processes.plain_environment(),
                keep_open=[self.lock.fileno()],
                piped_input=name == "redis",
            )
        self._children[name] = child
        return child

    def _log_path(self, name: str) -> Path:
        return self.data / "log" / f"{name}.log"


def _postmaster_is_ready(cluster: Path, pid: int) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _redis_answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"
