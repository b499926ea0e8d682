"""What was paid in part on paper: debt and part payment arrive in the ledger, and cover stands by the usual rules."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import balance
from locales import render
from mutuelle.contributions.portfolio import portfolio
from mutuelle.cover.rules import CoverState
from mutuelle.imports.summary import result_of
from mutuelle.scheme.mutuelles import get_mutuelle
from tests.support.imported import broken, everything, household, stands
from tests.support.paper_registers import OWING, PRODUITS, fault_texts, line, owing, take, write
from tests.support.town import NOON, pays

S = CoverState
ROUTE = "pays;opérateur\nML;simulated\n"
# FAM: 12 000 F for six people, 1 000 F of a new household; half of it opens, a part covers for three months.


async def net(pool: AsyncEngine, account: str) -> int:
    async with pool.connect() as db:
        return (await balance(db, "BEN", account)).net


@pytest.mark.parametrize(
    ("paid", "owed", "paid_until", "state", "due"),
    [
        ("7 000 F", "5 000", "30/09/2027", S.IN_ARREARS, 5_000),  # begun on 1 October
        ("7 000 F", "", "30/09/2027", S.IN_ARREARS, 5_000),
        ("", "5 000 F", "30/09/2027", S.IN_ARREARS, 5_000),
        ("8 000", "5 000", "30/09/2027", S.IN_ARREARS, 5_000),  # with the fee of a new household
        ("7 000", "5 000", "30/06/2027", S.SUSPENDED, 5_000),  # begun on 1 July: three months are over
        ("7 000", "5 000", "30/09/2026", S.EXPIRED, 5_000),  # of a period that has ended
        ("12 000", "0", "30/06/2027", S.COVERED, 0),
        ("12 000", "", "30/06/2027", S.COVERED, 0),
        ("3 000", "10 000", "", S.PART_PAID, 10_000),  # less than opens a period
        ("3 000", "", "", S.PART_PAID, 10_000),
        ("0", "13 000", "", S.UNPAID, 13_000),
    ],
)
async def test_a_part_payment_arrives_with_its_debt(
    pool: AsyncEngine, tmp_path: Path, paid: str, owed: str, paid_until: str, state: CoverState, due: int
) -> None:
    menages = OWING + owing(paid, owed, paid_until=paid_until, since="2019")
    assert fault_texts(await take(pool, write(tmp_path, menages=menages))) == []
    found = await stands(pool, "1")
    assert (found.cover.state, found.due.amount_minor, found.credit.amount_minor) == (state, due, 0)
    async with pool.connect() as db:
        account = (await household(db, "1")).account
    called = state is not S.UNPAID
    assert await net(pool, account) == (due if called else 0)
    assert await net(pool, "health:opening") == (-due if called else 0)
    assert await net(pool, "health:contributions") == await net(pool, "health:registration") == 0
    assert await broken(pool) == []


async def test_what_is_owed_is_paid_by_phone_and_is_no_income_of_today(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    menages = OWING + owing("7 000", "5 000", paid_until="30/09/2027")
    assert fault_texts(await take(pool, write(tmp_path, operateurs=ROUTE, menages=menages))) == []
    async with pool.connect() as db:
        awa = await household(db, "1")
    await pays(pool, awa, 5_000, at=NOON)
    found = await stands(pool, "1")
    assert (found.cover.state, found.cover.until_on, found.due.amount_minor) == (
        S.COVERED,
        date(2027, 9, 30),
        0,
    )
    assert await net(pool, "health:contributions") == 0
    assert await net(pool, "health:float:simulated-ML") == 5_000
    assert await broken(pool) == []


async def test_a_part_that_opened_nothing_goes_on_as_any_policy(pool: AsyncEngine, tmp_path: Path) -> None:
    menages = OWING + owing("3 000", "", paid_until="", since="")
    assert fault_texts(await take(pool, write(tmp_path, operateurs=ROUTE, menages=menages))) == []
    async with pool.connect() as db:
        awa = await household(db, "1")
    await pays(pool, awa, 10_000, at=NOON)
    found = await stands(pool, "1")
    assert (found.cover.state, found.cover.from_on) == (S.WAITING, date(2027, 1, 22))
    assert await broken(pool) == []


async def test_only_the_last_of_several_periods_is_owed(pool: AsyncEngine, tmp_path: Path) -> None:
    menages = OWING + owing("7 000", "5 000", paid_until="31/03/2028")  # in advance: April to March, twice
    assert fault_texts(await take(pool, write(tmp_path, menages=menages))) == []
    found = await stands(pool, "1")
    assert [period.due_minor for period in found.periods] == [0, 5_000]
    assert (found.cover.state, found.cover.until_on) == (S.COVERED, date(2027, 6, 30))
    assert await broken(pool) == []


async def test_a_price_of_then_is_taken(pool: AsyncEngine, tmp_path: Path) -> None:
    """An older version of the product, and a household that had fewer people when it agreed."""
    titles, family, half = PRODUITS.splitlines()
    cheaper = family.replace("12 000 F", "10 000 F")
    versions = "\n".join((f"{titles};version", f"{cheaper};1", f"{family};2", f"{half};1"))
    menages = OWING + owing("6 000", "4 000", paid_until="30/09/2027")
    menages += owing(
        "10 000", "4 500", number="2", head="Issa Ba", others="40 30 25 20 19 18", paid_until="30/09/2027"
    )
    menages += owing(
        "10 000", "2 000", number="3", head="Ali Ba", others="40 30 25 20 19 18", paid_until="30/09/2027"
    )
    assert fault_texts(await take(pool, write(tmp_path, produits=versions, menages=menages))) == []
    assert [(await stands(pool, number)).due.amount_minor for number in "123"] == [4_000, 4_500, 2_000]
    assert await broken(pool) == []


@pytest.mark.parametrize(
    ("paid", "owed", "paid_until", "fault"),
    [
        ("7 000", "6 000,00 F", "30/09/2027", None),  # 13 000: with the fee
        (
            "7 000",
            "4 000",
            "30/09/2027",
            "reste dû: 7 000 F paid and 4 000 F owed are not the price, 12 000 F (L2)",
        ),
        ("70 000", "", "30/09/2027", "payé: it is more than the price, 12 000 F (K2)"),
        ("", "14 000", "30/09/2027", "reste dû: it is more than the price, 12 000 F (L2)"),
        (
            "3 000",
            "9 000",
            "30/09/2027",
            "payé jusqu'au: 3 000 F of 12 000 F opens no period, 6 000 F does: leave the last day empty (G2)",
        ),
        ("7 000", "6 000", "", "payé jusqu'au: 7 000 F of 13 000 F opens a period: write its last day (G2)"),
    ],
)
async def test_amounts_that_cannot_be_true_are_told(
    pool: AsyncEngine, tmp_path: Path, paid: str, owed: str, paid_until: str, fault: str | None
) -> None:
    taken = await take(pool, write(tmp_path, menages=OWING + owing(paid, owed, paid_until=paid_until)))
    assert fault_texts(taken) == ([f"menages.csv, line 2, {fault}"] if fault else [])
    if fault:
        assert await everything(pool) == {"journal": 0}


async def test_debts_are_in_the_summary_and_the_same_file_again_changes_nothing(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    menages = (
        OWING + owing("7 000", "5 000", paid_until="30/09/2027") + owing("3 000", number="2", paid_until="")
    )
    menages += line(number="3", head="Issa Diarra").strip() + ";;\n"
    taken = await take(pool, write(tmp_path, menages=menages))
    said = [render(sentence, "en") for sentence in result_of(taken, dry=False)]
    assert "households that have paid a part: 2, 10 000 F paid, 15 000 F owed" in said
    before = await everything(pool)
    again = await take(pool, tmp_path)
    assert (fault_texts(again), again.is_new) == ([], False)
    assert await everything(pool) == before
    changed = write(tmp_path, menages=menages.replace("7 000;5 000", "8 000;4 000"))
    assert fault_texts(await take(pool, changed)) == [
        "menages.csv, line 2, payé: this household was taken over with another value: 7000 (K2)",
        "menages.csv, line 2, reste dû: this household was taken over with another value: 5000 (L2)",
    ]


async def test_a_debt_that_is_not_in_the_ledger_is_seen(
    pool: AsyncEngine, owner: AsyncEngine, tmp_path: Path
) -> None:
    await take(pool, write(tmp_path, menages=OWING + owing("7 000", "5 000", paid_until="30/09/2027")))
    async with owner.begin() as db:
        await db.execute(text("update register_line set said = said || '{\"owed\": 4000}'"))
    assert [found.split()[0] for found in await broken(pool)] == ["register_paid_what_was_called"]


async def test_who_joined_late_in_a_period_waits_since_then(pool: AsyncEngine, tmp_path: Path) -> None:
    menages = OWING + owing(paid_until="31/12/2026", since="15/10/2026")
    assert fault_texts(await take(pool, write(tmp_path, menages=menages))) == []
    found = (await stands(pool, "1")).cover
    assert (found.state, found.from_on, found.until_on) == (S.WAITING, date(2026, 12, 15), date(2026, 12, 31))
    async with pool.connect() as db:
        from_portfolio = (await portfolio(db, await get_mutuelle(db, "BEN"), NOON.date()))[
            (await household(db, "1")).number
        ].cover
    assert from_portfolio == found
    assert await broken(pool) == []
