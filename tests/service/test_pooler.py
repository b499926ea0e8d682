"""PgBouncer of Debian before PostgreSQL: what is set up so that calls would fail is refused at the start, in a line."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from engines import processes
from service.database import SERVER_SETTINGS
from tests.conftest import Database, open_folder
from tests.support.launching import wait_until
from tests.support.patience import PATIENCE_S
from tests.support.programs import found, needs
from tests.test_starting import WEB, WORKER, environment, is_ready, procfile, refusal

pytestmark = needs("pgbouncer", "pgbouncer")

SETTINGS = """
[databases]
{name} = host={host} port={port} {query}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pidfile = {folder}/pid
logfile = {folder}/log
pool_mode = {mode}
default_pool_size = 20
{more}
"""
IGNORED = f"ignore_startup_parameters = {', '.join(SERVER_SETTINGS)}"
KEPT = "server_reset_query = deallocate all"  # the usual one forgets the time limits too
QUERY = "connect_query='set statement_timeout = 10000; set idle_in_transaction_session_timeout = 15000'"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = open_folder("keneya-pgbouncer-")
    yield made
    shutil.rmtree(made)


@contextmanager
def pooled(
    folder: Path, database: Database, *, mode: str, query: str = QUERY, more: str = IGNORED
) -> Iterator[str]:
    """The address of `database` through a PgBouncer of its own."""
    url, own, identity = make_url(database.url), processes.free_port(), processes.unprivileged()
    server = {"name": url.database, "host": url.host, "port": url.port}
    (folder / "ini").write_text(
        SETTINGS.format(**server, own=own, folder=folder, mode=mode, query=query, more=more)
    )
    (folder / "users").write_text(f'"{url.username}" "{url.password}"\n')
    folder.chmod(0o777)
    for name in ("ini", "users"):
        (folder / name).chmod(0o644)
    child = processes.start(
        [str(found("pgbouncer")), str(folder / "ini")], death_signal=signal.SIGINT, identity=identity
    )
    try:
        wait_until((folder / "pid").exists)
        yield url.set(drivername="postgresql", port=own).render_as_string(hide_password=False)
    finally:
        child.terminate()
        child.wait(PATIENCE_S)


@pytest.mark.parametrize(
    ("mode", "query", "more", "complaint"),
    [
        ("transaction", QUERY, "", "refuses our time limits"),
        ("transaction", "", IGNORED, "drops our statement_timeout"),
        ("transaction", QUERY, IGNORED, "loses prepared statements: PgBouncer 1.21 or newer"),
    ],
    ids=["limits refused", "limits dropped", "statements lost"],
)
def test_a_pooler_under_which_calls_would_fail_is_refused_in_a_line(
    folder: Path, database: Database, redis_url: str, mode: str, query: str, more: str, complaint: str
) -> None:
    """Debian 12 has PgBouncer 1.18. A newer one keeps prepared statements: then the last case is a good start."""
    with pooled(folder, database, mode=mode, query=query, more=more) as url:
        code, told = refusal(WEB, environment(url, redis_url))
        assert (code, len(told.splitlines())) == (2, 1), told
        assert complaint in told
        if complaint.startswith("loses"):  # now from the first question on: the names are taken
            assert refusal(WORKER, environment(url, redis_url)) == (code, told)


def test_a_session_to_a_connection_is_as_good_as_none(
    folder: Path, database: Database, redis_url: str
) -> None:
    port = processes.free_port()
    with pooled(folder, database, mode="session", more=f"{IGNORED}\n{KEPT}") as url:
        environ = environment(url, redis_url) | {"PORT": str(port)}
        with (
            procfile("web", environ) as web,
            httpx.Client(trust_env=False, timeout=PATIENCE_S, base_url=f"http://127.0.0.1:{port}") as http,
        ):
            wait_until(lambda: web.poll() is not None or is_ready(http))
            assert web.poll() is None
