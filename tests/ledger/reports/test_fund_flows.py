"""Emplois et ressources: each fund's money at the beginning, what moved it, and its money at the end, to the franc."""

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.reports import Control
from ledger.reports.fund_flows import FlowRow
from ledger.reports.page import Part
from tests.support.ledger_year import asking, day, live, printed, rows_of, text_of

HEALTH = """\
Emplois et ressources de chaque fonds, Mutuelle Benkadi
Du 01/05/2026 au 31/12/2026. Plan comptable SYCEBNL du 01/01/2024.

Fonds : Santé (XOF)
Compte                 Intitulé                                         Montant
-------------------------------------------------------------------------------
Argent au début                                                          48 405

Ressources
704                    Dons                                               5 000
71                     Subventions d'exploitation                        20 000
Total des ressources                                                     25 000

Emplois
~60                    Achats                                               100
61                     Transports                                           101
62                     Services extérieurs                                  102
64                     Impôts et taxes                                      103
65                     Autres charges                                       105
66                     Charges de personnel                                 104
benefits               Prestations de soins                              10 500
Total des emplois                                                        11 115

Créances, dettes et fonds propres (+ apporte de l'argent, - en retient)
~11.guarantee          Fonds de garantie                                    600
~12                    Report à nouveau                                    -600
~401:cscom-1           Structures de soins à payer                        1 500
receivable:etat        État, donateurs et autres débiteurs               -5 000
Total de ces variations                                                  -3 500

Entre fonds
interfund:transport    Remis à un autre fonds                            -2 500
Total entre fonds                                                        -2 500

Où est l'argent
~521:bms               Banques                                           16 500
~552:om-ML             Monnaie électronique, encaissements                2 905
~552.disbursement:     Monnaie électronique, paiements                    3 000
om-ML
~571:office            Caisse                                            33 885
-------------------------------------------------------------------------------
Argent à la fin                                                          56 290

Contrôle : 18 lignes, total 56 290 XOF. Concorde avec la balance.

~ : numéro proposé, à confirmer par un comptable. En lettres : numéro pas encore connu.
"""


async def test_the_year_of_a_fund_as_its_members_hear_it(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "funds", asking(day(5, 1), fund=a.HEALTH))
    assert printed(said) == HEALTH


async def test_what_one_fund_gives_another_receives(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = [row for row in await rows_of(db, "funds", asking()) if isinstance(row, FlowRow)]
    between = {
        row.account: row.amount for row in rows if row.section == "Between funds" and row.part is Part.LINE
    }
    assert between == {"health:interfund:transport": -2_500, "transport:interfund:health": 2_500}


async def test_every_fund_ends_with_the_money_it_has(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = await rows_of(db, "funds", asking(day(3, 10), day(9, 4)))
    flows = [row for row in rows if isinstance(row, FlowRow)]
    for fund in a.FUNDS:
        own = [row for row in flows if row.account.split(":")[0] == fund]
        [end] = [row.amount for row in own if row.part is Part.TOTAL]
        assert end == sum(r.amount for r in own if r.part in (Part.OPENING, Part.SUBTOTAL))
        assert end == sum(r.amount for r in own if r.section == "Where the money is" and r.part is Part.LINE)
    assert [row.holds for row in rows if isinstance(row, Control)] == [True]


async def test_what_a_fund_earned_and_spent_is_counted_over_the_end_of_a_year(pool: AsyncEngine) -> None:
    await live(pool)
    whole = asking(day(1, 1).replace(year=2025), day(1, 2).replace(year=2027), fund=a.HEALTH)
    async with pool.connect() as db:
        over = [row for row in await rows_of(db, "funds", whole) if isinstance(row, FlowRow)]
        within = [
            row for row in await rows_of(db, "funds", asking(fund=a.HEALTH)) if isinstance(row, FlowRow)
        ]
    for section in ("Income", "Use"):
        assert [r for r in over if r.section == section] == [r for r in within if r.section == section] != []
    assert [row.amount for row in over if row.part is Part.TOTAL] == [56_290]
