"""The outbox of messages, the delivery reports as they came, and the phones that said STOP."""

from migrations.script import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(OUTBOX)
    run_sql(MOVES)
    run_sql(REPORTS)
    run_sql(OPTOUTS)


def downgrade() -> None:
    raise NotImplementedError("the schema only moves forward")


OUTBOX = r"""
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
    provider text collate "C",
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
create index sms_outbox_provider on sms_outbox (provider_message_id) where provider_message_id is not null;
"""

# The same moves as sms.tables.MOVES (a test compares them), kept by the database against any later update.
MOVES = """
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
"""

REPORTS = """
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
    applied_at timestamptz,
    mutuelle_id text collate "C",
    message_id uuid,
    unique (provider, content_hash)
);

create index sms_report_new on sms_report (received_at) where applied_at is null;
create index sms_report_message on sms_report (provider_message_id);
create index sms_report_new_phone on sms_report (phone) where applied_at is null;
"""

# A phone has one line for each time that it said STOP; the open one counts.
OPTOUTS = r"""
create table sms_optout (
    id uuid primary key default gen_random_uuid(),
    phone text collate "C" not null check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    source text collate "C" not null,
    since timestamptz not null,
    until timestamptz,
    check (until >= since)
);

create unique index sms_optout_open on sms_optout (phone) where until is null;
"""
