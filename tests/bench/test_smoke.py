"""The benchmarks in short, on a service of their own: they run, and they notice a crossed screen."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

import web
from bench import express, menu
from bench.__main__ import BENCHES, main
from bench.callers import name_of, phone_of
from bench.measures import against
from bench.place import OPTIONS
from bench.wire import Exchange, Load, WireHop
from tests.bench.test_ledger import OF_THE_LEDGER
from tests.bench.test_ledger import folder as folder
from torture.listening import listening

APART = OF_THE_LEDGER | {"calls"}  # they have tests of their own
KEYS = ["bench", "metric", "value", "unit", "against", "ratio"]


def test_every_benchmark_runs_and_leaves_its_figures_only(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "command", lambda: None)  # npm speaks to the outside
    assert main(["--quick", *(f"--only={name}" for name in BENCHES if name not in APART)], folder) == 0
    rows: list[dict[str, Any]] = json.loads((folder / "latest.json").read_text())
    assert {row["bench"] for row in rows} == set(BENCHES) - APART
    assert all(list(row) == KEYS for row in rows)
    assert [path.name for path in folder.iterdir()] == ["latest.json"]
    found = {row["metric"]: row for row in rows}
    assert found["crossed, calls arriving"]["value"] == 0
    assert found["wrong screens"]["value"] == 0
    assert found[menu.OURS]["value"] > 0
    assert "calls arriving" in capsys.readouterr().out


def test_without_npm_the_peer_is_left_out_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "SCRATCH", tmp_path / "peer")
    monkeypatch.setenv("PATH", "")
    assert express.command() is None
    assert "THE PEER IS LEFT OUT" in capsys.readouterr().out
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    (tmp_path / "node").symlink_to(npm)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert express.command() is None
    assert "could not install" in capsys.readouterr().out


def test_a_pattern_is_matched_whole() -> None:
    load, hop = Load(), WireHop(b"", re.compile(rb"END \d{3}"))
    for body in (b"END 123", b"END 1234", b"END abc"):
        load.take(hop, 200, body, 0.1)
    assert (load.crossed, load.bad) == (2, 0)


def test_a_screen_of_another_caller_and_an_answer_that_is_none_are_counted() -> None:
    load, hop = Load(), WireHop(b"", b"CON Awa, 12 000 F")
    load.take(hop, 200, b"CON Awa, 12 000 F", 0.1)
    assert (load.crossed, load.bad) == (0, 0)
    load.take(hop, 200, b"CON Oumar, 12 000 F", 0.1)
    load.take(hop, 500, b"CON Awa, 12 000 F", 0.1)
    load.take(hop, 200, b"<html>", 0.1)
    assert (load.crossed, load.bad, len(load.waits_s)) == (1, 2, 4)


async def test_an_answer_in_pieces_is_one_answer() -> None:
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", b"\r\nCON", b" a"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with listening(answer) as port:
        exchange = Exchange(port)
        assert await exchange.ask(b"GET / HTTP/1.1\r\n\r\n") == (200, b"CON a")
        exchange.close()
        await ended.wait()


def test_callers_are_told_apart() -> None:
    people = range(0, 3_000_000, 997)
    assert len({name_of(nth) for nth in people}) == len({phone_of(nth) for nth in people}) == len(people)
    assert len({len(name_of(nth)) for nth in people}) == 1


def test_a_ratio_is_of_rounds_and_not_of_medians() -> None:
    row = against("hops", "dial", "hops/s", [10.0, 40.0, 90.0], "limit", [100.0, 100.0, 100.0])
    assert (row.value, row.ratio) == (40.0, 0.4)
    drifting = against("hops", "dial", "hops/s", [10.0, 20.0, 90.0], "limit", [100.0, 200.0, 90.0])
    assert drifting.ratio == 0.1


def test_web_is_measured_as_it_is_run() -> None:
    is_run = web.configuration()
    assert not is_run.access_log
    assert not is_run.server_header
    told = dict(zip(OPTIONS[2::2], OPTIONS[3::2], strict=True))
    assert OPTIONS[:2] == ("--no-access-log", "--no-server-header")
    assert told == {
        "--timeout-keep-alive": str(is_run.timeout_keep_alive),
        "--timeout-graceful-shutdown": str(is_run.timeout_graceful_shutdown),
        "--loop": is_run.loop,
        "--http": is_run.http,
    }
