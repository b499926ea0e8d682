-- Payers: who pays contributions for others, for which category of households (a regime), and which policies.

create table payer (
    mutuelle_id text collate "C" not null references mutuelle,
    code text collate "C" not null check (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'), -- also of its account: health:receivable:code
    name text not null check (length(name) between 2 and 24),
    kind text collate "C" not null check (kind in ('state', 'commune', 'ngo', 'employer', 'other')),
    primary key (mutuelle_id, code),
    check ((kind = 'state') = (code ~ '^etat(-|$)')) -- how reports find what the State owes
);
grant select, insert on payer to service;

-- What a regime pays from a day on. A row never changes: another share, another payer or none (0 percent) is a new row.
create table regime (
    mutuelle_id text collate "C" not null,
    code text collate "C" not null check (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    since date not null,
    name text not null check (length(name) between 2 and 16),
    payer text collate "C" not null,
    percent integer not null check (percent between 0 and 100),
    primary key (mutuelle_id, code, since),
    foreign key (mutuelle_id, payer) references payer
);
grant select, insert on regime to service;

-- The regime of a household, change after change: the last row that has begun counts, until its last day.
create table household_regime (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    position integer not null check (position > 0),
    regime text collate "C", -- null: it pays for itself again
    since date not null,
    until date check (until >= since),
    act uuid, -- what two signed; without it the import
    actor text not null check (length(actor) between 1 and 60),
    recorded_at timestamptz not null,
    primary key (mutuelle_id, number, position),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, act) references joint_act
);
create unique index household_regime_of_act on household_regime (mutuelle_id, act) where act is not null;
create index household_regime_of on household_regime (mutuelle_id, regime) where regime is not null;
grant select, insert on household_regime to service;

-- What a payer owes of one policy. It is written while nothing of the policy is called, and never changes.
create table policy_share (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    sequence integer not null,
    regime text collate "C" not null,
    regime_since date not null,
    part_minor bigint not null check (part_minor > 0),
    agreed_on date not null,
    recorded_at timestamptz not null default clock_timestamp(), -- as the book's: what was known to a past answer
    primary key (mutuelle_id, number, sequence),
    foreign key (mutuelle_id, number, sequence) references policy,
    foreign key (mutuelle_id, regime, regime_since) references regime
);
create index policy_share_of_regime on policy_share (mutuelle_id, regime, regime_since);
grant select, insert on policy_share to service;
