"""A sentence is said once, in English, and spoken later in the language of whoever reads it.

Nothing is formatted here: a sentence keeps its facts apart, so that the same screen can be rendered in every
language and its English source stays the key of its translation.
"""

from dataclasses import dataclass, field, replace
from datetime import date

from values import value

CURRENCY_SIGNS = {"XOF": "F", "XAF": "F"}


@dataclass(frozen=True, order=True)
class Money:
    """An amount in minor units of `currency` (XOF and XAF have none: 1 is one franc)."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        grouped = f"{self.amount_minor:,}".replace(",", " ")
        return f"{grouped} {CURRENCY_SIGNS.get(self.currency, self.currency)}"


@value
class Once:
    """A fact that its reader sees once (a code, a PIN): no record keeps it, nor the screen with it."""

    words: str = field(repr=False)

    def __str__(self) -> str:
        return self.words


HIDDEN = "****"


@value
class Sentence:
    """`msgid` is the English source with `{names}`; `language`, where set, overrides the reader's."""

    msgid: str
    facts: tuple[tuple[str, "Fact"], ...] = ()
    language: str | None = None

    def in_language(self, language: str) -> "Sentence":
        """The same sentence, always spoken in `language` (a language offers itself in its own words)."""
        return replace(self, language=language)

    def on_record(self) -> "Sentence":
        """The same sentence as it may be kept: what is shown once is hidden."""
        kept = tuple((name, _kept(fact)) for name, fact in self.facts)
        return self if kept == self.facts else replace(self, facts=kept)


Fact = str | int | date | Money | Once | Sentence


def _kept(fact: Fact) -> Fact:
    if isinstance(fact, Sentence):
        return fact.on_record()
    return HIDDEN if isinstance(fact, Once) else fact


def _(msgid: str, **facts: Fact) -> Sentence:
    """Say `msgid`, with its facts by name."""
    return Sentence(msgid, tuple(facts.items()))
