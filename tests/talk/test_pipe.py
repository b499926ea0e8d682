"""The one connection to Redis: who gets which answer, what goes out at once, and what becomes of a lost server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import hiredis
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from talk import pipe
from talk.pipe import Pipe, Script
from tests.support.patience import as_busy, until
from torture.listening import listening

COUNTED = Script("return redis.call('incrby', KEYS[1], ARGV[1])")
Reply = Callable[[list[bytes]], bytes | None]  # None: nothing is said


@dataclass
class Desk:
    """A server of the tests: what it read at once, and what it says to a command."""

    port: int = 0
    reply: Reply = lambda command: b"$%d\r\n%s\r\n" % (len(command[1]), command[1])
    chunks: list[int] = field(default_factory=list)  # commands that came in one piece
    calls: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        self.open.add(writer)
        commands = hiredis.Reader()
        while chunk := await reader.read(1 << 20):
            commands.feed(chunk)
            heard = 0
            while (command := commands.gets()) is not False:
                greeting = command[0] in (b"CLIENT", b"HELLO", b"SELECT", b"AUTH")
                said = b"+OK\r\n" if greeting else self.reply(command)
                heard += not greeting
                writer.write(said or b"")
            if heard:
                self.chunks.append(heard)
        self.open.discard(writer)
        writer.close()

    def hang_up(self) -> None:
        for writer in list(self.open):
            writer.close()

    async def has(self, commands: int) -> None:
        """Wait until so many have been read."""
        await until(lambda: sum(self.chunks) >= commands)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    async with listening(desk.serve) as desk.port:
        yield desk


@asynccontextmanager
async def piped(port: int) -> AsyncIterator[Pipe]:
    url = f"redis://127.0.0.1:{port}?protocol=2"
    async with Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1) as redis:
        yield Pipe(redis)


@pytest.fixture
async def real(redis_url: str) -> AsyncIterator[Pipe]:
    async with Redis.from_url(redis_url) as redis:
        yield Pipe(redis)


async def test_each_gets_the_answer_to_what_it_asked(real: Pipe) -> None:
    keys = [f"key {nth}" for nth in range(500)]
    await asyncio.gather(*(real.ask("SET", key, key, "EX", 60) for key in keys))
    assert await asyncio.gather(*(real.ask("GET", key) for key in keys)) == [key.encode() for key in keys]
    assert await real.ask("GET", "nobody") is None


async def test_what_is_asked_in_one_turn_goes_out_at_once(desk: Desk) -> None:
    async with piped(desk.port) as pipe:
        await pipe.ask("GET", "first")
        await asyncio.gather(*(pipe.ask("GET", str(nth)) for nth in range(40)))
        assert desk.chunks == [1, 40]
        assert desk.calls == 1


async def test_a_script_that_redis_does_not_know_is_told_and_then_known(real: Pipe) -> None:
    assert await real.run(COUNTED, "counter", 5, keys=1) == 5
    assert await real.run(COUNTED, "counter", 2, keys=1) == 7
    assert await real.ask("SCRIPT", "EXISTS", COUNTED.digest) == [1]


async def test_a_fault_is_told_to_whoever_asked_and_to_nobody_else(real: Pipe) -> None:
    await real.ask("SET", "words", "no number")
    answers = await asyncio.gather(
        real.ask("INCR", "words"), real.ask("GET", "words"), return_exceptions=True
    )
    assert isinstance(answers[0], ResponseError)
    assert answers[1] == b"no number"
    with pytest.raises(ResponseError):
        await real.run(COUNTED, "words", 1, keys=1)


async def test_who_goes_away_takes_nobodys_answer_along(desk: Desk) -> None:
    desk.reply = lambda command: None if command[1] == b"slow" else b"+OK\r\n"
    async with piped(desk.port) as pipe:
        gone = asyncio.create_task(pipe.ask("GET", "slow"))
        await desk.has(1)
        gone.cancel()
        waiting = asyncio.create_task(pipe.ask("GET", "quick"))
        await desk.has(2)
        next(iter(desk.open)).write(b"+OK\r\n")  # the slow one's answer comes late
        assert await waiting == b"OK"


async def test_a_server_that_hangs_up_is_told_to_all_who_wait_and_called_again(desk: Desk) -> None:
    desk.reply = lambda command: None
    async with piped(desk.port) as pipe:
        waiting = [asyncio.create_task(pipe.ask("GET", str(nth))) for nth in range(3)]
        await desk.has(3)
        desk.hang_up()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(fault) for fault in told] == [ConnectionError] * 3
        desk.reply = lambda command: b"+OK\r\n"
        assert [*await asyncio.gather(pipe.ask("GET", "a"), pipe.ask("GET", "b"))] == [b"OK", b"OK"]
        assert desk.calls == 2, "one call for both"


async def test_a_server_that_says_nothing_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    timeout_s = as_busy(0.2)
    monkeypatch.setattr(pipe, "TIMEOUT_S", timeout_s)
    desk.reply = lambda command: None if command[1] == b"stuck" else b"+OK\r\n"
    async with piped(desk.port) as piped_to:
        assert await piped_to.ask("GET", "quick") == b"OK"
        await asyncio.sleep(1.5 * timeout_s)  # nobody waits: that is no silence
        assert await piped_to.ask("GET", "quick") == b"OK"
        assert desk.calls == 1
        with pytest.raises(TimeoutError):
            await piped_to.ask("GET", "stuck")
        assert await piped_to.ask("GET", "quick") == b"OK"
        assert desk.calls == 2


async def test_silence_counts_from_when_somebody_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    timeout_s = as_busy(0.4)
    monkeypatch.setattr(pipe, "TIMEOUT_S", timeout_s)
    desk.reply = lambda command: None if command[1] == b"slow" else b"+OK\r\n"
    async with piped(desk.port) as piped_to:
        await piped_to.ask("GET", "quick")
        await asyncio.sleep(0.75 * timeout_s)
        waiting = asyncio.create_task(piped_to.ask("GET", "slow"))
        await asyncio.sleep(0.6 * timeout_s)  # more than the time-out after the last word, less of it waiting
        next(iter(desk.open)).write(b"+late\r\n")
        assert await waiting == b"late"


@pytest.mark.parametrize("nonsense", [b"+OK\r\n+OK\r\n", b"?what\r\n"])
async def test_an_answer_that_cannot_be_ours_ends_the_connection(desk: Desk, nonsense: bytes) -> None:
    desk.reply = lambda command: nonsense
    async with piped(desk.port) as pipe:
        await asyncio.gather(pipe.ask("GET", "a"), return_exceptions=True)
        await until(lambda: not desk.open)
        desk.reply = lambda command: b"+fine\r\n"
        assert await pipe.ask("GET", "b") == b"fine"
        assert desk.calls == 2


async def test_without_a_server_all_are_told_at_once() -> None:
    async with piped(1) as pipe, asyncio.timeout(as_busy(1)):
        told = await asyncio.gather(*(pipe.ask("GET", str(nth)) for nth in range(5)), return_exceptions=True)
        assert [type(fault) for fault in told] == [ConnectionError] * 5
        with pytest.raises(ConnectionError):
            await pipe.ask("GET", "again")


async def test_the_url_says_which_database(redis_url: str) -> None:
    url = f"{redis_url.rstrip('/').removesuffix('/0')}/1"
    async with Redis.from_url(redis_url) as redis, Redis.from_url(url) as other:
        await Pipe(redis).ask("SET", "here", "0")
        assert await Pipe(other).ask("GET", "here") is None
