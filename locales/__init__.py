"""The sentences of the product: written in English where they are said, shown in the caller's language.

A language is one file, `xx.po`; it is offered in the menu by being there.
"""

from datetime import date

from locales.catalogue import DEFAULT_LANGUAGE, language_name, languages, load, translate
from locales.sentence import Fact, Money, Once, Sentence, _

__all__ = [
    "DEFAULT_LANGUAGE",
    "Fact",
    "Money",
    "Once",
    "Sentence",
    "_",
    "language_name",
    "languages",
    "load",
    "render",
    "translate",
]


def render(sentence: Sentence | str, language: str) -> str:
    """The words of `sentence` in `language`; a plain string (a name, a place) is shown as it is."""
    if isinstance(sentence, str):
        return sentence
    spoken = sentence.language or language
    template = translate(sentence.msgid, spoken)
    return template.format(**{name: _spoken_fact(fact, spoken) for name, fact in sentence.facts})


def _spoken_fact(fact: Fact, language: str) -> str:
    if isinstance(fact, str):
        return fact
    if isinstance(fact, Sentence):
        return render(fact, language)
    return f"{fact.day:02}/{fact.month:02}/{fact.year}" if isinstance(fact, date) else str(fact)
