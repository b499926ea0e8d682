"""DETAIL: at most three segments and pages of a call with the longest facts; its figures are those of the book."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts, post
from ledger.positions import Debts, debts_on
from locales import Money, languages, render
from locales.letters import fold, septets
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.cash_in_hand import CashInHand
from mutuelle.treasury.detail import (
    Detail,
    detail_in_parts,
    detail_of,
    detail_pages,
    detail_words,
    statement_words,
)
from sms.segments import segments
from talk.layout import longest
from tests.support.messages_digest import MUTUELLE, NAME
from tests.support.officer_acts import calling
from tests.support.officers import FANTA
from tests.support.own_accounts import opens
from tests.support.statements import FLOAT, line, open_merchant, taken
from tests.support.town import AWA, NOON, found_town

TODAY, DAY = NOON.date(), timedelta(days=1)
MUCH = 99_999_999
OWED = Money(MUCH, "XOF")
HELD = CashInHand("BEN", "00000001", NAME, AWA, Money(200_000, "XOF"), TODAY, "Africa/Bamako")
DEBTS = Debts(MUCH, MUCH, MUCH, MUCH, ((TODAY - 999 * DAY, MUCH), (TODAY, 1)))
LONGEST = Detail(
    mutuelle=MUTUELLE,
    covered=39_996,
    waiting=9_999,
    others=39_996,
    owing=9_999,
    total=OWED,
    late=9_999,
    late_total=OWED,
    to_sign=99,
    counted_on=TODAY,
    collectors=(HELD,) * 20,
    days=(99,) * 20,
    debts=DEBTS,
    differs=(999, 90),
    today=TODAY,
)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("count", [0, 1, 20])
def test_the_second_form_of_the_digest_is_three_segments_at_most(language: str, count: int) -> None:
    found = replace(LONGEST, collectors=(HELD,) * count, days=(99,) * count)
    assert septets(fold(render(longest(detail_words(found), language, 160), language))) <= 160
    assert segments(fold(render(detail_in_parts(found, language), language))) <= 3
    assert (said := statement_words(found)) is not None
    assert render(said, language) in render(detail_in_parts(found, language), language)
    small = replace(
        found, debts=Debts(0, 0, 0, 0, ()), differs=(0, 0), owing=0, late=0, to_sign=0, counted_on=None
    )
    assert segments(fold(render(detail_in_parts(small, language), language))) <= 2


@pytest.mark.parametrize("language", languages())
def test_each_page_fits_a_call_and_no_figure_is_left_out(language: str) -> None:
    pages = [fold(render(page, language)) for page in detail_pages(LONGEST, language, 138)]
    assert all(septets(page) <= 138 for page in pages), pages
    whole = " ".join(pages)
    assert whole.count("99 999 999") == 7, "owed, late, to facilities, by the State, by others, spent, old"
    assert "100 000 000" in whole


async def book(db: AsyncConnection, key: str, debit: str, credit: str, minor: int, on: date = TODAY) -> None:
    await open_accounts(db, [Account("BEN", code, "XOF") for code in (debit, credit)])
    movement = Movement(debit, credit, minor, "XOF")
    journal = Journal("BEN", "test", key, "test", on, "test", "test", [movement])
    assert (await post(db, [journal]))[0].stands


async def test_the_figures_are_those_of_the_book(pool: AsyncEngine) -> None:
    await found_town(pool)
    bank, unknown = accounts.bank("bndn"), accounts.suspense("orange-ML")
    last_year = date(TODAY.year - 1, 12, 31)
    async with pool.begin() as db:
        await book(db, "subsidy", bank, "health:subsidies", 500_000, last_year)
        await book(db, "invoice", "health:benefits", "health:payable:cscom", 90_000)
        await book(db, "paid", "health:payable:cscom", bank, 60_000)
        await book(db, "old paper", "health:purchases", bank, 7_000, last_year)
        await book(db, "paper", "health:purchases", bank, 5_000)
        await book(db, "waived", "health:waivers", accounts.member("199000010"), 4_000)
        await book(db, "state", "health:receivable:etat", "health:subsidies", 45_000)
        await book(db, "donor", "health:receivable:oxfam", "health:subsidies", 8_000)
        for nth, (minor, days) in enumerate(((3_000, 60), (2_000, 40), (1_000, 2))):
            await book(db, f"found {nth}", bank, unknown, minor, TODAY - days * DAY)
        await book(db, "matched", unknown, accounts.member("199000010"), 3_500)
    async with pool.connect() as db:
        debts = await debts_on(db, "BEN", "XOF", TODAY)
        as_before = await debts_on(db, "BEN", "XOF", TODAY - DAY)
        found = await detail_of(db, calling(FANTA), "BEN")
        mutuelle = await get_mutuelle(db, "BEN")
    assert debts == Debts(
        30_000, 45_000, 8_000, 95_000, ((TODAY - 40 * DAY, 1_500), (TODAY - 2 * DAY, 1_000))
    )
    assert as_before.waits == ((TODAY - 60 * DAY, 3_000), (TODAY - 40 * DAY, 2_000), (TODAY - 2 * DAY, 1_000))
    assert found.debts == debts
    words = render(detail_in_parts(found, "fr"), "fr")
    assert words.startswith(f"{mutuelle.name}, ménages :")
    assert words.endswith(
        "À payer aux centres 30 000 F, l'État doit 45 000 F, d'autres 8 000 F. Dépensé en 2026 : 95 000 F. "
        "Sans propriétaire : 2 500 F, le plus ancien depuis 40 jours, 1 500 F depuis plus de 30 jours."
    )


async def test_a_line_that_nobody_booked_differs(pool: AsyncEngine) -> None:
    await found_town(pool)
    await open_merchant(pool)
    await opens(pool, FLOAT, 50_000)
    await taken(pool, [line(1, 900, on=TODAY - 5 * DAY), line(2, -3_000, "retrait", on=TODAY - 2 * DAY)])
    async with pool.connect() as db:
        found = await detail_of(db, calling(FANTA), "BEN")
    assert found.differs == (1, 2)
    assert "Relevés : 1 écart, il y a 2 jours." in render(detail_in_parts(found, "fr"), "fr")
