"""The sentences of the product: written in English where they are said, shown in the caller's language.

A language is one file, `xx.po`; it is offered in the menu by being there.
"""

from datetime import date

from locales.catalogue import DEFAULT_LANGUAGE, catalogue, language_name, languages, load
from locales.formats import locale_of, written_day
from locales.letters import fold, septets
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
    "render_within",
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


def render_within(sentence: Sentence | str, language: str, room: int) -> str:
    """The longest wording of `sentence` that basic phones show in `room` septets; its shortest where none fits."""
    words = fold(render(sentence, language))
    if isinstance(sentence, str) or sentence.shorter is None or septets(words) <= room:
        return words
    return render_within(sentence.shorter, sentence.language or language, room)


def _spoken_fact(fact: Fact, language: str) -> str:
    if isinstance(fact, str):
        return fact
    if isinstance(fact, Sentence):
        return render(fact, language)
    return written_day(fact, language) if isinstance(fact, date) else str(fact)
