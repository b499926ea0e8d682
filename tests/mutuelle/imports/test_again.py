"""Files that come again: the same change nothing, new lines are added, another word is a fault."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle import tables
from mutuelle.cover.rules import CoverState
from mutuelle.households.tables import support_act
from mutuelle.scheme.limits import Limits, limits_of
from tests.support.imported import everything, stands
from tests.support.paper_registers import (
    HEAD,
    MENAGES,
    MUTUELLE,
    PRODUITS,
    RESPONSABLES,
    fault_texts,
    line,
    take,
    write,
)
from tests.support.town import NOON

S = CoverState


async def test_the_same_files_again_change_nothing(pool: AsyncEngine, tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        responsables=RESPONSABLES,
        soldes="compte;nom;montant;date\ncaisse;;84 500 F;31/10/2026\ncaisse;76 00 00 07;5 000 F;31/10/2026\n",
    )
    first = await take(pool, folder)
    assert first.counts["households"] == (3, 0)
    assert first.counts["balances"] == (2, 0)
    before = await everything(pool)
    # Next year, saved by another program, when an age is another year of birth: still the same register.
    later = datetime(2027, 11, 22, 12, tzinfo=UTC)
    (tmp_path / "menages.csv").write_bytes(
        MENAGES.replace(";", "\t").replace("30/06/2027", "2027-06-30").encode("utf-16")
    )
    again = await take(pool, folder, at=later)
    assert fault_texts(again) == []
    assert not again.is_new
    assert again.counts["households"] == (0, 3)
    assert again.counts["people"] == (0, 6)
    assert again.counts["balances"] == (0, 2)
    assert await everything(pool) == before


async def test_a_number_is_the_same_with_noughts_before_it(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path, menages=HEAD + line(number="001") + line(number="A 14", head="Issa Ba")))
    again = HEAD + line(number="1") + line(number="a-014", head="Issa Ba")
    taken = await take(pool, write(tmp_path, menages=again))
    assert fault_texts(taken) == []
    assert taken.counts["households"] == (0, 2)
    twice = again + line(number="N° 1", head="Oumar Ba")
    assert fault_texts(await take(pool, write(tmp_path, menages=twice))) == [
        "menages.csv, line 4, numéro: the same as line 2 (A4)"
    ]


async def test_new_lines_are_added_to_what_is_there(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path))
    # A later folder needs no file whose lines are there: villages and products are looked up.
    later = write(tmp_path, villages="", produits="", menages=HEAD + line(number="4", head="Issa Diarra"))
    taken = await take(pool, later)
    assert fault_texts(taken) == []
    assert taken.counts["households"] == (1, 0)
    assert (await stands(pool, "4")).cover.state is S.COVERED


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("Awa Koné", "Awa Konaté"),
            "line 2, chef: this household was taken over with another value: Awa Koné",
        ),
        (
            ("30/06/2027", "31/12/2027"),
            "line 2, payé jusqu'au: this household was taken over with another value: 2027-06-30",
        ),
        (
            ("76 00 00 01", ""),
            "line 2, téléphone: this household was taken over with another value: +22376000001",
        ),
        (("38 12 7", "38 12"), "line 2, autres personnes: this household was taken over with another value"),
        (("oui", "non"), "line 2, rappels: this household was taken over with another value: True"),
    ],
)
async def test_a_line_that_says_something_else_is_a_fault(
    pool: AsyncEngine, tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    await take(pool, write(tmp_path))
    before = await everything(pool)
    changed = await take(pool, write(tmp_path, menages=MENAGES.replace(*change, 1)))
    assert [told for told in fault_texts(changed) if fault in told] == fault_texts(changed) != []
    assert await everything(pool) == before


async def test_what_was_changed_since_by_phone_is_no_fault_of_the_register(
    pool: AsyncEngine, tmp_path: Path, owner: AsyncEngine
) -> None:
    await take(pool, write(tmp_path))
    async with owner.begin() as db:
        await db.execute(text("update household set head_name = 'Fanta Koné'"))
        await db.execute(text("delete from household_phone"))
    assert fault_texts(await take(pool, write(tmp_path))) == []


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        (
            "mutuelle",
            ("Mutuelle Benso", "Mutuelle Jigi"),
            "nom: it is there already and says: Mutuelle Benso (B2)",
        ),
        ("produits", ("12 000 F", "13 000 F"), "prix du ménage: it is there already and says: 12000 (C2)"),
    ],
)
async def test_founding_files_cannot_change_what_is_there_either(
    pool: AsyncEngine, tmp_path: Path, file: str, change: tuple[str, str], fault: str
) -> None:
    await take(pool, write(tmp_path))
    text_of = {"mutuelle": MUTUELLE, "produits": PRODUITS}[file]
    taken = await take(pool, write(tmp_path, **{file: text_of.replace(*change)}))
    assert fault_texts(taken) == [f"{file}.csv, line 2, {fault}"]


async def test_how_a_mutuelle_is_paid_may_come_later_and_change(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path))
    header, row = MUTUELLE.splitlines()
    for said in ("4040;500 F", "*144*7#;1 000", ";"):
        more = f"{header};code marchand;espèces au moins\n{row};{said}\n"
        assert fault_texts(await take(pool, write(tmp_path, mutuelle=more))) == []
    async with pool.connect() as db:
        ways = await db.execute(select(tables.mutuelle.c.merchant_code, tables.mutuelle.c.least_cash_minor))
        assert tuple(ways.one()) == ("*144*7#", 1_000)
    for said, left in (("aucun;", (None, 1_000)), (";-", (None, None)), ("-;aucun", (None, None))):
        more = f"{header};code marchand;espèces au moins\n{row};{said}\n"
        assert fault_texts(await take(pool, write(tmp_path, mutuelle=more))) == []
        async with pool.connect() as db:
            ways = await db.execute(
                select(tables.mutuelle.c.merchant_code, tables.mutuelle.c.least_cash_minor)
            )
            assert tuple(ways.one()) == left
    async with pool.connect() as db:
        acts = await db.execute(
            select(support_act.c.actor, support_act.c.subject, support_act.c.facts).order_by(
                support_act.c.nth
            )
        )
    assert [tuple(row) for row in acts] == [
        (
            "a test",
            "BEN",
            {"merchant_code": {"was": None, "is": "4040"}, "least_cash_minor": {"was": None, "is": 500}},
        ),
        (
            "a test",
            "BEN",
            {
                "merchant_code": {"was": "4040", "is": "*144*7#"},
                "least_cash_minor": {"was": 500, "is": 1_000},
            },
        ),
        ("a test", "BEN", {"merchant_code": {"was": "*144*7#", "is": None}}),
        ("a test", "BEN", {"least_cash_minor": {"was": 1_000, "is": None}}),
    ]
    wrong = f"{header};code marchand\n{row};Orange\n"
    assert fault_texts(await take(pool, write(tmp_path, mutuelle=wrong))) == [
        "mutuelle.csv, line 2, code marchand: Orange cannot stand here. (I2)"
    ]


REGLAGES = """réglage;valeur;depuis
argent d'un collecteur;300 000 F;
Jours d'argent en main;7 jours;01/12/2025
heure du bilan;18 h;
"""


async def test_first_limits_come_with_the_files_and_two_treasurers_change_them(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    assert fault_texts(await take(pool, write(tmp_path, reglages=REGLAGES))) == []
    async with pool.connect() as db:
        assert await limits_of(db, "BEN", NOON.date()) == Limits(
            cash_held_minor=300_000, cash_days=7, digest_hour=18
        )
        assert (await limits_of(db, "BEN", date(2025, 11, 30))).cash_days == 5
    again = await take(pool, write(tmp_path, reglages=REGLAGES), at=NOON + timedelta(days=3))
    assert (again.counts["limits"], again.is_new) == ((0, 3), False)
    other = write(tmp_path, reglages=REGLAGES.replace("300 000", "400 000"))
    assert fault_texts(await take(pool, other)) == [
        "reglages.csv, line 2, valeur: it is 300 000 F since 22/11/2026: two treasurers change it by phone (B2)"
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("argent d'un collecteur;5 F;", "valeur: It must be 1000 to 9999999. (B2)"),
        ("heure du bilan;22 h;", "valeur: It must be 7 to 19. (B2)"),
        ("jours d'argent en main;deux;", "valeur: This is not a number. (B2)"),
        ("argent du maire;5 F;", "réglage: argent du maire is not one of: "),
    ],
)
async def test_a_limit_that_makes_no_sense_is_refused(
    pool: AsyncEngine, tmp_path: Path, row: str, fault: str
) -> None:
    (said,) = fault_texts(await take(pool, write(tmp_path, reglages=f"réglage;valeur;depuis\n{row}\n")))
    assert said.startswith(f"reglages.csv, line 2, {fault}")


async def test_a_second_mutuelle_gets_the_next_prefix(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path))
    other = MUTUELLE.replace("BEN;Mutuelle Benso", "JIGI;Mutuelle Jigi")
    assert fault_texts(await take(pool, write(tmp_path, mutuelle=other))) == []
    header, row = other.splitlines()
    third = f"{header};préfixe\n{row.replace('JIGI', 'HERE')};101\n"
    assert fault_texts(await take(pool, write(tmp_path, mutuelle=third))) == [
        "mutuelle.csv, line 2, préfixe: another mutuelle has this prefix (I2)"
    ]
    async with pool.connect() as db:
        found = await db.execute(select(tables.mutuelle.c.id, tables.mutuelle.c.prefix).order_by("id"))
        assert [tuple(row) for row in found] == [("BEN", 101), ("JIGI", 102)]
