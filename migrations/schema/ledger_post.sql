-- The one way into the book. A refusal is an answer, never an exception: one bad journal does not hurt its neighbours.
-- What a caller sends is never trusted: content is hashed here, accounts are looked up here.

-- Why a reversal may not be: it must name a journal that nobody reversed yet and mirror it movement by movement. A
-- journal that reserves or frees something cannot be reversed.
create function ledger.reversal_fault(mutuelle text, reverses uuid, movements jsonb) returns text
language sql stable as $$
    select case
        when reverses is null then null
        when t.id is null then 'reversal_unknown'
        when t.reverses_id is not null then 'reversal_of_reversal'
        when exists (select from ledger.journal r where r.mutuelle_id = mutuelle and r.reverses_id = reverses)
            then 'reversal_duplicate'
        when exists (select from ledger.movement m where m.mutuelle_id = mutuelle and m.journal_id = reverses
                       and m.phase in ('pending', 'void', 'expire')) then 'reversal_of_pending'
        when exists (
            select from (select * from ledger.movement m
                          where m.mutuelle_id = mutuelle and m.journal_id = reverses) old
              full join rows from (jsonb_to_recordset(movements)
                        as (debit text, credit text, amount numeric, currency text, phase text))
                        with ordinality as new (debit, credit, amount, currency, phase, line)
                on new.line = old.position
             where (old.debit_account, old.credit_account, old.amount, old.currency, 'single')
                   is distinct from (new.credit, new.debit, new.amount, new.currency, new.phase)
        ) then 'reversal_not_mirror'
    end
    from (values (1)) one
    left join ledger.journal t on t.mutuelle_id = mutuelle and t.id = reverses
$$;

-- Why a reservation may not be resolved so: it must exist, be open, have the same accounts, be large enough; after
-- its deadline it can only be freed, and before it not by the deadline.
create function ledger.resolution_fault(mutuelle text, movements jsonb) returns text
language sql stable as $$
    select fault from (
        select m.line, case
            when p.journal_id is null then 'pending_unknown'
            when (p.debit_account, p.credit_account, p.currency) is distinct from (m.debit, m.credit, m.currency)
                then 'pending_other_accounts'
            when m.amount > p.amount or (m.phase <> 'post' and m.amount <> p.amount) then 'pending_other_amount'
            when row_number() over (partition by m.pending_journal, m.pending_position order by m.line) > 1
                or r.journal_id is not null then 'pending_resolved'
            when m.phase = 'post' and p.expires_at <= clock_timestamp() then 'pending_expired'
            when m.phase = 'expire' and coalesce(p.expires_at, 'infinity') > clock_timestamp() then 'pending_not_due'
            end as fault
        from rows from (jsonb_to_recordset(movements) as (debit text, credit text, amount numeric, currency text,
                        phase text, pending_journal uuid, pending_position int))
             with ordinality as m (debit, credit, amount, currency, phase, pending_journal, pending_position, line)
        left join lateral (select q.* from ledger.movement q
                            where q.mutuelle_id = mutuelle and q.journal_id = m.pending_journal
                              and q.position = m.pending_position and q.phase = 'pending' limit 1) p on true
        left join lateral (select q.journal_id from ledger.movement q
                            where q.mutuelle_id = mutuelle and q.pending_journal_id = m.pending_journal
                              and q.pending_position = m.pending_position and q.phase in ('post', 'void', 'expire')
                            limit 1) r on true
        where m.phase in ('post', 'void', 'expire')
    ) judged
    where fault is not null order by line limit 1
$$;

-- What fund A books on A:interfund:B, fund B books on B:interfund:A in the same journal, the other way round. What is
-- freed moves nothing: a reservation may be voided, and expires, without the other.
create function ledger.interfund_fault(movements jsonb) returns text language sql immutable as $$
    select 'interfund_unpaired' from (
        select least(fund, other) as one, greatest(fund, other) as two, class, sum(signed) as net from (
            select split_part(code, ':', 1) as fund, split_part(code, ':', 3) as other, signed,
                   case when phase in ('single', 'post') then 'posted' else phase end as class
              from jsonb_to_recordset(movements) as m (debit text, credit text, amount numeric, phase text)
             cross join lateral (values (debit, amount), (credit, -amount)) leg (code, signed)
             where split_part(code, ':', 2) = 'interfund' and phase in ('single', 'pending', 'post')
        ) legs group by 1, 2, 3
    ) pairs where net <> 0 limit 1
$$;

create type ledger.draft as (
    nth int, mutuelle text, source text, key text, id uuid, content_hash bytea, fault text, fresh boolean
);

-- One run of journals of which none depends on another of the run. The steps:
-- 1. read each movement with its two accounts (lateral and limited: no plan can turn it into a scan), and date each
--    journal: one for closed books is booked today;
-- 2. judge and hash each journal as it was asked for; of a key that comes twice the first is the one;
-- 3. spend the keys, in key order so that two callers cannot deadlock, and book what was spent just now;
-- 4. in a statement of its own, which sees what others committed meanwhile, answer for the keys spent before.
create function ledger.post_run(journals jsonb, first_position int, tick xid8)
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

-- Takes every lock that these journals need, each sort in one order, so that two postings cannot deadlock: the books (a
-- close waits for us, and we see its boundary; a posting after the close waits behind it: `begin_act`), the journals
-- that are referred to (of two that resolve one reservation the second waits), the balances with a limit. Says whether
-- a journal may depend on another of them. No lock of the book is an advisory one: anybody could take those.
create function ledger.lock_for(journals jsonb) returns boolean language plpgsql as $$
declare
    refers constant boolean := journals @? '$[*] ? (@.reverses != null || @.movements[*].pending_journal != null)';
    limited constant boolean := exists (
        select from (select jsonb_path_query(journals, '$[*].movements[*].debit') #>> '{}' as code
                     union all select jsonb_path_query(journals, '$[*].movements[*].credit') #>> '{}') side
         where split_part(side.code, ':', 2) in (select k.kind from ledger.kind k where k.keeping = 'limited'));
    mutuelles constant text[] := array(select distinct j ->> 'mutuelle' from jsonb_array_elements(journals) j);
begin
    perform from ledger.book b where b.mutuelle_id = any (mutuelles) order by b.mutuelle_id for key share;
    if refers then
        perform from (
            select j ->> 'mutuelle' as mutuelle, (j ->> 'reverses')::uuid as id from jsonb_array_elements(journals) j
            union
            select j ->> 'mutuelle', (m ->> 'pending_journal')::uuid
              from jsonb_array_elements(journals) j, jsonb_array_elements(j -> 'movements') m
             order by mutuelle, id
        ) target cross join lateral (
            select from ledger.journal t
             where t.mutuelle_id = target.mutuelle and t.id = target.id for no key update
        ) locked;
    end if;
    if limited then
        perform from (
            select distinct j ->> 'mutuelle' as mutuelle, side.code
              from jsonb_array_elements(journals) j, jsonb_array_elements(j -> 'movements') m
             cross join lateral (values (m ->> 'debit'), (m ->> 'credit')) side (code)
             where split_part(side.code, ':', 2) in (select k.kind from ledger.kind k where k.keeping = 'limited')
             order by mutuelle, code
        ) target cross join lateral (
            select from ledger.balance b
             where b.mutuelle_id = target.mutuelle and b.account = target.code for no key update
        ) locked; -- an account that is being opened has no row to lock yet: a journal on it depends all the same
    end if;
    return refers or limited;
end $$;

-- Whether a journal depends on those before it: it reverses, resolves, or moves an account that has a limit.
create function ledger.depends(journal jsonb) returns boolean language sql stable as $$
    select journal ->> 'reverses' is not null or exists (
        select from jsonb_to_recordset(journal -> 'movements') as m (debit text, credit text, pending_journal text)
         where m.pending_journal is not null or exists (
               select from ledger.kind k where k.keeping = 'limited'
                   and k.kind in (split_part(m.debit, ':', 2), split_part(m.credit, ':', 2))))
$$;

-- Posts any number of journals and answers one row each, in their order, as if they had come one by one.
-- Journals go in runs; one that depends on others begins a run, so that it sees those before it. One plan for all:
-- no argument could change it, and to make it takes longer than to post one journal.
-- A posting waits for other postings, never without end; the error says nothing about a journal.
create function ledger.post(journals jsonb)
returns table (nth int, verdict text, journal_id uuid, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off
set plan_cache_mode = force_generic_plan set lock_timeout = '10s' as $$
#variable_conflict use_column
declare
    tick constant xid8 := ledger.tick();
    run record;
begin
    if not ledger.lock_for(journals) then
        return query select * from ledger.post_run(journals, 1, tick);
        return;
    end if;
    for run in
        with split as (
            select value, n, count(*) filter (where ledger.depends(value)) over (order by n) as turn
              from jsonb_array_elements(journals) with ordinality as e (value, n)
        )
        select jsonb_agg(value order by n) as journals, min(n)::int as first from split group by turn order by turn
    loop
        return query select * from ledger.post_run(run.journals, run.first, tick);
    end loop;
end $$;
grant execute on function ledger.post(jsonb) to service;
