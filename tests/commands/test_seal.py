"""`keneya seal` as typed: sealed, listed, exported, verified, and a treasurer's SMS found again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ledger import verify_seals
from tests.conftest import Database
from tests.support.ledger_scene import called, open_chart, paid, posted
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside a book with two journals."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    asyncio.run(_book(database.url))
    return lambda *typed: typed_into(capsys, *typed)


async def _book(url: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    await found_town(pool)
    await open_chart(pool)
    await posted(pool, called("1"), paid("2"))
    await pool.dispose()


def rewrite(database: Database, *statements: str) -> None:
    """As the owner, with the guards down."""

    async def write() -> None:
        owner = create_async_engine(database.owner_url, poolclass=NullPool)
        async with owner.begin() as db:
            for table in ("journal", "movement", "seal"):
                await db.execute(text(f"alter table ledger.{table} disable trigger append_only"))
            for statement in statements:
                await db.execute(text(statement))
        await owner.dispose()

    asyncio.run(write())


def listed(keneya: Keneya) -> list[list[str]]:
    return [line.split() for line in keneya("seal", "list")[1].splitlines()[1:]]


def test_a_book_is_sealed_and_stands(keneya: Keneya) -> None:
    assert keneya("seal", "verify") == (0, "Nothing is sealed yet.\n", "")
    assert keneya("seal", "--mutuelle", "BEN") == (0, "1 journal sealed.\n", ""), "the terms of its product"
    assert keneya("seal") == (0, "2 journals sealed.\n", "")
    assert keneya("seal", "--mutuelle", "BEN") == (0, "Nothing to seal.\n", "")
    [_ben, [mutuelle, block, journals, short, *_at]] = listed(keneya)
    assert (mutuelle, block, journals) == ("SIK", "1", "2")
    whole = "1 blocks with 2 journals: all as they were sealed.\n"
    both = "2 blocks with 3 journals: all as they were sealed.\n"
    assert keneya("seal", "verify") == (0, both, "")
    code, output, _ = keneya("seal", "find", short.replace("-", "").lower())
    assert (code, output.splitlines()[1] + "\n") == (0, whole)
    assert output.split()[:4] == ["SIK", "1", "2", short]


def test_a_journal_that_was_changed_is_named(keneya: Keneya, database: Database) -> None:
    keneya("seal")
    short = listed(keneya)[-1][3]
    rewrite(database, f"update ledger.movement set amount = amount + 1 where journal_id = '{called('1').id}'")
    broken = f"BROKEN SIK block 1: journal {called('1').id} is not as it was sealed\n"
    assert keneya("seal", "verify") == (1, f"{broken}1 of 2 blocks not as they were sealed.\n", "")
    code, output, _ = keneya("seal", "find", short)
    assert (code, broken in output) == (1, True)


def test_a_past_that_was_sealed_anew_is_not_what_a_treasurer_was_told(
    keneya: Keneya, database: Database
) -> None:
    keneya("seal")
    short = listed(keneya)[-1][3]
    rewrite(database, "update ledger.movement set amount = amount + 1", "delete from ledger.seal")
    keneya("seal")
    assert keneya("seal", "verify")[0] == 0
    code, _, complaint = keneya("seal", "find", short)
    assert code == 1
    assert "no block has this seal" in complaint


def test_what_is_no_seal_is_said_at_once(keneya: Keneya) -> None:
    for typed in ("4F7A", "4F7A-91CG", "f" * 65):
        code, _, complaint = keneya("seal", "find", typed)
        assert (code, "is not a seal such as" in complaint) == (2, True)
    assert keneya("seal", "list", "--mutuelle", "XXX")[0] == 2


def test_an_auditor_verifies_the_two_files(
    keneya: Keneya, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keneya("seal")
    chain, book = tmp_path / "seals.csv", tmp_path / "book.csv"
    chain.write_text(keneya("seal", "export")[1])
    book.write_text(keneya("export", "csv")[1])
    assert verify_seals.main(str(book), str(chain)) == 0
    assert "\nSIK: 1 blocks, the last is " in capsys.readouterr().out
