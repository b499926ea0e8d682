"""Actions: once for each hop, with the facts and words agreed to, all or nothing."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money, _
from prepared import unframed
from talk.actions import ActionKey, StillRunningError, enact, facts_hash, outcome, perform, recorded_facts
from talk.answers import Secret
from talk.preferences import language_of
from talk.screen import Shown
from talk.tables import action as actions
from talk.tables import preference
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Do
from tests.support.town import AWA, NOON
from values import value

CALLER = Caller(AWA, "fr", "test", "call-1", NOON)
KEY = ActionKey("test", "call-1", AWA, 7, ("digest",))
YES = Consent("Agreed? 1 Yes 2 No")


async def speak(
    db: AsyncConnection, caller: Caller, *, language: str, agreed: Consent, pin: Secret | None = None
) -> str:
    row = {"phone": caller.phone, "language": language, "chosen_at": caller.at}
    await db.execute(preference.insert(), row)
    return language


async def refuse(db: AsyncConnection, caller: Caller, **facts: Any) -> None:
    await speak(db, caller, language="en", agreed=YES)
    raise RefusedError(_("The price has changed. Please look again."))


def spoken(result: Any) -> Shown:
    return Shown(f"Done: {result}", end=True)


def wish(**facts: Any) -> Do[Any]:
    return Do(speak, tuple(sorted({"agreed": YES, **facts}.items())))


async def test_an_action_is_kept_with_its_facts_words_and_screen(pool: AsyncEngine) -> None:
    shown = await perform(
        unframed(pool), KEY, CALLER, wish(language="en", pin=Secret("4071")), YES.words, spoken
    )
    async with pool.connect() as db:
        kept = (await db.execute(select(actions))).one()
        assert await outcome(db, KEY) == shown == Shown("Done: en", end=True)
    assert kept.facts == {"language": "en"}
    assert kept.consent == YES.words
    assert kept.facts_hash == facts_hash("speak", kept.facts, kept.consent)
    assert "4071" not in repr(kept)


async def test_the_same_action_again_shows_the_screen_of_the_first(pool: AsyncEngine) -> None:
    first = await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, spoken)
    again = await perform(unframed(pool), KEY, CALLER, wish(language="fr"), YES.words, spoken)
    assert again == first
    async with pool.connect() as db:
        assert await language_of(db, AWA) == "en"
        assert await db.scalar(select(func.count()).select_from(actions)) == 1


async def test_an_action_is_found_again_while_the_secret_rotates(pool: AsyncEngine) -> None:
    await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, spoken)
    rotated = replace(KEY, transcripts=("digest under the new key", "digest"))
    async with pool.connect() as db:
        assert await outcome(db, rotated) == Shown("Done: en", end=True)
        assert await outcome(db, replace(KEY, transcripts=("another text",))) is None


async def test_a_copy_that_meets_an_action_under_way_says_that_it_is_still_running(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talk.actions.LOCK_TIMEOUT", "200ms")
    async with pool.connect() as first:
        await enact(first, KEY, CALLER, wish(language="en"), YES.words, spoken)
        with pytest.raises(StillRunningError):
            await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, spoken)
        await first.commit()
    assert await perform(unframed(pool), KEY, CALLER, wish(language="fr"), YES.words, spoken) == Shown(
        "Done: en", end=True
    )


async def test_what_is_shown_once_is_not_kept(pool: AsyncEngine) -> None:
    def shows_once(result: Any) -> Shown:
        return Shown("Your code: 480213", end=True, kept="Your code: ****")

    shown = await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, shows_once)
    again = await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, shows_once)
    assert (shown.text, again.text) == ("Your code: 480213", "Your code: ****")
    async with pool.connect() as db:
        assert "480213" not in repr((await db.execute(select(actions))).one())


async def test_a_refused_action_leaves_nothing_and_can_be_done_later(pool: AsyncEngine) -> None:
    with pytest.raises(RefusedError):
        await perform(unframed(pool), KEY, CALLER, Do(refuse, (("agreed", YES),)), YES.words, spoken)
    async with pool.connect() as db:
        assert await outcome(db, KEY) is None
        assert await language_of(db, AWA) == "fr"
    done = await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, spoken)
    assert done.text == "Done: en"


async def test_a_menu_that_fails_after_its_action_undoes_it(pool: AsyncEngine) -> None:
    def stumble(result: Any) -> Shown:
        raise RuntimeError("a menu acts once, last")

    with pytest.raises(RuntimeError):
        await perform(unframed(pool), KEY, CALLER, wish(language="en"), YES.words, stumble)
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(actions)) == 0
        assert await language_of(db, AWA) == "fr"


def test_facts_are_plain_data() -> None:
    facts = (("price", Money(500, "XOF")), ("day", NOON.date()), ("ages", (45, 3)), ("agreed", YES))
    assert recorded_facts(facts) == {
        "price": {"amount_minor": 500, "currency": "XOF"},
        "day": "2026-11-22",
        "ages": [45, 3],
    }
    with pytest.raises(TypeError):
        recorded_facts((("price", 1.5),))


@value
class Terms:
    price: Money
    pin: Secret


def test_a_value_is_recorded_as_its_fields() -> None:
    facts = (("number", "7"), ("terms", Terms(Money(500, "XOF"), Secret("12345"))))
    assert recorded_facts(facts) == {"number": "7", "price": {"amount_minor": 500, "currency": "XOF"}}
