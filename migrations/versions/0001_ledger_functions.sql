-- The one way in. The service's role may call `ledger.post` and `ledger.open_accounts` and nothing else here.
-- A refusal is an answer, never an exception: one bad journal does not hurt its neighbours.
-- What a caller sends is never trusted: content is hashed here, accounts are looked up here.

-- Canonical text of one value: its length in bytes, then itself. Nothing is told apart by a separator.
-- These are plain expressions, so that PostgreSQL writes them into the query that uses them.
create function ledger.field(value text) returns text language sql immutable parallel safe as $$
    select coalesce(octet_length(value)::text || ':' || value, '-')
$$;

create function ledger.memo_text(memo jsonb) returns text language sql immutable parallel safe as $$
    select coalesce(string_agg(ledger.field(key) || ledger.field(value), '' order by key collate "C"), '')
      from jsonb_each_text(memo)
$$;

-- Dates as days since 2000-01-01: no session setting changes them.
create function ledger.journal_text(
    kind text, effective_on date, actor text, reason text, reverses uuid, memo jsonb
) returns text language sql immutable parallel safe as $$
    select ledger.field(kind) || ledger.field((effective_on - date '2000-01-01')::text) || ledger.field(actor)
        || ledger.field(reason) || ledger.field(reverses::text)
        || ledger.field(case when memo = '{}' then ''
                             when jsonb_typeof(memo) = 'object' then ledger.memo_text(memo) end)
$$;

create function ledger.movement_text(
    debit text, credit text, amount numeric, currency text, phase text, pending_journal uuid, pending_position int
) returns text language sql immutable parallel safe as $$
    select ledger.field(debit) || ledger.field(credit) || ledger.field(amount::text) || ledger.field(currency)
        || ledger.field(phase) || ledger.field(pending_journal::text) || ledger.field(pending_position::text)
$$;

create function ledger.is_text(value text, longest int) returns boolean language sql immutable parallel safe as $$
    select value is not null and btrim(value) <> '' and length(value) <= longest
       and value !~ '[\u0001-\u001F\u007F-\u009F\u2028\u2029]'
$$;

create function ledger.is_memo(memo jsonb) returns boolean language sql immutable parallel safe as $$
    select case when jsonb_typeof(memo) is distinct from 'object' then false when memo = '{}' then true
        else (select count(*) <= 16 and bool_and(jsonb_typeof(e.value) = 'string' and length(e.key) <= 40
                                                 and length(e.value #>> '{}') <= 200)
                from jsonb_each(memo) e) end
$$;

-- Why a reversal may not be: it must name a journal that nobody reversed yet and mirror it movement by movement.
create function ledger.reversal_fault(mutuelle text, reverses uuid, movements jsonb) returns text
language sql stable as $$
    select case
        when reverses is null then null
        when t.id is null then 'reversal_unknown'
        when t.reverses_id is not null then 'reversal_of_reversal'
        when exists (select from ledger.journal r where r.mutuelle_id = mutuelle and r.reverses_id = reverses)
            then 'reversal_duplicate'
        when exists (select from ledger.movement m where m.mutuelle_id = mutuelle and m.journal_id = reverses
                       and m.phase in ('pending', 'void')) then 'reversal_of_pending'
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

-- Why a reservation may not be resolved so: it must exist, be open, have the same accounts, and be large enough.
create function ledger.resolution_fault(mutuelle text, movements jsonb) returns text
language sql stable as $$
    select fault from (
        select m.line, case
            when p.journal_id is null then 'pending_unknown'
            when (p.debit_account, p.credit_account, p.currency) is distinct from (m.debit, m.credit, m.currency)
                then 'pending_other_accounts'
            when m.amount > p.amount or (m.phase = 'void' and m.amount <> p.amount) then 'pending_other_amount'
            when row_number() over (partition by m.pending_journal, m.pending_position order by m.line) > 1
                or r.journal_id is not null then 'pending_resolved'
            end as fault
        from rows from (jsonb_to_recordset(movements) as (debit text, credit text, amount numeric, currency text,
                        phase text, pending_journal uuid, pending_position int))
             with ordinality as m (debit, credit, amount, currency, phase, pending_journal, pending_position, line)
        left join lateral (select q.* from ledger.movement q
                            where q.mutuelle_id = mutuelle and q.journal_id = m.pending_journal
                              and q.position = m.pending_position and q.phase = 'pending' limit 1) p on true
        left join lateral (select q.journal_id from ledger.movement q
                            where q.mutuelle_id = mutuelle and q.pending_journal_id = m.pending_journal
                              and q.pending_position = m.pending_position and q.phase in ('post', 'void')
                            limit 1) r on true
        where m.phase in ('post', 'void')
    ) judged
    where fault is not null order by line limit 1
$$;

create type ledger.draft as (
    nth int, mutuelle text, source text, key text, id uuid, content_hash bytea, fault text, fresh boolean
);

-- One run of journals of which none depends on another of the run. The steps:
-- 1. read each movement with its two accounts (lateral and limited: no plan can turn it into a scan);
-- 2. judge and hash each journal; of a key that comes twice the first is the one;
-- 3. spend the keys, in key order so that two callers cannot embrace, and book what was spent just now;
-- 4. in a statement of its own, which sees what others committed meanwhile, answer for the keys spent before.
create function ledger.post_run(journals jsonb, first_position int)
returns table (nth int, verdict text, journal_id uuid, reason text)
language plpgsql as $$
#variable_conflict use_column
declare
    drafts ledger.draft[];
begin
    with sent as materialized (
        select first_position + j.n::int - 1 as nth, j.*
          from rows from (jsonb_to_recordset(journals) as (mutuelle text, source text, key text, id uuid, kind text,
                          effective_on date, actor text, reason text, reverses uuid, memo jsonb, movements jsonb))
               with ordinality as j (mutuelle, source, key, id, kind, effective_on, actor, reason, reverses, memo,
                                     movements, n)
    ), line as materialized (
        select s.nth, s.mutuelle, s.id, s.effective_on, m.*, case
            when m.phase is null or m.phase not in ('single', 'pending', 'post', 'void') then 'phase_unknown'
            when m.amount is null or m.amount <= 0 then 'amount_not_positive'
            when m.amount <> trunc(m.amount) then 'amount_not_whole'
            when m.amount > 1000000000000 then 'amount_too_large'
            when m.debit = m.credit then 'same_account'
            when d.code is null or c.code is null then 'account_unknown'
            when s.effective_on >= least(d.closed_on, c.closed_on) then 'account_closed'
            when d.fund <> c.fund then 'funds_crossed'
            when m.currency is distinct from d.currency or m.currency is distinct from c.currency
                then 'currency_mixed'
            when (m.phase in ('post', 'void')) <> (m.pending_journal is not null)
                or (m.pending_journal is null) <> (m.pending_position is null) then 'pending_malformed'
            end as fault
          from sent s
         cross join lateral rows from (jsonb_to_recordset(s.movements) as (debit text, credit text, amount numeric,
                          currency text, phase text, pending_journal uuid, pending_position int))
               with ordinality as m (debit, credit, amount, currency, phase, pending_journal, pending_position, n)
          left join lateral (select a.code, a.fund, a.currency, a.closed_on from ledger.account a
                      where a.mutuelle_id = s.mutuelle and a.code = m.debit limit 1) d on true
          left join lateral (select a.code, a.fund, a.currency, a.closed_on from ledger.account a
                      where a.mutuelle_id = s.mutuelle and a.code = m.credit limit 1) c on true
    ), body as (
        select l.nth, count(*) as lines, count(distinct l.currency) as currencies,
               (array_agg(l.fault order by l.n) filter (where l.fault is not null))[1] as fault,
               string_agg(ledger.movement_text(l.debit, l.credit, l.amount, l.currency, l.phase,
                          l.pending_journal, l.pending_position), '' order by l.n) as content
          from line l group by l.nth
    ), judged as materialized (
        select s.*,
               sha256(convert_to(ledger.journal_text(s.kind, s.effective_on, s.actor, s.reason, s.reverses, s.memo)
                      || coalesce(b.content, ''), 'UTF8')) as content_hash,
               case
            when s.mutuelle is null or s.mutuelle !~ '^[A-Z0-9][A-Z0-9-]{0,19}$' or not ledger.is_text(s.source, 60)
                or not ledger.is_text(s.key, 200) then 'key_malformed'
            when s.id is null or row_number() over (partition by s.mutuelle, s.id order by s.nth)
                     <> row_number() over (partition by s.mutuelle, s.id, s.source, s.key order by s.nth)
                or t.id is not null then 'journal_id_taken'
            when s.kind is null or s.kind !~ '^[a-z][a-z0-9 _-]{0,39}$' then 'kind_malformed'
            when not ledger.is_text(s.actor, 100) then 'actor_malformed'
            when not ledger.is_text(s.reason, 300) then 'reason_malformed'
            when s.memo is distinct from '{}' and not ledger.is_memo(s.memo) then 'memo_malformed'
            when s.effective_on is null or s.effective_on < date '2000-01-01'
                or s.effective_on > (clock_timestamp() at time zone 'UTC' + interval '1 year')::date
                then 'date_absurd'
            when r.fault is not null then r.fault
            when b.lines is null then 'movements_missing'
            when b.lines > 1000 then 'movements_too_many'
            when b.fault is not null then b.fault
            when b.currencies > 1 then 'currency_mixed'
            when s.movements @? '$[*] ? (@.phase == "post" || @.phase == "void")'
                then ledger.resolution_fault(s.mutuelle, s.movements)
            end as fault
          from sent s
          left join body b on b.nth = s.nth
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
        insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, reverses_id, memo)
        select f.mutuelle, f.id, f.kind, f.effective_on, f.actor, f.reason, f.reverses, f.memo
          from fresh f where f.fault is null order by f.nth
    ), moved as (
        insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount,
                                     currency, phase, pending_journal_id, pending_position, effective_on)
        select l.mutuelle, l.id, l.n, l.debit, l.credit, l.amount, l.currency, l.phase, l.pending_journal,
               l.pending_position, l.effective_on
          from line l join fresh f on f.nth = l.nth
         where f.fault is null order by l.nth, l.n
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
      left join lateral (select q.* from ledger.request q where q.mutuelle_id = d.mutuelle and q.source = d.source
                            and q.key = d.key limit 1) r on not d.fresh
     order by d.nth;
end $$;

-- Posts any number of journals and answers one row each, in their order, as if they had come one by one.
-- Journals go in runs; one that reverses or resolves begins a run, so that it sees those before it. The journals
-- that are referred to are locked first, all of them in one order: of two that resolve one, the second waits.
create function ledger.post(journals jsonb)
returns table (nth int, verdict text, journal_id uuid, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
    run record;
begin
    if not journals @? '$[*] ? (@.reverses != null || @.movements[*].pending_journal != null)' then
        return query select * from ledger.post_run(journals, 1);
        return;
    end if;
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
    for run in
        with sent as (
            select value, n, value @? '$ ? (@.reverses != null || @.movements[*].pending_journal != null)' as refers
              from jsonb_array_elements(journals) with ordinality as e (value, n)
        ), split as (
            select *, count(*) filter (where refers) over (order by n) as turn from sent
        )
        select jsonb_agg(value order by n) as journals, min(n)::int as first from split group by turn order by turn
    loop
        return query select * from ledger.post_run(run.journals, run.first);
    end loop;
end $$;

-- Opens accounts; one that is open already with the same definition is left as it is.
create function ledger.open_accounts(accounts jsonb)
returns table (nth int, verdict text, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
begin
    insert into ledger.account (mutuelle_id, code, fund, kind, currency)
    select distinct a.mutuelle, a.code, split_part(a.code, ':', 1), split_part(a.code, ':', 2), a.currency
      from jsonb_to_recordset(accounts) as a (mutuelle text, code text, currency text)
     where a.mutuelle ~ '^[A-Z0-9][A-Z0-9-]{0,19}$' and a.currency ~ '^[A-Z]{3}$'
       and a.code ~ '^[a-z][a-z0-9-]{0,39}:[a-z]{1,30}(:[a-z0-9][A-Za-z0-9-]{0,59})?$'
     order by a.mutuelle, a.code, a.currency
        on conflict do nothing;
    return query
    select a.n::int,
           case when o.currency = a.currency and o.closed_on is null then 'open' else 'refused' end,
           case when o.code is null then 'account_malformed' when o.currency <> a.currency then 'account_other_currency'
                when o.closed_on is not null then 'account_closed' end
      from rows from (jsonb_to_recordset(accounts) as (mutuelle text, code text, currency text))
           with ordinality as a (mutuelle, code, currency, n)
      left join lateral (select q.* from ledger.account q
                          where q.mutuelle_id = a.mutuelle and q.code = a.code limit 1) o on true
     order by a.n;
end $$;

revoke all on all functions in schema ledger from public;
