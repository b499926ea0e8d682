"""Finds and runs pg_dump and pg_restore.

Their input and output are pipes; the password is only in the child's environment.
"""

import asyncio
import os
import re
import shutil
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy import make_url

import settings
from commands.command import CommandError
from engines import cluster
from engines.processes import dying_with_us, plain_environment

DEBIAN = Path("/usr/lib/postgresql")
PIECE_BYTES = 1 << 16
LOCK_WAIT_S = 60


def find(program: str, *, server: int, oldest: int, newest: int | None = None) -> tuple[Path, int]:
    """`program` and its major version: from `oldest` to `newest`, the one nearest to the server's.

    Looks in POSTGRES_BIN only, if it is set; else in Debian's directories, PATH and the embedded wheel.
    """
    found = [(path, _major(path)) for path in _places(program) if os.access(path, os.X_OK)]
    fitting = [one for one in found if oldest <= one[1] and (newest is None or one[1] <= newest)]
    if not fitting:
        seen = ", ".join(sorted({str(major) for _, major in found})) or "none"
        wanted = f"{oldest} or newer" if newest is None else f"{oldest} to {newest}"
        raise CommandError(
            f"{program} {wanted} is needed, here is {seen}: set POSTGRES_BIN to the directory of another"
        )
    return min(fitting, key=lambda one: abs(one[1] - server))


def named() -> Path | None:
    """The directory in POSTGRES_BIN; None if it is not set."""
    said = os.environ.get("POSTGRES_BIN", "").strip()
    return Path(said) if said else None


def of_server(oldest: int) -> Path | None:
    """Where a server for a backup is: POSTGRES_BIN, or Debian's newest from `oldest` on; None: in the wheel."""
    if directory := named():
        return directory
    fitting = [path.parent for path in DEBIAN.glob("*/bin/postgres") if _major(path) >= oldest]
    return max(fitting, key=lambda path: _major(path / "postgres"), default=None)


def _places(program: str) -> Iterator[Path]:
    if directory := named():
        yield directory / program
        return
    yield from sorted(DEBIAN.glob(f"*/bin/{program}"))
    if on_path := shutil.which(program):
        yield Path(on_path)
    with suppress(cluster.EngineError):  # the wheel comes last: its programs have no TLS
        yield cluster.find_programs(None, None, redis=False).postgres_bin / program


def _major(program: Path) -> int:
    """15 of `pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`."""
    numbers = re.search(r"\) (\d+)", cluster.version(program))
    return int(numbers[1]) if numbers else 0


async def dump(program: Path, owner_url: str, snapshot: str, write: Callable[[bytes], None]) -> None:
    """Write the database of `snapshot` in pg_dump's custom format, uncompressed."""
    options = [
        "--format=custom",
        "--compress=0",  # the archive compresses, independent of how the program was built
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_WAIT_S}s",
        "--extension=plpgsql",  # no other: we need none, and only a superuser could restore them
    ]
    async with _running([str(program), *options], owner_url) as (_, output):
        while piece := await output.read(PIECE_BYTES):
            write(piece)


async def load(program: Path, owner_url: str, pieces: Iterable[bytes]) -> None:
    """Restore a dump into an empty database, all or nothing, without owners, rights and tablespaces."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-tablespaces"]
    database = f"--dbname={make_url(owner_url).database}"
    async with _running([str(program), *options, database], owner_url) as (typed, _):
        with suppress(BrokenPipeError, ConnectionResetError):  # it ended early; its own error says why
            for piece in pieces:
                typed.write(piece)
                await typed.drain()
            typed.close()
            await typed.wait_closed()


@asynccontextmanager
async def _running(command: list[str], url: str) -> AsyncIterator[tuple[StreamWriter, StreamReader]]:
    """The input and output of a child, which is killed if the block fails. CommandError with its first error line."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=plain_environment() | _address(url),
        preexec_fn=dying_with_us(),
    )
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("a child without pipes")
    complaint = asyncio.create_task(child.stderr.read())
    try:
        yield child.stdin, child.stdout
    except BaseException:
        with suppress(ProcessLookupError):
            child.kill()
        raise
    finally:
        child.stdin.close()
        await child.stdout.read()  # to its end: a pipe with a rest would outlive the event loop
        said = await complaint
        code = await child.wait()
    if code != 0:
        raise CommandError(
            _one_line(said.decode(errors="replace")) or f"{Path(command[0]).name} ended with {code}"
        )


def _one_line(said: str) -> str:
    """The first error only: the next lines may quote rows."""
    lines = said.splitlines()
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "")


def _address(url: str) -> dict[str, str]:
    """The address as libpq's environment variables."""
    to = make_url(url)
    hosts = settings.hosts_of(to)
    said = {
        "PGHOST": ",".join(host for host, _port in hosts),
        "PGPORT": ",".join(str(port) for _host, port in hosts),
        "PGTARGETSESSIONATTRS": "read-write" if len(hosts) > 1 else None,
        "PGUSER": to.username,
        "PGPASSWORD": str(to.password) if to.password else None,
        "PGDATABASE": to.database,
        "PGSSLMODE": str(to.query["ssl"]) if "ssl" in to.query else None,
        "PGAPPNAME": "keneya backup",
    }
    return {name: value for name, value in said.items() if value}
