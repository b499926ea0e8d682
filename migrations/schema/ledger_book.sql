-- The book: journals, their movements, and the keys that were spent. Every row stays as it was written: a correction is
-- a new journal.

-- One business event. `effective_on` is the accounting date, `recorded_at` when we learned of it:
-- clock_timestamp() and not now(), which is the start of the transaction.
-- `xid` is the tick: it lets a sealer read whole transactions without missing one that commits late.
-- The length of a kind is counted apart: a pattern that counts has a state for each letter, made anew for each row.
create table ledger.journal (
    mutuelle_id text collate "C" not null,
    id uuid not null,
    kind text collate "C" not null check (kind ~ '^[a-z][a-z0-9 _-]*$' and length(kind) <= 40),
    effective_on date not null check (effective_on >= date '2000-01-01'),
    recorded_at timestamptz not null default clock_timestamp(),
    actor text collate "C" not null check (btrim(actor) <> '' and length(actor) <= 100),
    reason text collate "C" not null check (btrim(reason) <> '' and length(reason) <= 300),
    reverses_id uuid check (reverses_id <> id),
    memo jsonb not null default '{}' check (jsonb_typeof(memo) = 'object'),
    xid xid8 not null default ledger.tick(),
    occurred_on date check (occurred_on < effective_on), -- the day it is for, where that lay in closed books
    primary key (mutuelle_id, id),
    foreign key (mutuelle_id, reverses_id) references ledger.journal (mutuelle_id, id)
);
create unique index journal_reversed_once on ledger.journal (mutuelle_id, reverses_id)
    where reverses_id is not null;
create index journal_by_date on ledger.journal (mutuelle_id, effective_on, xid);
-- The way of the fold and of the seals to what is new, and of a balance to what is not folded yet.
create index journal_by_xid on ledger.journal (mutuelle_id, xid);
create trigger append_only before update or delete or truncate on ledger.journal
    for each statement execute function ledger.refuse_change();
alter table ledger.journal enable always trigger append_only;
grant select on ledger.journal to service, auditor;

-- One row a movement: balanced by construction. A reservation is a movement in phase 'pending'; a later 'post' (of it
-- all, or of a part: the rest is freed), 'void' or 'expire' (after its deadline) names it, and an index allows one.
-- No foreign key to account: the accounts are hot, the posting function looks them up, a check proves it.
create table ledger.movement (
    mutuelle_id text collate "C" not null,
    journal_id uuid not null,
    position smallint not null check (position > 0),
    debit_account text collate "C" not null,
    credit_account text collate "C" not null check (credit_account <> debit_account),
    amount bigint not null check (amount between 1 and 1000000000000),
    currency text collate "C" not null,
    phase text collate "C" not null check (phase in ('single', 'pending', 'post', 'void', 'expire')),
    pending_journal_id uuid,
    pending_position smallint,
    effective_on date not null,
    xid xid8 not null default ledger.tick(),
    expires_at timestamptz check (expires_at is null or phase = 'pending'), -- the deadline of a reservation
    primary key (mutuelle_id, journal_id, position),
    foreign key (mutuelle_id, journal_id) references ledger.journal (mutuelle_id, id),
    constraint movement_in_one_fund check (split_part(debit_account, ':', 1) = split_part(credit_account, ':', 1)),
    constraint movement_resolves check ((phase in ('post', 'void', 'expire')) = (pending_journal_id is not null)),
    check ((pending_journal_id is null) = (pending_position is null))
);
create unique index movement_resolved_once on ledger.movement (mutuelle_id, pending_journal_id, pending_position)
    where phase in ('post', 'void', 'expire');
create index movement_debit on ledger.movement (mutuelle_id, debit_account, effective_on, xid) include (amount)
    where phase in ('single', 'post');
create index movement_credit on ledger.movement (mutuelle_id, credit_account, effective_on, xid) include (amount)
    where phase in ('single', 'post');
create index movement_held_debit on ledger.movement (mutuelle_id, debit_account, effective_on) where phase = 'pending';
create index movement_held_credit on ledger.movement (mutuelle_id, credit_account, effective_on) where phase = 'pending';
create index movement_expiring on ledger.movement (mutuelle_id, expires_at)
    where phase = 'pending' and expires_at is not null;
create trigger append_only before update or delete or truncate on ledger.movement
    for each statement execute function ledger.refuse_change();
alter table ledger.movement enable always trigger append_only;
grant select on ledger.movement to service, auditor;

-- Every key that was ever spent, with what it was spent on. A refusal is kept too: a retry of a refused key
-- is refused again, whatever has changed since.
create table ledger.request (
    mutuelle_id text collate "C" not null,
    source text collate "C" not null,
    key text collate "C" not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    verdict text collate "C" not null check (verdict in ('created', 'refused')),
    journal_id uuid,
    reason text collate "C",
    created_at timestamptz not null default clock_timestamp(),
    primary key (mutuelle_id, source, key),
    check ((verdict = 'created') = (journal_id is not null)),
    check ((verdict = 'refused') = (reason is not null))
);
create unique index request_of_journal on ledger.request (mutuelle_id, journal_id)
    where journal_id is not null;
create trigger append_only before update or delete or truncate on ledger.request
    for each statement execute function ledger.refuse_change();
alter table ledger.request enable always trigger append_only;
grant select on ledger.request to service, auditor;

-- The two legs of every movement that counts. A pending or voided movement moves no posted balance.
create view ledger.entry as
select mutuelle_id, debit_account as account, credit_account as counter_account, amount as debit,
       0::bigint as credit, currency, effective_on, journal_id, position, xid
  from ledger.movement where phase in ('single', 'post')
union all
select mutuelle_id, credit_account, debit_account, 0::bigint, amount, currency, effective_on, journal_id, position, xid
  from ledger.movement where phase in ('single', 'post');
grant select on ledger.entry to service, auditor;

-- The reservations that are neither posted nor freed.
create view ledger.held as
select m.mutuelle_id, m.journal_id, m.position, m.debit_account, m.credit_account, m.amount, m.currency, m.expires_at,
       m.effective_on
  from ledger.movement m
 where m.phase = 'pending'
   and not exists (select from ledger.movement r
                    where r.mutuelle_id = m.mutuelle_id and r.pending_journal_id = m.journal_id
                      and r.pending_position = m.position and r.phase in ('post', 'void', 'expire'));
grant select on ledger.held to service, auditor;
