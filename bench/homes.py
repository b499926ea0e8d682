"""Households by the thousand, in a few statements, as they are after joining: people, policy, account, payment.

They differ in nothing from households that dialled, but for the action of a call: `keneya check` holds of them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from stdnum import damm

from bench.databases import as_owner, transaction
from bench.place import Place
from mutuelle.contributions.payments import receipt_code
from mutuelle.household_key import HouseholdKey
from mutuelle.scheme.sealed_records import record_households
from torture.town import DAN, FAMILY, PLACES

AGES = (45, 38, 12)
MOST = 100_000  # member numbers of one mutuelle
_AGO = timedelta(minutes=5)  # they joined, and the operator has not answered


class Joined(NamedTuple):
    """A household and its payment."""

    number: str
    phone: str
    reference: UUID


async def join(place: Place, homes: int) -> list[Joined]:
    """Write `homes` households, each with its payment handed to the operator, who has not answered yet."""
    return await _join(place, homes, (*_JOIN, *_ASK))


async def join_only(place: Place, homes: int) -> list[Joined]:
    """Write `homes` households that owe their contribution and have asked for nothing."""
    return await _join(place, homes, _JOIN)


async def _join(place: Place, homes: int, statements: Sequence[str]) -> list[Joined]:
    numbers = list(_numbers(homes))
    phones = [f"+2236{nth:07}" for nth in range(homes)]
    references = _references(homes)
    facts = {
        "mutuelle": DAN.id,
        "currency": DAN.currency,
        "place": PLACES[0].id,
        "product": FAMILY.code,
        "version": FAMILY.version,
        "price": FAMILY.lump_sum_minor,
        "ages": list(AGES),
        "at": datetime.now(UTC) - _AGO,
        "numbers": numbers,
        "phones": phones,
        "references": references,
        "codes": [receipt_code(reference) for reference in references],
    }
    async with transaction(place.owner_url) as db:
        await db.execute(text(_GIVEN_TABLE))
        await db.execute(text(_GIVEN), facts)
        for statement in statements:
            await db.execute(text(statement))
        await record_households(db, [HouseholdKey(DAN.id, number) for number in numbers])
    await as_owner(place, "vacuum analyze")  # as autovacuum will have done
    return [Joined(*one) for one in zip(numbers, phones, references, strict=True)]


def _numbers(homes: int) -> Iterator[str]:
    """Member numbers, spread over all that there are as drawn ones would be."""
    for nth in range(homes):
        body = f"{DAN.prefix}{nth * 61_803 % MOST:05}"
        yield body + str(damm.calc_check_digit(body))


def _references(homes: int) -> list[UUID]:
    """Of which no two have the same receipt code."""
    found: dict[str, UUID] = {}
    while len(found) < homes:
        reference = uuid4()
        found[receipt_code(reference)] = reference
    return list(found.values())


_GIVEN = """
insert into given
select cast(:mutuelle as text), cast(:currency as text), cast(:place as text), cast(:product as text),
       cast(:version as int), cast(:price as bigint), cast(:ages as int[]), cast(:at as timestamptz), one.*
  from unnest(cast(:numbers as text[]), cast(:phones as text[]), cast(:references as uuid[]),
              cast(:codes as text[])) one
"""
_GIVEN_TABLE = """
create temporary table given (
    mutuelle_id text, currency text, place_id text, product text, version int, price bigint, ages int[], at timestamptz,
    number text, phone text, reference uuid, code text) on commit drop
"""
_JOIN = (
    """insert into household (mutuelle_id, number, head_name, place_id, enrolled_at)
       select mutuelle_id, number, 'Awa Kone', place_id, at from given""",
    """insert into household_phone (mutuelle_id, number, phone, since)
       select mutuelle_id, number, phone, at from given""",
    """insert into beneficiary (mutuelle_id, number, rank, name, birth_year, added_on)
       select mutuelle_id, number, rank, case rank when 1 then 'Awa Kone' end, extract(year from at)::int - age,
              at::date
         from given, unnest(ages) with ordinality person (age, rank)""",
    """insert into policy (mutuelle_id, number, sequence, stage, product_code, product_version, members,
                           contribution_minor, registration_minor, agreed_on, agreed_at)
       select mutuelle_id, number, 1, 'new', product, version, cardinality(ages), price, 0, at::date, at from given""",
    """select count(*) from (
           select jsonb_agg(jsonb_build_object('mutuelle', mutuelle_id, 'code', 'health:member:' || number,
                                               'currency', currency)) as accounts from given) all_of_them,
           ledger.open_accounts(accounts)""",
)
_ASK = (
    """insert into payment (mutuelle_id, reference, number, purpose, amount_minor, currency, payer_phone, asked_by,
                            operator, country, notice_token, receipt_code, state, asked_at, sent_at, due_at)
       select mutuelle_id, reference, number, 'contribution', price, currency, phone, phone, 'simulated', 'ML',
              'backlog-' || reference, code, 'SENT', at, at, at from given""",
    """insert into payment_move (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
       select mutuelle_id, reference, position, was, state, actor, reason, at
         from given, (values (1, null, 'ASKED', 'caller', 'agreed in the menu'),
                             (2, 'ASKED', 'SENT', 'worker', 'handed to the operator'))
                     move (position, was, state, actor, reason)""",
)
