"""Every sentence that the code says is in every catalogue, with the same facts, and none is there for nothing."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from locales import Money, _, language_name, languages, load, render
from locales.catalogue import OWN_NAME, SOURCE_LANGUAGE, messages

ROOT = Path(__file__).parents[2]
ROOMS = ("talk", "menus", "ussd", "sms", "mutuelle")
TRANSLATED = [language for language in languages() if language != SOURCE_LANGUAGE]


def said() -> Iterator[str]:
    """The English source of every sentence in the code."""
    yield OWN_NAME
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                    source = node.args[0]
                    assert isinstance(source, ast.Constant), (
                        f"{path}:{node.lineno}: a sentence is written out"
                    )
                    assert isinstance(source.value, str)
                    yield source.value


SAID = sorted(set(said()))


def facts(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_is_missing_and_none_is_left_over(language: str) -> None:
    assert sorted(messages(language)) == SAID


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("sentence", SAID)
def test_a_translation_has_the_facts_of_its_source(sentence: str, language: str) -> None:
    assert facts(messages(language)[sentence]) == facts(sentence)


def test_french_is_the_default_and_comes_first() -> None:
    assert languages()[0] == "fr"
    assert [language_name(language) for language in languages()] == ["Français", "English"]


def test_money_is_written_as_people_here_write_it() -> None:
    assert [str(Money(amount, "XOF")) for amount in (0, 500, 12_000, 1_260_000)] == [
        "0 F",
        "500 F",
        "12 000 F",
        "1 260 000 F",
    ]


def test_a_sentence_inside_a_sentence_speaks_the_same_language() -> None:
    inner = _("Yes")
    assert render(
        _("{who}. Paid. Care is covered from {start}. Left to pay: {due}.", who=inner, start="x", due="y"),
        "fr",
    ).startswith("Oui.")


def test_a_process_that_has_loaded_the_catalogues_reads_no_file_for_a_caller() -> None:
    messages.cache_clear()
    load()
    read = messages.cache_info().misses
    assert read == len(languages())
    for language in languages():
        render(_("Yes"), language)
    assert messages.cache_info().misses == read
