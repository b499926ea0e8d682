-- Reminders: who agreed to be reminded, and each reminder that was sent.

-- Which phone of a household agreed to be reminded, and when; it ends with `until`.
create table reminder_consent (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    phone text collate "C" not null,
    since timestamptz not null,
    until timestamptz check (until >= since),
    primary key (mutuelle_id, number, phone, since),
    foreign key (mutuelle_id, number) references household
);
create unique index reminder_consent_open on reminder_consent (mutuelle_id, number, phone) where until is null;
grant select, insert, update (until) on reminder_consent to service;

-- Each reminder goes to a phone once for a policy, ever.
create table reminder (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    sequence integer not null,
    kind text collate "C" not null
        check (kind in ('ends in two weeks', 'ends in three days', 'ends today', 'part paid')),
    phone text collate "C" not null,
    message_key text collate "C" not null,
    ends_on date not null,
    amount_minor bigint check (amount_minor > 0),
    sent_at timestamptz not null,
    primary key (mutuelle_id, number, sequence, kind, phone),
    unique (mutuelle_id, message_key),
    foreign key (mutuelle_id, number, sequence) references policy
);
grant select, insert on reminder to service;
