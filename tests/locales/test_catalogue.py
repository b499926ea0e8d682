"""Every text that the code says is in every catalogue, with the same facts, and none is there for nothing."""

import ast
import re
import string
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from ledger.charts import CLASSES, Status, charts
from ledger.reports import REPORTS
from ledger.reports.page import HEADINGS, Part
from ledger.reports.voice import FUNDS
from locales import Money, _, _n, catalogue, language_name, languages, load, render
from locales.catalogue import OWN_NAME, SOURCE_LANGUAGE, read_catalogue
from locales.formats import locale_of
from locales.letters import is_gsm7

ROOT = Path(__file__).parents[2]
ROOMS = ("locales", "talk", "menus", "ussd", "sms", "mutuelle", "ledger", "commands", "simulator")
ON_PHONES = ("talk", "menus", "ussd", "sms", "mutuelle")  # what they say is read on a phone, but for
ON_PAPER = (  # commands and files
    *("mutuelle/imports", "mutuelle/sheets", "mutuelle/treasury/statements"),
    *("mutuelle/founding", "mutuelle/demonstration"),
)
MOST_FOLDED = 4  # français, three times, and hôpital, for which there is no other word
TEXTS = {"_": 1, "_n": 2, "word": 1, "words": 2}  # so many texts come first in these calls
PUT_TOGETHER = {  # in the book without being written out in the code; "transfer" is what those say who move money
    *("answer differs in amount", "answer differs in currency", "answer differs in phone"),
    *("period closed", "period reopened", "transfer"),
}
TRANSLATED = [language for language in languages() if language != SOURCE_LANGUAGE]
WRITTEN_DOWN = ("journal", "actor")  # contexts of what stands in the book: translated where it is known


def said() -> Iterator[tuple[str | None, str]]:
    """The context and the English source of every text in the code."""
    yield None, OWN_NAME
    yield from ((None, text) for text in said_in(*ROOMS))
    for report in REPORTS.values():
        yield None, report.title
        yield from ((None, column.name) for column in report.columns)
        yield from ((None, field.name) for field in report.fields)
    yield from ((None, part) for part in set(Part) - HEADINGS)
    yield from ((None, status) for status in Status)
    yield from (("fund", name) for name in FUNDS.values())
    yield from (("class", name) for name in CLASSES.values())
    yield from (("account", line.label) for chart in charts().values() for line in chart.lines.values())


def said_in(*rooms: str) -> Iterator[str]:
    """The English source of every sentence that the files of `rooms` say."""
    for path in (path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from texts_of(node, path)


def texts_of(call: ast.Call, path: Path) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    for source in call.args[: TEXTS.get(name, 0)]:
        written = isinstance(source, ast.Constant) and isinstance(source.value, str)
        assert written or name not in ("_", "_n"), f"{path}:{call.lineno}: a sentence is written out"
        if isinstance(source, ast.Constant) and isinstance(source.value, str) and source.value:
            yield source.value


SAID = set(said())


def key(message: Message) -> tuple[str | None, str]:
    return message.context, forms(message.id)[0]


def forms(texts: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """The one text of a message, or its plural forms."""
    return [texts] if isinstance(texts, str) else list(texts or ())


def messages(language: str) -> list[Message]:
    return [message for message in read_catalogue(language) if message.id]


def facts(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_missing_and_none_is_left_over(language: str) -> None:
    plurals = {text for message in messages(language) for text in forms(message.id)[1:]}
    there = {
        key(m)
        for m in messages(language)
        if m.context not in WRITTEN_DOWN and not m.fuzzy and all(forms(m.string))
    }
    assert there | {(None, text) for text in plurals} == SAID


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_a_catalogue_knows_of_the_book_is_written_there_by_somebody(language: str) -> None:
    paths = [path for room in ("ledger", "mutuelle") for path in (ROOT / room).rglob("*.py")]
    source = "".join(path.read_text() for path in paths)
    known = {str(message.id) for message in messages(language) if message.context in WRITTEN_DOWN}
    assert {text for text in known if f'"{text}"' not in source} == PUT_TOGETHER


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_facts_of_its_source(language: str) -> None:
    other = {
        key(message): forms(message.string)
        for message in messages(language)
        if {frozenset(facts(text)) for text in forms(message.string)}
        != {frozenset(facts(forms(message.id)[-1]))}
    }
    assert other == {}


def test_phones_show_french_as_it_is_written() -> None:
    """Words with letters that a basic phone lacks (ç ê ô â) look wrong on it, and nearly always there is another word.

    There may be fewer of them than today, never more.
    """
    on_phones = set(said_in(*ON_PHONES)) - set(said_in(*ON_PAPER))
    words = [
        word
        for message in messages("fr")
        if (source := forms(message.id)[0]) in on_phones
        and not source.isupper()  # a keyword is what people write
        for text in forms(message.string)[-1:]
        for word in text.split()
        if not is_gsm7(word.replace("À", "A"))  # a capital without its accent is nothing odd
    ]
    assert len(words) <= MOST_FOLDED, sorted(words)


def test_phones_and_cards_say_one_word_for_one_thing() -> None:
    """Words that `docs/glossary.md` has another one for. The cards of `keneya guide` are read beside the phone."""
    on_phones = set(said_in(*ON_PHONES, "commands/guide")) - set(said_in(*ON_PAPER))
    said_otherwise = [
        text
        for message in messages("fr")
        if (source := forms(message.id)[0]) in on_phones
        and not source.isupper()  # a keyword is what people write
        for text in forms(message.string)
        if re.search(r"\bdroits\b|soins couverts|en charge\b|\bcarence\b|code d[ue] reçu", text.lower())
    ]
    assert said_otherwise == []


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


def test_a_day_is_written_as_in_the_language() -> None:
    sentence = _("{who}. COVERED until {end}. Nothing is due.", who="Awa", end=date(2026, 1, 2))
    assert [render(sentence, language) for language in ("fr", "en")] == [
        "Awa. COUVERT jusqu'au 02/01/2026. Rien à payer.",
        "Awa. COVERED until 02/01/2026. Nothing is due.",
    ]


def test_a_language_that_unicode_does_not_know_writes_as_the_default_does() -> None:
    assert locale_of("snk") == locale_of("fr")


def test_a_number_chooses_the_form_that_its_language_has() -> None:
    said = {
        n: [render(_n("{n} day", "{n} days", n), language) for language in ("en", "fr")] for n in (0, 1, 2)
    }
    assert said == {0: ["0 days", "0 jour"], 1: ["1 day", "1 jour"], 2: ["2 days", "2 jours"]}


def test_a_sentence_inside_a_sentence_speaks_the_same_language() -> None:
    inner = _("Yes")
    assert render(
        _("{who}. Paid. Care is covered from {start}. Left to pay: {due}.", who=inner, start="x", due="y"),
        "fr",
    ).startswith("Oui.")


def test_a_process_that_has_loaded_the_catalogues_reads_no_file_for_a_caller() -> None:
    catalogue.cache_clear()
    load()
    read = catalogue.cache_info().misses
    assert read == len(languages())
    for language in languages():
        render(_("Yes"), language)
    assert catalogue.cache_info().misses == read
