-- Mutuelles, the places where their members live, and the products that they sell.

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
    merchant_code text collate "C" check (merchant_code ~ '^[0-9*#]{3,16}$'), -- of an operator: members pay to it themselves
    least_cash_minor bigint check (least_cash_minor > 0), -- the smallest part in cash; without it what its products say
    created_at timestamptz not null
);
grant select, insert, update (merchant_code, least_cash_minor) on mutuelle to service;
grant select on mutuelle to auditor; -- what a mutuelle says of itself: nothing of people

create table place (
    mutuelle_id text collate "C" not null references mutuelle,
    id text collate "C" not null,
    name text not null check (length(name) between 2 and 24),
    primary key (mutuelle_id, id)
);
grant select, insert on place to service;

-- Terms under which nobody would be covered by what they pay are refused.
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
    late_renewal text collate "C" not null default 'new start' check (late_renewal in ('new start', 'last year first')),
    new_wait_after_months integer not null default 0 check (new_wait_after_months between 0 and 24),
    primary key (mutuelle_id, code, version),
    constraint product_wait_in_period check (waiting_period_months < insurance_period_months),
    constraint product_wait_in_delay check (
        partial_cover_threshold_percent = 100 or waiting_period_months < grace_period_payment_months),
    constraint product_no_wait_of_arrears check (late_renewal = 'new start' or new_wait_after_months = 0)
);
grant select, insert, update (sold_until) on product to service;
