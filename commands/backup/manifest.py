"""The manifest of a backup, stored beside the dump: program, time, database, and its figures."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from commands.backup.content import Book

FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """`postgres` is the major version of the pg_dump that wrote it: older servers cannot restore it.

    `tick` is above every transaction number in the dump (`ledger.tick`).
    """

    made_at: datetime
    schema: str
    postgres: int
    tick: int
    rows: dict[str, int]
    books: dict[str, Book]


def write(manifest: Manifest) -> bytes:
    """The manifest as indented JSON."""
    said = asdict(manifest) | {"format": FORMAT, "made_at": manifest.made_at.isoformat()}
    return json.dumps(said, indent=1).encode()


def read(said: bytes) -> Manifest:
    """The manifest that `write` wrote; ValueError for anything else, or one of a newer program."""
    try:
        facts = json.loads(said)
        if facts["format"] > FORMAT:
            raise ValueError(f"format {facts['format']} is of a newer program")
        return Manifest(
            made_at=datetime.fromisoformat(facts["made_at"]),
            schema=str(facts["schema"]),
            postgres=int(facts["postgres"]),
            tick=int(facts["tick"]),
            rows={str(table): int(count) for table, count in facts["rows"].items()},
            books={str(mutuelle): Book(**book) for mutuelle, book in facts["books"].items()},
        )
    except (KeyError, TypeError, AttributeError) as fault:
        raise ValueError(f"its manifest is not one of ours: {fault}") from None


def differences(before: dict[str, int] | dict[str, Book], now: dict[str, int] | dict[str, Book]) -> list[str]:
    """One line for each table or book whose figures differ."""
    return [
        f"{name}: {now.get(name, 'missing')}, the backup says {before.get(name, 'none')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
