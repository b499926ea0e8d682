"""Two programs that nobody here wrote, beancount and hledger, read the whole book and must find our trial balance.

Every account's debits, credits and balance are compared as of many days, cell by cell and to the last minor unit; and
what each year has left over by then, which is in our reports and in no book. A witness that is not installed is named
as absent, never taken for one that agreed.
"""

import asyncio
import csv
import io
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from beancount import loader
from beancount.core.data import Transaction
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from currencies import MINOR_DIGITS
from ledger import export
from ledger.accounts import result
from ledger.formats import beancount_account, hledger_account
from ledger.reports import TrialLine, trial_balance, year_balance
from ledger.reports.years import YEARLY

SHORT_BOOK_DAYS = 62  # compared as of each of its days; a longer one as of the end of each month
DIFFERENCES_SHOWN = 20
COLUMNS = ("debit", "credit", "balance")
YEAR = "balance since the year began"

Cell = tuple[date, str, str, str]  # as of, account as the witness calls it, currency, column
Cells = Mapping[Cell, int]  # in minor units; a cell that is not there is 0
Known = tuple[str, str, str]  # an account: mutuelle, code, currency


class WitnessError(Exception):
    """A witness could not be asked, or its answer could not be read."""


@dataclass(frozen=True)
class Days:
    """The days as of which a book is compared; hledger's word for how far apart they are."""

    interval: str
    first: date
    last: date
    ends: tuple[date, ...]


@dataclass(frozen=True)
class Witness:
    """`write` is our export, `account` the witness's name of an account, `read` its complaints, or else its figures."""

    name: str
    write: Callable[[AsyncConnection, str | None], AsyncIterator[str]]
    account: Callable[[str, str], str]
    read: Callable[[Path, Days], tuple[list[str], Cells]]


@dataclass(frozen=True)
class Comparison:
    """`differences` has a line for each, the first of them; `counts` how much was compared, and how long it took."""

    differences: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    absent: list[str] = field(default_factory=list)


async def differences(pool: AsyncEngine, folder: Path) -> list[str]:
    """What the witnesses that are installed find in the book as it stands: nothing, if all agree."""
    async with pool.connect() as db:
        return (await compare(db, folder)).differences


async def compare(db: AsyncConnection, folder: Path, mutuelle: str | None = None) -> Comparison:
    """Let every witness read the book (of one mutuelle, or of all), written into `folder`, and compare.

    All is one snapshot of the book: `db` must have read nothing yet in its transaction.
    """
    told, began = Comparison(), perf_counter()
    await export.snapshot(db)
    days = await days_of(db, mutuelle)
    ends = days.ends if days else ()
    lines = [(end, line) for end in ends for line in await trial_balance(db, mutuelle, end)]
    told.counts.update({"days": len(ends), "trial balance ms": round(1000 * (perf_counter() - began))})
    accounts, years = await _accounts(db, mutuelle), await _years(db, mutuelle, ends)
    for witness in WITNESSES:
        if witness.name == "hledger" and shutil.which("hledger") is None:
            told.absent.append(witness.name)
            continue
        path = folder / f"book.{witness.name}"
        await _write(db, witness, path, mutuelle, told)
        if days:
            theirs = await asyncio.to_thread(_question, witness, path, days, lines, told)
            _question_years(witness, theirs, days, accounts, years, told)
    return told


def _question(
    witness: Witness, path: Path, days: Days, lines: Sequence[tuple[date, TrialLine]], told: Comparison
) -> Cells:
    """Compare each cell; the answer is what the witness says."""
    began = perf_counter()
    complaints, theirs = witness.read(path, days)
    told.counts[f"{witness.name} reading ms"] = round(1000 * (perf_counter() - began))
    ours = {cell: figure for end, line in lines for cell, figure in _cells(end, line, witness)}
    told.counts["cells"] += len(ours)
    found = complaints or list(_differences(witness.name, ours, theirs))
    told.differences.extend(found[:DIFFERENCES_SHOWN])
    return {} if complaints else theirs


async def _accounts(db: AsyncConnection, mutuelle: str | None) -> list[Known]:
    query = (
        "select mutuelle_id, code, currency from ledger.account"
        " where cast(:mutuelle as text) is null or mutuelle_id = :mutuelle"
    )
    return [(row[0], row[1], row[2]) for row in await db.execute(text(query), {"mutuelle": mutuelle})]


async def _years(
    db: AsyncConnection, mutuelle: str | None, ends: Sequence[date]
) -> list[tuple[date, TrialLine]]:
    """What past years left over, and this one so far, as our reports say it: about each new year, and at the end."""
    owners = sorted({owner for owner, _, _ in await _accounts(db, mutuelle)})
    asked = [end for end in ends if end.month in (1, 12) or end == ends[-1]]
    told = [(end, line) for end in asked for owner in owners for line in await year_balance(db, owner, end)]
    return [(end, line) for end, line in told if line.account.split(":")[1] in (*YEARLY, "result")]


def _question_years(
    witness: Witness,
    theirs: Cells,
    days: Days,
    accounts: Sequence[Known],
    years: Sequence[tuple[date, TrialLine]],
    told: Comparison,
) -> None:
    ours = {
        (end, witness.account(line.mutuelle, line.account), line.currency, YEAR): line.debit - line.credit
        for end, line in years
    }
    known: Counter[Cell] = Counter()
    for end in {end for end, _ in years} if theirs else ():
        past = max((each for each in days.ends if each.year < end.year), default=None)
        for account in accounts:
            known.update(_since_new_year(witness, theirs, account, end, past))
    told.counts["cells of years"] += len(ours)
    if theirs:
        told.differences.extend(list(_differences(witness.name, ours, known))[:DIFFERENCES_SHOWN])


def _since_new_year(
    witness: Witness, theirs: Cells, account: Known, end: date, past: date | None
) -> dict[Cell, int]:
    """What the witness says of a year: income less that of the last day of the year before, which is carried."""
    owner, code, currency = account
    name, into = witness.account(owner, code), witness.account(owner, result(code.split(":")[0]))
    now = theirs.get((end, name, currency, "balance"), 0)
    before = theirs.get((past, name, currency, "balance"), 0) if past else 0
    if code.split(":")[1] in YEARLY:
        return {(end, name, currency, YEAR): now - before, (end, into, currency, YEAR): before}
    return {(end, name, currency, YEAR): now} if name == into else {}


async def _write(
    db: AsyncConnection, witness: Witness, path: Path, mutuelle: str | None, told: Comparison
) -> None:
    began = perf_counter()
    with path.open("w", encoding="utf-8") as file:
        async for piece in witness.write(db, mutuelle):
            file.write(piece)
    told.counts[f"{witness.name} export ms"] = round(1000 * (perf_counter() - began))
    told.counts[f"{witness.name} bytes"] = path.stat().st_size


def _cells(end: date, line: TrialLine, witness: Witness) -> Iterator[tuple[Cell, int]]:
    name = witness.account(line.mutuelle, line.account)
    figures = (line.debit, line.credit, line.debit - line.credit)
    for column, figure in zip(COLUMNS, figures, strict=True):
        yield (end, name, line.currency, column), figure


def _differences(name: str, ours: Cells, theirs: Cells) -> Iterator[str]:
    for cell in sorted(ours.keys() | theirs.keys()):
        our, their = ours.get(cell, 0), theirs.get(cell, 0)
        if our != their:
            end, account, currency, column = cell
            yield f"{account} on {end}: {column} {our} {currency} with us, {their} with {name} ({their - our:+})"


async def days_of(db: AsyncConnection, mutuelle: str | None = None) -> Days | None:
    """Every day of a short book, every month's end of a long one; None where nothing is posted."""
    query = (
        "select min(effective_on), max(effective_on) from ledger.entry"
        " where cast(:mutuelle as text) is null or mutuelle_id = :mutuelle"
    )
    first, last = (await db.execute(text(query), {"mutuelle": mutuelle})).one()
    if first is None:
        return None
    if (last - first).days <= SHORT_BOOK_DAYS:
        ends = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
        return Days("--daily", first, last, ends)
    return Days("--monthly", first, last, tuple(_month_ends(first, last)))


def _month_ends(first: date, last: date) -> Iterator[date]:
    end = first.replace(day=1)
    while end <= last:
        end = (end + timedelta(days=31)).replace(day=1)
        yield end - timedelta(days=1)


def _minor(number: Decimal, currency: str) -> int:
    minor = number.scaleb(MINOR_DIGITS[currency])
    if minor != int(minor):
        raise WitnessError(f"{number} {currency} is no whole number of minor units")
    return int(minor)


def _ask_beancount(path: Path, days: Days) -> tuple[list[str], Cells]:
    """What its loader complains of, which is all that bean-check does, and the sums of the postings it loaded."""
    entries, errors, _ = loader.load_string(
        path.read_text(encoding="utf-8")
    )  # `load_file` leaves a cache beside it
    complaints = [f"{path.name}:{error.source.get('lineno')}: {error.message}" for error in errors]
    cells: dict[Cell, int] = {}
    sums: Counter[tuple[str, str, str]] = Counter()
    transactions = iter([entry for entry in entries if isinstance(entry, Transaction)])
    entry = next(transactions, None)
    for end in days.ends:
        while entry is not None and entry.date <= end:
            _add_up(entry, sums)
            entry = next(transactions, None)
        cells |= {(end, *what): figure for what, figure in sums.items()}
    if entry is not None:
        complaints.append(f"{path.name}:{entry.meta['lineno']}: dated {entry.date}, after {days.ends[-1]}")
    return complaints, cells


def _add_up(entry: Transaction, sums: Counter[tuple[str, str, str]]) -> None:
    for posting in entry.postings:
        if posting.units is None or posting.units.number is None:
            raise WitnessError(f"line {entry.meta['lineno']}: a posting without an amount")
        currency = posting.units.currency
        figure = _minor(posting.units.number, currency)
        sums[posting.account, currency, "debit" if figure > 0 else "credit"] += abs(figure)
        sums[posting.account, currency, "balance"] += figure


def _ask_hledger(path: Path, days: Days) -> tuple[list[str], Cells]:
    """What its strict check complains of, and its balance report: of what is above zero, below it, and of all."""
    checked = _hledger(path, "check", "--strict")
    if checked.returncode:
        return [" / ".join(checked.stderr.splitlines())], {}
    cells: dict[Cell, int] = {}
    for column, only in zip(COLUMNS, (["amt:>0"], ["amt:<0"], []), strict=True):
        span = [
            "--historical",
            days.interval,
            "--begin",
            str(days.first),
            "--end",
            str(days.last + timedelta(days=1)),
        ]
        asked = _hledger(
            path, "balance", "--ignore-assertions", "--flat", "--no-total", "-O", "csv", *span, *only
        )
        if asked.returncode:
            raise WitnessError(f"hledger balance: {asked.stderr.strip()}")
        for account, *balances in list(csv.reader(io.StringIO(asked.stdout)))[1:]:
            for end, written in zip(days.ends, balances, strict=True):
                for currency, figure in _hledger_amounts(written):
                    cells[end, account, currency, column] = -figure if column == "credit" else figure
    return [], cells


def _hledger_amounts(written: str) -> Iterator[tuple[str, int]]:
    """`5 XOF, 10.50 EUR`; an account that holds nothing is `0`."""
    for amount in written.split(", "):
        number, _, currency = amount.partition(" ")
        if currency:
            yield currency, _minor(Decimal(number), currency)
        elif number != "0":
            raise WitnessError(f"hledger writes {written!r}")


def _hledger(path: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
    run = ["hledger", "--file", str(path), *command]
    return subprocess.run(run, capture_output=True, text=True, encoding="utf-8", check=False, env=environment)


WITNESSES = (
    Witness("beancount", export.beancount, beancount_account, _ask_beancount),
    Witness("hledger", export.hledger, hledger_account, _ask_hledger),
)
