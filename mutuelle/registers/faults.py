"""What is wrong with a file, and where: every fault names its file, line and column, and is told with all others."""

from dataclasses import dataclass

from locales import Sentence, _


@dataclass(frozen=True)
class Fault:
    """`line` is the one a text editor or spreadsheet shows (0: the whole file), `column` its header ("": the line)."""

    file: str
    line: int
    column: str
    reason: Sentence

    @property
    def told(self) -> Sentence:
        """The fault as a person reads it."""
        if not self.line:
            return _("{file}: {reason}", file=self.file, reason=self.reason)
        if not self.column:
            return _("{file}, line {line}: {reason}", file=self.file, line=self.line, reason=self.reason)
        return _(
            "{file}, line {line}, {column}: {reason}",
            file=self.file,
            line=self.line,
            column=self.column,
            reason=self.reason,
        )
