-- The one way in again, with the guards of this step; what was said beside the form before it still holds.

-- One run of journals of which none depends on another of the run. The steps:
-- 1. read each movement with its two accounts (lateral and limited: no plan can turn it into a scan), and date each
--    journal: one for closed books is booked today;
-- 2. judge and hash each journal as it was asked for; of a key that comes twice the first is the one;
-- 3. spend the keys, in key order so that two callers cannot embrace, and book what was spent just now;
-- 4. in a statement of its own, which sees what others committed meanwhile, answer for the keys spent before.
create or replace function ledger.post_run(journals jsonb, first_position int, tick xid8)
returns table (nth int, verdict text, journal_id uuid, reason text)
language plpgsql as $$
#variable_conflict use_column
declare
    drafts ledger.draft[];
begin
    with sent as materialized (
        select first_position + j.n::int - 1 as nth, j.*,
               case when j.asked_on <= b.closed_through
                    then greatest((clock_timestamp() at time zone 'UTC')::date, b.closed_through + 1)
                    else j.asked_on end as booked_on
          from rows from (jsonb_to_recordset(journals) as (mutuelle text, source text, key text, id uuid, kind text,
                          effective_on date, actor text, reason text, reverses uuid, memo jsonb, movements jsonb))
               with ordinality as j (mutuelle, source, key, id, kind, asked_on, actor, reason, reverses, memo,
                                     movements, n)
          left join lateral (select q.closed_through from ledger.book q
                              where q.mutuelle_id = j.mutuelle limit 1) b on true
    ), line as materialized (
        select s.nth, s.mutuelle, s.id, s.booked_on, m.*, case
            when m.phase is null or m.phase not in ('single', 'pending', 'post', 'void', 'expire') then 'phase_unknown'
            when m.amount is null or m.amount <= 0 then 'amount_not_positive'
            when scale(m.amount) > 0 then 'amount_not_whole' -- `100.0` too: one amount has one spelling
            when m.amount > 1000000000000 then 'amount_too_large'
            when m.debit = m.credit then 'same_account'
            when d.code is null or c.code is null then 'account_unknown'
            when s.booked_on >= least(d.closed_on, c.closed_on) then 'account_closed'
            when d.fund <> c.fund then 'funds_crossed'
            when m.currency is distinct from d.currency or m.currency is distinct from c.currency
                then 'currency_mixed'
            when (m.phase in ('post', 'void', 'expire')) <> (m.pending_journal is not null)
                or (m.pending_journal is null) <> (m.pending_position is null)
                or (m.expires_at is not null and m.phase <> 'pending') then 'pending_malformed'
            when m.expires_at < timestamptz '2000-01-01 00:00+00' or m.expires_at >= timestamptz '3000-01-01 00:00+00'
                then 'date_absurd'
            end as fault,
            'limited' in (d.keeping, c.keeping) as limited, 'interfund' in (d.kind, c.kind) as interfund
          from sent s
         cross join lateral rows from (jsonb_to_recordset(s.movements) as (debit text, credit text, amount numeric,
                          currency text, phase text, pending_journal uuid, pending_position int,
                          expires_at timestamptz))
               with ordinality as m (debit, credit, amount, currency, phase, pending_journal, pending_position,
                                     expires_at, n)
          left join lateral (select a.code, a.fund, a.kind, a.currency, a.keeping, a.closed_on from ledger.account a
                      where a.mutuelle_id = s.mutuelle and a.code = m.debit limit 1) d on true
          left join lateral (select a.code, a.fund, a.kind, a.currency, a.keeping, a.closed_on from ledger.account a
                      where a.mutuelle_id = s.mutuelle and a.code = m.credit limit 1) c on true
    ), body as (
        select l.nth, count(*) as lines, count(distinct l.currency) as currencies,
               (array_agg(l.fault order by l.n) filter (where l.fault is not null))[1] as fault,
               bool_or(l.limited) as limited, bool_or(l.interfund) as interfund,
               bool_or(l.pending_journal is not null) as resolves,
               string_agg(ledger.movement_text(l.debit, l.credit, l.amount, l.currency, l.phase,
                          l.pending_journal, l.pending_position, l.expires_at), '' order by l.n) as content
          from line l group by l.nth
    ), memo as (
        select s.nth, string_agg(ledger.field(e.key) || ledger.field(e.value #>> '{}'), '' order by e.key collate "C")
                 as noted,
               count(*) <= 16 and bool_and(jsonb_typeof(e.value) = 'string' and length(e.key) <= 40
                                           and length(e.value #>> '{}') <= 200
                                           and not ledger.has_phone(e.key) and not ledger.has_phone(e.value #>> '{}'))
                 as sound
          from sent s cross join lateral jsonb_each(case jsonb_typeof(s.memo) when 'object' then s.memo end) e
         group by s.nth
    ), judged as materialized (
        select s.*, b.limited,
               sha256(convert_to(ledger.journal_text(s.kind, s.asked_on, s.actor, s.reason, s.reverses,
                          coalesce(m.noted, case when s.memo = '{}' then '' end))
                      || coalesce(b.content, ''), 'UTF8')) as content_hash,
               case
            when s.mutuelle is null or s.mutuelle !~ '^[A-Z0-9][A-Z0-9-]*$' or length(s.mutuelle) > 20
                or not ledger.is_text(s.source, 60) or not ledger.is_text(s.key, 200) then 'key_malformed'
            when s.id is null or row_number() over (partition by s.mutuelle, s.id order by s.nth)
                     <> row_number() over (partition by s.mutuelle, s.id, s.source, s.key order by s.nth)
                or t.id is not null then 'journal_id_taken'
            when s.kind is null or s.kind !~ '^[a-z][a-z0-9 _-]*$' or length(s.kind) > 40
                or s.kind in ('period closed', 'period reopened', 'record') then 'kind_malformed'
            when not ledger.is_text(s.actor, 100) or ledger.has_phone(s.actor) then 'actor_malformed'
            when not ledger.is_text(s.reason, 300) or ledger.has_phone(s.reason) then 'reason_malformed'
            when s.memo is distinct from '{}' and m.sound is distinct from true then 'memo_malformed'
            when s.asked_on is null or s.asked_on < date '2000-01-01'
                or s.asked_on > (clock_timestamp() at time zone 'UTC' + interval '1 year')::date
                then 'date_absurd'
            when r.fault is not null then r.fault
            when b.lines is null then 'movements_missing'
            when b.lines > 1000 then 'movements_too_many'
            when b.fault is not null then b.fault
            when b.currencies > 1 then 'currency_mixed'
            else coalesce(
                case when b.resolves then ledger.resolution_fault(s.mutuelle, s.movements) end,
                case when b.interfund then ledger.interfund_fault(s.movements) end,
                case when b.limited then ledger.limit_fault(s.mutuelle, s.booked_on, s.movements) end)
            end as fault
          from sent s
          left join body b on b.nth = s.nth
          left join memo m on m.nth = s.nth
          left join lateral (select j.id from ledger.journal j
                              where j.mutuelle_id = s.mutuelle and j.id = s.id limit 1) t on true
         cross join lateral (select case when s.reverses is not null
                               then ledger.reversal_fault(s.mutuelle, s.reverses, s.movements) end as fault) r
    ), candidate as materialized (
        select distinct on (j.mutuelle, j.source, j.key) j.*
          from judged j where j.fault is distinct from 'key_malformed'
         order by j.mutuelle, j.source, j.key, j.nth
    ), spent as (
        insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id, reason)
        select c.mutuelle, c.source, c.key, c.content_hash, case when c.fault is null then 'created' else 'refused' end,
               case when c.fault is null then c.id end, c.fault
          from candidate c order by c.mutuelle, c.source, c.key
            on conflict do nothing
        returning mutuelle_id, source, key
    ), fresh as materialized (
        select c.* from candidate c
          join spent on (spent.mutuelle_id, spent.source, spent.key) = (c.mutuelle, c.source, c.key)
    ), booked as (
        insert into ledger.journal (mutuelle_id, id, kind, effective_on, occurred_on, actor, reason, reverses_id,
                                    memo, xid)
        select f.mutuelle, f.id, f.kind, f.booked_on, nullif(f.asked_on, f.booked_on), f.actor, f.reason, f.reverses,
               f.memo, tick
          from fresh f where f.fault is null order by f.nth
    ), moved as (
        insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount,
                                     currency, phase, pending_journal_id, pending_position, expires_at, effective_on,
                                     xid)
        select l.mutuelle, l.id, l.n, l.debit, l.credit, l.amount, l.currency, l.phase, l.pending_journal,
               l.pending_position, l.expires_at, l.booked_on, tick
          from line l join fresh f on f.nth = l.nth
         where f.fault is null order by l.nth, l.n
    ), kept as (
        update ledger.balance b
           set debits_posted = b.debits_posted + d.debits_posted, credits_posted = b.credits_posted + d.credits_posted,
               debits_pending = b.debits_pending + d.debits_pending,
               credits_pending = b.credits_pending + d.credits_pending
          from fresh f cross join lateral ledger.limited_moves(f.mutuelle, f.movements) d
         where f.limited and f.fault is null and b.mutuelle_id = f.mutuelle and b.account = d.account
    )
    select array_agg(row(j.nth, j.mutuelle, j.source, j.key, j.id, j.content_hash, j.fault,
                         f.nth is not null or j.fault is not distinct from 'key_malformed')::ledger.draft)
      into drafts
      from judged j left join fresh f on f.nth = j.nth;

    return query
    select d.nth,
           case when d.fresh and d.fault is null then 'created' when d.fresh then 'refused'
                when r.content_hash <> d.content_hash then 'conflict'
                when r.verdict = 'created' then 'exists' else 'refused' end,
           case when d.fresh and d.fault is null then d.id
                when not d.fresh and r.content_hash = d.content_hash then r.journal_id end,
           case when d.fresh then d.fault when r.content_hash <> d.content_hash then 'other_content'
                else r.reason end
      from unnest(drafts) d
      left join lateral (select q.* from ledger.request q where not d.fresh and q.mutuelle_id = d.mutuelle
                            and q.source = d.source and q.key = d.key limit 1) r on true
     order by d.nth;
end $$;

