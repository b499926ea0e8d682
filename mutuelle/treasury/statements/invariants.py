"""Invariants of statements: each line that was posted has one journal of its amount, and no journal lacks its line."""

from invariants import Invariant

# What the lines must have booked: (source, key, debit, credit, amount, day), a row for each journal.
_BOOKED = """
    select s.mutuelle_id, s.reference, b.*, s.occurred_on
      from statement_line s
     cross join lateral (
        select 'health:suspense:' || split_part(s.account, ':', 3) as suspense
     ) own
     cross join lateral (
        select 'statement' as source, s.reference::text as key, s.account as debit,
               'health:member:' || s.number as credit, s.amount_minor as amount where s.kind = 'receipt'
        union all
        select 'statement', s.reference::text, s.account, own.suspense, s.amount_minor
         where s.kind = 'unmatched' and not s.by_payment
        union all
        select 'suspense', s.payment::text, s.account, own.suspense, s.amount_minor
         where s.kind = 'unmatched' and s.by_payment
        union all
        select 'payment', s.payment::text, s.account, null, s.amount_minor where s.kind = 'payment'
        union all
        select 'statement', s.reference::text, 'health:fees', s.account, -s.amount_minor where s.kind = 'fee'
        union all
        select 'statement fee', s.reference::text, 'health:fees', s.account, s.fee_minor where s.fee_minor > 0
     ) b
"""

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "statement_line_posted_once",
        "Every line of a statement that brought money or cost a fee has exactly one journal, of its amount, its day and"
        " its accounts; one that confirms a payment has the payment's.",
        """
        select distinct b.mutuelle_id || ' ' || b.reference from (BOOKED) b
        left join ledger.request q on q.mutuelle_id = b.mutuelle_id and q.source = b.source and q.key = b.key
            and q.verdict = 'created'
        left join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
        left join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
        where m.amount is distinct from b.amount or m.debit_account <> b.debit
           or m.credit_account <> coalesce(b.credit, m.credit_account)
           or (b.source like 'statement%' and coalesce(j.occurred_on, j.effective_on) <> b.occurred_on)
        """.replace("BOOKED", _BOOKED),
    ),
    Invariant(
        "statement_posting_has_line",
        "No journal of a statement without the line that it is of.",
        """
        select q.mutuelle_id || ' ' || q.source || ' ' || q.key from ledger.request q
        where q.verdict = 'created' and q.source in ('statement', 'statement fee')
          and not exists (select from statement_line s
                where s.mutuelle_id = q.mutuelle_id
                  and s.reference = case when q.key ~ UUID then cast(q.key as uuid) end
                  and case q.source when 'statement fee' then s.fee_minor > 0
                           else s.kind in ('receipt', 'fee') or (s.kind = 'unmatched' and not s.by_payment) end)
        """.replace("UUID", "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"),
    ),
    Invariant(
        "statement_own_line_is_booked",
        "A line that shows what a treasurer booked has a journal of its amount on its account.",
        """
        select s.mutuelle_id || ' ' || s.reference from statement_line s
        where s.kind = 'own' and not exists (select from ledger.movement m
            where m.mutuelle_id = s.mutuelle_id and m.journal_id = s.own_journal and m.debit_account = s.account
              and m.amount = s.amount_minor)
        """,
    ),
    Invariant(
        "statement_receipt_was_told",
        "Every household that had a phone, and had not said 'not me', when a statement brought its money has its"
        " receipt in the outbox.",
        """
        select s.mutuelle_id || ' ' || s.receipt_code from statement_line s
        join statement_file f on f.mutuelle_id = s.mutuelle_id and f.file = s.file
        join household h on h.mutuelle_id = s.mutuelle_id and h.number = s.number
        where s.kind = 'receipt' and h.closed_at is null
          and (h.registered_by is null or h.confirmed_at <= f.taken_at)
          and exists (select from household_phone p where p.mutuelle_id = s.mutuelle_id and p.number = s.number
                and p.since <= f.taken_at)
          and not exists (select from household_change d where d.mutuelle_id = s.mutuelle_id and d.number = s.number
                and d.what = 'denied' and d.changed_at <= f.taken_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = s.mutuelle_id
                and o.key = 'receipt ' || s.reference || ' 1' and o.receipt_code = s.receipt_code)
        """,
    ),
    Invariant(
        "statement_line_is_of_its_file",
        "Every line is of a file of its own account, and within the days that the file has.",
        """
        select s.mutuelle_id || ' ' || s.reference from statement_line s
        join statement_file f on f.mutuelle_id = s.mutuelle_id and f.file = s.file
        where f.account <> s.account or s.occurred_on not between f.first_on and f.last_on
        """,
    ),
)
