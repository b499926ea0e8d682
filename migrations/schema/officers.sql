-- Officers: who may do what, who gave or took an office, their PINs, and what takes two of them.

create table officer (
    mutuelle_id text collate "C" not null references mutuelle,
    role text collate "C" not null check (role in ('treasurer', 'collector', 'enrolment officer')),
    phone text collate "C" not null,
    name text not null check (length(name) between 2 and 26),
    since date not null,
    -- A withdrawn office ended the day before, so that it ends at once; given and withdrawn on one day, it has no day.
    until date check (until >= since - 1),
    primary key (mutuelle_id, role, phone)
);
create index officer_by_phone on officer (phone);
grant select, insert, update (name, since, until) on officer to service;

-- What one officer proposes and another answers. `facts` are looked at again at the answer.
create table joint_act (
    mutuelle_id text collate "C" not null references mutuelle,
    id uuid not null,
    kind text collate "C" not null check (kind ~ '^[a-z][a-z ]{1,39}$'),
    about text collate "C", -- the phone of the person whom it is about
    facts jsonb not null check (jsonb_typeof(facts) = 'object'),
    reason text not null check (length(reason) between 2 and 160),
    consent text not null, -- the whole screen that the proposer agreed to
    proposed_by text collate "C" not null,
    proposer_name text not null,
    proposed_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > proposed_at),
    answer text collate "C" check (answer in ('approved', 'refused')),
    answered_by text collate "C",
    answerer_name text,
    answered_at timestamptz,
    primary key (mutuelle_id, id),
    check (num_nonnulls(answer, answered_by, answerer_name, answered_at) in (0, 4)),
    -- Two people: never the one who proposed, never the one whom it is about.
    check (answered_by <> proposed_by and answerer_name <> proposer_name and answered_by <> about),
    check (answered_at <= expires_at)
);
create index joint_act_open on joint_act (mutuelle_id, expires_at) where answer is null;
grant select, insert, update (answer, answered_by, answerer_name, answered_at) on joint_act to service;

-- Who was given or lost an office is written once.
create table role_change (
    mutuelle_id text collate "C" not null references mutuelle,
    role text collate "C" not null check (role in ('doctor', 'treasurer', 'collector', 'enrolment officer')),
    phone text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (what in ('given', 'withdrawn')),
    name text not null check (length(name) between 2 and 30),
    since date not null,
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    act uuid,
    changed_at timestamptz not null default now(),
    primary key (mutuelle_id, role, phone, position),
    foreign key (mutuelle_id, act) references joint_act
);
create unique index role_change_of_act on role_change (mutuelle_id, act) where act is not null;
grant select, insert on role_change to service;

-- What a mutuelle allows, where it is not the usual: each change with its first day. `act` is what two signed; without
-- it, it came with the import.
create table mutuelle_limit (
    mutuelle_id text collate "C" not null references mutuelle,
    name text collate "C" not null check (name ~ '^[a-z_]{4,40}$'),
    version integer not null check (version > 0),
    since date not null,
    value bigint not null check (value >= 0),
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    act uuid,
    recorded_at timestamptz not null default now(),
    primary key (mutuelle_id, name, version),
    foreign key (mutuelle_id, act) references joint_act
);
create unique index mutuelle_limit_of_act on mutuelle_limit (mutuelle_id, act) where act is not null;
grant select, insert on mutuelle_limit to service;

create table officer_pin (
    phone text collate "C" primary key,
    sealed bytea not null check (length(sealed) > 90), -- nonce, an argon2id hash in its own notation, tag
    origin text collate "C" not null check (origin in ('screen', 'slip')),
    issued_at timestamptz not null,
    used_at timestamptz,
    failures integer not null default 0 check (failures between 0 and 10),
    locked_until timestamptz,
    reissue_until timestamptz
);
grant select, insert, update (sealed, origin, issued_at, used_at, failures, locked_until, reissue_until)
    on officer_pin to service;

create table pin_change (
    phone text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (what in ('received', 'issued', 'locked', 'unlocked', 'new one allowed')),
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    changed_at timestamptz not null,
    primary key (phone, position)
);
grant select, insert on pin_change to service;

-- What two treasurers decided that a household need not pay of a policy whose cover has ended.
create table waiver (
    mutuelle_id text collate "C" not null,
    act uuid not null,
    number text collate "C" not null,
    sequence integer not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    waived_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (mutuelle_id, act),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, number, sequence) references policy
);
create index waiver_by_household on waiver (mutuelle_id, number);
grant select, insert on waiver to service;
