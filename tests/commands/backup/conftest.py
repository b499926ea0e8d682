"""Two servers: the tests' own, where a book is lived, and another with nothing in it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import cli
from engines import embedded
from engines.cluster import OWNER_ROLE
from engines.embedded import Engines
from mutuelle.demonstration import seed
from tests.conftest import Database, open_folder, program
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

_numbers = count(1)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Engines]:
    """A server of its own, whose transaction numbers begin anew."""
    folder = open_folder("keneya-elsewhere-")
    try:
        with embedded.start_engines(
            folder / "var", postgres_bin=program("POSTGRES_BIN"), wanted=["postgres"], durable=False
        ) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def empty(elsewhere: Engines) -> AsyncIterator[Database]:
    """A database on the other server, with nothing in it."""
    name = f"empty_{next(_numbers)}"
    await as_superuser(elsewhere, f"create database {name} owner {OWNER_ROLE}")
    yield Database(name, url=elsewhere.url("service", name), owner_url=elsewhere.url("owner", name))
    await as_superuser(elsewhere, f"drop database {name} with (force)")


async def as_superuser(engines: Engines, *statements: str, database: str = "postgres") -> None:
    """Each statement in a transaction of its own."""
    url = engines.superuser_url.rpartition("/")[0] + f"/{database}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as db:
        for statement in statements:
            await db.execute(text(statement))
    await engine.dispose()


@pytest.fixture
def keneya(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside one database or the other: its exit code, its output and its complaints."""

    def typed(beside: Database, *words: object) -> tuple[int, str, str]:
        for name, value in environment(beside).items():
            monkeypatch.setenv(name, value)
        return typed_into(capsys, *map(str, words))

    return typed


def environment(beside: Database) -> dict[str, str]:
    """The settings of a command that works on `beside`."""
    return {"DATABASE_URL": beside.url, "MIGRATE_DATABASE_URL": beside.owner_url}


@pytest.fixture(scope="session")
def federation(engines: Engines, _template: str) -> str:
    """The name of a database with a federation and a year behind it, to be copied."""
    name = "federation"
    asyncio.run(as_superuser(engines, f"create database {name} template {_template} owner {OWNER_ROLE}"))
    asyncio.run(seed(engines.url("service", name), NOW, households=30))
    return name


@pytest.fixture
async def lived(engines: Engines, federation: str) -> AsyncIterator[Database]:
    """A federation of the test's own."""
    name = f"lived_{next(_numbers)}"
    await as_superuser(engines, f"create database {name} template {federation} owner {OWNER_ROLE}")
    yield Database(name, url=engines.url("service", name), owner_url=engines.url("owner", name))
    await as_superuser(engines, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def _saved(engines: Engines, federation: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backups") / "federation.backup"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIGRATE_DATABASE_URL", engines.url("owner", federation))
        assert cli.main(["backup", str(file)]) == 0
    return file


@pytest.fixture
def saved(_saved: Path, tmp_path: Path) -> Path:
    """A backup of the federation, to be spoiled at will."""
    return Path(shutil.copy(_saved, tmp_path))
