"""The languages that doctors speak and the services of a facility, in words.

The tables keep codes and English keys. A language that is not here is shown by its code.
"""

from locales import Sentence, _

LANGUAGES: dict[str, Sentence] = {
    "bm": _("Bambara"),
    "dua": _("Duala"),
    "dyu": _("Dioula"),
    "ee": _("Ewe"),
    "en": _("English spoken"),
    "ff": _("Fulfulde"),
    "fon": _("Fon"),
    "fr": _("French"),
    "gej": _("Mina"),
    "ha": _("Hausa"),
    "kbp": _("Kabiye"),
    "mos": _("Moore"),
    "sef": _("Senoufo"),
    "snk": _("Soninke"),
    "wo": _("Wolof"),
}

SERVICES: dict[str, Sentence] = {
    "general medicine": _("general medicine"),
    "minor surgery": _("minor surgery"),
    "deliveries": _("deliveries"),
    "ante- and post-natal visits": _("pregnancy and birth visits"),
    "laboratory": _("laboratory"),
    "vaccination": _("vaccination"),
    "health promotion": _("health advice"),
}


def language_word(code: str) -> Sentence | str:
    """The language with this ISO 639 code, in words."""
    return LANGUAGES.get(code, code.upper())
