"""The chart: codes, kinds, and the numbers that accountants give them."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.accounts import KINDS, Root, Side
from ledger.book import Account, AccountRefused, open_accounts
from ledger.charts import FOLDER, Status, charts, load
from tests.ledger.scene import AWA, CHART, SIK, count


def test_a_code_tells_fund_kind_and_sub() -> None:
    code = accounts.parse(accounts.member("101482937"))
    assert (code.fund, code.kind.name, code.sub) == ("health", "member", "101482937")
    assert accounts.parse(accounts.contributions(accounts.TRANSPORT)).fund == "transport"


def test_every_constructor_makes_a_code_of_its_kind() -> None:
    split = (accounts.collections, accounts.cash, accounts.bank, accounts.member, accounts.suspense)
    whole = (accounts.contributions, accounts.registration, accounts.fees, accounts.opening, accounts.reserve)
    codes = [make("x1") for make in (*split, accounts.interfund)] + [make() for make in whole]
    assert {accounts.parse(code).kind.name for code in codes} == set(KINDS)


MISSPELT = (
    *("health", "health:", "health:gold", "health:member", "health:contributions:a", "Health:cash:a"),
    *("health:cash:A", "health:cash:a b", "health:cash:a:b", "health:cash:-a", "health:cash:é"),
    *("health:cash:a\n", ":cash:a"),
)


@pytest.mark.parametrize("code", MISSPELT)
def test_a_misspelt_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="account code"):
        Account(SIK, code, "XOF")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="currency"):
        Account(SIK, AWA, "FCF")


def test_debit_is_the_normal_side_of_what_we_have_and_spend() -> None:
    for kind in KINDS.values():
        assert (kind.normal is Side.DEBIT) == (kind.root in (Root.ASSETS, Root.EXPENSES)), kind.name


async def test_opening_again_changes_nothing(pool: AsyncEngine) -> None:
    for _ in range(2):
        async with pool.begin() as db:
            await open_accounts(db, CHART)
            assert await count(db, "account") == len(CHART)


async def test_an_account_keeps_its_currency(book: AsyncEngine) -> None:
    with pytest.raises(AccountRefused, match="health:member:101482937: account_other_currency"):
        async with book.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XAF")])


async def test_two_definitions_in_one_call_are_refused(pool: AsyncEngine) -> None:
    with pytest.raises(AccountRefused, match="account_other_currency"):
        async with pool.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XAF"), Account(SIK, AWA, "XOF")])


async def test_a_malformed_mutuelle_is_refused(pool: AsyncEngine) -> None:
    with pytest.raises(AccountRefused, match="account_malformed"):
        async with pool.begin() as db:
            await open_accounts(db, [Account("sik", AWA, "XOF")])


async def test_a_closed_account_is_not_opened_again(book: AsyncEngine, owner: AsyncEngine) -> None:
    async with owner.begin() as db:
        await db.execute(
            text("update ledger.account set closed_on = '2026-11-01' where code = :code"), {"code": AWA}
        )
    with pytest.raises(AccountRefused, match="account_closed"):
        async with book.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XOF")])


def test_every_chart_numbers_every_kind_or_says_that_it_cannot() -> None:
    assert set(charts()) == {"SYCEBNL", "SYSCOHADA", "PCMS"}
    assert all(line.status is Status.UNVERIFIED for line in charts()["PCMS"].lines.values())
    assert charts()["SYSCOHADA"].lines["float"].code == "552"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "411", ', ""),  # verified without a number
        (
            'label = "Liaison entre fonds"',
            'code = "58", label = "Liaison entre fonds"',
        ),  # a number without proof
        ("fees = ", "fines = "),
        ('"701"', '"70x"'),
        ('"Adhérents"', '""'),
    ],
)
def test_a_faulty_chart_is_named(tmp_path: Path, old: str, new: str) -> None:
    chart = (FOLDER / "sycebnl.toml").read_text(encoding="utf-8")
    assert old in chart
    (tmp_path / "faulty.toml").write_text(chart.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match="faulty"):
        load(tmp_path / "faulty.toml")
