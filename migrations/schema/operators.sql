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

-- What an operator says that an account holds. A row is a wish, and is filled once the operator has answered: beside its
-- word stands what the book had at that moment, and by how much both may differ for what was under way.
create table operator_balance (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    wished_at timestamptz not null,
    cause text collate "C" not null check (cause in ('end of day', 'statement')),
    due_at timestamptz not null,
    tries integer not null default 0 check (tries >= 0),
    told_at timestamptz,
    told_minor bigint,
    booked_minor bigint, -- of what is collected
    payouts_minor bigint, -- of what payouts are made from, perhaps in the same wallet
    less_minor bigint check (less_minor >= 0), -- perhaps gone already: payouts under way, fees told and not yet booked
    more_minor bigint check (more_minor >= 0), -- perhaps there already: payments under way
    primary key (mutuelle_id, account, wished_at),
    foreign key (mutuelle_id, account) references operator_account,
    check (num_nonnulls(told_at, told_minor, booked_minor, payouts_minor, less_minor, more_minor) in (0, 6))
);
create index operator_balance_due on operator_balance (due_at) where told_at is null;
grant select, insert, update (due_at, tries, told_at, told_minor, booked_minor, payouts_minor, less_minor, more_minor)
    on operator_balance to service;
