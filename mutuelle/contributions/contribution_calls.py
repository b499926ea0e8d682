"""Contribution calls: a policy's price becomes owed in the ledger when its first franc has settled.

A payment that was never made leaves no journal. A payer's part of the price is the payer's debt from that day, never
the household's; what a payer owes whole is called when it is agreed to.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Journal, Movement
from ledger.statements import Entry, entries_of
from mutuelle.cover.policies import Policy, policies_of, uncalled
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import products_of

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
    [entries] = await entries_of(db, [(mutuelle.id, household.account)])
    called, credit = called_so_far(entries)
    [policies] = await policies_of(db, [household], await products_of(db, [mutuelle.id]))
    left = uncalled(policies, called)
    return calls_reached(mutuelle, household, left, credit + new_receipt_minor, on=on, actor=actor)


def called_so_far(entries: Sequence[Entry]) -> tuple[int, int]:
    """How many policies a household's entries have called, and its credit, in minor units.

    Those that a payer owes whole are not among its entries.
    """
    called = len({entry.journal_id for entry in entries if entry.kind in CALLS})
    return called, sum(entry.credit - entry.debit for entry in entries)


def calls_reached(
    mutuelle: Mutuelle,
    household: Household,
    left: Sequence[Policy],
    credit_minor: int,
    *,
    on: date,
    actor: str,
) -> list[Journal]:
    """The calls that a credit makes, of the policies that are `left` to call, oldest first."""
    journals = []
    for policy in left:
        if credit_minor <= 0:
            break
        journals.append(call(mutuelle, household, policy, on, actor))
        credit_minor -= policy.own_minor
    return journals


def whole_calls(
    mutuelle: Mutuelle, household: Household, policy: Policy, *, on: date, actor: str
) -> list[Journal]:
    """The call of a policy that is agreed to now, if its payer owes all of it; else none before the first franc."""
    return [] if policy.own_minor else [call(mutuelle, household, policy, on, actor)]


async def with_calls(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, receipt: Journal
) -> list[Journal]:
    """The journals for money received from a household: the calls that it makes, then its receipt (of one movement)."""
    money = receipt.movements[0].amount_minor
    calls = await calls_due(
        db, mutuelle, household, new_receipt_minor=money, on=receipt.effective_on, actor=receipt.actor
    )
    return [*calls, receipt]


def call(mutuelle: Mutuelle, household: Household, policy: Policy, on: date, actor: str) -> Journal:
    """The call of a policy: each pays its part, the payer first of the contribution, then of the registration."""
    part_minor, movements = policy.part_minor, []
    for income, minor in (
        (accounts.contributions(), policy.contribution_minor),
        (accounts.registration(), policy.registration_minor),
    ):
        of_payer = min(part_minor, minor)
        part_minor -= of_payer
        if policy.share and of_payer:
            movements.append(Movement(policy.share.regime.account, income, of_payer, mutuelle.currency))
        if minor > of_payer:
            movements.append(Movement(household.account, income, minor - of_payer, mutuelle.currency))
    return Journal(
        mutuelle=mutuelle.id,
        source="policy",
        key=f"{household.number}-{policy.sequence}",
        kind=CALLED,
        effective_on=on,
        actor=actor,
        reason="first franc of the policy" if policy.own_minor else "agreed to, its payer owes all of it",
        movements=movements,
        memo={"policy": str(policy.sequence)},
    )
