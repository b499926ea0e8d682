"""What always holds of debts that were waived: two people, one journal, never more than a past cover still owed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from ledger import accounts
from ledger.statements import statement
from mutuelle.cover import periods
from mutuelle.dates import local_date
from mutuelle.households import find_household
from mutuelle.policies import known_terms, policies_of, waivers_of
from mutuelle.products import products_by_version
from mutuelle.staff.waivers import is_past
from mutuelle.standing import receipts
from mutuelle.tables import mutuelle, waiver


async def _waived_otherwise(db: AsyncConnection) -> list[str]:
    """The waivers whose policy had not ended, or owed another amount, by the rules of cover on what was known then."""
    w = waiver.c
    rows = await db.execute(
        select(
            w.mutuelle_id,
            w.number,
            w.sequence,
            w.amount_minor,
            w.waived_at,
            w.recorded_at,
            mutuelle.c.timezone,
        )
        .join(mutuelle, mutuelle.c.id == w.mutuelle_id)
        .order_by(w.mutuelle_id, w.number, w.recorded_at)
    )
    found = []
    for row in rows.all():
        home = await find_household(db, row.number, closed=True)
        if home is None:
            raise LookupError(row.number)
        products = await products_by_version(db, row.mutuelle_id)
        [agreed] = await policies_of(db, [home], {row.mutuelle_id: products})
        waived = (await waivers_of(db, row.mutuelle_id, [row.number]))[row.number]
        before = [one for one in waived if one.recorded_at < row.recorded_at]
        received = receipts(
            await statement(db, row.mutuelle_id, accounts.member(row.number)), row.recorded_at
        )
        period = periods(known_terms(agreed, before, row.recorded_at), received)[row.sequence - 1]
        today = local_date(row.waived_at, row.timezone)
        if not is_past(period, today) or period.due_minor != row.amount_minor:
            found.append(f"{row.mutuelle_id} {row.number}-{row.sequence}")
    return found


CHECKS: tuple[Invariant, ...] = (
    Invariant(
        "waiver_was_owed",
        "What was waived of a policy is just what it still owed, and its cover had ended for good.",
        _waived_otherwise,
    ),
    Invariant(
        "waiver_was_agreed_by_two",
        "A waiver is what two treasurers agreed on, neither with a phone of that household, and every such agreement is"
        " carried out.",
        """
        select a.mutuelle_id || ' ' || a.id from joint_act a
        full join waiver w on w.mutuelle_id = a.mutuelle_id and w.act = a.id
        where (w.act is not null) <> coalesce(a.kind = 'waiver' and a.answer = 'approved', false)
           or (w.act is not null and (
               a.facts <> jsonb_build_object('number', w.number, 'sequence', w.sequence,
                                             'amount_minor', w.amount_minor, 'currency', w.currency)
               or (select count(distinct t.phone) from role_change t
                    where t.mutuelle_id = a.mutuelle_id and t.role = 'treasurer' and t.what = 'given'
                      and t.phone in (a.proposed_by, a.answered_by) and t.changed_at <= a.answered_at) <> 2
               or exists (select from household_phone h where h.mutuelle_id = w.mutuelle_id and h.number = w.number
                           and h.phone in (a.proposed_by, a.answered_by) and h.since <= a.answered_at)))
        """,
    ),
    Invariant(
        "waiver_posted_once",
        "Every waiver has exactly one journal of its amount, and nothing else was booked as waived.",
        """
        select coalesce(w.mutuelle_id || ' ' || w.act, m.mutuelle_id || ' journal ' || m.journal_id)
          from waiver w
          left join ledger.request q on q.mutuelle_id = w.mutuelle_id and q.source = 'waiver'
               and q.key = w.act::text and q.verdict = 'created'
          full join (select * from ledger.movement where 'waivers' in (split_part(debit_account, ':', 2),
                                                                       split_part(credit_account, ':', 2))) m
               on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
         where w.act is null or m.journal_id is null or m.amount <> w.amount_minor or m.currency <> w.currency
            or (m.debit_account, m.credit_account) <> ('health:waivers', 'health:member:' || w.number)
        """,
    ),
)
