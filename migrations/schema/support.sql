-- Support: what the federation's people did for members from the command line.

-- Who looked at or changed what for somebody else, and why. Of the whole service: a phone may belong to no mutuelle.
create table support_act (
    id uuid primary key,
    nth bigint generated always as identity,
    act text collate "C" not null check (act ~ '^[a-z ]{3,30}$'),
    subject text collate "C" not null check (length(subject) between 1 and 40),
    mutuelle_id text collate "C" references mutuelle,
    number text collate "C",
    facts jsonb not null check (jsonb_typeof(facts) = 'object' and length(facts::text) <= 2000),
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    done_at timestamptz not null,
    foreign key (mutuelle_id, number) references household
);
create index support_act_by_household on support_act (mutuelle_id, number, done_at);
create index support_act_by_time on support_act (done_at);
grant select, insert on support_act to service;
