"""The treasurer's digest: exact to the franc between two snapshots, one segment, answered, and its answers kept."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import timing
from invariants import examine
from ledger import accounts
from ledger.book import Account, Journal, Movement, Origin, open_accounts, post, reverse
from ledger.positions import mark_now, position
from ledger.seals import newest, seal
from locales import languages, render
from locales.letters import fold, septets
from mutuelle.contributions import portfolio
from mutuelle.contributions.payments import open_case
from mutuelle.invariants import INVARIANTS
from mutuelle.officers.roles import Role
from mutuelle.schedules.digest.answers import MOST_ANSWERS, answer_digest, digests_to_answer, remarks
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.schedules.digest.words import summary
from mutuelle.schedules.jobs import choose_hour, run_schedules, stop_digests
from mutuelle.schedules.tables import digest, digest_answer
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import officer, payment
from sms.tables import outbox
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.messages_digest import FIGURES, SEAL
from tests.support.officers import FANTA, ISSA, appoint, set_limit
from tests.support.own_accounts import opens
from tests.support.town import AWA, MARIAM, OUMAR, found, found_town, join, paid, pays

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def treasurer(at: datetime, phone: str = FANTA) -> Caller:
    return Caller(phone, "fr", "test", f"call {at}", at)


async def bodies(pool: AsyncEngine, phone: str = FANTA, template: str = "digest") -> list[str]:
    async with pool.connect() as db:
        wanted = (outbox.c.phone == phone) & (outbox.c.template == template)
        return list(await db.scalars(select(outbox.c.body).where(wanted).order_by(outbox.c.created_at)))


async def broken(pool: AsyncEngine) -> set[str]:
    """The names of the invariants of digests that do not hold; the clock of the tests is not the database's."""
    async with pool.connect() as db:
        ours = [check for check in INVARIANTS if check.name != "schedule_fires"]
        return {found.invariant.name for found in await examine(db, ours) if not found.holds}


async def cash_moves(db: AsyncConnection, key: str, debit: str, credit: str, amount_minor: int) -> Journal:
    """A journal of the health fund on accounts that are opened for it."""
    await open_accounts(db, [Account("BEN", code, "XOF") for code in (debit, credit)])
    movement = Movement(debit, credit, amount_minor, "XOF")
    journal = Journal("BEN", "test", key, "test", SUNDAY.date(), "test", "test", [movement])
    assert (await post(db, [journal]))[0].stands
    return journal


async def test_a_week_is_told_exactly(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    awa = await join(pool, AWA, at=SUNDAY)
    mariam = await join(pool, MARIAM, at=SUNDAY, pay_minor=3_000)
    await join(pool, OUMAR, at=SUNDAY - timedelta(days=2))
    for household in (awa, mariam):
        await paid(pool, household, at=SUNDAY)
    await pays(pool, mariam, 3_000, at=SUNDAY)
    async with pool.begin() as db:
        await cash_moves(db, "collected", accounts.cash("h1"), awa.account, 2_500)
        await cash_moves(db, "banked", accounts.bank("bndn"), accounts.cash("h1"), 1_500)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    async with pool.connect() as db:
        sealed = await newest(db, "BEN")
    assert sealed
    assert await bodies(pool) == [
        "BEN 22/11 : versé 20 500 (2 ménages). Caisse 1 000, mobile 18 000, banque 1 500. Ménages à jour : 1/3. "
        f"A vérifier : 1 (2 j). Sceau {sealed.short}. OK ou ERR ?"
    ]
    assert await bodies(pool, ISSA) == await bodies(pool)
    assert await broken(pool) == set()


async def test_the_mutuelle_decides_the_hour_of_who_has_chosen_none(pool: AsyncEngine) -> None:
    await found_town(pool)
    await set_limit(pool, "digest_hour", 9)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    assert "lundi à 9 h" in (await bodies(pool, template="digest begins"))[0]
    async with pool.begin() as db:
        await choose_hour(db, treasurer(SUNDAY, ISSA), mutuelle_id="BEN", weekday=1, hour=8)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    nine = MONDAY.replace(hour=9)
    await run_schedules(pool, timing.Clock.at(nine - timedelta(minutes=1)))
    assert (len(await bodies(pool)), len(await bodies(pool, ISSA))) == (0, 1)
    await set_limit(pool, "digest_hour", 17, since=nine.date())
    for at, sent in ((nine, 0), (nine.replace(hour=17), 1), (nine + WEEK, 1)):
        await run_schedules(pool, timing.Clock.at(at))
        await run_schedules(pool, timing.Clock.at(at))  # it is planned in the worker's next turn
        assert len(await bodies(pool)) == sent, at
    await set_limit(pool, "digest_hour", 10, since=nine.date())
    for at, sent in ((nine.replace(hour=17) + WEEK, 2), (nine.replace(hour=10) + 2 * WEEK, 3)):
        await run_schedules(pool, timing.Clock.at(at))
        await run_schedules(pool, timing.Clock.at(at))
        assert len(await bodies(pool)) == sent, at
    assert len(await bodies(pool, ISSA)) == 3, "her own hour stays hers"
    assert await broken(pool) == {"limit_was_decided_by_two"}, (
        "the test sets it three times, nothing else is wrong"
    )


async def test_each_mobile_account_is_told_to_be_compared_with_the_operators_menu(pool: AsyncEngine) -> None:
    """Whoever settles a payment that nobody made breaks no invariant: only the operator's own figure differs."""
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    awa = await join(pool, AWA, at=SUNDAY)
    await paid(pool, awa, at=SUNDAY)
    async with pool.begin() as db:
        for nth, operator in enumerate(("orange-ML", "moov-ML", "wave-ML"), start=1):
            await cash_moves(db, operator, f"health:float:{operator}", awa.account, nth * 1_000_000)
    await opens(pool, "health:disbursement:simulated-ML", 50_000, at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    told = await bodies(pool, template="digest, floats")
    assert all(septets(one) <= 160 for one in told)
    assert re.findall(r"([\w-]+-ML) ([\d ]+) F", " ".join(told)) == [
        ("moov-ML", "2 000 000"),
        ("orange-ML", "1 000 000"),
        ("simulated-ML", "12 000"),
        ("wave-ML", "3 000 000"),
        ("simulated-ML", "50 000"),
    ]
    assert "envois simulated-ML 50 000 F" in told[-1]
    assert "mobile 6 062 000" in (await bodies(pool))[0], "what waits to be paid out is money of the mutuelle"
    assert all("menu de l'opérateur" in one and "ERR" in one for one in told)
    assert len(await bodies(pool, template="digest")) == 1
    assert await broken(pool) == set()


async def test_a_digest_tells_the_seal_of_all_that_was_booked_before_it(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    async with pool.connect() as db:
        first = await newest(db, "BEN")
    assert first, "the terms of what is sold are recorded"
    assert f"Sceau {first.short}" in (await bodies(pool))[0]
    household = await join(pool, AWA, at=SUNDAY)
    await paid(pool, household, at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    async with pool.connect() as db:
        sealed = await newest(db, "BEN")
        assert sealed
        booked = await db.scalar(text("select count(*) from ledger.journal"))
        assert first.journals + sealed.journals == booked
        roots = list(await db.scalars(select(digest.c.seal_root).where(digest.c.phone == FANTA)))
    assert roots == [first.root, sealed.root]
    assert f"Sceau {sealed.short}" in (await bodies(pool))[1]
    assert await broken(pool) == set()


async def test_a_digest_whose_seal_is_no_longer_in_the_book_is_named(
    pool: AsyncEngine, owner: AsyncEngine
) -> None:
    """The past was changed, and every block sealed anew: the chain holds, but not with what was told."""
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    household = await join(pool, AWA, at=SUNDAY)
    await paid(pool, household, at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    async with owner.begin() as db:
        for table in ("seal", "journal"):
            await db.execute(text(f"alter table ledger.{table} disable trigger append_only"))
        await db.execute(text("update ledger.journal set reason = 'another'"))
        await db.execute(text("delete from ledger.seal"))
        assert await seal(db, "BEN")
    assert await broken(pool) == {"digest_seal_stands"}


async def test_no_franc_is_left_out_and_none_told_twice(pool: AsyncEngine) -> None:
    """A journal that commits after a digest was counted, though it was written before, is in the next one."""
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    households = [await join(pool, f"+2237600010{nth}", at=SUNDAY) for nth in range(3)]
    await paid(pool, households[0], at=SUNDAY)
    async with pool.begin() as late:
        await cash_moves(late, "late", accounts.cash("h1"), households[1].account, 700)
        async with pool.begin() as db:
            await cash_moves(db, "early", accounts.cash("h2"), households[2].account, 40)
        await run_schedules(pool, timing.Clock.at(MONDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    await run_schedules(pool, timing.Clock.at(MONDAY + 2 * WEEK))
    async with pool.connect() as db:
        told = select(digest.c.received_minor).where(digest.c.phone == FANTA).order_by(digest.c.fired_for)
        assert list(await db.scalars(told)) == [12_040, 700, 0]
    assert await broken(pool) == set()


async def test_figures_of_digests_add_up_whatever_runs_beside(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    household = await join(pool, AWA, at=SUNDAY)

    async def collect(nth: int) -> None:
        async with pool.begin() as db:
            await cash_moves(db, f"c{nth}", accounts.cash(f"h{nth % 3}"), household.account, 10 + nth)
            await asyncio.sleep(0.001 * (nth % 7))

    async def tell() -> None:
        for week in range(6):
            await run_schedules(pool, timing.Clock.at(MONDAY + week * WEEK))
            await asyncio.sleep(0.02)

    await asyncio.gather(tell(), *(collect(nth) for nth in range(40)))
    await run_schedules(pool, timing.Clock.at(MONDAY + 7 * WEEK))
    async with pool.connect() as db:
        told = await db.scalars(select(digest.c.received_minor).where(digest.c.phone == ISSA))
        assert sum(told) == sum(10 + nth for nth in range(40))
    assert await broken(pool) == set()


async def test_all_figures_of_a_digest_are_of_one_moment(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payment that settles while a digest is counted is wholly in it or wholly in the next."""
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    household = await join(pool, AWA, at=SUNDAY)
    count_all, settled = portfolio.portfolio, asyncio.Event()

    async def interrupted(
        db: AsyncConnection, mutuelle: Mutuelle, today: date
    ) -> dict[str, portfolio.Insured]:
        if not settled.is_set():
            settled.set()
            await paid(pool, household, at=SUNDAY)
        return await count_all(db, mutuelle, today)

    monkeypatch.setattr("mutuelle.schedules.digest.digest.portfolio", interrupted)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    first = await bodies(pool)
    assert "rien versé. Caisse 0 F, mobile 0 F. Ménages à jour : 0/1. A vérifier : 1" in first[0]
    assert "versé 12 000 F (1 ménage). Caisse 0 F, mobile 12 000 F. Ménages à jour : 1/1. Rien" in first[1]


async def test_what_is_taken_back_is_taken_off(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await join(pool, AWA, at=SUNDAY)
    async with pool.begin() as db:
        start = await mark_now(db)
    async with pool.begin() as db:
        first = await cash_moves(db, "one", accounts.cash("h1"), household.account, 900)
        await cash_moves(db, "two", accounts.cash("h1"), accounts.opening(), 5_000)
    async with pool.begin() as db:
        middle = await mark_now(db)
    async with pool.begin() as db:
        await reverse(db, "BEN", first.id, SUNDAY.date(), Origin(source="t", key="r", actor="t", reason="t"))
    async with pool.begin() as db:
        whole = await position(db, "BEN", "XOF", since=start)
        later = await position(db, "BEN", "XOF", since=middle)
        other = await position(db, "BEN", "XAF", since=start)
    assert (whole.received_minor, whole.payers, whole.cash_minor) == (0, 0, 5_000)
    assert (later.received_minor, later.payers, later.cash_minor) == (-900, 0, 5_000)
    assert (other.received_minor, other.cash_minor) == (0, 0)


async def test_the_balance_now_counts_since_the_last_digest_and_keeps_nothing(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await join(pool, AWA, at=SUNDAY)
    await paid(pool, household, at=SUNDAY)
    async with pool.connect() as db:
        before = await balance_now(db, treasurer(SUNDAY), "BEN")
    assert (before.since, before.received_minor, before.mobile_minor) == (None, 12_000, 12_000)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    async with pool.begin() as db:
        await cash_moves(db, "later", accounts.cash("h1"), household.account, 55)
    async with pool.connect() as db:
        now = await balance_now(db, treasurer(MONDAY), "BEN")
        assert list(await db.scalars(select(digest.c.phone))) == []
    assert (now.since, now.received_minor, now.payers, now.cash_minor) == (SUNDAY, 55, 1, 55)


async def test_what_waits_for_a_person_has_an_age(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await join(pool, AWA, at=SUNDAY)
    async with pool.connect() as db:
        assert (await balance_now(db, treasurer(SUNDAY + timedelta(minutes=59)), "BEN")).unresolved == 0
        after = await balance_now(db, treasurer(SUNDAY + timedelta(hours=3)), "BEN")
    assert (after.unresolved, after.oldest_at) == (1, SUNDAY)
    assert "1 paiement, depuis 3 h" in render(summary(after, "fr", asks=False), "fr")
    await paid(pool, household, at=SUNDAY)
    async with pool.begin() as db:
        reference = (await db.execute(select(payment.c.reference))).scalar_one()
        await open_case(db, "BEN", reference, "clock", "test", MONDAY)
        await open_case(db, "BEN", reference, "mismatch", "test", MONDAY)
        now = await balance_now(db, treasurer(SUNDAY + timedelta(days=9)), "BEN")
        assert (now.unresolved, now.oldest_at) == (1, SUNDAY)
        await db.execute(text("update payment_case set closed_at = now()"))
        assert (await balance_now(db, treasurer(MONDAY), "BEN")).unresolved == 0


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("bank", [True, False])
@pytest.mark.parametrize("sealed", [SEAL, None])
@pytest.mark.parametrize("collectors", [True, False])
@pytest.mark.parametrize("most", [0, 999, 45_000, 999_999, 9_999_999, 99_999_999, 999_999_999])
def test_every_sum_fits_and_no_figure_gives_way(
    language: str, asks: bool, bank: bool, collectors: bool, most: int, sealed: str | None
) -> None:
    with_collectors = min(most, 200_000) if collectors else 0
    figures = replace(
        FIGURES,
        received_minor=most,
        cash_minor=most + with_collectors,
        mobile_minor=most,
        bank_minor=most if bank else 0,
        collectors_minor=with_collectors,
    )
    sealed = sealed if asks else None  # who asks for the figures gets no seal
    words = fold(render(summary(figures, language, asks=asks, seal=sealed), language))
    assert septets(words) <= (160 if asks else 156), words
    room_for_seal = 0 if bank and collectors else 999_999 if bank or collectors else 9_999_999
    assert (SEAL in words) is bool(sealed) or most > room_for_seal, (
        "it gives way to figures only, and to the largest"
    )
    shown = f"{most:,}".replace(",", " ")
    assert len(re.findall(rf"(?<!\d){shown}(?!\d)", words)) >= (3 if most else 2) + (bank and most > 0)
    assert "99999/99999" in words
    assert re.search(r"99 (\(99|paiements, depuis 99|payments, the oldest 99)", words)
    if most <= 9_999_999 and not bank and not collectors:
        assert words.endswith("ERR ?" if language == "fr" else "ERR?") is asks


def test_one_household_and_none_are_said_as_people_say_it() -> None:
    one = replace(FIGURES, payers=1, received_minor=5, unresolved=0, oldest_at=None)
    assert "versé 5 F (1 ménage)." in fold(render(summary(one, "fr", asks=False), "fr"))
    assert "Rien à vérifier" in render(summary(one, "fr", asks=False), "fr")
    quiet = replace(FIGURES, unresolved=0, oldest_at=None)
    assert "Rien à vérifier. Sceau 4F7A-91C2" in render(summary(quiet, "fr", asks=True, seal=SEAL), "fr")
    assert "rien versé." in fold(render(summary(replace(one, received_minor=0), "fr", asks=False), "fr"))


async def answers(pool: AsyncEngine) -> list[tuple[str, str | None]]:
    async with pool.connect() as db:
        rows = await db.execute(
            select(digest_answer.c.verdict, digest_answer.c.reason).order_by(
                digest_answer.c.answered_at, digest_answer.c.position
            )
        )
        return [(row[0], row[1]) for row in rows]


async def say(
    pool: AsyncEngine,
    at: datetime,
    reason: str | None = None,
    phone: str = FANTA,
    fired_for: datetime = MONDAY,
) -> None:
    async with pool.begin() as db:
        await answer_digest(
            db,
            treasurer(at, phone),
            mutuelle_id="BEN",
            digest_of=fired_for.isoformat(),
            verdict="ERR" if reason else "OK",
            reason=reason,
        )


async def test_an_err_is_kept_told_to_the_others_and_waits_until_it_is_taken_back(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMAR, Role.TREASURER, name="Oumar Sow", pin=None, at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    await say(pool, MONDAY, "il manque 500 F")
    await say(pool, MONDAY, "et 20 F")
    await say(pool, MONDAY, phone=ISSA)
    assert set(await answers(pool)) == {("ERR", "il manque 500 F"), ("ERR", "et 20 F"), ("OK", None)}
    assert await bodies(pool, FANTA, "digest disputed") == []
    for other in (ISSA, OUMAR):
        told = await bodies(pool, other, "digest disputed")
        assert len(told) == 2
        assert "Fanta Coulibaly" in told[0]
    async with pool.connect() as db:
        found_ = await remarks(db, "BEN", MONDAY)
        assert [(one.name, one.reason) for one in found_] == [
            ("Fanta Coulibaly", "et 20 F"),
            ("Fanta Coulibaly", "il manque 500 F"),
        ]
        assert await remarks(db, "BEN", MONDAY + timedelta(days=91)) == []
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    await say(pool, MONDAY + WEEK, fired_for=MONDAY + WEEK)
    async with pool.connect() as db:
        assert await remarks(db, "BEN", MONDAY + WEEK) == []
    assert await broken(pool) == set()


async def test_who_writes_err_without_end_is_not_told_on_and_may_still_say_ok(pool: AsyncEngine) -> None:
    """A sender can be forged, and each remark is an SMS to every other treasurer."""
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    for nth in range(MOST_ANSWERS):
        await say(pool, MONDAY, f"il manque {nth} F")
    with pytest.raises(RefusedError, match="answered this summary enough"):
        await say(pool, MONDAY, "il manque tout")
    await say(pool, MONDAY)
    assert len(await answers(pool)) == MOST_ANSWERS + 1
    assert len(await bodies(pool, ISSA, "digest disputed")) == MOST_ANSWERS


async def test_only_the_last_digest_of_a_week_is_answered_by_a_treasurer_in_office(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    async with pool.connect() as db:
        assert len(await digests_to_answer(db, treasurer(MONDAY + WEEK - timedelta(seconds=1)))) == 1
        assert await digests_to_answer(db, treasurer(MONDAY + WEEK)) == []
        assert await digests_to_answer(db, treasurer(MONDAY, AWA)) == []
    with pytest.raises(RefusedError, match="Another summary"):
        await say(pool, MONDAY + WEEK)
    with pytest.raises(RefusedError, match="Another summary"):
        await say(pool, MONDAY, fired_for=MONDAY - WEEK)
    with pytest.raises(RefusedError, match="no longer yours"):
        await say(pool, MONDAY, phone=AWA)
    async with pool.begin() as db:
        await db.execute(officer.update().values(until=SUNDAY.date()))
    with pytest.raises(RefusedError, match="no longer yours"):
        await say(pool, MONDAY)
    assert await answers(pool) == []


async def test_two_answers_at_once_are_both_kept(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    await asyncio.gather(*(say(pool, MONDAY, f"raison {nth}") for nth in range(5)))
    assert sorted(await answers(pool)) == [("ERR", f"raison {nth}") for nth in range(5)]


async def test_an_answer_cannot_be_changed_by_the_service(pool: AsyncEngine) -> None:
    await found_town(pool)
    for table in ("digest", "digest_answer", "firing", "reminder"):
        for change in (f"delete from {table}", f"update {table} set mutuelle_id = 'X'"):
            async with pool.connect() as db:
                with pytest.raises(Exception, match="permission denied"):
                    await db.execute(text(change))


async def choose(pool: AsyncEngine, caller: Caller, weekday: int | None, hour: int) -> None:
    async with pool.begin() as db:
        await choose_hour(db, caller, mutuelle_id="BEN", weekday=weekday, hour=hour)


async def stop(pool: AsyncEngine, caller: Caller) -> None:
    async with pool.begin() as db:
        await stop_digests(db, caller, mutuelle_id="BEN")


async def test_she_chooses_the_hour_or_none(pool: AsyncEngine) -> None:
    await found_town(pool)
    await choose(pool, treasurer(SUNDAY), 3, 18)
    await stop(pool, treasurer(SUNDAY, ISSA))
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    assert await bodies(pool, FANTA, "digest begins") == [], "she has chosen already"
    for day in range(8):
        await run_schedules(pool, timing.Clock.at(MONDAY + timedelta(days=day, hours=12)))
    assert len(await bodies(pool)) == 1
    assert await bodies(pool, ISSA) == []
    async with pool.connect() as db:
        assert await db.scalar(select(digest.c.fired_for)) == datetime(2026, 11, 25, 18, tzinfo=UTC)
    await choose(pool, treasurer(MONDAY + WEEK, ISSA), None, 7)
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    for day in range(8, 11):
        await run_schedules(pool, timing.Clock.at(MONDAY + timedelta(days=day)))
    assert len(await bodies(pool, ISSA)) == 3


async def test_who_holds_no_office_chooses_nothing(pool: AsyncEngine) -> None:
    await found_town(pool)
    nobody = treasurer(SUNDAY, AWA)
    for hour, refusal in ((8, RefusedError), (6, ValueError), (20, ValueError)):
        with pytest.raises(refusal):
            await choose(pool, nobody, None, hour)
    with pytest.raises(RefusedError):
        await stop(pool, nobody)


async def test_each_mutuelle_is_told_of_itself_alone(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await paid(pool, await join(pool, AWA, at=SUNDAY, code="ZAN"), at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    ben, zan = sorted(await bodies(pool))
    assert "Benso" in ben
    assert "rien versé" in ben
    assert "Zantiéla" in zan
    assert "12 000 F (1 ménage)" in zan
    async with pool.connect() as db:
        assert [one.mutuelle_id for one in await digests_to_answer(db, treasurer(MONDAY))] == ["BEN", "ZAN"]


@pytest.mark.parametrize(
    ("tamper", "name"),
    [
        ("update digest set received_minor = received_minor + 1", "digest_recounts"),
        ("update digest set cash_minor = 5", "digest_recounts"),
        ("update digest set collectors_minor = 5", "digest_recounts"),
        ("delete from sms_outbox where template = 'digest'", "digest_has_message"),
        ("delete from firing where kind = 'digest'", "firing_has_digest"),
        ("delete from digest where phone = '+22376000007'", "firing_has_digest"),
        ("update digest set counted_from = counted_to where received_minor = 0", "digest_follows_on"),
    ],
)
async def test_an_invariant_notices(pool: AsyncEngine, owner: AsyncEngine, tamper: str, name: str) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    await paid(pool, await join(pool, AWA, at=SUNDAY), at=SUNDAY)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    await run_schedules(pool, timing.Clock.at(MONDAY + WEEK))
    assert await broken(pool) == set()
    async with owner.begin() as db:
        await db.execute(text(tamper))
    assert await broken(pool) == {name}


async def test_an_invariant_notices_a_schedule_that_waits(pool: AsyncEngine) -> None:
    await found_town(pool)
    now = datetime.now(UTC)
    await run_schedules(pool, timing.Clock.at(now))
    async with pool.begin() as db:
        assert {one.holds for one in await examine(db, INVARIANTS)} == {True}
        await db.execute(
            text("update schedule set due_at = due_at - interval '9 days 1 minute', next_at = now()")
        )
        assert [one.invariant.name for one in await examine(db, INVARIANTS) if not one.holds] == [
            "schedule_fires"
        ]
