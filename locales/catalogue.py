"""The translation catalogues: one `.po` file a language, read as it is, nothing to compile.

English is the source and needs no file. French is complete and the default; the build says which sentence of
another language is missing.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

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


@cache
def messages(language: str) -> Mapping[str, str]:
    """The translations of `language` by their English source; empty for English itself."""
    if language == SOURCE_LANGUAGE:
        return {}
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=None, abort_invalid=True)
    return {str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}


def load() -> None:
    """Read every catalogue now, as a process starts: the first caller in a language must not wait for it."""
    for language in languages():
        messages(language)


def translate(msgid: str, language: str) -> str:
    """The template of `msgid` in `language`, in English where it has no translation."""
    return messages(language).get(msgid, msgid)


def language_name(language: str) -> str:
    """The language's name in itself: Français, English, Bamanankan."""
    return translate(OWN_NAME, language)
