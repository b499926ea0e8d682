"""How a report speaks: words, account numbers, amounts and days, in one language and one chart.

The ledger knows no language: the catalogue of the reader's is handed down. Texts are English in the code; the tests ask
every catalogue for what stands in `_()`, `word()` and `words()`, and for the names of columns and fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from typing import Self

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from currencies import MINOR_DIGITS
from ledger import accounts
from ledger.charts import CLASSES, Chart

FUNDS = {
    accounts.HEALTH: "Health",
    accounts.TRANSPORT: "Transport and lodging",
    accounts.TONTINE: "Tontine",
    accounts.LOANS: "Clinic loans",
    accounts.GRANTS: "Grants",
}


def _(text: str) -> str:
    """Marks a text for the catalogues; `Voice.word` says it."""
    return text


@lru_cache(maxsize=4096)
def _written(minor: int, digits: int, locale: Locale) -> str:
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return format_decimal(Decimal(minor).scaleb(-digits), pattern, locale)


@lru_cache(maxsize=4096)
def _written_day(on: date, pattern: str, locale: Locale) -> str:
    return format_date(on, pattern, locale)


@dataclass(frozen=True)
class Voice:
    """The chart and the catalogue are of one language, `locale` is how it writes numbers.

    `width` is how many columns the paper has, `amount_width` the widest amount's. `owners` says whose an account is, by
    its code, where the caller knows: the ledger knows nobody.
    """

    chart: Chart
    catalogue: NullTranslations
    locale: Locale
    width: int = 100
    amount_width: int = 11
    owners: Mapping[str, str] = field(default_factory=dict)

    def wide_enough_for(self, minor: int, currency: str) -> Self:
        """The same voice on paper whose columns of amounts have room for this one."""
        return replace(self, amount_width=len(self.amount(minor, currency)))

    def word(self, english: str, **facts: object) -> str:
        """A head, a title or a sentence of ours."""
        return self._filled(self.catalogue.gettext(english), facts)

    def words(self, one: str, many: str, n: int, **facts: object) -> str:
        """A sentence of ours in the form that the language has for the number `n`."""
        return self._filled(self.catalogue.ngettext(one, many, n), {"n": n} | facts)

    def said(self, text: str) -> str:
        """A journal's kind or reason: translated where we know it, else as it was written."""
        return self.catalogue.pgettext("journal", text)

    def actor(self, text: str) -> str:
        """Who booked a journal: of `treasurer office` only the office is translated, the name stays."""
        whole = self.catalogue.pgettext("actor", text)
        office, space, name = text.partition(" ")
        return whole if whole != text else self.catalogue.pgettext("actor", office) + space + name

    def title(self, text: str) -> str:
        """`said`, with a capital."""
        spoken = self.said(text)
        return spoken[:1].upper() + spoken[1:]

    def fund(self, fund: str) -> str:
        return self.catalogue.pgettext("fund", FUNDS.get(fund, fund))

    def fund_heading(self, fund: str, currency: str) -> str:
        return self.word("Fund: {fund} ({currency})", fund=self.fund(fund), currency=currency)

    def fund_total(self, fund: str, currency: str) -> str:
        return self.word("Total of fund {fund} ({currency})", fund=self.fund(fund), currency=currency)

    def number(self, account: str) -> str:
        """The account as the chart numbers it: `~571:office`."""
        return self.chart.number(account)

    def label(self, account: str) -> str:
        """What the account holds, and whose it is: `Caisse, collecteur D. B. …05`."""
        label = self.chart.line(account).label
        return f"{label}, {self.owners[account]}" if account in self.owners else label

    def class_(self, number: int) -> str:
        """A class of numbers: `4, Tiers`."""
        return f"{number}, {self.catalogue.pgettext('class', CLASSES[number])}"

    def status(self, account: str) -> str:
        """How far to trust the account's number."""
        return self.word(self.chart.line(account).status)

    def amount(self, minor: int, currency: str) -> str:
        """`1 234 567` in French, `1,234,567` in English, with the currency's decimals."""
        return _written(minor, MINOR_DIGITS[currency], self.locale)

    def some(self, minor: int, currency: str) -> str:
        """An amount, or nothing for zero: a column that a person reads has no zeros."""
        return self.amount(minor, currency) if minor else ""

    def balance(self, net_minor: int, currency: str) -> str:
        """`2 000 D` in debit, `2 000 C` in credit, `0` with neither."""
        side = "D" if net_minor > 0 else "C" if net_minor < 0 else " "
        return f"{self.amount(abs(net_minor), currency)} {side}"

    def day(self, on: date | None) -> str:
        """`22/11/2026` in French, `2026-11-22` in English."""
        return _written_day(on, self.word("yyyy-MM-dd"), self.locale) if on else ""

    def _filled(self, template: str, facts: Mapping[str, object]) -> str:
        said = {name: self.day(fact) if isinstance(fact, date) else fact for name, fact in facts.items()}
        return template.format(**said)
