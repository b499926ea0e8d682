"""Households by the thousand, in a few statements, as they are after joining: people, policy, account, payment.

They differ in nothing from households that dialled, but for the action of a call: `keneya check` holds of them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from stdnum import damm

from bench.callers import name_of
from bench.databases import as_owner, as_superuser
from bench.engine import transaction
from bench.place import BenchPlace
from engines.cluster import OWNER_ROLE
from mutuelle.contributions.payments import receipt_code
from mutuelle.household_key import HouseholdKey
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.sealed_records import record_households
from torture.town import DAN, FAMILY, PLACES

AGES = (45, 38, 12)
MOST = 100_000  # member numbers of one mutuelle
SETTLED_AGO_DAYS = 60
_AGO = timedelta(minutes=5)  # they joined, and the operator has not answered


class Joined(NamedTuple):
    """A household and its payment."""

    number: str
    phone: str
    name: str
    reference: UUID


async def join(place: BenchPlace, homes: int) -> list[Joined]:
    """Write `homes` households, each with its payment handed to the operator, who has not answered yet."""
    return await _join(place, range(homes), (*_JOIN, *_ASK))


async def join_only(
    place: BenchPlace,
    homes: int,
    first: int = 0,
    *,
    mutuelle: Mutuelle = DAN,
    phones: Sequence[str] = (),
) -> list[Joined]:
    """Write `homes` households that owe their contribution and have asked for nothing, behind the `first` ones."""
    return await _join(place, range(first, first + homes), _JOIN, mutuelle, phones=phones)


async def settle(place: BenchPlace, mutuelle: Mutuelle, which: range) -> list[Joined]:
    """Write households that paid their contribution SETTLED_AGO_DAYS ago; on a database that is thrown away.

    No key of the ledger is spent, no household is recorded, and nothing but indexes is checked. The caller vacuums.
    """
    parameter = "set on parameter session_replication_role"
    await as_superuser(place, f"grant {parameter} to {OWNER_ROLE}")
    ago = timedelta(days=SETTLED_AGO_DAYS)
    found = await _join(place, which, (_TRUST, *_JOIN, *_PAY), mutuelle, ago)
    # It is a right on the whole server: what is measured next is checked with the rights as they are shipped.
    await as_superuser(place, f"revoke {parameter} from {OWNER_ROLE}")
    return found


async def _join(
    place: BenchPlace,
    which: range,
    statements: Sequence[str],
    mutuelle: Mutuelle = DAN,
    ago: timedelta = _AGO,
    *,
    phones: Sequence[str] = (),
) -> list[Joined]:
    trusted = _TRUST in statements
    numbers = list(_numbers(mutuelle, which))
    names = [name_of(nth) for nth in which]
    phones = phones or [phone_of(nth) for nth in which]
    references = _references(len(which))
    facts = {
        "mutuelle": mutuelle.id,
        "currency": mutuelle.currency,
        "place": PLACES[0].id,
        "product": FAMILY.code,
        "version": FAMILY.version,
        "price": FAMILY.lump_sum_minor,
        "ages": list(AGES),
        "at": datetime.now(UTC) - ago,
        "numbers": numbers,
        "phones": phones,
        "names": names,
        "references": references,
        "codes": [receipt_code(reference) for reference in references],
    }
    async with transaction(place.owner_url) as db:
        await db.execute(text(_GIVEN_TABLE))
        await db.execute(text(_GIVEN), facts)
        for statement in statements:
            await db.execute(text(statement))
        if not trusted:
            await record_households(db, [HouseholdKey(mutuelle.id, number) for number in numbers])
    if not trusted:
        await as_owner(place, "vacuum analyze")  # as autovacuum will have done
    return [Joined(*one) for one in zip(numbers, phones, names, references, strict=True)]


def phone_of(nth: int) -> str:
    """The phone of the `nth` household: none of the callers of `bench.callers`."""
    return f"+2236{nth:07}"


def _numbers(mutuelle: Mutuelle, which: range) -> Iterator[str]:
    """Member numbers, spread over all that there are as drawn ones would be."""
    for nth in which:
        body = f"{mutuelle.prefix}{nth * 61_803 % MOST:05}"
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
  from unnest(cast(:numbers as text[]), cast(:phones as text[]), cast(:names as text[]),
              cast(:references as uuid[]), cast(:codes as text[])) one
"""
_GIVEN_TABLE = """
create temporary table given (
    mutuelle_id text, currency text, place_id text, product text, version int, price bigint, ages int[], at timestamptz,
    number text, phone text, name text, reference uuid, code text) on commit drop
"""
_JOIN = (
    """insert into household (mutuelle_id, number, head_name, place_id, enrolled_at)
       select mutuelle_id, number, name, place_id, at from given""",
    """insert into household_phone (mutuelle_id, number, phone, since)
       select mutuelle_id, number, phone, at from given""",
    """insert into beneficiary (mutuelle_id, number, rank, name, birth_year, added_on)
       select mutuelle_id, number, rank, case rank when 1 then given.name end, extract(year from at)::int - age,
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
                            operator, account, notice_token, receipt_code, state, asked_at, sent_at, due_at)
       select mutuelle_id, reference, number, 'contribution', price, currency, phone, phone, 'simulated',
              'simulated-ML', 'backlog-' || reference, code, 'SENT', at, at, at from given""",
    """insert into payment_move (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
       select mutuelle_id, reference, position, was, state, actor, reason, at
         from given, (values (1, null, 'ASKED', 'caller', 'agreed in the menu'),
                             (2, 'ASKED', 'SENT', 'worker', 'handed to the operator'))
                     move (position, was, state, actor, reason)""",
)
_TRUST = "set local session_replication_role = replica"
_PAY = (
    """create temporary table journals on commit drop as
       select gen_random_uuid() as id, each.*, given.mutuelle_id, given.currency, given.price, given.at
         from given, lateral (values
           ('contribution called', 'first franc of the policy', 'health:member:' || number, 'health:contributions'),
           ('contribution received', 'paid by mobile money', 'health:float:simulated-ML', 'health:member:' || number))
           each (kind, reason, debit, credit)""",
    """insert into ledger.journal (mutuelle_id, id, kind, effective_on, recorded_at, actor, reason)
       select mutuelle_id, id, kind, at::date, at, 'simulated', reason from journals""",
    """insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount, currency,
                                    phase, effective_on)
       select mutuelle_id, id, 1, debit, credit, price, currency, 'single', at::date from journals""",
)
