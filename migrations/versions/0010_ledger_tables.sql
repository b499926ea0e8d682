-- What the ledger keeps beside its journals: how each kind of account is kept, balances with a limit, day rows,
-- the boundary of closed books. The journals and movements stay the only truth: all but `period_act` here can be
-- computed from them again, and the checks do.

-- Ticks: the order in which journals became known. A tick is this server's transaction number plus `shift`, which
-- a restore raises so that the numbers go on where the restored book's ended.
create table ledger.clock (
    sole boolean primary key default true check (sole),
    shift bigint not null default 0 check (shift >= 0)
);
insert into ledger.clock default values;

create function ledger.shifted(number xid8, shift bigint) returns xid8 language sql immutable parallel safe as $$
    select case when shift = 0 then number else (number::text::bigint + shift)::text::xid8 end
$$;

create function ledger.tick() returns xid8 language sql stable as $$
    select ledger.shifted(pg_current_xact_id(), c.shift) from ledger.clock c
$$;

-- Every journal with a smaller tick is committed and seen by any statement that begins now; none can come below it.
create function ledger.horizon() returns xid8 language sql stable as $$
    select ledger.shifted(pg_snapshot_xmin(pg_current_snapshot()), c.shift) from ledger.clock c
$$;

-- What this statement sees, written in ticks, as the text of a pg_snapshot.
create function ledger.snapshot() returns text language sql stable as $$
    select concat_ws(':', ledger.shifted(pg_snapshot_xmin(s.now), c.shift),
                     ledger.shifted(pg_snapshot_xmax(s.now), c.shift),
                     coalesce((select string_agg(ledger.shifted(open, c.shift)::text, ',' order by open)
                                 from pg_snapshot_xip(s.now) open), ''))
      from ledger.clock c, pg_current_snapshot() s (now)
$$;

-- How the balance of each kind is kept; `keneya migrate` adds the kinds that the program knows.
-- summed: not at all, its few movements are summed. folded: in day rows, without a lock and without a limit.
-- limited: in a row that each posting locks, never below zero on its side.
create table ledger.kind (
    kind text collate "C" primary key,
    keeping text collate "C" not null check (keeping in ('summed', 'folded', 'limited')),
    side text collate "C" not null check (side in ('debit', 'credit'))
);
insert into ledger.kind values
    ('float', 'folded', 'debit'), ('cash', 'limited', 'debit'), ('bank', 'folded', 'debit'),
    ('member', 'summed', 'debit'), ('interfund', 'folded', 'debit'), ('suspense', 'folded', 'credit'),
    ('opening', 'folded', 'credit'), ('reserve', 'folded', 'credit'), ('contributions', 'folded', 'credit'),
    ('registration', 'folded', 'credit'), ('fees', 'folded', 'debit');

-- Books are closed up to and including a day. A posting holds this row, a close waits until it has let go.
create table ledger.book (
    mutuelle_id text collate "C" primary key,
    closed_through date
);

-- Everything with a tick below `upto` is in the day rows.
create table ledger.fold (
    mutuelle_id text collate "C" primary key,
    upto xid8 not null default '0',
    folded_at timestamptz not null default clock_timestamp()
);

insert into ledger.book (mutuelle_id) select distinct mutuelle_id from ledger.account;
insert into ledger.fold (mutuelle_id) select distinct mutuelle_id from ledger.account;

-- An account without a balance row of its own has day rows or is summed; one that needs day rows cannot be opened
-- where nobody folds.
alter table ledger.account add column keeping text collate "C";
alter table ledger.account disable trigger only_closes;
update ledger.account a set keeping = k.keeping from ledger.kind k where k.kind = a.kind;
alter table ledger.account enable always trigger only_closes;
alter table ledger.account alter column keeping set not null,
    add check (keeping in ('summed', 'folded', 'limited')),
    add column folded_by text collate "C"
        generated always as (case when keeping <> 'summed' then mutuelle_id end) stored references ledger.fold;

create or replace function ledger.refuse_account_change() returns trigger language plpgsql as $$
begin
    if (old.mutuelle_id, old.code, old.currency, old.keeping, old.opened_at)
       is distinct from (new.mutuelle_id, new.code, new.currency, new.keeping, new.opened_at)
       or old.closed_on is not null then
        raise exception 'ledger.account: only an open account can change, and only by being closed'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- `occurred_on`: the day a journal is for, where that lay in closed books; it is booked on `effective_on`.
-- The length of a kind is counted apart: a pattern that counts has a state for each letter, made anew for each row.
alter table ledger.journal add column occurred_on date check (occurred_on < effective_on),
    alter column xid set default ledger.tick(), drop constraint journal_kind_check,
    add constraint journal_kind_check check (kind ~ '^[a-z][a-z0-9 _-]*$' and length(kind) <= 40);
-- A reservation may have a deadline, after which it can no longer be posted and is freed by phase 'expire'.
alter table ledger.movement add column expires_at timestamptz check (expires_at is null or phase = 'pending'),
    alter column xid set default ledger.tick();

alter table ledger.movement drop constraint movement_phase_check, drop constraint movement_check2;
alter table ledger.movement
    add constraint movement_phase_check check (phase in ('single', 'pending', 'post', 'void', 'expire')),
    add constraint movement_resolves check (
        (phase in ('post', 'void', 'expire')) = (pending_journal_id is not null));

drop index ledger.movement_resolved_once, ledger.movement_debit, ledger.movement_credit, ledger.journal_by_date;
create unique index movement_resolved_once on ledger.movement (mutuelle_id, pending_journal_id, pending_position)
    where phase in ('post', 'void', 'expire');
create index movement_debit on ledger.movement (mutuelle_id, debit_account, effective_on, xid) include (amount)
    where phase in ('single', 'post');
create index movement_credit on ledger.movement (mutuelle_id, credit_account, effective_on, xid) include (amount)
    where phase in ('single', 'post');
create index movement_held_debit on ledger.movement (mutuelle_id, debit_account) where phase = 'pending';
create index movement_held_credit on ledger.movement (mutuelle_id, credit_account) where phase = 'pending';
create index movement_expiring on ledger.movement (mutuelle_id, expires_at)
    where phase = 'pending' and expires_at is not null;
create index journal_by_date on ledger.journal (mutuelle_id, effective_on, xid);
-- The way of the fold and of the seals to what is new, and of a balance to what is not folded yet.
create index journal_by_xid on ledger.journal (mutuelle_id, xid);

-- The balance of a limited account, open reservations counted. The check is the last word, whoever writes.
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

-- Closing and reopening: each is a journal without movements, and a row here that says of what.
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

create trigger append_only before update or delete or truncate on ledger.period_act
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.period_total
    for each statement execute function ledger.refuse_change();
alter table ledger.period_act enable always trigger append_only;
alter table ledger.period_total enable always trigger append_only;

-- The legs of what counts, now with their tick.
create or replace view ledger.entry as
select mutuelle_id, debit_account as account, credit_account as counter_account, amount as debit,
       0::bigint as credit, currency, effective_on, journal_id, position, xid
  from ledger.movement where phase in ('single', 'post')
union all
select mutuelle_id, credit_account, debit_account, 0::bigint, amount, currency, effective_on, journal_id, position, xid
  from ledger.movement where phase in ('single', 'post');

-- Reservations that are neither posted nor freed.
create view ledger.held as
select m.mutuelle_id, m.journal_id, m.position, m.debit_account, m.credit_account, m.amount, m.currency, m.expires_at
  from ledger.movement m
 where m.phase = 'pending'
   and not exists (select from ledger.movement r
                    where r.mutuelle_id = m.mutuelle_id and r.pending_journal_id = m.journal_id
                      and r.pending_position = m.position and r.phase in ('post', 'void', 'expire'));

-- The head of an account's code, `fund:kind`: the control account of a kind whose accounts are summed.
create function ledger.head(code text) returns text language sql immutable parallel safe as $$
    select split_part(code, ':', 1) || ':' || split_part(code, ':', 2)
$$;
