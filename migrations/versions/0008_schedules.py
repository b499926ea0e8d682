"""What is due at an hour: digests, reminders, and one row for each firing."""

from migrations.script import run_sql

revision = "0008"
down_revision = "0007"

SCHEDULES = """
-- What is done again and again. `fires_for` is the hour of its calendar that it waits for, `due_at` when that is for
-- the worker, `next_at` the next try: later than due where a try failed or the night was waited for.
create table schedule (
    mutuelle_id text collate "C" not null references mutuelle,
    kind text collate "C" not null check (kind in ('digest', 'reminders')),
    subject text collate "C" not null check (subject <> ''),
    cron text collate "C" not null check (length(cron) between 9 and 60),
    timezone text collate "C" not null check (timezone <> ''),
    fires_for timestamptz not null,
    due_at timestamptz not null,
    next_at timestamptz not null check (next_at >= due_at),
    counted_to text collate "C" check (counted_to ~ '^[0-9]+:[0-9]+:[0-9,]*$'),
    counted_at timestamptz,
    since timestamptz not null,
    is_new boolean not null default false, -- its owner chose another hour: the worker plans it
    stopped_at timestamptz,
    primary key (mutuelle_id, kind, subject),
    check (num_nonnulls(counted_to, counted_at) in (0, 2))
);
-- The queue of one worker for all mutuelles: not led by mutuelle_id, it answers no question that a tenant asks.
create index schedule_next on schedule (next_at) where stopped_at is null;

-- Each hour of its calendar at which a schedule fired, once.
create table firing (
    mutuelle_id text collate "C" not null references mutuelle,
    kind text collate "C" not null check (kind in ('digest', 'reminders')),
    subject text collate "C" not null,
    fired_for timestamptz not null,
    fired_at timestamptz not null,
    outcome text collate "C" not null check (outcome in ('done', 'too late')),
    messages integer not null check (messages >= 0),
    primary key (mutuelle_id, kind, subject, fired_for),
    check (outcome = 'done' or messages = 0)
);
"""

DIGESTS = """
-- What a treasurer was told, figure by figure. `counted_to` is the snapshot of the database that the figures are of,
-- `counted_from` that of the digest before: what came in is what the one sees and the other does not.
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
    cash_minor bigint not null,
    mobile_minor bigint not null,
    bank_minor bigint not null,
    up_to_date integer not null check (up_to_date >= 0),
    households integer not null check (households >= up_to_date),
    unresolved integer not null check (unresolved >= 0),
    oldest_at timestamptz,
    primary key (mutuelle_id, phone, fired_for),
    unique (mutuelle_id, message_key),
    check ((unresolved = 0) = (oldest_at is null))
);
create index digest_of_phone on digest (mutuelle_id, phone, sent_at);

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
    primary key (mutuelle_id, phone, fired_for, position),
    foreign key (mutuelle_id, phone, fired_for) references digest,
    check ((verdict = 'ERR') = (reason is not null))
);
create index digest_answer_by_time on digest_answer (mutuelle_id, answered_at);
"""

REMINDERS = """
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
"""


def upgrade() -> None:
    run_sql(SCHEDULES)
    run_sql(DIGESTS)
    run_sql(REMINDERS)
