-- Digests: what a treasurer was told, and what they answered.

-- What a treasurer was told, figure by figure. `counted_to` is the snapshot of the database that the figures are of,
-- `counted_from` that of the digest before: what came in is what the one sees and the other does not. A snapshot is
-- written in ticks (`ledger.snapshot`): `keneya migrate` keeps the ledger's clock beyond it.
create table digest (
    mutuelle_id text collate "C" not null references mutuelle,
    phone text collate "C" not null,
    fired_for timestamptz not null,
    message_key text collate "C" not null,
    since timestamptz not null,
    sent_at timestamptz not null,
    counted_from text collate "C" not null check (counted_from ~ '^[0-9]+:[0-9]+:[0-9,]*$'),
    counted_from_at timestamptz not null,
    counted_to text collate "C" not null check (counted_to ~ '^[0-9]+:[0-9]+:[0-9,]*$'),
    counted_to_at timestamptz not null,
    received_minor bigint not null,
    payers integer not null check (payers >= 0),
    cash_minor bigint not null, -- all of it
    collectors_minor bigint not null, -- what collectors hold of it
    mobile_minor bigint not null,
    bank_minor bigint not null,
    up_to_date integer not null check (up_to_date >= 0),
    households integer not null check (households >= up_to_date),
    unresolved integer not null check (unresolved >= 0),
    oldest_at timestamptz,
    -- The root that it told in short: nobody who rewrites the book can rewrite that SMS.
    seal_root bytea check (octet_length(seal_root) = 32),
    primary key (mutuelle_id, phone, fired_for),
    unique (mutuelle_id, message_key),
    check ((unresolved = 0) = (oldest_at is null))
);
create index digest_of_phone on digest (mutuelle_id, phone, sent_at);
grant select, insert on digest to service;

create table digest_answer (
    mutuelle_id text collate "C" not null,
    phone text collate "C" not null,
    fired_for timestamptz not null,
    position integer not null check (position > 0),
    verdict text collate "C" not null check (verdict in ('OK', 'ERR')),
    reason text check (length(reason) between 2 and 60),
    name text not null check (length(name) between 2 and 26),
    channel text collate "C" not null,
    answered_at timestamptz not null,
    -- Where no digest was sent in the last days: about the balance of the day that began at `fired_for`.
    of_balance boolean not null default false,
    digest_of timestamptz generated always as (case when of_balance then null else fired_for end) stored,
    primary key (mutuelle_id, phone, fired_for, position),
    foreign key (mutuelle_id, phone, digest_of) references digest,
    check ((verdict = 'ERR') = (reason is not null))
);
create index digest_answer_by_time on digest_answer (mutuelle_id, answered_at);
grant select, insert on digest_answer to service;
