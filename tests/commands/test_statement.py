"""`keneya statement` and `keneya reconcile` as typed: what they write, print and refuse."""

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mutuelle.households.households import Household
from tests.commands.test_people import rows
from tests.conftest import Database
from tests.support.statements import HEAD, open_merchant
from tests.support.town import AWA, found, join
from tests.test_cli import Keneya, keneya

__all__ = ["keneya"]

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).date()
OF_BEN = ("--account", "merchant-BEN", "--language", "en")


@pytest.fixture
def household(database: Database) -> Household:
    """A household that owes 12 000 F, in a mutuelle with a merchant code, beside another mutuelle."""
    return asyncio.run(_found(database.url))


async def _found(url: str) -> Household:
    engine = create_async_engine(url)
    async with engine.begin() as db:
        await found(db)
        await found(db, code="KAN", prefix=198, name="Mutuelle Kanu")
    await open_merchant(engine)
    joined = await join(engine, AWA, at=datetime.now(UTC), cash=True)
    await engine.dispose()
    return joined


def file(folder: Path, *lines: str) -> str:
    path = folder / "mars.csv"
    path.write_text("\n".join([HEAD, *lines, ""]))
    return str(path)


def test_a_statement_is_tried_taken_in_and_known_again(
    household: Household, database: Database, keneya: Keneya, tmp_path: Path
) -> None:
    lines = [
        f"{TODAY};T1;;12000;XOF;n° {household.number}",
        f"{TODAY};T2;;700;XOF;?",
        f"{TODAY};T3;;-5;XOF;fee",
    ]
    path = file(tmp_path, *lines)
    code, said, _ = keneya("statement", path, *OF_BEN, "--dry-run")
    assert (code, said.splitlines()) == (
        0,
        [
            "merchant-BEN: 3 lines. Posted: 1, known: 0, unmatched: 1, fees: 1.",
            "A trial: no fault, and nothing was kept. Without --dry-run it is written.",
        ],
    )
    assert rows(database, "select * from statement_line union all select * from statement_line") == []
    code, said, _ = keneya("statement", path, *OF_BEN, "--json")
    counts = {"lines": 3, "posted": 1, "known": 0, "unmatched": 1, "fees": 1, "refused": 0}
    more = {"debits": 0, "contradictions": 0, "skipped": 0}
    assert (code, json.loads(said.splitlines()[-1])) == (0, counts | more)
    assert [body for (body,) in rows(database, "select body from sms_outbox where template = 'receipt'")] == [
        body
        for (body,) in rows(database, "select body from sms_outbox where body like 'REÇU%12 000 F pour Awa%'")
    ]
    code, said, _ = keneya("statement", path, *OF_BEN, "--json", "--preset", "plain")
    again = {"lines": 3, "posted": 0, "known": 3, "unmatched": 0, "fees": 0, "refused": 0}
    assert (code, json.loads(said.splitlines()[-1])) == (0, again | more)


def test_a_refused_statement_names_file_row_and_reason_and_keeps_nothing(
    household: Household, database: Database, keneya: Keneya, tmp_path: Path
) -> None:
    path = file(tmp_path, f"{TODAY};T1;;500;XOF;", f"{TODAY};T2;;500;EUR;", f"{TODAY};T3;;x;XOF;")
    code, said, fault = keneya("statement", path, *OF_BEN, "--json")
    assert code == 1
    assert fault.splitlines() == [
        "mars.csv, line 3, currency: this account is kept in XOF (E3: “EUR”)",
        "mars.csv, line 4, amount: This is not an amount. (D4: “x”)",
        "2 faults: nothing was written.",
    ]
    counts = {"lines": 3, "posted": 0, "known": 0, "unmatched": 0, "fees": 0, "refused": 2}
    assert {name: json.loads(said.splitlines()[-1])[name] for name in counts} == counts
    assert rows(database, "select * from statement_line") == []
    code, _said, fault = keneya("statement", path, "--account", "merchant-BEN", "--language", "fr")
    assert fault.splitlines()[0] == "mars.csv, ligne 3, currency : ce compte est tenu en XOF (E3 : « EUR »)"


def test_an_account_is_named_by_what_stands_in_the_ledger(
    household: Household, keneya: Keneya, tmp_path: Path
) -> None:
    path = file(tmp_path, f"{TODAY};T1;;500;XOF;")
    code, _said, fault = keneya("statement", path, "--account", "merchant-XYZ")
    there = "disbursement:simulated-ML, merchant-BEN, simulated-ML"
    names = f"keneya: no account is called 'merchant-XYZ'; there are {there}"
    assert (code, fault.strip()) == (2, names)
    code, _said, fault = keneya("statement", path, "--account", "simulated-ML")
    twice = "keneya: BEN and KAN have an account 'simulated-ML': say which with --mutuelle CODE"
    assert (code, fault.strip()) == (2, twice)
    assert keneya("statement", path, "--account", "simulated-ML", "--mutuelle", "kan")[0] == 0
    assert keneya("statement", path, *OF_BEN, "--preset", "wave")[0] == 2
    assert keneya("statement", str(tmp_path / "none.csv"), *OF_BEN)[0] == 2
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7")
    code, _said, fault = keneya("statement", str(tmp_path / "scan.pdf"), *OF_BEN)
    assert (code, "ask the operator or bank for CSV or XLSX" in fault) == (1, True)
    (tmp_path / "other.csv").write_text("jour;montant\n1;2\n")
    code, _said, fault = keneya("statement", str(tmp_path / "other.csv"), *OF_BEN)
    assert (code, fault.startswith("keneya: no preset has these headers; there are bank")) == (2, True)


def test_reconcile_says_what_differs_and_where_no_statement_came(
    household: Household, keneya: Keneya, tmp_path: Path
) -> None:
    code, said, _ = keneya("reconcile", "--mutuelle", "ben")
    assert (code, said.splitlines()) == (
        0,
        [
            "BEN Mutuelle Benso",
            "  no statement yet: merchant-BEN (none ever came)",
            "  no statement yet: simulated-ML (none ever came)",
            "  nothing differs",
        ],
    )
    path = file(tmp_path, f"{TODAY};T1;;5000;XOF;{household.number}", f"{TODAY};T2;;-700;XOF;retrait")
    assert keneya("statement", path, *OF_BEN)[0] == 0
    code, said, _ = keneya("reconcile", "--day", TODAY.isoformat(), "--mutuelle", "BEN")
    assert (code, said.splitlines()[2:]) == (
        1,
        [
            f"  {TODAY} merchant-BEN                     5000            0            0         5000          700",
            f"  DIFFERS {TODAY} merchant-BEN: in the statement, not booked, -700 F, for 0 days: T2",
            "  no statement yet: simulated-ML (none ever came)",
        ],
    )
    code, said, _ = keneya("reconcile", "--json")
    found = json.loads(said.splitlines()[-1])
    assert (code, [one["kind"] for one in found["differences"]]) == (1, ["in the statement, not booked"])
    assert {one["account"] for one in found["no_statement"]} == {"simulated-ML"}
    assert keneya("reconcile", "--mutuelle", "XYZ")[0] == 2
    assert keneya("reconcile", "--day", "hier")[0] == 2


def test_a_statement_that_is_killed_leaves_nothing_and_is_taken_in_again(
    household: Household, database: Database, keneya: Keneya, tmp_path: Path
) -> None:
    lines = [f"{TODAY};T{nth};;500;XOF;{household.number if nth % 2 else '?'}" for nth in range(3_000)]
    path = file(tmp_path, *lines)
    command = [sys.executable, "-m", "cli", "statement", path, *OF_BEN]
    env = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": database.url}
    for seconds in (0.9, 1.4, 2.0):
        child = subprocess.Popen(
            command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        child.kill()
        child.wait()
        kept = rows(database, "select count(*) from statement_line")
        assert kept in ([(0,)], [(3_000,)])
    code, said, _ = keneya("statement", path, *OF_BEN, "--json")
    counts = json.loads(said.splitlines()[-1])
    assert (code, counts["posted"] + counts["unmatched"] + counts["known"]) == (0, 3_000)
    booked = (
        "select split_part(m.credit_account, ':', 2), count(*), sum(m.amount)::bigint from ledger.movement m"
    )
    booked += " where m.debit_account = 'health:float:merchant-BEN' group by 1 order by 1"
    assert rows(database, booked) == [("member", 1_500, 750_000), ("suspense", 1_500, 750_000)]
    assert rows(database, "select count(*) from sms_outbox where template = 'receipt'") == [(1_500,)]
    assert keneya("check")[0] == 0
