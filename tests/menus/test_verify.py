"""A check as the doctor and the patient live it: one SMS or my work, and no code left lying about."""

import logging

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.households import Household
from tests.support.clinic import DR_ROKIA, contract, open_facility
from tests.support.doctor_desk import covered_household, make
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, MARIAM, NOON, Clock, Handset, found, join, paid
from ussd import calls

NEEDS_ONLY = "Seuls les médecins de la mutuelle"


@pytest.fixture
async def household(ussd_deps: calls.UssdDeps) -> Household:
    """Awa's household, covered; the town is the line's."""
    return await covered_household(ussd_deps.pool, founded=True)


@pytest.fixture
def doctor(ussd_deps: calls.UssdDeps, clock: Clock) -> Writer:
    return Writer(sms_deps(ussd_deps.pool, clock), DR_ROKIA)


@pytest.mark.parametrize(
    "form",
    ["VERIF {n} {c}", "verif{n}{c}", "Vérif. {n}, {c}", "VERIFIER {n}*{c}", "verf {n} {c}", "verif {c} {n}"],
)
async def test_the_doctor_writes_as_it_comes(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household, form: str
) -> None:
    code = await make(ussd_deps.pool, household)
    answer = await doctor.send(form.format(n=household.number, c=code))
    assert answer.startswith("A. K. : COUVERT le 22/11/2026"), answer


async def test_what_was_agreed_to_is_kept_and_the_message_with_the_code_is_not(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    await doctor.send(f"VERIF {household.number} {code}")
    async with ussd_deps.pool.connect() as db:
        action = (
            await db.execute(text("select name, facts, consent, screen from action where gateway = 'sms'"))
        ).one()
    assert action.name == "check_cover"
    assert action.facts == {"number": household.number}
    assert action.consent == (
        f"Vérifier maintenant la couverture du numéro {household.shown_number} ? "
        "La réponse est conservée et le ménage en est averti."
    )
    assert "COUVERT" in action.screen


async def test_in_two_messages_it_takes_a_confirmation_like_any_other(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    assert "Écrivez en un seul message" in (await doctor.send("VERIF")).replace("Ecrivez", "Écrivez")
    asked = await doctor.send(f"{household.number} {code}")
    assert "Vérifier maintenant" in asked
    assert (await doctor.agree(asked)).startswith("A. K. : COUVERT")


async def test_a_code_is_nowhere_afterwards_but_in_the_message_that_brought_it(
    ussd_deps: calls.UssdDeps,
    doctor: Writer,
    household: Household,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    awa, clinic = Handset(ussd_deps, AWA), Handset(ussd_deps, DR_ROKIA)
    by_phone, by_sms = await code_on_screen(awa), ""
    await clinic.dial("9", "1")
    await clinic.type(household.number)
    await clinic.type("1")
    assert "COUVERT" in await clinic.type(by_phone)
    by_sms = await code_on_screen(awa)
    assert "COUVERT" in await doctor.send(f"VERIF {household.number} {by_sms}")
    for code in (by_phone, by_sms):
        assert await tables_with(ussd_deps.pool, code) == ({"sms_inbox"} if code == by_sms else set())
        assert code not in await all_of_redis(redis_url)
        assert code not in caplog.text


async def code_on_screen(handset: Handset) -> str:
    await handset.dial("5")
    await handset.type("1")
    screen = await handset.type("1")
    return screen.split("\npuis ")[1][:7]


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
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    async with ussd_deps.pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
        await open_facility(db, code="ZAN")
        await contract(db, code="ZAN")
    other = await join(ussd_deps.pool, MARIAM, at=NOON, code="ZAN", name="Mariam Sangaré")
    await paid(ussd_deps.pool, other, at=NOON)
    for shown, phone, mutuelle in (
        (household, AWA, "Mutuelle Benso"),
        (other, MARIAM, "Mutuelle Zantiéla"),
    ):
        code = await make(ussd_deps.pool, shown, phone=phone)
        assert mutuelle in await doctor.send(f"VERIF {shown.number} {code}")


async def test_a_member_learns_nothing_even_with_a_right_code(
    ussd_deps: calls.UssdDeps, clock: Clock, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    member = Writer(sms_deps(ussd_deps.pool, clock), AWA)
    answers = {
        await member.send(f"VERIF {number} {typed}")
        for number, typed in ((household.number, code), ("199999990", code), (household.number, "1"))
    }
    assert len(answers) == 1
    assert answers.pop().startswith(NEEDS_ONLY)


async def test_the_last_checks_are_read_in_my_work(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    clinic = Handset(ussd_deps, DR_ROKIA)
    await clinic.dial("9")
    assert "encore rien" in await clinic.type("2")
    answer = await doctor.send(f"VERIF {household.number} {await make(ussd_deps.pool, household)}")
    await clinic.dial("9")
    assert await clinic.type("2") == f"22/11/2026 12:00 {answer[-7:-1]} COUVERT"
