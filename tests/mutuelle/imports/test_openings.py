"""Opening balances: debts, claims, loans, deposits, money paid in advance: all in the book, each sum to be signed."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.reports import year_balance
from locales import render
from mutuelle.contributions.portfolio import portfolio
from mutuelle.contributions.standing import standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import find_household
from mutuelle.imports.summary import result_of
from mutuelle.imports.tables import register_line
from mutuelle.scheme.mutuelles import get_mutuelle
from tests.support.imported import broken, stands
from tests.support.paper_registers import HEAD, fault_texts, letters_of, line, take, write
from tests.support.town import NOON

CENTRES = (
    "nom;type;village;téléphone;horaires;services\n"
    "CSCom de Niéna;centre;Niéna;76 00 00 50;lun-sam 8h-17h;accouchements / CPN\n"
)
SOLDES = (
    "compte;nom;fonds;montant;date\n"
    "caisse;;;84 500 F;31/10/2026\n"
    "dette;CSCom de Niéna;;30 000;31/10/2026\n"
    "créance;l'État;;45 000;31/10/2026\n"
    "créance;ONG Santé Sud;;8 000;31/10/2026\n"
    "prêt;CSCom de Niéna;;500 000;31/10/2026\n"
    "prêt;2;santé;10 000;31/10/2026\n"
    "dépôt;1;;6 000;31/10/2026\n"
    "dépôt;N° 2;;4 000;31/10/2026\n"
    "réserve;;;20 000;31/10/2026\n"
)
AHEAD = HEAD.strip() + ";avance\n"


async def nets(pool: AsyncEngine) -> dict[str, int]:
    """Every account of the book that is not at zero; a household by its number in the register."""
    async with pool.connect() as db:
        lines = await year_balance(db, "BEN", NOON.date())
        numbers = dict(
            (await db.execute(select(register_line.c.number, register_line.c.register_number))).all()
        )
    found = {}
    for one in lines:
        head, _colon, sub = one.account.rpartition(":")
        found[f"{head}:{numbers.get(sub, sub)}"] = one.debit - one.credit
    return {account: net for account, net in found.items() if net}


async def test_what_is_owed_both_ways_lent_and_deposited_is_in_the_book(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(tmp_path, etablissements=CENTRES, soldes=SOLDES)
    taken = await take(pool, folder)
    assert fault_texts(taken) == []
    assert await nets(pool) == {
        "health:cash:caisse": 84_500,
        "health:payable:cscom-de-niena": -30_000,
        "health:receivable:etat": 45_000,
        "health:receivable:ong-sante-sud": 8_000,
        "health:loan:2": 10_000,
        "health:reserve": -20_000,
        "health:opening": -97_500,
        "loans:loan:cscom-de-niena": 500_000,
        "loans:opening": -500_000,
        "tontine:deposit:1": -6_000,
        "tontine:deposit:2": -4_000,
        "tontine:opening": 10_000,
    }
    assert await broken(pool) == []


async def test_the_summary_has_the_sums_that_two_people_sign(pool: AsyncEngine, tmp_path: Path) -> None:
    menages = AHEAD + "".join(
        (line(number="1").strip() + ";3 000\n", line(number="2", head="Oumar Ba", phone="").strip() + ";\n")
    )
    taken = await take(pool, write(tmp_path, etablissements=CENTRES, soldes=SOLDES, menages=menages))
    assert fault_texts(taken) == []
    said = [render(sentence, "fr") for sentence in result_of(taken, dry=True)]
    begins = said.index(
        "À comparer avec le papier, et à signer à deux (en détail : keneya balance --mutuelle BEN) :"
    )
    signed = [" ".join(one.replace("\xa0", " ").split()) for one in said[begins + 1 : begins + 12]]
    assert signed == [
        "santé, en caisse : 84 500 F",
        "santé, avances des ménages : 3 000 F",
        "santé, dû par l'État et d'autres : 53 000 F",
        "santé, prêté : 10 000 F",
        "santé, dû aux centres : 30 000 F",
        "santé, mis en réserve : 20 000 F",
        "santé, fonds propres au départ : 94 500 F",
        "tontine, dépôts des membres : 10 000 F",
        "tontine, manque au départ : 10 000 F",
        "prêts, prêté : 500 000 F",
        "prêts, fonds propres au départ : 500 000 F",
    ]
    again = await take(pool, write(tmp_path, etablissements=CENTRES, soldes=SOLDES, menages=menages))
    assert (again.is_new, again.sums) == (False, [])


async def test_money_paid_in_advance_is_the_households_and_opens_nothing(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    """What it has is taken off its next renewal, and its cover is as the paper says."""
    ahead = AHEAD + line(number="1").strip() + ";4 500 F\n"
    assert fault_texts(await take(pool, write(tmp_path, menages=ahead))) == []
    awa = await stands(pool, "1")
    assert (awa.credit.amount_minor, awa.due.amount_minor) == (4_500, 0)
    assert (awa.cover.state, awa.cover.until_on.isoformat()) == (CoverState.COVERED, "2027-06-30")  # type: ignore[union-attr]
    assert await broken(pool) == []
    again = await take(pool, write(tmp_path, menages=ahead), at=NOON + timedelta(days=3))
    assert (fault_texts(again), again.is_new) == ([], False)
    other = await take(pool, write(tmp_path, menages=ahead.replace("4 500", "9 500")))
    assert fault_texts(other) == [
        "menages.csv, line 2, avance: this household was taken over with another value: 4500 (K2)"
    ]


@pytest.mark.parametrize("paid_until", ["", "30/06/2027"])
async def test_who_still_owes_has_nothing_in_advance(
    pool: AsyncEngine, tmp_path: Path, paid_until: str
) -> None:
    head = HEAD.strip() + ";payé;avance\n"
    menages = head + line(paid_until=paid_until).strip() + (";7 000" if paid_until else ";") + ";500\n"
    assert fault_texts(await take(pool, write(tmp_path, menages=menages))) == [
        "menages.csv, line 2, avance: who still owes has nothing in advance: write it as paid (L2)"
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("dette;CSCom de Kita", "CSCom de Kita is not known: is it in etablissements.csv?"),
        ("prêt;99", "99 is not known: is it in etablissements.csv, menages.csv?"),
        ("dépôt;CSCom de Niéna", "CSCom de Niéna is not known: is it in menages.csv?"),
        ("dépôt;", "this account needs a name"),
        ("créance;Awa Koné", "Awa Koné is a person: what a household owes is in menages.csv"),
        ("créance;KONE Awa", "KONE Awa is a person"),
    ],
)
async def test_an_opening_balance_of_nobody_known_is_refused(
    pool: AsyncEngine, tmp_path: Path, row: str, fault: str
) -> None:
    soldes = f"compte;nom;montant;date\n{row};5 000 F;31/10/2026\n"
    (said,) = fault_texts(await take(pool, write(tmp_path, etablissements=CENTRES, soldes=soldes)))
    assert said.startswith(f"soldes.csv, line 2, nom: {fault}")


async def test_the_same_household_or_facility_has_one_line_of_a_kind(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    soldes = "compte;nom;montant;date\ndépôt;1;5;31/10/2026\ndépôt;n° 001;6;31/10/2026\n"
    assert fault_texts(await take(pool, write(tmp_path, soldes=soldes))) == [
        "soldes.csv, line 3, compte: the same as line 2 (A3)"
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_any_register_comes_out_franc_for_franc(pool: AsyncEngine, tmp_path: Path, seed: int) -> None:
    """Random deposits, loans, debts and money in advance: each is found in the book, and nothing else."""
    chance = Random(seed)
    menages, deposits, expected = [AHEAD], [], {"tontine": 0, "ahead": 0, "loans": 0}
    for number in range(1, 41):
        ahead = chance.choice((0, 0, chance.randrange(1, 20_000)))
        menages.append(
            line(number=str(number), head=f"Awa {letters_of(number)}", phone="").strip() + f";{ahead or ''}\n"
        )
        expected["ahead"] += ahead
        for kind, of in (("dépôt", "tontine"), ("prêt", "loans")):
            if chance.random() < 0.5:
                minor = chance.randrange(1, 99_999)
                deposits.append(f"{kind};{number};;{minor};31/10/2026\n")
                expected[of] += minor
    soldes = "compte;nom;fonds;montant;date\n" + "".join(deposits)
    taken = await take(pool, write(tmp_path, menages="".join(menages), soldes=soldes))
    assert fault_texts(taken) == []
    found = await nets(pool)
    sums = {
        head: sum(net for account, net in found.items() if account.startswith(head))
        for head in (
            "tontine:deposit",
            "loans:loan",
            "health:member",
            "tontine:opening",
            "loans:opening",
            "health:opening",
        )
    }
    assert sums == {
        "tontine:deposit": -expected["tontine"],
        "tontine:opening": expected["tontine"],
        "loans:loan": expected["loans"],
        "loans:opening": -expected["loans"],
        "health:member": -expected["ahead"],
        "health:opening": expected["ahead"],
    }
    async with pool.connect() as db:
        every = await portfolio(db, await get_mutuelle(db, "BEN"), NOON.date())
        assert sum(one.credit.amount_minor for one in every.values()) == expected["ahead"]
        one = sorted(every)[seed]
        home = await find_household(db, one)
        assert home
        assert (await standing(db, home, NOON)).credit == every[one].credit
    signed = {(one.fund, one.kind, one.is_credit): one.amount_minor for one in taken.sums}
    assert signed["tontine", "deposit", True] == expected["tontine"]
    assert signed["loans", "loan", False] == expected["loans"]
    assert signed.get(("health", "member", True), 0) == expected["ahead"]
    assert await broken(pool) == []
