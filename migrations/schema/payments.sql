-- Payments by mobile money: the accounts of a mutuelle at operators, which of them asks which phones, each payment with
-- its moves, and what must be seen by a person.

-- An account of its own at an operator. Its credentials are outside the database, under its mutuelle and name.
create table operator_account (
    mutuelle_id text collate "C" not null references mutuelle,
    name text collate "C" not null check (name ~ '^[a-z0-9]+(-[A-Za-z0-9]+)*$' and length(name) <= 40),
    operator text collate "C" not null,
    country text collate "C" not null check (country ~ '^[A-Z]{2}$'),
    currency text collate "C" not null,
    notice_token text collate "C" not null unique check (length(notice_token) >= 32),
    primary key (mutuelle_id, name)
);
comment on column operator_account.name is 'behind float and suspense in the ledger';
grant select, insert on operator_account to service;

-- How new payments are asked for. Who added or removed a route, and why, stays in support_act.
create table route (
    mutuelle_id text collate "C" not null,
    network text collate "C" not null check (network ~ '^[A-Z]{2}(-[a-z0-9]+)?$'), -- one network, or all of a country
    account text collate "C" not null,
    primary key (mutuelle_id, network),
    foreign key (mutuelle_id, account) references operator_account
);
grant select, insert, delete on route to service;

-- A number that was moved to another network than its prefix says, by the word of its owner or of support.
create table phone_network (
    phone text collate "C" primary key,
    network text collate "C" not null check (network ~ '^[A-Z]{2}-[a-z0-9]+$'),
    since timestamptz not null
);
grant select, insert, update, delete on phone_network to service;

create table payment (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    number text collate "C" not null,
    purpose text collate "C" not null check (purpose in ('contribution')),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    payer_phone text collate "C" not null,
    asked_by text collate "C" not null,
    operator text collate "C" not null,
    account text collate "C" not null,
    network text collate "C" not null default '', -- of the payer's phone; empty where nobody knows it
    notice_token text collate "C" not null unique check (length(notice_token) >= 32),
    receipt_code text collate "C" not null,
    state text collate "C" not null
        check (state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN', 'PAID', 'FAILED', 'REVERSED')),
    renews_code text collate "C",
    renews_version integer,
    renews_members integer,
    renews_minor bigint,
    renews_sequence integer, -- of the policy that it begins: a period that was begun otherwise meanwhile is not begun twice
    renews_regime text collate "C", -- with its row's first day: who pays how much of the renewal
    renews_regime_since date,
    by_another boolean not null default false, -- asked by a phone that is none of the household's
    operator_reference text,
    fee_minor bigint check (fee_minor >= 0), -- as the operator's answer says it; booked by what the statement says
    otp text check (otp ~ '^[0-9]{4,10}$'), -- typed by the payer, where the operator wants it; gone when it was sent
    step_token text, -- what the first of two steps gave: committed before the second asks the phone
    asked_at timestamptz not null,
    sent_at timestamptz,
    completed_at timestamptz,
    late_notified_at timestamptz,
    due_at timestamptz not null,
    polls integer not null default 0,
    lease_token uuid,
    lease_until timestamptz,
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, account) references operator_account,
    foreign key (mutuelle_id, renews_code, renews_version) references product,
    foreign key (mutuelle_id, renews_regime, renews_regime_since) references regime (mutuelle_id, code, since),
    check (otp is null or state = 'ASKED'),
    check (num_nonnulls(renews_regime, renews_regime_since) in (0, 2)),
    check (num_nonnulls(renews_code, renews_version, renews_members, renews_minor, renews_sequence) in (0, 5))
);
create unique index payment_one_open on payment (mutuelle_id, number, purpose, by_another) -- another's holds up nothing
    where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN');
create unique index payment_operator_reference on payment (mutuelle_id, account, operator_reference)
    where operator_reference is not null;
create index payment_operator_says on payment (operator, operator_reference); -- whatever the mutuelle
create index payment_due on payment (due_at) where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN');
create index payment_by_payer on payment (payer_phone, asked_at);
create index payment_by_household on payment (mutuelle_id, number, asked_at);
create index payment_by_asker on payment (asked_by, asked_at); -- what a phone asked for today
create index payment_by_step_token on payment (mutuelle_id, account, step_token) where step_token is not null;
grant select, insert, update (state, operator_reference, fee_minor, step_token, otp, sent_at, completed_at, late_notified_at, due_at, polls,
    lease_token, lease_until) on payment to service;

create table payment_move (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    position integer not null check (position > 0),
    from_state text collate "C",
    to_state text collate "C" not null,
    actor text not null check (actor <> ''),
    reason text not null check (reason <> ''),
    moved_at timestamptz not null,
    primary key (mutuelle_id, reference, position),
    foreign key (mutuelle_id, reference) references payment
);
grant select, insert on payment_move to service;

create table payment_case (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    kind text collate "C" not null
        check (kind in ('mismatch', 'contradiction', 'clock', 'old', 'late notice', 'statement')),
    detail text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (mutuelle_id, reference, kind),
    foreign key (mutuelle_id, reference) references payment
);
grant select, insert, update (closed_at) on payment_case to service;

create table payer_refusal (
    phone text collate "C" primary key,
    since timestamptz not null
);
grant select, insert, delete on payer_refusal to service;

create table money_notice (
    operator text collate "C" not null,
    token text collate "C" not null,
    body_hash bytea not null,
    body bytea not null,
    received_at timestamptz not null,
    times integer not null default 1,
    primary key (operator, token, body_hash)
);
create index money_notice_by_time on money_notice (received_at);
grant select, insert, update (times) on money_notice to service;
