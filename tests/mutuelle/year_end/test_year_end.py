"""A year is closed, its assembly is convened and votes: nothing is dated in it any more, the result has its place."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from commands.year.assembly import spoken, written
from commands.year.paper import paper
from invariants import Invariant
from ledger import accounts
from ledger.balances import balance
from ledger.book import Account, Journal, Movement, Origin, open_accounts, post
from ledger.charts import DEFAULT, charts
from ledger.periods import reopen_period
from ledger.reports import year_balance
from ledger.reports.voice import Voice
from locales import Money, Sentence, catalogue, locale_of, render
from mutuelle.acts import By
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.contributions.standing import standing
from mutuelle.officers.joint_acts import APPROVED, NewJointAct, propose, words_to_propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household_phone
from mutuelle.year_end.assemblies import Assembly, convening_of, next_assembly
from mutuelle.year_end.closing import ClosedYear, YearEndEntries, YearEndError, close_year, find_closed_year
from mutuelle.year_end.invariants import INVARIANTS
from mutuelle.year_end.membership import insured_on
from mutuelle.year_end.report import assembly_report
from mutuelle.year_end.results import FundYear, fund_years
from mutuelle.year_end.votes import Vote, health_now, vote_of, year_to_vote
from talk.answers import Secret
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.joined_households import joined, unpaid
from tests.support.officer_acts import AGREED, answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, PIN, give_pin
from tests.support.payers import puts_under, receives_of_payer, town_with_payers
from tests.support.town import AWA, MARIAM, OUMAR, found_town, paid, pays

SPRING, JANUARY = datetime(2025, 3, 10, 12, tzinfo=UTC), datetime(2026, 1, 12, 12, tzinfo=UTC)
APPROVES = Vote(2025, 75, 70, 3, "2/2026")


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """In 2025 Awa's household joined and paid 12 000 F, Mariam's joined and paid nothing."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await joined(pool, AWA, at=SPRING, pay_minor=12_000)
    return pool


async def closes(pool: AsyncEngine, year: int = 2025, at: datetime = JANUARY) -> ClosedYear:
    async with pool.begin() as db:
        return await close_year(
            db, await get_mutuelle(db, "BEN"), year, By("Kadidia", "the year is over", at)
        )


async def proposed(pool: AsyncEngine, act: NewJointAct, *, at: datetime = JANUARY) -> Sentence | None:
    async with pool.begin() as db:
        return await propose(
            db, calling(FANTA, at), mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED
        )


async def votes(pool: AsyncEngine, vote: Vote, reserve_minor: int, *, at: datetime = JANUARY) -> None:
    """Fanta writes a vote down, Issa signs."""
    assert await proposed(pool, vote_of(vote, Money(reserve_minor, "XOF")), at=at) is None
    assert await answers(pool, by=ISSA, answer=APPROVED, at=at) is None


async def health(pool: AsyncEngine, at: datetime = JANUARY) -> FundYear:
    async with pool.connect() as db:
        return await health_now(db, await get_mutuelle(db, "BEN"), at)


async def books(pool: AsyncEngine, debit: str, credit: str, minor: int, on: date) -> None:
    async with pool.begin() as db:
        await open_accounts(db, [Account("BEN", code, "XOF") for code in (debit, credit)])
        key = f"{on} {debit} {credit} {minor}"
        movement = Movement(debit, credit, minor, "XOF")
        [posted] = await post(
            db, [Journal("BEN", "desk", key, "booked", on, "an accountant", "as agreed", [movement])]
        )
        assert posted.stands


async def test_a_year_that_is_over_is_closed_once_with_its_members(town: AsyncEngine) -> None:
    with pytest.raises(YearEndError, match="year_not_over"):
        await closes(town, 2026)
    closed = await closes(town)
    members = closed.members
    assert (members.households, members.people, members.covered, members.joined) == (1, 4, 1, 1)
    async with town.connect() as db:
        assert await find_closed_year(db, "BEN") == closed
    await joined(town, MARIAM, at=JANUARY, pay_minor=3_000)
    assert await closes(town) == closed
    assert await broken(town) == set()


async def test_income_is_spread_and_debts_are_set_aside_where_an_accountant_asks_for_it(
    town: AsyncEngine,
) -> None:
    await joined(town, MARIAM, at=SPRING - timedelta(days=300), pay_minor=8_000)  # suspended, 4 000 F owed
    entries = YearEndEntries(spread=True, provide=True)
    async with town.begin() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        await close_year(db, mutuelle, 2025, By("Kadidia", "the year is over", JANUARY), entries)
    async with town.connect() as db:
        [then] = await fund_years(db, "BEN", date(2025, 12, 31))
        [now] = await fund_years(db, "BEN", date(2026, 1, 1))
        report = await assembly_report(db, mutuelle, 2025, JANUARY.date(), charts()[DEFAULT])
    later = 12_000 * 68 // 365
    assert (then.held("deferred"), then.held("allowance")) == (-later, -4_000)
    assert (then.income_minor, then.expenses_minor) == (12_000 - later, 4_000)
    assert (now.held("deferred"), now.held("allowance")) == (0, 0)
    assert (now.income_minor, now.expenses_minor) == (later, -4_000)
    to_know = next(s for s in report.pages[1] if render(s.title, "en") == "To know, in no account")
    assert [line.now for line in to_know.lines] == [Money(0, "XOF"), Money(0, "XOF")]
    assert await broken(town) == set()
    by = By("Kadidia", "the year is over", JANUARY)
    with pytest.raises(YearEndError, match="entries_too_late"):
        async with town.begin() as db:
            await close_year(db, mutuelle, 2025, by, entries)
    async with town.begin() as db:  # its books are opened and closed again: the entries are there once
        await reopen_period(db, "BEN", Origin("a test", "reopen", "Kadidia", "a paper was found"))
        await close_year(db, mutuelle, 2025, by, entries)
    async with town.connect() as db:
        [again] = await fund_years(db, "BEN", date(2025, 12, 31))
    assert again == then


async def at_the_end_of_2025(pool: AsyncEngine) -> list[tuple[int, int]]:
    """What each household owes for an ended cover, and what of its prices is for the next year."""
    last = date(2025, 12, 31)
    async with pool.connect() as db:
        insured = await insured_on(db, await get_mutuelle(db, "BEN"), last)
    return sorted((one.doubtful_minor, one.next_year_minor(last)) for one in insured)


async def test_what_is_paid_or_agreed_to_after_a_year_is_not_of_its_last_day(town: AsyncEngine) -> None:
    late = await joined(town, MARIAM, at=SPRING - timedelta(days=300), pay_minor=8_000)  # it owes 4 000 F
    over = await joined(town, OUMAR, at=SPRING - timedelta(days=400), pay_minor=12_000)
    before = await at_the_end_of_2025(town)
    assert before == [(0, 0), (0, 12_000 * 68 // 365), (4_000, 0)]
    await pays(town, late, 4_000, at=JANUARY)
    async with town.begin() as db:
        renewal = (await standing(db, over, JANUARY)).renewal
        await ask_payment(
            db, calling(OUMAR, JANUARY), over, Money(6_000, "XOF"), PayingPhone(OUMAR), renewal=renewal
        )
    await paid(town, over, at=JANUARY)
    assert await at_the_end_of_2025(town) == before


async def test_what_a_payer_owes_is_neither_lost_nor_a_members_debt(pool: AsyncEngine) -> None:
    """The commune has paid a part of what it owes for 2025; the rest stands, and its days of 2026 are no income yet."""
    await town_with_payers(pool)
    poor = await unpaid(pool, AWA, at=SPRING)
    await puts_under(pool, poor, "indigents", at=SPRING)
    await receives_of_payer(pool, 5_000, at=SPRING + timedelta(days=90))
    later = 12_000 * 68 // 365
    assert await at_the_end_of_2025(pool) == [(0, later)]
    entries = YearEndEntries(spread=True, provide=True)
    async with pool.begin() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        await close_year(db, mutuelle, 2025, By("Kadidia", "the year is over", JANUARY), entries)
    async with pool.connect() as db:
        [then] = await fund_years(db, "BEN", date(2025, 12, 31))
        report = await assembly_report(db, mutuelle, 2025, JANUARY.date(), charts()[DEFAULT])
    assert (then.held("receivable"), then.held("deferred"), then.held("allowance")) == (7_000, -later, 0)
    lines = {render(line.label, "en"): line.now for section in report.pages[0] for line in section.lines}
    assert lines["Received from payers"] == Money(5_000, "XOF")
    assert lines["Owed by the State and others at the end"] == Money(7_000, "XOF")
    assert lines["Owed by members at the end"] == Money(0, "XOF")
    assert lines["Collected: received / called"] == Fraction(5_000, 12_000 - later)
    assert await broken(pool) == set()


async def test_nothing_is_dated_in_a_closed_year(town: AsyncEngine) -> None:
    await closes(town)
    await books(town, "health:bank:bms", "health:gifts", 4_000, date(2025, 12, 1))
    async with town.connect() as db:
        before = await fund_years(db, "BEN", date(2025, 12, 31))
    assert [fund.income_minor for fund in before if fund.fund == "health"] == [12_000]


async def test_the_assembly_puts_a_part_of_the_result_aside(town: AsyncEngine) -> None:
    await closes(town)
    assert ((await health(town)).carried_minor, (await health(town)).reserve_minor) == (12_000, 0)
    await votes(town, APPROVES, 5_000)
    now = await health(town)
    assert (now.carried_minor, now.reserve_minor) == (7_000, 5_000)
    async with town.connect() as db:
        assert (await balance(db, "BEN", accounts.reserve())).credits == 5_000
    assert await broken(town) == set()


async def test_the_reserve_makes_a_loss_good(town: AsyncEngine) -> None:
    await books(town, "health:bank:bms", accounts.reserve(), 9_000, date(2025, 2, 1))
    await books(town, "health:benefits", "health:bank:bms", 15_000, date(2025, 6, 1))
    await closes(town)
    assert (await health(town)).carried_minor == -3_000
    assert await refused_vote(town, APPROVES, -3_001) == "The result has changed. Please look again."
    await votes(town, APPROVES, -3_000)
    now = await health(town)
    assert (now.carried_minor, now.reserve_minor) == (0, 6_000)
    assert await broken(town) == set()


async def test_more_than_the_result_is_never_put_aside(town: AsyncEngine) -> None:
    await closes(town)
    assert await refused_vote(town, APPROVES, 12_001) == "The result has changed. Please look again."
    assert await refused_vote(town, APPROVES, -1) == "The result has changed. Please look again."


async def test_accounts_are_approved_once_and_refused_as_often_as_members_like(town: AsyncEngine) -> None:
    await closes(town)
    refused = Vote(2025, 75, 30, 45, "2/2026")
    await votes(town, refused, 0)
    async with town.connect() as db:
        assert await year_to_vote(db, calling(FANTA, JANUARY), "BEN") == 2025
    await votes(town, APPROVES, 0)
    assert await refused_vote(town, APPROVES, 0) == "The accounts of {year} are approved already."
    assert await broken(town) == set()


async def test_books_that_are_open_again_are_not_voted_on(town: AsyncEngine) -> None:
    assert await refused_vote(town, APPROVES, 0) == (
        "The books of this year are not closed yet. Please see your mutuelle."
    )


async def test_an_assembly_is_convened_by_two_and_its_members_are_told_once(town: AsyncEngine) -> None:
    new = Assembly(date(2026, 2, 14), 9, "école de Bandiagala", 60)
    assert await proposed(town, convening_of(new)) is None
    async with town.connect() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        assert await next_assembly(db, mutuelle, JANUARY) is None
    assert await answers(town, by=ISSA, at=JANUARY) is None
    assert "assembly convened" in await templates(town, AWA)
    async with town.connect() as db:
        assert await next_assembly(db, mutuelle, JANUARY) == new
        assert await next_assembly(db, mutuelle, datetime(2026, 2, 15, 12, tzinfo=UTC)) is None
    assert await refusal(proposed(town, convening_of(new))) == "An assembly is convened on this day already."
    past = Assembly(date(2026, 1, 12), 9, "école", 60)
    assert await refusal(proposed(town, convening_of(past))) == (
        "The assembly must be after today, within six months."
    )
    assert await broken(town) == set()


async def test_a_phone_of_two_households_gets_one_sms_of_an_assembly(town: AsyncEngine) -> None:
    other = await joined(town, MARIAM, at=SPRING)
    async with town.begin() as db:
        key = {"mutuelle_id": "BEN", "number": other.number}
        await db.execute(insert(household_phone), key | {"phone": AWA, "since": SPRING})
    act = convening_of(Assembly(date(2026, 2, 14), 9, "école", 60))
    async with town.connect() as db:
        caller = calling(FANTA, JANUARY)
        words = await words_to_propose(
            db, caller, await appointment_of(db, caller, "BEN", Role.TREASURER), act
        )
    assert render(words, "en").endswith("SMS to send: 2")


async def test_a_vote_is_of_an_assembly_that_was_held_with_its_quorum(town: AsyncEngine) -> None:
    await closes(town)
    assert await proposed(town, convening_of(Assembly(date(2026, 1, 20), 9, "école", 76))) is None
    assert await answers(town, by=ISSA, at=JANUARY) is None
    assert await refused_vote(town, APPROVES, 0) == "The assembly of {day} has not been held yet."
    later = JANUARY + timedelta(days=9)
    act = vote_of(APPROVES, Money(0, "XOF"))
    assert (
        await refusal(proposed(town, act, at=later))
        == "{n} people had to be there: this vote does not count."
    )
    await votes(town, Vote(2025, 76, 70, 3, "2/2026"), 0, at=later)
    assert await broken(town) == set()


async def test_a_year_before_a_closed_one_is_not_closed_any_more(town: AsyncEngine) -> None:
    await closes(town)
    with pytest.raises(YearEndError, match="later_year_closed"):
        await closes(town, 2024)


async def refused_vote(pool: AsyncEngine, vote: Vote, reserve_minor: int) -> str:
    return await refusal(proposed(pool, vote_of(vote, Money(reserve_minor, "XOF"))))


MOVED = {
    "health": (
        "bank:bms",
        "contributions",
        "benefits",
        "purchases",
        "payable:cscom",
        "result",
        "reserve",
        "member:199000010",
    ),
    "grants": ("bank:bms", "subsidies", "purchases", "result"),
}


async def test_the_figures_of_a_year_are_those_of_the_trial_balance(town: AsyncEngine) -> None:
    """Random books over four years: every kind of every fund, with the results that past years carry over."""
    chance = random.Random(12)
    for nth in range(60):
        fund = chance.choice(list(MOVED))
        debit, credit = (f"{fund}:{kind}" for kind in chance.sample(MOVED[fund], 2))
        on = date(2023, 1, 1) + timedelta(days=chance.randrange(1_200))
        await books(town, debit, credit, chance.randint(1, 9_999) * 10 + nth % 10, on)
    for last in (
        date(2023, 5, 1),
        date(2023, 12, 31),
        date(2024, 1, 1),
        date(2025, 12, 31),
        date(2026, 3, 1),
    ):
        async with town.connect() as db:
            lines = await year_balance(db, "BEN", last)
            found = await fund_years(db, "BEN", last)
        expected: dict[tuple[str, str], int] = defaultdict(int)
        for line in lines:
            expected[line.fund, line.account.split(":")[1]] += line.debit - line.credit
        figures = {(fund.fund, kind): net for fund in found for kind, net in fund.by_kind.items()}
        assert {key: net for key, net in figures.items() if net} == {
            key: net for key, net in expected.items() if net
        }
        assert all(sum(fund.by_kind.values()) == 0 for fund in found)


async def test_the_report_of_an_assembly_balances_and_is_two_pages(town: AsyncEngine) -> None:
    await books(town, "health:benefits", "health:payable:cscom", 2_500, date(2025, 6, 1))
    await books(town, "health:bank:bms", "health:gifts", 1_000, date(2024, 6, 1))
    async with town.connect() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        chart = charts()[DEFAULT].translated(catalogue("fr"))
        report = await assembly_report(db, mutuelle, 2025, JANUARY.date(), chart)
    by_title = {render(section.title, "en"): section for page in report.pages for section in page}
    has, owes = (by_title[f"Balance sheet: what we {what}"].lines[-1] for what in ("have", "owe and own"))
    assert (has.now, has.before) == (owes.now, owes.before) == (Money(13_000, "XOF"), Money(1_000, "XOF"))
    shares = {render(line.label, "en").partition(":")[0]: line.now for line in by_title["Indicators"].lines}
    assert (shares["Collected"], shares["Care"], shares["Liquidity"]) == (
        1,
        Fraction(5, 24),
        Fraction(13_000, 2_500),
    )
    to_know = by_title["To know, in no account"].lines
    # The year of cover began on 10/03/2025: 68 of its 365 days are in 2026.
    assert [line.now for line in to_know] == [Money(0, "XOF"), Money(12_000 * 68 // 365, "XOF")]
    said = spoken(report, Voice(chart, catalogue("fr"), locale_of("fr")), "fr")
    pages = PdfReader(BytesIO(paper(said))).pages
    assert len(pages) == 2
    read = " ".join(page.extract_text() for page in pages)
    for words in ("rapport à l'assemblée générale, 2025", "Ménages couverts à la fin", "Compte de résultat"):
        assert words in read
        assert words in written(said)


MUTANTS = {
    "closed_year_is_closed": "update ledger.book set closed_through = date '2025-06-30'",
    "assembly_act_has_two": "update joint_act set answer = 'refused' where kind = 'assembly vote'",
    "vote_is_posted_once": "update assembly_vote set reserve_minor = reserve_minor - 1",
}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda one: str(one.name))
async def test_each_invariant_is_broken_by_its_mutant(
    town: AsyncEngine, owner: AsyncEngine, invariant: Invariant
) -> None:
    await closes(town)
    await votes(town, APPROVES, 5_000)
    async with owner.begin() as db:
        await db.execute(text(MUTANTS[invariant.name]))
    assert invariant.name in {one.partition(":")[0] for one in await broken(town)}
