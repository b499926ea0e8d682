"""The treasurer's duties, walked like every call with the longest facts; and the same by SMS, mutuelle by mutuelle."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from locales import languages
from mutuelle.officers.roles import Role
from mutuelle.schedules.digest.answers import answer_digest
from mutuelle.schedules.digest.month import asked_month
from mutuelle.schedules.jobs import run_schedules
from mutuelle.schedules.tables import digest_answer
from talk.answers import LONGEST_REASON
from talk.trouble import InvalidError
from talk.words import Caller
from tests.menus.test_walker import LONG_NAME, found_longest
from tests.menus.test_work import walked
from tests.support.officers import FANTA, ISSA, OUMOU, appoint
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, MARIAM, NOON, Clock, found, found_town, join, paid

APPOINTED = datetime(2026, 11, 13, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, 7, tzinfo=UTC)


@pytest.fixture
async def told(pool: AsyncEngine) -> AsyncEngine:
    """A mutuelle with the longest names, whose treasurers had their digest; all of them found it wrong."""
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
    await run_schedules(pool, timing.Clock.at(APPOINTED))
    household = await join(pool, AWA, at=MONDAY, name=LONG_NAME, ages=(45,) + (20,) * 9, pay_minor=840_000)
    await paid(pool, household, at=MONDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    for phone in (ISSA, "+22376000009"):
        for reason in ("x" * LONGEST_REASON, "[" * (LONGEST_REASON // 2)):
            await objects(pool, phone, reason)
    return pool


async def objects(pool: AsyncEngine, phone: str, reason: str) -> None:
    async with pool.begin() as db:
        await answer_digest(
            db,
            Caller(phone, "fr", "test", "call", NOON),
            mutuelle_id="BEN",
            digest_of=MONDAY.isoformat(),
            verdict="ERR",
            reason=reason,
        )


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_reads_the_balance_and_what_is_wrong(told: AsyncEngine, language: str) -> None:
    balance = await walked(told, FANTA, language, "9", "1")
    assert any("840 000 F" in screen for screen in balance.seen)
    wrong = await walked(told, FANTA, language, "9", "3")
    assert any("x" * LONGEST_REASON in screen for screen in wrong.seen)


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_answers_and_chooses_the_hour(told: AsyncEngine, language: str) -> None:
    assert (await walked(told, FANTA, language, "9", "2")).acted == 2
    assert (await walked(told, FANTA, language, "9", "4")).acted == 7 + 1 + 1


async def written(pool: AsyncEngine) -> list[tuple[str, str, str | None]]:
    async with pool.connect() as db:
        columns = (digest_answer.c.mutuelle_id, digest_answer.c.verdict, digest_answer.c.reason)
        rows = await db.execute(select(*columns).order_by(digest_answer.c.answered_at, *columns[:2]))
        return [(row[0], row[1], row[2]) for row in rows]


async def test_one_message_answers_in_any_spelling(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(APPOINTED))
    clock = Clock(MONDAY)
    fanta = Writer(sms_deps(pool, clock), FANTA)
    assert "comptes d'aujourd'hui" in await fanta.send("OK"), "before the first digest: about the balance"
    await run_schedules(pool, timing.Clock.at(MONDAY))
    for words in ("ok", "Ok. Merci bien", "erreur la caisse est à 0", "FAUX: il manque 500 F", "err"):
        await fanta.send(words)
    assert "la caisse" in await fanta.send("la caisse")
    assert await fanta.send("non") == "Rien n'a changé."
    assert sorted(await written(pool)) == [
        ("BEN", "ERR", "il manque 500 F"),
        ("BEN", "ERR", "la caisse est à 0"),
        ("BEN", "OK", None),
        ("BEN", "OK", None),
        ("BEN", "OK", None),
    ]


async def test_an_ok_with_a_but_is_none(pool: AsyncEngine) -> None:
    await found_town(pool)
    fanta = Writer(sms_deps(pool, Clock(MONDAY)), FANTA)
    for words in ("ok mais il manque 500", "OK sauf Mariam", "ok 5000"):
        assert (await fanta.send(words)).startswith("Rien n'a été noté."), words
    assert await written(pool) == []


@pytest.mark.parametrize(
    ("typed", "month"),
    [
        ("11", (2026, 11)),
        ("novembre", (2026, 11)),
        ("nov.", (2026, 11)),
        ("du mois", (2026, 11)),
        ("de ce mois svp", (2026, 11)),
        ("this month", (2026, 11)),
        ("le mois de novembre", (2026, 11)),
        ("je veux le bilan du mois de novembre", (2026, 11)),
        ("donne le bilan de novembre 2025 chef", (2025, 11)),
        ("montre le bilan du mois dernier", (2026, 10)),
        ("mois passé", (2026, 10)),
        ("du mois dernier", (2026, 10)),
        ("last month", (2026, 10)),
        ("12", (2025, 12)),
        ("décembre", (2025, 12)),
        ("aout 2025", (2025, 8)),
        ("8/25", (2025, 8)),
        ("january", (2026, 1)),
        ("", None),
        ("de", None),
    ],
)
def test_a_month_is_said_in_many_ways(typed: str, month: tuple[int, int] | None) -> None:
    assert asked_month(date(2026, 11, 29)).parse(typed) == (date(*month, 1) if month else None)


@pytest.mark.parametrize(
    "typed", ["hier", "13", "0", "jui", "11 12 13", "tout", "12/2026", "décembre dernier"]
)
def test_other_words_behind_the_balance_are_not_passed_over(typed: str) -> None:
    with pytest.raises(InvalidError):
        asked_month(date(2026, 11, 29)).parse(typed)


async def test_a_treasurer_of_two_mutuelles_is_asked_which(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    await run_schedules(pool, timing.Clock.at(APPOINTED))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    fanta = Writer(sms_deps(pool, Clock(MONDAY)), FANTA)
    asked = await fanta.send("BILAN")
    assert asked.split("\n")[0] == "De quelle mutuelle ?"
    assert (await fanta.send("2")).startswith("Mutuelle Zantiéla, depuis le 16/11 : rien")
    assert (await fanta.send("OK")).startswith("Le bilan de quelle mutuelle ?")
    asked = await fanta.send("2")
    assert "le bilan du 16/11/2026 est-il juste ?" in asked
    assert "Merci" in await fanta.agree(asked)
    assert await written(pool) == [("ZAN", "OK", None)]


async def test_who_is_no_treasurer_learns_nothing(pool: AsyncEngine) -> None:
    await found_town(pool)
    await paid(pool, await join(pool, AWA, at=APPOINTED), at=APPOINTED)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None, at=APPOINTED)
    await run_schedules(pool, timing.Clock.at(APPOINTED))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    box = sms_deps(pool, Clock(MONDAY))
    awa, oumou, stranger = (Writer(box, phone) for phone in (AWA, OUMOU, MARIAM))
    assert await oumou.send("BILAN") == "Vous n'avez pas d'argent de Mutuelle Benso en main."
    for words in ("BILAN", "ERR il manque 500 F", "DETAIL"):
        assert (await awa.send(words)).startswith("Message non compris"), words
    assert await awa.send("OK") == ""
    for words in ("OK", "ERR il manque 500 F"):
        assert await oumou.send(words) == "Ce mot est réservé aux trésoriers d'une mutuelle."
    assert "Benso" not in await stranger.send("BILAN")
    assert await stranger.send("OK") == ""
    assert await written(pool) == []


async def test_the_month_of_a_balance_is_the_mutuelles_own(pool: AsyncEngine) -> None:
    """On 30 November at 23:30 in Bamako it is December in Douala."""
    midnight = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    async with pool.begin() as db:
        await found(db, timezone="Africa/Douala")
    fanta = Writer(sms_deps(pool, Clock(midnight)), FANTA)
    assert "décembre 2026" in await fanta.send("BILAN DU MOIS")
    assert "au 01/12" in await fanta.send("BILAN 12")


async def test_a_collector_of_two_mutuelles_says_whose_cash(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zanga", treasurers=())
    for code in ("BEN", "ZAN"):
        await appoint(pool, OUMOU, Role.COLLECTOR, code=code, pin=None)
    oumou = Writer(sms_deps(pool, Clock(NOON)), OUMOU)
    assert "2 Mutuelle Zanga" in await oumou.send("BILAN")
    assert "Mutuelle Zanga" in await oumou.send("2")


async def test_a_mutuelle_without_places_has_nobody_who_is_late(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db, villages=())
    fanta = Writer(sms_deps(pool, Clock(NOON)), FANTA)
    assert await fanta.send("RETARDS") == "Mutuelle Benso : personne n'est en retard."
