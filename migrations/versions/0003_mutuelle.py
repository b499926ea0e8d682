"""Conversations and the insurance itself: actions, mutuelles, products, households, policies, payments."""

from migrations.script import run_sql

revision = "0003"
down_revision = "0002"

TALK = """
create table preference (
    phone text collate "C" primary key,
    language text collate "C" not null,
    chosen_at timestamptz not null
);

create table deed (
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
"""

MUTUELLE = """
create table mutuelle (
    id text collate "C" primary key check (id ~ '^[A-Z]{2,8}$'),
    prefix smallint not null unique check (prefix between 100 and 999),
    name text not null check (length(name) between 2 and 20),
    town text not null check (length(town) between 2 and 24),
    country text collate "C" not null check (country ~ '^[A-Z]{2}$'),
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    timezone text not null,
    complaints_phone text collate "C" not null,
    benefits text not null check (length(benefits) between 2 and 90),
    created_at timestamptz not null
);

create table place (
    mutuelle_id text collate "C" not null references mutuelle,
    id text collate "C" not null,
    name text not null check (length(name) between 2 and 24),
    primary key (mutuelle_id, id)
);

create table product (
    mutuelle_id text collate "C" not null references mutuelle,
    code text collate "C" not null check (code ~ '^[A-Z0-9]{1,8}$'),
    version integer not null check (version > 0),
    name text not null check (length(name) between 2 and 12),
    sold_from date not null,
    sold_until date check (sold_until >= sold_from),
    lump_sum_minor bigint not null check (lump_sum_minor >= 0),
    threshold integer not null check (threshold >= 0),
    max_members integer not null check (max_members between 1 and 30),
    premium_adult_minor bigint not null check (premium_adult_minor >= 0),
    premium_child_minor bigint not null check (premium_child_minor >= 0),
    age_of_majority integer not null check (age_of_majority between 1 and 30),
    registration_fee_minor bigint not null check (registration_fee_minor >= 0),
    insurance_period_months integer not null check (insurance_period_months between 1 and 36),
    waiting_period_months integer not null check (waiting_period_months between 0 and 24),
    grace_period_payment_months integer not null check (grace_period_payment_months between 0 and 24),
    grace_period_renewal_months integer not null check (grace_period_renewal_months between 0 and 24),
    partial_cover_threshold_percent integer not null check (partial_cover_threshold_percent between 1 and 100),
    max_installments integer not null check (max_installments between 1 and 12),
    amount_step_minor bigint not null check (amount_step_minor > 0),
    primary key (mutuelle_id, code, version)
);

create table household (
    mutuelle_id text collate "C" not null references mutuelle,
    number text collate "C" not null unique check (number ~ '^[0-9]{9}$'),
    head_name text not null check (length(head_name) between 2 and 26),
    place_id text collate "C" not null,
    enrolled_at timestamptz not null,
    closed_at timestamptz,
    primary key (mutuelle_id, number),
    foreign key (mutuelle_id, place_id) references place
);

create table household_phone (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    phone text collate "C" not null,
    since timestamptz not null,
    primary key (mutuelle_id, number, phone),
    foreign key (mutuelle_id, number) references household
);
create index household_phone_by_phone on household_phone (phone);

create table beneficiary (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    rank integer not null check (rank > 0),
    name text check (length(name) between 2 and 26),
    birth_year integer not null check (birth_year between 1900 and 2200),
    added_on date not null,
    removed_on date check (removed_on >= added_on),
    primary key (mutuelle_id, number, rank),
    foreign key (mutuelle_id, number) references household
);

create table policy (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    sequence integer not null check (sequence > 0),
    stage text collate "C" not null check (stage in ('new', 'renewal')),
    product_code text collate "C" not null,
    product_version integer not null,
    members integer not null check (members > 0),
    contribution_minor bigint not null check (contribution_minor > 0),
    registration_minor bigint not null check (registration_minor >= 0),
    agreed_on date not null,
    agreed_at timestamptz not null,
    primary key (mutuelle_id, number, sequence),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, product_code, product_version) references product,
    check ((stage = 'new') = (sequence = 1)),
    check (contribution_minor + registration_minor <= 999999) -- six digits: what a screen has room for
);

create table officer (
    mutuelle_id text collate "C" not null references mutuelle,
    role text collate "C" not null check (role in ('treasurer', 'collector', 'enrolment officer')),
    phone text collate "C" not null,
    name text not null check (length(name) between 2 and 26),
    since date not null,
    until date check (until >= since),
    primary key (mutuelle_id, role, phone)
);

create table facility (
    mutuelle_id text collate "C" not null references mutuelle,
    id text collate "C" not null,
    name text not null check (length(name) between 2 and 30),
    level text collate "C" not null check (level in ('post', 'centre', 'hospital')),
    place_id text collate "C" not null,
    phone text collate "C" not null,
    hours text not null check (length(hours) between 2 and 30),
    services text[] not null,
    primary key (mutuelle_id, id),
    foreign key (mutuelle_id, place_id) references place
);

create table doctor (
    mutuelle_id text collate "C" not null references mutuelle,
    phone text collate "C" not null,
    name text not null check (length(name) between 2 and 30),
    facility_id text collate "C" not null,
    languages text[] not null,
    contracted_on date not null,
    primary key (mutuelle_id, phone),
    foreign key (mutuelle_id, facility_id) references facility
);
"""

INBOX = """
create table sms_inbox (
    provider text collate "C" not null,
    provider_message_id text collate "C" not null,
    phone text collate "C" not null,
    short_code text not null,
    body text not null,
    received_at timestamptz not null,
    primary key (provider, provider_message_id)
);
"""

PAYMENTS = """
create table route (
    mutuelle_id text collate "C" not null references mutuelle,
    country text collate "C" not null check (country ~ '^[A-Z]{2}$'),
    operator text collate "C" not null,
    flow text collate "C" not null check (flow in ('push')),
    primary key (mutuelle_id, country)
);

create table payment (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    number text collate "C" not null,
    purpose text collate "C" not null check (purpose in ('contribution')),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    payer_phone text collate "C" not null,
    asked_by text collate "C" not null,
    operator text collate "C" not null,
    country text collate "C" not null,
    notice_token text collate "C" not null unique check (length(notice_token) >= 32),
    receipt_code text collate "C" not null,
    state text collate "C" not null
        check (state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN', 'PAID', 'FAILED', 'REVERSED')),
    renews_code text collate "C",
    renews_version integer,
    renews_members integer,
    renews_minor bigint,
    operator_reference text,
    asked_at timestamptz not null,
    sent_at timestamptz,
    completed_at timestamptz,
    told_late_at timestamptz,
    due_at timestamptz not null,
    polls integer not null default 0,
    lease_token uuid,
    lease_until timestamptz,
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, renews_code, renews_version) references product,
    check (num_nonnulls(renews_code, renews_version, renews_members, renews_minor) in (0, 4))
);
create unique index payment_one_open on payment (mutuelle_id, number, purpose)
    where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN');
create unique index payment_operator_reference on payment (mutuelle_id, operator, operator_reference)
    where operator_reference is not null;
create index payment_operator_says on payment (operator, operator_reference); -- whatever the mutuelle
create index payment_due on payment (due_at) where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN');
create index payment_by_payer on payment (payer_phone, asked_at);
create index payment_by_household on payment (mutuelle_id, number, asked_at);

create table payment_move (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    position integer not null check (position > 0),
    from_state text collate "C",
    to_state text collate "C" not null,
    actor text not null check (actor <> ''),
    reason text not null check (reason <> ''),
    moved_at timestamptz not null,
    primary key (mutuelle_id, reference, position),
    foreign key (mutuelle_id, reference) references payment
);

create table payment_case (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    kind text collate "C" not null check (kind in ('mismatch', 'contradiction', 'clock', 'old', 'late notice')),
    detail text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (mutuelle_id, reference, kind),
    foreign key (mutuelle_id, reference) references payment
);

create table payer_refusal (
    phone text collate "C" primary key,
    since timestamptz not null
);

create table money_notice (
    operator text collate "C" not null,
    token text collate "C" not null,
    body_hash bytea not null,
    body bytea not null,
    received_at timestamptz not null,
    times integer not null default 1,
    primary key (operator, token, body_hash)
);
"""


def upgrade() -> None:
    run_sql(TALK)
    run_sql(MUTUELLE)
    run_sql(PAYMENTS)
    run_sql(INBOX)
