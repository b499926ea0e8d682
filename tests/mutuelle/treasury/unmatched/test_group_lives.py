"""Random households, random parts of one sum: what a list does is what each part alone would have done that day."""

from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.portfolio import portfolio
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.unmatched import group_acts
from mutuelle.treasury.unmatched.group_acts import group_payment
from tests.support.groups import CAME, comes, listed, lists
from tests.support.officer_acts import broken
from tests.support.own_accounts import held
from tests.support.statements import SUSPENSE, line, taken
from tests.support.town import NOON, join, paid, sell
from tests.support.unmatched import both

PAIRS = 8  # of households that live the same life: one is paid for by the list, one by a line with its number


async def lived(pool: AsyncEngine, nth: int, seed: int) -> Household:
    """A household that joined some time ago, and has paid nothing, a part or all of it."""
    chance = Random(seed)
    at = NOON - timedelta(days=chance.choice((6, 20, 200, 340, 400, 500)))
    ages = tuple(chance.sample(range(1, 60), chance.randint(1, 6)))
    pay_minor = chance.choice((None, 3_000, 6_000, 12_000))
    home = await join(
        pool, f"+2237700{nth:04}", at=at, ages=ages, pay_minor=pay_minor, cash=pay_minor is None
    )
    if pay_minor:
        await paid(pool, home, at=at)
    return home


async def seen(pool: AsyncEngine, homes: list[Household]) -> list[object]:
    """How each of them stands: periods, cover, dues, credit, what it may renew, and its entries in the book."""
    async with pool.connect() as db:
        found = await portfolio(db, await get_mutuelle(db, "BEN"), NOON.date())
        rows = await db.execute(
            text(
                "select account, array_agg((debit, credit, kind) order by debit, credit, kind)::text as said from"
                " ledger.entry e join ledger.journal j on j.id = e.journal_id where account like '%:member:%'"
                " group by account"
            )
        )
        entries = {row.account: row.said for row in rows}
    return [
        (one.periods, one.cover, one.due, one.credit, one.renewal, entries.get(home.account))
        for home in homes
        for one in [found[home.number]]
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_a_list_does_what_each_part_alone_would_have_done(
    town: AsyncEngine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_acts, "POSTED_AT_ONCE", PAIRS // 2 - 1)  # in three passes
    chance = Random(seed)
    async with town.begin() as db:
        await sell(
            db, "BEN", version=2, lump_sum_minor=chance.choice((9_000, 15_000)), sold_from=date(2026, 1, 1)
        )
    lives = [chance.randrange(2**32) for _pair in range(PAIRS)]
    by_list = [await lived(town, nth, life) for nth, life in enumerate(lives)]
    alone = [await lived(town, 100 + nth, life) for nth, life in enumerate(lives)]
    assert await seen(town, by_list) == await seen(town, alone)
    parts = [chance.choice((100, 2_500, 6_000, 12_000, 30_000)) for _pair in range(PAIRS)]
    await taken(
        town,
        [
            line(100 + nth, minor, home.number, on=CAME)
            for nth, (home, minor) in enumerate(zip(alone, parts, strict=True))
        ],
    )
    await comes(town, sum(parts))
    wanted = {home.number: minor for home, minor in zip(by_list, parts, strict=True)}
    wrong = wanted | {by_list[0].number: parts[0] + 1}
    assert (
        await lists(town, "\n".join(f"{number};{minor};" for number, minor in wrong.items()), money="T1")
    ).faults
    await both(town, group_payment(await listed(town, wanted)))
    assert await seen(town, by_list) == await seen(town, alone)
    async with town.connect() as db:
        told = text(
            "select count(*), count(distinct receipt_code) from sms_outbox where body like '%payés par SOTRAMA%'"
        )
        assert (await db.execute(told)).one() == (PAIRS, PAIRS)
        given = text("select sum(amount)::bigint from ledger.movement where debit_account = :suspense")
        assert await db.scalar(given, {"suspense": SUSPENSE}) == sum(parts)
    assert await held(town, SUSPENSE) == 0
    assert await broken(town) == set()
