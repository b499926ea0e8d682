"""Web and worker refuse to start where they could do harm: exit code 2, a line a fault, no traceback."""

import socket
import subprocess
import sys

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import processes
import run
from tests.conftest import Database
from tests.house import SECRET
from tests.town import found_town

# as Procfile starts them
WEB = ["web.py"]
WORKER = ["worker.py"]
each = pytest.mark.parametrize("process", [WEB, WORKER], ids=["web", "worker"])


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """What a process of real money is started with."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": SECRET,
        "AT_USERNAME": "keneya",
        "AT_API_KEY": "key-of-the-tests",
    }


@each
async def test_no_process_starts_as_the_owner_of_the_tables(
    database: Database, redis_url: str, process: list[str]
) -> None:
    code, told = refusal(process, environment(database.owner_url, redis_url))
    assert code == 2, told
    assert "Traceback" not in told
    assert "only migrations may be the owner" in told


@each
def test_wrong_settings_end_a_process_with_a_line_each(process: list[str]) -> None:
    code, told = refusal(process, {"SIMULATOR": "maybe"})
    assert code == 2, told
    names = ["DATABASE_URL", "REDIS_URL", "WEBHOOK_SECRET", "AT_USERNAME", "AT_API_KEY", "SIMULATOR"]
    assert sorted(line.partition(":")[0] for line in told.splitlines()) == sorted(names)


@each
async def test_no_process_of_real_money_starts_with_a_route_to_the_simulated_operator(
    database: Database, pool: AsyncEngine, redis_url: str, process: list[str]
) -> None:
    await found_town(pool)
    code, told = refusal(process, environment(database.url, redis_url))
    assert code == 2, told
    assert "Traceback" not in told
    assert "routes lead to operators that cannot be asked from here: simulated" in told


def test_web_says_in_a_line_that_an_address_is_taken(database: Database, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name in ("PORT", "METRICS_PORT"):
            environ = {"PORT": "0"} | environment(database.url, redis_url) | {name: port}
            code, told = refusal(WEB, environ)
            assert (code, len(told.splitlines())) == (1, 1), told
            assert f"cannot listen: 127.0.0.1:{port} (" in told


def refusal(process: list[str], environ: dict[str, str]) -> tuple[int, str]:
    """The exit code and the words of a process that does not want to start."""
    ended = subprocess.run(
        [sys.executable, *process],
        cwd=run.HOME,
        env=processes.plain_environment() | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr
