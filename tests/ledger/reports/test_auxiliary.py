"""Journaux auxiliaires: each movement in one of them; together they are the general journal."""

from collections import Counter

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.reports import Control
from ledger.reports.auxiliary import AuxiliaryRow
from ledger.reports.journal import JournalRow
from ledger.reports.page import Part
from tests.support.ledger_year import asking, day, live, printed, rows_of, text_of

MARCH = """\
Journaux auxiliaires, Mutuelle Benkadi
Du 09/03/2026 au 10/03/2026. Plan comptable SYCEBNL du 01/01/2024.

Journal des opérateurs
Date       Numéro Compte                   Libellé                                  Débit    Crédit
---------------------------------------------------------------------------------------------------
09/03/2026 1      ~552:om-ML               Cotisation reçue. Payé par mobile        1 000
                                           money
09/03/2026 1      411:101482945            Cotisation reçue. Payé par mobile                  1 000
                                           money
10/03/2026 2      411:101482945            Contrepassation, annule e65c1d9f. A      1 000
                                           wrong household
10/03/2026 2      ~552:om-ML               Contrepassation, annule e65c1d9f. A                1 000
                                           wrong household
---------------------------------------------------------------------------------------------------
                  Total du fonds Santé (XOF)                                        2 000     2 000

Contrôle : 4 lignes, débits 2 000 XOF, crédits 2 000 XOF. Concorde avec la balance.

~ : numéro proposé, à confirmer par un comptable. En lettres : numéro pas encore connu.
"""


async def test_the_auxiliary_journals_as_an_auditor_reads_them(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "auxiliary-journals", asking(day(3, 9), day(3, 10)))
    assert printed(said) == MARCH


async def test_together_they_are_the_general_journal_and_each_balances(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = await rows_of(db, "auxiliary-journals", asking())
        general = [row for row in await rows_of(db, "journal", asking()) if isinstance(row, JournalRow)]
    assert all(row.holds for row in rows if isinstance(row, Control))
    lines = [row for row in rows if isinstance(row, AuxiliaryRow) and row.part is Part.LINE]
    assert Counter((row.leg, row.debit) for row in lines) == Counter(
        (row.leg, row.debit) for row in general if row.part is Part.LINE and row.account
    )
    left = Counter[tuple[str, str]]()
    for row in lines:
        left[row.book, row.currency] += row.debit - row.credit
    assert set(left.values()) == {0}
    assert len({row.book for row in lines}) > 2


async def test_the_entries_of_each_are_numbered_without_a_gap(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = [
            row for row in await rows_of(db, "auxiliary-journals", asking()) if isinstance(row, AuxiliaryRow)
        ]
    numbers: dict[str, list[int]] = {}
    for row in rows:
        if row.part is Part.LINE:
            numbers.setdefault(row.book, []).append(row.nth)
    for found in numbers.values():
        assert found == sorted(found)
        assert sorted(set(found)) == [*range(1, found[-1] + 1)]
