"""Charts of accounts as accountants number them: one data file a frame, one line for each of our kinds.

A number that nobody has confirmed is not shown as one: a proposal is marked `~`, and an unverified line has no number.
"""

import tomllib
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Self

from ledger.accounts import KINDS

FOLDER = Path(__file__).parent
DEFAULT = "SYCEBNL"
CLASSES = {  # OHADA's; all three frames have them
    1: "Durable resources",
    2: "Fixed assets",
    3: "Stock",
    4: "Third parties",
    5: "Treasury",
    6: "Charges",
    7: "Income",
    8: "Other charges and other income",
}
UNCONFIRMED = "~"  # before a number that an accountant has yet to confirm


class Status(StrEnum):
    """VERIFIED was read in published charts; PROPOSAL waits for an accountant; UNVERIFIED has no number."""

    VERIFIED = "verified"
    PROPOSAL = "proposal"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class ChartLine:
    """One kind of account in a frame: its label, in English until a chart is translated, and its number.

    `code` is "" exactly when the line is UNVERIFIED. `class_` is the number's first digit; without a number it is the
    class under which our reports add the line up, and no more than that.
    """

    kind: str
    code: str
    class_: int
    label: str
    status: Status

    @property
    def number(self) -> str:
        """The number as it is printed: 411, ~571 where it is a proposal, "" where there is none."""
        return UNCONFIRMED + self.code if self.status is Status.PROPOSAL else self.code


@dataclass(frozen=True)
class Chart:
    """One frame as it stood on `version`."""

    frame: str
    version: date
    lines: dict[str, ChartLine]

    def translated(self, catalogue: NullTranslations) -> Self:
        """The same chart with the labels of a language."""
        lines = {
            kind: replace(line, label=catalogue.pgettext("account", line.label))
            for kind, line in self.lines.items()
        }
        return replace(self, lines=lines)

    def line(self, account: str) -> ChartLine:
        """The line of an account, or of a head `fund:kind` that stands for all accounts of the kind."""
        return self.lines[account.split(":")[1]]

    def number(self, account: str) -> str:
        """How the account is printed: `~571:office`; without a number by its own code, `interfund:transport`.

        Where two kinds share a number, all but the first add their own name: `~552.disbursement:om-ML`.
        """
        line = self.line(account)
        first = next(each for each in self.lines.values() if each.code == line.code)
        shown = line.number if first is line else f"{line.number}.{line.kind}"
        return ":".join([shown if line.code else line.kind, *account.split(":")[2:]])


def load(path: Path) -> Chart:
    """Read one file. ValueError names the first kind that is missing, unknown, or not numbered as its status says."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    odd = sorted(data["kinds"].keys() ^ KINDS.keys())
    odd += [kind for kind, facts in data["kinds"].items() if _is_odd(facts)]
    if odd:
        raise ValueError(f"{path.name}: {odd[0]}")
    lines = {kind: _line(kind, facts) for kind, facts in data["kinds"].items()}
    return Chart(data["frame"], data["version"], lines)


def _is_odd(facts: dict[str, Any]) -> bool:
    code, class_, status = facts.get("code", ""), facts.get("class"), facts.get("status")
    if status not in set(Status) or class_ not in CLASSES or not facts.get("label"):
        return True
    if (status == Status.UNVERIFIED) == bool(code):
        return True
    return bool(code) and not (code.isdigit() and code[0] == str(class_))


def _line(kind: str, facts: dict[str, Any]) -> ChartLine:
    return ChartLine(kind, facts.get("code", ""), facts["class"], facts["label"], Status(facts["status"]))


@cache
def charts() -> dict[str, Chart]:
    """Every chart there is, by the name of its frame, the default first."""
    found = [load(path) for path in FOLDER.glob("*.toml")]
    return {chart.frame: chart for chart in sorted(found, key=lambda c: (c.frame != DEFAULT, c.frame))}
