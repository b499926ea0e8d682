"""Contribution calls: a policy's price becomes owed in the ledger when its first franc has settled.

A payment that was never made leaves no journal.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Journal, Movement
from ledger.statements import Entry, statement
from mutuelle.cover.policies import uncalled
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle

CALLED = "contribution called"
# Called on paper, and paid there, before the mutuelle joined the service.
TAKEN_OVER = "contribution taken over"
CALLS = {CALLED, TAKEN_OVER}


async def calls_due(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    household: Household,
    *,
    new_receipt_minor: int,
    on: date,
    actor: str,
) -> list[Journal]:
    """The contribution calls that new money makes, oldest policy first, to be posted with its receipt.

    `new_receipt_minor` is that receipt, not yet posted. The caller holds the household's lock.
    """
    called, credit = called_so_far(await statement(db, mutuelle.id, household.account))
    left = await uncalled(db, household, called)
    return calls_reached(mutuelle, household, left, credit + new_receipt_minor, on=on, actor=actor)


def called_so_far(entries: Sequence[Entry]) -> tuple[int, int]:
    """How many policies a household's entries have called, and its credit, in minor units."""
    called = len({entry.journal_id for entry in entries if entry.kind in CALLS})
    return called, sum(entry.credit - entry.debit for entry in entries)


def calls_reached(
    mutuelle: Mutuelle,
    household: Household,
    uncalled: Sequence[tuple[int, int, int]],
    credit_minor: int,
    *,
    on: date,
    actor: str,
) -> list[Journal]:
    """The calls that a credit makes, of `uncalled` policies: (sequence, contribution, registration), oldest first."""
    journals = []
    for policy in uncalled:
        if credit_minor <= 0:
            break
        journals.append(_call(mutuelle, household, policy, on, actor))
        credit_minor -= policy[1] + policy[2]
    return journals


async def with_calls(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, receipt: Journal
) -> list[Journal]:
    """The journals for money received from a household: the calls that it makes, then its receipt (of one movement)."""
    money = receipt.movements[0].amount_minor
    calls = await calls_due(
        db, mutuelle, household, new_receipt_minor=money, on=receipt.effective_on, actor=receipt.actor
    )
    return [*calls, receipt]


def _call(
    mutuelle: Mutuelle, household: Household, policy: tuple[int, int, int], on: date, actor: str
) -> Journal:
    sequence, contribution_minor, registration_minor = policy
    movements = [Movement(household.account, accounts.contributions(), contribution_minor, mutuelle.currency)]
    if registration_minor:
        movements.append(
            Movement(household.account, accounts.registration(), registration_minor, mutuelle.currency)
        )
    return Journal(
        mutuelle=mutuelle.id,
        source="policy",
        key=f"{household.number}-{sequence}",
        kind=CALLED,
        effective_on=on,
        actor=actor,
        reason="first franc of the policy",
        movements=movements,
        memo={"policy": str(sequence)},
    )
