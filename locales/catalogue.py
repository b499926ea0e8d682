"""The translation catalogues: one `.po` file a language, read as it is by Babel, spoken by the standard gettext.

English is the source and needs no file. French is complete and the default; the build says which sentence of
another language is missing.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE_LANGUAGE = "en"
DEFAULT_LANGUAGE = "fr"
FOLDER = Path(__file__).parent
OWN_NAME = "English"  # each catalogue translates this word by the name of its own language


@cache
def languages() -> tuple[str, ...]:
    """Codes of all languages, the default first, then in alphabetical order."""
    found = {path.stem for path in FOLDER.glob("*.po")} | {SOURCE_LANGUAGE}
    return (DEFAULT_LANGUAGE, *sorted(found - {DEFAULT_LANGUAGE}))


def read_catalogue(language: str) -> Catalog:
    """The file of `language` as its translator wrote it."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=None, abort_invalid=True)


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations of `language`, with its own plural forms; a text that it lacks comes back in English."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language))  # what a translator marked as fuzzy is left out
    compiled.seek(0)
    return GNUTranslations(compiled)


def load() -> None:
    """Read every catalogue now, as a process starts: the first caller in a language must not wait for it."""
    for language in languages():
        catalogue(language)


def language_name(language: str) -> str:
    """The language's name in itself: Français, English, Bamanankan."""
    return catalogue(language).gettext(OWN_NAME)
