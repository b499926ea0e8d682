"""Grand livre and livre de caisse: what a reader sees, and that it agrees with the trial balance."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.book import Account, Journal, Movement, Origin, open_accounts, post
from ledger.periods import close_period
from ledger.reports import Control
from ledger.reports.general_ledger import LedgerRow
from ledger.reports.page import Part
from tests.support.ledger_scene import SIK
from tests.support.ledger_year import (
    AWA,
    BOX,
    MM,
    YEAR,
    asking,
    booked,
    day,
    live,
    moved,
    printed,
    rows_of,
    text_of,
    voice,
)

TELEPHONE = """\
Grand livre, Mutuelle Benkadi
Du 10/03/2026 au 02/04/2026. Plan comptable SYCEBNL du 01/01/2024.

Fonds : Santé (XOF)
Date       Écriture Libellé                 Contrepartie                Débit    Crédit       Solde
---------------------------------------------------------------------------------------------------

~552:om-ML  Monnaie électronique, encaissements
10/03/2026          Solde au début                                                          3 000 D
10/03/2026 b0cf714d Contrepassation, annule 411:101482945                         1 000     2 000 D
                    e65c1d9f
11/03/2026 daa8528a Cotisation reçue        411:101482937               1 700               3 700 D
01/04/2026 f71d09d2 Paiement inattendu      suspense:om-ML                750               4 450 D
02/04/2026 8fa766f6 Frais de l'opérateur    ~6317                                    45     4 405 D
02/04/2026          Solde à la fin                                      2 450     1 045     4 405 D
---------------------------------------------------------------------------------------------------
02/04/2026          Total du fonds Santé (XOF)                          2 450     1 045     4 405 D

Contrôle : 4 lignes, débits 2 450 XOF, crédits 1 045 XOF. Concorde avec la balance.

~ : numéro proposé, à confirmer par un comptable. En lettres : numéro pas encore connu. D : solde
débiteur. C : solde créditeur. Charges et produits repartent de zéro chaque année ; les résultats
passés sont reportés à nouveau, sans écriture.
"""

BOX_IN_ENGLISH = """\
Cash book, Mutuelle Benkadi
From 2026-07-02 to 2026-08-31. Chart PCMS of 2009-06-26.

Fund: Health (XOF)
Date       Journal  Wording        Against               In       Out      Left
-------------------------------------------------------------------------------

cash:office  Cash
2026-07-02          Opening balance                                      31,385
2026-07-02 8d9060fa Gift           gifts              5,000              36,385
2026-08-01 65f0ba82 Transfer       interfund:                   2,500    33,885
                                   transport
2026-08-31          Closing balance                   5,000     2,500    33,885
-------------------------------------------------------------------------------
2026-08-31          Total of fund Health (XOF)        5,000     2,500    33,885

Control: 2 lines, debits 5,000 XOF, credits 2,500 XOF. Agrees with the trial
balance.

~: a number that an accountant has yet to confirm. In letters: no number is
known.
"""


async def test_the_grand_livre_as_a_treasurer_reads_it(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "general-ledger", asking(day(3, 10), day(4, 2), account=MM))
    assert printed(said) == TELEPHONE


OVER_NEW_YEAR = """\
701  Cotisations
01/02/2026          Solde au début                                                          6 000 C
02/02/2026 3771f8b7 Cotisation appelée      411:101482945                         9 000    15 000 C
01/01/2027          Résultat 2026 reporté à nouveau                    15 000                   0
02/01/2027 97d123a3 Cotisation appelée      411:101482937                         6 100     6 100 C
02/01/2027          Solde à la fin                                     15 000    15 100     6 100 C
"""


async def test_a_year_begins_in_the_grand_livre_with_a_line_of_its_own(pool: AsyncEngine) -> None:
    new = booked(date(2027, 1, 2), "contribution called", (a.member(AWA), a.contributions(), 6_100))
    await live(pool, [*YEAR, new])
    async with pool.connect() as db:
        question = asking(day(2, 1), date(2027, 1, 2), account=a.contributions())
        said = printed(await text_of(db, "general-ledger", question))
        result = asking(day(2, 1), date(2027, 1, 2), account=a.result(a.TRANSPORT))
        carried = printed(await text_of(db, "general-ledger", result))
    assert OVER_NEW_YEAR in said
    assert "Contrôle : 3 lignes, débits 15 000 XOF, crédits 15 100 XOF. Concorde avec la balance." in said
    assert "01/01/2027 Résultat 2026 reporté à nouveau 1 200 1 200 D" in " ".join(carried.split())


async def test_the_cash_book_in_another_language_and_frame(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        question = asking(day(7, 2), day(8, 31), account=BOX)
        said = await text_of(db, "cash-book", question, voice("en", "PCMS", width=80))
    assert said == BOX_IN_ENGLISH


async def test_every_account_runs_from_its_opening_to_its_closing(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = [row for row in await rows_of(db, "general-ledger", asking()) if isinstance(row, LedgerRow)]
    running, sums = 0, (0, 0)
    for row in rows:
        if row.part is Part.OPENING:
            running, sums = row.balance or 0, (0, 0)
        if row.part is Part.LINE:
            running += (row.debit or 0) - (row.credit or 0)
            sums = (sums[0] + (row.debit or 0), sums[1] + (row.credit or 0))
        if row.part in (Part.LINE, Part.CLOSING):
            assert row.balance == running
        if row.part is Part.CLOSING:
            assert (row.debit, row.credit) == sums
    assert all(row.balance == 0 for row in rows if row.part is Part.TOTAL)  # each fund balances alone


async def test_funds_come_in_one_order_and_never_mix(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = [row for row in await rows_of(db, "general-ledger", asking()) if isinstance(row, LedgerRow)]
    assert [row.account for row in rows if row.part is Part.FUND] == list(a.FUNDS)
    for row in rows:
        if row.leg is not None:
            assert row.account.split(":")[0] == row.leg.against.split(":")[0] == row.leg.fund


async def test_what_came_late_says_for_which_day_it_is(pool: AsyncEngine) -> None:
    await live(pool, [booked(day(9, 3), "contribution received", (MM, a.member("1"), 500))])
    async with pool.begin() as db:
        await close_period(
            db, SIK, day(9, 30), Origin(source="t", key="9", actor="treasurer", reason="agreed")
        )
        late = booked(day(9, 4), "contribution received", (MM, a.member("1"), 70))
        assert [posted.stands for posted in await post(db, [late])] == [True]
        question = asking(day(1, 1), datetime.now(UTC).date() + timedelta(days=1), account=MM)
        said = await text_of(db, "general-ledger", question)
        rows = await rows_of(db, "general-ledger", question)
    legs = [row.leg for row in rows if isinstance(row, LedgerRow) and row.leg is not None]
    assert [leg.for_on for leg in legs] == [None, day(9, 4)]
    assert "pour" in said
    assert "04/09/2026" in said
    async with pool.connect() as db:
        assert moved(await rows_of(db, "general-ledger", asking(last=day(9, 30), account=MM))) == [500]


async def test_an_account_is_not_mixed_up_with_one_that_begins_like_it(pool: AsyncEngine) -> None:
    other = booked(day(7, 2), "gift", (BOX + "2", "health:gifts", 11))
    await live(pool, [booked(day(7, 1), "gift", (BOX, "health:gifts", 5)), other])
    async with pool.connect() as db:
        assert moved(await rows_of(db, "general-ledger", asking(account=BOX))) == [5]
        assert moved(await rows_of(db, "cash-book", asking(account="health:cash"))) == [5, 11]


async def test_each_currency_has_its_own_part_and_control(pool: AsyncEngine) -> None:
    await live(pool)
    euros = [Account(SIK, code, "EUR") for code in (a.suspense("sepa"), a.bank("sepa"))]
    received = Journal(
        SIK, "t", "1", "gift", day(4, 4), "w", "r", [Movement(euros[1].code, euros[0].code, 12_345, "EUR")]
    )
    async with pool.begin() as db:
        await open_accounts(db, euros)
        assert (await post(db, [received]))[0].stands
        for name in ("general-ledger", "trial-balance", "journal", "cash-book", "ages", "funds"):
            rows = await rows_of(db, name, asking())
            assert [(row.currency, row.holds) for row in rows if isinstance(row, Control)] == [
                ("EUR", True),
                ("XOF", True),
            ]
            said = printed(await text_of(db, name, asking()))
            assert "123,45" in said
            if name != "journal":
                assert {"Fonds : Santé (EUR)", "Fonds : Santé (XOF)"} <= set(said.splitlines())


async def test_a_day_row_that_was_changed_is_found_by_the_control(
    pool: AsyncEngine, owner: AsyncEngine
) -> None:
    await live(pool)
    async with pool.begin() as db:
        while await db.scalar(text("select ledger.fold('SIK', 1000)")):
            pass
    async with owner.begin() as db:
        await db.execute(
            text(f"update ledger.account_day set cum_debits = cum_debits + 1 where account = '{MM}'")
        )
    async with pool.connect() as db:
        rows = await rows_of(db, "general-ledger", asking())
        said = await text_of(db, "general-ledger", asking())
    assert [row.holds for row in rows if isinstance(row, Control)] == [False]
    assert "NE CONCORDE PAS avec la balance : écarts -1 XOF et 0 XOF." in " ".join(said.split())


async def test_a_book_without_a_line_says_so(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "cash-book", asking(date(2020, 1, 1), date(2020, 12, 31)))
    assert "Rien à montrer." in said
