"""Charts of accounts as accountants number them: one data file a frame, one line for each of our kinds.

A number that nobody has confirmed is not shown as one: an unverified line has no code, and says so.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from ledger.accounts import KINDS

FOLDER = Path(__file__).parent


class Status(StrEnum):
    """VERIFIED was read in published charts; PROPOSAL waits for an accountant; UNVERIFIED has no number."""

    VERIFIED = "verified"
    PROPOSAL = "proposal"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class ChartLine:
    """The number and label of one kind of account; `code` is "" exactly when the line is UNVERIFIED."""

    kind: str
    code: str
    label: str
    status: Status


@dataclass(frozen=True)
class Chart:
    """One frame as it stood on `version`."""

    frame: str
    version: date
    lines: dict[str, ChartLine]


def load(path: Path) -> Chart:
    """Read one file. ValueError names the first kind that is missing, unknown, or numbered without a status."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    lines = {
        kind: ChartLine(kind, line.get("code", ""), line["label"], Status(line["status"]))
        for kind, line in data["kinds"].items()
    }
    odd = sorted(lines.keys() ^ KINDS.keys())
    odd += [line.kind for line in lines.values() if (line.status is Status.UNVERIFIED) == bool(line.code)]
    odd += [line.kind for line in lines.values() if not line.label or (line.code and not line.code.isdigit())]
    if odd:
        raise ValueError(f"{path.name}: {odd[0]}")
    return Chart(data["frame"], data["version"], lines)


def charts() -> dict[str, Chart]:
    """Every chart there is, by the name of its frame."""
    found = [load(path) for path in sorted(FOLDER.glob("*.toml"))]
    return {chart.frame: chart for chart in found}
