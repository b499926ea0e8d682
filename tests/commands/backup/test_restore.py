"""`keneya restore`: all or nothing into an empty server, proven equal; what differs is named."""

import asyncio
import json
import os
import re
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from commands.backup import archive
from engines import run
from engines.cluster import SERVICE_ROLE
from engines.embedded import Engines, find_running
from tests.commands.backup.conftest import Keneya, as_superuser
from tests.commands.backup.test_backup import start as start_command
from tests.conftest import Database
from tests.support.backup_contents import altered, first_column, relations
from tests.support.later_step import LATER, add_step
from tests.support.launching import ask, start, wait_until
from tests.test_cli import typed_into

RIGHTS = """
select format('%s %s', c.oid::regclass, acl) from pg_class c, unnest(c.relacl) acl
 where c.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace)
union all
select format('%s.%s %s', a.attrelid::regclass, a.attname, acl) from pg_attribute a, unnest(a.attacl) acl
union all
select format('%s %s', p.oid::regprocedure, coalesce(p.proacl::text, 'default')) from pg_proc p
 where p.pronamespace = 'ledger'::regnamespace
union all
select format('%s %s', n.nspname, acl) from pg_namespace n, unnest(n.nspacl) acl where n.nspname in ('public', 'ledger')
union all
select format('%s of %s is %s', t.tgname, t.tgrelid::regclass, t.tgenabled) from pg_trigger t where not t.tgisinternal
union all
select format('%s owned by %s', c.oid::regclass, c.relowner::regrole) from pg_class c
 where c.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace)
"""


def test_a_restored_book_is_the_book(keneya: Keneya, lived: Database, saved: Path, empty: Database) -> None:
    """`lived` is a copy of what `saved` is the backup of."""
    balances = keneya(lived, "balance")
    book = keneya(lived, "export", "csv")
    code, output, complaints = keneya(empty, "restore", saved)
    assert (code, complaints) == (0, "")
    lines = output.splitlines()
    assert lines[0].startswith("Restored into ")
    assert [line.partition(":")[0] for line in lines[1:4]] == ["ATA", "DLA", "SIK"]
    assert lines[-1].endswith(" invariants hold.")
    assert keneya(empty, "balance") == balances
    assert keneya(empty, "export", "csv") == book
    assert balances[1].count("total") >= 3


def test_rights_guards_and_owners_are_those_of_a_migrated_database(
    keneya: Keneya, lived: Database, saved: Path, empty: Database
) -> None:
    fresh = first_column(lived.owner_url, RIGHTS)
    assert keneya(empty, "restore", saved)[0] == 0
    assert first_column(empty.owner_url, RIGHTS) == fresh
    assert len(fresh) > 100


def test_roles_may_have_other_names(keneya: Keneya, saved: Path, elsewhere: Engines, empty: Database) -> None:
    make = ("drop role if exists serve", "create role serve login password 'x'")
    asyncio.run(as_superuser(elsewhere, *make))
    other = replace(
        empty, url=make_url(empty.url).set(username="serve", password="x").render_as_string(False)
    )
    assert keneya(other, "restore", saved)[0] == 0
    assert not first_column(
        empty.owner_url, f"select 1 from pg_class, unnest(relacl) a where a::text like '{SERVICE_ROLE}=%'"
    )
    asyncio.run(as_superuser(elsewhere, "drop owned by serve", "drop role serve", database=empty.name))


def test_a_database_with_anything_in_it_is_left_alone(keneya: Keneya, saved: Path, empty: Database) -> None:
    asyncio.run(ask(empty.owner_url, "create table mine (what text)"))
    code, output, complaint = keneya(empty, "restore", saved)
    assert (code, output) == (1, "")
    assert complaint.startswith("keneya: the database is not empty (public.mine …): ")
    assert relations(empty) == ["mine"]


def test_a_second_restore_is_refused(keneya: Keneya, saved: Path, empty: Database) -> None:
    assert keneya(empty, "restore", saved)[0] == 0
    assert keneya(empty, "restore", saved)[0] == 1


def test_rows_that_are_missing_are_named_and_the_service_is_kept_out(
    keneya: Keneya, saved: Path, empty: Database
) -> None:
    with archive.reading(saved) as read:
        rows = json.loads(read.manifest)["rows"]
    more = altered(saved, {"rows": rows | {"ledger.journal": rows["ledger.journal"] + 1}})
    code, _, complaint = keneya(empty, "restore", more)
    assert code == 1
    assert complaint == (
        "keneya: the restored database is not what was backed up: "
        f"ledger.journal: {rows['ledger.journal']}, the backup says {rows['ledger.journal'] + 1}\n"
    )
    assert "permission denied" in keneya(empty, "balance")[2]


def test_another_trial_balance_is_named(keneya: Keneya, saved: Path, empty: Database) -> None:
    with archive.reading(saved) as read:
        books = json.loads(read.manifest)["books"]
    books["SIK"]["balances"] = "0" * 64
    code, output, complaint = keneya(empty, "restore", altered(saved, {"books": books}))
    assert (code, output) == (1, "")
    assert "SIK: " in complaint
    assert "ATA: " not in complaint
    assert "permission denied" in keneya(empty, "balance")[2]


def test_an_invariant_that_was_broken_is_told_again(
    keneya: Keneya, lived: Database, empty: Database, tmp_path: Path
) -> None:
    asyncio.run(ask(lived.owner_url, "alter table ledger.movement disable trigger append_only"))
    asyncio.run(ask(lived.owner_url, "update ledger.movement set amount = amount + 1"))
    assert keneya(lived, "backup", tmp_path / "x")[0] == 0
    code, output, _ = keneya(empty, "restore", tmp_path / "x")
    assert code == 1
    assert "BROKEN ledger_content_unaltered" in output


def test_what_belongs_to_an_extension_stays_behind(
    keneya: Keneya, lived: Database, engines: Engines, elsewhere: Engines, empty: Database, tmp_path: Path
) -> None:
    """Hosts put extensions into a database that only their superuser could create; an empty one may have some too."""
    asyncio.run(as_superuser(engines, "create extension pg_stat_statements", database=lived.name))
    theirs = ("create schema theirs", "create extension pg_buffercache schema theirs")
    asyncio.run(as_superuser(elsewhere, *theirs, database=empty.name))
    assert keneya(lived, "backup", tmp_path / "x")[0] == 0
    assert keneya(empty, "restore", tmp_path / "x")[0] == 0


def test_a_restore_that_is_killed_leaves_an_empty_database(
    saved: Path, elsewhere: Engines, empty: Database
) -> None:
    """Every row is there when it comes to the indexes, where it sleeps."""
    slow = (
        "create function pg_temp.nothing() returns int language sql as 'select 1'",
        "create schema held",
        "create function held.sleep() returns event_trigger language plpgsql as 'begin perform pg_sleep(60); end'",
        "create event trigger sleepy on ddl_command_start when tag in ('CREATE INDEX') execute function held.sleep()",
    )
    asyncio.run(as_superuser(elsewhere, *slow, database=empty.name))
    child = start_command(empty, "restore", saved)
    sleeping = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
    wait_until(lambda: asyncio.run(ask(elsewhere.superuser_url, sleeping)) is True)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    others = f"select exists (select from pg_stat_activity where datname = '{empty.name}')"
    wait_until(lambda: asyncio.run(ask(elsewhere.superuser_url, others)) is False)
    assert relations(empty) == []


def test_an_older_backup_is_brought_forward(
    keneya: Keneya, saved: Path, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_step(monkeypatch, tmp_path)
    code, output, complaint = keneya(empty, "restore", saved)
    # Every other invariant holds: the one that does not compares the later step with what we ship.
    assert (code, complaint) == (1, "")
    assert "schema 0001" in output
    assert re.findall(r"^BROKEN (\w+)", output, re.MULTILINE) == ["definitions_as_shipped"]
    assert first_column(empty.owner_url, "select version_num from alembic_version") == [LATER]
    assert first_column(empty.owner_url, "select distinct region from place") == ["Sikasso"]


def test_without_a_server_the_embedded_one_is_started_for_it(
    saved: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "HOME", data.parent)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("MIGRATE_DATABASE_URL", raising=False)
    code, output, complaints = typed_into(capsys, "restore", str(saved))
    assert (code, complaints) == (0, "")
    assert output.startswith("Restored into ")
    assert find_running(data) is None
    with start(data) as engines:
        assert asyncio.run(ask(engines.addresses.database_url, "select count(*) from mutuelle")) == 3


def test_a_drill_proves_the_newest_backup_and_leaves_nothing(
    keneya: Keneya, lived: Database, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a service that runs: its own database is not looked at, its settings are as they were."""
    scratch, backups = tmp_path / "scratch", tmp_path / "backups"
    for made in (scratch, backups):
        made.mkdir()
    tmp_path.chmod(0o711)
    scratch.chmod(0o711)
    (backups / "keneya-20261101T020000Z.backup").write_text("an older one, which is damaged")
    shutil.copy(saved, backups / "keneya-20261102T020000Z.backup")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    code, said, complained = keneya(lived, "restore", "--drill", backups)
    assert (code, complained) == (0, "")
    assert said.startswith("Restored into keneya at 127.0.0.1:")
    assert said.splitlines()[-1].endswith(" invariants hold.")
    assert os.environ["DATABASE_URL"] == lived.url
    assert list(scratch.iterdir()) == []

    damaged = keneya(lived, "restore", "--drill", backups / "keneya-20261101T020000Z.backup")
    assert damaged[0] == 1
    assert keneya(lived, "restore", "--drill", scratch) == (
        1,
        "",
        f"keneya: there is no backup in {scratch}\n",
    )
