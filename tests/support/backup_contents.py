"""Reads databases and backups, and damages backups."""

import asyncio
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from commands.backup import archive
from commands.command import CommandError
from tests.conftest import Database


def first_column(url: str, query: str) -> list[str]:
    """The first column of a query, sorted."""

    async def read() -> list[str]:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as db:
            found = sorted(str(value) for value in await db.scalars(text(query)))
        await engine.dispose()
        return found

    return asyncio.run(read())


def relations(database: Database) -> list[str]:
    """The names of all relations of a database."""
    return first_column(
        database.owner_url, "select relname from pg_class where oid >= 16384 and relkind in ('r', 'v', 'S')"
    )


def content_of(file: Path) -> tuple[bytes, bytes] | None:
    """Manifest and dump; None if the file is refused."""
    try:
        with archive.reading(file) as read:
            return read.manifest, b"".join(read.dump())
    except CommandError:
        return None


def altered(file: Path, facts: dict[str, object], dump: Callable[[bytes], bytes] = bytes) -> Path:
    """The backup with other facts in its manifest, or another dump; a valid file."""
    other = file.with_name("altered")
    with archive.reading(file) as old, zipfile.ZipFile(other, "w") as new:
        new.writestr("manifest.json", json.dumps(json.loads(old.manifest) | facts))
        new.writestr("database.dump", dump(b"".join(old.dump())))
    return other
