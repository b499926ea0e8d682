"""The truth outside: what money the simulated providers were asked to move, and what became of it.

A file of JSON lines beside the store, on the disk before anybody is answered. Each money has a line when a provider
accepts it, and one when it is fixed how it ends (`ended_at` may be still to come). A process killed in between writes
a line again when it starts: readers take the last line of an `id`.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from simulator.deps import Simulator, epoch, iso
from simulator.store import Row

ACCEPTED, ENDED = 1, 2  # how many lines a money has
Entry = dict[str, Any]


def path_of(sim: Simulator) -> Path:
    return sim.config.data / "money.jsonl"


def write(sim: Simulator, row: Row) -> None:
    """Write the lines that this money still lacks, and wait until the disk has them."""
    due = _due(row)
    if row["told"] >= due:
        return
    lines = [_line(row, nth) for nth in range(row["told"] + 1, due + 1)]
    with path_of(sim).open("ab") as file:
        file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    sim.db.execute("UPDATE money SET told = ? WHERE id = ?", (due, row["id"]))


def catch_up(sim: Simulator) -> None:
    """Write what a killed process could not."""
    for row in sim.db.execute("SELECT * FROM money WHERE told < 2 AND begun_at IS NOT NULL").fetchall():
        write(sim, row)


def _due(row: Row) -> int:
    if row["final_state"] is not None:
        return ENDED
    return ACCEPTED if row["begun_at"] is not None else 0


def _line(row: Row, nth: int) -> Entry:
    is_end = nth == ENDED
    return {
        "at": iso(epoch()),
        "id": row["id"],
        "provider": row["provider"],
        "account": row["account"],
        "direction": row["direction"],
        "reference": row["reference"],
        "token": row["token"],
        "receipt": row["receipt"],
        "phone": row["phone"],
        "amount": decimal(row["moved_milli"]),
        "currency": row["currency"],
        "fee": decimal(row["fee_milli"]) if is_end else None,
        "state": row["final_state"] if is_end else "PENDING",
        "reason": row["final_reason"] if is_end else None,
        "begun_at": iso(row["begun_at"]),
        "ended_at": iso(row["final_at"]) if is_end else None,
        "note": row["note"],
    }


def ended(sim: Simulator, provider: str) -> list[Entry]:
    """What has ended at a provider, by the time it did; from the file, not from the store."""
    path, now = path_of(sim), iso(epoch())
    lines = path.read_text().splitlines() if path.exists() else []
    last = {entry["id"]: entry for entry in map(json.loads, lines) if entry["provider"] == provider}
    return sorted(
        (entry for entry in last.values() if entry["ended_at"] and entry["ended_at"] <= now),
        key=lambda entry: (entry["ended_at"], entry["id"]),
    )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ";") -> str:
    """A statement as a portal exports it."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue()


def milli(amount: str) -> int:
    """Thousandths of an amount such as 2000 or 12.50, exactly."""
    whole, _, part = amount.partition(".")
    return int(whole) * 1000 + int(part[:3].ljust(3, "0"))


def decimal(amount_milli: int) -> str:
    """An amount as it is written, without needless decimals."""
    whole, part = divmod(amount_milli, 1000)
    return f"{whole}.{part:03}".rstrip("0").rstrip(".")
