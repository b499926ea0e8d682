"""An auditor's access: every read of the book works as that role, nothing else does; `keneya migrate` gives it."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from engines.cluster import OWNER_ROLE, SERVICE_ROLE
from engines.embedded import Engines
from ledger.reports import REPORTS
from ledger.seals import seal
from tests.conftest import Database
from tests.support.joined_households import joined
from tests.support.town import AWA, found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
OURS = ("--mutuelle", "BEN")
WHY = ("--actor", "Auditor", "--reason", "to see whether it works")
READS = [
    ("export", "beancount", *OURS),
    ("export", "hledger", "--chart", "SYCEBNL"),
    ("export", "csv"),
    ("balance",),
    ("balance", *OURS, "--as-of", "2026-12-31"),
    ("seal", "verify"),
    ("seal", "list"),
    ("seal", "export", *OURS),
    ("period", "list", "--mutuelle", "BEN"),
    *(("report", name, *OURS) for name in REPORTS),
]
ACTS = [
    ("seal",),
    ("period", "close", "--mutuelle", "BEN", "2026-01-31", *WHY),
    ("who", AWA, *WHY),
    ("role", "list", "--mutuelle", "BEN"),
    ("case", "list"),
]


@pytest.fixture
def book(database: Database) -> None:
    """Awa has paid, and it is sealed."""

    async def live() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        await joined(pool, AWA)
        async with pool.begin() as db:
            await seal(db, "BEN")
        await pool.dispose()

    asyncio.run(live())


@pytest.fixture
def keneya(capsys: pytest.CaptureFixture[str]) -> Keneya:
    return lambda *typed: typed_into(capsys, *typed)


@pytest.mark.usefixtures("book")
def test_an_auditor_reads_the_whole_book_by_every_command(
    engines: Engines, database: Database, monkeypatch: pytest.MonkeyPatch, keneya: Keneya
) -> None:
    asked = {}
    for name, url in (("service", database.url), ("auditor", engines.url("auditor", database.name))):
        monkeypatch.setenv("DATABASE_URL", url)
        asked[name] = [keneya(*typed) for typed in READS]
    assert asked["auditor"] == asked["service"]
    assert [
        typed for typed, answer in zip(READS, asked["auditor"], strict=True) if answer[0] or answer[2]
    ] == []
    assert all(len(output) > 15 for _, output, _ in asked["auditor"])


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("typed", ACTS, ids=" ".join)
def test_an_auditor_does_nothing_and_sees_nobody(
    engines: Engines,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    keneya: Keneya,
    typed: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DATABASE_URL", engines.url("auditor", database.name))
    code, output, complaint = keneya(*typed)
    assert (code, output) == (1, "")
    assert complaint.startswith("keneya: the database says: permission denied for ")


@pytest.mark.usefixtures("book")
def test_what_an_auditor_may_not_read_is_no_alarm_and_no_proof(
    engines: Engines, database: Database, monkeypatch: pytest.MonkeyPatch, keneya: Keneya
) -> None:
    monkeypatch.setenv("DATABASE_URL", engines.url("auditor", database.name))
    code, output, complaint = keneya("check")
    assert (code, complaint) == (1, "")
    unseen, held = output.splitlines()
    assert unseen.endswith("invariants were not examined: this role may not read their tables.")
    assert held.startswith("All ")


async def ask(url: str, statement: str) -> object:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as db:
        told = await db.execute(text(statement))
        answer = told.scalar() if told.returns_rows else None
    await engine.dispose()
    return answer


@pytest.fixture
def cabinet(engines: Engines, database: Database) -> Iterator[str]:
    """A role of the server's own, with a name that must be quoted."""
    here = engines.superuser_url.removesuffix("/postgres") + f"/{database.name}"
    asyncio.run(ask(here, 'create role "Cabinet Diarra"'))
    yield "Cabinet Diarra"
    asyncio.run(ask(here, 'drop owned by "Cabinet Diarra"'))
    asyncio.run(ask(here, 'drop role "Cabinet Diarra"'))


@pytest.fixture
def owners(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("MIGRATE_DATABASE_URL", database.owner_url)


@pytest.mark.usefixtures("owners")
def test_a_role_of_the_servers_own_may_be_the_auditors(
    database: Database, keneya: Keneya, cabinet: str
) -> None:
    reads = f"select has_table_privilege('{cabinet}', 'ledger.movement', 'select')"
    assert asyncio.run(ask(database.owner_url, reads)) is False
    assert keneya("migrate", "--auditor", cabinet)[0] == 0
    assert asyncio.run(ask(database.owner_url, reads)) is True
    assert asyncio.run(ask(database.owner_url, reads.replace("ledger.movement", "household"))) is False


@pytest.mark.usefixtures("owners")
@pytest.mark.parametrize(
    ("role", "why"),
    [
        ("nobody_at_all", "the server has no role 'nobody_at_all': create it first"),
        (SERVICE_ROLE, "is the service's role or the owner's: an auditor needs one of its own"),
        (OWNER_ROLE, "is the service's role or the owner's: an auditor needs one of its own"),
    ],
)
def test_a_role_that_cannot_be_the_auditors_is_refused(keneya: Keneya, role: str, why: str) -> None:
    code, _, complaint = keneya("migrate", "--auditor", role)
    assert (code, why in complaint, complaint.count("\n")) == (2, True, 1)
    assert keneya("check")[0] == 0, "the service's own rights are as they were"
