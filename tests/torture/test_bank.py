"""The bank: its short form held against killed servers, wires and writers; and its comparisons, proven themselves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from engines.processes import LOOPBACK
from ledger.book import Journal
from tests.conftest import wait_until_unlocked
from tests.support.patience import PATIENCE_S
from torture import bank, bank_books, bank_deals
from torture.bank_books import Stored
from torture.bank_log import Log, LoggedAnswer, read
from torture.cutter import cutter
from torture.listening import listening

SEED = "7 bank"


async def test_the_short_form_holds(data: Path) -> None:
    verdict = await bank.tell(7, bank.SHORT, data)
    wait_until_unlocked(data / "var")
    assert verdict.broken == []
    counts = verdict.counts
    assert counts["acknowledged"] >= bank.SHORT.journals
    assert (counts["server"], counts["backend"]) == (1, bank.SHORT.strikes)
    assert min(counts["retried"], counts["folded beside"], counts["blocks"]) > 0


def stored(journals: list[Journal]) -> Stored:
    """A ledger in which these stand, and nothing else was asked for."""
    return Stored({j.key: bank_books.rows_of(j) for j in journals}, {j.key: "created" for j in journals})


def answers(journals: list[Journal]) -> list[str]:
    """As if every journal was sound: a key that came before is not created again."""
    keys = [journal.key for journal in journals]
    return ["created" if keys.index(key) == nth else "exists" for nth, key in enumerate(keys)]


BATCH = bank_deals.batch(SEED, "w0", 0) + bank_deals.batch(SEED, "w0", 1)
FIRST = len(bank_deals.batch(SEED, "w0", 0))
TOLD = answers(BATCH)
LOGS = {
    "w0": [
        LoggedAnswer(0, False, TOLD[:FIRST], []),
        LoggedAnswer(1, False, TOLD[FIRST:], ["57P01"]),
        LoggedAnswer(0, True, ["exists"] * FIRST, []),
    ]
}
SOUND = stored([*bank_deals.funding(), *BATCH])
KEY = BATCH[0].key


def test_a_sound_bank_passes() -> None:
    assert bank_books.compare(SEED, LOGS, SOUND) == []
    assert bank_books.count(LOGS, SOUND)["retried"] == 1


def without(names: tuple[str, ...]) -> Callable[[Stored], Stored]:
    """A key is missing where it should be."""

    def cut(books: Stored) -> Stored:
        return replace(
            books, **{name: {k: v for k, v in getattr(books, name).items() if k != KEY} for name in names}
        )

    return cut


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (without(("journals",)), "was acknowledged as created"),
        (without(("journals", "requests")), "is kept as None"),
        (lambda s: replace(s, requests={**s.requests, KEY: "refused: no"}), "is kept as refused: no"),
        (lambda s: replace(s, journals={**s.journals, KEY: s.journals[KEY] * 2}), "is booked otherwise"),
        (lambda s: replace(s, journals={**s.journals, "w0 9 9": []}), "was asked for by nobody"),
        (lambda s: replace(s, requests={**s.requests, "w0 9 9": "created"}), "was spent by nobody"),
    ],
)
def test_what_is_lost_or_doubled_is_named(tamper: Callable[[Stored], Stored], told: str) -> None:
    assert any(told in line for line in bank_books.compare(SEED, LOGS, tamper(SOUND)))


def test_a_key_that_two_were_told_they_created_is_named() -> None:
    logs = {"w0": [*LOGS["w0"][:2], LoggedAnswer(0, False, ["created"] * FIRST, [])]}
    assert any("was created 2 times" in line for line in bank_books.compare(SEED, logs, SOUND))


def test_a_retry_that_is_told_otherwise_is_named() -> None:
    logs = {"w0": [*LOGS["w0"][:2], LoggedAnswer(0, True, ["created"] * FIRST, [])]}
    assert any("was told" in line for line in bank_books.compare(SEED, logs, SOUND))


def test_a_lost_franc_and_an_overdrawn_till_are_named() -> None:
    nets = dict.fromkeys(bank_deals.PLACES, 0) | {bank_deals.VAULTS[0]: bank_deals.total_minor()}
    assert [*bank_books.wrong_total(nets), *bank_books.below_zero(nets)] == []
    till = bank_deals.TILLS[0]
    assert [*bank_books.below_zero(nets | {till: -1})] == [f"{till} holds -1"]
    assert [*bank_books.wrong_total(nets | {till: 1})] != []
    assert [*bank_books.sealed_too_few(1, SOUND)] != []


def test_the_same_seed_asks_for_the_same() -> None:
    assert bank_deals.batch(SEED, "w3", 5) == bank_deals.batch(SEED, "w3", 5)
    assert bank_deals.batch(SEED, "w3", 5) != bank_deals.batch(SEED, "w4", 5)


def test_a_log_that_was_cut_off_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    first, second = LoggedAnswer(0, False, ["created"], []), LoggedAnswer(1, False, ["exists"], ["08006"])
    with Log(tmp_path / "log") as log:
        log.write(first)
    with (tmp_path / "log").open("ab") as file:
        file.write(b'{"batch": 1, "aga')
    assert read(tmp_path / "log") == [first]
    with Log(tmp_path / "log") as log:
        log.write(second)
    assert read(tmp_path / "log") == [first, second]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def encore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: int) -> None:
    for _ in range(times):
        writer.write(b"encore")
        await reader.readexactly(6)


@pytest.mark.parametrize("at_answer", [False, True])
async def test_a_wire_carries_until_it_is_cut(at_answer: bool) -> None:
    async with listening(echo) as port, cutter(port) as wire, asyncio.timeout(PATIENCE_S):
        assert not wire.cut_one(Random(1), at_answer=at_answer)
        reader, writer = await asyncio.open_connection(LOOPBACK, wire.port)
        writer.write(b"bonjour")
        assert await reader.read(100) == b"bonjour"
        assert wire.cut_one(Random(1), at_answer=at_answer)
        with pytest.raises((ConnectionError, EOFError)):
            await encore(reader, writer, times=3)  # at most one more answer is heard
        writer.close()
