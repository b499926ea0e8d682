"""Payers and their regimes come with the register, and so does which household they pay for."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import balance
from locales import Money
from mutuelle.cover.rules import CoverState
from mutuelle.scheme.regimes import payers_of
from mutuelle.treasury.own_money import owed_to_us
from tests.support.imported import broken, stands
from tests.support.paper_registers import HEAD, fault_texts, line, take, write

PAYEURS = (
    "payeur;type;régime;part;depuis\n"
    "Commune de Niéna;commune;Indigents;100 %;01/01/2024\n"
    "Mali;État;Aide;50 %;2024-01-01\n"
)
WITH_REGIME = HEAD.strip() + ";régime;régime depuis;régime jusqu'au\n"


def under(regime: str = "", since: str = "", until: str = "", **cells: str) -> str:
    return f"{line(**cells).strip()};{regime};{since};{until}\n"


NEW = under("Indigents", number="1", paid_until="", since="")
HALF = under("aide", number="2", head="Oumar Ba", phone="76000002", paid_until="", since="")
PAID = under("Indigents", number="3", head="Salif Traoré", phone="", paid_until="30/06/2027")


async def test_who_pays_comes_with_the_register(pool: AsyncEngine, tmp_path: Path) -> None:
    """Nothing of the past is the payer's: a household that is paid up on paper is renewed under its regime."""
    taken = await take(pool, write(tmp_path, payeurs=PAYEURS, menages=WITH_REGIME + NEW + HALF + PAID))
    assert fault_texts(taken) == []
    assert (taken.counts["payers"], taken.counts["regimes"]) == ((2, 0), (3, 0))
    new, half, paid = [await stands(pool, number) for number in ("1", "2", "3")]
    assert (new.cover.state, new.due.amount_minor) == (CoverState.WAITING, 0)
    assert new.payer_of_all
    assert new.payer_of_all.payer_name == "Commune de Niéna"
    assert (half.cover.state, half.due, half.opening) == (
        CoverState.UNPAID,
        Money(6_500, "XOF"),
        Money(3_500, "XOF"),
    )
    assert (paid.cover.state, paid.share) == (CoverState.COVERED, None)
    assert paid.payer_of_all
    async with pool.connect() as db:
        assert [payer.code for payer in await payers_of(db, "BEN")] == ["commune-niena", "etat-mali"]
        owed = [(one.name, one.amount.amount_minor) for one in await owed_to_us(db, "BEN")]
    assert owed == [("Commune de Niéna", 13_000)]
    assert await broken(pool) == []


async def test_the_list_of_a_payer_comes_again(pool: AsyncEngine, tmp_path: Path) -> None:
    """The same changes nothing; another list changes what is agreed to later, and a policy that nobody has paid."""
    write(tmp_path, payeurs=PAYEURS, menages=WITH_REGIME + NEW + HALF + PAID)
    await take(pool, tmp_path)
    again = await take(pool, tmp_path)
    assert fault_texts(again) == []
    assert not again.is_new
    indigent = HALF.replace(";aide;", ";indigents;")
    itself = PAID.replace(";Indigents;", ";aucun;")
    taken = await take(pool, write(tmp_path, payeurs=PAYEURS, menages=WITH_REGIME + NEW + indigent + itself))
    assert fault_texts(taken) == []
    assert (taken.counts["regimes"], taken.counts["own payers"]) == ((1, 1), (1, 0))
    half, paid = await stands(pool, "2"), await stands(pool, "3")
    assert half.due == Money(6_500, "XOF"), "its policy has its payer already"
    assert half.regime
    assert half.regime.code == "indigents"
    assert paid.payer_of_all is None
    assert await broken(pool) == []


async def test_another_share_is_a_line_of_its_own_day(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path, payeurs=PAYEURS, menages=WITH_REGIME + NEW))
    other = write(tmp_path, payeurs=PAYEURS.replace("100 %", "80 %"), menages=WITH_REGIME + NEW)
    [fault] = fault_texts(await take(pool, other))
    assert "says: Indigents, Commune de Niéna 100 %" in fault
    more = PAYEURS + "Commune de Niéna;commune;Indigents;80;01/01/2027\n"
    taken = await take(pool, write(tmp_path, payeurs=more, menages=WITH_REGIME + NEW))
    assert (fault_texts(taken), taken.counts["payers"]) == ([], (1, 2))


async def test_what_a_payer_owed_before_is_an_opening_balance(pool: AsyncEngine, tmp_path: Path) -> None:
    soldes = "compte;nom;montant;date\ncréance;Commune de Niéna;40 000 F;31/10/2026\ncréance;Mali;5 000 F;31/10/2026\n"
    taken = await take(pool, write(tmp_path, payeurs=PAYEURS, menages=WITH_REGIME + NEW, soldes=soldes))
    assert fault_texts(taken) == []
    async with pool.connect() as db:
        assert (await balance(db, "BEN", "health:receivable:commune-niena")).net == 53_000
        assert (await balance(db, "BEN", "health:receivable:etat-mali")).net == 5_000
    assert await broken(pool) == []


@pytest.mark.parametrize(
    ("payeurs", "menages", "says"),
    [
        (PAYEURS, under("Veuves"), "Veuves"),
        (PAYEURS, under("Indigents", "01/01/2026", "31/12/2025"), "ends before"),
        (PAYEURS.replace("Mali;État", "État du Mali;commune"), NEW, "is the State"),
        (PAYEURS + "Commune de Niéna;ONG;Veuves;50;01/01/2024\n", NEW, "there already"),
        (PAYEURS.replace("50 %", "150 %"), NEW, "0 to 100"),
    ],
)
async def test_a_line_that_cannot_be_is_a_fault(
    pool: AsyncEngine, tmp_path: Path, payeurs: str, menages: str, says: str
) -> None:
    taken = await take(pool, write(tmp_path, payeurs=payeurs, menages=WITH_REGIME + menages))
    assert any(says in text for text in fault_texts(taken)), fault_texts(taken)
