"""Real calls in short: every contender answers and writes the same; what is said to PostgreSQL is as pinned."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench import express, federation
from bench.__main__ import main
from bench.calls import KINDS, Calls, excuses
from bench.contenders import OURS
from bench.kinds import Play, UnexpectedAnswerError, Who, expect_same
from bench.wire import WireHop
from bench.wiretap import PostgresListener, RedisListener, Tap
from service.clock import NOW
from tests.bench.test_ledger import folder as folder
from torture.listening import listening

# How many statements each hop of ours is; with a t those of an action's transaction. Fewer is better: write it here.
STATEMENTS = {
    "dial": "1",
    "cover": "1+1",
    "pay": "1+2+3+3+6t",
    "join": "1+1+1+0+2+5+5+13t",
    "cash": "1+1+1+2+5+5+5+13t",
    "verif": "1t+22t",
}


def test_real_calls_are_measured_and_their_statements_are_as_pinned(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "command", lambda: None)  # npm speaks to the outside
    monkeypatch.setattr(
        federation, "MOST_HERE", 20
    )  # the others are of a neighbour, as most of a million are
    assert main(["--quick", "--only=calls"], folder) == 0
    rows: list[dict[str, Any]] = json.loads((folder / "latest.json").read_text())
    said = [row["metric"] for row in rows if f"{OURS}: statements" in row["metric"]]
    assert said == [f"{kind}, {OURS}: statements {STATEMENTS[kind]}" for kind in KINDS]
    assert [row["value"] for row in rows if row["metric"].endswith("tables filled otherwise")] == [0] * 4
    found = {row["metric"]: row for row in rows}
    assert found["wrong screens and answers"]["value"] == 0
    assert 0 < found["cover"]["ratio"] < 1  # nothing is quicker than its limit


def test_a_call_that_was_excused_is_not_judged_any_more() -> None:
    load, hop = Calls(), WireHop(b"sessionId=ATUid_1&text=", b"CON Awa")
    load.take(hop, 200, b"END " + excuses()[0], 0.1)
    load.take(hop, 200, b"CON home", 0.1)
    load.take(WireHop(b"sessionId=ATUid_2&text=", b"CON Awa"), 200, b"CON Oumar", 0.1)
    assert (load.excused, load.crossed) == (2, 1)


def test_statements_are_counted_on_the_wire_in_any_pieces() -> None:
    def message(letter: bytes, body: bytes) -> bytes:
        return letter + (len(body) + 4).to_bytes(4, "big") + body

    def query(words: str) -> bytes:
        return message(b"Q", words.encode() + b"\0")

    run = message(b"B", b"\0p\0...") + message(b"E", b"\0....")
    said = message(b"", b"\0\3\0\0user\0") + message(b"P", b"p\0select 2\0\0\0") + run + message(b"S", b"")
    said += query("BEGIN;") + run + run + message(b"S", b"") + query("update a set b = 1") + query("COMMIT")
    look = message(b"P", b"\0" + str(NOW).encode() + b"\0\0\0") + message(b"B", b"\0\0...")
    look += message(b"E", b"\0....") + message(b"S", b"")
    said += query("BEGIN") + look + query("ROLLBACK") + query("select 1;")
    for piece in (1, 7, len(said)):
        tap = Tap()
        heard = PostgresListener(tap)
        for start in range(0, len(said), piece):
            heard.hear(said[start : start + piece])
        count = tap.count
        assert (count.statements, count.acting, count.control, count.round_trips) == (3, 2, 3, 6)


def test_commands_to_redis_are_counted() -> None:
    tap = Tap()
    heard, get = RedisListener(tap), b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n"
    for piece in (get + get[:9], get[9:], get):
        heard.hear(piece)
    assert (tap.count.redis_commands, tap.count.redis_round_trips) == (3, 3)


async def test_a_contender_that_shows_another_screen_is_refused() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nEND Awa")
        writer.close()

    async with listening(answer) as port:
        await expect_same(port, Play("dial", (b"END \0name\0",)), Who("+22370000001", "Awa"))
        with pytest.raises(UnexpectedAnswerError, match="Oumar"):
            await expect_same(port, Play("dial", (b"END \0name\0",)), Who("+22370000001", "Oumar"))
