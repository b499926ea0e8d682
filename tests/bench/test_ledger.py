"""The benchmarks of the ledger in short: they run, their books are right, a peer that is not here is missed aloud."""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import classic, hordak, pgbench, rivals
from bench.__main__ import main
from bench.backlog import HISTORY
from bench.databases import FOUNDED, as_owner, database, keep_founded
from bench.fill import fill
from bench.history import Book, unlike_the_sum
from bench.homes import join
from bench.measures import QUICK
from bench.place import Place, check, engines_in, found
from tests.conftest import open_folder

OF_THE_LEDGER = {"backlog", "cash", "history"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for the benches and their engines."""
    made = open_folder("keneya-bench-")
    yield made
    shutil.rmtree(made)


def test_every_benchmark_of_the_ledger_runs_and_leaves_right_books(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hordak, "is_here", lambda *, install: False)  # it may be here, and takes its time
    assert main(["--quick", *(f"--only={name}" for name in OF_THE_LEDGER)], folder) == 0
    rows: list[dict[str, Any]] = json.loads((folder / "latest.json").read_text())
    assert {row["bench"] for row in rows} == OF_THE_LEDGER
    found_rows = {row["metric"]: row for row in rows}
    settled = found_rows["payments settled in all"]["value"]
    assert settled == (HISTORY + 3 * QUICK.rounds * QUICK.batches) * QUICK.batch
    assert found_rows["rows that a payment leaves, changed ones apart"]["value"] == 8
    peers = {row["against"] for row in rows if row["metric"].startswith("payments settled, ")}
    assert any(peer.startswith("the same rows by pgbench") for peer in peers if peer)
    assert {classic_with(clients) for clients in classic.CLIENTS} <= peers
    assert all(row["value"] > 0 for row in rows if row["metric"].startswith("payments settled"))
    assert [path.name for path in folder.iterdir()] == ["latest.json"]


def classic_with(clients: int) -> str:
    return rivals.CLASSIC.format(clients)


def test_what_is_measured_is_proven_right(folder: Path) -> None:
    with engines_in(folder) as place:
        asyncio.run(prove(place))


async def prove(place: Place) -> None:
    """Households by SQL are true ones; a classic balance, a day row and a script that are wrong are noticed."""
    await found(place)
    await keep_founded(place)
    async with database(place, "homes", FOUNDED) as own:
        assert len({home.number for home in await join(own, 200)}) == 200
        assert (await check(own))[1] == []
    async with database(place, "classic") as own:
        script = await classic.make(own)
        assert (await pgbench.run(own, script, 2, each=3)).transactions == 6
        assert await classic.is_sound(own)
        await as_owner(own, "update balance set debits = debits + 1 where account = 1")
        assert not await classic.is_sound(own)
        script.write_text("select 1 / 0;")
        with pytest.raises(pgbench.PgbenchFault, match="division by zero"):
            await pgbench.run(own, script, 1, each=1)
    async with database(place, "history", FOUNDED) as own:
        book = Book(own.pool(1), await fill(own, 300))
        assert await unlike_the_sum(book) == 0
        await as_owner(own, "update ledger.account_day set cum_debits = cum_debits + 1")
        assert await unlike_the_sum(book) > 0
        await book.pool.dispose()


def test_without_pip_django_hordak_is_left_out_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hordak, "INSTALLED", tmp_path / "installed.txt")
    monkeypatch.setattr(hordak, "SCRATCH", tmp_path / "peer")
    assert not hordak.is_here(install=False)
    assert "DJANGO-HORDAK IS LEFT OUT: it is not installed" in capsys.readouterr().out
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert not hordak.is_here(install=True)
    assert "could not install" in capsys.readouterr().out
    shutil.copyfile(hordak.WANTED, hordak.INSTALLED)
    assert hordak.is_here(install=False)
    hordak.INSTALLED.write_text("django-hordak==1.0.0\n")
    assert not hordak.is_here(install=False)


def test_without_pgbench_its_peers_are_left_out_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, "", "", "", "", tmp_path, {})
    assert pgbench.program(place) is None
    assert "THE CLASSIC DESIGN AND THE LIMIT ARE LEFT OUT" in capsys.readouterr().out
    (tmp_path / "pgbench").touch(mode=0o755)
    assert pgbench.program(replace(place)) == tmp_path / "pgbench"


async def test_no_rival_is_always_the_later_one() -> None:
    ran: list[str] = []

    def lap(name: str) -> rivals.Lap:
        async def run() -> float:
            ran.append(name)
            return float(len(ran))

        return run

    rates = await rivals.race({"ours": lap("ours"), "theirs": lap("theirs")}, 2)
    assert ran == ["ours", "theirs", "theirs", "ours"]
    assert rates == {"ours": [1.0, 4.0], "theirs": [2.0, 3.0]}
