"""The sentences of the product: written in English where they are said, shown in the caller's language.

A language is one file, `xx.po`; it is offered in the menu by being there.
"""

from datetime import date

from locales.catalogue import DEFAULT_LANGUAGE, catalogue, language_name, languages, load
from locales.formats import locale_of, written_day
from locales.sentence import Fact, Money, Once, Sentence, _, _n

__all__ = [
    "DEFAULT_LANGUAGE",
    "Fact",
    "Money",
    "Once",
    "Sentence",
    "_",
    "_n",
    "catalogue",
    "language_name",
    "languages",
    "load",
    "locale_of",
    "render",
]


def render(sentence: Sentence | str, language: str) -> str:
    """The words of `sentence` in `language`; a plain string (a name, a place) is shown as it is."""
    if isinstance(sentence, str):
        return sentence
    spoken = sentence.language or language
    known = catalogue(spoken)
    if sentence.plural is None:
        template = known.gettext(sentence.msgid)
    else:
        template = known.ngettext(sentence.msgid, sentence.plural, sentence.number)
    return template.format(**{name: _spoken_fact(fact, spoken) for name, fact in sentence.facts})


def _spoken_fact(fact: Fact, language: str) -> str:
    if isinstance(fact, str):
        return fact
    if isinstance(fact, Sentence):
        return render(fact, language)
    return written_day(fact, language) if isinstance(fact, date) else str(fact)
