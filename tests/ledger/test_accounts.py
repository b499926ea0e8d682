"""The chart: codes, kinds, and the numbers that accountants give them."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.accounts import KINDS, Keeping, Root, Side
from ledger.book import Account, AccountRefusedError, open_accounts
from ledger.charts import FOLDER, Status, charts, load
from tests.support.ledger_scene import AWA, CHART, SIK, count


def test_a_code_tells_fund_kind_and_sub() -> None:
    code = accounts.parse(accounts.member("101482937"))
    assert (code.fund, code.kind.name, code.sub) == ("health", "member", "101482937")
    assert accounts.parse(accounts.contributions(accounts.TRANSPORT)).fund == "transport"


def test_every_constructor_makes_a_code_of_its_kind() -> None:
    makers = {"float": accounts.collections} | {
        name: getattr(accounts, name) for name in KINDS if hasattr(accounts, name)
    }
    assert {"member", "cash", "contributions"} <= set(makers)
    for name, make in makers.items():
        kind = KINDS[name]
        code = accounts.parse(make("x1", "grants") if kind.split_by else make("grants"))
        assert (code.fund, code.kind, code.sub) == ("grants", kind, "x1" if kind.split_by else "")


def test_only_money_that_can_run_out_is_limited() -> None:
    assert {kind.name for kind in KINDS.values() if kind.keeping is Keeping.LIMITED} == {
        "cash",
        "disbursement",
    }


def test_one_account_a_person_is_summed() -> None:
    summed = {kind.name for kind in KINDS.values() if kind.keeping is Keeping.SUMMED}
    assert summed == {"member", "loan", "deposit"}
    assert all(KINDS[name].split_by for name in summed)


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
    with pytest.raises(AccountRefusedError, match="health:member:101482937: account_other_currency"):
        async with book.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XAF")])


async def test_two_definitions_in_one_call_are_refused(pool: AsyncEngine) -> None:
    with pytest.raises(AccountRefusedError, match="account_other_currency"):
        async with pool.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XAF"), Account(SIK, AWA, "XOF")])


async def test_a_malformed_mutuelle_is_refused(pool: AsyncEngine) -> None:
    with pytest.raises(AccountRefusedError, match="account_malformed"):
        async with pool.begin() as db:
            await open_accounts(db, [Account("sik", AWA, "XOF")])


async def test_a_closed_account_is_not_opened_again(book: AsyncEngine, owner: AsyncEngine) -> None:
    async with owner.begin() as db:
        await db.execute(
            text("update ledger.account set closed_on = '2026-11-01' where code = :code"), {"code": AWA}
        )
    with pytest.raises(AccountRefusedError, match="account_closed"):
        async with book.begin() as db:
            await open_accounts(db, [Account(SIK, AWA, "XOF")])


def test_every_chart_numbers_every_kind_or_says_that_it_cannot() -> None:
    assert list(charts()) == ["SYCEBNL", "PCMS", "SYSCOHADA"]  # the default first
    assert all(line.status is Status.UNVERIFIED for line in charts()["PCMS"].lines.values())
    assert charts()["SYSCOHADA"].lines["float"].code == "552"


def test_only_a_verified_number_is_printed_bare() -> None:
    sycebnl = charts()["SYCEBNL"]
    assert sycebnl.number(AWA) == "411:101482937"
    assert sycebnl.number("health:cash:office") == "~571:office"
    assert sycebnl.number("health:interfund:transport") == "interfund:transport"
    assert sycebnl.number("health:member") == "411"  # all members
    assert charts()["PCMS"].number("health:contributions") == "contributions"


# What domain references call verified (read in published charts), and nothing else.
VERIFIED = {
    "SYCEBNL": "member 411, contributions 701, subsidies 71, gifts 704, travel 61, services 62, taxes 64, staff 66,"
    " costs 65",
    "SYSCOHADA": "float 552, disbursement 552, cash 571, bank 521",
    "PCMS": "",
}


@pytest.mark.parametrize("frame", VERIFIED)
def test_no_number_is_called_verified_by_the_way(frame: str) -> None:
    lines = charts()[frame].lines.values()
    said = {f"{line.kind} {line.code}" for line in lines if line.status is Status.VERIFIED}
    assert said == set(filter(None, VERIFIED[frame].split(", ")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "411", ', ""),  # verified without a number
        ("interfund = { ", 'interfund = { code = "458", '),  # a number without proof
        ("fees = ", "fines = "),
        ('"701"', '"70x"'),
        ('"701"', '"601"'),  # of another class
        ('"701", class = 7', '"901", class = 9'),
        ('"Members"', '""'),
        ('label = "Members", ', ""),
        ('"verified"', '"certain"'),
    ],
)
def test_a_faulty_chart_is_named(tmp_path: Path, old: str, new: str) -> None:
    chart = (FOLDER / "sycebnl.toml").read_text(encoding="utf-8")
    assert old in chart
    (tmp_path / "faulty.toml").write_text(chart.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match="faulty"):
        load(tmp_path / "faulty.toml")
