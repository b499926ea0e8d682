"""Which core a process runs on: what is measured has one to itself, the load and the engines share another.

Where there is one core only, or the system pins nothing, all share what there is, and the table says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """Every thread of a process that runs already, to `core`; whatever has just ended is left out."""
    if core is not None:
        for thread in Path("/proc").glob(f"{pid}/task/*"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


def move_family(pid: int, core: Core) -> None:
    """A process that runs already and its children, to `core`: those that it starts from now on are there too."""
    for one in (pid, *children(pid)):
        move(one, core)


def children(parent: int) -> list[int]:
    """The processes that `parent` started and that live."""
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (fields := _fields(stat)) and fields[1] == str(parent)
    ]


def _fields(stat: Path) -> list[str]:
    """State, parent and so on; empty when the process is gone."""
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def memory_mb(pid: int) -> float | None:
    """What the process holds of the machine's memory now; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def cpu_s(pid: int) -> float | None:
    """The seconds that the process has had a core for; None where the system does not tell."""
    return _ticks(pid, slice(11, 13))


def family_cpu_s(pid: int) -> float | None:
    """The same for a process with its children, and with those that it has outlived."""
    own = _ticks(pid, slice(11, 15))
    return None if own is None else own + sum(filter(None, map(cpu_s, children(pid))))


def _ticks(pid: int, which: slice) -> float | None:
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return sum(map(int, fields[which])) / os.sysconf("SC_CLK_TCK") if fields else None
