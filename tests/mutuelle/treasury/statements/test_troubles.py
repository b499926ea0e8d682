"""Statements with every kind of trouble, by seed: no franc lost, none there twice, each line what it must be."""

from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.acts import By
from mutuelle.households.households import Household
from mutuelle.support.changes import close_household
from mutuelle.support.merging import merge_households
from tests.support.officer_acts import broken
from tests.support.statement_troubles import Troubles
from tests.support.statements import SUSPENSE, TODAY, kinds, open_merchant, taken
from tests.support.town import NOON, found_town, join

OFFICE = By("a test", "asked by a test", NOON)
LINES = 10_000


@pytest.fixture
async def homes(pool: AsyncEngine) -> list[Household]:
    await found_town(pool)
    await open_merchant(pool)
    return [await join(pool, f"+223761{nth:05}", at=NOON, cash=True) for nth in range(40)]


async def with_heirs(pool: AsyncEngine, homes: list[Household]) -> dict[str, str]:
    """Two of them are merged into others, one of these again; one is closed. Who gets the money of each."""
    first, second, third, alone, *_rest = homes
    async with pool.begin() as db:
        await merge_households(db, first.number, second.number, OFFICE)
        await merge_households(db, second.number, third.number, OFFICE)
        await close_household(db, alone.number, OFFICE, although_covered=False)
    return {first.number: third.number, second.number: third.number, alone.number: alone.number}


async def received(pool: AsyncEngine) -> dict[str, int]:
    """What statements have brought to each household, by the ledger."""
    async with pool.connect() as db:
        rows = await db.execute(
            text(
                """
                select split_part(m.credit_account, ':', 3), sum(m.amount)::bigint
                  from ledger.request q
                  join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
                 where q.source = 'statement' and m.credit_account like 'health:member:%' group by 1
                """
            )
        )
        return {row[0]: row[1] for row in rows}


async def expect(pool: AsyncEngine, troubles: Troubles) -> None:
    """Everything is where it must be, once."""
    assert await kinds(pool) == troubles.kinds
    assert await received(pool) == dict(troubles.money)
    async with pool.connect() as db:
        unmatched = await db.scalar(
            text("select sum(credit - debit)::bigint from ledger.entry where account = :account"),
            {"account": SUSPENSE},
        )
        told, receipts = (
            await db.execute(
                text(
                    """
                    select count(distinct o.receipt_code), (select count(*) from statement_line where kind = 'receipt')
                      from sms_outbox o where o.template = 'receipt'
                    """
                )
            )
        ).one()
    amounts = {
        cells["id"]: int(cells["amount"].replace(",00", "").replace(" ", "")) for cells in troubles.lines
    }
    assert unmatched == sum(amounts[one] for one, kind in troubles.kinds.items() if kind == "unmatched")
    assert told == receipts
    assert await broken(pool) == set()


async def test_ten_thousand_lines_with_every_kind_of_trouble(
    pool: AsyncEngine, homes: list[Household]
) -> None:
    chance = Random(1)
    heirs = await with_heirs(pool, homes)
    troubles = Troubles(chance, [home.number for home in homes[4:]], heirs)
    troubles.draw(LINES)
    head, lines = next(troubles.files(1))
    done = await taken(pool, lines, head=head)
    assert (done.lines, done.known) == (LINES + LINES // 10, LINES // 10)
    await expect(pool, troubles)
    assert (await taken(pool, reversed(lines), head=head)).known == done.lines
    assert await received(pool) == dict(troubles.money)


@pytest.mark.parametrize("seed", range(5))
async def test_pieces_in_any_order_come_to_the_same_as_the_whole(
    pool: AsyncEngine, homes: list[Household], seed: int
) -> None:
    chance = Random(seed)
    troubles = Troubles(chance, [home.number for home in homes])
    troubles.draw(300)
    pieces = [*troubles.files(chance.randint(2, 5)), *troubles.files(1)]
    chance.shuffle(pieces)
    for head, lines in pieces:
        assert (await taken(pool, lines, head=head)).faults == []
    await expect(pool, troubles)


BAD = {
    "another currency": lambda cells: cells | {"currency": "EUR"},
    "a negative credit": lambda cells: (
        cells | {"amount": "-500", "payer": "22376000001", "note": "cotisation"}
    ),
    "a day to come": lambda cells: cells | {"date": f"{TODAY.replace(year=TODAY.year + 1)}"},
    "a formula": lambda cells: cells | {"note": "=1+1"},
    "no amount": lambda cells: cells | {"amount": "x"},
    "no id": lambda cells: cells | {"id": ""},
}


@pytest.mark.parametrize("seed", range(3))
async def test_a_statement_with_bad_lines_names_each_and_leaves_nothing(
    pool: AsyncEngine, homes: list[Household], seed: int
) -> None:
    chance = Random(seed)
    troubles = Troubles(chance, [home.number for home in homes])
    troubles.draw(200)
    bad = sorted(chance.sample(range(200), 12))
    for nth in bad:
        troubles.lines[nth] = BAD[chance.choice(list(BAD))](troubles.lines[nth])
    lines = [";".join(cells.values()) for cells in troubles.lines]
    done = await taken(pool, lines)
    assert sorted({fault.line for fault in done.faults}) == [nth + 2 for nth in bad]
    assert (done.refused, done.posted, await kinds(pool)) == (12, 0, {})
