"""`keneya period` as typed: closed through a day, reopened in order, each with who and why."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.conftest import Database
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
BECAUSE = ("--actor", "Fanta", "--reason", "shown to the assembly")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside the usual town."""

    async def founded() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        await pool.dispose()

    asyncio.run(founded())
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


def test_books_are_closed_and_reopened_on_record(keneya: Keneya) -> None:
    assert keneya("period", "list", "--mutuelle", "BEN") == (0, "Nothing is closed.\n", "")
    closed = keneya("period", "close", "--mutuelle", "BEN", "2026-09-30", *BECAUSE)
    assert closed == (0, "The books of BEN are closed through 2026-09-30.\n", "")
    assert keneya("period", "close", "--mutuelle", "BEN", "2026-10-31", *BECAUSE)[0] == 0
    assert (
        keneya("period", "reopen", "--mutuelle", "BEN", *BECAUSE)[1]
        == "The books of BEN are closed through 2026-09-30.\n"
    )
    _code, listed, _complaints = keneya("period", "list", "--mutuelle", "BEN")
    lines = listed.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["close", "close", "reopen"]
    assert [" * " in line for line in lines[:3]] == [True, False, False]
    assert all(line.endswith("Fanta: shown to the assembly") for line in lines[:3])
    assert lines[3] == "Closed through 2026-09-30."


def test_what_cannot_be_closed_is_said_in_one_line(keneya: Keneya) -> None:
    today = datetime.now(UTC).date()
    for typed, said in (
        (("close", "--mutuelle", "BEN", str(today)), "not done: that day is not over yet"),
        (
            ("close", "--mutuelle", "BEN", str(today + timedelta(days=40))),
            "not done: that day is not over yet",
        ),
        (("reopen", "--mutuelle", "BEN"), "not done: nothing is closed"),
    ):
        code, output, complaints = keneya("period", *typed, *BECAUSE)
        assert (code, output) == (1, "")
        assert said in complaints
    keneya("period", "close", "--mutuelle", "BEN", "2026-09-30", *BECAUSE)
    again = keneya("period", "close", "--mutuelle", "BEN", "2026-08-31", *BECAUSE)
    assert again[0] == 1
    assert "closed through that day already" in again[2]


def test_bad_arguments_exit_with_2(keneya: Keneya) -> None:
    for typed in (
        ("close", "ZZZ", "2026-09-30", *BECAUSE),
        ("close", "BEN", "30/09/2026", *BECAUSE),
        ("close", "BEN", "2026-09-30"),
        ("close", "BEN", "2026-09-30", "--actor", "+22376000001", "--reason", "agreed"),
        ("close", "BEN", "2026-09-30", "--actor", "Fanta", "--reason", "told by +223 76-00-00-01"),
        ("close", "BEN", "2026-09-30", "--actor", "Fanta 76 00 00 01", "--reason", "agreed"),
        ("close", "BEN", "2026-09-30", "--actor", "\u00a0\u2003", "--reason", "agreed"),
    ):
        code, output, complaint = keneya("period", *typed)
        assert (code, output, len(complaint.splitlines()[-1:])) == (2, "", 1)
    assert keneya("period", "list", "--mutuelle", "BEN")[1] == "Nothing is closed.\n"


def test_whoever_is_typed_the_checks_accept(keneya: Keneya) -> None:
    """What a command takes, no check complains of afterwards."""
    odd = ("--actor", "Fanta N°7 (=SUM), about 199 000 010", "--reason", "+ 2 000 F, l’assemblée dit « oui »")
    assert keneya("period", "close", "--mutuelle", "BEN", "2026-09-30", *odd)[0] == 0
    assert keneya("check")[0] == 0
