"""A product that would cover nobody is refused before anything is written, in the words of its file."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mutuelle.tables import product
from tests.support.paper_registers import PRODUITS, take, write


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ("6;6;7;1;50 %", "la carence dure autant que la période ou plus : personne ne serait jamais couvert"),
        (
            "12;3;3;1;50 %",
            "le délai pour payer n'est pas plus long que la carence : payer une partie ne couvrirait jamais",
        ),
    ],
)
async def test_terms_that_cannot_be_are_refused_in_words(
    pool: AsyncEngine, tmp_path: Path, terms: str, reason: str
) -> None:
    folder = write(tmp_path, produits=PRODUITS.replace("12;2;3;1;50 %", terms))
    taken = await take(pool, folder)
    told = [render(fault.sentence, "fr") for fault in taken.faults]
    assert [said for said in told if said.startswith("produits.csv")] == [f"produits.csv, ligne 2 : {reason}"]


def with_late_renewal(rule: str, months: str) -> str:
    """The products of the register with what follows a lapse."""
    title, *lines = PRODUITS.splitlines()
    told = [f"{title};renouvellement tardif;retard sans carence en mois"]
    return "\n".join([*told, *(f"{line};{rule};{months}" for line in lines)]) + "\n"


@pytest.mark.parametrize(
    ("rule", "months", "kept"),
    [
        ("", "", ("new start", 0)),
        ("Nouveau départ", "3 mois", ("new start", 3)),
        ("derniere annee d'abord", "", ("last year first", 0)),
    ],
)
async def test_what_follows_a_lapse_is_read_and_kept(
    pool: AsyncEngine, tmp_path: Path, rule: str, months: str, kept: tuple[str, int]
) -> None:
    taken = await take(pool, write(tmp_path, produits=with_late_renewal(rule, months)))
    assert not taken.faults
    async with pool.connect() as db:
        rows = await db.execute(select(product.c.late_renewal, product.c.new_wait_after_months))
        assert {tuple(row) for row in rows} == {kept}


async def test_who_pays_the_last_year_first_has_no_months_without_a_wait(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    taken = await take(pool, write(tmp_path, produits=with_late_renewal("dernière année d'abord", "3")))
    told = [render(fault.sentence, "fr") for fault in taken.faults]
    assert any(said.endswith("laissez vide « retard sans carence »") for said in told)
