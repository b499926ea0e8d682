"""Starts engines and `keneya run` for tests, in this process or another."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from engines import embedded, processes
from engines.embedded import Engines
from engines.processes import OURSELVES, Identity
from tests.conftest import program
from tests.support.patience import PATIENCE_S

LAUNCHER = """
import encodings.idna, os, pathlib, sys
from engines import processes
from engines.embedded import start_engines
from tests.conftest import program
if len(sys.argv) > 2:  # another user, who could not read this program
    processes.OURSELVES = processes.Identity(int(sys.argv[2]), int(sys.argv[3]))
    os.setgroups([]), os.setgid(int(sys.argv[3])), os.setuid(int(sys.argv[2]))
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


def launch(data: Path, identity: Identity = OURSELVES, **environment: str) -> subprocess.Popen[bytes]:
    """Start another process that starts engines on `data` and keeps them; it prints its user id."""
    user = [] if identity == OURSELVES else [str(identity.uid), str(identity.gid)]
    launcher = processes.start(
        [sys.executable, "-c", LAUNCHER, str(data), *user],
        output=subprocess.PIPE,
        directory=Path(__file__).parents[2],
        environment=os.environ | environment,
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
    """Wait for what other processes do; it must happen within PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
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
