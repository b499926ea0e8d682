"""Invariants of schedules, digests and reminders. No offender shows a phone."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "schedule_fires",
        "No schedule waits two days past its time: then no worker is running, or it fails again and again.",
        """
        select mutuelle_id || ' ' || kind || ' due ' || due_at from schedule
        where stopped_at is null and due_at < clock_timestamp() - interval '2 days'
        """,
    ),
    Invariant(
        "firing_has_digest",
        "A firing that sent a digest has it, and every digest has its firing.",
        """
        select coalesce(f.mutuelle_id, d.mutuelle_id) || ' ' || coalesce(f.fired_for, d.fired_for)
        from (select * from firing where kind = 'digest' and messages > 0) f
        full join digest d on d.mutuelle_id = f.mutuelle_id and d.phone = f.subject and d.fired_for = f.fired_for
        where f.fired_for is null or d.fired_for is null
        """,
    ),
    Invariant(
        "digest_has_message",
        "Every digest went to its treasurer, by one message.",
        """
        select d.mutuelle_id || ' ' || d.fired_for from digest d
        where not exists (select from sms_outbox o
            where o.mutuelle_id = d.mutuelle_id and o.key = d.message_key and o.phone = d.phone)
        """,
    ),
    Invariant(
        "digest_follows_on",
        "A treasurer's digest counts from where the one before ended: nothing is left out or told twice.",
        """
        select mutuelle_id || ' ' || fired_for from (
            select *, lag(counted_to) over each_one as ended, lag(sent_at) over each_one as ended_at from digest
            window each_one as (partition by mutuelle_id, phone order by counted_to_at)
        ) told where counted_from <> ended and since <= ended_at
        """,
    ),
    Invariant(
        "digest_seal_stands",
        "The seal that a digest told is still one of the book's: the past up to it was not sealed anew.",
        """
        select d.mutuelle_id || ' ' || d.fired_for from digest d
        left join ledger.seal s on s.mutuelle_id = d.mutuelle_id and s.root = d.seal_root
        where d.seal_root is not null and s.root is null
        """,
    ),
    Invariant(
        "digest_recounts",
        "The amounts of a digest of the last five weeks are those of the ledger, as the book stood for its snapshot.",
        """
        select d.mutuelle_id || ' ' || d.fired_for from digest d join mutuelle m on m.id = d.mutuelle_id
        cross join lateral (
            select coalesce(sum(amount * ((debit = 'cash')::int - (credit = 'cash')::int)), 0) as cash,
                   coalesce(sum(amount * (to_collector::int - from_collector::int)), 0)
                       as collectors,
                   coalesce(sum(amount * ((debit in ('float', 'disbursement'))::int
                                          - (credit in ('float', 'disbursement'))::int)), 0) as mobile,
                   coalesce(sum(amount * ((debit = 'bank')::int - (credit = 'bank')::int)), 0) as bank,
                   coalesce(sum(amount * (
                       (credit = 'member' and debit = any(RECEIVED))::int
                       - (debit = 'member' and credit = any(RECEIVED))::int)) filter (where is_new), 0)
                       as received
            from (
                select v.amount, split_part(v.debit_account, ':', 2) as debit,
                       split_part(v.credit_account, ':', 2) as credit,
                       exists (select from cash_holder h where h.mutuelle_id = v.mutuelle_id and h.role = 'collector'
                           and v.debit_account = 'health:cash:' || h.holder) as to_collector,
                       exists (select from cash_holder h where h.mutuelle_id = v.mutuelle_id and h.role = 'collector'
                           and v.credit_account = 'health:cash:' || h.holder) as from_collector,
                       not (pg_visible_in_snapshot(j.xid, d.counted_from::pg_snapshot)
                            and j.recorded_at <= d.counted_from_at) as is_new
                from ledger.movement v
                join ledger.journal j on j.mutuelle_id = v.mutuelle_id and j.id = v.journal_id
                where v.mutuelle_id = d.mutuelle_id and v.phase in ('single', 'post') and v.currency = m.currency
                  and split_part(v.debit_account, ':', 1) = 'health'
                  and pg_visible_in_snapshot(j.xid, d.counted_to::pg_snapshot)
                  and j.recorded_at <= d.counted_to_at
            ) leg
        ) book
        where d.counted_to_at > clock_timestamp() - interval '35 days'
          and (d.cash_minor, d.collectors_minor, d.mobile_minor, d.bank_minor, d.received_minor)
              is distinct from (book.cash, book.collectors, book.mobile, book.bank, book.received)
        """.replace("RECEIVED", "array['cash', 'float', 'bank', 'suspense']"),
    ),
    Invariant(
        "reminder_has_message",
        "Every reminder that is written down went out by one message.",
        """
        select r.mutuelle_id || ' ' || r.number || '-' || r.sequence || ' ' || r.kind from reminder r
        where not exists (select from sms_outbox o
            where o.mutuelle_id = r.mutuelle_id and o.key = r.message_key and o.phone = r.phone)
        """,
    ),
    Invariant(
        "reminder_was_agreed_to",
        "Nobody is reminded who had not agreed to it.",
        """
        select r.mutuelle_id || ' ' || r.number || '-' || r.sequence || ' ' || r.kind from reminder r
        where not exists (select from reminder_consent c
            where c.mutuelle_id = r.mutuelle_id and c.number = r.number and c.phone = r.phone
              and c.since <= r.sent_at and (c.until is null or c.until >= r.sent_at))
        """,
    ),
)
