"""Which core a process runs on: what is measured has one to itself, the load and the engines share another.

Where there is one core only, or the system pins nothing, all share what there is, and the table says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Core = int | None  # None: wherever the system likes


def two_cores() -> tuple[Core, Core]:
    """The core for what is measured, and the one for all the rest."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    first, *others = sorted(os.sched_getaffinity(0))
    return (first, others[0]) if others else (None, None)


@contextmanager
def on(core: Core) -> Iterator[None]:
    """This thread, and every process that it starts meanwhile, on `core`."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, core: Core) -> None:
    """Every thread of a process that runs already, to `core`."""
    if core is not None:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def memory_mb(pid: int) -> float | None:
    """What the process holds of the machine's memory now; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def cpu_s(pid: int) -> float | None:
    """The seconds that the process has had a core for; None where the system does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
