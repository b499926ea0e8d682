"""The session of a call in Redis: compare-and-set, other versions, nothing of a PIN."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from talk.engine import State
from talk.questions import Answer
from talk.screen import Shown, View
from talk.session import (
    RESUME_TTL_S,
    SCREENS_KEPT,
    SESSION_TTL_S,
    NamedText,
    OvertakenError,
    Session,
    Sessions,
    digest,
)

KEY = b"a key of the tests"
CALL, PHONE, SERVICE = "ATUid_1", "+22376000001", "*384*57#"
WALKED = Session(
    PHONE,
    SERVICE,
    "fr",
    State((Answer("Your village?", "choose", "kou"),), View("Your name?", 0, "", {"1": "kou"}, "words")),
    {digest(KEY, ""): "home", digest(KEY, "1"): "village"},
    length=1,
    acting=digest(KEY, "1*1"),
)


def named(digested: str, length: int) -> NamedText:
    return NamedText((digested,), length)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    connected = Redis.from_url(redis_url)
    yield connected
    await connected.aclose()


@pytest.fixture
def sessions(redis: Redis) -> Sessions:
    return Sessions(redis, "africastalking")


async def dropped(sessions: Sessions, phone: str, service: str) -> tuple[Answer, ...]:
    """What a dial of this phone is told of its last call."""
    return (await sessions.load_dial("a new call", phone, service))[2]


async def test_what_is_saved_is_what_is_loaded(sessions: Sessions) -> None:
    await sessions.save(CALL, WALKED, resumable=False)
    loaded, raw = await sessions.load(CALL)
    assert loaded == replace(WALKED, raw=raw)


def test_each_text_keeps_its_screen_and_the_last_of_them_how_it_ended() -> None:
    once = Shown("1234 is shown once", end=True, kept="**** is shown once")
    first = Session(PHONE, SERVICE, "fr").answered(named("a", 0), Shown("home", end=False), State(), 1)
    last = first.answered(named("b", 3), once, State(), 2)
    assert (last.length, last.last) == (3, "b")
    assert last.shown("a") == Shown("home", end=False)
    assert last.shown("b") == Shown("**** is shown once", end=True)
    assert last.shown("c") is None
    assert first.shown("b") is None, "a journal does not change"


def test_of_many_screens_the_oldest_go() -> None:
    session = Session(PHONE, SERVICE, "fr")
    for nth in range(SCREENS_KEPT + 5):
        session = session.answered(named(f"text {nth}", nth), Shown(str(nth), end=False), State(), nth)
    assert list(session.screens) == [f"text {nth}" for nth in range(5, SCREENS_KEPT + 5)]


async def test_of_two_copies_one_is_overtaken(sessions: Sessions) -> None:
    first = replace(WALKED, raw=await sessions.save(CALL, WALKED, resumable=False))
    await sessions.save(CALL, replace(first, language="en"), resumable=False)
    with pytest.raises(OvertakenError):
        await sessions.save(CALL, replace(first, language="fr"), resumable=False)
    with pytest.raises(OvertakenError):
        await sessions.save(CALL, WALKED, resumable=False)  # as if there were none yet


async def test_a_session_of_another_version_is_none(sessions: Sessions, redis: Redis) -> None:
    for other in ('{"version": 2, "answers": []}', '[0, "fr"]', "[]", "7"):
        await redis.set(f"call:africastalking:{CALL}", other)
        loaded, raw = await sessions.load(CALL)
        assert loaded is None
    await sessions.save(CALL, replace(WALKED, raw=raw), resumable=False)  # and can be written over


async def test_a_dropped_call_is_kept_for_its_phone_and_service_alone(sessions: Sessions) -> None:
    await sessions.save(CALL, WALKED, resumable=True)
    assert await dropped(sessions, PHONE, SERVICE) == WALKED.state.answers
    assert await dropped(sessions, "+22376000002", SERVICE) == ()
    assert await dropped(sessions, PHONE, "*999#") == ()


async def test_an_offer_that_is_cut_off_too_is_made_again(sessions: Sessions) -> None:
    offer = Session(PHONE, SERVICE, "fr", offered=WALKED.state.answers)
    await sessions.save("ATUid_2", offer, resumable=True)
    assert await dropped(sessions, PHONE, SERVICE) == WALKED.state.answers


async def test_a_call_that_ends_forgets_what_could_be_resumed(sessions: Sessions) -> None:
    raw = await sessions.save(CALL, WALKED, resumable=True)
    await sessions.save(CALL, replace(WALKED, raw=raw), resumable=False)
    assert await dropped(sessions, PHONE, SERVICE) == ()


async def test_everything_ends_by_itself(sessions: Sessions, redis: Redis) -> None:
    await sessions.save(CALL, WALKED, resumable=True)
    keys = sorted([key async for key in redis.scan_iter()])
    assert [await redis.ttl(key) for key in keys] == [SESSION_TTL_S, RESUME_TTL_S]


def test_a_digest_needs_its_key_and_tells_nothing_of_a_pin() -> None:
    assert digest(KEY, "1*4071") == digest(KEY, "1*4071")
    assert digest(KEY, "1*4071") != digest(b"another key", "1*4071")
    assert "4071" not in digest(KEY, "1*4071")
