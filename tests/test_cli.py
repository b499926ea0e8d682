"""The command `keneya` as typed: what it prints, what it answers, and one line for each fault."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import cli
from commands import upkeep
from engines import run
from engines.embedded import Engines
from invariants import Invariant
from ledger import accounts as a
from tests.conftest import Database
from tests.support.ledger_year import booked, day, live
from tests.support.town import found_town

NOTHING_WRONG = Invariant("nothing_wrong", "Nothing is wrong.", "select 'x' where false")
TWO_WRONG = Invariant("two_wrong", "None of these exists.", "select unnest(array['SIK 1', 'SIK 2'])")
UNREADABLE = Invariant("unreadable", "It can be read.", "select code from no_such_table")

Keneya = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside a fresh database: its exit code, its output and its complaints."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("MIGRATE_DATABASE_URL", database.owner_url)
    return lambda *typed: typed_into(capsys, *typed)


def typed_into(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str, str]:
    """Run one command in this process."""
    try:
        code = cli.main(typed)
    except SystemExit as ended:  # argparse
        code = int(str(ended.code))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_every_invariant_holds_in_a_fresh_database(keneya: Keneya) -> None:
    code, output, complaints = keneya("check")
    assert (code, output) == (0, f"All {len(upkeep.CHECKS)} invariants hold.\n")
    assert complaints == ""


def test_invariants_have_one_name_each() -> None:
    assert len({invariant.name for invariant in upkeep.CHECKS}) == len(upkeep.CHECKS)


def test_all_invariants_are_run_and_each_broken_one_is_named(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHECKS", (UNREADABLE, TWO_WRONG, NOTHING_WRONG))
    code, output, _ = keneya("check")
    assert code == 1
    assert output.splitlines() == [
        "BROKEN unreadable: It can be read.",
        '    the database says: relation "no_such_table" does not exist (run `keneya migrate` first?)',
        "BROKEN two_wrong: None of these exists.",
        "    SIK 1",
        "    SIK 2",
        "2 of 3 invariants are broken.",
    ]


def test_findings_are_read_by_programs_too(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "CHECKS", (TWO_WRONG, NOTHING_WRONG))
    code, output, _ = keneya("check", "--json")
    assert code == 1
    assert [(found["name"], found["holds"], found["offenders"]) for found in json.loads(output)] == [
        ("two_wrong", False, ["SIK 1", "SIK 2"]),
        ("nothing_wrong", True, []),
    ]


def test_a_check_cannot_change_anything(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = Invariant("writing", "It only looks.", "insert into sms_optout default values returning 'x'")
    monkeypatch.setattr(upkeep, "CHECKS", (writing,))
    code, output, _ = keneya("check")
    assert code == 1
    assert "read-only transaction" in output


@pytest.mark.parametrize("form", ["beancount", "hledger", "csv"])
def test_a_fresh_book_can_be_exported(keneya: Keneya, form: str) -> None:
    code, output, complaints = keneya("export", form)
    assert (code, complaints) == (0, "")
    assert ("no year is closed" in output) == (form != "csv")


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["balance", "--mutuelle", "NOPE"], "no mutuelle has the code 'NOPE'"),
        (["export", "csv", "--mutuelle", "NOPE"], "no mutuelle has the code 'NOPE'"),
        (["balance", "--as-of", "30/11/2026"], "is not a date such as 2026-12-31"),
        (["balance", "--as-of", "9999-12-31"], "is not a day from 2000-01-01 to 2099-12-31"),
        (
            ["period", "close", "--mutuelle", "SIK", "0001-01-01", "--actor", "Awa", "--reason", "why"],
            "is not a day from",
        ),
        (["export", "pdf"], "invalid choice: 'pdf'"),
        (
            ["report", "bilan", "--mutuelle", "SIK"],
            "there are grand-livre or general-ledger, balance or trial-balance,",
        ),
        (["period", "list", "--mutuelle", "nope"], "no mutuelle has the code 'NOPE'"),
        (["period", "list"], "required: --mutuelle"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "required: command"),
    ],
)
def test_a_bad_argument_exits_with_2(keneya: Keneya, typed: list[str], complaint: str) -> None:
    code, output, complaints = keneya(*typed)
    assert (code, output) == (2, "")
    assert complaint in complaints


@pytest.mark.parametrize("command", ["run", "migrate", "check", "export", "balance", "import"])
def test_every_command_has_help(keneya: Keneya, command: str) -> None:
    code, output, _ = keneya(command, "--help")
    assert code == 0
    assert output.startswith(f"usage: keneya {command}")


def typed_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser of every command."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from typed_parsers(inner)


def test_no_command_takes_a_phone_for_who_acts_or_why() -> None:
    asked = [
        (parser.prog, action)
        for parser in typed_parsers(cli.parser())
        for action in parser._actions
        if action.dest in ("actor", "reason")
    ]
    assert len(asked) >= 20
    for prog, action in asked:
        assert callable(action.type), prog
        for odd in ("+22376000001", "told by (+223) 76 00-00-01", "\u00a0\u2003", "a\u202eb"):
            with pytest.raises(argparse.ArgumentTypeError):
                action.type(odd)
        assert action.type("Fanta  Koné") == "Fanta Koné"


def test_migrating_twice_changes_nothing(keneya: Keneya) -> None:
    assert keneya("migrate")[0] == 0
    assert keneya("migrate")[1] == "The schema is at its newest version.\n"


def test_a_backup_that_is_not_there_is_one_plain_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for missing in (tmp_path / "missing", tmp_path):
        code, output, complaints = typed_into(capsys, "restore", str(missing))
        assert (code, output, complaints) == (2, "", f"keneya: there is no file {missing}\n")


def test_without_a_database_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(run, "HOME", tmp_path)
    code, output, complaints = typed_into(capsys, "check")
    assert (code, output) == (1, "")
    assert complaints == (
        "keneya: DATABASE_URL is not set and no embedded server runs here: start `make run` beside this\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "code", "complaint"),
    [
        ("mysql://db/keneya", 2, "DATABASE_URL: must begin with postgresql://"),
        ("postgresql://nobody:x@127.0.0.1:1/keneya", 1, "cannot reach the database"),
    ],
)
def test_a_wrong_or_dead_address_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, code: int, complaint: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    answer, output, complaints = typed_into(capsys, "check")
    assert (answer, output, complaints.count("\n")) == (code, "", 1)
    assert complaint in complaints


def test_a_wrong_password_is_one_line(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", engines.url("service").replace("keneya_service:", "keneya_service:x"))
    code, _, complaints = typed_into(capsys, "balance")
    assert (code, complaints.count("\n")) == (1, 1)
    assert "password authentication failed" in complaints


def test_a_database_that_was_never_migrated_is_one_line(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", engines.url("service"))
    code, _, complaints = typed_into(capsys, "balance")
    assert (code, complaints.count("\n")) == (1, 1)
    assert "run `keneya migrate` first?" in complaints


def run_into(database: Database, output: int, *typed: str) -> tuple[int, str]:
    """Run a command in a process of its own: its exit code and its complaints."""
    ran = subprocess.run(
        [sys.executable, "-m", "cli", *typed],
        cwd=run.HOME,
        env=os.environ | {"DATABASE_URL": database.url},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(output)
    return ran.returncode, ran.stderr


READS = [
    ("report", "grand-livre", "--mutuelle", "BEN"),
    ("export", "csv"),
    ("balance",),
    ("check",),
    ("seal", "list"),
]


@pytest.fixture
def large_book(database: Database) -> Database:
    """With more in it than a pipe, and than a reading of the database, holds at once."""

    async def fill() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        homes = (a.member(str(101_000_000 + nth)) for nth in range(300))
        called = (booked(day(1, 5), "contribution called", (home, a.contributions(), 5)) for home in homes)
        await live(pool, [replace(session, mutuelle="BEN") for session in called])
        await pool.dispose()

    asyncio.run(fill())
    return database


def test_a_reader_that_has_had_enough_gets_no_traceback(large_book: Database) -> None:
    for typed in READS:
        read_end, write_end = os.pipe()
        os.close(read_end)
        assert (typed, *run_into(large_book, write_end, *typed)) == (typed, cli.CLOSED_PIPE, "")


def test_a_reader_that_has_had_enough_later_gets_no_traceback(large_book: Database) -> None:
    for typed in (("report", "grand-livre", "--mutuelle", "BEN"), ("export", "beancount")):
        running = subprocess.Popen(
            [sys.executable, "-m", "cli", *typed],
            cwd=run.HOME,
            env=os.environ | {"DATABASE_URL": large_book.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert running.stdout
        assert running.stderr
        assert running.stdout.read(50)
        running.stdout.close()
        complaints = running.stderr.read()
        running.stderr.close()
        assert (typed, running.wait(), complaints) == (typed, cli.CLOSED_PIPE, b"")


def test_a_full_disk_is_one_line(large_book: Database) -> None:
    for typed in READS:
        full = os.open("/dev/full", os.O_WRONLY)
        code, complaint = run_into(large_book, full, *typed)
        assert (typed, code, complaint) == (typed, 1, "keneya: [Errno 28] No space left on device\n")


def test_one_address_alone_is_never_completed_by_the_embedded_server(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATE_DATABASE_URL", " ")
    code, output, complaint = keneya("backup", "-")
    assert (code, output) == (2, "")
    assert "DATABASE_URL is set and MIGRATE_DATABASE_URL is not: set both" in complaint


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def test_a_mutuelle_is_named_in_capitals_or_not_in_every_command() -> None:
    named = {
        parser.prog: action.type
        for parser in parsers(cli.parser())
        for action in parser._actions
        if "--mutuelle" in action.option_strings
    }
    assert len(named) > 15
    assert {prog for prog, read in named.items() if not callable(read) or read("sik") != "SIK"} == set()


def test_a_mutuelle_in_small_letters_is_found(keneya: Keneya, database: Database) -> None:
    async def fill() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        await pool.dispose()

    asyncio.run(fill())
    assert keneya("role", "list", "--mutuelle", "ben")[1].count("treasurer") == 2
    assert keneya("role", "list", "--mutuelle", "sik")[0] == 2
