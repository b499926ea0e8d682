-- How operators answer: what the worker saw of each account, minute by minute, and what it makes of it.

-- One minute of one account: how many questions were answered, refused (a definite no: of the payer, or to what was
-- asked) and not answered, or not so that it could be understood.
create table operator_minute (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    minute timestamptz not null,
    answers integer not null check (answers >= 0),
    refusals integer not null check (refusals >= 0),
    silences integer not null check (silences >= 0),
    primary key (mutuelle_id, account, minute),
    foreign key (mutuelle_id, account) references operator_account,
    check (answers + refusals + silences > 0)
);
create index operator_minute_by_time on operator_minute (minute);
grant select, insert, update (answers, refusals, silences) on operator_minute to service;

-- What the rule made of it last (`mutuelle/contributions/operator_health.py`). An account without a row is up.
create table operator_health (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    state text collate "C" not null check (state in ('UP', 'SLOW', 'DOWN')),
    since timestamptz not null, -- it went down, or came back
    told_at timestamptz, -- when treasurers were last told that it is down
    is_told boolean not null default false, -- of this time, so that they are told when it is back
    primary key (mutuelle_id, account),
    foreign key (mutuelle_id, account) references operator_account,
    check (not is_told or told_at is not null)
);
grant select, insert, update (state, since, told_at, is_told) on operator_health to service;
