-- Day rows, and the fold: movements behind the horizon become day rows. It may run at any time, by anybody, or not at
-- all for a while: a balance is always the day rows and, in the same statement, what is not in them yet.

-- Posted sums of a day, and up to and including it. `account` is a code, or the head `fund:kind` of the accounts
-- that are summed: the control account of all of them.
create table ledger.account_day (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    day date not null,
    debits bigint not null,
    credits bigint not null,
    cum_debits bigint not null,
    cum_credits bigint not null,
    primary key (mutuelle_id, account, day)
) with (fillfactor = 70);
grant select on ledger.account_day to service, auditor;

-- What was posted in a stretch of ticks. Each journal's movements are read by their primary key, whatever the
-- planner believes of a young table: the order and the offset leave it no other way.
create function ledger.moved(mutuelle text, since xid8, beyond xid8)
returns table (xid xid8, debit_account text, credit_account text, amount bigint, currency text, effective_on date)
language sql stable as $$
    select j.xid, m.debit_account, m.credit_account, m.amount, m.currency, m.effective_on
      from ledger.journal j
     cross join lateral (
        select q.* from ledger.movement q
         where q.mutuelle_id = mutuelle and q.journal_id = j.id and q.phase in ('single', 'post')
         order by q.mutuelle_id, q.journal_id, q.position offset 0
     ) m
     where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < beyond
$$;
grant execute on function ledger.moved(text, xid8, xid8) to service, auditor;

-- What it adds to each account and day; what summed accounts got, to their head.
create function ledger.day_deltas(mutuelle text, since xid8, beyond xid8)
returns table (account text, day date, debits bigint, credits bigint) language sql stable as $$
    select case when a.keeping = 'summed' then ledger.head(a.code) else a.code end, e.effective_on,
           sum(e.debit)::bigint, sum(e.credit)::bigint
      from ledger.moved(mutuelle, since, beyond) m
     cross join lateral (values (m.debit_account, m.effective_on, m.amount, 0::bigint),
                                (m.credit_account, m.effective_on, 0, m.amount)) e (code, effective_on, debit, credit)
      join ledger.account a on a.mutuelle_id = mutuelle and a.code = e.code
     group by 1, 2
$$;
grant execute on function ledger.day_deltas(text, xid8, xid8) to service, auditor;

-- A later day's row grows by all that was dated on or before it; a new day begins from the row before it.
create function ledger.add_days(mutuelle text, since xid8, beyond xid8) returns void language sql as $$
    with delta as materialized (
        select d.*, sum(d.debits) over upto as running_debits, sum(d.credits) over upto as running_credits,
               lead(d.day) over upto as next_day
          from ledger.day_deltas(mutuelle, since, beyond) d
        window upto as (partition by d.account order by d.day)
    ), grown as (
        update ledger.account_day a
           set debits = a.debits + case when a.day = d.day then d.debits else 0 end,
               credits = a.credits + case when a.day = d.day then d.credits else 0 end,
               cum_debits = a.cum_debits + d.running_debits, cum_credits = a.cum_credits + d.running_credits
          from delta d
         where a.mutuelle_id = mutuelle and a.account = d.account
           and a.day >= d.day and (d.next_day is null or a.day < d.next_day)
    )
    insert into ledger.account_day (mutuelle_id, account, day, debits, credits, cum_debits, cum_credits)
    select mutuelle, d.account, d.day, d.debits, d.credits, coalesce(b.cum_debits, 0) + d.running_debits,
           coalesce(b.cum_credits, 0) + d.running_credits
      from delta d
      left join lateral (select q.cum_debits, q.cum_credits from ledger.account_day q
                          where q.mutuelle_id = mutuelle and q.account = d.account and q.day < d.day
                          order by q.day desc limit 1) b on true
     where not exists (select from ledger.account_day q
                        where q.mutuelle_id = mutuelle and q.account = d.account and q.day = d.day)
$$;

-- Folds up to `most` journals of a mutuelle (a transaction is never split) and says how many; 0 if there is nothing
-- or another folds it at this moment. The horizon is taken after the lock: what an earlier fold has moved on from
-- is not seen again.
create function ledger.fold(mutuelle text, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    since xid8;
    beyond xid8;
    first xid8;
    over xid8;
    folded bigint;
begin
    select f.upto into since from ledger.fold f where f.mutuelle_id = mutuelle for no key update skip locked;
    if since is null then
        return 0;
    end if;
    beyond := ledger.horizon();
    select min(j.xid), count(*) into first, folded from (
        select q.xid from ledger.journal q where q.mutuelle_id = mutuelle and q.xid >= since and q.xid < beyond
         order by q.xid limit greatest(most, 1) + 1
    ) j;
    if folded = 0 then
        return 0;
    end if;
    if folded > greatest(most, 1) then
        select q.xid into over from ledger.journal q
         where q.mutuelle_id = mutuelle and q.xid >= since order by q.xid offset greatest(most, 1) limit 1;
        if over = first then -- one transaction larger than `most`: all of it
            select coalesce(min(q.xid), beyond) into over from ledger.journal q
             where q.mutuelle_id = mutuelle and q.xid > first and q.xid < beyond;
        end if;
        beyond := over;
    end if;
    perform ledger.add_days(mutuelle, since, beyond);
    update ledger.fold set upto = beyond, folded_at = clock_timestamp() where mutuelle_id = mutuelle;
    select count(*) into folded from ledger.journal j
     where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < beyond;
    return folded;
end $$;
grant execute on function ledger.fold(text, integer) to service;

-- The posted sums of every account with day rows, and of every control account, up to and including a day: its
-- newest day row and what is not folded yet, as one statement sees them.
create function ledger.sums(mutuelle text, as_of date)
returns table (account text, debits bigint, credits bigint) language sql stable as $$
    with tail as (
        select d.account, sum(d.debits)::bigint as debits, sum(d.credits)::bigint as credits
          from ledger.fold f
         cross join lateral ledger.day_deltas(mutuelle, f.upto, '18446744073709551615') d
         where f.mutuelle_id = mutuelle and d.day <= as_of
         group by d.account
    ), named as (
        select a.code as account from ledger.account a where a.mutuelle_id = mutuelle and a.keeping <> 'summed'
        union
        select distinct ledger.head(a.code) from ledger.account a
         where a.mutuelle_id = mutuelle and a.keeping = 'summed'
    )
    select n.account, coalesce(b.cum_debits, 0) + coalesce(t.debits, 0),
           coalesce(b.cum_credits, 0) + coalesce(t.credits, 0)
      from named n
      left join lateral (select q.cum_debits, q.cum_credits from ledger.account_day q
                          where q.mutuelle_id = mutuelle and q.account = n.account and q.day <= as_of
                          order by q.day desc limit 1) b on true
      left join tail t on t.account = n.account
     order by n.account
$$;
grant execute on function ledger.sums(text, date) to service, auditor;
