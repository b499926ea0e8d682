"""`keneya card`: what is on the paper, that it works at the doctor's, and that its codes are nowhere else."""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from commands import card as command
from commands.card.paper import rules, sheets
from commands.command import login
from locales import languages, render
from mutuelle.care.cards import PrintedCard
from mutuelle.care.tables import care_card, care_code
from mutuelle.households.households import Household
from mutuelle.tables import household_phone
from talk.answers import Secret
from talk.keyring import Keyring
from tests.conftest import Database
from tests.support.doctor_desk import check, covered_household
from tests.support.messages_receipts import MUTUELLE
from tests.support.town import MARIAM, NOON, OUMAR, join, paid
from tests.support.town_fixtures import KEYS
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
T = TypeVar("T")
CODE = re.compile(r"(?<!\d)(\d\d?)\. (\d{6})(?!\d)")


@pytest.fixture
def keneya(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Keneya:
    """Type `keneya card … --out cards.pdf`."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setattr(command, "keyring", lambda: Keyring(KEYS))
    return lambda *typed: typed_into(capsys, "card", *typed, "--out", str(tmp_path / "cards.pdf"))


@pytest.fixture
def household(database: Database) -> Household:
    """Awa's, covered, with a phone; beside it Mariam's, without one, and Oumar's, elsewhere."""

    async def lives(pool: AsyncEngine) -> Household:
        own = await covered_household(pool)
        for phone, name, place in ((MARIAM, "Mariam Diarra", "v1"), (OUMAR, "Oumar Sow", "v2")):
            await paid(pool, await join(pool, phone, at=NOON, name=name, place=place), at=NOON)
        async with pool.begin() as db:
            await db.execute(household_phone.delete().where(household_phone.c.phone == MARIAM))
        return own

    return within(database, lives)


def within(database: Database, work: Callable[[AsyncEngine], Coroutine[Any, Any, T]]) -> T:
    """Do something in the database between two commands."""

    async def run() -> T:
        pool = create_async_engine(database.url, poolclass=NullPool)
        try:
            return await work(pool)
        finally:
            await pool.dispose()

    return asyncio.run(run())


def words(pdf: bytes) -> str:
    """All of its text, each blank one blank."""
    return " ".join("\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def codes_on(pdf: bytes) -> dict[int, str]:
    return {int(line): code for line, code in CODE.findall(words(pdf))}


def test_a_card_is_printed_handed_over_and_works_and_the_next_one_ends_it(
    keneya: Keneya, household: Household, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "cards.pdf"
    file.touch(mode=0o644)
    assert keneya(household.shown_number)[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    said = words(file.read_bytes())
    for shown in ("Awa Koné", household.shown_number, "Mutuelle Benso", "Carte de soins n° 1", "76 00 00 09"):
        assert shown in said
    codes = codes_on(file.read_bytes())
    assert list(codes) == list(range(1, 11))
    assert len(set(codes.values())) == 10

    async def hand_over(pool: AsyncEngine) -> None:
        async with pool.begin() as db:
            await db.execute(update(care_card).values(handed_at=care_card.c.printed_at, handed_by=OUMAR))

    async def checked(pool: AsyncEngine, line: int = 7) -> str:
        async with pool.connect() as db:
            newest = select(care_card.c.printed_at).order_by(care_card.c.card.desc()).limit(1)
            at: datetime = (await db.execute(newest)).scalar_one()
        return await check(pool, household.number, codes[line], at=at)

    assert "non reconnu" in within(database, checked), "printed, and in nobody's hand"
    within(database, hand_over)
    assert "COUVERT" in within(database, checked)
    before = file.read_bytes()
    refused, _out, complaint = keneya(household.number)
    assert (refused, file.read_bytes()) == (1, before)
    assert "card 1 in hand, with 9 codes left" in complaint
    assert "Say --yes" in complaint
    assert "COUVERT" in within(database, lambda pool: checked(pool, 1)), "it still serves"
    assert keneya(household.number, "--yes")[0] == 0
    assert "Carte de soins n° 2" in words(file.read_bytes())
    assert "non reconnu" in within(database, checked)
    assert set(codes.values()).isdisjoint(codes_on(file.read_bytes()).values())


def test_its_codes_are_on_the_paper_and_nowhere_else_and_printing_is_written_down(
    keneya: Keneya,
    household: Household,
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    code, out, err = keneya(household.number)
    codes = codes_on((tmp_path / "cards.pdf").read_bytes()).values()
    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cards.pdf"]

    async def everything(pool: AsyncEngine) -> str:
        async with pool.connect() as db:
            names = await db.scalars(
                text("select table_name from information_schema.tables where table_schema = 'public'")
            )
            rows = [list(await db.scalars(text(f"select t::text from {name} t"))) for name in names]
            cards = (await db.execute(select(care_card))).all()
            assert [(one.number, one.card, one.printed_by) for one in cards] == [
                (household.number, 1, login())
            ]
            assert await db.scalar(select(care_code.c.made_by).limit(1)) == login()
        return str(rows)

    kept = within(database, everything)
    for one in codes:
        assert not re.search(rf"(?<![0-9a-f]){one}(?![0-9a-f])", kept + caplog.text + out + err)


def test_a_place_and_those_without_a_phone(
    keneya: Keneya, household: Household, database: Database, tmp_path: Path
) -> None:
    def names() -> list[str]:
        said = words((tmp_path / "cards.pdf").read_bytes())
        return [name for name in ("Awa Koné", "Mariam Diarra", "Oumar Sow") if name in said]

    place = within(database, _place_of(household))
    assert keneya("--mutuelle", "ben", "--place", place)[0] == 0
    assert names() == ["Awa Koné", "Mariam Diarra"]
    assert keneya("--mutuelle", "BEN", "--without-phone")[0] == 0
    assert names() == ["Mariam Diarra"]

    async def hand_over(pool: AsyncEngine) -> None:
        async with pool.begin() as db:
            in_force = care_card.c.ended_at.is_(None)
            await db.execute(
                update(care_card).where(in_force).values(handed_at=care_card.c.printed_at, handed_by=OUMAR)
            )

    within(database, hand_over)
    code, _out, err = keneya("--mutuelle", "BEN", "--place", place, "--without-phone")
    assert (code, "no household needs a card there" in err) == (1, True), (
        "theirs are in hand, with codes left"
    )

    async def use_all(pool: AsyncEngine) -> None:
        async with pool.begin() as db:
            await db.execute(update(care_code).values(used_at=NOON))

    within(database, use_all)
    assert keneya("--mutuelle", "BEN", "--without-phone")[0] == 0
    assert names() == ["Mariam Diarra"], "all used: she needs the next one"


def test_a_file_has_so_many_cards_at_most(
    keneya: Keneya, household: Household, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(command, "MOST", 1)
    code, _out, err = keneya("--mutuelle", "BEN", "--place", within(database, _place_of(household)))
    assert (code, "more than 1 households" in err) == (1, True)


def _place_of(household: Household) -> Callable[[AsyncEngine], Coroutine[Any, Any, str]]:
    async def name(pool: AsyncEngine) -> str:
        async with pool.connect() as db:
            found = await db.scalar(
                text(
                    "select p.name from place p join household h on h.mutuelle_id = p.mutuelle_id"
                    " and h.place_id = p.id where h.number = :n"
                ).bindparams(n=household.number)
            )
        return str(found)

    return name


@pytest.mark.parametrize(
    ("typed", "exit_code", "said"),
    [
        ((), 2, "name a household by its NUMBER, or --mutuelle"),
        (("199000010", "--mutuelle", "BEN"), 2, "name a household by its NUMBER, or --mutuelle"),
        (("--mutuelle", "BEN"), 2, "goes with --place NAME"),
        (("199000010", "--place", "Koutiala"), 2, "goes with --place NAME"),
        (("199000011",), 2, "is not a member number"),
        (("199999996",), 1, "No household has the number 199 999 996"),
        (("--mutuelle", "XXX", "--without-phone"), 2, "no mutuelle has the code"),
        (("--mutuelle", "BEN", "--place", "Tombouctou"), 2, "is no one place of BEN"),
    ],
)
def test_what_cannot_be_printed_is_said_in_one_line_and_nothing_is_written(
    keneya: Keneya,
    household: Household,
    tmp_path: Path,
    typed: tuple[str, ...],
    exit_code: int,
    said: str,
) -> None:
    code, _out, err = keneya(*typed)
    assert (code, said in err) == (exit_code, True), err
    assert not (tmp_path / "cards.pdf").exists()


def test_where_the_file_cannot_be_written_the_card_before_stays(
    keneya: Keneya, household: Household, database: Database, tmp_path: Path
) -> None:
    assert keneya(household.number)[0] == 0
    (tmp_path / "cards.pdf").unlink()
    (tmp_path / "cards.pdf").mkdir()
    code, _out, err = keneya(household.number)
    assert (code, err.count("\n")) == (1, 1)

    async def cards(pool: AsyncEngine) -> list[tuple[int, object]]:
        async with pool.connect() as db:
            return [tuple(row) for row in await db.execute(select(care_card.c.card, care_card.c.ended_at))]

    assert within(database, cards) == [(1, None)]


def drawn(count: int) -> list[PrintedCard]:
    """Cards of the longest name."""
    name = "N'Golo-Wawawawa Ouédraogo W"[:26]
    return [
        PrintedCard(
            Household("BEN", f"1013648{nth:02}", name, MUTUELLE.name),
            999,
            tuple(Secret(f"{nth:03}{line:03}") for line in range(10)),
        )
        for nth in range(count)
    ]


@pytest.mark.parametrize("language", languages())
def test_eight_cards_are_a_page_and_each_has_its_ten_codes_and_its_rules(language: str) -> None:
    cards = drawn(17)
    pdf = sheets(cards, MUTUELLE, language)
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]
    assert [len(CODE.findall(page)) for page in pages] == [80, 80, 10]
    for nth, card in enumerate(cards):
        for shown in (card.household.shown_number, card.household.head_name, *card.codes):
            assert shown in pages[nth // 8]
    for rule in rules(MUTUELLE.complaints):
        assert pages[0].count(render(rule, language)) == 8


def test_the_square_is_read_back_as_the_member_number() -> None:
    document = pypdfium2.PdfDocument(sheets(drawn(9), MUTUELLE, "fr"))
    try:
        pictures = [page.render(scale=2).to_pil() for page in document]  # 144 dots an inch: a plain printer
    finally:
        document.close()
    read = [sorted(code.text for code in zxingcpp.read_barcodes(picture)) for picture in pictures]
    assert read == [[f"1013648{nth:02}" for nth in range(8)], ["101364808"]]
