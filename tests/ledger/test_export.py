"""Two outside witnesses read every export, and agree with every balance cell by cell."""

import csv
import io
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Transaction
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import export
from ledger.book import Account, Phase, open_accounts
from ledger.formats import beancount_account, hledger_account
from ledger.reports import trial_balance
from tests.ledger.scene import (
    AWA,
    CHART,
    FLOAT,
    MOUSSA,
    SIK,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
    YESTERDAY,
    called,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
    resolve,
)

ATA = "ATA"
AWKWARD = 'wrong "phone" \\ ; a comment | a payee, (code) = 5 @ 3 é œ \u00a0 {x} #tag ^link'
needs_hledger = pytest.mark.skipif(shutil.which("hledger") is None, reason="THE HLEDGER PROGRAM IS ABSENT")
Exporter = Callable[[AsyncConnection, str | None], AsyncIterator[str]]


@pytest.fixture
async def lived(book: AsyncEngine) -> AsyncEngine:
    """Two mutuelles with a history: calls, parts, a reversal, reservations, two funds, awkward texts."""
    async with book.begin() as db:
        await open_accounts(db, [Account(ATA, account.code, "XOF") for account in CHART])
    wrong, reserved = paid("2", MOUSSA, 500), hold(AWA, FLOAT, 70)
    held = journal("5", reserved)
    elsewhere = replace(paid("1", amount_minor=41), mutuelle=ATA)
    await posted(
        book, called("1"), wrong, mirror("3", wrong), paid("4", effective_on=YESTERDAY), held, elsewhere
    )
    await posted(
        book, journal("6", resolve(Phase.POST, reserved, held.id, 30)), journal("9", hold(AWA, FLOAT, 5))
    )
    await posted(book, journal("7", move(TRANSPORT_CASH, TRANSPORT_INCOME, 300), move(AWA, FLOAT, 8)))
    await posted(book, replace(paid("8"), reason=AWKWARD, actor="+223…0001", kind="cash receipt"))
    return book


async def written(pool: AsyncEngine, exporter: Exporter, mutuelle: str | None = None) -> str:
    async with pool.connect() as db:
        return "".join([chunk async for chunk in exporter(db, mutuelle)])


async def nets(
    pool: AsyncEngine, name: Callable[[str, str], str], mutuelle: str | None = None
) -> dict[str, int]:
    """What our own trial balance says, under the witness's names; accounts that stand at 0 are left out."""
    async with pool.connect() as db:
        lines = await trial_balance(db, mutuelle)
    return {name(x.mutuelle, x.account): x.debit - x.credit for x in lines if x.debit != x.credit}


def bean_errors(book: str) -> list[str]:
    return [str(error.message) for error in loader.load_string(book)[1]]


@pytest.mark.parametrize("mutuelle", [None, SIK, ATA])
async def test_beancount_agrees_with_every_balance(lived: AsyncEngine, mutuelle: str | None) -> None:
    book = await written(lived, export.beancount, mutuelle)
    entries, errors, _ = loader.load_string(book)
    assert errors == []
    totals: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                totals[posting.account] += int(posting.units.number or 0)
    assert {a: n for a, n in totals.items() if n} == await nets(lived, beancount_account, mutuelle)


async def test_beancount_keeps_what_was_said(lived: AsyncEngine) -> None:
    entries = loader.load_string(await written(lived, export.beancount, SIK))[0]
    said = [e for e in entries if isinstance(e, Transaction) and e.narration == AWKWARD]
    assert len(said) == 1
    assert (said[0].payee, said[0].meta["actor"]) == ("cash receipt", "+223…0001")
    assert said[0].meta["journal"] == str(paid("8").id)
    reversal = next(e for e in entries if isinstance(e, Transaction) and "reverses" in e.meta)
    assert reversal.meta["reverses"] == str(paid("2").id)


def hledger(book: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    run = ["hledger", "-f", str(book), *command]
    return subprocess.run(
        run, capture_output=True, text=True, check=False, env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    )


@needs_hledger
@pytest.mark.hledger
@pytest.mark.parametrize("mutuelle", [None, SIK, ATA])
async def test_hledger_agrees_with_every_balance(
    lived: AsyncEngine, tmp_path: Path, mutuelle: str | None
) -> None:
    book = tmp_path / "book.journal"
    book.write_text(await written(lived, export.hledger, mutuelle), encoding="utf-8")
    checked = hledger(book, "check", "--strict")
    assert (checked.returncode, checked.stderr) == (0, "")
    table = hledger(book, "balance", "--flat", "--no-total", "-O", "csv")
    rows = list(csv.reader(io.StringIO(table.stdout)))[1:]
    totals = {name: int(Decimal(amount.split()[0])) for name, amount in rows}
    assert totals == await nets(lived, hledger_account, mutuelle)


def tampered(book: str, how: str) -> str:
    lines = book.splitlines(keepends=True)
    first = next(
        n for n, line in enumerate(lines) if " 6000 XOF" in line and "balance" not in line and "=" not in line
    )
    if how == "one side":
        lines[first] = lines[first].replace("6000", "6001")
    if how == "both sides":
        lines[first : first + 2] = [line.replace("6000", "6001") for line in lines[first : first + 2]]
    if how == "another account":
        lines[first] = lines[first].replace("101482937", "101482945")
    return "".join(lines)


@pytest.mark.parametrize("how", ["one side", "both sides", "another account"])
async def test_beancount_finds_a_changed_line(lived: AsyncEngine, how: str) -> None:
    book = await written(lived, export.beancount)
    assert bean_errors(book) == []
    assert bean_errors(tampered(book, how))


@needs_hledger
@pytest.mark.hledger
@pytest.mark.parametrize("how", ["one side", "both sides", "another account"])
async def test_hledger_finds_a_changed_line(lived: AsyncEngine, tmp_path: Path, how: str) -> None:
    book = tmp_path / "book.journal"
    book.write_text(tampered(await written(lived, export.hledger), how), encoding="utf-8")
    assert hledger(book, "check", "--strict").returncode == 1


async def in_euros(pool: AsyncEngine) -> None:
    """An operator paid 10.50 in a currency with decimals: it waits in a suspense account of its own."""
    codes = ("health:float:simulated-eur", "health:suspense:simulated-eur")
    async with pool.begin() as db:
        await open_accounts(db, [Account(SIK, code, "EUR") for code in codes])
    await posted(pool, journal("eur", move(*codes, 1050, "EUR")))


async def test_beancount_reads_decimals_to_the_cent(lived: AsyncEngine) -> None:
    await in_euros(lived)
    book = await written(lived, export.beancount)
    assert bean_errors(book) == []
    assert bean_errors(book.replace("  10.50 EUR", "  10.51 EUR").replace("  -10.50 EUR", "  -10.51 EUR"))


@needs_hledger
@pytest.mark.hledger
async def test_hledger_reads_decimals_to_the_cent(lived: AsyncEngine, tmp_path: Path) -> None:
    await in_euros(lived)
    path = tmp_path / "book.journal"
    book = await written(lived, export.hledger)
    path.write_text(book, encoding="utf-8")
    assert hledger(path, "check", "--strict").stderr == ""
    path.write_text(
        book.replace("  10.50 EUR", "  10.51 EUR").replace("  -10.50", "  -10.51"), encoding="utf-8"
    )
    assert "10.51" in hledger(path, "check", "--strict").stderr


async def test_csv_has_one_row_a_movement_and_runs_no_formula(lived: AsyncEngine) -> None:
    await posted(lived, replace(paid("10"), reason="=HYPERLINK(1)"), replace(paid("11"), reason='@a,"b"'))
    rows = list(csv.DictReader(io.StringIO(await written(lived, export.csv, SIK))))
    assert [row["mutuelle"] for row in rows] == [SIK] * 12
    assert sum(int(row["amount_minor"]) for row in rows) == 6000 + 2 * 500 + 4 * 2000 + 70 + 30 + 5 + 300 + 8
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert {"'=HYPERLINK(1)", '\'@a,"b"', "'+223…0001"} <= set(cells)
    assert next(row for row in rows if row["phase"] == "post")["resolves_journal"] == str(journal("5").id)
    assert {row["key"] for row in rows} == {str(n) for n in range(1, 12)}


@pytest.mark.parametrize("exporter", [export.beancount, export.hledger, export.csv])
async def test_an_export_is_one_snapshot(lived: AsyncEngine, exporter: Exporter) -> None:
    whole = await written(lived, exporter)
    async with lived.connect() as db:
        chunks = exporter(db, None)
        parts = [await anext(chunks)]
        await posted(lived, paid("meanwhile"))
        parts += [chunk async for chunk in chunks]
    assert "".join(parts) == whole
    assert await written(lived, exporter) != whole


async def test_an_export_does_not_start_halfway(lived: AsyncEngine) -> None:
    async with lived.connect() as db:
        await db.execute(text("select 1"))
        with pytest.raises(DBAPIError, match="before any query"):
            await anext(export.beancount(db))


async def test_an_empty_book_is_a_book(pool: AsyncEngine, book: AsyncEngine) -> None:
    assert bean_errors(await written(book, export.beancount)) == []
    assert bean_errors(await written(pool, export.beancount, "NEW")) == []
    assert (await written(pool, export.csv)).count("\n") == 1


def test_no_two_codes_share_a_name() -> None:
    codes = [
        f"{fund}:{rest}"
        for fund in ("health", "transport")
        for rest in ("cash:a-B", "cash:ab", "cash:aB", "fees")
    ]
    assert len({beancount_account(m, code) for m in (SIK, ATA) for code in codes}) == 2 * len(codes)
