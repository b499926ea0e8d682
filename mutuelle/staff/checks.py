"""What always holds between offices, PINs, proposals and cash."""

from invariants import Invariant
from mutuelle.staff.receipt_days import MOST_DAYS_BACK

CHECKS: tuple[Invariant, ...] = (
    Invariant(
        "office_agrees_with_its_changes",
        "Every office is what its last change says: given and open, or withdrawn and ended; no change without office.",
        """
        select coalesce(o.mutuelle_id, c.mutuelle_id) || ' ' || coalesce(o.role, c.role) || ' ' ||
               coalesce(o.phone, c.phone)
        from (select mutuelle_id, role, phone, name, until from officer
              union all
              select mutuelle_id, 'doctor', phone, name, until from doctor) o
        full join (select distinct on (mutuelle_id, role, phone) * from role_change
                   order by mutuelle_id, role, phone, position desc) c
            on (c.mutuelle_id, c.role, c.phone) = (o.mutuelle_id, o.role, o.phone)
        where o.phone is null or c.phone is null or (o.until is null) <> (c.what = 'given') or o.name <> c.name
        """,
    ),
    Invariant(
        "role_changes_take_turns",
        "The changes of an office have no gap, begin with given, and given and withdrawn take turns.",
        """
        select mutuelle_id || ' ' || role || ' ' || phone || ' ' || position from (
            select *, row_number() over office as nth, lag(what) over office as before from role_change
            window office as (partition by mutuelle_id, role, phone order by position)
        ) changes
        where position <> nth or what is not distinct from before or (nth = 1 and what <> 'given')
        """,
    ),
    Invariant(
        "approved_change_was_carried_out",
        "A proposal has its change if, and only if, another treasurer approved it in time.",
        """
        select p.mutuelle_id || ' ' || p.id from role_proposal p
        left join role_change c on c.mutuelle_id = p.mutuelle_id and c.proposal = p.id
        where (c.proposal is not null) <> coalesce(p.answer = 'approved', false)
           or (c.proposal is not null and ((c.role, c.phone) <> (p.role, p.phone)
               or c.what <> case p.what when 'give' then 'given' else 'withdrawn' end))
           or p.answered_at > p.expires_at
           or (p.answer is not null and (p.answered_by = p.proposed_by or not exists (
               select from role_change t where t.mutuelle_id = p.mutuelle_id and t.role = 'treasurer'
                   and t.phone = p.answered_by and t.what = 'given' and t.changed_at <= p.answered_at)))
        """,
    ),
    Invariant(
        "pin_is_sealed",
        "No PIN is readable, no hash of one is there without its seal, and each was written down when it was issued.",
        """
        select 'pin issued ' || p.issued_at from officer_pin p
        where position('argon2' in encode(p.sealed, 'escape')) > 0
           or not exists (select from pin_change c where c.phone = p.phone
               and c.what in ('received', 'issued') and c.changed_at >= p.issued_at)
        """,
    ),
    Invariant(
        "locked_pin_is_noted",
        "A PIN that is locked or blocked has its lock among its changes.",
        """
        select 'pin issued ' || p.issued_at from officer_pin p
        where (p.failures >= 3 or p.locked_until is not null) and not exists (
            select from pin_change c where c.phone = p.phone and c.what = 'locked' and c.changed_at >= p.issued_at)
        """,
    ),
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
        "Every household that had a phone when it paid in cash has its receipt in the outbox.",
        """
        select r.mutuelle_id || ' ' || r.receipt_code from cash_receipt r
        where exists (select from household_phone h where h.mutuelle_id = r.mutuelle_id and h.number = r.number
                and h.since <= r.received_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = r.mutuelle_id
                and o.receipt_code = r.receipt_code and o.template = 'cash receipt')
        """,
    ),
)
