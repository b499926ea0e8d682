"""`keneya guide`: cards of one page each, whose words are those that people meet on the phone."""

import asyncio
import re
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from commands.guide.cards import Card, cards
from commands.guide.html import page
from commands.guide.pdf import paper
from locales import languages
from menus.by_message import menus_by_message
from sms.keywords import Phrasebook
from tests.conftest import Database
from tests.support.officers import set_limit
from tests.support.town import found_town
from tests.test_cli import typed_into

ROLES = ["villager", "collector", "treasurer", "doctor"]
TYPED = ("guide", "--code", "*384*57#", "--sms", "38457")


def drawn(language: str = "fr") -> list[Card]:
    return list(cards("*384*57#", "38457", "Mutuelle Benso", "76 00 00 09", language))


def words(text: str) -> str:
    return " ".join(text.split())


def read(pdf: bytes) -> str:
    """The text of the only page."""
    [only] = PdfReader(BytesIO(pdf)).pages
    return words(only.extract_text())


@pytest.mark.parametrize("language", languages())
def test_each_card_is_one_page_whose_text_can_be_read_in_both_forms(language: str) -> None:
    assert [card.key for card in drawn(language)] == ROLES
    for card in drawn(language):
        on_screen = words(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page(card), flags=re.DOTALL)))
        rows = [cell for row in (*card.calls, *card.messages) for cell in row]
        for said in (card.title, card.call, card.message, *card.advice, card.foot, *rows):
            assert words(said) in on_screen
            assert words(said) in read(paper(card))


@pytest.mark.parametrize("language", languages())
def test_every_sms_on_a_card_opens_a_menu(language: str) -> None:
    book = Phrasebook(menus_by_message())
    for card in drawn(language):
        for written, _does in card.messages:
            heard = book.read(written)
            assert heard is not None, written
            assert heard.leads


def test_a_villager_reads_the_digits_of_home_and_the_words_of_her_sms() -> None:
    villager = drawn()[0]
    assert villager.calls[:2] == (("1", "Adhérer ; déjà membre : Ma couverture"), ("2", "Payer"))
    assert [digit for digit, _label in villager.calls] == list("12345678")
    assert villager.messages[2] == ("COUVERTURE", "sommes-nous couverts ?")
    assert villager.foot == "Ma mutuelle : Mutuelle Benso Tél. : 76 00 00 09"


def test_a_letter_that_the_paper_lacks_is_written_as_near_as_it_comes() -> None:
    card = list(cards("*1#", "38457", "Jɛkafɔ <&> Ŋara", "1", "fr"))[-1]
    assert "Jekafo <&> Ngara" in read(paper(card))
    assert "Jɛkafɔ &lt;&amp;&gt; Ŋara" in page(card)


def test_the_same_card_is_the_same_file() -> None:
    assert [paper(card) for card in drawn()] == [paper(card) for card in drawn()]


def test_it_needs_no_database_until_a_mutuelle_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, out, _err = typed_into(capsys, *TYPED, "--out", str(tmp_path / "cards"))
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "cards").iterdir()) == sorted(
        f"{role}.{form}" for role in ROLES for form in ("html", "pdf")
    )
    assert out.count("\n") == len(ROLES)
    assert "Tél. : ....." in (tmp_path / "cards" / "doctor.html").read_text()


def test_a_named_mutuelle_is_on_its_cards(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def found() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        await set_limit(pool, "cash_days", 9)
        await pool.dispose()

    asyncio.run(found())
    monkeypatch.setenv("DATABASE_URL", database.url)
    code, _out, _err = typed_into(capsys, *TYPED, "--out", str(tmp_path), "--mutuelle", "BEN")
    assert code == 0
    assert "Mutuelle Benso Tél. : 76 00 00 09" in (tmp_path / "villager.html").read_text()
    assert "avant 9 jours" in (tmp_path / "collector.html").read_text()
    code, _out, err = typed_into(capsys, *TYPED, "--out", str(tmp_path), "--mutuelle", "XXX")
    assert (code, "no mutuelle has the code 'XXX'" in err) == (2, True)


@pytest.mark.parametrize(("option", "value"), [("--code", "384"), ("--code", "*#"), ("--sms", "Keneya")])
def test_what_nobody_can_dial_or_write_to_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str
) -> None:
    code, _out, err = typed_into(capsys, *TYPED, "--out", str(tmp_path), option, value)
    assert (code, value in err) == (2, True)


def test_a_folder_that_cannot_be_made_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _out, err = typed_into(capsys, *TYPED, "--out", str(tmp_path / "file"))
    assert (code, err.count("\n")) == (1, 1)
