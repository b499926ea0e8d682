"""Settlement reads: the households of a batch of payments, locked, then read in a handful of queries.

No query is about one household alone: a batch of 256 takes as many queries as one payment.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.statements import Entry, entries_of
from mutuelle.contributions.contribution_calls import called_so_far
from mutuelle.contributions.standing import receipts
from mutuelle.cover.policies import Policy, policies_of, uncalled
from mutuelle.cover.rules import Receipt
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import Household, lock_households, phones_of_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelles
from mutuelle.scheme.products import Product, products_of


@dataclass
class SettlementReads:
    """A household that pays, as the payments of this batch have left it so far.

    `called` is how many of its policies are called in its account in the ledger, `credit_minor` its credit there.
    """

    household: Household
    is_closed: bool
    mutuelle: Mutuelle
    products: dict[tuple[str, int], Product]
    policies: list[Policy]
    receipts: list[Receipt]
    called: int
    credit_minor: int
    phones: dict[str, str]

    @property
    def uncalled(self) -> list[Policy]:
        """The policies that are not called yet, in order."""
        return uncalled(self.policies, self.called)


async def lock_and_read(
    db: AsyncConnection, keys: Collection[HouseholdKey], at: datetime
) -> dict[str, SettlementReads]:
    """Lock these households, closed ones too, and read them, by number.

    LookupError if one of them does not exist.
    """
    locked = await lock_households(db, keys)
    if missing := {key.number for key in keys} - {household.number for household, _closed in locked}:
        raise LookupError(", ".join(sorted(missing)))
    households = [household for household, _closed in locked]
    mutuelle_ids = sorted({household.mutuelle_id for household in households})
    mutuelles, products = await get_mutuelles(db, mutuelle_ids), await products_of(db, mutuelle_ids)
    policies = await policies_of(db, households, products)
    entries = await entries_of(db, [(household.mutuelle_id, household.account) for household in households])
    phones = await phones_of_all(db, households, at)
    return {
        found[0].number: _reads(found, mutuelles[found[0].mutuelle_id], products, agreed, lines, own)
        for found, agreed, lines, own in zip(locked, policies, entries, phones, strict=True)
    }


def _reads(
    locked: tuple[Household, bool],
    mutuelle: Mutuelle,
    products: dict[str, dict[tuple[str, int], Product]],
    policies: list[Policy],
    entries: list[Entry],
    phones: dict[str, str],
) -> SettlementReads:
    household, is_closed = locked
    called, credit_minor = called_so_far(entries)
    return SettlementReads(
        household=household,
        is_closed=is_closed,
        mutuelle=mutuelle,
        products=products[mutuelle.id],
        policies=policies,
        receipts=receipts(entries),
        called=called,
        credit_minor=credit_minor,
        phones=phones,
    )
