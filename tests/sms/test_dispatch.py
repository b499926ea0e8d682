"""What an SMS leads to: keywords, questions, codes, STOP, strangers, limits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.confirmation import CONFIRM
from mutuelle.tables import household, payment
from sms import limits
from sms.deps import SmsDeps
from sms.limits import Sender
from sms.tables import conversation, optout
from talk.keywords import word_for
from talk.tables import action
from tests.support.sms_phone import Writer, code_in, handled, sms_deps
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, heard, join, paid, sell

DAY = timedelta(days=1)


@pytest.fixture
async def awa(pool: AsyncEngine, clock: Clock) -> Writer:
    """Awa, a member who has paid half."""
    await found_town(pool)
    home = await join(pool, AWA, at=NOON, pay_minor=6_000)
    await paid(pool, home, at=NOON)
    return Writer(sms_deps(pool, clock))


@pytest.fixture
async def stranger(awa: Writer) -> Writer:
    return Writer(awa.deps, phone=OUMAR)


async def asked(pool: AsyncEngine) -> int:
    """How many payments were asked for beside the first."""
    async with pool.connect() as db:
        return (await db.scalar(select(func.count()).select_from(payment)) or 0) - 1


async def test_cover_is_answered_at_once_and_says_how_to_pay_by_sms(awa: Writer, clock: Clock) -> None:
    clock.now += timedelta(days=100)
    async with awa.deps.pool.begin() as db:
        await heard(db, clock.now)
    assert "NON COUVERT" in (shown := await awa.send("Droits"))
    assert "Répondez PAYER" in shown
    assert "tapez" not in shown


async def test_an_old_question_takes_no_yes_without_its_code(
    awa: Writer, pool: AsyncEngine, clock: Clock
) -> None:
    shown = await awa.send("payer 3000")
    assert shown.startswith("Payer 3 000 F pour Awa Koné")
    for words in ("oui", "YES", "ok", "d'accord", "OUI 2222", "OUI", "3000"):
        clock.now += timedelta(minutes=16)
        assert f"répondez OUI {code_in(shown)}" in await awa.send(words), words
    assert await asked(pool) == 0
    assert "On va demander 3 000 F" in await awa.agree(shown)
    assert await asked(pool) == 1


@pytest.mark.parametrize(
    "form",
    [
        "oui {code}",
        "OUI{code}",
        "0ui {code}",
        "OUI CODE {code}",
        "oui bien {code}",
        "{code}",
        "Yes {code}",
        "yes{code}",
        "OUI, {code}!",
        "oui {code} merci",
    ],
)
async def test_a_yes_with_its_code_is_understood_however_it_is_written(
    awa: Writer, pool: AsyncEngine, form: str
) -> None:
    code = code_in(await awa.send("payer 3000"))
    await awa.send(form.format(code=code.lower() if form.islower() else code))
    assert await asked(pool) == 1


async def test_a_plain_yes_does_within_minutes_for_the_own_household(awa: Writer, pool: AsyncEngine) -> None:
    await awa.send("payer 3000")
    assert "On va demander 3 000 F" in await awa.send("oui")
    assert await asked(pool) == 1


async def test_the_words_agreed_to_are_kept_with_the_action(awa: Writer, pool: AsyncEngine) -> None:
    shown = await awa.send("payer 3000")
    await awa.agree(shown)
    async with pool.connect() as db:
        kept = (await db.execute(select(action).where(action.c.gateway == "sms"))).one()
    assert kept.consent == shown
    assert kept.facts["amount"] == {"amount_minor": 3000, "currency": "XOF"}


async def test_no_ends_it_without_a_code(awa: Writer, pool: AsyncEngine) -> None:
    shown = await awa.send("payer 3000")
    assert "Rien n'a été demandé" in await awa.send("Non merci")
    assert "Aucune demande n'attend" in await awa.agree(shown)
    assert await asked(pool) == 0


async def test_a_code_used_twice_does_nothing_more(awa: Writer, pool: AsyncEngine) -> None:
    shown = await awa.send("payer 3000")
    await awa.agree(shown)
    assert "déjà traitée" in await awa.agree(shown)
    assert await asked(pool) == 1


async def test_a_code_of_an_earlier_conversation_agrees_to_nothing(awa: Writer, pool: AsyncEngine) -> None:
    first = await awa.send("payer 3000")
    second = await awa.send("payer 3000")
    assert code_in(first) != code_in(second)
    assert f"répondez OUI {code_in(second)}" in await awa.agree(first)
    assert await asked(pool) == 0


async def test_a_code_of_another_phone_agrees_to_nothing(awa: Writer, pool: AsyncEngine) -> None:
    home = await join(pool, MARIAM, at=NOON, name="Mariam Traoré", pay_minor=6_000)
    await paid(pool, home, at=NOON)
    mariam = Writer(awa.deps, phone=MARIAM)
    hers = await mariam.send("payer 3000")
    his = await awa.send("payer 3000")
    await awa.agree(hers)
    await mariam.agree(his)
    assert await asked(pool) == 1  # of Mariam's own, when she joined


async def test_a_late_code_finds_its_day_over(awa: Writer, clock: Clock, pool: AsyncEngine) -> None:
    shown = await awa.send("payer 3000")
    clock.now += DAY
    assert "Aucune demande n'attend votre réponse" in await awa.agree(shown)
    assert await asked(pool) == 0
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(conversation)) == 0


async def test_a_code_for_words_that_are_no_longer_true_is_asked_again(
    awa: Writer, clock: Clock, pool: AsyncEngine
) -> None:
    await paid(pool, await join(pool, MARIAM, at=NOON - timedelta(days=380)), at=NOON - timedelta(days=380))
    mariam = Writer(awa.deps, phone=MARIAM)
    first = await mariam.send("payer 12000")
    assert "Renouveler" in first
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=15_000)
    assert "a changé" in await mariam.agree(first)
    second = await mariam.send("1")
    assert "15 000 F" in second
    assert code_in(second) != code_in(first)
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(action).where(action.c.gateway == "sms")) == 0


async def test_a_mistaken_keyword_leaves_an_open_question_that_it_does_not_answer(awa: Writer) -> None:
    assert "Combien payez-vous" in await awa.send("payer")
    assert "NON" in await awa.send("bla bla")
    assert "Awa Koné" in await awa.send("couvertuer")
    assert "non compris" in await awa.send("bla bla"), "nothing waits any more"


async def test_a_question_waits_an_hour_a_code_a_day(awa: Writer, clock: Clock, pool: AsyncEngine) -> None:
    await awa.send("payer")
    clock.now += timedelta(minutes=61)
    assert "Aucune demande" in await awa.send("3000")
    shown = await awa.send("payer 3000")
    clock.now += timedelta(hours=23)
    assert "non compris" in await awa.send("bla bla"), "a stray word is no answer any more"
    assert "On va demander" in await awa.agree(shown)
    assert await asked(pool) == 1


@pytest.mark.parametrize("word", ["non", "annuler", "menu", "retour", "laisse"])
async def test_a_word_ends_an_open_question(awa: Writer, word: str) -> None:
    await awa.send("payer")
    assert "C'est annulé : rien n'a été fait" in await awa.send(word)
    assert "non compris" in await awa.send("bla bla")


async def test_help_leaves_the_question_open(awa: Writer) -> None:
    assert "Combien payez-vous" in await awa.send("payer")
    assert "COUVERTURE" in await awa.send("aide")
    assert "Payer 3 000 F" in await awa.send("3000 F.")


async def test_an_amount_behind_the_keyword_may_stand_in_groups(awa: Writer) -> None:
    assert "Payer 4 000 F" in await awa.send("Cotiser 4 000 F")


async def test_a_word_too_many_never_answers_a_confirmation(awa: Writer, pool: AsyncEngine) -> None:
    await awa.agree(await awa.send("payer 3000"))
    async with pool.connect() as db:
        home = (await db.execute(select(household.c.mutuelle_id, household.c.number))).one()
    assert home
    assert "en cours" in await awa.send("payer 3000")


async def test_back_and_home_work_though_they_are_not_shown(awa: Writer) -> None:
    await awa.send("payer")
    asked_for = await awa.send("3000")
    assert "0 Retour" not in asked_for
    assert "Combien payez-vous" in await awa.send("0")
    assert "Payer 3 000 F" in await awa.send("3000")
    assert "Combien payez-vous" in await awa.send("00")


async def test_a_stranger_gets_three_helps_a_day_and_the_last_says_so(stranger: Writer, clock: Clock) -> None:
    first = await stranger.send("Bonjour")
    assert all(word in first for word in ("ADHERER", "PRIX", "76 00 00 09"))
    assert "Benso" not in first
    assert "12 000 F" in await stranger.send("PRIX")
    assert (
        await stranger.send("VERIF 199000010 123456")
        == "Dernière réponse d'aujourd'hui. Questions : 76 00 00 09"
    )
    for words in ("COUVERTURE", "payer 5000", "Bonjour", "OUI 4712", "AIDE", "PRIX", "1"):
        assert await stranger.send(words) == ""
    clock.now += DAY
    assert await stranger.send("PAYER 500") == first


async def test_thanks_are_not_answered(awa: Writer, stranger: Writer) -> None:
    for words in ("merci", "Ok merci", "Merci beaucoup !", "d'accord merci"):
        assert await awa.send(words) == ""
        assert await stranger.send(words) == ""
    await awa.send("payer")
    assert await awa.send("merci") == ""
    assert "Payer 3 000 F" in await awa.send("3000"), "the question is still open"


async def strangers_write(deps: SmsDeps, prefix: str, count: int) -> list[str]:
    """What `count` phones of a country are answered that nobody knows."""
    return [await Writer(deps, phone=f"{prefix}{nth:04}").send("Bonjour") for nth in range(count)]


async def test_a_flood_of_forged_strangers_costs_its_budget_and_one_alarm(
    awa: Writer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    deps = replace(awa.deps, strangers_an_hour=3)
    assert [bool(said) for said in await strangers_write(deps, "+2237611", 8)] == [True] * 3 + [False] * 5
    assert "Awa Koné" in await awa.send("couverture"), "members do not pay for it"
    alarms = [line for line in caplog.records if line.getMessage() == "sms_strangers_stopped"]
    assert [(line.__dict__["country"], line.__dict__["limit"]) for line in alarms] == [("ML", 3)]
    joining = Writer(deps, phone=OUMAR)
    assert await joining.send("STOP") == ""
    async with deps.pool.connect() as db:
        assert await db.scalar(select(optout.c.phone)) == OUMAR, "obeyed all the same"
    clock.now += timedelta(hours=1)
    assert all(await strangers_write(deps, "+2237612", 2)), "a new hour"


@pytest.mark.parametrize("prefix", ["+8821650", "+2526120", "+3361200", "+2289000"])
async def test_phones_of_countries_without_a_mutuelle_are_not_answered(awa: Writer, prefix: str) -> None:
    assert await strangers_write(awa.deps, f"{prefix}", 2) == ["", ""]
    assert await Writer(awa.deps, phone=f"{prefix}0001").send("adherer Niéna-Sud, Oumar Sow, 30") == ""


async def test_answers_to_strangers_can_be_switched_off(awa: Writer) -> None:
    assert await strangers_write(replace(awa.deps, strangers_an_hour=0), "+2237611", 2) == ["", ""]


async def test_a_stranger_may_join_without_spending_the_help(stranger: Writer) -> None:
    assert "Combien payez-vous" in await stranger.send("adherer Niéna-Sud, Oumar Sow, 30 28 3")
    assert "Mutuelle Benso" in await stranger.send("1")


async def test_stop_is_obeyed_from_anybody_and_confirmed_once(
    awa: Writer, stranger: Writer, pool: AsyncEngine
) -> None:
    assert "START" in await awa.send("Arrêt")
    assert await awa.send("stop") == ""
    assert "START" in await stranger.send("STOP")
    assert "de nouveau" in await stranger.send("START")
    assert "Dernière réponse" in await stranger.send("Bonjour")
    assert await stranger.send("STOP") == ""  # its helps of the day are spent; obeyed all the same
    assert await stranger.send("START") == ""
    async with pool.connect() as db:
        out = list(await db.scalars(select(optout.c.phone).where(optout.c.until.is_(None))))
    assert out == [AWA]
    assert "de nouveau" in await awa.send("start")
    async with pool.connect() as db:
        assert await db.scalar(select(optout.c.source).where(optout.c.phone == AWA)) == "sms"


async def test_stop_closes_what_was_open(awa: Writer, pool: AsyncEngine) -> None:
    shown = await awa.send("payer 3000")
    await awa.send("STOP")
    assert "Aucune demande" in await awa.agree(shown)
    assert await asked(pool) == 0


async def test_a_flood_is_set_aside_and_told_once(awa: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PLAYED_A_DAY, Sender.MEMBER, 3)
    shown = [await awa.send("couverture") for _nth in range(6)]
    assert shown[0] == shown[1] == shown[2]
    assert "demain" in shown[3]
    assert shown[4:] == ["", ""]
    assert await handled(awa.deps.pool) == [
        *[("ANSWERED", "menu")] * 3,
        ("ANSWERED", "limit"),
        *[("SET_ASIDE", "limit")] * 2,
    ]


async def test_stop_is_obeyed_past_the_limit(awa: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PLAYED_A_DAY, Sender.MEMBER, 1)
    await awa.send("couverture")
    assert await awa.send("STOP") == ""
    async with awa.deps.pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(optout)) == 1


async def test_help_is_given_ten_times_a_day(awa: Writer) -> None:
    shown = [await awa.send("bla") for _nth in range(12)]
    assert all("non compris" in words for words in shown[:9])
    assert shown[9].endswith("Dernière réponse d'aujourd'hui. Questions : 76 00 00 09")
    assert shown[10:] == ["", ""]


async def test_a_phone_of_a_closed_household_is_a_stranger(awa: Writer, owner: AsyncEngine) -> None:
    async with owner.begin() as db:
        await db.execute(text("update household set closed_at = now()"))
    assert "ADHERER" in await awa.send("couverture")


async def test_a_conversation_of_somebody_no_longer_known_is_not_gone_on_with(
    awa: Writer, owner: AsyncEngine, pool: AsyncEngine
) -> None:
    shown = await awa.send("payer 3000")
    async with owner.begin() as db:
        await db.execute(text("update household set closed_at = now()"))
    assert "ADHERER" in await awa.agree(shown)
    assert await asked(pool) == 0


async def test_what_was_said_is_not_kept_once_it_has_ended(awa: Writer, pool: AsyncEngine) -> None:
    stranger = Writer(awa.deps, phone=OUMAR)
    await stranger.send("adherer Niéna-Sud, Oumar Sow, 30 28 3")
    await stranger.agree(await stranger.send("1"))
    async with pool.connect() as db:
        row = (await db.execute(select(conversation))).one()
    assert (row.is_open, row.acted, row.answers, row.view) == (False, True, [], {})


async def test_the_language_is_chosen_in_one_message(awa: Writer) -> None:
    shown = await awa.send("langue English")
    assert "reply YES" in shown
    assert "English" in await awa.agree(shown, "oui")
    assert "Covered from" in await awa.send("couverture")


async def test_a_menu_that_tells_a_stranger_something_at_once_is_the_help_of_the_day(
    stranger: Writer,
) -> None:
    word = word_for(CONFIRM, "fr")  # open to strangers, and with nothing to confirm it only says so
    assert await stranger.send(word) == await stranger.send(word)
    assert "Dernière réponse" in await stranger.send("Bonjour")
    assert await stranger.send(word) == ""


async def test_stop_reminders_ends_reminders_only(awa: Writer, pool: AsyncEngine) -> None:
    await awa.send("RAPPEL")
    assert "ne recevra plus de rappels" in await awa.send("STOP RAPPEL")
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(optout)) == 0


async def test_what_was_set_aside_does_not_prolong_the_limit(
    awa: Writer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PLAYED_A_DAY, Sender.MEMBER, 2)
    heard = [await awa.send("couverture") for _nth in range(2)]
    clock.now += DAY / 2
    for _nth in range(4):
        await awa.send("couverture")
    clock.now += DAY / 2
    assert await awa.send("couverture") == heard[0]
