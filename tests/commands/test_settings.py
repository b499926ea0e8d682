"""`keneya settings check` as typed: what web and worker would say, before they are started."""

import pytest

from engines.embedded import Addresses
from tests.conftest import Database
from tests.test_cli import Keneya, typed_into
from tests.test_starting import environment


@pytest.fixture
def keneya(
    database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Keneya:
    for name, setting in environment(database.url, redis_url).items():
        monkeypatch.setenv(name, setting)
    return lambda *typed: typed_into(capsys, *typed)


def test_what_is_right_is_said_line_by_line(keneya: Keneya) -> None:
    code, said, complained = keneya("settings", "check")
    assert (code, complained) == (0, "")
    assert [line.partition(":")[0] for line in said.splitlines()] == ["settings", "database", "redis"]


def test_beside_a_running_service_its_servers_are_tried(
    keneya: Keneya, database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make run` has made their addresses: nobody has to know them."""
    for name in environment(database.url, redis_url):
        monkeypatch.delenv(name)
    running = Addresses(database.url, database.owner_url, redis_url, "data", 1, {})
    monkeypatch.setattr("commands.command.find_running", lambda _data: running)
    code, said, complained = keneya("settings", "check")
    assert (code, complained) == (0, "")
    assert said.splitlines()[-1] == "redis: answers"


def test_every_wrong_variable_is_named_at_once(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eight")
    monkeypatch.setenv("WEBHOOK_SECRET", "short")
    code, said, complained = keneya("settings", "check")
    assert (code, said) == (2, "")
    assert [line.partition(":")[0] for line in complained.splitlines()] == ["PORT", "WEBHOOK_SECRET"]


def test_the_tables_owner_is_refused_as_web_does(
    keneya: Keneya, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.owner_url)
    code, _said, complained = keneya("settings", "check")
    assert code == 2
    assert "only migrations may be the owner" in complained


def test_a_server_that_does_not_answer_is_named(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    code, _said, complained = keneya("settings", "check")
    assert (code, complained.partition(":")[0]) == (1, "redis")
    monkeypatch.setenv("DATABASE_URL", "postgresql://service@127.0.0.1:1/keneya")
    code, _said, complained = keneya("settings", "check")
    assert (code, complained.splitlines()) == (1, [complained.strip()])
    assert "cannot reach the database" in complained
