-- Accounts with a limit: below zero on no day. What an account can spend as of a day is what it holds on its side, all
-- that is dated up to that day, less the open reservations dated up to it.

-- The balance of a limited account, open reservations counted. The check refuses every writer.
create table ledger.balance (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    side text collate "C" not null check (side in ('debit', 'credit')),
    debits_posted bigint not null default 0 check (debits_posted >= 0),
    credits_posted bigint not null default 0 check (credits_posted >= 0),
    debits_pending bigint not null default 0 check (debits_pending >= 0),
    credits_pending bigint not null default 0 check (credits_pending >= 0),
    primary key (mutuelle_id, account),
    constraint balance_not_below_zero check (
        case side when 'debit' then debits_posted - credits_posted - credits_pending
                  else credits_posted - debits_posted - debits_pending end >= 0)
) with (fillfactor = 60);
grant select on ledger.balance to service, auditor;

-- What a journal does to the limited accounts that it touches, in all its movements together.
create function ledger.limited_moves(mutuelle text, movements jsonb)
returns table (account text, debits_posted bigint, credits_posted bigint, debits_pending bigint, credits_pending bigint)
language sql stable rows 2 as $$
    select b.account,
           coalesce(sum(m.amount) filter (where m.phase in ('single', 'post') and b.account = m.debit), 0)::bigint,
           coalesce(sum(m.amount) filter (where m.phase in ('single', 'post') and b.account = m.credit), 0)::bigint,
           coalesce(sum(case m.phase when 'pending' then m.amount when 'single' then 0 else -held.amount end)
                    filter (where b.account = m.debit), 0)::bigint,
           coalesce(sum(case m.phase when 'pending' then m.amount when 'single' then 0 else -held.amount end)
                    filter (where b.account = m.credit), 0)::bigint
      from jsonb_to_recordset(movements) as m (debit text, credit text, amount numeric, phase text,
                                               pending_journal uuid, pending_position int)
      left join lateral (select q.amount from ledger.movement q
                          where q.mutuelle_id = mutuelle and q.journal_id = m.pending_journal
                            and q.position = m.pending_position limit 1) held on true
     cross join lateral (select c.account from ledger.balance c
                          where c.mutuelle_id = mutuelle and c.account in (m.debit, m.credit) limit 2) b
     group by b.account
$$;

-- What the movements of a journal change about what an account can spend, each from which day on: what it moves and
-- reserves from the day it is booked on, what it no longer reserves from the day of the reservation on.
create function ledger.spending(mutuelle text, booked_on date, code text, side text, movements jsonb)
returns table (day date, change numeric) language sql stable rows 4 as $$
    select c.day, c.change
      from jsonb_to_recordset(movements) as m (debit text, credit text, amount numeric, phase text,
                                               pending_journal uuid, pending_position int)
      left join lateral (select q.effective_on, q.amount from ledger.movement q
                          where q.mutuelle_id = mutuelle and q.journal_id = m.pending_journal
                            and q.position = m.pending_position limit 1) held on true
     cross join lateral (select case side when 'debit' then m.debit else m.credit end as gets,
                                case side when 'debit' then m.credit else m.debit end as gives) leg
     cross join lateral (values
        (booked_on, case when m.phase in ('single', 'post') and leg.gets = code then m.amount end),
        (booked_on, case when m.phase in ('single', 'post', 'pending') and leg.gives = code then -m.amount end),
        (held.effective_on, case when leg.gives = code then held.amount end)) c (day, change)
     where c.change is not null
$$;

-- Whether a journal would leave an account below zero on a day before the last one. `free`: what the account can spend
-- when all days are counted, without this journal. A journal of the account's last day is answered by three looks into
-- an index; any other by reading what is dated after it, by the index whatever the planner believes of a young table.
create function ledger.is_overdrawn(
    mutuelle text, booked_on date, code text, side text, free bigint, movements jsonb
) returns boolean language plpgsql stable set enable_seqscan = off as $$
#variable_conflict use_variable
begin
    if not exists (select from ledger.spending(mutuelle, booked_on, code, side, movements) s where s.change < 0) then
        return false;
    end if;
    if greatest(
        (select m.effective_on from ledger.movement m
          where m.mutuelle_id = mutuelle and m.debit_account = code and m.phase in ('single', 'post')
          order by m.effective_on desc limit 1),
        (select m.effective_on from ledger.movement m
          where m.mutuelle_id = mutuelle and m.credit_account = code and m.phase in ('single', 'post')
          order by m.effective_on desc limit 1),
        (select m.effective_on from ledger.movement m
          where m.mutuelle_id = mutuelle and m.debit_account = code and m.phase = 'pending' and side = 'credit'
          order by m.effective_on desc limit 1),
        (select m.effective_on from ledger.movement m
          where m.mutuelle_id = mutuelle and m.credit_account = code and m.phase = 'pending' and side = 'debit'
          order by m.effective_on desc limit 1),
        booked_on) = booked_on then
        return false;
    end if;
    return exists (
        with step as (
            select m.effective_on as day, case side when 'debit' then m.amount else -m.amount end as stood, 0 as asked
              from ledger.movement m
             where m.mutuelle_id = mutuelle and m.debit_account = code and m.effective_on > booked_on
               and m.phase in ('single', 'post')
            union all
            select m.effective_on, case side when 'debit' then -m.amount else m.amount end, 0
              from ledger.movement m
             where m.mutuelle_id = mutuelle and m.credit_account = code and m.effective_on > booked_on
               and m.phase in ('single', 'post')
            union all
            select h.effective_on, -h.amount, 0 from ledger.held h
             where h.mutuelle_id = mutuelle and h.effective_on > booked_on
               and code = case side when 'debit' then h.credit_account else h.debit_account end
            union all
            select greatest(s.day, booked_on), 0, s.change
              from ledger.spending(mutuelle, booked_on, code, side, movements) s
        ), later as ( -- of each day what comes after it
            select day, coalesce(sum(sum(stood)) over after_it, 0) as stood, coalesce(sum(sum(asked)) over after_it, 0)
                   as asked
              from step group by day
            window after_it as (order by day desc rows between unbounded preceding and 1 preceding)
        )
        select from later, (select sum(asked) as asked from step) whole
         where whole.asked - later.asked < 0 and free + whole.asked - later.stood - later.asked < 0
    );
end $$;

-- Whether a journal would take a limited account below zero on any day, open reservations counted.
create function ledger.limit_fault(mutuelle text, booked_on date, movements jsonb) returns text
language sql stable as $$
    select 'balance_too_low'
      from ledger.limited_moves(mutuelle, movements) d
     cross join lateral (select b.* from ledger.balance b
                          where b.mutuelle_id = mutuelle and b.account = d.account limit 1) b
     where case b.side
           when 'debit' then b.debits_posted + d.debits_posted - b.credits_posted - d.credits_posted
                             - b.credits_pending - d.credits_pending
           else b.credits_posted + d.credits_posted - b.debits_posted - d.debits_posted
                - b.debits_pending - d.debits_pending end < 0
        or ledger.is_overdrawn(mutuelle, booked_on, b.account, b.side,
                               case b.side when 'debit' then b.debits_posted - b.credits_posted - b.credits_pending
                                           else b.credits_posted - b.debits_posted - b.debits_pending end, movements)
     limit 1
$$;
