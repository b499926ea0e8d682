"""A product that would cover nobody is refused before anything is written, in the words of its file."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
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
