"""Exports: what they say of the book, that every change of a line is found, and that CSV is text and numbers only."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.amount import Amount
from beancount.core.data import Balance, Open, Transaction
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from currencies import MINOR_DIGITS
from ledger import export
from ledger.charts import charts
from ledger.formats import JournalLine, beancount_account, cell
from ledger.reports import trial_balance
from locales import catalogue
from tests.support.ledger_history import ATA, AWKWARD, LATE_FOR
from tests.support.ledger_scene import AWA, FLOAT, MOUSSA, SIK, TODAY, YESTERDAY, hold, journal, paid, posted
from tests.support.ledger_witnesses import READERS
from torture.witnesses import Witness, days_of

Exporter = Callable[[AsyncConnection, str | None], AsyncIterator[str]]
Change = Callable[[list[str]], list[str]]


async def written(pool: AsyncEngine, exporter: Exporter, mutuelle: str | None = None) -> str:
    async with pool.connect() as db:
        return "".join([chunk async for chunk in exporter(db, mutuelle)])


def bean_errors(book: str) -> list[str]:
    return [str(error.message) for error in loader.load_string(book)[1]]


async def test_every_account_is_asserted_at_the_end_of_every_day_on_which_it_moved(
    lived: AsyncEngine,
) -> None:
    told = {
        (entry.date - timedelta(days=1), entry.account): _minor(entry.amount)
        for entry in loader.load_string(await written(lived, export.beancount))[0]
        if isinstance(entry, Balance)
    }
    async with lived.connect() as db:
        moves = await db.execute(text("select distinct effective_on, mutuelle_id, account from ledger.entry"))
        moved = {(day, owner, code) for day, owner, code in moves}
        every = list(await db.execute(text("select mutuelle_id, code from ledger.account")))
        last = {owner: max(day for day, of, _ in moved if of == owner) for owner in (SIK, ATA)}
        moved |= {(day - timedelta(days=1), owner, code) for day, owner, code in moved}
        moved |= {(last[owner], owner, code) for owner, code in every}
        known = {
            (day, beancount_account(line.mutuelle, line.account)): line.debit - line.credit
            for day in {day for day, _, _ in moved}
            for line in await trial_balance(db, None, day)
        }
    asserted = {(day, beancount_account(owner, code)) for day, owner, code in moved}
    assert told == {which: known.get(which, 0) for which in asserted}


def _minor(amount: Amount) -> int:
    assert amount.number is not None
    return int(amount.number.scaleb(MINOR_DIGITS[amount.currency]))


async def test_beancount_keeps_what_was_said(lived: AsyncEngine) -> None:
    entries = loader.load_string(await written(lived, export.beancount, SIK))[0]
    said = [e for e in entries if isinstance(e, Transaction) and e.narration == AWKWARD]
    assert len(said) == 1
    assert (said[0].payee, said[0].meta["actor"]) == ("cash receipt", "+223…0001")
    assert (said[0].meta["journal"], said[0].meta["key"]) == (str(paid("8").id), "payment:8")
    assert "occurred" not in said[0].meta
    reversal = next(e for e in entries if isinstance(e, Transaction) and "reverses" in e.meta)
    assert reversal.meta["reverses"] == str(paid("2").id)
    late = next(e for e in entries if isinstance(e, Transaction) and e.meta["key"] == "payment:late")
    assert (late.meta["occurred"], late.date > LATE_FOR) == (str(LATE_FOR), True)


async def test_hledger_keeps_what_was_said(lived: AsyncEngine) -> None:
    book = await written(lived, export.hledger, SIK)
    [tags] = [line for line in book.splitlines() if "key:payment:late" in line]
    assert f"journal:{paid('late').id}, key:payment:late, actor:worker, recorded:" in tags
    assert tags.endswith(f", occurred:{LATE_FOR}")
    assert '* cash receipt | wrong "phone" \\ , a comment / a payee' in book


@pytest.mark.parametrize("frame", charts())
async def test_accounts_carry_the_number_and_label_of_a_chart(lived: AsyncEngine, frame: str) -> None:
    chart = charts()[frame].translated(catalogue("fr"))
    async with lived.connect() as db:
        beans = "".join([chunk async for chunk in export.beancount(db, SIK, chart)])
        ledger = "".join([chunk async for chunk in export.hledger(db, SIK, chart)])
    opened = {e.meta["code"]: e.meta for e in loader.load_string(beans)[0] if isinstance(e, Open)}
    assert bean_errors(beans) == []
    for code, meta in opened.items():
        line = chart.line(code)
        assert (meta["chart"], meta["label"], meta["status"]) == (frame, line.label, line.status)
        assert meta.get("number", "") == line.number
    [told] = [line for line in ledger.splitlines() if line.startswith(f"account assets:SIK:{AWA} ")]
    assert told.endswith(f"label:{chart.line(AWA).label}, status:{chart.line(AWA).status}")


def amount_lines(lines: list[str], amount: str) -> list[int]:
    """Where `amount` is moved, not asserted."""
    return [n for n, line in enumerate(lines) if line.endswith(f"  {amount} XOF\n") and "==" not in line]


def changed(lines: list[str], amount: str, to: str) -> list[str]:
    """The first movement of `amount`, on both sides."""
    debit = amount_lines(lines, amount)[0]
    assert lines[debit + 1].endswith(f"  -{amount} XOF\n")
    lines[debit] = lines[debit].replace(f" {amount} ", f" {to} ")
    lines[debit + 1] = lines[debit + 1].replace(f" -{amount} ", f" -{to} ")
    return lines


def one_side(lines: list[str]) -> list[str]:
    first = amount_lines(lines, "6000")[0]
    lines[first] = lines[first].replace("6000", "6001")
    return lines


def another_account(lines: list[str]) -> list[str]:
    first = amount_lines(lines, "6000")[0]
    lines[first] = lines[first].replace(AWA.split(":")[2], MOUSSA.split(":")[2])
    return lines


def a_franc_shifted(lines: list[str]) -> list[str]:
    """From what Awa paid to what Moussa paid, both on one day, by one float: every journal balances."""
    later = next(n for n, line in enumerate(lines) if line.startswith(f"{TODAY} ") and "cash receipt" in line)
    return changed(lines[:later], "500", "501") + changed(lines[later:], "2000", "1999")


def dated(lines: list[str], old: date, new: date) -> list[str]:
    """The last journal of a day."""
    heads = [n for n, line in enumerate(lines) if line.startswith(f"{old} * ") and "balance" not in line]
    heads += [n for n, line in enumerate(lines) if line.startswith(f'{old} * "')]
    lines[heads[-1]] = lines[heads[-1]].replace(str(old), str(new))
    return lines


def left_out(lines: list[str]) -> list[str]:
    head = next(n for n, line in enumerate(lines) if line.startswith(f"{TODAY} ") and "cash receipt" in line)
    return lines[:head] + lines[lines.index("\n", head) :]


def a_cent(lines: list[str]) -> list[str]:
    return [line if "==" in line else line.replace("10.50 EUR", "10.51 EUR") for line in lines]


# What is done to the written book, and the difference that must be told.
CHANGES: dict[str, tuple[Change, str]] = {
    "one side": (one_side, "1"),
    "both sides": (lambda lines: changed(lines, "6000", "6001"), "1"),
    "another account": (another_account, "6000"),
    "a franc shifted between two accounts": (a_franc_shifted, "1"),
    "a day earlier": (lambda lines: dated(lines, TODAY, YESTERDAY), "60"),
    "a day later": (lambda lines: dated(lines, YESTERDAY, TODAY), "2000"),
    "a journal left out": (left_out, "2000"),
    "a cent": (a_cent, "0.01"),
}


@pytest.mark.parametrize("witness", READERS)
async def test_a_changed_line_is_found_with_its_file_line_and_difference(
    lived: AsyncEngine, tmp_path: Path, witness: Witness
) -> None:
    path = tmp_path / f"book.{witness.name}"
    book = await written(lived, witness.write)
    async with lived.connect() as db:
        days = await days_of(db)
    assert days is not None
    path.write_text(book, encoding="utf-8")
    assert witness.read(path, days)[0] == []
    for how, (change, difference) in CHANGES.items():
        lines = change(book.splitlines(keepends=True))
        path.write_text("".join(lines), encoding="utf-8")
        complaints = witness.read(path, days)[0]
        at_fault = " 6001 " if how == "one side" else "balance"
        assert any(blames(said, lines, at_fault, difference) for said in complaints), (how, complaints)


def blames(complaint: str, lines: list[str], at_fault: str, difference: str) -> bool:
    """It names the file, the line of the balance that does not come out (or of the journal), and by how much."""
    at = re.search(r"book\.\w+(?:\W+lines? |:)(\d+)", complaint)
    told = lines[int(at[1]) - 2 : int(at[1]) + 6] if at else []
    return at_fault in "".join(told) and bool(re.search(rf"\b{difference}\b", complaint))


FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@given(st.text())
@example("=1+1")
@example("'=1+1")
@example("''")
@example("\r")
def test_a_text_is_no_formula_and_comes_back_as_it_was(said: str) -> None:
    written = str(cell(said))
    assert not written.startswith(FORMULAS)
    assert written.removeprefix("'") == said


@pytest.mark.parametrize(
    ("value", "written"), [(-5, -5), (0, 0), (None, None), ({}, ""), ({"é": "="}, '{"é": "="}')]
)
def test_a_number_stays_a_number(value: object, written: object) -> None:
    assert cell(value) == written


async def test_csv_has_one_row_a_movement_and_tells_all_of_it(lived: AsyncEngine) -> None:
    await posted(lived, replace(paid("10"), reason="=HYPERLINK(1)"), replace(paid("11"), reason='@a,"b"'))
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    await posted(lived, journal("12", replace(hold(AWA, FLOAT, 9), expires_at=deadline)))
    rows = list(csv.DictReader(io.StringIO(await written(lived, export.csv, SIK))))
    assert tuple(rows[0]) == JournalLine._fields
    assert {row["mutuelle"] for row in rows} == {SIK}
    async with lived.connect() as db:
        count = "select count(*), sum(amount) from ledger.movement where mutuelle_id = :of"
        known = (await db.execute(text(count), {"of": SIK})).one()
        ticks = "select cast(id as text), cast(xid as text) from ledger.journal where mutuelle_id = :of"
        known_ticks = {row[0]: row[1] for row in await db.execute(text(ticks), {"of": SIK})}
    assert {row["journal"]: row["xid"] for row in rows} == known_ticks
    amounts = [int(row["amount_minor"]) for row in rows if row["amount_minor"]]
    assert (len(amounts), sum(amounts)) == (known[0], int(known[1]))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(FORMULAS)]
    by_key = {row["key"]: row for row in rows}
    assert (by_key["10"]["reason"], by_key["11"]["reason"]) == ("'=HYPERLINK(1)", '\'@a,"b"')
    assert by_key["8"]["actor"] == "'+223…0001"
    assert by_key["6"]["resolves_journal"] == by_key["5"]["journal"]
    assert by_key["12"]["expires_at"] == "2030-01-01T00:00:00.000000+00:00"
    assert (by_key["late"]["occurred_on"], by_key["before"]["occurred_on"]) == (str(LATE_FOR), "")
    assert {len(row["recorded_at"]) for row in rows} == {len("2026-11-22T12:00:00.000000+00:00")}


async def test_csv_tells_the_acts_of_periods_though_nothing_moved(lived: AsyncEngine) -> None:
    rows = list(csv.DictReader(io.StringIO(await written(lived, export.csv, SIK))))
    [closed] = [row for row in rows if row["kind"] == "period closed"]
    assert (closed["key"], closed["position"], closed["amount_minor"]) == ("october", "", "")
    assert closed["memo"] == '{"first": "2026-10-15", "last": "2026-10-31"}'


@pytest.mark.parametrize("exporter", [export.beancount, export.hledger, export.csv])
async def test_an_export_is_one_snapshot(lived: AsyncEngine, exporter: Exporter) -> None:
    whole = await written(lived, exporter)
    async with lived.connect() as db:
        chunks = exporter(db, None)
        parts = [await anext(chunks)]
        await posted(lived, paid("meanwhile"))
        parts += [chunk async for chunk in chunks]
        assert "".join([chunk async for chunk in exporter(db, None)]) == whole, "nor is the next one of it"
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
