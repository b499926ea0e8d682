"""Whoever changes the past behind the triggers' back is found: by `verify`, by the checks, by a verifier of its own."""

import csv
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger import export, seals, verify_seals
from ledger.book import Origin, Phase
from ledger.invariants.seals import SEALS
from ledger.periods import close_period
from tests.support.ledger_scene import (
    AWA,
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
from tests.support.seal_mutants import BLOCKS, HELD, MUTANTS, movement, of_seal

AWKWARD = "=1+1 \"é\" œ 'x', | \u00a0; ok"


@pytest.fixture
async def sealed(book: AsyncEngine) -> AsyncEngine:
    """Four blocks of a life: calls, a reversal, a reservation with a deadline, two funds, closed books."""
    wrong = paid("2", MOUSSA, 500)
    reserved = replace(hold(AWA, FLOAT, 70), expires_at=datetime(2099, 1, 1, 12, 30, 0, 7, tzinfo=UTC))
    await posted(book, called("1"), wrong)
    await seal(book)
    await posted(
        book, mirror("3", wrong), journal("4", reserved), replace(paid("'5"), reason=AWKWARD, actor="-a")
    )
    await posted(book, journal("6", resolve(Phase.POST, reserved, HELD, 30)))
    await seal(book)
    months = (move(TRANSPORT_CASH, TRANSPORT_INCOME, 300), move(AWA, FLOAT, 8))
    await posted(book, replace(journal("7", *months), memo={"b": "=2", "é": "", "B": "\n"}))
    async with book.begin() as db:
        facts = {"source": "books", "key": "close", "actor": "worker", "reason": "November"}
        assert (await close_period(db, SIK, YESTERDAY, Origin(**facts))).stands
    await seal(book)
    await posted(book, paid("late", effective_on=YESTERDAY), paid("8"))
    await seal(book)
    return book


async def seal(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        assert await seals.seal(db, SIK)


async def found(db: AsyncConnection) -> dict[int, str]:
    """What `verify` says of each broken block."""
    return {one.seal.block: one.fault async for one in seals.verify(db) if one.fault}


async def broken(db: AsyncConnection) -> set[str]:
    return {f.invariant.name for f in await examine(db, SEALS) if not f.holds}


async def write(path: Path, lines: AsyncIterator[str]) -> str:
    return written(path, "".join([line async for line in lines]))


def written(path: Path, words: str) -> str:
    path.write_text(words, encoding="utf-8", newline="")
    return str(path)


def verified_alone(folder: Path) -> tuple[int, str, str]:
    """What a copy of the one file says of the files in `folder`, with nothing of ours on its path."""
    written(folder / "verify_seals.py", Path(str(verify_seals.__file__)).read_text())
    command = [sys.executable, "-I", "-S", "-W", "error", "verify_seals.py", "book.csv", "seals.csv"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


async def witnessed(db: AsyncConnection, folder: Path) -> int:
    """What the verifier that stands alone answers for the two files of an auditor."""
    book = await write(folder / "book.csv", export.csv(db))
    chain = await write(folder / "seals.csv", seals.csv(db))
    return verify_seals.main(book, chain)


async def strip(db: AsyncConnection) -> None:
    """The guards down, as for an owner who means harm."""
    for table in ("journal", "movement", "request", "seal"):
        await db.execute(text(f"alter table ledger.{table} disable trigger append_only"))
    for name in ("movement_mutuelle_id_journal_id_fkey",):
        await db.execute(text(f"alter table ledger.movement drop constraint {name}"))


@pytest.fixture
def in_one_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports read what this transaction has changed; outside the tests they begin one of their own."""

    async def as_it_is(_db: AsyncConnection) -> None: ...

    monkeypatch.setattr(export, "snapshot", as_it_is)


async def test_a_book_that_nobody_touched_is_whole(
    sealed: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sealed.connect() as db:
        assert await witnessed(db, tmp_path) == 0
        last = await seals.newest(db, SIK)
        assert last is not None
        assert len([one async for one in seals.verify(db)]) == BLOCKS
        assert await found(db) == {}
        assert await broken(db) == set()
    said = capsys.readouterr().out
    assert said == f"SIK: {BLOCKS} blocks, the last is {last.short}\n"


async def test_what_no_block_holds_is_not_proven(
    sealed: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await posted(sealed, paid("not sealed yet"))
    async with sealed.connect() as db:
        assert await witnessed(db, tmp_path) == 1
    assert capsys.readouterr().out.startswith("UNSEALED SIK: 1 journals are in no block, the oldest at ")


@pytest.mark.usefixtures("in_one_view")
async def test_every_change_is_found_and_named(
    sealed: AsyncEngine, owner: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missed: dict[str, object] = {}
    for mutant, (block, words, statements) in MUTANTS.items():
        async with owner.connect() as db:
            await strip(db)
            for statement in statements:
                await db.execute(text(statement))
            verdicts = await found(db)
            by_checks, by_witness = await broken(db), await witnessed(db, tmp_path)
            await db.rollback()
        named = f"BROKEN SIK block {block}: " in capsys.readouterr().out
        if words not in verdicts.get(block, "") or not by_checks or not by_witness or not named:
            missed[mutant] = (verdicts, by_checks, by_witness, named)
    assert missed == {}


async def test_hashes_that_only_tell_which_journal_are_watched_too(
    sealed: AsyncEngine, owner: AsyncEngine
) -> None:
    async with owner.connect() as db:
        await strip(db)
        await db.execute(text(of_seal("hashes = sha256('x') || substr(hashes, 33)")))
        assert await broken(db) == {"ledger_seals_hold"}
        await db.rollback()


async def test_a_seal_of_what_is_not_settled_yet_is_found(sealed: AsyncEngine, owner: AsyncEngine) -> None:
    """As in a book restored into another server whose clock was not moved."""
    async with owner.connect() as db:
        await strip(db)
        await db.execute(text(of_seal("upto = '99999999999'", BLOCKS)))
        assert "ledger_seals_chain" in await broken(db)
        await db.rollback()


async def test_a_past_that_was_changed_and_sealed_anew_no_longer_knows_what_was_told(
    sealed: AsyncEngine, owner: AsyncEngine
) -> None:
    """All of it holds again, but no block has the seal that stands in an SMS or in an auditor's export."""
    async with sealed.connect() as db:
        told = await seals.newest(db, SIK)
    assert told is not None
    async with owner.begin() as db:
        await strip(db)
        await db.execute(text("delete from ledger.seal"))
        await db.execute(text(movement("amount = amount + 1")))
        assert await seals.seal(db, SIK)
        assert await found(db) == {}
        assert await seals.find(db, told.root.hex()[:8]) == []


async def test_the_witness_stands_alone(sealed: AsyncEngine, tmp_path: Path) -> None:
    async with sealed.connect() as db:
        assert await witnessed(db, tmp_path) == 0
    code, said, complaints = verified_alone(tmp_path)
    assert (code, complaints) == (0, "")
    assert said.startswith(f"SIK: {BLOCKS} blocks, the last is ")
    book = tmp_path / "book.csv"
    written(book, book.read_text().replace(",300,XOF", ",301,XOF"))
    code, said, complaints = verified_alone(tmp_path)
    assert (code, complaints) == (1, "")
    assert said.startswith("BROKEN SIK block 3: the book is not as it was sealed\n")


Cells = list[list[str]]


def as_csv(rows: Cells) -> str:
    written_out = io.StringIO()
    csv.writer(written_out, lineterminator="\n").writerows(rows)
    return written_out.getvalue()


def other_spellings(said: str) -> set[str]:
    """What a cell could be changed into, also where a lenient reader would read the same."""
    arabic = said.translate({ord("0") + n: chr(0x0660 + n) for n in range(10)})
    spelt = {f" {said}", f"{said} ", f"+{said}", f"0{said}", f"'{said}", f"{said}0", f"{said[:1]}_{said[1:]}"}
    return (spelt | {arabic, said.swapcase(), said[:-1], "", "0", "x", "\u200b" + said}) - {said}


def mutilated_lines(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The lines of a file, each lost, doubled, moved, lengthened, cut, or with something between."""
    for nth, line in enumerate(lines):
        before, after = lines[:nth], lines[nth + 1 :]
        yield f"line {nth} lost", [*before, *after]
        yield f"line {nth} doubled", [*before, line, line, *after]
        yield f"line {nth} last", [*before, *after, line]
        yield f"line {nth} with a cell more", [*before, line[:-1] + ",1\n", *after]
        yield f"line {nth} with a cell less", [*before, line.rpartition(",")[0] + "\n", *after]
        yield f"nothing before line {nth}", [*before, "\n", line, *after]
        yield f"words before line {nth}", [*before, "see page 2\n", line, *after]
        yield f"line {nth} ends otherwise", [*before, line[:-1] + "\r\n", *after]
    yield "the end is missing", [*lines[:-1], lines[-1][:-1]]
    yield "words at the end", [*lines, "total"]
    yield "a mark in front", ["\ufeff" + lines[0], *lines[1:]]
    yield "nothing", []
    yield "columns in another order", as_csv([row[::-1] for row in csv.reader(lines)]).splitlines(True)


@pytest.mark.parametrize("file", ["book.csv", "seals.csv"])
async def test_no_cell_and_no_line_of_the_files_is_ignored(
    sealed: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    async with sealed.connect() as db:
        assert await witnessed(db, tmp_path) == 0
    paths = str(tmp_path / "book.csv"), str(tmp_path / "seals.csv")
    capsys.readouterr()
    whole = (tmp_path / file).read_bytes().decode()
    rows = list(csv.reader(io.StringIO(whole, newline="")))
    assert as_csv(rows) == whole
    changed = [
        (
            f"{said!r} of line {nth} is {other!r}",
            as_csv([*rows[:nth], [*row[:at], other, *row[at + 1 :]], *rows[nth + 1 :]]),
        )
        for nth, row in enumerate(rows)
        for at, said in enumerate(row)
        for other in other_spellings(said)
    ]
    records = [as_csv([row]) for row in rows]
    changed += [(what, "".join(lines)) for what, lines in mutilated_lines(records) if lines != records]
    missed = []
    for what, words in changed:
        written(tmp_path / file, words)
        code = verify_seals.main(*paths)
        complaints = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("SIK: ")]
        if code != 1 or not complaints or not complaints[0].startswith(("BROKEN ", "UNSEALED ")):
            missed.append(what)
    assert missed == []


def test_a_file_that_is_not_there_is_no_broken_book(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_seals.main(str(tmp_path / "book.csv"), str(tmp_path / "seals.csv")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("No such file or directory\n")
