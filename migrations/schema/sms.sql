-- SMS: the outbox, delivery reports as they came, phones that said STOP, what came in, and open conversations.

-- What a message says, to whom and why, cannot be changed after it was written.
create table sms_outbox (
    mutuelle_id text collate "C" not null,
    id uuid not null default gen_random_uuid(),
    key text collate "C" not null check (key <> ''),
    phone text collate "C" not null check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    template text collate "C" not null check (template <> ''),
    body text not null check (body <> ''),
    receipt_code text collate "C",
    is_reply boolean not null default false,
    segments smallint not null check (segments between 1 and 3),
    state text collate "C" not null default 'DUE'
        check (state in ('DUE', 'SENDING', 'SENT', 'IN_DOUBT', 'DELIVERED', 'FAILED', 'WITHHELD')),
    due_at timestamptz not null,
    lease_token uuid,
    lease_until timestamptz,
    attempts integer not null default 0 check (attempts >= 0),
    resends smallint not null default 0 check (resends between 0 and 1),
    provider text collate "C", -- that has it, or gets it next; empty: the first of its route
    refused_by text collate "C", -- the provider that will never send it
    provider_message_id text collate "C",
    provider_status text,
    reason text,
    called_at timestamptz,
    in_doubt_at timestamptz,
    sent_at timestamptz,
    final_at timestamptz,
    created_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    primary key (mutuelle_id, id),
    unique (mutuelle_id, key)
);
-- A phone's messages, and what it was sent within a day.
create index sms_outbox_phone on sms_outbox (mutuelle_id, phone, called_at);
-- The queue. One sender serves all mutuelles and a report names none, so these three partial indexes are not
-- led by mutuelle_id; they hold work in hand (or provider ids) and answer no question that a tenant asks.
create index sms_outbox_due on sms_outbox ((receipt_code is null and not is_reply), due_at)
    where state = 'DUE';
create index sms_outbox_open on sms_outbox (state, phone) where state in ('SENDING', 'IN_DOUBT');
-- What is kept of its words has a term.
create index sms_outbox_words on sms_outbox (created_at) where body <> '-';
create index sms_outbox_provider on sms_outbox (provider_message_id) where provider_message_id is not null;
grant select, insert, update (state, due_at, lease_token, lease_until, attempts, resends, provider, refused_by,
    provider_message_id, provider_status, reason, called_at, in_doubt_at, sent_at, final_at) on sms_outbox to service;

-- The same moves as sms.tables.MOVES (a test compares them), kept by the database against any later update.
create function sms_outbox_move() returns trigger language plpgsql as $$
begin
    if (old.state, new.state) not in (
        ('DUE', 'SENDING'), ('DUE', 'WITHHELD'),
        ('SENDING', 'DUE'), ('SENDING', 'SENT'), ('SENDING', 'IN_DOUBT'), ('SENDING', 'FAILED'),
        ('IN_DOUBT', 'DUE'), ('IN_DOUBT', 'SENT'), ('IN_DOUBT', 'DELIVERED'), ('IN_DOUBT', 'FAILED'),
        ('SENT', 'DELIVERED'), ('SENT', 'FAILED'),
        ('FAILED', 'DELIVERED')
    ) then
        raise exception 'a message does not go from % to %', old.state, new.state;
    end if;
    return new;
end $$;

create trigger sms_outbox_move before update of state on sms_outbox
    for each row when (old.state is distinct from new.state) execute function sms_outbox_move();

create table sms_report (
    id uuid primary key default gen_random_uuid(),
    provider text collate "C" not null,
    provider_message_id text collate "C" not null,
    status text not null,
    rank smallint not null check (rank between 0 and 3),
    phone text collate "C" not null,
    failure_reason text,
    raw jsonb not null,
    content_hash bytea not null,
    received_at timestamptz not null,
    applied_at timestamptz, -- when there was nothing more to learn from it
    mutuelle_id text collate "C", -- the message it spoke of; both empty if it was never found
    message_id uuid,
    unique (provider, content_hash)
);
create index sms_report_new on sms_report (received_at) where applied_at is null;
create index sms_report_by_time on sms_report (received_at);
create index sms_report_message on sms_report (provider_message_id);
create index sms_report_new_phone on sms_report (phone) where applied_at is null;
grant select, insert, update (applied_at, mutuelle_id, message_id) on sms_report to service;

-- A phone has one line for each time that it said STOP; the open one counts.
create table sms_optout (
    id uuid primary key default gen_random_uuid(),
    phone text collate "C" not null check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    source text collate "C" not null,
    since timestamptz not null,
    until timestamptz,
    check (until >= since)
);
create unique index sms_optout_open on sms_optout (phone) where until is null;
grant select, insert, update (until) on sms_optout to service;

-- What came in cannot be changed, only what became of it.
create table sms_inbox (
    provider text collate "C" not null,
    provider_message_id text collate "C" not null,
    phone text collate "C" not null,
    short_code text not null,
    body text not null,
    received_at timestamptz not null,
    nth bigint generated always as identity, -- in the order of arrival
    state text collate "C" not null default 'WAITING'
        check (state in ('WAITING', 'ANSWERED', 'SET_ASIDE', 'FAILED')),
    handled_as text collate "C", -- what it was taken for
    attempts smallint not null default 0 check (attempts >= 0),
    due_at timestamptz not null,
    handled_at timestamptz,
    part smallint check (part > 0), -- of a longer message; empty: a whole one
    parts smallint, -- of that message, if its provider tells, and its reference
    reference text collate "C",
    primary key (provider, provider_message_id),
    check ((state = 'WAITING') = (handled_at is null)),
    check ((state = 'WAITING') = (handled_as is null)),
    check (handled_as in ('menu', 'answer', 'stop', 'start', 'help', 'code', 'stranger', 'limit', 'fault', 'part')),
    check ((parts is null) = (reference is null)),
    check (parts is null or part is not null and part <= parts)
);
-- The queue: one worker serves every phone, so these are led by time and by phone.
create index sms_inbox_waiting on sms_inbox (received_at, nth) where state = 'WAITING';
create index sms_inbox_waiting_phone on sms_inbox (phone, received_at, nth) where state = 'WAITING';
create index sms_inbox_by_time on sms_inbox (received_at);
-- What a phone had played within a day.
create index sms_inbox_handled on sms_inbox (phone, handled_at);
grant select, insert, update (state, handled_as, attempts, due_at, handled_at) on sms_inbox to service;

-- A phone has one conversation: the last one, kept for a day. Where it has ended only its keyword is left.
create table sms_conversation (
    phone text collate "C" primary key check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    id text collate "C" not null check (id <> ''), -- of the message that opened it
    keyword text not null check (keyword <> ''),
    is_open boolean not null,
    acted boolean not null, -- it ended with an action
    answers jsonb not null,
    view jsonb not null,
    expires_at timestamptz not null,
    check (is_open or (answers = '[]' and view = '{}')),
    check (not (is_open and acted))
);
create index sms_conversation_expired on sms_conversation (expires_at);
grant select, insert, update, delete on sms_conversation to service;
