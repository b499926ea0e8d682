-- Schedules: what is done again and again at an hour, and each time that it was.

-- It goes with the office it was made for. `fires_for` is the hour of its calendar that it waits for, `due_at` when
-- that is for the worker, `next_at` the next try: later than due where a try failed or the night was waited for.
create table schedule (
    mutuelle_id text collate "C" not null references mutuelle,
    kind text collate "C" not null check (kind in ('digest', 'reminders', 'retention', 'balances')),
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
    is_chosen boolean not null default false, -- its owner has chosen the hour: the mutuelle's own does not move it
    stopped_at timestamptz,
    primary key (mutuelle_id, kind, subject),
    check (num_nonnulls(counted_to, counted_at) in (0, 2))
);
-- The queue of one worker for all mutuelles: not led by mutuelle_id, it answers no question that a tenant asks.
create index schedule_next on schedule (next_at) where stopped_at is null;
grant select, insert, update (cron, timezone, fires_for, due_at, next_at, counted_to, counted_at, since, is_new,
    is_chosen, stopped_at), delete on schedule to service;

-- Each hour of its calendar at which a schedule fired, once.
create table firing (
    mutuelle_id text collate "C" not null references mutuelle,
    kind text collate "C" not null check (kind in ('digest', 'reminders', 'retention', 'balances')),
    subject text collate "C" not null,
    fired_for timestamptz not null,
    fired_at timestamptz not null,
    outcome text collate "C" not null check (outcome in ('done', 'too late')),
    messages integer not null check (messages >= 0),
    primary key (mutuelle_id, kind, subject, fired_for),
    check (outcome = 'done' or messages = 0)
);
grant select, insert on firing to service;
