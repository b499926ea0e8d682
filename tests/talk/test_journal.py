"""The journal of a call in Redis: compare-and-set, other versions, nothing of a PIN."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from talk.engine import State
from talk.journal import JOURNAL_TTL_S, RESUME_TTL_S, Journal, Journals, Overtaken, Step, digest
from talk.questions import Answer
from talk.screen import View

KEY = b"a key of the tests"
CALL, PHONE, SERVICE = "ATUid_1", "+22376000001", "*384*57#"
WALKED = Journal(
    PHONE,
    SERVICE,
    "fr",
    State((Answer("Your village?", "choose", "kou"),), View("Your name?", 0, "", {"1": "kou"}, "words")),
    (Step(0, digest(KEY, ""), "home", False), Step(1, digest(KEY, "1"), "village", False)),
    acting=digest(KEY, "1*1"),
    offered=(Answer("Your village?", "choose", "ban"),),
)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    connected = Redis.from_url(redis_url)
    yield connected
    await connected.aclose()


@pytest.fixture
def journals(redis: Redis) -> Journals:
    return Journals(redis, "africastalking")


async def test_what_is_saved_is_what_is_loaded(journals: Journals) -> None:
    await journals.save(CALL, WALKED, resumable=())
    loaded, raw = await journals.load(CALL)
    assert loaded == replace(WALKED, raw=raw)


async def test_of_two_copies_one_is_overtaken(journals: Journals) -> None:
    first = replace(WALKED, raw=await journals.save(CALL, WALKED, resumable=()))
    await journals.save(CALL, replace(first, language="en"), resumable=())
    with pytest.raises(Overtaken):
        await journals.save(CALL, replace(first, language="fr"), resumable=())
    with pytest.raises(Overtaken):
        await journals.save(CALL, WALKED, resumable=())  # as if there were none yet


async def test_a_journal_of_another_version_is_none(journals: Journals, redis: Redis) -> None:
    await redis.set(f"call:africastalking:{CALL}", '{"version": 0, "answers": []}')
    loaded, raw = await journals.load(CALL)
    assert loaded is None
    await journals.save(CALL, replace(WALKED, raw=raw), resumable=())  # and can be written over


async def test_a_dropped_call_is_kept_for_its_phone_and_service_alone(journals: Journals) -> None:
    await journals.save(CALL, WALKED, resumable=WALKED.state.answers)
    assert await journals.dropped(PHONE, SERVICE) == WALKED.state.answers
    assert await journals.dropped("+22376000002", SERVICE) == ()
    assert await journals.dropped(PHONE, "*999#") == ()


async def test_a_call_that_ends_forgets_what_could_be_resumed(journals: Journals) -> None:
    raw = await journals.save(CALL, WALKED, resumable=WALKED.state.answers)
    await journals.save(CALL, replace(WALKED, raw=raw), resumable=())
    assert await journals.dropped(PHONE, SERVICE) == ()


async def test_everything_ends_by_itself(journals: Journals, redis: Redis) -> None:
    await journals.save(CALL, WALKED, resumable=WALKED.state.answers)
    keys = sorted([key async for key in redis.scan_iter()])
    assert [await redis.ttl(key) for key in keys] == [JOURNAL_TTL_S, RESUME_TTL_S]


def test_a_digest_needs_its_key_and_tells_nothing_of_a_pin() -> None:
    assert digest(KEY, "1*4071") == digest(KEY, "1*4071")
    assert digest(KEY, "1*4071") != digest(b"another key", "1*4071")
    assert "4071" not in digest(KEY, "1*4071")
