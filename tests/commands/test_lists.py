"""`keneya report who-owes`, `cash-count`, `vouchers`, `grants`: lists for a meeting, with what it needs and no more."""

import asyncio
import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from locales import Money
from mutuelle.households.tables import support_act
from mutuelle.officers.joint_acts import APPROVED, acts_to_sign, answer_act, propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.treasury.cash_counts import BoxCount, difference_of, write_count
from mutuelle.treasury.own_money import grants_of
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.answers import Secret
from tests.conftest import Database
from tests.support.officer_acts import AGREED, answers, calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.own_accounts import opens
from tests.support.town import AWA, MARIAM, OUMAR, found_town, join, paid
from tests.support.treasury import BANK, expense, proposes_it, records
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=120)
AISSATA = "+22376000014"


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type `keneya report …` about the usual town, where four households joined long ago."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    asyncio.run(_town(database.url))
    return lambda name, *typed: typed_into(capsys, "report", name, "--mutuelle", "BEN", *typed)


async def _town(url: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    await found_town(pool)
    for phone, name, minor in (
        (AWA, "Awa Koné", 12_000),
        (MARIAM, "Mariam Diarra", 3_000),
        (OUMAR, "Oumar Sow", 6_000),
        (AISSATA, "Mariam Diarra", 3_000),
    ):
        await paid(pool, await join(pool, phone, at=LONG_AGO, name=name, pay_minor=minor), at=LONG_AGO)
    await pool.dispose()


def text_of(file: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(file).pages)


def test_who_owes_has_names_and_sums_and_nothing_else(keneya: Keneya) -> None:
    code, printed, _said = keneya("qui-doit")
    assert code == 0
    assert "Oumar Sow" in printed
    assert "6 000 F" in printed
    assert "Awa" not in printed, "she owes nothing"
    assert "76 00" not in printed
    assert "+223" not in printed
    lines = printed.splitlines()
    assert lines[2].split() == ["Chef", "de", "ménage", "Reste", "à", "payer"]
    assert sum("Mariam Diarra (" in line for line in lines) == 2, "two of one name are told apart"
    assert "3 ménages, 24 000 F" in printed
    assert lines[-1] == "À lire à la réunion, à ne pas afficher. À détruire ensuite."


def test_a_place_is_named_as_on_a_phone_and_an_unknown_one_is_refused(keneya: Keneya) -> None:
    place = keneya("who-owes", "--language", "en")[1].splitlines()[0].split(", ")[1].split(":")[0]
    assert keneya("who-owes", "--place", place[:5].lower())[1] == keneya("who-owes")[1]
    code, _printed, complaint = keneya("who-owes", "--place", "Tombouctou")
    assert code == 2
    assert "Tombouctou" in complaint
    assert place in complaint


def test_a_spreadsheet_and_a_paper_have_the_same_rows(keneya: Keneya, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(keneya("qui-doit", "--csv")[1])))
    assert rows[0][1:] == ["Chef de ménage", "Reste à payer"]
    assert sorted(row[2] for row in rows[1:]) == ["6000", "9000", "9000"]
    file = tmp_path / "list.pdf"
    code, printed, _said = keneya("qui-doit", "--pdf", str(file))
    assert (code, printed.strip()) == (0, str(file))
    on_paper = text_of(file)
    assert all(row[1] in on_paper for row in rows[1:])
    assert "3 ménages, 24 000 F" in on_paper.replace("\xa0", " ")
    assert "Payé" in on_paper, "a column to tick"
    first = file.read_bytes()
    keneya("qui-doit", "--pdf", str(file))
    assert file.read_bytes() == first
    assert keneya("qui-doit", "--pdf", str(tmp_path / "none" / "list.pdf"))[0] == 1


def test_that_a_list_of_names_was_made_is_written_down(keneya: Keneya, database: Database) -> None:
    keneya("qui-doit")

    async def acts() -> list[tuple[object, ...]]:
        pool = create_async_engine(database.url, poolclass=NullPool)
        async with pool.connect() as db:
            rows = [tuple(row) for row in await db.execute(select(support_act.c.act, support_act.c.subject))]
        await pool.dispose()
        return rows

    assert asyncio.run(acts()) == [("who owes", "BEN")]


async def _counts(url: str) -> None:
    """Fanta counts: it agrees; 300 F are found, which two sign; 100 F are missing, which she may book alone."""
    pool = create_async_engine(url, poolclass=NullPool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await set_limit(pool, "count_difference_minor", 100, since=NOW.date())
    caller, secret = calling(FANTA, NOW), Secret(PIN)
    async with pool.begin() as db:
        nothing = Money(0, "XOF")
        before = replace(caller, at=NOW - timedelta(seconds=1))
        await write_count(db, before, mutuelle="BEN", count=BoxCount(nothing, nothing), pin=secret)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        act = difference_of(own, BoxCount(Money(300, "XOF"), nothing), "under the mat")
        await propose(db, caller, mutuelle="BEN", proposal=act, pin=secret, agreed=AGREED)
        (waits,) = await acts_to_sign(db, calling(ISSA, NOW), "BEN")
        await answer_act(
            db, calling(ISSA, NOW), mutuelle="BEN", proposal=waits.id, answer=APPROVED, pin=secret
        )
        count = BoxCount(Money(200, "XOF"), Money(300, "XOF"))
        later = replace(caller, at=NOW + timedelta(seconds=1))
        await write_count(db, later, mutuelle="BEN", count=count, pin=secret, reason="change given")
    await pool.dispose()


def test_counts_of_the_boxes_say_who_counted_and_who_signed(
    keneya: Keneya, database: Database, tmp_path: Path
) -> None:
    assert keneya("cash-count")[1].strip() == "Aucune caisse n'a été comptée dans cette période."
    asyncio.run(_counts(database.url))
    printed = keneya("comptages", "--language", "en")[1]
    day = f"{NOW:%d/%m/%Y}"
    rows = [" ".join(line.split()) for line in printed.splitlines() if line.startswith(day)]
    assert rows == [
        f"{day} Fanta Coulibaly 0 F 0 F",
        f"{day} Fanta Coulibaly 300 F 0 F 300 F Issa Dembélé, under the mat",
        f"{day} Fanta Coulibaly 200 F 300 F -100 F change given",
    ]
    assert "3 counts; missing 100 F, found 300 F" in printed
    table = list(csv.reader(io.StringIO(keneya("comptages", "--csv-french")[1]), delimiter=";"))
    assert [row[3:6] for row in table[1:]] == [["0", "0", ""], ["300", "0", "300"], ["200", "300", "-100"]]
    file = tmp_path / "counts.pdf"
    keneya("comptages", "--pdf", str(file))
    assert "Issa Dembélé" in text_of(file)
    before = f"{NOW - timedelta(days=2):%Y-%m-%d}"
    assert "Aucune caisse" in keneya("cash-count", "--to", before, "--from", before)[1]
    assert keneya("cash-count", "--from", "2027-01-02", "--to", "2027-01-01")[0] == 2


async def _vouchers(url: str) -> None:
    """A grant of 24 000 F of which 9 000 F are spent, and an expense of health that two signed."""
    pool = create_async_engine(url, poolclass=NullPool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await set_limit(pool, "two_signatures_from_minor", 25_000)
    await opens(pool, BANK, 100_000)
    bank, donor = "grants:bank:bms", "Mairie de Bla"
    amount = Money(24_000, "XOF")
    await records(pool, NewVoucher(VoucherKind.GRANT, bank, "grants:subsidies", amount, "Puits", donor))
    async with pool.connect() as db:
        [grant] = await grants_of(db, "BEN")
    amount = Money(9_000, "XOF")
    spent = NewVoucher(
        VoucherKind.EXPENSE, "grants:purchases", bank, amount, "Ciment", "Keita", grant=grant.key
    )
    await records(pool, spent)
    await proposes_it(pool, expense(30_000))
    await answers(pool)
    await pool.dispose()


def test_the_donor_of_a_grant_reads_what_came_was_spent_and_is_left(
    keneya: Keneya, database: Database, tmp_path: Path
) -> None:
    assert keneya("dons")[1] == "Il n'y a pas de don pour un seul but.\n"
    asyncio.run(_vouchers(database.url))
    code, printed, _said = keneya("dons")
    assert code == 0
    assert "Puits, don de Mairie de Bla" in printed
    assert "Encaissé 24 000 F, dépensé 9 000 F, reste 15 000 F" in printed
    assert "Ciment" in printed
    assert "Cahiers" not in printed, "that was of health"
    assert keneya("grants", "--pdf", str(tmp_path / "grant.pdf"))[0] == 0
    assert "reste 15 000 F" in text_of(tmp_path / "grant.pdf").replace("\xa0", " ")


def test_every_voucher_of_a_time_is_listed_with_who_signed(keneya: Keneya, database: Database) -> None:
    asyncio.run(_vouchers(database.url))
    rows = list(csv.reader(io.StringIO(keneya("pieces", "--csv")[1])))
    assert [row[1] for row in rows[1:]] == ["D1/2026", "D2/2026", "1/2026"]
    assert [rows[3][nth] for nth in (4, 8, 9)] == ["Achats", "Fanta Coulibaly, Issa Dembélé", "Cahiers"]
    assert rows[3][6] == "BMS", "the money came from there"
    assert keneya("vouchers", "--from", "2020-01-01", "--to", "2020-12-31")[1].startswith("Aucune pièce")
