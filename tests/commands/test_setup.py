"""`keneya setup`: from a server with nothing in it to roles that log in, by itself or through psql; what is missing."""

import asyncio
import base64
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

import settings
from commands.backup import programs
from commands.setup import server
from engines.embedded import Engines
from engines.processes import plain_environment
from tests.commands.backup.conftest import as_superuser
from tests.support.launching import ask
from tests.test_cli import Keneya, typed_into
from tests.test_starting import environment


@pytest.fixture
def keneya(
    engines: Engines, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Keneya]:
    """Typed in an installation whose roles and database are not there yet."""
    mark = secrets.token_hex(4)
    at = make_url(engines.superuser_url)
    urls = {
        name: at.set(
            drivername="postgresql",
            username=f"{role}_{mark}",
            password=f'it\'s {role} "5"',
            database=f"set_{mark}",
        )
        for name, role in (("DATABASE_URL", "service"), ("MIGRATE_DATABASE_URL", "owner"))
    }
    for name, url in urls.items():
        monkeypatch.setenv(name, url.render_as_string(hide_password=False))
    for name, value in environment("", redis_url).items():
        if name != "DATABASE_URL":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("SUPERUSER_URL", at.set(drivername="postgresql").render_as_string(hide_password=False))
    yield lambda *typed: typed_into(capsys, *typed)
    drop = [
        f"drop database if exists set_{mark} with (force)",
        f"drop role if exists service_{mark}, owner_{mark}",
    ]
    asyncio.run(as_superuser(engines, *drop))


def _url(name: str) -> str:
    return os.environ[name]


def _database() -> str:
    return str(make_url(_url("DATABASE_URL")).database)


def test_it_makes_what_is_not_there_and_says_what_is_missing(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AT_API_KEY", "TO-FILL-IN")
    code, said, complained = keneya("setup")
    assert (code, complained) == (0, "")
    assert len(re.findall(r"^(?:role \w+|database \w+): made$", said, re.MULTILINE)) == 3
    lacking = said.partition("Missing before the first call:\n")[2]
    assert "  AT_API_KEY: is still the example's" in lacking
    assert "run `keneya migrate` first" in lacking
    assert "PUBLIC_URL: http://127.0.0.1:8000 cannot be reached" in lacking

    assert keneya("migrate")[0] == 0
    code, said, complained = keneya("setup")
    assert (code, complained) == (0, "")
    assert len(re.findall(r": was there$", said, re.MULTILINE)) == 3
    assert "a mutuelle: keneya import DIR" in said
    assert "keneya migrate" not in said
    code, said, _complained = keneya("check")
    assert (code, said.splitlines()[-1].endswith(" invariants hold.")) == (0, True), said


def test_nobody_else_enters_and_the_service_makes_nothing(keneya: Keneya, engines: Engines) -> None:
    assert keneya("setup")[0] == 0
    stranger = make_url(engines.url("service")).set(database=_database())
    with pytest.raises(Exception, match="permission denied for database"):
        asyncio.run(ask(stranger.render_as_string(hide_password=False), "select 1"))
    with pytest.raises(Exception, match="permission denied"):
        asyncio.run(ask(settings.database_url(_url("DATABASE_URL")), "create table mine (a int)"))


def test_without_a_superuser_it_says_what_to_type_and_psql_does_it(
    keneya: Keneya, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser = make_url(_url("SUPERUSER_URL"))
    monkeypatch.delenv("SUPERUSER_URL")
    code, _said, complained = keneya("setup")
    assert code == 1
    assert "keneya setup --sql | sudo -u postgres psql" in complained
    code, script, complained = keneya("setup", "--sql")
    assert (code, complained) == (0, "")
    assert "it's" not in script  # no password, only what PostgreSQL would keep of it
    psql, _major = programs.find("psql", server=0, oldest=0)
    for _twice in range(2):
        subprocess.run(
            [
                str(psql),
                "--quiet",
                "--no-psqlrc",
                "--dbname",
                superuser.set(drivername="postgresql").render_as_string(hide_password=False),
            ],
            input=script,
            text=True,
            check=True,
            env=plain_environment(),
            capture_output=True,
        )
    code, said, complained = keneya("setup")
    assert (code, complained) == (0, "")
    assert said.startswith("roles and database: there")


def test_a_role_with_another_password_is_left_alone_and_named(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keneya("setup")[0] == 0
    other = make_url(_url("DATABASE_URL")).set(password="another").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", other)
    code, _said, complained = keneya("setup")
    assert code == 1
    assert "cannot log in: the database says: password authentication failed" in complained


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("DATABASE_URL", {"database": "other"}, "two databases"),
        ("DATABASE_URL", {"password": None}, "a role and its password"),
        ("MIGRATE_DATABASE_URL", {"username": "same"}, "name one role"),
        ("DATABASE_URL", {"password": "pässword"}, "plain letters"),
    ],
)
def test_addresses_that_do_not_fit_together_are_refused(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch, name: str, change: dict[str, str], complaint: str
) -> None:
    for each in ("DATABASE_URL", name) if "username" in change else (name,):
        wrong = make_url(_url(each))._replace(**change)  # type: ignore[arg-type]
        monkeypatch.setenv(each, wrong.render_as_string(hide_password=False))
    code, _said, complained = keneya("setup")
    assert code == 2
    assert complaint in complained


def test_the_verifier_is_the_one_of_the_standard() -> None:
    """The example of RFC 7677: user, pencil."""
    kept = server.verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert kept.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert kept.endswith("=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")


def test_nothing_is_written_where_there_is_no_folder(keneya: Keneya, tmp_path: Path) -> None:
    code, _said, complained = keneya("setup", "--env", str(tmp_path / "absent"))
    assert (code, complained) == (2, f"keneya: there is no folder {tmp_path / 'absent'}\n")
