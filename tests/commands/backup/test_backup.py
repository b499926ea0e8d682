"""`keneya backup`: one whole file of one moment, or none; nothing overwritten, no password in sight."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import migrations
from commands.backup import programs
from tests.commands.backup.conftest import Keneya, environment
from tests.conftest import Database
from tests.support.launching import ask, wait_until
from tests.support.patience import as_busy

HOME = Path(__file__).parents[3]


def manifest_of(file: Path) -> dict[str, object]:
    with zipfile.ZipFile(file) as archive:
        said: dict[str, object] = json.loads(archive.read("manifest.json"))
    return said


def start(
    beside: Database, *typed: object, stdout: int | None = None, **more: str
) -> subprocess.Popen[bytes]:
    """The command as a process of its own, which hears Ctrl-C even where nohup or cron had us started deaf to it."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *map(str, typed)],
        cwd=HOME,
        env=os.environ | environment(beside) | more,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], Path]:
    """A directory with a `pg_dump` of which we say what it does; it gives its version as the real one."""

    def make(does: str, version: int = 99) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "pg_dump"
        asked = f'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) {version}.1"; exit; fi'
        script.write_text(f"#!/bin/sh\n{asked}\n{does}\n")
        script.chmod(0o755)
        return folder

    return make


def test_a_backup_is_one_private_file_that_says_what_it_holds(
    keneya: Keneya, lived: Database, tmp_path: Path
) -> None:
    file = tmp_path / "friday.backup"
    code, output, complaints = keneya(lived, "backup", file)
    assert (code, complaints) == (0, "")
    assert output.startswith("Backed up lived_")
    assert ": 3 books, " in output
    assert os.listdir(tmp_path) == ["friday.backup"]
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["manifest.json", "database.dump"]
        assert archive.open("database.dump").read(5) == b"PGDMP"
    said = manifest_of(file)
    assert isinstance(said["rows"], dict)
    assert said["rows"]["public.mutuelle"] == 3
    assert isinstance(said["books"], dict)
    assert sorted(said["books"]) == ["ATA", "DLA", "SIK"]


def test_in_a_directory_a_backup_is_named_by_its_time(
    keneya: Keneya, lived: Database, tmp_path: Path
) -> None:
    assert keneya(lived, "backup", tmp_path)[0] == 0
    [made] = tmp_path.iterdir()
    said = str(manifest_of(made)["made_at"])
    assert made.name == f"keneya-{said[:19].replace('-', '').replace(':', '')}Z.backup"


def test_nothing_is_overwritten(keneya: Keneya, lived: Database, tmp_path: Path) -> None:
    file = tmp_path / "last_year.backup"
    file.write_text("precious")
    assert keneya(lived, "backup", file) == (
        2,
        "",
        f"keneya: {file} exists already: a backup overwrites nothing\n",
    )
    assert file.read_text() == "precious"
    dangling = tmp_path / "link.backup"
    dangling.symlink_to(tmp_path / "nowhere")
    assert keneya(lived, "backup", dangling)[0] == 2


def test_a_directory_that_is_not_there_is_one_line(keneya: Keneya, lived: Database, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert keneya(lived, "backup", nowhere / "x") == (2, "", f"keneya: {nowhere} is not a directory\n")


def test_a_database_without_our_schema_is_not_backed_up(
    keneya: Keneya, empty: Database, tmp_path: Path
) -> None:
    code, _, complaint = keneya(empty, "backup", tmp_path)
    assert (code, complaint) == (
        1,
        "keneya: the database has no schema of ours: there is nothing to back up\n",
    )
    assert os.listdir(tmp_path) == []


def test_a_backup_goes_through_a_pipe(
    keneya: Keneya, lived: Database, empty: Database, tmp_path: Path
) -> None:
    file = tmp_path / "piped"
    with file.open("ab") as pipe:
        pipe.write(b"")
        child = start(lived, "backup", "-", stdout=pipe.fileno())
        _, complaints = child.communicate()
    assert child.returncode == 0
    assert complaints.decode().startswith("Backed up lived_")
    assert keneya(empty, "restore", file)[0] == 0


def test_who_reads_the_pipe_may_go_away(lived: Database) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = start(lived, "backup", "-", stdout=writer)
    os.close(writer)
    assert child.communicate()[1] == b""
    assert child.returncode == 141


def test_a_full_disk_leaves_no_file(lived: Database, tmp_path: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    child = subprocess.run(
        [sys.executable, "-m", "cli", "backup", str(tmp_path / "x")],
        cwd=HOME,
        env=os.environ | environment(lived),
        capture_output=True,
        text=True,
        preexec_fn=little_room,
    )
    assert (child.returncode, child.stdout) == (1, "")
    assert child.stderr == "keneya: [Errno 27] File too large\n"
    assert os.listdir(tmp_path) == []


def test_a_full_device_behind_a_pipe_is_one_line(lived: Database) -> None:
    with open("/dev/full", "wb") as full:
        child = start(lived, "backup", "-", stdout=full.fileno())
        _, complaints = child.communicate()
    assert (child.returncode, complaints) == (1, b"keneya: [Errno 28] No space left on device\n")


def test_a_dump_that_fails_leaves_no_file(
    keneya: Keneya,
    lived: Database,
    tmp_path: Path,
    stand_in: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs_there = stand_in(
        "echo half; echo 'pg_dump: error: the disk says no' >&2; echo 'a row' >&2; exit 1"
    )
    monkeypatch.setenv("POSTGRES_BIN", str(programs_there))
    file = tmp_path / "x"
    assert keneya(lived, "backup", file) == (1, "", "keneya: pg_dump: error: the disk says no\n")
    assert os.listdir(tmp_path) == ["bin"]


def half_done(
    beside: Database, folder: Path, stand_in: Callable[[str], Path]
) -> tuple[subprocess.Popen[bytes], Path]:
    """A backup into `folder / "x"` whose dump has begun and does not end, and the file with the dump's process id."""
    note = folder / "pid"
    endless = str(stand_in(f"echo half; echo $$ > {note}; exec sleep 60"))
    child = start(beside, "backup", folder / "x", POSTGRES_BIN=endless)
    wait_until(lambda: note.exists() and note.read_text().endswith("\n"))
    return child, note


def test_a_backup_that_is_killed_has_no_name_and_takes_pg_dump_with_it(
    lived: Database, tmp_path: Path, stand_in: Callable[[str], Path]
) -> None:
    child, note = half_done(lived, tmp_path, stand_in)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not (tmp_path / "x").exists()
    wait_until(lambda: not Path(f"/proc/{int(note.read_text())}").exists())


def test_ctrl_c_ends_it_at_once_and_leaves_no_file(
    lived: Database, tmp_path: Path, stand_in: Callable[[str], Path]
) -> None:
    child, _note = half_done(lived, tmp_path, stand_in)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    child.communicate()
    assert child.returncode == 130
    assert time.monotonic() - began < as_busy(10)
    assert sorted(os.listdir(tmp_path)) == ["bin", "pid"]


def test_the_password_is_in_the_environment_of_the_child_alone(
    keneya: Keneya,
    lived: Database,
    tmp_path: Path,
    stand_in: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", "not for pg_dump")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=elsewhere")
    monkeypatch.setenv("POSTGRES_BIN", str(stand_in(f'echo "$@" > {tmp_path}/typed; env > {tmp_path}/seen')))
    assert keneya(lived, "backup", tmp_path / "x")[0] == 0
    password = lived.owner_url.split(":")[2].split("@")[0]
    assert password not in (tmp_path / "typed").read_text()
    seen = (tmp_path / "seen").read_text()
    assert f"PGPASSWORD={password}" in seen
    assert "WEBHOOK_SECRET" not in seen
    assert "PGOPTIONS" not in seen


def test_programs_older_than_the_server_are_refused(
    keneya: Keneya,
    lived: Database,
    tmp_path: Path,
    stand_in: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTGRES_BIN", str(stand_in("echo never", version=9)))
    code, _, complaint = keneya(lived, "backup", tmp_path / "x")
    assert code == 1
    assert complaint.startswith("keneya: pg_dump 1")
    assert complaint.endswith(" is needed, here is 9: set POSTGRES_BIN to the directory of another\n")


def test_what_is_written_meanwhile_is_in_the_next_backup(
    keneya: Keneya, lived: Database, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and dump are of one snapshot, whatever is written between them."""
    real = programs.dump

    async def dump(program: Path, url: str, snapshot: str, write: Callable[[bytes], None]) -> None:
        await ask(lived.owner_url, "insert into preference values ('+22379999999', 'fr', now())")
        await real(program, url, snapshot, write)

    monkeypatch.setattr(programs, "dump", dump)
    assert keneya(lived, "backup", tmp_path / "x")[0] == 0
    assert keneya(empty, "restore", tmp_path / "x")[0] == 0
    assert asyncio.run(ask(empty.url, "select count(*) from preference where phone = '+22379999999'")) == 0


def test_a_migration_waits_for_a_backup(
    keneya: Keneya, lived: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = []

    async def dump(*_: object) -> None:
        free.append(await ask(lived.owner_url, f"select pg_try_advisory_xact_lock({migrations.LOCK_KEY})"))

    monkeypatch.setattr(programs, "dump", dump)
    assert keneya(lived, "backup", tmp_path / "x")[0] == 0
    assert free == [False]
