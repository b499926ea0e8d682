-- Who waits for whom. Nobody can hold up a posting but those who post, seal and close; nobody at all holds up a fold or
-- a seal who cannot post. No lock here is an advisory one: those are everybody's.

-- Every journal with a smaller tick is committed and seen by any statement that begins now; none can come below it.
-- A transaction of somebody who cannot post holds nothing up: an auditor's, or one of another database. Whose an open
-- transaction is, the server's locks and sessions say; one that they know no role of counts.
create or replace function ledger.horizon() returns xid8 language sql stable as $$
    select ledger.shifted(coalesce(min(open.number), pg_snapshot_xmax(pg_current_snapshot())), c.shift)
      from ledger.clock c
      left join (
            select number from pg_snapshot_xip(pg_current_snapshot()) number
             where not exists (
                   select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
                      and l.transactionid = number::xid
                      and (a.datname <> current_database() or a.usesysid is not null and not exists (
                           select from pg_roles r
                            where pg_has_role(a.usesysid, r.oid, 'member')
                              and has_function_privilege(r.oid, 'ledger.post(jsonb)', 'execute'))))
           ) open on true
     group by c.shift
$$;

-- Takes every lock that these journals need, each sort in one order, so that no two postings embrace: the books (a
-- close waits for us, and we see its boundary; whoever came after the close waits behind it: `begin_act`), the journals that are referred to (of two that resolve one
-- reservation the second waits), the balances with a limit. Says whether a journal may depend on another of them.
create or replace function ledger.lock_for(journals jsonb) returns boolean language plpgsql as $$
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

drop function ledger.queue_for(text, boolean);

-- Takes all books alone, once whoever posts has committed; why not, where the act says too little, or there is no book,
-- or others do not let go of theirs within two seconds, for so long whoever posts waits behind us.
-- The lock is on the table: PostgreSQL lets those who wait for it take turns, while those who share a row do not wait
-- behind one who wants it alone. Every posting has its part of it by its `for key share`, and nobody but the functions
-- of the ledger can take more of it than a reader needs.
drop function ledger.begin_act(text, text, text, text, text);
create function ledger.begin_act(mutuelle text, source text, key text, id uuid, actor text, reason text) returns text
language plpgsql as $$
declare
    fault constant text := case
        when not ledger.is_text(source, 60) or not ledger.is_text(key, 200) then 'key_malformed'
        when not ledger.is_text(actor, 100) or ledger.has_phone(actor) then 'actor_malformed'
        when not ledger.is_text(reason, 300) or ledger.has_phone(reason) then 'reason_malformed' end;
begin
    if fault is not null then
        return fault;
    end if;
    begin
        lock table ledger.book in exclusive mode;
    exception when lock_not_available then
        return 'book_in_use';
    end;
    return case
        when not exists (select from ledger.book b where b.mutuelle_id = begin_act.mutuelle) then 'mutuelle_unknown'
        when begin_act.id is null or exists (
             select from ledger.journal j
              where j.mutuelle_id = begin_act.mutuelle and j.id = begin_act.id and not exists (
                    select from ledger.request r
                     where r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
                       and (r.source, r.key) = (begin_act.source, begin_act.key)))
            then 'journal_id_taken' end;
end $$;

-- Closes the books through a day that is over, and keeps the trial balance that it finds.
create or replace function ledger.close_period(
    mutuelle text, source text, key text, id uuid, actor text, reason text, last_on date
) returns table (verdict text, journal_id uuid, refused text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off
set lock_timeout = '2s' as $$
#variable_conflict use_column
declare
    fault text := ledger.begin_act(mutuelle, source, key, id, actor, reason);
    first_on date;
    answer record;
begin
    if fault is null and (last_on < date '2000-01-01' or not isfinite(last_on)) is not false then
        fault := 'period_malformed';
    end if;
    if fault is not null then
        return query select 'refused', null::uuid, fault;
        return;
    end if;
    -- In statements of their own, which see what was committed while we waited.
    select coalesce(b.closed_through + 1,
                    (select min(j.effective_on) from ledger.journal j where j.mutuelle_id = mutuelle), last_on)
      into first_on from ledger.book b where b.mutuelle_id = mutuelle;
    fault := case when last_on >= (clock_timestamp() at time zone 'UTC')::date then 'period_not_over'
                  when exists (select from ledger.book b
                                where b.mutuelle_id = mutuelle and b.closed_through >= last_on) then 'period_closed' end;
    select * into answer from ledger.book_act('close', mutuelle, source, key, id, actor, reason,
                                              least(first_on, last_on), last_on, fault);
    if answer.verdict = 'created' then
        perform ledger.fold(mutuelle, 1000000);
        update ledger.book set closed_through = last_on where mutuelle_id = mutuelle;
        insert into ledger.period_total (mutuelle_id, journal_id, account, debits, credits, cum_debits, cum_credits)
        select mutuelle, id, s.account, s.debits - coalesce(b.debits, 0), s.credits - coalesce(b.credits, 0),
               s.debits, s.credits
          from ledger.sums(mutuelle, last_on) s
          left join ledger.sums(mutuelle, least(first_on, last_on) - 1) b on b.account = s.account;
    end if;
    return query select answer.verdict, answer.journal_id, answer.refused;
end $$;

-- Opens the period that was closed last. What it found stays on record with its close.
create or replace function ledger.reopen_period(
    mutuelle text, source text, key text, id uuid, actor text, reason text
) returns table (verdict text, journal_id uuid, refused text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off
set lock_timeout = '2s' as $$
#variable_conflict use_column
declare
    fault text := ledger.begin_act(mutuelle, source, key, id, actor, reason);
    closed_through date;
    last_close ledger.period_act;
    answer record;
begin
    if fault is not null then
        return query select 'refused', null::uuid, fault;
        return;
    end if;
    select b.closed_through into closed_through from ledger.book b where b.mutuelle_id = mutuelle;
    select p.* into last_close from ledger.period_act p
     where p.mutuelle_id = mutuelle and p.act = 'close' and p.last_on = closed_through
     order by p.number desc limit 1;
    fault := case when last_close.journal_id is null then 'period_not_closed' end;
    select * into answer from ledger.book_act('reopen', mutuelle, source, key, id, actor, reason,
                                              last_close.first_on, last_close.last_on, fault);
    if answer.verdict = 'created' then
        update ledger.book set closed_through = (
            select max(p.last_on) from ledger.period_act p
             where p.mutuelle_id = mutuelle and p.act = 'close' and not exists (
                   select from ledger.period_act q
                    where q.mutuelle_id = mutuelle and q.act = 'reopen' and q.number > p.number
                      and q.first_on <= p.last_on))
         where mutuelle_id = mutuelle;
    end if;
    return query select answer.verdict, answer.journal_id, answer.refused;
end $$;

-- Seals the next block of a mutuelle: up to `most` journals, a transaction never split (one that is larger makes a
-- larger block). No row where nothing is behind the horizon that is not sealed yet.
-- The lock on the row is for sealers only (who posts shares its key), and correctness does not hang on it: of two that pass it the primary key refuses one.
-- Each step is a statement of its own: the horizon is taken after the lock, the rows are read after the horizon.
create or replace function ledger.seal_block(mutuelle text, most int)
returns table (block int, journals int, root bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
    most_journals constant int := greatest(1, least(most, 50000));
    last_block int;
    last_root bytea;
    since xid8;
    upto xid8;
    beyond xid8; -- of the first journal that is one too many
begin
    perform from ledger.book b where b.mutuelle_id = mutuelle for no key update;
    select s.block, s.upto, s.root into last_block, since, last_root
      from ledger.seal s where s.mutuelle_id = mutuelle order by s.block desc limit 1;
    since := coalesce(since, '0');
    upto := ledger.horizon();
    select j.xid into beyond from ledger.journal j
     where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < upto order by j.xid offset most_journals limit 1;
    if beyond is not null then
        if not exists (select from ledger.journal j
                        where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < beyond) then
            beyond := (beyond::text::bigint + 1)::text;
        end if;
        upto := beyond;
    end if;
    return query
    insert into ledger.seal (mutuelle_id, block, upto, journals, previous, root, hashes)
    select mutuelle, chain.block, upto, b.journals, chain.previous, b.root, b.hashes
      from (select coalesce(last_block, 0) + 1 as block,
                   coalesce(last_root, decode(repeat('00', 32), 'hex')) as previous) chain
     cross join lateral ledger.block_root(mutuelle, chain.block, since, upto, chain.previous) b
     where b.journals > 0
    returning block, journals, root;
end $$;

-- Whoever posts waits for others who post, never without end; the error says nothing about a journal.
alter function ledger.post(jsonb) set lock_timeout = '10s';

revoke all on all functions in schema ledger from public;
