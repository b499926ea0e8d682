"""Starts engines and `keneya run` for tests, in this process or another."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import embedded
import processes
from embedded import Engines
from processes import Identity
from tests.conftest import program

GONE_TIMEOUT_S = 15

LAUNCHER = """
import os, pathlib, sys
from embedded import start_engines
from tests.conftest import program
with start_engines(
    pathlib.Path(sys.argv[1]), postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN"), durable=False
):
    print(os.geteuid(), flush=True)
    sys.stdin.read()
"""


def start(data: Path, *, durable: bool = False) -> Engines:
    """The engines under test, with the programs chosen for the whole test run."""
    return embedded.start_engines(
        data, postgres_bin=program("POSTGRES_BIN"), redis_bin=program("REDIS_BIN"), durable=durable
    )


def launch(data: Path, identity: Identity = processes.OURSELVES) -> subprocess.Popen[bytes]:
    """Start another process that starts engines on `data` and keeps them; it prints its user id."""
    launcher = processes.start(
        [sys.executable, "-c", LAUNCHER, str(data)],
        identity=identity,
        output=subprocess.PIPE,
        directory=Path(__file__).parents[2],
        piped_input=True,
    )
    assert launcher.stdout
    answer = launcher.stdout.readline().decode()
    assert answer.strip().isdigit(), answer + launcher.stdout.read().decode()
    return launcher


def close(launcher: subprocess.Popen[bytes]) -> None:
    """End the process that a test started."""
    launcher.kill()
    launcher.wait()
    for pipe in (launcher.stdin, launcher.stdout):
        if pipe:
            pipe.close()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until `holds`, at most GONE_TIMEOUT_S, else fail."""
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def ask(engines_url: str | None, statement: str) -> object:
    """The first value of a statement, run in its own transaction."""
    assert engines_url
    engine = create_async_engine(engines_url, poolclass=NullPool)
    try:
        async with engine.begin() as db:
            answer = await db.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()
