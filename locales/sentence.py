"""A sentence is said once, in English, and spoken later in its reader's language.

Nothing is formatted here: a sentence keeps its facts apart, so that the same screen can be rendered in every
language and its English source stays the key of its translation.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast

from currencies import CURRENCIES
from locales.formats import written_number
from locales.letters import fold, septets
from values import value


@dataclass(frozen=True, order=True)
class Money:
    """An amount in minor units of `currency`: francs CFA have none, 1 is one franc; currencies.py has the others."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return f"{self.bare} {CURRENCIES[self.currency].sign}"

    @property
    def bare(self) -> str:
        """The amount alone, for where its currency stands beside another one."""
        return written_number(self.amount_minor, CURRENCIES[self.currency].decimals)

    @property
    def figures(self) -> str:
        """The amount as somebody types it: 2500, or 2500,50 where there are centimes."""
        return self.bare.replace(" ", "")


@value
class Once:
    """A fact that its reader sees once (a code, a PIN): no record keeps it, nor the screen with it."""

    words: str = field(repr=False)

    def __str__(self) -> str:
        return self.words


@value
class Sentence:
    """`msgid` is the English source with `{names}`; `language`, where set, overrides the reader's.

    With `plural`, the source for other numbers than one, the first fact is the number `n` that chooses the form.
    `shorter` says the same where there is no room: in the place of names as long as the tables allow.
    """

    msgid: str
    facts: tuple[tuple[str, "Fact"], ...] = ()
    language: str | None = None
    plural: str | None = None
    shorter: "Sentence | None" = None

    def or_else(self, shorter: "Sentence") -> "Sentence":
        """The same sentence, with a shorter one for where it has no room."""
        last = self.shorter.or_else(shorter) if self.shorter else shorter
        return replace(self, shorter=last)

    @property
    def number(self) -> int:
        """What chooses the plural form."""
        return cast(int, self.facts[0][1])

    def in_language(self, language: str) -> "Sentence":
        """The same sentence, always spoken in `language` (a language offers itself in its own words)."""
        return replace(self, language=language)

    @property
    def is_shown_once(self) -> bool:
        """Whether it holds a fact that no record may keep."""
        facts = [fact for _name, fact in self.facts]
        return any(isinstance(f, Once) or (isinstance(f, Sentence) and f.is_shown_once) for f in facts)

    def for_record(self) -> "Sentence":
        """The same sentence, as long, with stars for the letters that no record may keep."""
        facts = tuple((name, _for_record(fact)) for name, fact in self.facts)
        return replace(self, facts=facts, shorter=self.shorter and self.shorter.for_record())


Fact = str | int | date | Money | Once | Sentence


def _for_record(fact: Fact) -> Fact:
    if isinstance(fact, Sentence):
        return fact.for_record()
    return "*" * septets(fold(fact.words)) if isinstance(fact, Once) else fact


def _(msgid: str, **facts: Fact) -> Sentence:
    """Say `msgid`, with its facts by name."""
    return Sentence(msgid, tuple(facts.items()))


def _n(one: str, many: str, n: int, **facts: Fact) -> Sentence:
    """Say `one` or `many`, whichever the reader's language has for the number `n`, which is the fact `{n}` of both."""
    return Sentence(one, (("n", n), *facts.items()), plural=many)
