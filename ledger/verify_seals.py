"""Verifies the seals of a book: `python verify_seals.py book.csv seals.csv`; exit 1 if a block is broken.

The files are made by `keneya seal export > seals.csv` and then `keneya export csv > book.csv`. This shares no code with
the service and needs Python alone. What is hashed, byte by byte, is in docs.md under "Seals": write your own.
"""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from uuid import UUID

Row = dict[str, str]
Hashed = tuple[int, bytes, bytes]  # a journal: its tick, id and hash
DAY_0, TIME_0 = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC)
# Columns of the book in the order in which they are hashed; 4 and 8 are whole numbers of so many bytes.
JOURNAL = """mutuelle journal:id xid:8 source key kind effective_on:day occurred_on:day recorded_at:time
actor reason reverses:id"""
MOVEMENT = """position:4 debit_account credit_account amount_minor:8 currency phase resolves_journal:id
resolves_position:4 expires_at:time"""


def whole(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big", signed=True)


def field(value: bytes | None) -> bytes:
    return whole(-1, 4) if value is None else whole(len(value), 4) + value


def cell(said: str, kind: str) -> bytes | None:
    if not said:
        return None
    if kind == "id":
        return UUID(said).bytes
    if kind == "day":
        return whole((date.fromisoformat(said) - DAY_0).days, 4)
    if kind == "time":
        return whole((datetime.fromisoformat(said) - TIME_0) // timedelta(microseconds=1), 8)
    # A text that a spreadsheet would run as a formula stands behind an apostrophe.
    return whole(int(said), int(kind)) if kind else said.removeprefix("'").encode()


def fields(row: Row, columns: str) -> bytes:
    named = (column.partition(":") for column in columns.split())
    return b"".join(field(cell(row[name], kind)) for name, _, kind in named)


def journal_hash(lines: list[Row]) -> bytes:
    memo = sorted((key.encode(), said.encode()) for key, said in json.loads(lines[0]["memo"] or "{}").items())
    moved = [fields(line, MOVEMENT) for line in lines if line["position"]]
    said = field(b"journal 1") + fields(lines[0], JOURNAL)
    said += whole(len(memo), 4) + b"".join(field(key) + field(value) for key, value in memo)
    return sha256(said + whole(len(moved), 4) + b"".join(moved)).digest()


def read(path: str) -> Iterator[Row]:
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def read_book(path: str) -> dict[str, list[Hashed]]:
    """The journals of each mutuelle, the newest first."""
    book: dict[str, list[Hashed]] = {}
    for (mutuelle, journal), rows in groupby(read(path), lambda row: (row["mutuelle"], row["journal"])):
        lines = list(rows)
        hashed = int(lines[0]["xid"]), UUID(journal).bytes, journal_hash(lines)
        book.setdefault(mutuelle, []).append(hashed)
    return {mutuelle: sorted(journals, reverse=True) for mutuelle, journals in book.items()}


def block_root(previous: bytes, mutuelle: str, block: int, upto: int, hashes: list[bytes]) -> bytes:
    numbers = (whole(block, 4), whole(upto, 8), whole(len(hashes), 4))
    head = b"".join(map(field, (b"block 1", previous, mutuelle.encode(), *numbers)))
    return sha256(head + b"".join(hashes)).digest()


def main(book: str, seals: str) -> int:
    """Go along the chain of each mutuelle, and take out of its book what each block holds."""
    waiting, broken = read_book(book), 0
    chains = dict.fromkeys(waiting, (0, bytes(32)))
    for row in read(seals):
        mutuelle, upto = row["mutuelle"], int(row["upto"])
        (block, previous), journals = chains.get(mutuelle, (0, bytes(32))), waiting.get(mutuelle, [])
        hashes = []
        while journals and journals[-1][0] < upto:
            hashes.append(journals.pop()[2])
        root = block_root(previous, mutuelle, block + 1, upto, hashes)
        if (row["previous"], row["root"]) != (previous.hex(), root.hex()):
            sys.stdout.write(f"BROKEN {mutuelle} block {row['block']}\n")
            broken += 1
        chains[mutuelle] = int(row["block"]), bytes.fromhex(row["root"])
    for mutuelle, (block, root) in chains.items():
        short, left = root.hex().upper(), len(waiting.get(mutuelle, []))
        last = f"the last is {short[:4]}-{short[4:8]}" if block else "none"
        sys.stdout.write(f"{mutuelle}: {block} blocks, {last}; {left} journals in no block yet\n")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, TypeError, KeyError, ValueError) as fault:
        sys.exit(f"{fault!r}\nusage: python verify_seals.py book.csv seals.csv")
