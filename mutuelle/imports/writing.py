"""Writes the households of a register, a few hundred at a time: rows in bulk, journals in batches.

What was called and paid on paper is posted against the opening account, on its own days: nothing of it is income of
today, the rest is owed, and cover is as the register says.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import MAX_JOURNALS, Account, Journal, Movement, open_accounts
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.contribution_calls import TAKEN_OVER, whole_calls
from mutuelle.cover.policies import Policy, policy_of, policy_row, share_row
from mutuelle.enrolment.paid_for import IMPORT, regime_row
from mutuelle.free_codes import draw_free
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import Household
from mutuelle.households.member_numbers import draw_number
from mutuelle.imports.household_rows import PaperHousehold
from mutuelle.imports.tables import register_line
from mutuelle.posting import post_all
from mutuelle.schedules.tables import reminder_consent
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.sealed_records import record_households

AT_ONCE = 250  # households: their journals fill about one batch
PAID_ON_PAPER = "payment taken over"
AHEAD_ON_PAPER = "credit taken over"

Numbered = tuple[PaperHousehold, str]


async def write_households(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    households: Sequence[PaperHousehold],
    *,
    at: datetime,
    advance: Callable[[], None],
) -> None:
    """Write every household with its phones, people, policies, account, journals and its line of the register."""
    for start in range(0, len(households), AT_ONCE):
        some = households[start : start + AT_ONCE]
        numbered = list(zip(some, await _numbers(db, mutuelle, some, at), strict=True))
        await _insert(db, tables.household_phone, _phones(mutuelle, numbered, at))
        await _insert(db, tables.beneficiary, _people(mutuelle, numbered, at))
        await _insert(db, tables.policy, _policies(mutuelle, numbered, at))
        await _insert(db, tables.household_regime, _regimes(mutuelle, numbered, at))
        await _insert(db, tables.policy_share, _shares(mutuelle, numbered))
        await _insert(db, reminder_consent, _consents(mutuelle, numbered, at))
        await _insert(db, register_line, _lines(mutuelle, numbered, at))
        await record_households(db, [HouseholdKey(mutuelle.id, number) for _household, number in numbered])
        codes = [accounts.member(number) for _household, number in numbered]
        await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])
        await post_in_batches(db, [j for household in numbered for j in _journals(mutuelle, household)])
        await post_in_batches(db, [j for household in numbered for j in _credit(mutuelle, household, at)])
        for _household in some:
            advance()


async def post_in_batches(db: AsyncConnection, journals: Sequence[Journal]) -> None:
    """Post journals that must stand, in batches."""
    for start in range(0, len(journals), MAX_JOURNALS):
        await post_all(db, list(journals[start : start + MAX_JOURNALS]))


async def _insert(db: AsyncConnection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    if found := list(rows):
        await db.execute(insert(table), found)


async def _numbers(
    db: AsyncConnection, mutuelle: Mutuelle, households: Sequence[PaperHousehold], at: datetime
) -> list[str]:
    """Write the households' rows under drawn numbers; a taken number is drawn again."""
    left = list(households)
    numbers: dict[str, str] = {}

    async def write(drawn: set[str]) -> bool:
        homes_of = dict(zip(drawn, left, strict=True))
        rows = [_household(mutuelle, household, number, at) for number, household in homes_of.items()]
        free = insert(tables.household).on_conflict_do_nothing().returning(tables.household.c.number)
        for number in await db.scalars(free, rows):
            numbers[homes_of.pop(number).register_number] = number
        left[:] = homes_of.values()
        return not left

    await draw_free(f"member numbers in {mutuelle.id}", lambda: _drawn(mutuelle.prefix, len(left)), write)
    return [numbers[household.register_number] for household in households]


def _drawn(prefix: int, count: int) -> set[str]:
    """So many different numbers."""
    found: set[str] = set()
    while len(found) < count:
        found.add(draw_number(prefix))
    return found


def _household(mutuelle: Mutuelle, household: PaperHousehold, number: str, at: datetime) -> dict[str, Any]:
    return {
        "mutuelle_id": mutuelle.id,
        "number": number,
        "head_name": household.head_name,
        "place_id": household.place_id,
        "enrolled_at": at,
    }


def _phones(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for household, number in households:
        for phone in household.phones:
            yield {"mutuelle_id": mutuelle.id, "number": number, "phone": phone, "since": at}


def _consents(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    """Who agreed on paper to be reminded, on each phone that was given there."""
    for household, number in households:
        for phone in household.phones if household.reminders else ():
            yield {"mutuelle_id": mutuelle.id, "number": number, "phone": phone, "since": at}


def _people(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for household, number in households:
        added_on = household.policies[0].opened_on or mutuelle.today(at)
        for rank, (name, birth) in enumerate(household.people, start=1):
            yield {
                "mutuelle_id": mutuelle.id,
                "number": number,
                "rank": rank,
                "name": name,
                "birth_year": birth.year,
                "added_on": added_on,
            }


def _policies(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for household, number in households:
        for sequence, policy in enumerate(household.policies, start=1):
            offer = policy.offer.under(None)  # its share is a row of its own
            row = policy_row(mutuelle.id, number, offer, sequence=sequence, agreed_on=policy.on, at=at)
            yield {**row, "waits_from": policy.waits_from}


def _regimes(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for household, number in households:
        if household.regime and household.regime.code:
            yield regime_row(HouseholdKey(mutuelle.id, number), household.regime, 1, By(IMPORT, "", at))


def _shares(mutuelle: Mutuelle, households: Sequence[Numbered]) -> Iterator[dict[str, Any]]:
    for household, number in households:
        for policy in _shared(household):
            yield share_row(mutuelle.id, number, policy)


def _shared(household: PaperHousehold) -> Iterator[Policy]:
    """The policies of which a payer has its part."""
    for sequence, policy in enumerate(household.policies, start=1):
        if policy.offer.share:
            yield policy_of(policy.offer, sequence, policy.on)


def _lines(mutuelle: Mutuelle, households: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for household, number in households:
        yield {
            "mutuelle_id": mutuelle.id,
            "register_number": household.register_number,
            "number": number,
            "said": household.said,
            "imported_at": at,
        }


def _credit(mutuelle: Mutuelle, numbered: Numbered, at: datetime) -> Iterator[Journal]:
    """What a household has paid beyond what it owes: it is received today, so that it moves no period of the past."""
    household, number = numbered
    if household.credit_minor:
        ahead = Movement(
            accounts.opening(), accounts.member(number), household.credit_minor, mutuelle.currency
        )
        yield Journal(
            mutuelle=mutuelle.id,
            source="opening",
            key=f"{number}-credit",
            kind=AHEAD_ON_PAPER,
            effective_on=mutuelle.today(at),
            actor="import",
            reason="paid in advance on paper before the mutuelle joined the service",
            movements=[ahead],
        )


def _journals(mutuelle: Mutuelle, numbered: Numbered) -> Iterator[Journal]:
    """For each policy paid in part or whole on paper: its contribution call, then the receipt; the rest is owed. And
    the call of what a payer owes whole from today on.
    """
    household, number = numbered
    home = Household(mutuelle.id, number, household.head_name, mutuelle.name)
    for shared in _shared(household):
        yield from whole_calls(mutuelle, home, shared, on=shared.agreed_on, actor=IMPORT)
    member, against = accounts.member(number), accounts.opening()
    for sequence, policy in enumerate(household.policies, start=1):
        price_minor = policy.offer.price.amount_minor
        for source, kind, debit, credit, amount_minor in (
            ("policy", TAKEN_OVER, member, against, price_minor if policy.paid_minor else 0),
            ("opening", PAID_ON_PAPER, against, member, policy.paid_minor),
        ):
            if amount_minor:
                yield Journal(
                    mutuelle=mutuelle.id,
                    source=source,
                    key=f"{number}-{sequence}",
                    kind=kind,
                    effective_on=policy.on,
                    actor="import",
                    reason="called and paid on paper before the mutuelle joined the service",
                    movements=[Movement(debit, credit, amount_minor, mutuelle.currency)],
                    memo={"policy": str(sequence)},
                )
