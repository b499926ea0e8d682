"""`keneya group pay` and `keneya group receipt` as typed: what they print, write and refuse."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import APPROVED, acts_to_sign, answer_act, propose
from mutuelle.treasury.unmatched.group_acts import group_payment
from mutuelle.treasury.unmatched.groups import lists_to_propose
from talk.answers import Secret
from tests.commands.test_people import rows
from tests.conftest import Database
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin
from tests.support.statements import line, open_merchant, taken
from tests.support.town import AWA, MARIAM, found_town, join
from tests.test_cli import Keneya, keneya

__all__ = ["keneya"]

NOW = datetime.now(UTC)
OF_BEN = ("--mutuelle", "BEN", "--payer", "SOTRAMA", "--language", "en")
BY = ("--actor", "Kadidia", "--reason", "wages of November")


@pytest.fixture
def two(database: Database) -> list[Household]:
    """Two households that owe 12 000 F, and 18 000 F of somebody in suspense."""
    return asyncio.run(_two(database.url))


async def _two(url: str) -> list[Household]:
    pool = create_async_engine(url)
    await found_town(pool)
    await open_merchant(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone, at=NOW)
    homes = [await join(pool, phone, at=NOW - timedelta(days=2), cash=True) for phone in (AWA, MARIAM)]
    await taken(pool, [line(1, 18_000, "SOTRAMA", on=NOW.date())], now=NOW)
    await pool.dispose()
    return homes


async def _sign(url: str) -> None:
    """Two treasurers sign the list that waits."""
    pool, at = create_async_engine(url), datetime.now(UTC)
    one, other = calling(FANTA, at), calling(ISSA, at)
    async with pool.begin() as db:
        [listed] = await lists_to_propose(db, one, "BEN")
        act = group_payment(listed)
        await propose(db, one, mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED)
    async with pool.begin() as db:
        [waits] = await acts_to_sign(db, other, "BEN")
        await answer_act(db, other, mutuelle="BEN", proposal=waits.id, answer=APPROVED, pin=Secret(PIN))
    await pool.dispose()


def file(folder: Path, *lines: str) -> str:
    path = folder / "liste.csv"
    path.write_text("\n".join(["numéro;montant;nom", *lines, ""]))
    return str(path)


def test_a_list_is_tried_written_down_signed_and_receipted(
    two: list[Household], database: Database, keneya: Keneya, tmp_path: Path
) -> None:
    one, other = two
    path = file(tmp_path, f"{one.shown_number};12 000 F;Koné", f"{other.number};6000;")
    code, said, _ = keneya("group", "pay", path, *OF_BEN, *BY, "--dry-run")
    assert code == 0
    assert said.splitlines()[2:] == [
        "SOTRAMA: 18 000 F, 2 households",
        "A trial: no fault, and nothing was kept. Without --dry-run it is written.",
    ]
    assert {line.split(". ")[0] for line in said.splitlines()[:2]} == {
        f"Receipt -: 12 000 F paid by SOTRAMA for {one.shown_number}",
        f"Receipt -: 6 000 F paid by SOTRAMA for {other.shown_number}",
    }
    assert rows(database, "select list from group_part") == []
    [sum_] = [json.loads(one) for one in keneya("unmatched", "--json")[1].splitlines()]
    code, said, _ = keneya("group", "pay", path, *OF_BEN, *BY, "--money", sum_["key"])
    [(drawn, actor)] = rows(database, "select receipt_code, actor from group_list")
    told = f"List {drawn} is written down. It moves money when two treasurers have signed it: My work, 8, 7."
    assert (code, actor, said.splitlines()) == (0, "Kadidia", ["SOTRAMA: 18 000 F, 2 households", told])
    assert rows(database, "select count(*) from sms_outbox where template = 'group list'") == [(2,)]
    code, _said, fault = keneya("group", "receipt", drawn, "--mutuelle", "BEN")
    not_yet = f"keneya: list {drawn}: two treasurers have not signed it, no money was moved"
    assert (code, fault.strip()) == (1, not_yet)
    asyncio.run(_sign(database.url))
    code, said, _ = keneya("group", "receipt", drawn.lower(), "--mutuelle", "ben", "--language", "en")
    parts = dict(rows(database, "select number, receipt_code from group_part"))
    assert (code, said.splitlines()) == (
        0,
        [
            f"Mutuelle Benso, receipt {drawn}: 18 000 F of {NOW:%d/%m/%Y}, paid by SOTRAMA for 2 households",
            f"List of Kadidia, proposed by Fanta Coulibaly, signed by Issa Dembélé on {NOW:%d/%m/%Y}",
            *sorted(
                f"{home.number} {amount} {parts[home.number]}"
                for home, amount in ((one, "12 000 F"), (other, "6 000 F"))
            ),
        ],
    )
    code, _said, fault = keneya("group", "pay", path, *OF_BEN, *BY)
    assert (code, "no money without an owner is that" in fault) == (1, True)
    assert keneya("check")[0] == 0
    assert keneya("unmatched")[1].strip() == "No money waits for its owner."


def test_a_list_with_faults_names_row_and_reason_and_keeps_nothing(
    two: list[Household], database: Database, keneya: Keneya, tmp_path: Path
) -> None:
    path = file(tmp_path, f"{two[0].number};12000;Sidibé", "199000011;6000;")
    code, _said, fault = keneya("group", "pay", path, *OF_BEN, *BY)
    assert (code, fault.splitlines()) == (
        1,
        [
            "liste.csv, line 3, numéro: This number is not right. Please check each digit. (A3: “199000011”)",
            "1 fault: nothing was written.",
        ],
    )
    path = file(tmp_path, f"{two[0].number};12000;Sidibé", f"{two[1].number};5000;")
    code, _said, fault = keneya("group", "pay", path, *OF_BEN, *BY, "--money", "T1")
    assert (code, fault.splitlines()) == (
        1,
        [
            "liste.csv: the list is 17 000 F in all, the money is 18 000 F",
            "liste.csv, line 2, nom: nobody in this household has that name: look again, or say"
            " --although-names-differ (C2)",
            "2 faults: nothing was written.",
        ],
    )
    assert rows(database, "select list from group_part") == []


def test_wrong_arguments_are_one_line(two: list[Household], keneya: Keneya, tmp_path: Path) -> None:
    assert keneya("group", "pay", str(tmp_path / "none.csv"), *OF_BEN, *BY)[0] == 2
    path = file(tmp_path, "")
    assert keneya("group", "pay", path, "--mutuelle", "XYZ", "--payer", "SOTRAMA", *BY)[0] == 2
    code, _said, fault = keneya("group", "pay", path, "--mutuelle", "BEN", "--payer", "76000001", *BY)
    assert (code, "no phone number, please" in fault) == (2, True)
    assert keneya("group", "pay", path, "--mutuelle", "BEN", "--payer", "x" * 25, *BY)[0] == 2
    assert keneya("group", "receipt", "AAAAAA", "--mutuelle", "BEN")[0] == 2
    sheet = tmp_path / "liste.xlsx"
    sheet.write_bytes(b"PK")
    code, _said, fault = keneya("group", "pay", str(sheet), *OF_BEN, *BY)
    assert (code, fault.splitlines()[0]) == (1, "liste.xlsx: please save this sheet as a CSV file")
