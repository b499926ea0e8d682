"""The invariants of offices, PINs and cash: they hold after every kind of act, and a mutant breaks each alone."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from mutuelle.officers.invariants import INVARIANTS as OFFICERS
from mutuelle.officers.joint_acts import REFUSED
from mutuelle.officers.role_changes import WITHDRAW
from mutuelle.officers.roles import Role
from mutuelle.treasury.invariants import CASH
from tests.mutuelle.officers.test_limit_changes import proposes_limit
from tests.support.officer_acts import answers, deposits, proposes, receives
from tests.support.officers import FANTA, ISSA, MODIBO, OUMOU, appoint, give_pin
from tests.support.town import AWA, NOON, found_town, join, paid

INVARIANTS = OFFICERS + CASH
BROKEN_BY = {
    "office_agrees_with_its_changes": "update officer set until = since where role = 'collector'",
    "role_changes_take_turns": "update role_change set position = 3 where role = 'enrolment officer' and position = 2",
    "approved_change_was_carried_out": "update joint_act set answer = null, answered_by = null, answerer_name = null,"
    " answered_at = null where answer = 'approved'",
    "act_was_answered_by_another": "update joint_act set answered_by = '+22376000077' where answer is not null",
    "limit_was_decided_by_two": "update mutuelle_limit set value = 9",
    "pin_is_sealed": "update officer_pin set sealed = '$argon2id$v=19$' || sealed",
    "locked_pin_is_noted": "update officer_pin set failures = 5",
    "cash_posted_once": "update cash_receipt set amount_minor = amount_minor + 1",
    "cash_day_is_possible": "update cash_receipt set received_on = received_on - 15",
    "cash_posting_has_record": "delete from cash_deposit",
    "cash_is_never_negative": "update ledger.movement set amount = 1 where debit_account like 'health:cash:%'"
    " and credit_account like 'health:member:%'",
    "cash_receipt_was_told": "update sms_outbox set receipt_code = null",
}
AND_WITH_IT = {
    "approved_change_was_carried_out": {"limit_was_decided_by_two"},  # its act is not approved either
    "cash_is_never_negative": {"cash_posted_once"},  # the ledger itself was changed
    "cash_day_is_possible": {"cash_posted_once"},  # the ledger has the day too
}


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """A town in which everything happened once."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await proposes(pool)
    await answers(pool)
    await give_pin(pool, OUMOU)
    await proposes(pool, phone=MODIBO, name="Modibo Keïta")
    await answers(pool, answer=REFUSED)
    await appoint(pool, MODIBO, Role.ENROLMENT, name="Modibo Keïta", pin=None)
    await proposes(pool, what=WITHDRAW, role=Role.ENROLMENT, phone=MODIBO, name="Modibo Keïta")
    await answers(pool)
    await proposes_limit(pool, "cash_days", 8)
    await answers(pool)
    household = await join(pool, AWA, at=NOON, pay_minor=3_000)
    await paid(pool, household, at=NOON)
    await receives(pool, household, 5_000)
    await deposits(pool, 3_000)
    return pool


async def broken(pool: AsyncEngine) -> set[str]:
    async with pool.connect() as db:
        return {found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds}


def test_every_invariant_has_a_mutant() -> None:
    assert set(BROKEN_BY) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize("name", BROKEN_BY)
async def test_each_invariant_is_broken_by_its_mutant_alone(
    town: AsyncEngine, owner: AsyncEngine, name: str
) -> None:
    assert await broken(town) == set()
    async with owner.begin() as db:
        await db.execute(text("alter table ledger.movement disable trigger user"))
        await db.execute(text("alter table sms_outbox disable trigger user"))
        await db.execute(text(BROKEN_BY[name]))
    assert await broken(town) == {name} | AND_WITH_IT.get(name, set())
