-- Closing and reopening the books. Each is a journal of its own, without movements: it is numbered, explained, sealed
-- and never changed like any other. Periods close in order, and the last one closed may be reopened.

-- Beside the journal of each act a row that says what was closed or reopened.
create table ledger.period_act (
    mutuelle_id text collate "C" not null,
    journal_id uuid not null,
    act text collate "C" not null check (act in ('close', 'reopen')),
    first_on date not null,
    last_on date not null check (last_on >= first_on),
    number int not null check (number > 0), -- of the act, from 1 in each mutuelle
    primary key (mutuelle_id, journal_id),
    unique (mutuelle_id, number),
    foreign key (mutuelle_id, journal_id) references ledger.journal (mutuelle_id, id)
);
create trigger append_only before update or delete or truncate on ledger.period_act
    for each statement execute function ledger.refuse_change();
alter table ledger.period_act enable always trigger append_only;
grant select on ledger.period_act to service, auditor;

-- The trial balance that a close found: sums of the period, and up to and including its last day.
create table ledger.period_total (
    mutuelle_id text collate "C" not null,
    journal_id uuid not null,
    account text collate "C" not null,
    debits bigint not null,
    credits bigint not null,
    cum_debits bigint not null,
    cum_credits bigint not null,
    primary key (mutuelle_id, journal_id, account),
    foreign key (mutuelle_id, journal_id) references ledger.period_act (mutuelle_id, journal_id)
);
create trigger append_only before update or delete or truncate on ledger.period_total
    for each statement execute function ledger.refuse_change();
alter table ledger.period_total enable always trigger append_only;
grant select on ledger.period_total to service, auditor;

-- Spends the key of an act and books its journal, or answers for the key as `ledger.post` does. `fault`: why the act
-- may not be.
create function ledger.book_act(
    act text, mutuelle text, source text, key text, id uuid, actor text, reason text, first_on date, last_on date,
    fault text
) returns table (verdict text, journal_id uuid, refused text) language plpgsql as $$
#variable_conflict use_column
declare
    called constant text := case act when 'close' then 'period closed' else 'period reopened' end;
    today constant date := (clock_timestamp() at time zone 'UTC')::date;
    -- What was asked for: a close says through which day; the rest follows from the book.
    content constant bytea := sha256(convert_to(ledger.field(called) || ledger.field(actor) || ledger.field(reason)
        || ledger.field(case act when 'close' then (last_on - date '2000-01-01')::text end), 'UTF8'));
    spent ledger.request;
begin
    insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id, reason)
    values (mutuelle, source, key, content, case when fault is null then 'created' else 'refused' end,
            case when fault is null then id end, fault)
        on conflict do nothing;
    if not found then
        select r.* into spent from ledger.request r
         where r.mutuelle_id = mutuelle and r.source = book_act.source and r.key = book_act.key;
        return query select case when spent.content_hash <> content then 'conflict'
                                 when spent.verdict = 'created' then 'exists' else 'refused' end,
                            case when spent.content_hash = content then spent.journal_id end,
                            case when spent.content_hash <> content then 'other_content' else spent.reason end;
        return;
    end if;
    if fault is null then
        insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo, xid)
        values (mutuelle, id, called, today, actor, reason,
                jsonb_build_object('first', first_on::text, 'last', last_on::text), ledger.tick());
        insert into ledger.period_act (mutuelle_id, journal_id, act, first_on, last_on, number)
        values (mutuelle, id, act, first_on, last_on,
                (select coalesce(max(p.number), 0) + 1 from ledger.period_act p where p.mutuelle_id = mutuelle));
    end if;
    return query select case when fault is null then 'created' else 'refused' end,
                        case when fault is null then id end, fault;
end $$;

-- Locks all books alone, once the postings under way have committed. Returns why it cannot: the act says too little, there
-- is no book, or the postings do not end within two seconds (for so long new postings wait behind this lock).
-- The lock is on the table: PostgreSQL lets those who wait for it take turns, while those who share a row do not wait
-- behind one who wants it alone. Every posting has its part of it by its `for key share`, and nobody but the functions
-- of the ledger can take more of it than a reader needs.
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
create function ledger.close_period(
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
grant execute on function ledger.close_period(text, text, text, uuid, text, text, date) to service;

-- Opens the period that was closed last. What it found stays on record with its close.
create function ledger.reopen_period(
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
grant execute on function ledger.reopen_period(text, text, text, uuid, text, text) to service;
