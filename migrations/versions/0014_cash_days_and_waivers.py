"""The day on which cash was received; acts of two people, and the debts that two treasurers waive."""

from migrations.script import run_sql

revision = "0014"
down_revision = "0013"

CASH = """
-- `received_at` is when a receipt was recorded, `received_on` the day on which the collector got the money.
alter table cash_receipt add column received_on date;
update cash_receipt r set received_on = (r.received_at at time zone m.timezone)::date
  from mutuelle m where m.id = r.mutuelle_id;
alter table cash_receipt alter column received_on set not null;
"""


ACTS = """
-- What one officer proposes and another answers. `facts` are looked at again at the answer.
create table joint_act (
    mutuelle_id text collate "C" not null references mutuelle,
    id uuid not null,
    kind text collate "C" not null check (kind ~ '^[a-z][a-z ]{1,39}$'),
    facts jsonb not null check (jsonb_typeof(facts) = 'object'),
    reason text not null check (length(reason) between 2 and 160),
    consent text not null, -- the whole screen that the proposer agreed to
    proposed_by text collate "C" not null,
    proposer_name text not null,
    proposed_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > proposed_at),
    answer text collate "C" check (answer in ('approved', 'refused')),
    answered_by text collate "C",
    answerer_name text,
    answered_at timestamptz,
    primary key (mutuelle_id, id),
    check (num_nonnulls(answer, answered_by, answerer_name, answered_at) in (0, 4)),
    check (answered_by <> proposed_by and answerer_name <> proposer_name),
    check (answered_at <= expires_at)
);
create index joint_act_open on joint_act (mutuelle_id, expires_at) where answer is null;

-- What two treasurers decided that a household need not pay of a policy whose cover has ended.
create table waiver (
    mutuelle_id text collate "C" not null,
    act uuid not null,
    number text collate "C" not null,
    sequence integer not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    waived_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (mutuelle_id, act),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, number, sequence) references policy
);
create index waiver_by_household on waiver (mutuelle_id, number);
"""


def upgrade() -> None:
    run_sql(CASH)
    run_sql(ACTS)
