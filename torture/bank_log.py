"""A writer's own record of what it was answered: on the disk before it asks for anything else.

A line is an answer that was received after its commit. What the writer asked and was not answered is not in it.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class LoggedAnswer:
    """The answers to batch `batch`, in order; `again`: it had been answered before. `faults`: attempts in vain, why."""

    batch: int
    again: bool
    answers: Sequence[str]
    faults: Sequence[str]


def read(path: Path) -> list[LoggedAnswer]:
    """What was logged; a last line that was cut off by a kill is none."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [LoggedAnswer(**json.loads(line)) for line in lines]


class Log:
    """The log of one writer, opened to go on after what is there."""

    def __init__(self, path: Path) -> None:
        whole = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
        self._file = path.open("ab")
        self._file.truncate(len(whole[0]) + len(whole[1]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._file.close()

    def write(self, answered: LoggedAnswer) -> None:
        """Back when it is on the disk."""
        self._file.write(json.dumps(asdict(answered)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
