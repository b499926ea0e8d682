"""Verifies the seals of a book: `python verify_seals.py book.csv seals.csv`; exit 1 unless every journal is proven.

`keneya seal export > seals.csv` and then `keneya export csv > book.csv` make the files. This program shares no code
with the service and needs Python alone. docs.md, "Seals", says what is hashed, so that anybody can write another.

Nothing in the two files is ignored: a line that the exports would not write so is a fault. Only the cell `sealed_at`
is in no hash.
"""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

Row = dict[str, str]
DAY_0, TIME_0 = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC)
FORMULA_HEADS = ("=", "+", "-", "@", "\t", "\r", "'")
# The first lines of the two files.
BOOK = (
    "mutuelle,journal,kind,effective_on,recorded_at,actor,reason,source,key,reverses,memo,position,phase,debit_account,"
    "credit_account,amount_minor,currency,resolves_journal,resolves_position,xid,occurred_on,expires_at"
)
CHAIN = "mutuelle,block,upto,journals,previous,root,sealed_at"
# Columns of the book in the order in which they are hashed; 4 and 8 are whole numbers of so many bytes.
JOURNAL = """mutuelle journal:id xid:8 source key kind effective_on:day occurred_on:day recorded_at:time
actor reason reverses:id"""
MOVEMENT = """position:4 debit_account credit_account amount_minor:8 currency phase resolves_journal:id
resolves_position:4 expires_at:time"""
MOVED = [column.partition(":")[0] for column in MOVEMENT.split()]
SAID_ONCE = [name for name in BOOK.split(",") if name not in MOVED]  # the same on every line of a journal


class VerifyError(Exception):
    """A file has a line that no export writes; the message names the file and the line."""


class SealLine(NamedTuple):
    """A line of a file, with its number."""

    at: str
    row: Row


class SealedJournal(NamedTuple):
    """A journal of the book; sorts in the order of the blocks."""

    xid: int
    id: bytes
    hash: bytes
    at: str


def whole(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big", signed=True)


def field(value: bytes | None) -> bytes:
    return whole(-1, 4) if value is None else whole(len(value), 4) + value


def exactly(said: str, written: object) -> None:
    """ValueError unless `said` is spelt as `written`: `1_850`, `+1`, ` 1` or a digit of another script is refused."""
    if said != str(written):
        raise ValueError(f"{said!r} is not how the export writes {str(written)!r}")


def number(said: str) -> int:
    exactly(said, int(said))
    return int(said)


def uuid(said: str) -> bytes:
    exactly(said, UUID(said))
    return UUID(said).bytes


def day(said: str) -> bytes:
    exactly(said, date.fromisoformat(said))
    return whole((date.fromisoformat(said) - DAY_0).days, 4)


def time(said: str) -> bytes:
    at = datetime.fromisoformat(said).astimezone(UTC)
    exactly(said, at.isoformat(timespec="microseconds"))
    return whole((at - TIME_0) // timedelta(microseconds=1), 8)


def words(said: str) -> bytes:
    """The text of a cell: one that a spreadsheet would run as a formula has an apostrophe in front, no other has."""
    plain = said.removeprefix("'")
    exactly(said, "'" + plain if plain.startswith(FORMULA_HEADS) else plain)
    return plain.encode()


READERS: dict[str, Callable[[str], bytes]] = {"id": uuid, "day": day, "time": time, "": words}


def cell(said: str, kind: str) -> bytes | None:
    if not said:
        return None
    return READERS[kind](said) if kind in READERS else whole(number(said), int(kind))


def fields(row: Row, columns: str) -> bytes:
    named = (column.partition(":") for column in columns.split())
    return b"".join(field(cell(row[name], kind)) for name, _, kind in named)


def memo_pairs(said: str) -> list[tuple[bytes, bytes]]:
    """The memo's pairs in the byte order of the keys; an empty memo is an empty cell."""
    if not said:
        return []
    pairs = json.loads(said)
    exactly(said, json.dumps(pairs, sort_keys=True, ensure_ascii=False))
    return sorted((key.encode(), value.encode()) for key, value in pairs.items())


def journal_hash(lines: list[SealLine]) -> bytes:
    first, moved = lines[0].row, []
    pairs = memo_pairs(first["memo"])
    for nth, line in enumerate(lines, 1):
        if changed := [name for name in SAID_ONCE if line.row[name] != first[name]]:
            raise VerifyError(f"{line.at}: {changed[0]!r} is another than on the first line of the journal")
        if not any(line.row[name] for name in MOVED) and len(lines) == 1:
            break  # the close or reopening of a period has no movement
        if line.row["position"] != str(nth):
            raise VerifyError(f"{line.at}: position {line.row['position']!r} where {nth} comes")
        moved.append(fields(line.row, MOVEMENT))
    said = field(b"journal 1") + fields(first, JOURNAL)
    said += whole(len(pairs), 4) + b"".join(field(key) + field(value) for key, value in pairs)
    return sha256(said + whole(len(moved), 4) + b"".join(moved)).digest()


def noted(file: Iterable[str], taken: list[str]) -> Iterator[str]:
    """The lines of `file`, each added to `taken` as it is read."""
    for line in file:
        taken.append(line)
        yield line


def read(path: str, header: str) -> Iterator[SealLine]:
    """The lines of a file after its header; each must be as the exports write it, byte for byte."""
    columns, taken = header.split(","), list[str]()
    with open(path, newline="", encoding="utf-8") as file:
        if next(file, None) != header + "\n":
            raise VerifyError(f"{path}, line 1: the columns are not {header}")
        rows = csv.reader(noted(file, taken), strict=True)
        for cells in rows:
            at, written = f"{path}, line {rows.line_num + 1}", io.StringIO()
            csv.writer(written, lineterminator="\n").writerow(cells)
            if len(cells) != len(columns) or written.getvalue() != "".join(taken):
                raise VerifyError(f"{at}: not a line of an export")
            taken.clear()
            yield SealLine(at, dict(zip(columns, cells, strict=True)))


def read_book(path: str) -> dict[str, list[SealedJournal]]:
    """The journals of each mutuelle, the newest first."""
    book: dict[str, list[SealedJournal]] = {}
    before: tuple[object, ...] = ()
    for _, rows in groupby(read(path, BOOK), lambda line: (line.row["mutuelle"], line.row["journal"])):
        lines = list(rows)
        row, at = lines[0].row, lines[0].at
        try:
            one = SealedJournal(number(row["xid"]), uuid(row["journal"]), journal_hash(lines), at)
        except (ValueError, OverflowError, AttributeError, RecursionError) as fault:
            raise VerifyError(f"{at}: {fault}") from None
        place = (row["mutuelle"], row["effective_on"], row["recorded_at"], one.id)
        if place <= before:
            raise VerifyError(f"{at}: the journal stands after one that comes later, or twice")
        before = place
        book.setdefault(row["mutuelle"], []).append(one)
    return {mutuelle: sorted(journals, reverse=True) for mutuelle, journals in book.items()}


def block_root(previous: bytes, mutuelle: str, block: int, upto: int, hashes: list[bytes]) -> bytes:
    numbers = (whole(block, 4), whole(upto, 8), whole(len(hashes), 4))
    head = b"".join(map(field, (b"block 1", previous, mutuelle.encode(), *numbers)))
    return sha256(head + b"".join(hashes)).digest()


class Chain(NamedTuple):
    """The end of a mutuelle's chain so far: the last block's number, its `upto` and its root."""

    block: int = 0
    upto: int = -1
    root: bytes = bytes(32)


def block_fault(last: Chain, row: Row, hashes: list[bytes]) -> str | None:
    """What is wrong with a block; None if it is the one that was sealed."""
    block, upto = number(row["block"]), number(row["upto"])
    time(row["sealed_at"])
    if block != last.block + 1 or row["previous"] != last.root.hex():
        return f"it does not follow from block {last.block}"
    if upto <= last.upto:
        return "it ends before it begins"
    if number(row["journals"]) != len(hashes):
        return f"it says {row['journals']} journals, the book has {len(hashes)}"
    root = block_root(last.root, row["mutuelle"], block, upto, hashes)
    return None if row["root"] == root.hex() else "the book is not as it was sealed"


def verify(book: str, seals: str) -> Iterator[str]:
    """Match each block of each chain with its journals in the book; yields a line for each fault."""
    waiting = read_book(book)
    chains = dict.fromkeys(waiting, Chain())
    if not waiting:
        yield f"BROKEN {book} holds no journal"
    for at, row in read(seals, CHAIN):
        mutuelle = row["mutuelle"]
        last, journals = chains.get(mutuelle, Chain()), waiting.get(mutuelle, [])
        hashes = []
        try:
            while journals and journals[-1].xid < number(row["upto"]):
                hashes.append(journals.pop().hash)
            if fault := block_fault(last, row, hashes):
                yield f"BROKEN {mutuelle} block {row['block']}: {fault}"
            chains[mutuelle] = Chain(number(row["block"]), number(row["upto"]), bytes.fromhex(row["root"]))
        except (ValueError, OverflowError) as fault:
            raise VerifyError(f"{at}: {fault}") from None
    for mutuelle, chain in chains.items():
        if left := waiting.get(mutuelle):
            yield f"UNSEALED {mutuelle}: {len(left)} journals are in no block, the oldest at {left[-1].at}"
        short = chain.root.hex().upper()
        last_seal = f"the last is {short[:4]}-{short[4:8]}" if chain.block else "none"
        sys.stdout.write(f"{mutuelle}: {chain.block} blocks, {last_seal}\n")


def main(book: str, seals: str) -> int:
    """Print the faults, a line each. Returns 0 for none, 1 for some, 2 if a file cannot be read."""
    wrong = 0
    try:
        for line in verify(book, seals):
            sys.stdout.write(f"{line}\n")
            wrong = 1
    except OSError as fault:  # a missing file says nothing about the book
        sys.stderr.write(f"{fault.filename}: {fault.strerror}\n")
        return 2
    except (VerifyError, csv.Error, UnicodeDecodeError) as fault:
        sys.stdout.write(f"BROKEN {fault}\n")
        wrong = 1
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python verify_seals.py book.csv seals.csv")
    sys.exit(main(*sys.argv[1:]))
