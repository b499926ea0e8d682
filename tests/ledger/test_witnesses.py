"""Beancount and hledger agree with our trial balance cell by cell, and are heard when they do not."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.reports import trial_balance
from tests.support.ledger_history import ATA
from tests.support.ledger_scene import CONTRIBUTIONS, SIK, TODAY, called, paid, posted
from tests.support.ledger_witnesses import HLEDGER, READERS
from torture import witnesses
from torture.witnesses import WITNESSES, Comparison, compare, days_of

BEANCOUNT = WITNESSES[0]
BOTH = pytest.mark.parametrize("mutuelle", [pytest.param(of, marks=HLEDGER) for of in (None, SIK, ATA)])


async def compared(pool: AsyncEngine, folder: Path, mutuelle: str | None = None) -> Comparison:
    async with pool.connect() as db:
        return await compare(db, folder, mutuelle)


@BOTH
async def test_both_agree_with_every_cell(lived: AsyncEngine, tmp_path: Path, mutuelle: str | None) -> None:
    told = await compared(lived, tmp_path, mutuelle)
    assert (told.differences, told.absent) == ([], [])
    assert told.counts["cells"] >= (12 if mutuelle == ATA else 200)
    assert min(told.counts["beancount bytes"], told.counts["hledger bytes"]) > 1500


async def test_a_long_book_is_compared_at_each_months_end(lived: AsyncEngine, tmp_path: Path) -> None:
    await posted(lived, replace(paid("old", effective_on=date(2024, 2, 29)), mutuelle=ATA))
    assert (await compared(lived, tmp_path, ATA)).differences == []
    async with lived.connect() as db:
        days = await days_of(db, ATA)
    assert days is not None
    assert days.ends[:2] == (date(2024, 2, 29), date(2024, 3, 31))
    assert days.ends[-2] <= days.last == TODAY <= days.ends[-1] == date(2026, 11, 30)


@pytest.mark.parametrize("witness", READERS)
async def test_what_each_year_left_over_agrees(
    book: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, witness: witnesses.Witness
) -> None:
    monkeypatch.setattr(witnesses, "WITNESSES", (witness,))
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 12, 31), TODAY)
    await posted(book, *(replace(called(f"old {on}"), effective_on=on) for on in days))
    told = await compared(book, tmp_path, SIK)
    assert (told.differences, told.absent) == ([], [])
    assert told.counts["cells of years"] == 8  # contributions, and what past years left over


async def test_a_year_that_does_not_begin_at_zero_is_named(
    book: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted(book, replace(called("old"), effective_on=date(2025, 12, 31)), called("new"))
    monkeypatch.setattr(witnesses, "WITNESSES", (BEANCOUNT,))
    monkeypatch.setattr(witnesses, "year_balance", trial_balance)
    told = await compared(book, tmp_path, SIK)
    [name] = {line.partition(" on ")[0] for line in told.differences if "Contributions" in line}
    assert name == BEANCOUNT.account(SIK, CONTRIBUTIONS)
    assert any("Result" in line for line in told.differences)


@pytest.mark.parametrize("witness", READERS)
async def test_a_figure_that_only_we_have_is_named(
    lived: AsyncEngine,
    owner: AsyncEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    witness: witnesses.Witness,
) -> None:
    monkeypatch.setattr(witnesses, "WITNESSES", (witness,))
    async with owner.begin() as db:
        more = (
            "update ledger.account_day set cum_debits = cum_debits + 1 where account = :code and day = :day"
        )
        changed = await db.execute(text(more), {"code": CONTRIBUTIONS, "day": TODAY})
        assert changed.rowcount == 1
    differences = (await compared(lived, tmp_path, SIK)).differences
    async with lived.connect() as db:
        days = await days_of(db, SIK)
    assert days is not None
    shown = next(end for end in days.ends if end >= TODAY)  # that day, until the book is a long one
    name = witness.account(SIK, CONTRIBUTIONS)
    assert f"{name} on {shown}: debit 1 XOF with us, 0 with {witness.name} (-1)" in differences
    # After the year of that day what is too much is in the result of the year, which is another account.
    result = witness.account(SIK, accounts.result())
    assert all(line.startswith((name, result)) for line in differences)


async def test_a_complaint_is_told_and_no_figure_is_compared(
    lived: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complain(path: Path, days: witnesses.Days) -> tuple[list[str], witnesses.Cells]:
        return [f"{path.name}:12: does not balance"], {}

    monkeypatch.setattr(witnesses, "WITNESSES", (replace(BEANCOUNT, read=complain),))
    assert (await compared(lived, tmp_path)).differences == ["book.beancount:12: does not balance"]


async def test_who_is_not_installed_did_not_agree(
    book: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    told = await compared(book, tmp_path)
    assert (told.differences, told.absent, told.counts["cells"]) == ([], ["hledger"], 0)
