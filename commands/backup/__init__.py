"""`keneya backup` and `keneya restore`: the whole database in one file, restored into an empty server and compared.

A backup is one snapshot. A restore is all or nothing, grants the service its rights last, and exits with 0 only if
rows, balances and seals are those of the backup and every invariant holds.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import make_url

import migrations
import settings
from commands import upkeep
from commands.backup import archive, content, manifest, programs
from commands.backup.manifest import Manifest, differences
from commands.command import CommandError, Commands, address, command, spoken
from commands.progress import Progress
from engines import run
from engines.embedded import find_running, start_engines
from locales import _n


def add(commands: Commands) -> None:
    backup_ = command(commands, "backup", backup, "write the whole database into one new file")
    backup_.add_argument("target", type=Path, metavar="FILE", help="a new file, a directory, or - for a pipe")
    restore_ = command(
        commands, "restore", restore, "bring a backup back into an empty database, and prove it"
    )
    restore_.add_argument(
        "source", type=Path, metavar="FILE", help="what `keneya backup` wrote, or - for a pipe"
    )
    restore_.add_argument(
        "--drill",
        action="store_true",
        help="into a server of its own, which is gone afterwards; FILE may be the folder of the backups: the newest",
    )


async def backup(arguments: argparse.Namespace) -> int:
    """Back up as the owner, who may read every table; web and worker keep running."""
    owner_url, made_at = address("MIGRATE_DATABASE_URL"), datetime.now(UTC)
    target = archive.named(arguments.target, f"keneya-{made_at:%Y%m%dT%H%M%SZ}.backup")
    with archive.standard_output() if target == archive.STREAM else archive.new_file(target) as file:
        facts = await _write(file, owner_url, made_at)
    where, screen = ("", sys.stderr) if target == archive.STREAM else (f" in {target}", sys.stdout)
    print(f"Backed up {_name(owner_url)}: {_summary(facts)}{where}.", file=screen)
    return 0


async def _write(file: BinaryIO, owner_url: str, made_at: datetime) -> Manifest:
    """Write the counts and the dump, from one snapshot."""
    async with content.connected(owner_url) as db:
        schema = await content.schema(db)
        server = await content.server(db)
        program, major = programs.find("pg_dump", server=server, oldest=server)
        facts = Manifest(
            made_at=made_at,
            schema=schema,
            postgres=major,
            tick=await content.tick(db),
            rows=await content.rows(db),
            books=await content.books(db),
        )
        with (
            Progress(await content.size_bytes(db)) as progress,
            archive.writing(file, manifest.write(facts)) as write,
        ):

            def pass_on(piece: bytes) -> None:
                write(piece)
                progress.advance(len(piece))

            await programs.dump(program, owner_url, await content.exported(db), pass_on)
    return facts


def _name(owner_url: str) -> str:
    """The database of an address, without the password."""
    url = make_url(owner_url)
    return f"{url.database} at {', '.join(f'{host}:{port}' for host, port in settings.hosts_of(url))}"


def _summary(told: Manifest) -> str:
    counted = (
        _n("{n} book", "{n} books", len(told.books)),
        _n("{n} journal", "{n} journals", told.rows["ledger.journal"]),
        _n("{n} row", "{n} rows", sum(told.rows.values())),
    )
    said = ", ".join(spoken(each) for each in counted)
    return f"{said}, schema {told.schema}, {told.made_at:%Y-%m-%d %H:%M} UTC"


async def restore(arguments: argparse.Namespace) -> int:
    """Check the whole file first; only then find, or start, a server."""
    source = archive.newest(arguments.source) if arguments.drill else arguments.source
    if str(source) != "-" and not source.is_file():
        raise CommandError(f"there is no file {source}", 2)
    with archive.reading(source) as backup:
        facts = _expect_known(backup.manifest, source)
        with _scratch_server(facts.postgres) if arguments.drill else _server():
            return await _bring_back(backup, facts)


async def _bring_back(backup: archive.Archive, facts: Manifest) -> int:
    """Restore and compare; then grant the service its rights, compare again and run the invariants."""
    began = time.monotonic()
    owner_url, service_url = address("MIGRATE_DATABASE_URL"), address("DATABASE_URL")
    role = make_url(service_url).username
    if not role:
        raise CommandError("DATABASE_URL names no role", 2)
    await _load(backup, facts, owner_url)
    async with content.connected(owner_url) as db:
        _expect_none(differences(facts.rows, await content.rows(db)))
        _expect_none(differences(facts.books, await content.books(db)))
    await migrations.migrate(owner_url, role, above=facts.tick)
    await content.analyze(owner_url)
    async with content.connected(service_url) as db:
        _expect_none(differences(facts.books, await content.books(db)))
    print(f"Restored into {_name(owner_url)} in {time.monotonic() - began:.0f} s: {_summary(facts)}.")
    for mutuelle, book in facts.books.items():
        print(f"{mutuelle}: {book.summary}, as in the backup.")
    return await upkeep.check(argparse.Namespace(json=False))


@contextmanager
def _server() -> Iterator[None]:
    """The server at DATABASE_URL or a running one; else the embedded one, started for the restore only."""
    named = any(os.environ.get(name, "").strip() for name in ("DATABASE_URL", "MIGRATE_DATABASE_URL"))
    if named or find_running(run.HOME / "var"):
        yield
        return
    with start_engines(run.HOME / "var", postgres_bin=programs.named(), wanted=["postgres"]):
        yield


@contextmanager
def _scratch_server(oldest: int) -> Iterator[None]:
    """A server of this block's own, of version `oldest` at least, whatever the settings name; nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="keneya-drill-") as folder:
        Path(folder).chmod(0o711)  # the user of root's servers passes through
        with start_engines(
            Path(folder) / "var", postgres_bin=programs.of_server(oldest), wanted=["postgres"]
        ) as scratch:
            urls = {"DATABASE_URL": scratch.url("service"), "MIGRATE_DATABASE_URL": scratch.url("owner")}
            before = {name: os.environ.get(name) for name in urls}
            os.environ.update(urls)
            try:
                yield
            finally:
                for name, value in before.items():
                    os.environ.pop(name) if value is None else os.environ.update({name: value})


def _expect_known(said: bytes, source: Path) -> Manifest:
    """The manifest; CommandError unless it is one of ours and of a schema that this program knows."""
    try:
        facts = manifest.read(said)
    except ValueError as fault:
        raise CommandError(f"{source} is not a backup for this program: {fault}") from None
    if facts.schema not in migrations.revisions():
        raise CommandError(
            f"{source} has schema {facts.schema}, which is newer than this program: install its program first"
        )
    return facts


async def _load(backup: archive.Archive, facts: Manifest, owner_url: str) -> None:
    async with content.connected(owner_url) as db:
        await content.expect_empty(db)
        server = await content.server(db)
    if server < facts.postgres:
        raise CommandError(f"the backup needs PostgreSQL {facts.postgres} or newer, the server is {server}")
    program, _ = programs.find("pg_restore", server=server, oldest=facts.postgres, newest=server)
    with Progress(backup.dump_bytes) as progress:

        def watched() -> Iterator[bytes]:
            for piece in backup.dump():
                yield piece
                progress.advance(len(piece))

        await programs.load(program, owner_url, watched())


def _expect_none(found: list[str]) -> None:
    if found:
        raise CommandError("the restored database is not what was backed up: " + "; ".join(found))
