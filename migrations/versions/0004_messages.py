"""SMS in: what came of each message, and the conversation that a phone has open."""

from migrations.script import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(INBOX)
    run_sql(CONVERSATIONS)


# What came before messages were played is set aside: an answer months late would help nobody.
INBOX = """
alter table sms_inbox
    add column nth bigint generated always as identity,
    add column state text collate "C" not null default 'WAITING'
        check (state in ('WAITING', 'ANSWERED', 'SET_ASIDE', 'FAILED')),
    add column handled_as text collate "C",
    add column attempts smallint not null default 0 check (attempts >= 0),
    add column due_at timestamptz,
    add column handled_at timestamptz;

update sms_inbox set state = 'SET_ASIDE', handled_as = 'old', due_at = received_at, handled_at = received_at;

alter table sms_inbox
    alter column due_at set not null,
    add check ((state = 'WAITING') = (handled_at is null)),
    add check ((state = 'WAITING') = (handled_as is null)),
    add check (handled_as in ('menu', 'answer', 'stop', 'start', 'help', 'code', 'stranger', 'limit', 'fault', 'old'));

-- The queue: one worker serves every phone, so these are led by time and by phone.
create index sms_inbox_waiting on sms_inbox (received_at, nth) where state = 'WAITING';
create index sms_inbox_waiting_phone on sms_inbox (phone, received_at, nth) where state = 'WAITING';
-- What a phone had played within a day.
create index sms_inbox_handled on sms_inbox (phone, handled_at);
"""

# A phone has one conversation: the last one, kept for a day. Where it has ended only its keyword is left.
CONVERSATIONS = r"""
create table sms_conversation (
    phone text collate "C" primary key check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    id text collate "C" not null check (id <> ''),
    keyword text not null check (keyword <> ''),
    is_open boolean not null,
    acted boolean not null,
    answers jsonb not null,
    view jsonb not null,
    expires_at timestamptz not null,
    check (is_open or (answers = '[]' and view = '{}')),
    check (not (is_open and acted))
);

create index sms_conversation_expired on sms_conversation (expires_at);
"""
