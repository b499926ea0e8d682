"""How a report speaks: words, account numbers, amounts and days, in one language and one chart.

Words of ours are all in `words.toml`; one that is missing there is a fault of the program, never a gap on paper.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Self

from ledger.accounts import MINOR_DIGITS
from ledger.charts import Chart

WORDS = Path(__file__).with_name("words.toml")
_THIN = "\u202f"  # the narrow space that does not break, between groups of three


@cache
def words() -> dict[str, dict[str, dict[str, str]]]:
    """The whole table: language, section, word."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Voice:
    """A language and a chart; `width` is how many columns the paper has, `amount_width` the widest amount's.

    `owners` says whose an account is, by its code, where the caller knows: the ledger knows nobody.
    """

    chart: Chart
    language: str
    width: int = 100
    amount_width: int = 11
    owners: Mapping[str, str] = field(default_factory=dict)

    def wide_enough_for(self, minor: int, currency: str) -> Self:
        """The same voice on paper whose columns of amounts have room for this one."""
        return replace(self, amount_width=len(self.amount(minor, currency)))

    def word(self, english: str, **facts: object) -> str:
        """A head, a title or a sentence of ours. KeyError: `words.toml` lacks it."""
        spoken = english if self.language == "en" else words()[self.language]["heads"][english]
        return spoken.format(**{name: self._fact(fact) for name, fact in facts.items()})

    def said(self, text: str) -> str:
        """A journal's kind or reason: translated where we know it, else as it was written."""
        return words()[self.language].get("said", {}).get(text, text)

    def actor(self, text: str) -> str:
        """Who booked a journal: of `treasurer office` only the office is translated, the name stays."""
        known = words()[self.language].get("actors", {})
        office, space, name = text.partition(" ")
        return known.get(text) or known.get(office, office) + space + name

    def title(self, text: str) -> str:
        """`said`, with a capital."""
        spoken = self.said(text)
        return spoken[:1].upper() + spoken[1:]

    def fund(self, fund: str) -> str:
        return words()[self.language]["funds"].get(fund, fund)

    def fund_heading(self, fund: str, currency: str) -> str:
        return self.word("Fund: {fund} ({currency})", fund=self.fund(fund), currency=currency)

    def fund_total(self, fund: str, currency: str) -> str:
        return self.word("Total of fund {fund} ({currency})", fund=self.fund(fund), currency=currency)

    def number(self, account: str) -> str:
        """The account as the chart numbers it: `~571:office`."""
        return self.chart.number(account)

    def label(self, account: str) -> str:
        """What the account holds, and whose it is: `Caisse, collecteur D. B. …05`."""
        label = self.chart.line(account).labels[self.language]
        return f"{label}, {self.owners[account]}" if account in self.owners else label

    def class_(self, number: int) -> str:
        """A class of numbers: `4, Tiers`."""
        return f"{number}, {words()[self.language]['classes'][str(number)]}"

    def status(self, account: str) -> str:
        """How far to trust the account's number."""
        return self.word(self.chart.line(account).status)

    def amount(self, minor: int, currency: str) -> str:
        """`1 234 567` in French, `1,234,567` in English, with the currency's decimals."""
        written = f"{Decimal(minor).scaleb(-MINOR_DIGITS[currency]):,f}"
        return written.translate({ord(","): _THIN, ord("."): ","}) if self.language == "fr" else written

    def some(self, minor: int, currency: str) -> str:
        """An amount, or nothing for zero: a column that a person reads has no zeros."""
        return self.amount(minor, currency) if minor else ""

    def balance(self, net_minor: int, currency: str) -> str:
        """`2 000 D` in debit, `2 000 C` in credit, `0` with neither."""
        side = "D" if net_minor > 0 else "C" if net_minor < 0 else " "
        return f"{self.amount(abs(net_minor), currency)} {side}"

    def day(self, on: date | None) -> str:
        """`22/11/2026` in French, `2026-11-22` in English."""
        if on is None:
            return ""
        return on.strftime("%d/%m/%Y") if self.language == "fr" else on.isoformat()

    def _fact(self, fact: object) -> object:
        return self.day(fact) if isinstance(fact, date) else fact
