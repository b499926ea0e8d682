-- The ledger's tables. Every row stays as it was written: a correction is a new journal.
-- Every key begins with the mutuelle: two mutuelles share no row, no key and no constraint.

create schema ledger;

-- An account belongs to one fund and one currency for ever. `fund` and `kind` repeat the head of `code`.
create table ledger.account (
    mutuelle_id text collate "C" not null check (mutuelle_id ~ '^[A-Z0-9][A-Z0-9-]{0,19}$'),
    code text collate "C" not null
        check (code ~ '^[a-z][a-z0-9-]{0,39}:[a-z]{1,30}(:[a-z0-9][A-Za-z0-9-]{0,59})?$'),
    fund text collate "C" not null check (fund = split_part(code, ':', 1)),
    kind text collate "C" not null check (kind = split_part(code, ':', 2)),
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    opened_at timestamptz not null default clock_timestamp(),
    closed_on date, -- takes no movement dated on or after this day
    primary key (mutuelle_id, code)
);

-- One business event. `effective_on` is the accounting date, `recorded_at` when we learned of it:
-- clock_timestamp() and not now(), which is the start of the transaction.
-- `xid` lets a sealer read whole transactions without missing one that commits late.
create table ledger.journal (
    mutuelle_id text collate "C" not null,
    id uuid not null,
    kind text collate "C" not null check (kind ~ '^[a-z][a-z0-9 _-]{0,39}$'),
    effective_on date not null check (effective_on >= date '2000-01-01'),
    recorded_at timestamptz not null default clock_timestamp(),
    actor text collate "C" not null check (btrim(actor) <> '' and length(actor) <= 100),
    reason text collate "C" not null check (btrim(reason) <> '' and length(reason) <= 300),
    reverses_id uuid check (reverses_id <> id),
    memo jsonb not null default '{}' check (jsonb_typeof(memo) = 'object'),
    xid xid8 not null default pg_current_xact_id(),
    primary key (mutuelle_id, id),
    foreign key (mutuelle_id, reverses_id) references ledger.journal (mutuelle_id, id)
);

create unique index journal_reversed_once on ledger.journal (mutuelle_id, reverses_id)
    where reverses_id is not null;
create index journal_by_date on ledger.journal (mutuelle_id, effective_on);

-- One row a movement: balanced by construction. A reservation is a movement in phase 'pending'; a later
-- 'post' (of it all, or of a part: the rest is freed) or 'void' names it, and the index below allows one.
-- No foreign key to account: the accounts are hot, the posting function looks them up, a check proves it.
create table ledger.movement (
    mutuelle_id text collate "C" not null,
    journal_id uuid not null,
    position smallint not null check (position > 0),
    debit_account text collate "C" not null,
    credit_account text collate "C" not null check (credit_account <> debit_account),
    amount bigint not null check (amount between 1 and 1000000000000),
    currency text collate "C" not null,
    phase text collate "C" not null check (phase in ('single', 'pending', 'post', 'void')),
    pending_journal_id uuid,
    pending_position smallint,
    effective_on date not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (mutuelle_id, journal_id, position),
    foreign key (mutuelle_id, journal_id) references ledger.journal (mutuelle_id, id),
    check (split_part(debit_account, ':', 1) = split_part(credit_account, ':', 1)),
    check ((phase in ('post', 'void')) = (pending_journal_id is not null)),
    check ((pending_journal_id is null) = (pending_position is null))
);

create unique index movement_resolved_once
    on ledger.movement (mutuelle_id, pending_journal_id, pending_position) where phase in ('post', 'void');
create index movement_debit on ledger.movement (mutuelle_id, debit_account, effective_on) include (amount)
    where phase in ('single', 'post');
create index movement_credit on ledger.movement (mutuelle_id, credit_account, effective_on) include (amount)
    where phase in ('single', 'post');

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

-- The two legs of every movement that counts. A pending or voided movement moves no posted balance.
create view ledger.entry as
select mutuelle_id, debit_account as account, credit_account as counter_account, amount as debit,
       0::bigint as credit, currency, effective_on, journal_id, position
  from ledger.movement where phase in ('single', 'post')
union all
select mutuelle_id, credit_account, debit_account, 0::bigint, amount, currency, effective_on, journal_id, position
  from ledger.movement where phase in ('single', 'post');

-- Append-only. The service's role has no right to change a row anyway; this stops the owner's own slips.
-- ALWAYS: they fire even in a session that plays a replica.
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger.% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'restrict_violation', hint = 'post a reversal';
end $$;

create function ledger.refuse_account_change() returns trigger language plpgsql as $$
begin
    if (old.mutuelle_id, old.code, old.currency, old.opened_at)
       is distinct from (new.mutuelle_id, new.code, new.currency, new.opened_at)
       or old.closed_on is not null then
        raise exception 'ledger.account: only an open account can change, and only by being closed'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger append_only before update or delete or truncate on ledger.journal
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.movement
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.request
    for each statement execute function ledger.refuse_change();
create trigger append_only before delete or truncate on ledger.account
    for each statement execute function ledger.refuse_change();
create trigger only_closes before update on ledger.account
    for each row execute function ledger.refuse_account_change();

alter table ledger.journal enable always trigger append_only;
alter table ledger.movement enable always trigger append_only;
alter table ledger.request enable always trigger append_only;
alter table ledger.account enable always trigger append_only;
alter table ledger.account enable always trigger only_closes;
