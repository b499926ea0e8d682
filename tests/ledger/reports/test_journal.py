"""Journal général: what happened, in order, by whom and why; what was taken back, and the acts of periods."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.book import Journal, Movement, Origin, Phase, post
from ledger.periods import close_period
from ledger.reports import Control
from ledger.reports.journal import JournalRow
from ledger.reports.page import Part
from tests.support.ledger_scene import SIK
from tests.support.ledger_year import MM, MOUSSA, WRONG, asking, csv_of, day, live, printed, rows_of, text_of

MARCH = """\
Journal général, Mutuelle Benkadi
Du 09/03/2026 au 10/03/2026. Plan comptable SYCEBNL du 01/01/2024.

Toutes les écritures
Compte                         Intitulé                                          Débit    Crédit
------------------------------------------------------------------------------------------------

09/03/2026  e65c1d9f  Cotisation reçue, par le trésorier office. Payé par mobile money.
~552:om-ML                     Monnaie électronique, encaissements (Santé)       1 000
411:101482945                  Adhérents (Santé)                                           1 000

10/03/2026  b0cf714d  Contrepassation, annule e65c1d9f, par le trésorier office. A wrong household.
411:101482945                  Adhérents (Santé)                                 1 000
~552:om-ML                     Monnaie électronique, encaissements (Santé)                 1 000
------------------------------------------------------------------------------------------------
Total du fonds Santé (XOF)                                                       2 000     2 000

Contrôle : 4 lignes, débits 2 000 XOF, crédits 2 000 XOF. Concorde avec la balance.

~ : numéro proposé, à confirmer par un comptable. En lettres : numéro pas encore connu.
"""


async def test_the_journal_as_an_auditor_reads_it(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "journal", asking(day(3, 9), day(3, 10)))
        rows = await rows_of(db, "journal", asking(day(3, 9), day(3, 10)))
    assert printed(said) == MARCH
    reversal = [row.leg for row in rows if isinstance(row, JournalRow) and row.leg][-1]
    assert reversal.reverses_id == WRONG.id


async def test_journals_come_in_the_order_of_their_days(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = [row for row in await rows_of(db, "journal", asking()) if isinstance(row, JournalRow)]
    days = [row.on for row in rows if row.part is Part.ACCOUNT]
    assert days == sorted(days)
    assert len({row.leg.journal_id for row in rows if row.leg}) == len(days)


async def test_a_reservation_is_no_line_and_the_act_of_a_period_is_one(pool: AsyncEngine) -> None:
    await live(pool)
    held = Movement(MM, a.member(MOUSSA), 10, "XOF", Phase.PENDING)
    async with pool.begin() as db:
        await close_period(
            db, SIK, day(9, 30), Origin(source="t", key="9", actor="treasurer", reason="agreed")
        )
        await post(db, [Journal(SIK, "t", "held", "held", day(10, 1), "worker", "why", [held])])
        question = asking(day(10, 1), datetime.now(UTC).date() + timedelta(days=1))
        rows = await rows_of(db, "journal", question)
        said = await text_of(db, "journal", question)
        table = await csv_of(db, "journal", question)
    kinds = [
        row.leg.kind for row in rows if isinstance(row, JournalRow) and row.part is Part.ACCOUNT and row.leg
    ]
    assert kinds == ["clinic loan repaid", "period closed"]
    assert "Période close, par le trésorier. Agreed." in said
    assert "sans mouvement" in said
    assert "période close" in table.lower()
    assert [row.holds for row in rows if isinstance(row, Control)] == [True]


async def test_a_fund_has_a_journal_of_its_own(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = await rows_of(db, "journal", asking(fund=a.TRANSPORT))
    lines = [row for row in rows if isinstance(row, JournalRow) and row.part is Part.LINE]
    assert {row.account.split(":")[0] for row in lines} == {a.TRANSPORT}
    assert [(row.debits, row.credits, row.holds) for row in rows if isinstance(row, Control)] == [
        (3700, 3700, True)
    ]
