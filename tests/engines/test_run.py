"""`keneya run` as a person meets it: what it prints, what it leaves, and how it stops.

Web and worker are tiny stand-ins in a home of their own; engines, migrations and simulator are the real ones.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from engines import cluster, processes, run
from engines.embedded import find_running
from settings import DEMO_SECRET
from tests.conftest import open_folder, wait_until_unlocked
from tests.support.launching import start, wait_until
from tests.support.patience import PATIENCE_S

WEB = """
import json, os, pathlib
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

pathlib.Path("web.json").write_text(json.dumps(dict(os.environ)))

async def live(request):
    return JSONResponse({"run_id": os.environ["RUN_ID"], "pid": os.getpid()})

if __name__ == "__main__":
    app = Starlette(routes=[Route("/health/live", live)])
    uvicorn.run(app, host=os.environ["HOST"], port=int(os.environ["PORT"]))
"""

WORKER = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path("worker.stopped").touch()))
pathlib.Path("worker.pid").write_text(str(os.getpid()))
while True:
    time.sleep(0.05)
"""

RUN = """
import os, pathlib, sys, types

demonstration = types.ModuleType("mutuelle.demonstration")

async def seed(url, now):
    with open("seeded", "a") as file:
        file.write(url + "\\n")

demonstration.seed = seed
sys.modules["mutuelle.demonstration"] = demonstration

from engines import run
sys.exit(run.run(os.environ, pathlib.Path(os.getcwd())))
"""


@dataclass
class Run:
    """A `keneya run` under way; `lines` is what it has printed so far."""

    process: subprocess.Popen[str]
    home: Path
    port: int
    lines: list[str] = field(default_factory=list)

    def wait_for(self, words: str) -> str:
        """The first line with `words`."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if found := [line for line in self.lines if words in line]:
                return found[0]
            assert time.monotonic() < deadline, f"no {words!r} in {self.lines}"
            time.sleep(0.02)

    def end(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def home() -> Iterator[Path]:
    """A clone with stand-ins for web and worker."""
    folder = open_folder("keneya-run-")
    (folder / "web.py").write_text(WEB)
    (folder / "worker.py").write_text(WORKER)
    yield folder
    wait_until_unlocked(folder / "var")
    shutil.rmtree(folder)


@pytest.fixture
def launched() -> Iterator[list[Run]]:
    """Every run of a test; what still runs at its end is killed."""
    runs: list[Run] = []
    yield runs
    for one in runs:
        one.process.kill()
        one.process.wait()


def launch(launched: list[Run], home: Path, **environment: str) -> Run:
    """Start `keneya run` in `home` on a free port, and listen to what it prints."""
    port = processes.free_port()
    clean = {name: os.environ[name] for name in ("PATH", "POSTGRES_BIN", "REDIS_BIN") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=home,
        env=clean | {"PORT": str(port), "PYTHONPATH": str(run.HOME)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started = Run(process, home, port)
    launched.append(started)

    def listen() -> None:
        assert process.stdout
        with process.stdout as output:
            started.lines.extend(line.rstrip() for line in output)

    threading.Thread(target=listen, daemon=True).start()
    return started


def pid_of_web(running: Run) -> int:
    """The process id of the web that answers now, or 0."""
    try:
        reply = httpx.get(f"http://127.0.0.1:{running.port}/health/live", trust_env=False, timeout=10)
    except httpx.HTTPError:
        return 0
    pid: int = reply.json()["pid"]
    return pid


def test_it_prints_where_the_phone_is_and_stops_everything_on_ctrl_c(home: Path, launched: list[Run]) -> None:
    running = launch(launched, home)
    assert running.wait_for("/phone") == f"Open http://127.0.0.1:{running.port}/phone"
    for name in ("postgres", "redis", "simulator", "worker", "web"):
        running.wait_for(f"  {name} ")
    assert pid_of_web(running)
    found = find_running(home / "var")
    assert found
    assert found.public_url == f"http://127.0.0.1:{running.port}"
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0
    assert not cluster.is_locked(home / "var")
    assert (home / "worker.stopped").exists(), "the worker was asked, not killed"
    assert pid_of_web(running) == 0
    assert not [line for line in running.lines if "Traceback" in line or "killed" in line]
    assert running.wait_for("Stopped.")


def test_web_gets_the_demonstrations_settings_and_never_the_owners_address(
    home: Path, launched: list[Run]
) -> None:
    running = launch(launched, home, AT_SENDER_ID="Mutuelle", MIGRATE_DATABASE_URL="")
    running.wait_for("/phone")
    seen = json.loads((home / "web.json").read_text())
    web = f"http://127.0.0.1:{running.port}"
    assert "MIGRATE_DATABASE_URL" not in seen
    assert seen["SIMULATOR"] == "1"
    assert seen["WEBHOOK_SECRET"] == DEMO_SECRET
    assert seen["AT_SMS_URL"] == f"{web}/simulator/at/version1"
    assert seen["AT_SENDER_ID"] == "Mutuelle", "what is set wins"
    about = httpx.get(f"{seen['SIMULATOR_URL']}/simulator/about", trust_env=False)
    assert about.status_code == 200


def test_an_empty_embedded_database_is_seeded(home: Path, launched: list[Run]) -> None:
    running = launch(launched, home)
    running.wait_for("/phone")
    assert len((home / "seeded").read_text().splitlines()) == 1


def test_a_database_that_was_brought_along_is_never_seeded(
    home: Path, data: Path, launched: list[Run]
) -> None:
    with start(data) as engines:
        running = launch(
            launched,
            home,
            DATABASE_URL=str(engines.addresses.database_url),
            MIGRATE_DATABASE_URL=str(engines.addresses.migrate_database_url),
        )
        running.wait_for("/phone")
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0
        assert not (home / "var" / "postgres").exists()
    assert not (home / "seeded").exists()


def test_a_taken_port_is_one_line_and_nothing_stays(home: Path, launched: list[Run]) -> None:
    with socket.socket() as other:
        other.bind((processes.LOOPBACK, 0))
        other.listen()
        running = launch(launched, home, PORT=str(other.getsockname()[1]))
        assert running.end() == 1
    wait_until(lambda: len(running.lines) == 1)
    assert "choose another with PORT" in running.lines[0]
    assert not (home / "var").exists()


@pytest.mark.parametrize("port", ["eight", "99999"])
def test_wrong_settings_are_told_together_before_anything_starts(
    home: Path, launched: list[Run], port: str
) -> None:
    running = launch(launched, home, PORT=port, TIME_SCALE="0")
    assert running.end() == 2
    wait_until(lambda: len(running.lines) == 2)
    assert {line.partition(":")[0] for line in running.lines} == {"PORT", "TIME_SCALE"}


def test_a_second_run_is_refused_in_one_line(home: Path, launched: list[Run]) -> None:
    first = launch(launched, home)
    first.wait_for("/phone")
    second = launch(launched, home)
    assert second.end() == 1
    wait_until(lambda: len(second.lines) == 1)
    assert f"process {first.process.pid} already runs" in second.lines[0]
    assert pid_of_web(first)


def test_a_web_that_cannot_start_is_reported_with_its_last_words(home: Path, launched: list[Run]) -> None:
    (home / "web.py").write_text("raise RuntimeError('no such menu')")
    running = launch(launched, home)
    assert running.end() == 1
    wait_until(lambda: any("no such menu" in line for line in running.lines))
    assert not cluster.is_locked(home / "var")


def test_killed_processes_and_engines_come_back(home: Path, launched: list[Run]) -> None:
    running = launch(launched, home)
    running.wait_for("/phone")
    found = find_running(home / "var")
    assert found
    web, worker = pid_of_web(running), int((home / "worker.pid").read_text())
    for pid in (web, worker, *found.pids.values()):
        os.kill(pid, signal.SIGKILL)
    for name in ("web ended with -9", "worker ended with -9", "postgres ended", "redis ended"):
        running.wait_for(name)
    wait_until(lambda: pid_of_web(running) not in (0, web))
    wait_until(lambda: (home / "worker.pid").read_text() not in ("", str(worker)))
    again = find_running(home / "var")
    assert again
    assert again.database_url == found.database_url
    assert again.pids != found.pids


def test_after_a_kill_nothing_is_left_and_the_next_run_starts(home: Path, launched: list[Run]) -> None:
    first = launch(launched, home)
    first.wait_for("/phone")
    first.process.kill()
    first.end()
    wait_until(lambda: not cluster.is_locked(home / "var") and not pid_of_web(first))
    wait_until((home / "worker.stopped").exists)
    second = launch(launched, home)
    second.wait_for("/phone")
    second.process.send_signal(signal.SIGTERM)
    assert second.end() == 0
