"""An enrolment officer registers households without a phone; each becomes its people's own when they say so."""

import asyncio
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import Money, Sentence, _, languages
from menus.register import phone_terms
from menus.unconfirmed import described
from mutuelle.acts import By
from mutuelle.contributions.payments import lock_phone
from mutuelle.contributions.standing import standing
from mutuelle.enrolment.enrolment import Enrolment, enrol
from mutuelle.enrolment.registration import A_DAY, NO_PHONE, FirstPhone, give_phone, phone_or_none, register
from mutuelle.households import invariants as households
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.confirmation import (
    Unconfirmed,
    confirm_household,
    deny_household,
    unconfirmed_in,
    unconfirmed_of,
)
from mutuelle.households.households import Household, NewHousehold, free_phone, households_of, phones_of
from mutuelle.officers.appointments import withdraw_role
from mutuelle.officers.roles import Role
from mutuelle.scheme.products import offers_for
from mutuelle.tables import household as household_table
from mutuelle.tables import payment
from sms.tables import outbox
from talk.answers import Secret
from talk.keywords import BY_MESSAGE
from talk.screen import Screen
from talk.trouble import RefusedError
from talk.words import Caller, Option
from tests.support.officers import FANTA, ISSA, MODIBO, OUMOU, PIN, SEALS, appoint
from tests.support.town import MARIAM, NOON, Handset, found, found_town, join
from ussd.calls import UssdDeps
from ussd.screens import fit_for

GIVEN = "+22370112233"
PRICE = Money(12_000, "XOF")


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """The usual town, where Oumou registers households."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.ENROLMENT)
    return pool


def caller(phone: str = OUMOU, *, gateway: str = "test", at: Any = NOON) -> Caller:
    return Caller(phone, "fr", gateway, f"{phone} {at}", at, SEALS)


async def registers(pool: AsyncEngine, name: str = "Awa Koné", **other: Any) -> Household | Sentence:
    who = other.pop("who", caller())
    household = NewHousehold("v1", name, (45, 38, 12))
    place = {part.name: other.pop(part.name) for part in fields(household) if part.name in other}
    agreed = Enrolment("BEN", replace(household, **place), "P1", 1, PRICE)
    stale = {part.name: other.pop(part.name) for part in fields(agreed) if part.name in other}
    facts: dict[str, Any] = {"phone": None, "others": (), "pin": Secret(PIN), **other}
    async with pool.begin() as db:
        return await register(db, who, enrolment=replace(agreed, **stale), **facts)


async def registered(pool: AsyncEngine, name: str = "Awa Koné", **other: Any) -> Household:
    household = await registers(pool, name, **other)
    assert isinstance(household, Household), household
    return household


async def sent(pool: AsyncEngine, template: str) -> list[tuple[str, str]]:
    async with pool.connect() as db:
        rows = await db.execute(
            select(outbox.c.phone, outbox.c.body)
            .where(outbox.c.template == template)
            .order_by(outbox.c.phone)
        )
        return [(row.phone, row.body) for row in rows]


async def speaks_for(pool: AsyncEngine, phone: str) -> list[str]:
    async with pool.connect() as db:
        return [household.number for household in await households_of(db, caller(phone))]


async def how_many(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        return await db.scalar(select(func.count()).select_from(household_table)) or 0


async def test_a_household_without_a_phone_is_written_with_its_people_and_its_policy(
    town: AsyncEngine,
) -> None:
    household = await registered(town)
    async with town.connect() as db:
        found_so = await standing(db, household, NOON)
        (noted,) = await changes_of(db, household, 5)
        wishes = await db.scalar(select(func.count()).select_from(payment))
        phones = await phones_of(db, household, unconfirmed=True)
    assert (found_so.members, found_so.due, phones, wishes) == (3, PRICE, [], 0)
    assert (noted.what, noted.actor, noted.reason) == (Change.REGISTERED, OUMOU, "enrolment officer")


async def test_a_wrong_pin_registers_nothing_and_is_counted(town: AsyncEngine) -> None:
    for _nth in range(3):
        assert isinstance(await registers(town, pin=Secret("00000")), Sentence)
    assert isinstance(await registers(town), Sentence), "three wrong ones lock the right one out too"
    assert await how_many(town) == 0


async def test_a_call_without_a_pin_registers_nothing(town: AsyncEngine) -> None:
    assert isinstance(await registers(town, pin=None), Sentence)
    assert await how_many(town) == 0


async def test_by_message_the_code_of_the_channel_stands_for_the_pin(town: AsyncEngine) -> None:
    household = await registered(town, who=caller(gateway=BY_MESSAGE), pin=None)
    assert household.number


@pytest.mark.parametrize("phone", [MARIAM, FANTA])
async def test_only_an_enrolment_officer_registers(town: AsyncEngine, phone: str) -> None:
    with pytest.raises(RefusedError, match="no longer yours"):
        await registers(town, who=caller(phone, gateway=BY_MESSAGE), pin=None)


async def test_an_officer_of_yesterday_or_of_another_mutuelle_registers_nothing(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await found(db, code="ZAN", prefix=198)
    with pytest.raises(RefusedError, match="no longer yours"):
        await registers(town, mutuelle="ZAN")
    async with town.begin() as db:
        await withdraw_role(db, "BEN", Role.ENROLMENT, OUMOU, by=By("a test", "a test", NOON))
    with pytest.raises(RefusedError, match="no longer yours"):
        await registers(town)


async def test_a_household_that_may_be_there_is_written_only_after_it_was_seen(town: AsyncEngine) -> None:
    there = await registered(town)
    with pytest.raises(RefusedError, match="just registered"):
        await registers(town, "Hawa Kone")
    other = await registered(town, "Hawa Kone", others=(there.number,))
    assert other.number != there.number


async def test_a_call_and_a_message_at_once_register_one_household(town: AsyncEngine) -> None:
    both = [registers(town), registers(town, who=caller(gateway=BY_MESSAGE), pin=None)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Household", "RefusedError"]
    assert await how_many(town) == 1


async def test_of_two_at_once_with_one_phone_the_second_waits(town: AsyncEngine) -> None:
    await appoint(town, MODIBO, Role.ENROLMENT, name="Modibo Keita")
    async with town.begin() as db:
        await lock_phone(db, GIVEN)  # as whoever registers or joins with this phone at this moment
        other = asyncio.create_task(registers(town, who=caller(MODIBO), phone=GIVEN))
        await asyncio.sleep(0.3)
        assert not other.done()
    assert isinstance(await other, Household)


async def test_a_phone_that_speaks_for_a_household_is_seen_first(town: AsyncEngine) -> None:
    theirs = await join(town, MARIAM, at=NOON, name="Mariam Diarra")
    with pytest.raises(RefusedError, match="just registered"):
        await registers(town, phone=MARIAM)
    await registered(town, phone=MARIAM, others=(theirs.number,))
    assert await speaks_for(town, MARIAM) == [theirs.number]


@pytest.mark.parametrize(
    "stale",
    [{"price": Money(11_000, "XOF")}, {"version": 9}, {"place_id": "v99"}, {"ages": (45,) + (20,) * 12}],
    ids=str,
)
async def test_what_is_no_longer_true_is_refused(town: AsyncEngine, stale: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        await registers(town, **stale)
    assert await how_many(town) == 0


async def test_an_officer_registers_so_many_households_a_day(town: AsyncEngine) -> None:
    await registered(town)
    async with town.begin() as db:
        copies = [
            {
                "mutuelle_id": "BEN",
                "number": f"1990{nth:05}",
                "head_name": "Somebody Else",
                "place_id": "v2",
                "enrolled_at": NOON - timedelta(hours=1),
                "registered_by": OUMOU,
            }
            for nth in range(A_DAY - 1)
        ]
        await db.execute(household_table.insert(), copies)
    with pytest.raises(RefusedError, match="households in a day"):
        await registers(town, "Fanta Diallo")
    await appoint(town, MODIBO, Role.ENROLMENT, name="Modibo Keita")
    await registered(town, "Fanta Diallo", who=caller(MODIBO))
    await registered(town, "Sira Diallo", who=caller(at=NOON + timedelta(days=1)))


async def test_the_phone_that_was_written_down_speaks_for_nobody_until_it_says_yes(town: AsyncEngine) -> None:
    household = await registered(town, phone=GIVEN)
    ((phone, body),) = await sent(town, "household registered")
    assert (phone, "Awa" in body, household.number in body.replace(" ", "")) == (GIVEN, False, False)
    assert await speaks_for(town, GIVEN) == []
    async with town.begin() as db:
        assert await phones_of(db, household) == []
        assert await phones_of(db, household, unconfirmed=True) == [GIVEN]
        await confirm_household(db, caller(GIVEN), number=household.number)
    assert await speaks_for(town, GIVEN) == [household.number]
    async with town.connect() as db:
        assert await phones_of(db, household) == [GIVEN]
        assert (await changes_of(db, household, 1))[0].what is Change.CONFIRMED


async def test_a_phone_that_says_no_is_free_and_the_treasurers_look_into_it(town: AsyncEngine) -> None:
    household = await registered(town, phone=GIVEN)
    async with town.begin() as db:
        await deny_household(db, caller(GIVEN), number=household.number)
    messages = await sent(town, "household denied")
    assert [phone for phone, _body in messages] == [FANTA, ISSA]
    assert not any("Awa" in body or GIVEN[4:] in body.replace(" ", "") for _phone, body in messages)
    async with town.connect() as db:
        assert await phones_of(db, household, unconfirmed=True) == []
        assert await unconfirmed_of(db, caller(GIVEN)) is None
        (waiting,) = await unconfirmed_in(db, "BEN")
    assert (waiting.denied, waiting.has_phone, waiting.officer, waiting.size) == (
        True,
        False,
        "Oumou Traoré",
        3,
    )


async def test_nothing_is_answered_twice_nor_for_others(town: AsyncEngine) -> None:
    household = await registered(town, phone=GIVEN)
    for action in (confirm_household, deny_household):
        with pytest.raises(RefusedError, match="Nothing waits"):
            async with town.begin() as db:
                await action(db, caller(MARIAM), number=household.number)
    async with town.begin() as db:
        await confirm_household(db, caller(GIVEN), number=household.number)
    with pytest.raises(RefusedError, match="Nothing waits"):
        async with town.begin() as db:
            await deny_household(db, caller(GIVEN), number=household.number)


async def test_each_of_two_households_on_one_phone_is_asked_about_in_turn(town: AsyncEngine) -> None:
    first = await registered(town, phone=GIVEN)
    later = caller(at=NOON + timedelta(hours=1))
    second = await registered(town, "Fanta Diallo", phone=GIVEN, others=(first.number,), who=later)
    with pytest.raises(RefusedError, match="Nothing waits"):
        async with town.begin() as db:
            await confirm_household(db, caller(GIVEN), number=second.number)
    for household in (first, second):
        async with town.begin() as db:
            await confirm_household(db, caller(GIVEN), number=household.number)
    assert await speaks_for(town, GIVEN) == [first.number, second.number]


async def test_whoever_was_registered_answers_before_joining(town: AsyncEngine) -> None:
    await registered(town, phone=GIVEN)
    async with town.connect() as db:
        chosen = (await offers_for(db, "BEN", (45,), NOON.date()))[0]
        with pytest.raises(RefusedError, match="registered your household already"):
            await enrol(
                db,
                caller(GIVEN),
                enrolment=Enrolment("BEN", NewHousehold("v1", "Awa Koné", (45,)), "P1", 1, chosen.price),
                pay_now=chosen.price,
            )


async def gives(
    pool: AsyncEngine, household: Household, phone: str, *, others: tuple[str, ...] = (), pin: str = PIN
) -> Sentence | None:
    given = FirstPhone(household.number, phone, others)
    async with pool.begin() as db:
        return await give_phone(db, caller(), mutuelle="BEN", given=given, pin=Secret(pin))


async def test_a_household_gets_its_first_phone_from_its_officer_and_no_other(town: AsyncEngine) -> None:
    household = await registered(town)
    assert isinstance(await gives(town, household, GIVEN, pin=Secret("00000")), Sentence)
    assert await gives(town, household, GIVEN) is None
    assert [phone for phone, _body in await sent(town, "household registered")] == [GIVEN]
    with pytest.raises(RefusedError, match="has its phone"):
        await gives(town, household, MARIAM)
    async with town.begin() as db:
        await deny_household(db, caller(GIVEN), number=household.number)
    assert await gives(town, household, MARIAM) is None
    async with town.begin() as db:
        await confirm_household(db, caller(MARIAM), number=household.number)
    assert await speaks_for(town, MARIAM) == [household.number]


async def test_a_confirmed_household_that_lost_its_phone_gets_no_other_from_an_officer(
    town: AsyncEngine,
) -> None:
    household = await registered(town, phone=GIVEN)
    async with town.begin() as db:
        await confirm_household(db, caller(GIVEN), number=household.number)
        await free_phone(db, household, GIVEN)
    with pytest.raises(RefusedError, match="has its phone"):
        await gives(town, household, MARIAM)


async def test_a_household_that_joined_by_itself_gets_no_phone_from_an_officer(town: AsyncEngine) -> None:
    household = await join(town, MARIAM, at=NOON, name="Mariam Diarra")
    with pytest.raises(RefusedError, match="has its phone"):
        await gives(town, household, GIVEN)


async def test_home_asks_before_all_else_and_a_digit_dialled_by_heart_answers_nothing(
    ussd_deps: UssdDeps,
) -> None:
    await appoint(ussd_deps.pool, OUMOU, Role.ENROLMENT)
    household = await registered(ussd_deps.pool, phone=GIVEN)
    handset = Handset(ussd_deps, phone=GIVEN)
    asked = await handset.dial("2")
    assert "Oumou Traoré" in asked
    assert "Awa" not in asked
    await handset.type("2")
    assert "redemanderons" in await handset.type("2")
    assert await handset.dial("1", "1") == asked
    assert await speaks_for(ussd_deps.pool, GIVEN) == []
    assert household.shown_number in await handset.type("1")
    assert "PAS ENCORE COUVERT" in await handset.dial("1")


LONGEST = Household("LONGCODE", "199000010", "N'Golo-Marie Ouattara Syll", "Mutuelle Yèrèdèmè-Wa")
WAITING = Unconfirmed(LONGEST, "Kouroubarrage-Zangasso 9", 12, LONGEST.head_name, NOON.date(), True, False)
SCREENS: dict[str, Screen] = {
    "give a phone": Screen(
        phone_terms(LONGEST, "+2290197123456"), choices=(Option("yes", _("Yes")), Option("no", _("No")))
    ),
    "no answer yet": Screen(described(WAITING), end=True),
    "no phone": Screen(described(replace(WAITING, has_phone=False)), end=True),
    "not ours": Screen(described(replace(WAITING, denied=True)), end=True),
}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", SCREENS)
def test_the_screens_that_no_walk_reaches_fit(name: str, language: str) -> None:
    shown = fit_for()(SCREENS[name], language)
    assert shown.whole, shown.text


async def test_what_is_stored_agrees_with_itself(town: AsyncEngine, owner: AsyncEngine) -> None:
    await registered(town, phone=GIVEN)
    await registered(town, "Fanta Diallo")
    assert await broken(owner) == set()


BREAKS = {
    "household_change_without_gap": "update household_change set position = 3",
    "registered_household_is_noted": "delete from household_change",
    "confirmed_household_is_noted": "update household set confirmed_at = enrolled_at",
    "first_policy_counts_its_people": "update policy set members = members + 1",
    "person_counted_by_a_policy_to_come": "update beneficiary set first_policy = 3 where rank = 2",
}


@pytest.mark.parametrize("name", BREAKS)
async def test_an_invariant_notices(town: AsyncEngine, owner: AsyncEngine, name: str) -> None:
    await registered(town, phone=GIVEN)
    async with owner.begin() as db:
        await db.execute(text(BREAKS[name]))
    assert name in await broken(owner)


async def broken(pool: AsyncEngine) -> set[str]:
    async with pool.connect() as db:
        return {found.invariant.name for found in await examine(db, households.INVARIANTS) if not found.holds}


def test_a_phone_or_none() -> None:
    kind = phone_or_none("ML")
    assert [kind.parse(typed) for typed in ("0", "70 11 22 33")] == [NO_PHONE, GIVEN]
