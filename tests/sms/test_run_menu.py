"""Menus as SMS plays them: no PIN, nothing that is shown once, a refused action undone and told."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Once, Sentence, _
from mutuelle.schedules.digest.month import asked_month
from sms.conversations import Conversation
from sms.deps import InboundSms
from sms.keywords import Phrasebook
from sms.run_menu import play
from sms.tables import conversation
from talk.answers import pin
from talk.keyring import NO_KEYRING
from talk.keywords import ByMessage, by_message
from talk.tables import action, preference
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Option, ask, choose, confirm, do
from tests.support.sms_phone import Writer, handled, sms_deps
from tests.support.town import AWA, NOON, Clock, found_town, join


async def speak(db: AsyncConnection, caller: Caller, *, language: str, agreed: Consent) -> None:
    row = {"phone": caller.phone, "language": language, "chosen_at": caller.at}
    await db.execute(preference.insert(), row)
    if language != "en":
        raise RefusedError(_("The price has changed. Please look again."))


async def speaking(language: str) -> Sentence:
    agreed = await confirm(_("Speak English from now on?"))
    if agreed is None:
        return _("Nothing was changed.")
    await do(speak, language=language, agreed=agreed)
    return _("Your code: {code}", code=Once("480213"))


@by_message(_("ALPHA"))
async def good(caller: Caller) -> Sentence:
    return await speaking("en")


@by_message(_("BRAVO"))
async def refused(caller: Caller) -> Sentence:
    return await speaking("xx")


@by_message(_("CHARLIE"))
async def secretive(caller: Caller) -> Sentence:
    await confirm(_("Speak English from now on?"))
    await ask(_("Your work PIN?"), pin)
    raise AssertionError("a PIN was taken by SMS")


@pytest.fixture
async def awa(pool: AsyncEngine, clock: Clock) -> Writer:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    menus: list[ByMessage] = [good, refused, secretive]
    return Writer(replace(sms_deps(pool, clock), phrasebook=Phrasebook(menus)))


async def kept(pool: AsyncEngine) -> tuple[int, int]:
    """How many actions and preferences are in the tables."""
    async with pool.connect() as db:
        actions = await db.scalar(select(func.count()).select_from(action).where(action.c.gateway == "sms"))
        return actions or 0, await db.scalar(select(func.count()).select_from(preference)) or 0


async def test_what_is_shown_once_is_not_sent(awa: Writer, pool: AsyncEngine) -> None:
    answer = await awa.agree(await awa.send("alpha"))
    assert answer == "Ce code a été montré une seule fois. Pour en avoir un autre, appelez de nouveau."
    assert await kept(pool) == (1, 1)


async def test_a_refused_action_is_undone_and_its_reason_told(awa: Writer, pool: AsyncEngine) -> None:
    asked = await awa.send("bravo")
    again = await awa.agree(asked)
    assert again.startswith("Le prix a changé")
    assert asked in again
    assert await kept(pool) == (0, 0)
    assert await handled(pool) == [("ANSWERED", "menu"), ("ANSWERED", "answer")]
    assert "Rien n'a changé" in await awa.send("non")


async def test_a_pin_is_never_asked(awa: Writer, pool: AsyncEngine) -> None:
    assert "jamais votre code de travail par SMS" in await awa.agree(await awa.send("charlie"))
    assert await kept(pool) == (0, 0)


async def choosing(caller: Caller) -> Sentence:
    of = await ask(_("Which month?"), asked_month(NOON.date()))
    which = await choose(_("Of which mutuelle?"), [Option("a", "Benso"), Option("b", "Faso")])
    return _("{of} {which}", of=str(of), which=which.key)


async def test_words_that_only_meant_the_menu_stay_no_answer_when_it_goes_on(
    awa: Writer, pool: AsyncEngine
) -> None:
    """A treasurer of two mutuelles chooses one, and is not asked again for what her sentence did not say."""
    received = InboundSms("simulated", "sms:1", AWA, "combien avons nous en caisse")
    caller = Caller(AWA, "fr", "sms", received.id, NOON, NO_KEYRING)
    async with pool.connect() as db:
        talk = Conversation(AWA, received.id, "BALANCE", ordered=False)
        turn = await play(db, caller, received, choosing, talk, [received.body])
        later = replace(received, id="sms:2")
        turn = await play(db, caller, later, choosing, turn.talk, ["2"])
    assert (turn.shown.text, turn.shown.end) == ("None b", True)


async def test_yes_and_no_answer_an_open_confirmation_even_where_they_are_keywords(
    awa: Writer, pool: AsyncEngine
) -> None:
    contest = by_message(_("NO NOPE NEVER REFUSE"))(refused.menu)
    both = Writer(replace(awa.deps, phrasebook=Phrasebook([good, contest])))
    asked = await both.send("alpha")
    assert "Rien n'a changé" in await both.send("non")
    assert await both.send("non") != asked  # nothing waits: now it is the keyword
    assert await kept(pool) == (0, 0)
    async with pool.connect() as db:
        assert await db.scalar(select(conversation.c.keyword)) == "NO NOPE NEVER REFUSE"


@by_message(_("DELTA"))
async def offering(caller: Caller) -> Sentence:
    offers = [Option("one", _("alpha, {n} months", n=12)), Option("two", _("others"))]
    chosen = await choose(_("Which cover?"), offers)
    return _("Chosen: {key}", key=chosen.key)


async def test_a_choice_that_an_open_question_names_goes_before_the_keyword(awa: Writer) -> None:
    """Famille is a product and a keyword: who is asked which product has answered."""
    book = Phrasebook([good, offering])
    writer = Writer(replace(awa.deps, phrasebook=book))
    await writer.send("delta")
    assert "one" in await writer.send("alpha")
    await writer.send("delta")
    assert "Pour accepter" in await writer.send("alpha 3000"), "the keyword with its own answers"
