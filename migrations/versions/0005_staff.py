"""Roles: who may do what, their PINs, what two treasurers agree on, and the cash that collectors hold."""

from migrations.script import run_sql

revision = "0005"
down_revision = "0004"

OFFICES = """
-- A withdrawn office ended the day before, so that it ends at once; given and withdrawn on one day, it has no day.
alter table officer drop constraint officer_check, add check (until >= since - 1);
alter table doctor add column until date check (until >= contracted_on - 1);
create index officer_by_phone on officer (phone);
create index doctor_by_phone on doctor (phone);

create table role_proposal (
    mutuelle_id text collate "C" not null references mutuelle,
    id uuid not null,
    what text collate "C" not null check (what in ('give', 'withdraw')),
    role text collate "C" not null check (role in ('doctor', 'treasurer', 'collector', 'enrolment officer')),
    phone text collate "C" not null,
    name text not null check (length(name) between 2 and 30),
    facility_id text collate "C",
    languages text[],
    proposed_by text collate "C" not null,
    proposer_name text not null,
    proposed_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > proposed_at),
    answer text collate "C" check (answer in ('approved', 'refused')),
    answered_by text collate "C",
    answered_at timestamptz,
    primary key (mutuelle_id, id),
    foreign key (mutuelle_id, facility_id) references facility,
    check (num_nonnulls(answer, answered_by, answered_at) in (0, 3)),
    check (num_nonnulls(facility_id, languages) = case when what = 'give' and role = 'doctor' then 2 else 0 end),
    -- Two people: never the one who proposed, never the one it is about.
    check (answer <> 'approved' or (answered_by <> proposed_by and answered_by <> phone))
);
create index role_proposal_open on role_proposal (mutuelle_id, expires_at) where answer is null;

create table role_change (
    mutuelle_id text collate "C" not null references mutuelle,
    role text collate "C" not null check (role in ('doctor', 'treasurer', 'collector', 'enrolment officer')),
    phone text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (what in ('given', 'withdrawn')),
    name text not null check (length(name) between 2 and 30),
    since date not null,
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    proposal uuid,
    changed_at timestamptz not null default now(),
    primary key (mutuelle_id, role, phone, position),
    foreign key (mutuelle_id, proposal) references role_proposal
);
create unique index role_change_of_proposal on role_change (mutuelle_id, proposal) where proposal is not null;

insert into role_change (mutuelle_id, role, phone, position, what, name, since, actor, reason, changed_at)
select mutuelle_id, role, phone, 1, 'given', name, since, 'migration 0005', 'in office before changes were kept', now()
from officer
union all
select mutuelle_id, 'doctor', phone, 1, 'given', name, contracted_on, 'migration 0005',
       'in office before changes were kept', now()
from doctor;
insert into role_change (mutuelle_id, role, phone, position, what, name, since, actor, reason, changed_at)
select mutuelle_id, role, phone, 2, 'withdrawn', name, until, 'migration 0005', 'ended before changes were kept', now()
from officer where until is not null;
"""

PINS = """
create table officer_pin (
    phone text collate "C" primary key,
    sealed bytea not null check (length(sealed) > 90), -- nonce, an argon2id hash in its own notation, tag
    origin text collate "C" not null check (origin in ('screen', 'slip')),
    issued_at timestamptz not null,
    used_at timestamptz,
    failures integer not null default 0 check (failures between 0 and 10),
    locked_until timestamptz,
    reissue_until timestamptz
);

create table pin_change (
    phone text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (what in ('received', 'issued', 'locked', 'unlocked', 'new one allowed')),
    actor text not null check (length(actor) between 2 and 60),
    reason text not null check (length(reason) between 2 and 160),
    changed_at timestamptz not null,
    primary key (phone, position)
);
"""

CASH = """
create table cash_holder (
    mutuelle_id text collate "C" not null references mutuelle,
    holder text collate "C" not null check (holder ~ '^[0-9]{8}$'),
    role text collate "C" not null check (role in ('treasurer', 'collector')),
    phone text collate "C" not null,
    since timestamptz not null,
    primary key (mutuelle_id, holder),
    unique (mutuelle_id, role, phone)
);

create table cash_receipt (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    holder text collate "C" not null,
    number text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    receipt_code text collate "C" not null check (receipt_code ~ '^[A-Z2-7]{6}$'),
    received_at timestamptz not null,
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, holder) references cash_holder,
    foreign key (mutuelle_id, number) references household
);
create index cash_receipt_by_holder on cash_receipt (mutuelle_id, holder, received_at);
create index cash_receipt_by_household on cash_receipt (mutuelle_id, number, received_at);

create table cash_deposit (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    from_holder text collate "C" not null,
    to_holder text collate "C" not null check (to_holder <> from_holder),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    deposited_at timestamptz not null,
    primary key (mutuelle_id, reference),
    foreign key (mutuelle_id, from_holder) references cash_holder,
    foreign key (mutuelle_id, to_holder) references cash_holder
);

create table cash_contest (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    phone text collate "C", -- null: the office found it wrong, nobody contested it
    contested_at timestamptz not null,
    closed_at timestamptz,
    closed_by text check (length(closed_by) between 2 and 60),
    outcome text check (length(outcome) between 2 and 160),
    primary key (mutuelle_id, reference),
    foreign key (mutuelle_id, reference) references cash_receipt,
    check (num_nonnulls(closed_at, closed_by, outcome) in (0, 3))
);
"""


def upgrade() -> None:
    run_sql(OFFICES)
    run_sql(PINS)
    run_sql(CASH)
