"""One hop of a call on real engines: repeated, late, diverging, lost, and acting exactly once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from locales import DEFAULT_LANGUAGE, render
from mutuelle import tables
from mutuelle.contributions.payments import ASKS_A_DAY
from talk.tables import action
from tests.support.town import AWA, MARIAM, NOON, Clock, Handset, found, heard, join, paid, sell
from ussd import calls, deps

KNOWN = 13  # where a session, written as a list, has what its call has looked up
HOME = "Keneya, votre mutuelle de santé\n1 Adhérer\n2 Payer\n"  # and the doors behind, as they come


async def _count(pool: AsyncEngine, table: Table) -> int:
    async with pool.connect() as db:
        return int(await db.scalar(select(func.count()).select_from(table)) or 0)


async def to_the_confirmation(phone: Handset) -> str:
    await phone.dial()
    for words in ("1", "1", "awa koné", "45*38*12*7"):
        await phone.type(words)
    return await phone.type("1")


async def test_a_stranger_joins_in_one_call(awa: Handset, pool: AsyncEngine) -> None:
    assert (await awa.dial()).startswith(HOME)
    assert "Où habitez-vous" in await awa.type("1")
    assert "prénom" in await awa.type("1")
    assert "Combien d'années" in await awa.type("awa koné")
    assert "Combien" in await awa.type("45*38*12*7")
    confirmation = await awa.type("1")
    assert confirmation == (
        "Mutuelle Benso, Famille : 12 000 F. Awa Koné, Bandiagala, 4 personnes : 45, 38, 12, 7 ans. "
        "Ces données servent à vous assurer.\n1 J'accepte\n2 Non"
    )
    assert "Bienvenue chez Mutuelle Benso" in await awa.type("1")
    assert awa.shown.end
    async with pool.connect() as db:
        kept = (await db.execute(select(action))).one()
        asked = (await db.execute(select(tables.payment))).one()
    assert kept.consent == confirmation
    assert kept.facts["price"] == {"amount_minor": 12000, "currency": "XOF"}
    assert (asked.state, asked.amount_minor, asked.payer_phone) == ("ASKED", 12000, AWA)


async def test_the_same_hop_again_gets_its_stored_screen(awa: Handset) -> None:
    await awa.dial()
    first = await awa.type("1")
    assert await awa.send() == first
    assert await awa.send() == first


async def test_a_late_hop_gets_the_screen_it_had(awa: Handset) -> None:
    first = await awa.dial()
    await awa.type("1")
    newest = awa.text
    awa.text = ""
    assert await awa.send() == first
    awa.text = newest
    assert "prénom" in await awa.type("1")  # the call goes on where it was


async def test_behind_the_last_screen_a_call_starts_at_home(awa: Handset) -> None:
    await to_the_confirmation(awa)
    assert "Bienvenue" in await awa.type("1")
    behind = await awa.type("1")
    assert not awa.shown.end
    assert behind == await awa.dial()


async def test_a_text_that_does_not_go_on_starts_anew_and_older_screens_are_forgotten(awa: Handset) -> None:
    home = await awa.dial()
    village = await awa.type("1")
    awa.text = "7"
    assert await awa.send() == home
    awa.text = "1"
    assert await awa.send() == home != village


async def test_the_confirming_hop_again_shows_the_action_and_does_nothing(
    awa: Handset, pool: AsyncEngine
) -> None:
    await to_the_confirmation(awa)
    welcome = await awa.type("1")
    for _again in range(3):
        assert await awa.send() == welcome
    assert await _count(pool, tables.household) == 1


async def test_two_parallel_copies_of_the_confirming_hop_enrol_once_and_show_one_screen(
    awa: Handset, pool: AsyncEngine
) -> None:
    await to_the_confirmation(awa)
    awa.text += "*1"
    copies = await asyncio.gather(*(calls.hop(awa.ussd_deps, awa.hop()) for _copy in range(6)))
    assert len({shown.text for shown in copies}) == 1
    assert "Bienvenue" in copies[0].text
    assert await _count(pool, tables.household) == 1
    assert await _count(pool, tables.payment) == 1


async def test_an_acting_hop_whose_session_is_lost_is_never_done_twice(
    awa: Handset, pool: AsyncEngine, redis_url: str
) -> None:
    await to_the_confirmation(awa)
    await awa.type("1")
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    await awa.send()
    assert await _count(pool, tables.household) == 1


async def test_a_diverging_text_starts_at_home_and_does_nothing(awa: Handset, pool: AsyncEngine) -> None:
    await to_the_confirmation(awa)
    awa.text = "2*2*x*9*9*9*1"
    assert (await awa.send()).startswith(HOME)
    assert await _count(pool, tables.household) == 0


async def test_another_phone_in_the_same_call_inherits_nothing(awa: Handset, pool: AsyncEngine) -> None:
    await to_the_confirmation(awa)
    thief = replace(awa, phone=MARIAM)
    assert (await thief.type("1")).startswith(HOME)
    assert await _count(pool, tables.household) == 0


async def test_another_service_code_in_the_same_call_starts_at_home(awa: Handset) -> None:
    await to_the_confirmation(awa)
    awa.service = "*999#"
    assert (await awa.type("1")).startswith(HOME)


async def test_a_star_in_an_answer_is_part_of_it(awa: Handset) -> None:
    await awa.dial()
    await awa.type("1")
    await awa.type("1")
    await awa.type("awa*kone")
    await awa.type("45")
    assert "Awa Kone, Bandiagala, 1 personne" in await awa.type("1")


async def test_answers_dialled_at_once_stop_at_the_confirmation(awa: Handset, pool: AsyncEngine) -> None:
    assert "J'accepte" in await awa.dial("1", "1", "Awa Kone", "45 38", "1", "1", "1")
    assert await _count(pool, tables.household) == 0
    assert "Bienvenue" in await awa.type("1")


async def test_a_call_past_its_dial_without_a_session_starts_at_home(awa: Handset) -> None:
    await awa.dial()
    awa.text = "1*1"
    lost = replace(awa.hop(), call="ATUid_lost", past_dial=True)
    assert (await calls.hop(awa.ussd_deps, lost)).text.startswith(HOME)


async def test_a_dropped_call_is_offered_again_on_redial(awa: Handset) -> None:
    await to_the_confirmation(awa)
    assert await awa.dial() == "Votre dernier appel n'était pas fini.\n1 Continuer\n2 Recommencer"
    assert "Combien payez-vous" in await awa.type("1")  # never into the confirmation
    assert "Awa Koné" in await awa.type("1")


async def test_a_dropped_call_can_be_left_behind(awa: Handset) -> None:
    await to_the_confirmation(awa)
    await awa.dial()
    assert (await awa.type("2")).startswith(HOME)
    assert "Où habitez-vous" in await awa.type("1")


async def test_any_other_digit_on_redial_is_one_of_home_dialled_by_heart(awa: Handset) -> None:
    await to_the_confirmation(awa)
    await awa.dial()
    assert (await awa.type("7")).startswith("Mutuelle Benso, Sikasso\n1 Les prix")
    await to_the_confirmation(awa)
    await awa.dial()
    assert (await awa.type("6")).startswith("Tapez un numéro de la liste.\nKeneya")


async def test_digits_alone_are_not_worth_going_on_with(awa: Handset) -> None:
    await awa.dial("7")
    await awa.type("1")
    assert (await awa.dial()).startswith(HOME)


async def test_a_payment_that_was_meant_is(awa: Handset, pool: AsyncEngine) -> None:
    await paid(pool, await join(pool, AWA, at=NOON, pay_minor=3000), at=NOON)
    await awa.dial("2")
    await awa.type("1")
    assert (await awa.dial()).startswith("Votre dernier appel")


async def test_a_call_that_ended_is_not_offered_again(awa: Handset) -> None:
    await to_the_confirmation(awa)
    await awa.type("1")
    assert "Ma couverture" in await awa.dial()


async def test_a_price_that_changed_before_the_action_is_refused_and_asked_again(
    awa: Handset, pool: AsyncEngine, clock: Clock
) -> None:
    await to_the_confirmation(awa)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=15_000)
    assert await awa.type("1") == "Un prix ou un choix a changé. Relisez.\n1 Continuer"
    screen = await awa.type("1")
    assert "Famille : 15 000 F" in screen
    assert "J'accepte" in screen
    assert await _count(pool, tables.household) == 0
    assert "Bienvenue" in await awa.type("1")


async def test_what_is_agreed_to_is_read_afresh_whatever_was_remembered(
    awa: Handset, pool: AsyncEngine
) -> None:
    """The price was read two hops before; the one in force is what she is asked to agree to."""
    await awa.dial("1", "1", "Awa Koné")
    assert "12 000 F" in await awa.type("45 38")
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=13_000)
    assert "Famille : 13 000 F" in await awa.type("1")
    assert "Bienvenue" in await awa.type("1")


async def test_a_call_remembers_who_calls_until_somebody_else_does(awa: Handset, pool: AsyncEngine) -> None:
    await join(pool, AWA, at=NOON)
    assert "1 Ma couverture" in await awa.dial()
    awa.phone = MARIAM
    assert "1 Adhérer" in await awa.type("7")


async def test_a_hop_past_the_deadline_is_told_so_and_goes_on_alone(awa: Handset, pool: AsyncEngine) -> None:
    await to_the_confirmation(awa)
    awa.ussd_deps.deadline_s = 0
    assert "Le réseau est lent" in await awa.type("1")
    await asyncio.wait(awa.ussd_deps.running)
    awa.ussd_deps.deadline_s = 5
    assert "Bienvenue" in await awa.send()
    assert await _count(pool, tables.household) == 1


async def test_a_hop_shows_one_screen_however_late_its_work_is(awa: Handset) -> None:
    for deadline_s in (-1, 0, 0.001, 0.005, 0.02, 5):
        await awa.dial("1", "1", "Awa Koné", "45 38")
        awa.text += "*1"
        awa.ussd_deps.deadline_s = deadline_s
        assert (await calls.hop(awa.ussd_deps, awa.hop())).text, deadline_s
        if awa.ussd_deps.running:
            await asyncio.wait(awa.ussd_deps.running)
        awa.ussd_deps.deadline_s = 5


async def test_nothing_that_was_typed_is_in_what_a_hop_is_called(awa: Handset) -> None:
    awa.text = "9*1*4071"
    assert "4071" not in repr(awa.hop())
    assert "not a secret" not in repr(awa.ussd_deps)
    hop = asyncio.create_task(calls.hop(awa.ussd_deps, awa.hop()))
    await asyncio.sleep(0)
    tasks = repr([hop, *awa.ussd_deps.running])  # a loop that tells of a fault tells its task in words
    await hop
    assert "hop()" in tasks
    assert "4071" not in tasks
    assert AWA not in tasks


async def test_an_apology_is_said_in_the_callers_language(awa: Handset, owner: AsyncEngine) -> None:
    await awa.dial("8", "2")
    await awa.type("1")
    await awa.dial()
    awa.ussd_deps.deadline_s = 0.3
    async with owner.begin() as busy:
        await busy.execute(text("lock table place in access exclusive mode"))
        assert "The network is slow" in await awa.type("1")
    await asyncio.wait(awa.ussd_deps.running)


async def test_two_calls_of_one_phone_at_once_make_one_household(awa: Handset, pool: AsyncEngine) -> None:
    other = Handset(awa.ussd_deps)
    for phone in (awa, other):
        await phone.dial("1", "1", "Awa Koné", "45 38", "1")
        phone.text += "*1"
    shown = await asyncio.gather(*(calls.hop(phone.ussd_deps, phone.hop()) for phone in (awa, other)))
    assert sorted("Bienvenue" in each.text for each in shown) == [False, True]
    assert await _count(pool, tables.household) == 1


async def test_a_renewal_binds_nobody_before_its_first_franc(
    awa: Handset, pool: AsyncEngine, clock: Clock
) -> None:
    home = await join(pool, AWA, at=NOON)
    await paid(pool, home, at=NOON)
    clock.now = NOON + timedelta(days=350)
    async with pool.begin() as db:
        await heard(db, clock.now)
    stranger = Handset(awa.ussd_deps, phone=MARIAM)
    await stranger.dial("2", "4", home.number)
    screen = await stranger.type("3000")
    assert "Renouveler 12 mois (Famille, 12 000 F) pour A. K." in screen
    assert "Merci" in await stranger.type("1")
    assert await _count(pool, tables.policy) == 1
    assert "COUVERT jusqu'au" in await awa.dial("1")
    assert "9 000 F" not in awa.shown.text
    await paid(pool, home, at=clock.now)
    assert await _count(pool, tables.policy) == 2
    assert "Si vous payez 9 000 F aujourd'hui : couvert jusqu'au 21/11/2028" in await awa.dial("1")


async def test_a_stranger_can_refuse_the_requests_of_others(awa: Handset, pool: AsyncEngine) -> None:
    assert "5 Refuser de payer pour d'autres" in await awa.dial("2")
    await awa.type("5")
    assert "C'est fait" in await awa.type("1")
    assert await _count(pool, tables.payer_refusal) == 1


async def test_a_reason_without_room_is_a_screen_of_its_own(awa: Handset, pool: AsyncEngine) -> None:
    """The price has changed since it was shown: that is read before the confirmation comes again."""
    await awa.dial("1", "1", "N'Golo-Marie Ouattara Syll", "45 38 12", "2")
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=13_000)
    assert await awa.type("1") == "Un prix ou un choix a changé. Relisez.\n1 Continuer"
    assert "13 000 F" in await awa.type("1")
    assert await _count(pool, tables.household) == 0


async def test_a_phone_that_has_asked_enough_of_others_is_told_so(awa: Handset, pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zan")
    for nth in range(ASKS_A_DAY + 1):
        home = await join(pool, f"+2237600020{nth:02}", at=NOON, pay_minor=3_000)
        await paid(pool, home, at=NOON)
        await awa.dial("2", "4", home.number)
        await awa.type("3000")
        last = await awa.type("1")
    assert "assez de demandes" in last
    assert await _count(pool, tables.payment) == 2 * ASKS_A_DAY + 1


@pytest.mark.parametrize("typed", ["", "*", "**", "#", "9", "x" * 500, "٣", "1*"])
async def test_whatever_is_typed_there_is_a_screen(awa: Handset, typed: str) -> None:
    await awa.dial()
    assert await awa.type(typed)


async def test_no_pin_and_no_text_of_the_call_is_kept_in_the_session(awa: Handset, redis_url: str) -> None:
    await awa.dial()
    await awa.type("40719911")
    async with Redis.from_url(redis_url) as redis:
        kept = [await redis.get(key) for key in await redis.keys("*")]
    assert kept
    assert "40719911" not in repr(kept)


async def looked_up(redis_url: str) -> list[object]:
    """What each session holds of what its call has looked up."""
    async with Redis.from_url(redis_url) as redis:
        sessions = [orjson.loads(await redis.get(key) or b"") for key in await redis.keys("call:*")]
    return [session[KNOWN] for session in sessions]


async def test_nothing_looked_up_is_kept_beside_a_consent_or_after_a_call(
    awa: Handset, redis_url: str
) -> None:
    await awa.dial("1", "1", "awa koné", "45*38*12*7")
    assert await looked_up(redis_url) != [{}]
    assert "J'accepte" in await awa.type("1")
    assert await looked_up(redis_url) == [{}]
    assert "Bienvenue" in await awa.type("1")
    assert await looked_up(redis_url) == [{}]


# More at once than PostgreSQL answers in time.


async def test_past_so_many_hops_the_next_is_told_at_once_and_those_under_way_are_answered(
    ussd_deps: calls.UssdDeps, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By counting, not by time: who is refused does not wait for PostgreSQL."""
    monkeypatch.setattr(deps, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(deps, "MOST_FOR_A_DIAL", 2)
    narrow = create_async_engine(pool.url, pool_size=1, max_overflow=0)
    ussd_deps = replace(ussd_deps, pool=narrow, turns=calls.Turns(narrow), running=set())
    awa, another, late = Handset(ussd_deps), Handset(ussd_deps, MARIAM), Handset(ussd_deps, "+22376000088")
    await awa.dial()
    async with narrow.connect():
        waiting = [asyncio.create_task(Handset(ussd_deps, f"+2237600009{nth}").dial()) for nth in range(2)]
        await until_under_way(ussd_deps, 2)
        assert await late.dial() == busy()
        in_a_call = asyncio.create_task(awa.type("1"))
        await until_under_way(ussd_deps, 3)
        assert not in_a_call.done(), "who is in the middle of a call comes before who dials"
        another.call, another.text = "ATUid_another", "1"
        assert await another.send() == await late.dial() == busy(), "but three are three"
        assert ussd_deps.turns.refused == 3
    assert all([(await one).startswith(HOME) for one in waiting])
    assert "Où habitez-vous" in await in_a_call
    assert (await late.dial()).startswith(HOME)
    await narrow.dispose()


async def until_under_way(ussd_deps: calls.UssdDeps, hops: int) -> None:
    for _turn in range(6000):
        if ussd_deps.turns.at_the_database == hops:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{ussd_deps.turns.at_the_database} hops are under way")


async def test_a_hop_that_was_refused_goes_on_when_it_comes_again(
    awa: Handset, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_the_confirmation(awa)
    monkeypatch.setattr(deps, "MOST_AT_ONCE", 0)
    assert await awa.type("1") == busy()
    assert await _count(pool, action) == 0
    monkeypatch.undo()
    assert "Bienvenue" in await awa.send()
    assert await _count(pool, action) == 1


async def test_hops_get_their_turn_in_the_order_in_which_they_came_and_none_waits_for_ever(
    ussd_deps: calls.UssdDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deps, "LEFT_FREE", 14)
    ussd_deps = replace(
        ussd_deps, turns=calls.Turns(ussd_deps.pool), running=set()
    )  # one: the pool has fifteen
    answered = []

    async def dials(phone: str) -> None:
        await Handset(ussd_deps, phone).dial()
        answered.append(phone)

    await ussd_deps.turns.take()
    phones = [f"+2237600009{nth}" for nth in range(5)]
    waiting = [asyncio.create_task(dials(phone)) for phone in phones]
    await until_under_way(ussd_deps, len(phones))
    ussd_deps.turns.give_back()
    await asyncio.gather(*waiting)
    assert answered == phones
    await ussd_deps.turns.take()
    monkeypatch.setattr(deps, "MOST_WAIT_S", 0.05)
    assert await Handset(ussd_deps).dial() == busy()
    ussd_deps.turns.give_back()
    assert (await Handset(ussd_deps).dial()).startswith(HOME)


def busy() -> str:
    return render(calls.BUSY, DEFAULT_LANGUAGE)
