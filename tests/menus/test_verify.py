"""A check as the doctor and the patient live it: one SMS or my work, and no code left lying about."""

import logging
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import _, render
from menus.verify import one_at_a_time
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role
from talk.layout import longest
from tests.support.clinic import DR_ROKIA, contract, open_facility
from tests.support.doctor_desk import covered_household, give_card, make
from tests.support.officers import appoint
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
    assert action.facts == {"number": household.number, "service": ""}
    assert action.consent == (
        f"Vérifier maintenant la couverture du numéro {household.shown_number} ? "
        "La réponse est conservée et le ménage en est averti."
    )
    assert "COUVERT" in action.screen


async def test_whoever_is_asked_for_both_sends_both_and_is_answered(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    assert "les 9 chiffres" in await doctor.send("VERIF")
    assert (await doctor.send(f"{household.number} {code}")).startswith("A. K. : COUVERT")


@pytest.mark.parametrize(
    "messages",
    [
        ["{n} {c}"],
        ["{n}", "{c}"],
        ["{c}", "{n}"],
        ["VERIF {n}", "{c}"],
        ["verif {c}", "{n}"],
        ["VERIF", "{c}", "{n}"],
        ["{n}", "VERIF {n} {c}"],
        ["{n}", "{n} {c}"],
        ["bonjour docteur {n} code {c} svp"],
        ["{n}", "12345", "{c}"],
        ["VERIF {n}", "VERIF {c}"],
        ["verif {c}", "verif {n}"],
        ["{n}", "VERIF 199000029 123456", "VERIF {n} {c}"],
        ["numero {n}", "code {c}"],
        ["Code : {c}", "patient {n} svp"],
        ["code {c} numero {n}"],
        ["docteur {n} {c}"],
        ["199000029", "{n}", "{c}"],
        ["123456", "{c}", "{n}"],
        ["123456", "199000029", "{n} {c}"],
    ],
)
async def test_number_and_code_in_two_messages_or_without_the_word(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household, messages: list[str]
) -> None:
    code = await make(ussd_deps.pool, household)
    answers = [await doctor.send(one.format(n=household.number, c=code)) for one in messages]
    assert answers[-1].startswith("A. K. : COUVERT le 22/11/2026"), answers
    assert await tables_with(ussd_deps.pool, code) == {"sms_inbox"}


async def test_a_part_waits_five_minutes_and_no_longer(
    ussd_deps: calls.UssdDeps, doctor: Writer, clock: Clock, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    assert await doctor.send(household.number) == (
        f"Et le code du {household.shown_number} (6 chiffres) ? Sans code : l'année de naissance"
    )
    clock.now += timedelta(minutes=5, seconds=1)
    assert "numéro" in await doctor.send(code), "it is taken for the first part of another check"
    clock.now += timedelta(minutes=5, seconds=1)
    assert "Et le code" in await doctor.send(household.number)
    assert await failures(ussd_deps.pool) == 0


async def test_of_two_patients_in_a_message_the_first_is_answered_and_it_is_said(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    code = await make(ussd_deps.pool, household)
    answer = await doctor.send(f"VERIF {household.number} {code} 199000029 246813")
    assert answer.startswith("A. K. : COUVERT")
    assert answer.endswith("Un patient par SMS : envoyez le suivant.")
    assert await failures(ussd_deps.pool) == 0


def test_that_one_patient_is_answered_is_said_also_behind_an_answer_of_many_people() -> None:
    listed = "N. M. W. 45, " * 11
    answer = _("{one} {other}", one=listed, other="a").or_else(_("{one} {other}", one="30", other="b"))
    said = longest(one_at_a_time(answer), "fr", 160)
    assert render(said, "fr") == "30 b Un patient par SMS : envoyez le suivant."


@pytest.mark.parametrize(
    "messages",
    [
        ["VERIF {n} 1981"],
        ["verif {n} né en 1981"],
        ["{n} 1981"],
        ["{n}", "1981"],
        ["VERIF", "{n}", "1981"],
        ["VERIF {n}", "née en 1981 svp"],
        ["VERIF", "{n} 1981"],
        ["VERIF {n} 1981 199000029 1990"],
    ],
)
async def test_number_and_year_of_birth_in_one_message_or_two(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household, messages: list[str]
) -> None:
    answers = [await doctor.send(one.format(n=household.number)) for one in messages]
    assert answers[-1].startswith("A. K. : COUVERT le 22/11/2026"), answers
    assert "Sans code." in answers[-1]
    assert ("Un patient par SMS" in answers[-1]) == ("1990" in messages[-1])
    assert await failures(ussd_deps.pool) == 0


async def test_a_code_of_the_card_by_sms_with_and_without_the_year_in_one_message_or_two(
    ussd_deps: calls.UssdDeps, doctor: Writer, household: Household
) -> None:
    codes = await give_card(ussd_deps.pool, household)
    everybody, one = "A. K. 45, 38, 12, 7 ans : COUVERT", "personne de 38 ans : COUVERT"
    assert (await doctor.send(f"VERIF {household.number} {codes[0]}")).startswith(everybody)
    assert (await doctor.send(f"VERIF {household.number} {codes[1]} 1988")).startswith(one)
    await doctor.send(household.number)
    assert (await doctor.send(f"{codes[2]} 1988")).startswith(one)
    both = await doctor.send(f"{household.number} {codes[3]} 199000029 1990")
    assert both.startswith(everybody)
    assert both.endswith("Un patient par SMS : envoyez le suivant.")
    for code in codes[:4]:
        assert await tables_with(ussd_deps.pool, code) == {"sms_inbox"}
    for code in codes[4:]:
        assert await tables_with(ussd_deps.pool, code) == set()


async def test_in_my_work_a_year_of_birth_and_a_code_of_the_card(
    ussd_deps: calls.UssdDeps, household: Household
) -> None:
    codes, clinic = await give_card(ussd_deps.pool, household), Handset(ussd_deps, DR_ROKIA)
    for proof, read in (
        ("1981", "A. K. : COUVERT le 22/11/2026, jusqu'au 22/09/2027. Sans code."),
        (codes[0], "A. K. 45, 38, 12, 7 ans : COUVERT"),
        (f"{codes[1]}*1988", "personne de 38 ans : COUVERT"),
    ):
        await clinic.dial("9", "1")
        await clinic.type(household.number)
        await clinic.type("1")
        assert (await clinic.type(proof)).startswith(read)
        assert clinic.shown.end
    await clinic.dial("9")
    pages = [await clinic.type("2"), await clinic.type("98")]
    assert "ménage de A. K." in "".join(pages)


async def failures(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        return await db.scalar(text("select count(*) from failed_check")) or 0


async def test_who_is_no_doctor_writes_figures_in_vain(
    ussd_deps: calls.UssdDeps, clock: Clock, household: Household
) -> None:
    await appoint(ussd_deps.pool, MARIAM, Role.COLLECTOR, pin=None, at=NOON)
    code = await make(ussd_deps.pool, household)
    for phone in (MARIAM, AWA):
        writer = Writer(sms_deps(ussd_deps.pool, clock), phone)
        for words in (f"{household.number} {code}", household.number, code):
            assert (await writer.send(words)).startswith("Message non compris"), "what everybody gets"


async def test_in_my_work_a_wrong_code_is_asked_for_once_more_and_each_try_counts(
    ussd_deps: calls.UssdDeps, household: Household
) -> None:
    code, clinic = await make(ussd_deps.pool, household), Handset(ussd_deps, DR_ROKIA)
    for second, ends in ((code, "COUVERT"), ("999999", "non reconnu")):
        await clinic.dial("9", "1")
        await clinic.type(household.number)
        await clinic.type("1")
        again = await clinic.type("999998")
        assert again.startswith(
            "Pas reconnu, rien n'est fait. Tapez encore une fois.\nCode du patient (6 chiffres), sinon année de"
        )
        assert await clinic.send() == again, "the gateway repeats the hop: it counts once"
        assert ends in await clinic.type(second)
        assert clinic.shown.end
    assert await failures(ussd_deps.pool) == 3


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
    number, reference = f"..{household.number[-3:]}", answer[-7:-1]
    listed = await clinic.type("2")
    assert listed.split("\n")[1] == f"1 22/11 12:00 A. K. {number} {reference} COUVERT"
    assert await clinic.type("1") == (
        f"22/11/2026 à 12:00 : A. K., numéro {number}. COUVERT jusqu'au 22/09/2027. Référence {reference}.\n"
        "0 Retour"
    )
