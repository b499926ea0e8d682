"""What must hold between payers, shares, calls and the book: each invariant is broken by its mutants."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.payer_invariants import PAYERS
from tests.support.joined_households import unpaid
from tests.support.officer_acts import broken
from tests.support.payers import owes, puts_under, receives_of_payer, town_with_payers
from tests.support.town import AWA, MARIAM, NOON, pays

MUTANTS = {
    "household_and_payer_owe_their_parts": (
        "update ledger.movement set debit_account = replace(debit_account, 'receivable:commune-de-sikasso',"
        " 'member:{number}') where debit_account like '%receivable%'",
        "update ledger.movement set amount = amount - 1 where debit_account like '%receivable:etat-mali'",
        "update policy_share set part_minor = part_minor - 5",
    ),
    "payer_owes_what_was_called": (
        "delete from policy_share where part_minor = 12000",
        "update ledger.movement set amount = amount + 1 where credit_account like '%receivable%'",
        "update voucher set kind = 'gift' where kind = 'debt received'",
        "delete from ledger.request where source = 'policy' and key = '{number}-1'",
    ),
    "share_is_of_its_regime": (
        "update policy_share set part_minor = part_minor - 5",
        "update regime set percent = 90 where percent = 100",
        "delete from household_regime",
        "delete from ledger.request where source = 'policy' and key = '{number}-1'",
    ),
    "share_is_older_than_its_call": ("update policy_share set recorded_at = recorded_at + interval '1 day'",),
    "regime_was_signed": (
        "update household_regime set act = null",
        "update joint_act set answer = 'refused'",
        "update joint_act set facts = facts || '{\"regime\": \"aide\"}' where facts ->> 'regime' = 'indigents'",
        'update joint_act set facts = facts || \'{"number": "199000000"}\'',
    ),
}


def test_every_invariant_has_a_mutant() -> None:
    assert set(MUTANTS) == {invariant.name for invariant in PAYERS}


@pytest.mark.parametrize(("name", "mutant"), [(name, one) for name, many in MUTANTS.items() for one in many])
async def test_each_invariant_is_broken_by_its_mutants(
    pool: AsyncEngine, owner: AsyncEngine, name: str, mutant: str
) -> None:
    await town_with_payers(pool)
    poor, helped = await unpaid(pool, AWA), await unpaid(pool, MARIAM, name="Mariam Traoré")
    await puts_under(pool, poor, "indigents")
    await puts_under(pool, helped, "aide")
    await pays(pool, helped, 6_000, at=NOON)
    await receives_of_payer(pool, 5_000)
    assert await owes(pool) == 7_000
    assert await broken(pool) == set()
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger user"))
        await db.execute(text(mutant.replace("{number}", poor.number)))
    assert name in {one.partition(":")[0] for one in await broken(pool)}
