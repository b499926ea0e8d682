"""What the engines stand on: private files, roles that own nothing, a place where any user can run them."""

import json
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

import cluster
import embedded
import processes
from embedded import EngineError, Engines, find_running
from processes import Identity
from tests.support.launching import ask, close, launch, start

ROOT = os.geteuid() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "create role mine",
        "create table mine (a int)",
        "create schema mine",
        "alter role keneya_service createdb",
    ],
)
async def test_the_services_role_makes_nothing(engines: Engines, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await ask(engines.addresses.database_url, statement)


async def test_no_role_enters_without_its_password(engines: Engines) -> None:
    url = make_url(engines.superuser_url).set(password="guessed")
    with pytest.raises(Exception, match="password authentication failed"):
        await ask(url.render_as_string(hide_password=False), "select 1")


def test_nobody_else_reads_what_is_on_disk_or_in_the_process_list(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AT_API_KEY", "a-key-of-ours")
    with start(data) as engines:
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for name in ("engines.json", "passwords.json"):
            assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
        passwords = json.loads((data / "passwords.json").read_text())
        assert len(set(passwords.values())) == 4
        secrets = [*passwords.values(), str(engines.addresses.redis_url).split("@")[0], "a-key-of-ours"]
        for pid in engines.addresses.pids.values():
            seen = subprocess.run(
                ["ps", "eww", "-o", "args", "-p", str(pid)], capture_output=True, check=True
            )
            assert not [secret for secret in secrets if secret in seen.stdout.decode()]
    assert not (data / "engines.json").exists()


async def test_a_cluster_of_an_older_version_gets_an_auditor(data: Path) -> None:
    with start(data) as engines:
        await ask(engines.superuser_url, f"drop role {cluster.AUDITOR_ROLE}")
    (data / "postgres.auditor").unlink()
    passwords = json.loads((data / "passwords.json").read_text())
    del passwords["auditor"]
    (data / "passwords.json").write_text(json.dumps(passwords))
    for _ in range(2):
        with start(data) as engines:
            who = await ask(engines.addresses.auditor_database_url, "select current_user")
            assert (who, engines.url("service")) == (cluster.AUDITOR_ROLE, engines.addresses.database_url)
    kept = json.loads((data / "passwords.json").read_text())
    assert {name: kept[name] for name in passwords} == passwords


def test_data_of_another_user_are_left_alone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: data.stat().st_uid + 1)
    with pytest.raises(EngineError, match="belongs to another user"):
        start(data)


def test_a_first_start_that_was_interrupted_is_begun_again(data: Path) -> None:
    (data / "postgres.new" / "base").mkdir(parents=True)
    with start(data):
        assert not (data / "postgres.new").exists()


def test_data_of_another_major_version_are_left_alone(data: Path) -> None:
    with start(data) as engines:
        version = Path(engines.addresses.data_directory) / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(EngineError, match=r"made by PostgreSQL 9, .* set POSTGRES_BIN"):
        start(data)


def test_a_program_that_is_not_there_is_named(data: Path) -> None:
    with pytest.raises(EngineError, match="/nowhere/postgres is not a program"):
        embedded.start_engines(data, postgres_bin=Path("/nowhere"))


def test_a_plain_user_runs_them(data: Path) -> None:
    identity = processes.unprivileged()
    if processes.changes_user(identity):
        data.parent.chmod(0o755)
        shutil.chown(data.parent, identity.uid, identity.gid)
    launcher = launch(data, identity)
    try:
        assert find_running(data)
    finally:
        close(launcher)


async def test_they_run_below_a_directory_that_nobody_else_may_enter(data: Path) -> None:
    data.parent.chmod(0o700)
    with start(data) as engines:
        assert await ask(engines.addresses.database_url, "select 1") == 1
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700, "no parent is opened to others"


@pytest.mark.parametrize("programs_reachable", [True, False])
async def test_root_without_user_namespaces_works_elsewhere_and_leaves_a_pointer(
    data: Path, monkeypatch: pytest.MonkeyPatch, programs_reachable: bool
) -> None:
    with start(data) as engines:  # before: root's own data, which must move along
        await ask(engines.addresses.migrate_database_url, "create table kept (a int)")
    elsewhere = data.parent.parent / f"{data.parent.name}-reachable"
    elsewhere.mkdir(mode=0o755)
    monkeypatch.setattr(cluster, "REACHABLE_ROOT", elsewhere)
    monkeypatch.setattr(processes, "_enter_namespace", refuse)
    if not programs_reachable:
        monkeypatch.setattr(processes, "can_start", lambda command, identity: False)
    try:
        for _ in range(2):  # the second time by its pointer
            with start(data) as engines:
                await ask(engines.addresses.migrate_database_url, "select a from kept")
                place = engines.addresses.data_directory
                assert place.startswith(str(elsewhere if ROOT else data))
                assert os.stat(place).st_uid == (pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid())
        assert (data / "postgres.at").exists() == ROOT
    finally:
        shutil.rmtree(elsewhere)


def refuse(identity: Identity) -> None:
    """A system that gives no user namespace, as most containers do."""
    raise OSError
