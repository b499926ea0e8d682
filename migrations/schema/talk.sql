-- Conversations: what callers prefer, every action with the words that were agreed to, what is limited.

create table preference (
    phone text collate "C" primary key,
    language text collate "C" not null,
    chosen_at timestamptz not null
);
grant select, insert, update on preference to service;

-- An action and the words agreed to are written once; only its own transaction adds the screen it ended with.
create table action (
    gateway text collate "C" not null,
    call text collate "C" not null,
    phone text collate "C" not null,
    position integer not null,
    transcript text collate "C" not null,
    name text not null,
    facts jsonb not null,
    facts_hash bytea not null,
    consent text not null check (consent <> ''),
    screen text,
    done_at timestamptz not null,
    primary key (gateway, call, phone, position)
);
create index action_by_number on action ((facts ->> 'number')) where facts ->> 'number' is not null;
create index action_by_time on action (done_at);
grant select, insert, update (screen) on action to service;

-- One row for each use, however often it is played again: `subject` used `item`. Counted over an hour or a day.
create table limited_use (
    what text collate "C" not null check (what in ('stranger answered', 'number not found', 'member looked up', 'holder not proven')),
    subject text collate "C" not null,
    item text collate "C" not null,
    used_at timestamptz not null,
    primary key (what, subject, item)
);
create index limited_use_lately on limited_use (what, used_at);
grant select, insert on limited_use to service;
