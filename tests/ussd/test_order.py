"""Hops that carry the last input only: repeated, late, new, begun anew, over; on the same promises as any other."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from talk.tables import action
from tests.support.town import AWA, MARIAM, Clock
from ussd import calls, deps
from ussd.hop import Hop

HOME = "Keneya, votre mutuelle de santé\n1 Adhérer"
JOIN = ("1", "1", "awa koné", "45*38*12*7", "1")
THINKS = timedelta(seconds=5)
_calls = count(1)


@dataclass
class LastInputPhone:
    """A phone whose gateway sends the last input, and its number if it `counts`."""

    ussd_deps: calls.UssdDeps
    clock: Clock
    counts: bool = False
    says_when_it_begins: bool = True
    phone: str = AWA
    call: str = ""
    number: int = 0
    sent: list[Hop] = field(default_factory=list)

    async def dial(self, dialled: str = "", call: str = "") -> str:
        self.call, self.number = call or f"last-{next(_calls)}", 0
        return await self._next(dialled, past_dial=False if self.says_when_it_begins else None)

    async def type(self, *words: str) -> str:
        shown = ""
        for word in words:
            shown = await self._next(word, past_dial=True if self.says_when_it_begins else None)
        return shown

    async def _next(self, text: str, *, past_dial: bool | None) -> str:
        self.clock.now += THINKS
        self.number += 1
        number = self.number if self.counts else None
        hop = Hop("test", self.call, self.phone, "*57#", text, past_dial, last_only=True, sequence=number)
        return await self.send(hop)

    async def send(self, hop: Hop | None = None) -> str:
        """This hop, or the newest one once more."""
        self.sent.append(hop or self.sent[-1])
        self.shown = await calls.hop(self.ussd_deps, self.sent[-1])
        return self.shown.text


@pytest.fixture(params=[False, True], ids=["without numbers", "with numbers"])
def awa(request: pytest.FixtureRequest, ussd_deps: calls.UssdDeps, clock: Clock) -> LastInputPhone:
    return LastInputPhone(ussd_deps, clock, counts=request.param)


async def acted(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        return int(await db.scalar(select(func.count()).select_from(action)) or 0)


async def test_the_same_input_is_typed_twice_and_a_copy_is_not(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    await awa.dial()
    village = await awa.type("1")
    assert "Où habitez-vous" in village
    clock.now += timedelta(seconds=1.9)
    assert await awa.send() == village, "the gateway repeats the hop"
    assert "prénom" in await awa.type("1"), "she types 1 again"
    assert await acted(pool) == 0


async def test_an_acting_hop_acts_once_however_late_its_copy_comes(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    await awa.dial()
    assert "J'accepte" in await awa.type(*JOIN)
    welcome = await awa.type("1")
    assert "Bienvenue" in welcome
    for later in (0, 1, 600):
        clock.now += timedelta(seconds=later)
        assert (await awa.send(), awa.shown.end) == (welcome, True)
    assert await acted(pool) == 1


async def test_parallel_copies_of_an_acting_hop_act_once_and_show_one_screen(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    await awa.dial()
    await awa.type(*JOIN)
    clock.now += THINKS
    number = awa.number + 1 if awa.counts else None
    yes = replace(awa.sent[-1], text="1", sequence=number)
    copies = await asyncio.gather(*(calls.hop(awa.ussd_deps, yes) for _copy in range(6)))
    assert len({shown.text for shown in copies}) == 1
    assert "Bienvenue" in copies[0].text
    assert await acted(pool) == 1


async def test_nothing_is_played_behind_the_last_screen(awa: LastInputPhone, pool: AsyncEngine) -> None:
    await awa.dial()
    welcome = await awa.type(*JOIN, "1")
    assert [await awa.type("7"), awa.shown.end] == [welcome, True]
    assert await acted(pool) == 1


async def test_a_counted_hop_that_comes_late_gets_the_screen_it_had(
    ussd_deps: calls.UssdDeps, clock: Clock
) -> None:
    awa = LastInputPhone(ussd_deps, clock, counts=True)
    home = await awa.dial()
    village = await awa.type("1")
    name = await awa.type("1")
    late, last = awa.sent[1], awa.sent[2]
    clock.now += THINKS
    assert [await awa.send(awa.sent[0]), await awa.send(late), await awa.send(last)] == [home, village, name]
    assert "Combien d'années" in await awa.type("awa koné"), "the call goes on where it was"


async def test_a_number_with_another_input_is_no_copy(ussd_deps: calls.UssdDeps, clock: Clock) -> None:
    awa = LastInputPhone(ussd_deps, clock, counts=True)
    await awa.dial()
    await awa.type("1")
    assert (await awa.send(replace(awa.sent[-1], text="7"))).startswith(HOME)


async def test_what_the_gateway_says_is_over_goes_on_no_more_and_is_offered_on_redial(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    await awa.dial()
    confirmation = await awa.type(*JOIN)
    await calls.hung_up(awa.ussd_deps, awa.call, "cancelled")
    copy = confirmation if not awa.counts else "L'appel est terminé."  # 1 was typed before, too
    assert [await awa.type("1"), awa.shown.end] == [copy, True]
    assert [await awa.type("2"), awa.shown.end] == ["L'appel est terminé.", True]
    assert await acted(pool) == 0, "a yes that comes after the end is none"
    assert "pas fini" in await awa.dial()
    assert "Combien payez-vous" in await awa.type("1")


async def test_a_yes_that_came_before_the_end_was_told_is_done(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    """Its work takes longer than the gateway waits: the event arrives while the hop is under way."""
    await awa.dial()
    await awa.type(*JOIN)
    awa.ussd_deps.deadline_s = 0
    assert "en cours" in await awa.type("1")
    clock.now += THINKS
    await calls.hung_up(awa.ussd_deps, awa.call, "timed out")
    await asyncio.wait(awa.ussd_deps.running)
    assert await acted(pool) == 1


async def test_a_dial_under_the_name_of_an_earlier_call_begins_anew_and_acts_anew(
    awa: LastInputPhone, clock: Clock, pool: AsyncEngine
) -> None:
    """Some gateways count their sessions and begin again at 1."""
    for times, (name, language) in enumerate((("17", "2"), ("18", "1"), ("17", "2")), start=1):
        await awa.dial(call=name)
        await awa.type("8", language, "1")
        assert (awa.shown.end, await acted(pool)) == (True, times)


async def test_another_phone_in_the_same_call_inherits_nothing(
    awa: LastInputPhone, pool: AsyncEngine
) -> None:
    await awa.dial()
    await awa.type(*JOIN)
    awa.phone = MARIAM
    assert (await awa.type("1")).startswith(HOME)
    assert await acted(pool) == 0


async def test_answers_dialled_at_once_are_used_as_far_as_the_confirmation(
    awa: LastInputPhone, pool: AsyncEngine
) -> None:
    assert "J'accepte" in await awa.dial("1*1*Awa Kone*45 38*1*1*1")
    assert await acted(pool) == 0
    assert "Bienvenue" in await awa.type("1")


async def test_a_call_whose_session_is_lost_starts_at_home_and_does_nothing(
    awa: LastInputPhone, redis_url: str, pool: AsyncEngine
) -> None:
    await awa.dial()
    await awa.type(*JOIN)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    assert (await awa.type("1")).startswith(HOME)
    assert await acted(pool) == 0


async def test_no_pin_is_kept_and_two_calls_with_the_same_input_have_other_digests(
    awa: LastInputPhone, redis_url: str
) -> None:
    kept: list[list[object]] = []
    for _call in range(2):
        await awa.dial()
        await awa.type("40719911")
        async with Redis.from_url(redis_url) as redis:
            kept.append([await redis.get(key) for key in await redis.keys("*")])
            await redis.flushall()
    assert "40719911" not in repr(kept)
    assert kept[0] != kept[1]


async def test_where_nobody_says_that_a_call_begins_the_first_hop_of_a_name_does(
    ussd_deps: calls.UssdDeps, clock: Clock, pool: AsyncEngine
) -> None:
    awa = LastInputPhone(ussd_deps, clock, says_when_it_begins=False)
    assert (await awa.dial("384*57")).startswith(HOME)
    assert "Bienvenue" in await awa.type(*JOIN, "1")
    welcome, confirming = awa.shown, awa.sent[-1]
    clock.now += timedelta(minutes=5)
    assert await awa.send(confirming) == welcome.text, "the last hop once more"
    assert "1 Ma couverture" in await awa.type("384*57"), "anything else is a new call of that name"
    assert await acted(pool) == 1


# A network with little room.


@pytest.fixture
def tight(ussd_deps: calls.UssdDeps, clock: Clock) -> LastInputPhone:
    return LastInputPhone(replace(ussd_deps, room=80, running=set()), clock)


async def test_what_is_agreed_to_is_read_to_its_end_before_a_yes_counts(
    tight: LastInputPhone, pool: AsyncEngine
) -> None:
    await tight.dial()
    await tight.type(*JOIN)
    while "J'accepte" not in tight.shown.text:
        assert tight.shown.text.endswith("\n98 Suite")
        assert await acted(pool) == 0
        await tight.type("1")
    assert tight.shown.text.endswith("1 J'accepte\n2 Non")
    assert await acted(pool) == 0, "each 1 was no yes, but led to the next part"
    assert "Bienvenue" in await tight.type("1")
    async with pool.connect() as db:
        consent = str(await db.scalar(select(action.c.consent)))
    assert consent.startswith("Mutuelle Benso, Famille : 12 000 F.")
    assert consent.endswith("1 J'accepte\n2 Non"), "the whole screen is what was agreed to"


async def test_a_last_screen_in_parts_goes_on_until_its_end_and_a_copy_shows_its_part(
    tight: LastInputPhone, pool: AsyncEngine
) -> None:
    await tight.dial()
    await tight.type(*JOIN)
    while "J'accepte" not in tight.shown.text:
        await tight.type("98")
    tight.ussd_deps.room, told = 60, ""
    await tight.type("1")
    parts = 0
    while not tight.shown.end:
        parts += 1
        part = tight.shown.text
        assert (part.endswith("\n98 Suite"), len(part) <= 60) == (True, True)
        assert await tight.send() == part
        told += part.removesuffix("98 Suite")
        await tight.type("98")
    said = " ".join((told + tight.shown.text).split())
    assert parts > 0
    assert said.startswith("Bienvenue chez Mutuelle Benso")
    assert said.endswith("validez avec votre code secret. Rien à l'écran ? Composez *888#.")
    assert await acted(pool) == 1


async def test_without_memory_a_call_that_cannot_be_followed_is_told_so(
    ussd_deps: calls.UssdDeps, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_asked: object) -> None:
        raise RedisError

    awa = LastInputPhone(ussd_deps, clock)
    monkeypatch.setattr(ussd_deps.sessions._pipe, "ask", down)
    assert [await awa.dial(), awa.shown.end] == [render(calls.NO_MEMORY, "fr"), True]


async def test_a_dial_is_refused_before_a_hop_of_a_call(
    awa: LastInputPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await awa.dial()
    monkeypatch.setattr(deps, "MOST_FOR_A_DIAL", 0)
    assert "Où habitez-vous" in await awa.type("1")
    assert await awa.dial() == render(calls.BUSY, "fr")
