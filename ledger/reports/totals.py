"""Sums of what a report printed, fund by fund, and what they should be."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.reports.page import Control


@dataclass
class Tally:
    """How many lines, and what they add up to, in minor units."""

    lines: int = 0
    debits: int = 0
    credits: int = 0


@dataclass
class Totals:
    """Tallies by fund and currency, in the order in which they came."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def add(self, fund: str, currency: str, debits: int, credits: int) -> None:
        """One line more."""
        tally = self.tallies.setdefault((fund, currency), Tally())
        tally.lines += 1
        tally.debits += debits
        tally.credits += credits

    def of(self, fund: str, currency: str) -> Tally:
        """The tally of a fund; nothing, where no line came."""
        return self.tallies.get((fund, currency), Tally())

    def controls(self, expected: "Totals") -> Iterator[Control]:
        """One control a currency, the funds added up; `expected` is what the trial balance says."""
        for currency in sorted({currency for _, currency in self.tallies | expected.tallies}):
            printed, known = self._in(currency), expected._in(currency)
            yield Control(
                currency, printed.lines, printed.debits, printed.credits, known.debits, known.credits
            )

    def _in(self, currency: str) -> Tally:
        tallies = [tally for (_, each), tally in self.tallies.items() if each == currency]
        return Tally(
            sum(t.lines for t in tallies), sum(t.debits for t in tallies), sum(t.credits for t in tallies)
        )
