"""Invariants of cash and of waived debts: two people, one journal, at most what a past cover still owed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from ledger import accounts
from ledger.statements import statement
from mutuelle.contributions.standing import receipts
from mutuelle.cover.policies import known_terms, policies_of, waivers_of
from mutuelle.cover.rules import periods
from mutuelle.dates import local_date
from mutuelle.households.households import find_household
from mutuelle.scheme.limits import USUAL
from mutuelle.scheme.products import products_by_version
from mutuelle.tables import mutuelle, waiver
from mutuelle.treasury.payouts.invariants import INVARIANTS as PAYOUTS
from mutuelle.treasury.receipt_days import MOST_DAYS_BACK
from mutuelle.treasury.statements.invariants import INVARIANTS as STATEMENTS
from mutuelle.treasury.unmatched.invariants import INVARIANTS as UNMATCHED
from mutuelle.treasury.voucher_invariants import VOUCHERS
from mutuelle.treasury.waivers import is_past


async def _waived_otherwise(db: AsyncConnection) -> list[str]:
    """The waivers whose policy had not ended or owed another amount, by the rules of cover on what was known then."""
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
        household = await find_household(db, row.number, closed=True)
        if household is None:
            raise LookupError(row.number)
        products = await products_by_version(db, row.mutuelle_id)
        [agreed] = await policies_of(db, [household], {row.mutuelle_id: products})
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


CASH: tuple[Invariant, ...] = (
    Invariant(
        "cash_posted_once",
        "Every receipt of cash, and every deposit, has exactly one journal of the same amount between its accounts; a"
        " receipt's is for the day on which the cash was received.",
        """
        select r.mutuelle_id || ' ' || r.reference from (
            select mutuelle_id, reference, 'cash' as source, amount_minor, received_on,
                   'health:cash:' || holder as debit, 'health:member:' || number as credit from cash_receipt
            union all
            select mutuelle_id, reference, 'deposit', amount_minor, null,
                   'health:cash:' || to_holder, 'health:cash:' || from_holder from cash_deposit
        ) r
        left join ledger.request q on q.mutuelle_id = r.mutuelle_id and q.source = r.source
            and q.key = r.reference::text and q.verdict = 'created'
        left join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
        left join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
        group by r.mutuelle_id, r.reference, r.amount_minor, r.debit, r.credit, r.received_on
        having count(m.amount) <> 1 or min(m.amount) <> r.amount_minor
            or min(m.debit_account) <> r.debit or min(m.credit_account) <> r.credit
            or min(coalesce(j.occurred_on, j.effective_on)) <> r.received_on
        """,
    ),
    Invariant(
        "cash_day_is_possible",
        "No cash was received after its recording or long before it, nor before its household joined or its collector"
        " was appointed.",
        """
        select r.mutuelle_id || ' ' || r.receipt_code from cash_receipt r
        join mutuelle m on m.id = r.mutuelle_id
        join household h on h.mutuelle_id = r.mutuelle_id and h.number = r.number
        join cash_holder c on c.mutuelle_id = r.mutuelle_id and c.holder = r.holder
        where (r.received_at at time zone m.timezone)::date - r.received_on not between 0 and LIMIT
           or r.received_on < (h.enrolled_at at time zone m.timezone)::date
           or not exists (select from role_change g where g.mutuelle_id = c.mutuelle_id and g.role = c.role
                   and g.phone = c.phone and g.what = 'given' and g.since <= r.received_on)
        """.replace("LIMIT", str(MOST_DAYS_BACK)),
    ),
    Invariant(
        "cash_posting_has_record",
        "No cash in the ledger from a household or between holders without its record.",
        """
        select q.mutuelle_id || ' ' || q.source || ' ' || q.key from ledger.request q
        where q.verdict = 'created' and (
            (q.source = 'cash' and not exists (select from cash_receipt r
                where r.mutuelle_id = q.mutuelle_id and r.reference::text = q.key))
            or (q.source = 'deposit' and not exists (select from cash_deposit d
                where d.mutuelle_id = q.mutuelle_id and d.reference::text = q.key)))
        """,
    ),
    Invariant(
        "cash_is_never_negative",
        "Nobody has given more cash on than was received.",
        """
        select e.mutuelle_id || ' ' || e.account from ledger.entry e
        where e.account like 'health:cash:%'
        group by e.mutuelle_id, e.account having sum(e.debit) < sum(e.credit)
        """,
    ),
    Invariant(
        "cash_receipt_was_told",
        "Every household with a phone that paid in cash, and had not said 'not me', has its receipt in the outbox.",
        """
        select r.mutuelle_id || ' ' || r.receipt_code from cash_receipt r
        where exists (select from household_phone h where h.mutuelle_id = r.mutuelle_id and h.number = r.number
                and h.since <= r.received_at)
          and not exists (select from household_change d where d.mutuelle_id = r.mutuelle_id and d.number = r.number
                and d.what = 'denied' and d.changed_at <= r.received_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = r.mutuelle_id
                and o.receipt_code = r.receipt_code and o.template = 'cash receipt')
        """,
    ),
)

WAIVERS: tuple[Invariant, ...] = (
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

COUNTS: tuple[Invariant, ...] = (
    Invariant(
        "count_was_signed_by_two",
        "A count that differs from the book is what two treasurers signed, and every such act has its count.",
        """
        select a.mutuelle_id || ' ' || a.id from joint_act a
        left join cash_count c on c.mutuelle_id = a.mutuelle_id and c.act = a.id
        where a.kind = 'cash count' and ((c.act is not null) <> coalesce(a.answer = 'approved', false)
           or ((a.facts ->> 'counted_minor')::bigint, (a.facts ->> 'held_minor')::bigint, a.facts ->> 'currency')
              <> (c.counted_minor, c.held_minor, c.currency))
        union all
        select c.mutuelle_id || ' ' || c.reference from cash_count c
        where c.act is not null and not exists (select from joint_act a
            where a.mutuelle_id = c.mutuelle_id and a.id = c.act and a.kind = 'cash count')
        """,
    ),
    Invariant(
        "count_alone_was_within_the_limit",
        "What a treasurer has booked alone as found or missing on a day is within the limit of her mutuelle.",
        """
        select day.mutuelle_id || ' ' || day.holder || ' ' || day.counted_on
          from (select c.mutuelle_id, c.holder, (c.counted_at at time zone m.timezone)::date as counted_on,
                       sum(abs(c.counted_minor - c.held_minor)) as booked
                  from cash_count c join mutuelle m on m.id = c.mutuelle_id
                 where c.reason is not null group by c.mutuelle_id, c.holder, counted_on) day
         where day.booked > greatest( -- of a day on which the limit changed, the higher one
            coalesce((select value from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                         and l.name = 'count_difference_minor' and l.since < day.counted_on
                       order by since desc, version desc limit 1), USUAL),
            (select max(value) from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                and l.name = 'count_difference_minor' and l.since = day.counted_on))
        """.replace("USUAL", str(USUAL.count_difference_minor)),
    ),
    Invariant(
        "count_posted_once",
        "The difference of a count has one journal of its amount; nothing else was booked as found or missing.",
        """
        select coalesce(c.mutuelle_id || ' ' || c.key, m.mutuelle_id || ' journal ' || m.journal_id)
          from (select *, coalesce(act, reference)::text as key from cash_count where counted_minor <> held_minor) c
          left join ledger.request q on q.mutuelle_id = c.mutuelle_id and q.source = 'cash count'
               and q.key = c.key and q.verdict = 'created'
          full join (select * from ledger.movement
                      where split_part(debit_account, ':', 2) in ('shortage', 'surplus')
                         or split_part(credit_account, ':', 2) in ('shortage', 'surplus')) m
               on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
         where c.key is null or m.journal_id is null or m.currency <> c.currency
            or m.amount <> abs(c.counted_minor - c.held_minor)
            or m.debit_account <> case when c.counted_minor < c.held_minor then 'health:shortage'
                                       else 'health:cash:' || c.holder end
            or m.credit_account <> case when c.counted_minor < c.held_minor then 'health:cash:' || c.holder
                                        else 'health:surplus' end
        """,
    ),
)

INVARIANTS = CASH + WAIVERS + COUNTS + VOUCHERS + PAYOUTS + STATEMENTS + UNMATCHED
