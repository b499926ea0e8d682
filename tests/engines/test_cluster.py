"""What the engines stand on: private files, roles that own nothing, a place where any user can run them."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from engines import cluster, embedded, processes
from engines.cluster import EngineError
from engines.embedded import Engines, find_running
from tests.conftest import open_folder, program
from tests.support.launching import ask, close, launch, start

ROOT = os.geteuid() == 0
SERVERS_USER = processes.unprivileged().uid


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
        assert stat.S_IMODE(data.stat().st_mode) == (0o711 if ROOT else 0o700)
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


@pytest.mark.parametrize("setting", cluster.WHEELS)
def test_where_the_engines_are_not_installed_one_line_says_what_to_do(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"POSTGRES_BIN": Path("/usr/bin"), "REDIS_BIN": Path("/usr/bin/true")} | {setting: None}
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(EngineError) as told:
        cluster.find_programs(named["POSTGRES_BIN"], named["REDIS_BIN"])
    line = str(told.value)
    assert "\n" not in line
    assert "requirements-embedded.txt" in line
    assert setting in line


def test_a_plain_user_runs_them(data: Path) -> None:
    identity = processes.unprivileged()
    data.mkdir()
    reachable = cluster.make_place(
        data, cluster.find_programs(program("POSTGRES_BIN"), program("REDIS_BIN"))
    ).programs
    shutil.chown(data, identity.uid, identity.gid)
    named = {"POSTGRES_BIN": str(reachable.postgres_bin), "REDIS_BIN": str(reachable.redis_server)}
    launcher = launch(data, identity, **named)
    try:
        running = find_running(data)
        assert running
        assert Path(f"/proc/{running.pids['postgres']}").stat().st_uid == identity.uid
    finally:
        close(launcher)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_roots_servers_work_as_another_user_who_passes_through_to_his_own_alone(data: Path) -> None:
    with start(data) as engines:
        place = Path(engines.addresses.data_directory)
        assert place == data / "postgres"
        assert (place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)) == (SERVERS_USER, 0o700)
        for pid in engines.addresses.pids.values():
            assert Path(f"/proc/{pid}").stat().st_uid == SERVERS_USER
    assert stat.S_IMODE((data / "log").stat().st_mode) == 0o700


@pytest.fixture
def elsewhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the data of root's servers go whose user may not enter `data`."""
    folder = open_folder("keneya-elsewhere-")
    monkeypatch.setattr(cluster, "ELSEWHERE", folder / "keneya")
    yield folder / "keneya"
    shutil.rmtree(folder)


@pytest.mark.parametrize("programs_reachable", [True, False])
def test_where_their_user_may_not_enter_the_data_lie_elsewhere_and_a_pointer_says_so(
    data: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, programs_reachable: bool
) -> None:
    if not programs_reachable:  # the wheels' own are copied
        monkeypatch.setattr(processes, "can_start", lambda command, identity: False)
    for mode in (0o700, 0o711):  # no parent is opened to others, and what was chosen once stays
        data.parent.chmod(mode)
        with embedded.start_engines(data, durable=False) as engines:
            place = Path(engines.addresses.data_directory)
        assert stat.S_IMODE(data.parent.stat().st_mode) == mode
    assert place.is_relative_to(elsewhere if ROOT else data)
    assert place.stat().st_uid == SERVERS_USER
    assert (data / "postgres.at").exists() == ROOT
    if ROOT:
        assert (data / "postgres.at").read_text() == str(place.parent)
        assert not (data / "postgres").exists()


@pytest.mark.usefixtures("elsewhere")
def test_a_pointer_to_what_is_gone_begins_nothing_anew(data: Path) -> None:
    data.parent.chmod(0o700)
    if ROOT:  # only root's data lie elsewhere
        with start(data) as engines:
            place = Path(engines.addresses.data_directory).parent
        shutil.rmtree(place)
        with pytest.raises(EngineError, match=r"names .* which is not there"):
            start(data)


def test_a_program_that_only_root_can_reach_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir()
    named = cluster.Programs(Path("/usr/bin"), Path("/bin/true"))
    monkeypatch.setattr(processes, "can_start", lambda command, identity: command[0] == "test")
    monkeypatch.setattr(processes, "unprivileged", lambda: processes.Identity(65534, 65534))
    with pytest.raises(EngineError, match="/usr/bin/postgres cannot be started"):
        cluster.make_place(data, named)
