"""Balance générale: openings, movements and closings, by class and fund, in any frame."""

import csv
import io
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.book import Account, open_accounts, post
from ledger.reports import Control, trial_balance
from ledger.reports.page import Part
from ledger.reports.trial import FIGURES, TrialRow
from tests.support.ledger_scene import SIK
from tests.support.ledger_year import (
    AWA,
    MOUSSA,
    YEAR_END,
    asking,
    booked,
    csv_of,
    day,
    live,
    printed,
    rows_of,
    text_of,
    voice,
)

TRANSPORT = """\
Balance générale, Mutuelle Benkadi
Du 02/08/2026 au 31/12/2026. Plan comptable SYCEBNL du 01/01/2024.

Fonds : Transport et hébergement (XOF)
Compte                          Au début     Débit    Crédit    À la fin         N-1
------------------------------------------------------------------------------------
~12.opening Soldes repris        7 000 C                         7 000 C     7 000 C
Total de la classe 1,            7 000 C                         7 000 C     7 000 C
Ressources durables
interfund:health Liaison         2 500 C                         2 500 C         0
entre fonds
Total de la classe 4, Tiers      2 500 C                         2 500 C         0
~571:bus Caisse                  9 500 D               1 200     8 300 D     7 000 D
Total de la classe 5,            9 500 D               1 200     8 300 D     7 000 D
Trésorerie
61 Transports                        0       1 200               1 200 D         0
Total de la classe 6,                0       1 200               1 200 D         0
Charges
Résultat de l'exercice               0       1 200               1 200 D         0
(produits moins charges)
------------------------------------------------------------------------------------
Total du fonds Transport et          0       1 200     1 200         0           0
hébergement (XOF)

Contrôle : 4 lignes, débits 1 200 XOF, crédits 1 200 XOF. Concorde avec la balance.

~ : numéro proposé, à confirmer par un comptable. En lettres : numéro pas encore
connu. D : solde débiteur. C : solde créditeur. N-1 : au 31/12/2025. Charges et
produits repartent de zéro chaque année ; les résultats passés sont reportés à
nouveau, sans écriture.
"""


def lines(rows: list[object]) -> list[TrialRow]:
    return [row for row in rows if isinstance(row, TrialRow)]


async def test_the_balance_as_a_treasurer_reads_it(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        said = await text_of(db, "trial-balance", asking(day(8, 2), fund=a.TRANSPORT), voice(width=84))
    assert printed(said) == TRANSPORT


async def test_classes_and_funds_add_up_and_each_fund_balances_alone(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        rows = await rows_of(db, "trial-balance", asking(day(4, 1), day(9, 2)))
    found = lines(list(rows))
    for fund in (row for row in found if row.part is Part.TOTAL):
        own = [row for row in found if row.account.split(":")[0] == fund.account]
        for part in (Part.LINE, Part.SUBTOTAL):
            sums = {name: sum(getattr(r, name) for r in own if r.part is part) for name in FIGURES}
            assert sums == {name: getattr(fund, name) for name in FIGURES}
        assert fund.opening_debit == fund.opening_credit
        assert fund.debits == fund.credits
        assert fund.closing_debit == fund.closing_credit
        assert fund.before_debit == fund.before_credit
    assert [row.holds for row in rows if isinstance(row, Control)] == [True]


async def test_members_are_one_line_unless_each_is_asked_for(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        together = lines(list(await rows_of(db, "trial-balance", asking(account="health:member"))))
        apart = lines(list(await rows_of(db, "trial-balance", asking(account="health:member", detail=True))))
    [all_of_them] = [row for row in together if row.part is Part.LINE]
    each = {row.account: row for row in apart if row.part is Part.LINE}
    assert all_of_them.account == "health:member"
    assert (all_of_them.closing_debit, all_of_them.closing_credit) == (8_800, 0)
    assert each[a.member(AWA)].closing_credit == 700
    assert each[a.member(MOUSSA)].closing_debit == 9_500


@pytest.mark.parametrize("number", ["1", "7"])
async def test_one_member_is_answered_whether_she_ever_moved_or_not(pool: AsyncEngine, number: str) -> None:
    await live(pool)
    async with pool.begin() as db:
        await open_accounts(db, [Account(SIK, a.member("7"), "XOF"), Account(SIK, a.member("1"), "XOF")])
        await post(db, [booked(day(2, 2), "contribution called", (a.member("1"), a.contributions(), 10))])
    async with pool.connect() as db:
        for name in ("trial-balance", "general-ledger"):
            said = await text_of(db, name, asking(account=a.member(number)))
            assert f"411:{number}" in said
            assert "Rien à montrer" not in said


async def test_the_csv_agrees_with_the_plain_trial_balance(pool: AsyncEngine) -> None:
    await live(pool)
    async with pool.connect() as db:
        question = asking(date(2000, 1, 1), YEAR_END, detail=True)
        rows = list(csv.DictReader(io.StringIO(await csv_of(db, "trial-balance", question, voice("en")))))
        known = {line.account: (line.debit, line.credit) for line in await trial_balance(db, SIK)}
    shown = {
        row["Own code"]: (int(row["Debit"]), int(row["Credit"])) for row in rows if row["Line"] == "line"
    }
    assert shown == known
    assert rows[-1]["Line"] == "control: agrees"
    assert int(rows[-1]["Debit"]) == sum(debit for debit, _ in known.values())


async def test_another_frame_has_other_numbers_and_the_same_sums(pool: AsyncEngine) -> None:
    await live(pool)
    figures = {}
    async with pool.connect() as db:
        for frame in ("SYCEBNL", "SYSCOHADA", "PCMS"):
            rows = list(
                csv.DictReader(io.StringIO(await csv_of(db, "trial-balance", asking(), voice("fr", frame))))
            )
            own = {row["Code interne"]: row for row in rows if row["Ligne"] == "ligne"}
            figures[frame] = sorted((code, row["Débit"], row["Crédit"]) for code, row in own.items())
            numbers = {
                own[code]["Compte"] for code in ("health:bank:bms", "health:member", "health:benefits")
            }
            assert (
                numbers
                == {
                    "SYCEBNL": {"~521:bms", "411", "benefits"},
                    "SYSCOHADA": {"521:bms", "~411", "benefits"},
                    "PCMS": {"bank:bms", "member", "benefits"},
                }[frame]
            )
            assert own["health:benefits"]["Statut du numéro"] == "non vérifié"
    assert figures["SYCEBNL"] == figures["SYSCOHADA"] == figures["PCMS"]
