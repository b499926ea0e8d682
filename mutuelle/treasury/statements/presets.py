"""Presets: where the columns of an operator's or bank's statement stand, a file of `presets/` for each.

A header row is data that changes without notice: one that nobody has checked against a real file is not `verified`.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mutuelle.sheets.letters import folded
from values import value

FOLDER = Path(__file__).with_name("presets")
PLAIN = "plain"
# What a column may be. `note` and `reference` may stand in several columns; the others in one.
FIELDS = {
    *("date", "time", "id", "payer", "amount", "credit", "debit", "fee", "balance", "currency", "note"),
    *("reference", "status", "type"),
}
IN_SEVERAL = {"note", "reference"}
DIRECTIONS = {"credit", "debit", "fee", "none"}  # none: no money moved
KEYS = {"verified", "source", "columns", "optional", "types", "statuses", "decimal"}


class PresetError(Exception):
    """A preset that cannot be, or none that fits, in one line."""


@value
class Preset:
    """One form of a statement. `columns` names each field's headers, folded; a file has one header of each.

    `optional` are the fields that a file may lack. `types` says for each word of the column `type` whether money came
    in (credit), went out (debit), was a fee or did not move (none); without it the sign of the amount says so.
    `statuses` are the words of the column `status` for money that moved; others are none. `decimal` is the mark before
    parts of a unit, if this form always has the same.
    """

    name: str
    verified: bool
    columns: Mapping[str, tuple[str, ...]]
    optional: frozenset[str]
    types: Mapping[str, str]
    statuses: Mapping[str, bool]
    decimal: str | None

    def places(self, header: Sequence[str]) -> dict[str, list[int]] | None:
        """Where each field stands in a row of headers; None if this is not a header row of the preset."""
        said = [folded(cell) for cell in header]
        found: dict[str, list[int]] = {}
        for name, headers in self.columns.items():
            standing = [place for one in headers for place, cell in enumerate(said) if cell == one]
            if not standing and name not in self.optional:
                return None
            if standing:
                found[name] = standing if name in IN_SEVERAL else standing[:1]
        return found


@cache
def presets() -> dict[str, Preset]:
    """All of them by name."""
    return {
        path.stem: read_preset(path.stem, path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))
    }


def read_preset(name: str, written: str) -> Preset:
    """A preset as its file has it; PresetError names what is wrong."""
    facts = tomllib.loads(written)
    columns: dict[str, Any] = facts.get("columns", {})
    optional = frozenset(facts.get("optional", ()))
    types = {folded(word): str(way) for way, words in facts.get("types", {}).items() for word in words}
    statuses = {
        folded(word): moved == "moved" for moved, words in facts.get("statuses", {}).items() for word in words
    }
    wrong = _wrong(facts, columns, optional, types.values())
    if wrong:
        raise PresetError(f"preset {name}: {wrong}")
    return Preset(
        name=name,
        verified=bool(facts["verified"]),
        columns={field: tuple(map(folded, headers)) for field, headers in columns.items()},
        optional=optional,
        types=types,
        statuses=statuses,
        decimal=facts.get("decimal"),
    )


def _wrong(
    facts: Mapping[str, Any], columns: Mapping[str, Any], optional: Collection[str], ways: Collection[str]
) -> str:
    """What is wrong with a preset, in words; empty if nothing is."""
    if unknown := sorted(facts.keys() - KEYS | columns.keys() - FIELDS | set(ways) - DIRECTIONS):
        return f"unknown {', '.join(unknown)}"
    needed = columns.keys() - optional
    if "date" not in needed or "verified" not in facts:
        return "a preset has a date, and says whether it is verified"
    if not {"id", "balance"} & needed:
        return "it takes an id, or a balance, to know a line again"
    if "amount" not in needed and not {"credit", "debit"} <= columns.keys():
        return "it takes an amount, or a column of credits and one of debits"
    if ("type" in columns) != bool(ways) or ("status" in columns) != ("statuses" in facts):
        return "types and statuses are said of columns type and status"
    return ""


def preset_named(name: str) -> Preset:
    """The preset of this name; PresetError names those that exist."""
    if name in presets():
        return presets()[name]
    raise PresetError(f"no preset is called {name!r}; there are {', '.join(presets())}")


def fitting(readings: Sequence[Sequence[Sequence[str]]], named: Preset | None) -> tuple[Preset, int]:
    """The one preset whose headers stand in a row of one of these readings of a file's first rows, and which reading.

    With `named`, only that one is looked for. PresetError if none fits, or two do.
    """
    candidates = [named] if named else list(presets().values())
    for nth, rows in enumerate(readings):
        found = [one for one in candidates if any(one.places(row) is not None for row in rows)]
        if len(found) == 1:
            return found[0], nth
        if found:
            names = " and ".join(preset.name for preset in found)
            raise PresetError(f"the headers fit {names}: please name one with --preset")
    if named:
        needed = ", ".join(
            headers[0] for name, headers in named.columns.items() if name not in named.optional
        )
        raise PresetError(f"this file has not the headers of preset {named.name}: {needed}")
    raise PresetError(f"no preset has these headers; there are {', '.join(presets())} (docs/operators.md)")
