"""Sealed records of what cover depends on: each household's phones, policies and people, each product version.

Each regular change records them in the same transaction: a hash of the present rows goes into the book
(`ledger.record`) and is sealed there. Rows that were changed, added or deleted by hand no longer fit the newest record.
A hash reveals no name or year of birth: a household's salt is hashed with it, and goes with them (decision 0056).
"""

from collections.abc import Collection, Mapping
from functools import cache

from sqlalchemy import Date, DateTime, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from mutuelle import tables
from mutuelle.household_key import UNNESTED_KEYS, OfHousehold, keys_of
from prepared import Prepared

# What each form hashes, table by table. A form never changes: a new column makes a new form, and what was recorded
# under an older one is compared under that one until it changes.
FORMS: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {
        "household": ("enrolled_at", "closed_at", "head_rank", "registered_by", "salt"),
        "household_phone": ("phone", "since"),
        "policy": (
            *("sequence", "stage", "product_code", "product_version", "members"),
            *("contribution_minor", "registration_minor", "agreed_on", "agreed_at", "waits_from"),
        ),
        "policy_share": ("sequence", "regime", "regime_since", "part_minor", "agreed_on"),
        "beneficiary": (
            *("rank", "name", "birth_year", "added_on", "removed_on", "first_policy", "covered_from"),
            "came_from",
        ),
        "product": (
            *("name", "sold_from", "sold_until", "lump_sum_minor", "threshold", "max_members"),
            *("premium_adult_minor", "premium_child_minor", "age_of_majority", "registration_fee_minor"),
            *("insurance_period_months", "waiting_period_months", "grace_period_payment_months"),
            *("grace_period_renewal_months", "partial_cover_threshold_percent", "max_installments"),
            *("amount_step_minor", "late_renewal", "new_wait_after_months"),
        ),
    }
}


def _said(table: Table, columns: tuple[str, ...]) -> str:
    """The columns as one text, each with its length before it; independent of the settings of a database session."""
    return " || ".join(f"ledger.field({_letters(table, column)})" for column in columns)


def _letters(table: Table, name: str) -> str:
    column, kind = f"{table.name}.{name}", table.c[name].type
    if isinstance(kind, DateTime):
        return f"(extract(epoch from {column}) * 1000000)::bigint::text"
    return f"({column} - date '2000-01-01')::text" if isinstance(kind, Date) else f"{column}::text"


def _rows(form: int, table: Table, order: str) -> str:
    """A lateral query: how many rows of `table` a household has, and all of them as one text."""
    asked = """(select count(*) as rows, coalesce(string_agg(COLUMNS, '' order by ORDER), '') as said
              from OWN own where (own.mutuelle_id, own.number) = (household.mutuelle_id, household.number))"""
    columns = _said(table, FORMS[form][table.name]).replace(f"{table.name}.", "own.")
    return asked.replace("COLUMNS", columns).replace("ORDER", order).replace("OWN", table.name)


def households(form: int, chosen: str = "household") -> str:
    """A query: each chosen household's subject, its present SHA-256, how many policies and people it has."""
    asked = """
    select household.mutuelle_id, 'household ' || household.number as subject, FORM as form,
           encode(sha256(convert_to(HEAD || ledger.field(phones.rows::text) || phones.said
               || ledger.field(policies.rows::text) || policies.said
               || ledger.field(shares.rows::text) || shares.said
               || ledger.field(people.rows::text) || people.said, 'UTF8')), 'hex') as sha256,
           jsonb_build_object('policies', policies.rows::text, 'people', people.rows::text) as counts
      from CHOSEN
     cross join lateral PHONES phones
     cross join lateral POLICIES policies
     cross join lateral SHARES shares
     cross join lateral PEOPLE people"""
    head = _said(tables.household, FORMS[form]["household"])
    asked = asked.replace("FORM", str(form)).replace("HEAD", head).replace("CHOSEN", chosen)
    asked = asked.replace("PHONES", _rows(form, tables.household_phone, "phone"))
    asked = asked.replace("POLICIES", _rows(form, tables.policy, "sequence"))
    asked = asked.replace("SHARES", _rows(form, tables.policy_share, "sequence"))
    return asked.replace("PEOPLE", _rows(form, tables.beneficiary, "rank"))


def products(form: int) -> str:
    """The same of each version of a product."""
    asked = """
    select product.mutuelle_id, 'product ' || product.code || ' ' || product.version as subject, FORM as form,
           encode(sha256(convert_to(TERMS, 'UTF8')), 'hex') as sha256, '{}'::jsonb as counts
      from product"""
    terms = _said(tables.product, FORMS[form]["product"])
    return asked.replace("FORM", str(form)).replace("TERMS", terms)


# Each is looked up by its key, also where the planner has no statistics of the table yet.
_BY_KEY = """KEYS as key (mutuelle, number)
     cross join lateral (select * from household found where found.mutuelle_id = key.mutuelle
                            and found.number = key.number offset 0) household""".replace(
    "KEYS", UNNESTED_KEYS
)
_RECORD = """
select ledger.record(coalesce(jsonb_agg(jsonb_build_object('mutuelle', s.mutuelle_id, 'subject', s.subject, 'memo',
           s.counts || jsonb_build_object('form', s.form::text, 'sha256', s.sha256))), '[]')) from (STANDS) s
"""


async def record_households(db: AsyncConnection, changed: Collection[OfHousehold]) -> None:
    """Record households as they stand now; one that is as it was recorded stays so.

    The caller holds their locks, so that the newest record is of the present rows.
    """
    await _record_households(max(FORMS)).rows(db, keys_of(changed))


@cache  # made once for a form
def _record_households(form: int) -> Prepared:
    return Prepared(text(_RECORD.replace("STANDS", households(form, _BY_KEY))))


async def record_products(db: AsyncConnection, mutuelle_id: str) -> None:
    """Record every version of a mutuelle's products."""
    chosen = products(max(FORMS)) + " where product.mutuelle_id = :mutuelle"
    await db.execute(text(_RECORD.replace("STANDS", chosen)), {"mutuelle": mutuelle_id})


_RECORDS = """record as materialized (
    select r.mutuelle_id, substr(r.key, 1, length(r.key) - 7) as subject, r.key, j.memo, j.recorded_at, j.xid,
           min(j.xid) over (partition by r.mutuelle_id) as first_xid
      from ledger.request r
      left join ledger.journal j on j.mutuelle_id = r.mutuelle_id and j.id = r.journal_id
     where r.source = 'record'
)"""
_DIFFERS = """
with stands as materialized (
    STANDS
), RECORDS
select concat_ws(' ', subject.mutuelle_id, subject.subject)
  from (select mutuelle_id, subject, memo
          from (select mutuelle_id, subject from stands where form = NEWEST) there
          full join (select distinct on (mutuelle_id, subject) mutuelle_id, subject, memo from record
                      order by mutuelle_id, subject, key desc) last using (mutuelle_id, subject)) subject
  left join stands now on (now.mutuelle_id, now.subject) = (subject.mutuelle_id, subject.subject)
       and now.form::text = subject.memo ->> 'form'
 where (now.sha256, true) is distinct from (subject.memo ->> 'sha256', subject.memo @> now.counts)"""


def not_as_recorded() -> str:
    """The query of what differs from its newest record, each under the form it was recorded in."""
    every = " union all ".join(query(form) for form in FORMS for query in (households, products))
    return _DIFFERS.replace("STANDS", every).replace("RECORDS", _RECORDS).replace("NEWEST", str(max(FORMS)))


# Each noted change, policy or new form leaves at most one record.
_UNEXPLAINED = """
with RECORDS
select concat_ws(' ', h.mutuelle_id, h.number)
  from household h
  join (select mutuelle_id, subject, count(*) - count(distinct memo ->> 'form') + 1 as records
          from record group by mutuelle_id, subject) r
       on r.mutuelle_id = h.mutuelle_id and r.subject = 'household ' || h.number
 where r.records > (select count(*) from policy p where (p.mutuelle_id, p.number) = (h.mutuelle_id, h.number))
     + (select count(*) from household_change c where (c.mutuelle_id, c.number) = (h.mutuelle_id, h.number)
           and c.what not in ('registered', 'confirmed', 'doctor chosen', 'copy asked', 'copy given'))"""
# Rows older than the mutuelle's first record, of an imported register or of the demonstration are excepted.
_RECORDED_LATE = """
with RECORDS, item as (
    select mutuelle_id, number, 'policies' as kind, sequence as nth, agreed_at::date as day from policy
    union all
    select mutuelle_id, number, 'people', rank, added_on from beneficiary
)
select concat_ws(' ', i.mutuelle_id, i.number, i.kind, i.nth, i.day)
  from item i
  join record r on r.mutuelle_id = i.mutuelle_id and r.subject = 'household ' || i.number
       and (r.memo ->> i.kind)::int >= i.nth
 where not exists (select from register_line l where (l.mutuelle_id, l.number) = (i.mutuelle_id, i.number))
   and not exists (select from payment p where (p.mutuelle_id, p.number) = (i.mutuelle_id, i.number)
                      and p.notice_token like 'history-%')
 group by i.mutuelle_id, i.number, i.kind, i.nth, i.day
having min(r.xid) > min(r.first_xid) and abs(min(r.recorded_at)::date - i.day) > 2"""

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "cover_as_recorded",
        "Phones, policies, people and terms of products are as the program last recorded them in the sealed book.",
        not_as_recorded(),
    ),
    Invariant(
        "record_is_explained",
        "A household was recorded no more often than it agreed to policies and changes were noted.",
        _UNEXPLAINED.replace("RECORDS", _RECORDS),
    ),
)
# By the database's clock beside the program's: of rows that were written with another one (tests) it does not hold.
DATED = Invariant(
    "recorded_when_agreed",
    "A policy was recorded in the sealed book when it was agreed to, and a person when they were added.",
    _RECORDED_LATE.replace("RECORDS", _RECORDS),
)
