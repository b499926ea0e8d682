"""Writes the households of a register, a few hundred at a time: rows in bulk, journals in batches.

What was called and paid on paper is called and received against the opening account, dated on its own days: nothing of
it is income of today, what is left is owed, and cover comes out as the register says.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import MAX_JOURNALS, Account, Journal, Movement, open_accounts
from mutuelle import tables
from mutuelle.calls import TAKEN_OVER
from mutuelle.mutuelles import Mutuelle
from mutuelle.numbers import draw_number
from mutuelle.policies import policy_row
from mutuelle.posting import post_all
from mutuelle.records import record_households
from mutuelle.registers.homes import PaperHousehold
from mutuelle.registers.tables import register_line
from mutuelle.schedule_tables import reminder_consent

AT_ONCE = 250  # households: their journals fill about one batch
MOST_DRAWS = 40  # of the numbers that another caller took in that moment
PAID_ON_PAPER = "payment taken over"

Numbered = tuple[PaperHousehold, str]


async def write_homes(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    homes: Sequence[PaperHousehold],
    *,
    at: datetime,
    advance: Callable[[], None],
) -> None:
    """Write every household with its phones, people, policies, account, journals and its line of the register."""
    for start in range(0, len(homes), AT_ONCE):
        some = homes[start : start + AT_ONCE]
        numbered = list(zip(some, await _numbers(db, mutuelle, some, at), strict=True))
        await _insert(db, tables.household_phone, _phones(mutuelle, numbered, at))
        await _insert(db, tables.beneficiary, _people(mutuelle, numbered, at))
        await _insert(db, tables.policy, _policies(mutuelle, numbered, at))
        await _insert(db, reminder_consent, _consents(mutuelle, numbered, at))
        await _insert(db, register_line, _lines(mutuelle, numbered, at))
        await record_households(db, [(mutuelle.id, number) for _home, number in numbered])
        codes = [accounts.member(number) for _home, number in numbered]
        await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])
        await post_in_batches(db, [j for home in numbered for j in _journals(mutuelle, home)])
        for _home in some:
            advance()


async def post_in_batches(db: AsyncConnection, journals: Sequence[Journal]) -> None:
    """Post journals that must stand, however many."""
    for start in range(0, len(journals), MAX_JOURNALS):
        await post_all(db, list(journals[start : start + MAX_JOURNALS]))


async def _insert(db: AsyncConnection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    if found := list(rows):
        await db.execute(insert(table), found)


async def _numbers(
    db: AsyncConnection, mutuelle: Mutuelle, homes: Sequence[PaperHousehold], at: datetime
) -> list[str]:
    """Write the households' own rows under numbers drawn for them; a number that is taken is drawn again."""
    left = list(homes)
    numbers: dict[str, str] = {}
    for _draw in range(MOST_DRAWS):
        drawn = dict(zip(_drawn(mutuelle.prefix, len(left)), left, strict=True))
        rows = [_household(mutuelle, home, number, at) for number, home in drawn.items()]
        free = insert(tables.household).on_conflict_do_nothing().returning(tables.household.c.number)
        written = set(await db.scalars(free, rows))
        numbers |= {drawn[number].register_number: number for number in written}
        left = [home for number, home in drawn.items() if number not in written]
        if not left:
            return [numbers[home.register_number] for home in homes]
    raise RuntimeError(f"no free member numbers in {mutuelle.id}")


def _drawn(prefix: int, count: int) -> set[str]:
    """So many numbers, each once."""
    found: set[str] = set()
    while len(found) < count:
        found.add(draw_number(prefix))
    return found


def _household(mutuelle: Mutuelle, home: PaperHousehold, number: str, at: datetime) -> dict[str, Any]:
    return {
        "mutuelle_id": mutuelle.id,
        "number": number,
        "head_name": home.head_name,
        "place_id": home.place_id,
        "enrolled_at": at,
    }


def _phones(mutuelle: Mutuelle, homes: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for home, number in homes:
        for phone in home.phones:
            yield {"mutuelle_id": mutuelle.id, "number": number, "phone": phone, "since": at}


def _consents(mutuelle: Mutuelle, homes: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    """Who agreed on paper to be reminded, on each phone that was given there."""
    for home, number in homes:
        for phone in home.phones if home.reminders else ():
            yield {"mutuelle_id": mutuelle.id, "number": number, "phone": phone, "since": at}


def _people(mutuelle: Mutuelle, homes: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for home, number in homes:
        added_on = home.policies[0].opened_on or mutuelle.today(at)
        for rank, (name, birth) in enumerate(home.people, start=1):
            yield {
                "mutuelle_id": mutuelle.id,
                "number": number,
                "rank": rank,
                "name": name,
                "birth_year": birth.year,
                "added_on": added_on,
            }


def _policies(mutuelle: Mutuelle, homes: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for home, number in homes:
        for sequence, policy in enumerate(home.policies, start=1):
            row = policy_row(mutuelle.id, number, policy.offer, sequence=sequence, agreed_on=policy.on, at=at)
            yield {**row, "waits_from": policy.waits_from}


def _lines(mutuelle: Mutuelle, homes: Sequence[Numbered], at: datetime) -> Iterator[dict[str, Any]]:
    for home, number in homes:
        yield {
            "mutuelle_id": mutuelle.id,
            "register_number": home.register_number,
            "number": number,
            "said": home.said,
            "imported_at": at,
        }


def _journals(mutuelle: Mutuelle, numbered: Numbered) -> Iterator[Journal]:
    """For each policy of which something was paid on paper: its call, then what was paid for it; the rest is owed."""
    home, number = numbered
    member, against = accounts.member(number), accounts.opening()
    for sequence, policy in enumerate(home.policies, start=1):
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
