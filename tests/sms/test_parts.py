"""Long messages that come in parts: in any order, again, lost, beside other messages; played once and whole, or not."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from sms import africastalking, parts, simulated
from sms.deps import SmsDeps
from sms.inbox import store_sms
from sms.inbox_worker import answer_next, answer_waiting
from sms.invariants import INVARIANTS
from sms.parts import CUT_WAIT, PARTS_WAIT
from sms.provider import SmsAdapter
from sms.tables import inbox as came
from sms.tables import outbox
from talk.tables import action
from tests.support.network_parts import network_parts
from tests.support.running_service import SECRET, House
from tests.support.sms_phone import Writer, code_in, sms_deps
from tests.support.town import AWA, NOON, Clock, found_town, join, paid

AGAIN = "Votre message n'est pas arrivé en entier, et rien n'a été fait. Merci de le renvoyer, plus court."
PLAIN, WITH_TWO_SEPTETS, UNICODE = "abcdefghij klm", "abc {}€", "çœê"
_ids = count(1)


@pytest.fixture
async def deps(pool: AsyncEngine, clock: Clock) -> SmsDeps:
    await found_town(pool)
    return replace(sms_deps(pool, clock), strangers_an_hour=100_000)


@dataclass
class Phone:
    """A phone whose SMS come in parts by one provider."""

    deps: SmsDeps
    phone: str
    provider: SmsAdapter = simulated
    ids: list[str] = field(default_factory=list)

    async def post(self, words: str, part: tuple[str, int, int] | None = None, message: str = "") -> str:
        """One SMS comes in, as the webhook stores it; returns its id."""
        form = {"id": message or f"part-{next(_ids)}", "from": self.phone, "to": "38457", "text": words}
        if part:
            form |= {"reference": part[0], "part": str(part[1]), "parts": str(part[2])}
        async with self.deps.pool.begin() as db:
            await store_sms(db, self.provider, form, self.deps.clock())
        return form["id"]

    async def rows(self, *states: str) -> list[tuple[str, str]]:
        """The body and the kind of what came, in order."""
        async with self.deps.pool.connect() as db:
            mine = came.c.phone == self.phone
            found = select(came.c.body, came.c.handled_as).where(mine, came.c.state.in_(states))
            return [(row.body, row.handled_as) for row in await db.execute(found.order_by(came.c.nth))]

    async def answers(self) -> list[str]:
        async with self.deps.pool.connect() as db:
            mine = (outbox.c.phone == self.phone) & outbox.c.is_reply
            return list(await db.scalars(select(outbox.c.body).where(mine).order_by(outbox.c.recorded_at)))


def words_of(chance: Random, letters: str, *, most: int = 700) -> str:
    return "".join(chance.choice(letters) for _letter in range(chance.randint(161, most)))


async def expect_invariants(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        for check in INVARIANTS:
            if check.name != "sms_in_is_played":  # the test's clock is not the database's
                assert (await db.execute(text(str(check.offenders)))).all() == [], check.name


@pytest.mark.parametrize("seed", range(6))
async def test_told_parts_make_one_message_or_none(deps: SmsDeps, clock: Clock, seed: int) -> None:
    """Four pairs of phones at once: each part shuffled, repeated under its own id and another, some lost."""
    chance = Random(seed)
    stories = [Story(Phone(deps, f"+22376{seed:02}{nth:04}"), chance) for nth in range(8)]
    coming = [(story, number) for story in stories for number in story.in_time]
    chance.shuffle(coming)
    for story, number in coming:
        clock.now += timedelta(seconds=chance.random())
        await story.comes(number)
        if chance.random() < 0.5:
            await asyncio.gather(answer_waiting(deps), answer_waiting(deps))
    assert [await story.phone.answers() for story in stories if story.lost] == [
        [] for story in stories if story.lost
    ]
    await stories[0].phone.post("aide")
    await answer_waiting(deps)
    assert len(await stories[0].phone.answers()) == 1 + (not stories[0].lost), "it is not held up"
    clock.now += PARTS_WAIT
    await answer_waiting(deps)
    for story in stories:  # what was lost comes after all, and a whole message once more
        for number in story.lost or range(1, story.of + 1):
            await story.comes(number)
            await answer_waiting(deps)
    clock.now += PARTS_WAIT
    await answer_waiting(deps)
    for story in stories:
        asked = (await story.phone.answers()).count(AGAIN)
        answered = await story.phone.rows("ANSWERED")
        played = [body for body, kind in answered if kind != "part" and body != "aide"]
        assert (asked, played) == ((1, []) if story.lost else (0, [story.words]))
        assert await story.phone.rows("WAITING") == []
    assert {bool(story.lost) for story in stories} == {True, False}
    await expect_invariants(deps.pool)


class Story:
    """A long message of a phone, which of its parts are lost on the way, and how often the others come."""

    def __init__(self, phone: Phone, chance: Random) -> None:
        self.phone, self.chance = phone, chance
        self.words = words_of(chance, chance.choice((PLAIN, WITH_TWO_SEPTETS, UNICODE))).strip()
        self.texts = network_parts(self.words, wide=chance.random() < 0.3)
        self.of, self.reference = len(self.texts), str(chance.randrange(256))
        some = chance.sample(range(1, self.of + 1), chance.randint(1, self.of - 1))
        self.lost = set(some) if chance.random() < 0.5 else set()
        came = [number for number in range(1, self.of + 1) if number not in self.lost]
        self.in_time = [number for number in came for _time in range(chance.choice((1, 1, 2)))]

    async def comes(self, number: int) -> None:
        own = f"{self.phone.phone} {number}" if self.chance.random() < 0.5 else ""
        await self.phone.post(self.texts[number - 1], (self.reference, number, self.of), own)


@pytest.mark.parametrize("seed", range(4))
async def test_parts_of_which_nothing_is_told_are_joined_by_time_and_phone(
    deps: SmsDeps, clock: Clock, seed: int
) -> None:
    chance = Random(seed)
    phones = [Phone(deps, f"+22376{seed:02}{nth:04}", africastalking) for nth in range(6)]
    whole = {phone.phone: words_of(chance, chance.choice((PLAIN, UNICODE)), most=400) for phone in phones}
    wide = chance.random() < 0.5
    coming = {phone.phone: network_parts(whole[phone.phone], wide=wide) for phone in phones}
    while any(coming.values()):
        phone = chance.choice([phone for phone in phones if coming[phone.phone]])
        words = coming[phone.phone].pop(0)
        sent = await phone.post(words)
        if chance.random() < 0.3:
            await phone.post(words, message=sent)  # the gateway repeats itself
        if chance.random() < 0.5:
            await asyncio.gather(answer_waiting(deps), answer_waiting(deps))
        clock.now += timedelta(seconds=chance.random())
    clock.now += CUT_WAIT  # of a last part as long as one that is followed
    await answer_waiting(deps)
    for phone in phones:
        assert [body for body, _kind in await phone.rows("ANSWERED")] == [whole[phone.phone]]
        assert {kind for _body, kind in await phone.rows("SET_ASIDE")} == {"part"}
        assert await phone.rows("WAITING") == []
    await expect_invariants(deps.pool)


def of_length(length: int) -> str:
    return ("couverture " * 20)[:length]


@pytest.mark.parametrize("length", [152, 153])
async def test_a_message_of_just_the_length_of_a_part_is_answered_after_a_short_wait(
    deps: SmsDeps, clock: Clock, length: int
) -> None:
    phone = Phone(deps, "+22376000001", africastalking)
    await phone.post(of_length(length))
    await answer_waiting(deps)
    assert await phone.answers() == []
    clock.now += CUT_WAIT
    await answer_waiting(deps)
    assert [body for body, _kind in await phone.rows("ANSWERED")] == [of_length(length)]
    await phone.post("aide")
    await answer_waiting(deps)
    assert len(await phone.answers()) == 2


@pytest.mark.parametrize("length", [4, 151, 154, 160])
@pytest.mark.parametrize("provider", [africastalking, simulated])
async def test_a_whole_message_is_never_kept_waiting(
    deps: SmsDeps, provider: SmsAdapter, length: int
) -> None:
    phone = Phone(deps, "+22376000001", provider)
    await phone.post(of_length(length))
    await answer_waiting(deps)
    assert len(await phone.answers()) == 1


async def test_what_waits_for_its_rest_holds_up_no_other_line(deps: SmsDeps) -> None:
    await Phone(deps, "+22376000001", africastalking).post(of_length(153))
    other = Phone(deps, "+22376000001", simulated)
    await other.post("aide")
    await answer_waiting(deps)
    assert len(await other.answers()) == 1


async def test_a_yes_in_a_message_with_a_hole_agrees_to_nothing(deps: SmsDeps, clock: Clock) -> None:
    await paid(deps.pool, await join(deps.pool, AWA, at=NOON, pay_minor=6_000), at=NOON)
    awa, in_parts = Writer(deps), Phone(deps, AWA)
    code = code_in(await awa.send("payer 3000"))
    await in_parts.post(f"OUI {code}", ("7", 1, 2))
    clock.now += PARTS_WAIT
    await answer_waiting(deps)
    assert (await in_parts.answers())[-1] == AGAIN
    async with deps.pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(action).where(action.c.gateway == "sms")) == 0
    assert "On va demander 3 000 F" in await awa.send(f"OUI {code}"), "the question is still open"


async def test_a_stranger_is_told_three_times_a_day_that_a_part_is_missing(
    deps: SmsDeps, clock: Clock
) -> None:
    phone = Phone(deps, "+22376000001")
    for reference in range(12):
        await phone.post("promo " * 20, (str(reference), 1, 2))
    clock.now += PARTS_WAIT
    await answer_waiting(deps)
    said = await phone.answers()
    assert (said[:2], len(said)) == ([AGAIN] * 2, 3)


class Killed(BaseException):
    """The process ends here."""


async def test_killed_between_the_parts_and_the_whole_it_is_played_once(
    deps: SmsDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(deps, "+22376000001")
    for number in (2, 1):
        await phone.post(f"bonjour {number} ", ("7", number, 2))

    async def killed(*_facts: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(parts, "_set_aside", killed)
        with pytest.raises(Killed):
            await answer_next(deps)
    await answer_waiting(deps)
    assert [body for body, _kind in await phone.rows("ANSWERED")] == ["bonjour 1 bonjour 2 "]
    assert len(await phone.answers()) == 1


async def test_parts_that_cannot_be_are_messages_of_their_own(deps: SmsDeps) -> None:
    phone = Phone(deps, "+22376000001")
    for part in (("7", 0, 2), ("7", 3, 2), ("7", 1, 1), ("7", 1, 256)):
        await phone.post("aide", part)
    await answer_waiting(deps)
    assert len([body for body, _kind in await phone.rows("ANSWERED", "SET_ASIDE")]) == 4
    assert await phone.rows("WAITING") == []


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait of a test that uses the time of day."""
    monkeypatch.setattr(parts, "PARTS_WAIT", timedelta(seconds=1))


@pytest.mark.usefixtures("hurried")
async def test_parts_come_over_http_by_reference(house: House) -> None:
    words = of_length(200)
    first, second = network_parts(words)
    for part, text_of_it, phone in (("2", second, AWA), ("1", first, AWA), ("1", first, "+22370000002")):
        form = {"id": f"{phone} {part}", "from": phone, "to": "38457", "text": text_of_it}
        form |= {"reference": "200", "part": part, "parts": "2"}
        answer = await house.http.post(f"/sms/simulated/{SECRET}/in", data=form)
        assert answer.status_code == 200
    await house.message("n'est pas arrivé en entier", "+22370000002")
    await house.message("")
    assert len(await house.messages()) == 1
    async with house.pool.connect() as db:
        played = select(came.c.phone, came.c.body).where(came.c.handled_as != "part")
        assert [tuple(row) for row in await db.execute(played)] == [(AWA, words)]


async def test_parts_of_which_africas_talking_tells_nothing_come_over_http(house: House) -> None:
    words = of_length(200)
    for nth, text_of_it in enumerate(network_parts(words)):
        form = {"id": f"ATXid_{nth}", "from": AWA, "to": "38457", "text": text_of_it}
        assert (await house.http.post(f"/at/{SECRET}/sms", data=form)).status_code == 200
    await house.message("")
    assert len(await house.messages()) == 1
    async with house.pool.connect() as db:
        played = select(came.c.body).where(came.c.handled_as != "part")
        assert list(await db.scalars(played)) == [words]
