"""A check as the doctor and the patient live it: one SMS or my work, and no code left lying about."""

import logging

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households import Household
from tests.clinic import DR_ROKIA, contract, open_facility
from tests.desk import covered_household, make
from tests.sms.writing import Writer, letterbox
from tests.town import AWA, MARIAM, NOON, Clock, Handset, found, join, paid
from ussd import calls

NEEDS_ONLY = "Seuls les médecins de la mutuelle"


@pytest.fixture
async def home(line: calls.Line) -> Household:
    """Awa's household, covered; the town is the line's."""
    return await covered_household(line.pool, founded=True)


@pytest.fixture
def doctor(line: calls.Line, clock: Clock) -> Writer:
    return Writer(letterbox(line.pool, clock), DR_ROKIA)


@pytest.mark.parametrize(
    "form",
    ["VERIF {n} {c}", "verif{n}{c}", "Vérif. {n}, {c}", "VERIFIER {n}*{c}", "verf {n} {c}", "verif {c} {n}"],
)
async def test_the_doctor_writes_as_it_comes(
    line: calls.Line, doctor: Writer, home: Household, form: str
) -> None:
    code = await make(line.pool, home)
    answer = await doctor.send(form.format(n=home.number, c=code))
    assert answer.startswith("A. K. : COUVERT le 22/11/2026"), answer


async def test_what_was_agreed_to_is_kept_and_the_message_with_the_code_is_not(
    line: calls.Line, doctor: Writer, home: Household
) -> None:
    code = await make(line.pool, home)
    await doctor.send(f"VERIF {home.number} {code}")
    async with line.pool.connect() as db:
        deed = (
            await db.execute(text("select name, facts, consent, screen from deed where gateway = 'sms'"))
        ).one()
    assert deed.name == "check_cover"
    assert deed.facts == {"number": home.number}
    assert deed.consent == (
        f"Vérifier maintenant la couverture du numéro {home.shown_number} ? "
        "La réponse est conservée et le ménage en est averti."
    )
    assert "COUVERT" in deed.screen


async def test_in_two_messages_it_takes_a_confirmation_like_any_other(
    line: calls.Line, doctor: Writer, home: Household
) -> None:
    code = await make(line.pool, home)
    assert "Écrivez en un seul message" in (await doctor.send("VERIF")).replace("Ecrivez", "Écrivez")
    asked = await doctor.send(f"{home.number} {code}")
    assert "Vérifier maintenant" in asked
    assert (await doctor.agree(asked)).startswith("A. K. : COUVERT")


async def test_a_code_is_nowhere_afterwards_but_in_the_message_that_brought_it(
    line: calls.Line, doctor: Writer, home: Household, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    awa, clinic = Handset(line, AWA), Handset(line, DR_ROKIA)
    by_phone, by_sms = await code_on_screen(awa), ""
    await clinic.dial("9", "1")
    await clinic.type(home.number)
    await clinic.type("1")
    assert "COUVERT" in await clinic.type(by_phone)
    by_sms = await code_on_screen(awa)
    assert "COUVERT" in await doctor.send(f"VERIF {home.number} {by_sms}")
    for code in (by_phone, by_sms):
        assert await tables_with(line.pool, code) == ({"sms_inbox"} if code == by_sms else set())
        assert code not in await all_of_redis(redis_url)
        assert code not in caplog.text


async def code_on_screen(handset: Handset) -> str:
    await handset.dial("5")
    await handset.type("1")
    screen = await handset.type("1")
    return screen.removeprefix("Code : ")[:6]


async def tables_with(pool: AsyncEngine, code: str) -> set[str]:
    """The tables that hold `code` as a word of its own."""
    async with pool.connect() as db:
        names = list(
            await db.scalars(
                text("select table_name from information_schema.tables where table_schema = 'public'")
            )
        )
        query = "select exists (select from {} t where t::text ~ '(^|[^0-9a-f]){}([^0-9a-f]|$)')"
        return {name for name in names if await db.scalar(text(query.format(name, code)))}


async def all_of_redis(url: str) -> str:
    async with Redis.from_url(url) as redis:
        return str([await redis.get(key) for key in await redis.keys("*")])


async def test_a_doctor_of_two_mutuelles_checks_members_of_both(
    line: calls.Line, doctor: Writer, home: Household
) -> None:
    async with line.pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
        await open_facility(db, code="ZAN")
        await contract(db, code="ZAN")
    other = await join(line.pool, MARIAM, at=NOON, code="ZAN", name="Mariam Sangaré")
    await paid(line.pool, other, at=NOON)
    for household, phone, mutuelle in ((home, AWA, "Mutuelle Benso"), (other, MARIAM, "Mutuelle Zantiéla")):
        code = await make(line.pool, household, phone=phone)
        assert mutuelle in await doctor.send(f"VERIF {household.number} {code}")


async def test_a_member_learns_nothing_even_with_a_right_code(
    line: calls.Line, clock: Clock, home: Household
) -> None:
    code = await make(line.pool, home)
    member = Writer(letterbox(line.pool, clock), AWA)
    answers = {
        await member.send(f"VERIF {number} {typed}")
        for number, typed in ((home.number, code), ("199999990", code), (home.number, "1"))
    }
    assert len(answers) == 1
    assert answers.pop().startswith(NEEDS_ONLY)


async def test_the_last_checks_are_read_in_my_work(line: calls.Line, doctor: Writer, home: Household) -> None:
    clinic = Handset(line, DR_ROKIA)
    await clinic.dial("9")
    assert "encore rien" in await clinic.type("2")
    answer = await doctor.send(f"VERIF {home.number} {await make(line.pool, home)}")
    await clinic.dial("9")
    assert await clinic.type("2") == f"22/11/2026 12:00 {answer[-7:-1]} COUVERT"
