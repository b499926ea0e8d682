"""The peer: django-hordak, brought by pip into a scratch environment that is no part of the project.

Without pip or a network there is no peer, and the table says so aloud. A short run brings nothing: it measures the peer
only where it is already.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.pgbench import connection_of
from bench.place import Place
from engines import run

HERE = Path(__file__).parent
SCRATCH = run.HOME / "var" / "bench-hordak"
PYTHON = SCRATCH / "bin" / "python"
WANTED = HERE / "requirements.txt"
INSTALLED = SCRATCH / "installed.txt"  # the list that was installed
INSTALL_TIMEOUT_S = 300
PROCESSES = (1, 2, 4)


class HordakFault(Exception):
    """The peer did not do what it was asked: its own last words."""


def is_here(*, install: bool) -> bool:
    """Whether the peer can be measured; installed first where that is wanted. False is said aloud."""
    if INSTALLED.exists() and INSTALLED.read_bytes() == WANTED.read_bytes():
        return True
    if not install:
        return _left_out("it is not installed, and a short run installs nothing")
    print("backlog: pip installs the peer …", flush=True)
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet", "--requirement", str(WANTED))
    for command in ((sys.executable, "-m", "venv", "--clear", str(SCRATCH)), pip):
        try:
            done = subprocess.run(command, timeout=INSTALL_TIMEOUT_S, capture_output=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return _left_out("pip did not come to an end")
        if done.returncode:
            return _left_out("pip could not install it")
    INSTALLED.write_bytes(WANTED.read_bytes())
    return True


def _left_out(reason: str) -> bool:
    print(f"backlog: DJANGO-HORDAK IS LEFT OUT: {reason}", flush=True)
    return False


async def prepare(place: Place) -> None:
    """Its own migrations and its accounts, in this database."""
    await _told(place, "prepare")


async def rate(place: Place, processes: int, seconds: float) -> float:
    """Contributions a second, each of four legs in a transaction of its own."""
    told = await _told(place, "post", "--processes", str(processes), "--seconds", str(seconds))
    return float(json.loads(told))


async def is_sound(place: Place) -> bool:
    """Whether it holds its own accounting equation to be true, and posted anything at all."""
    return int(json.loads(await _told(place, "check"))) > 0


async def _told(place: Place, *words: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *(str(PYTHON), str(HERE / "post.py"), *words),
        env={"PATH": os.environ.get("PATH", ""), **connection_of(place)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, trouble = await child.communicate()
    if child.returncode:
        raise HordakFault((trouble.decode(errors="replace").strip().splitlines() or ["no word"])[-1])
    return out.decode()
