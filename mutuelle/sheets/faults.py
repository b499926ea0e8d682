"""Faults of a file: each names its file, line, column and cell, and is reported with all others.

A cause that repeats down a column is reported once, with its lines.
"""

import unicodedata
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from locales import Fact, Sentence, _, counts
from talk.trouble import InvalidError

MOST_ALONE = 2  # so many lines with one fault are reported one by one
LINES_SHOWN = 12
SAID_SHOWN = 60


class UnreadError(InvalidError):
    """Unreadable text: `letter` cannot stand there, `said` is its context, `text` all that stands before it."""

    def __init__(self, sentence: Sentence, letter: str = "", said: str = "", text: str = "") -> None:
        super().__init__(sentence)
        self.letter, self.said, self.text = letter, said, text


@dataclass(frozen=True)
class Fault:
    """`line` is the one a text editor or spreadsheet shows (0: the whole file), `column` its header ("": the line).

    `letters` are the column's own in a spreadsheet; `said` is what the cell says, `letter` what cannot stand in it.
    """

    file: str
    line: int
    column: str
    reason: Sentence
    letters: str = ""
    said: str = ""
    letter: str = ""

    @property
    def cause(self) -> Hashable:
        """The key of faults with one cause: unreadable cells may differ in what they say."""
        of = self.reason.msgid if self.said else self.reason
        return self.file, self.column, of, self.letter

    @property
    def sentence(self) -> Sentence:
        """The fault in words."""
        if not self.line:
            return _("{file}: {reason}", file=self.file, reason=self.why)
        if not self.column:
            return _("{file}, line {line}: {reason}", file=self.file, line=self.line, reason=self.why)
        return _(
            "{file}, line {line}, {column}: {reason}",
            file=self.file,
            line=self.line,
            column=self.column,
            reason=self.why,
        )

    @property
    def why(self) -> Sentence:
        """The reason, with the cell, what it says and the letter that cannot stand in it, as far as they are known."""
        said = self.said if len(self.said) <= SAID_SHOWN else self.said[:SAID_SHOWN] + "…"
        where: Fact = f"{self.letters}{self.line}" if self.letters else ""
        if said and (self.letter or said not in (fact for _name, fact in self.reason.facts)):
            where = _("{cell}: “{said}”", cell=where, said=said) if where else _("“{said}”", said=said)
        if self.letter:
            where = _("{cell}, look at “{letter}”", cell=where, letter=_shown(self.letter))
        return _("{reason} ({where})", reason=self.reason, where=where) if where else self.reason


def _shown(letter: str) -> str:
    """A letter as a person can find it: by its number where it shows nothing."""
    if letter.isprintable() and letter not in " \ufffd" and unicodedata.category(letter) != "Cf":
        return letter
    return f"U+{ord(letter):04X} {unicodedata.name(letter, '').lower()}".strip()


def by_cause(faults: Iterable[Fault]) -> list[list[Fault]]:
    """The faults in their order, those of one cause together."""
    found: dict[Hashable, list[Fault]] = {}
    for fault in faults:
        found.setdefault(fault.cause if fault.line and fault.letters else id(fault), []).append(fault)
    return list(found.values())


def reported(faults: list[Fault]) -> list[Sentence]:
    """Faults of one cause: one by one if they are few, else the first with the lines of all."""
    if len(faults) <= MOST_ALONE:
        return [fault.sentence for fault in faults]
    first = faults[0]
    lines = ", ".join(str(fault.line) for fault in faults[:LINES_SHOWN])
    return [
        _(
            "{file}, column {letters}, {column}: {count} (lines {lines}): {reason}",
            file=first.file,
            letters=first.letters,
            column=first.column,
            count=counts.times(len(faults)),
            lines=lines + (" …" if len(faults) > LINES_SHOWN else ""),
            reason=first.why,
        )
    ]
