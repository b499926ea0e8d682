"""Who waits for whom: nobody who only reads can hold up a posting, a close, a fold or a seal, whatever he holds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import migrations
from engines.cluster import AUDITOR_ROLE, GUARDS, OWNER_ROLE, SERVICE_ROLE
from engines.embedded import Engines
from ledger.book import Origin, post
from ledger.folding import fold
from ledger.periods import close_period
from ledger.seals import seal
from tests.conftest import Database
from tests.support.ledger_horizon import settled
from tests.support.ledger_scene import SIK, YESTERDAY, paid, posted, verdicts
from tests.support.patience import as_busy

SOON_S = 1.5  # less than any time-out of ours
OWN_TIMEOUTS = (
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "transaction_timeout",
)
MODES = (
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
)
BOOK_KEY = "hashtextextended('ledger.book SIK', 0)"
TABLES = (
    "select quote_ident(relname) from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'"
)
HELD = [
    *(f"lock table ledger.{{table}} in {mode} mode" for mode in (*MODES, "exclusive", "access exclusive")),
    *(f"select from ledger.{{table}} for {how}" for how in ("key share", "share", "no key update", "update")),
    f"select pg_advisory_lock({BOOK_KEY})",
    f"select pg_advisory_lock_shared({BOOK_KEY})",
    f"select pg_try_advisory_xact_lock({migrations.LOCK_KEY})",
    "select count(pg_try_advisory_lock(number)) from generate_series(1, 100000) number",
    "create temporary table full_disk as select * from ledger.movement",
    "select pg_current_xact_id()",
]


@pytest.fixture
async def auditor(engines: Engines, database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(engines.url("auditor", database.name))
    yield engine
    await engine.dispose()


@asynccontextmanager
async def holding(engine: AsyncEngine, *statements: str) -> AsyncIterator[list[str]]:
    """An open transaction that has taken each of these that it may; those that it may."""
    taken = []
    async with engine.connect() as db:
        for statement in statements:
            with suppress(DBAPIError):
                async with db.begin_nested():
                    await db.execute(text(statement))
                taken.append(statement)
        yield taken


async def tables(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as db:
        return list(await db.scalars(text(TABLES)))


async def test_an_auditor_who_holds_all_he_can_holds_nobody_up(
    book: AsyncEngine, auditor: AsyncEngine, database: Database
) -> None:
    await migrations.migrate(
        database.owner_url, SERVICE_ROLE
    )  # a copied database has the rights of a new one
    await posted(book, paid("before"))
    statements = [held.format(table=table) for held in HELD for table in await tables(auditor)]
    statements = list(dict.fromkeys(statements))
    for timeout in OWN_TIMEOUTS[:3]:
        statements.insert(0, f"set {timeout} = 0")
    async with holding(auditor, *statements) as taken:
        assert {one for one in taken if one.startswith("lock")} == {
            f"lock table ledger.{table} in access share mode" for table in await tables(auditor)
        }
        assert [one for one in taken if "advisory" in one or "for " in one or "temporary" in one] == []
        assert "select pg_current_xact_id()" in taken
        async with asyncio.timeout(as_busy(SOON_S)):
            assert (
                verdicts(await posted(book, paid("k"), paid("early", effective_on=YESTERDAY)))
                == ["created"] * 2
            )
            async with book.begin() as db:
                said = {"source": "p", "key": "close", "actor": "treasurer", "reason": "month"}
                assert (await close_period(db, SIK, YESTERDAY, Origin(**said))).stands
        async with book.begin() as db:
            assert await fold(db, SIK) == 1, "the close itself: it has folded what was before it"
        async with book.begin() as db:
            assert await seal(db, SIK) == 4, "his transaction is older than they, and can add nothing"


async def test_the_horizon_stops_at_whoever_can_post(book: AsyncEngine, owner: AsyncEngine) -> None:
    """The service's transaction, the owner's, and that of a role which may become the service's."""
    for engine in (book, owner):
        async with holding(engine, "select pg_current_xact_id()"):
            await posted(book, paid(str(engine.url)))
            async with book.begin() as db:
                assert (await fold(db, SIK), await seal(db, SIK)) == (0, 0)
        await settled(book)
        async with book.begin() as db:
            assert (await fold(db, SIK), await seal(db, SIK)) == (1, 1)


async def test_a_transaction_in_another_database_holds_up_no_fold(
    book: AsyncEngine, engines: Engines
) -> None:
    elsewhere = create_async_engine(engines.superuser_url)
    async with holding(elsewhere, "select pg_current_xact_id()"):
        await posted(book, paid("k"))
        async with book.begin() as db:
            assert await fold(db, SIK) == 1
    await elsewhere.dispose()


async def test_a_step_of_the_schema_that_waits_for_a_reader_gives_up_and_postings_go_on(
    book: AsyncEngine, auditor: AsyncEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_column(connection: Connection) -> None:
        connection.execute(text("alter table ledger.book add column added int"))

    monkeypatch.setattr(migrations, "_upgrade", add_column)
    async with holding(auditor, "select * from ledger.book"):
        step = asyncio.create_task(migrations.migrate(database.owner_url, SERVICE_ROLE))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert verdicts(await posted(book, paid("k"))) == ["created"]
        assert time.monotonic() - began < as_busy(5)
        with pytest.raises(DBAPIError, match="lock timeout"):
            await step


async def test_a_close_that_cannot_have_the_book_says_so_and_postings_go_on(book: AsyncEngine) -> None:
    """A posting that is under way for long, and others behind the close that waits for it."""
    said = {"source": "p", "key": "close", "actor": "treasurer", "reason": "month"}

    async def closed() -> str:
        async with book.begin() as db:
            return verdicts([await close_period(db, SIK, YESTERDAY, Origin(**said))])[0]

    async with book.connect() as slow:
        await post(slow, [paid("slow")])
        close = asyncio.create_task(closed())
        await asyncio.sleep(0.2)
        async with asyncio.timeout(as_busy(5)):
            assert verdicts(await posted(book, paid("behind"))) == ["created"]
        assert await close == "refused: book_in_use"
        await slow.commit()
    assert await closed() == "created"


async def test_a_posting_waits_for_another_and_not_without_end(owner: AsyncEngine) -> None:
    async with owner.connect() as db:
        query = "select array_to_string(proconfig, ' ') from pg_proc where proname = 'post'"
        assert "lock_timeout=10s" in str(await db.scalar(text(query)))


async def test_an_auditors_session_has_limits(auditor: AsyncEngine) -> None:
    async with auditor.connect() as db:
        for name in OWN_TIMEOUTS:
            found = await db.scalar(text("select current_setting(:name, true)"), {"name": name})
            assert found != "0", name
        limit = text("select rolconnlimit from pg_roles where rolname = current_user")
        assert await db.scalar(limit) == 5


async def test_an_auditor_enters_no_other_database(engines: Engines) -> None:
    for other in ("postgres", "template1"):
        engine = create_async_engine(engines.url("auditor", other))
        with pytest.raises(DBAPIError, match="permission denied for database"):
            async with engine.connect():
                pass
        await engine.dispose()


def test_the_superusers_part_names_the_roles() -> None:
    words = set(
        GUARDS.read_text(encoding="utf-8").replace(",", " ").replace("'", " ").replace(";", " ").split()
    )
    assert {AUDITOR_ROLE, OWNER_ROLE} <= words
