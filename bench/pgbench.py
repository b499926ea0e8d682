"""pgbench, PostgreSQL's own load: a script of statements by so many clients, beside which ours is measured.

It comes with the server, beside `postgres`. Where it does not, its peers are left out, and the table says so aloud.
"""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from bench.place import KEPT, Place

THREADS = 2
_RATE = re.compile(r"tps = ([0-9.]+) ")
_DONE = re.compile(r"actually processed: ([0-9]+)")


class PgbenchFault(Exception):
    """pgbench did not come to its end: its own word."""


@dataclass(frozen=True)
class Ran:
    """Transactions a second, connections apart, and how many there were."""

    per_s: float
    transactions: int


def program(place: Place) -> Path | None:
    """Where it is; None, and said aloud, where there is none."""
    found = place.postgres_bin / "pgbench"
    if os.access(found, os.X_OK):
        return found
    print(f"backlog: THE CLASSIC DESIGN AND THE LIMIT ARE LEFT OUT: no {found}", flush=True)
    return None


def connection_of(place: Place) -> dict[str, str]:
    """The owner's way into the database, as programs of PostgreSQL take it from their environment."""
    url = make_url(place.owner_url)
    return {
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGDATABASE": str(url.database),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
    }


async def run(place: Place, script: Path, clients: int, *, seconds: float = 0, each: int = 0) -> Ran:
    """`script` with prepared statements as the owner, for whole `seconds` or `each` time by every client."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | connection_of(place)
    length = ("-t", str(each)) if each else ("-T", str(max(1, round(seconds))))
    child = await asyncio.create_subprocess_exec(
        *(str(place.postgres_bin / "pgbench"), "-n", "-M", "prepared", "-f", str(script), *length),
        *("-c", str(clients), "-j", str(min(clients, THREADS))),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told = (await child.communicate())[0].decode(errors="replace")
    rate, done = _RATE.search(told), _DONE.search(told)
    if child.returncode or done is None:
        raise PgbenchFault(told[-400:])
    return Ran(float(rate[1]) if rate else 0.0, int(done[1]))
