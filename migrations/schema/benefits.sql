-- Benefits: what a product pays of which care from a day on, agreements with facilities, prices of acts, care that was
-- billed, and what doctors were told that a patient pays.

-- Services that the program does not know by itself, as a mutuelle calls them.
create table named_service (
    mutuelle_id text collate "C" not null references mutuelle,
    code text collate "C" not null check (code ~ '^[A-Z]{3}$'),
    name text not null check (length(name) between 3 and 20),
    primary key (mutuelle_id, code)
);
grant select, insert on named_service to service;

-- One rule: what the mutuelle pays of a service at a level of facility. A change is a new row with its first day; of two
-- rows with one first day the later version counts. Amounts are what the mutuelle pays at most, a year's are those of the
-- period of the policy.
create table benefit (
    mutuelle_id text collate "C" not null references mutuelle,
    product_code text collate "C" not null,
    service text collate "C" not null check (service ~ '^[A-Z]{3}$'),
    level text collate "C" not null check (level in ('post', 'centre', 'hospital')),
    since date not null,
    version integer not null check (version > 0),
    is_paid boolean not null, -- false: the patient pays all
    copay_percent integer check (copay_percent between 0 and 100), -- of the price, by the patient
    copay_minor bigint check (copay_minor between 0 and 999999000), -- or a fixed sum
    act_ceiling_minor bigint check (act_ceiling_minor between 1 and 9999999000),
    person_ceiling_minor bigint check (person_ceiling_minor between 1 and 9999999000),
    person_count integer check (person_count between 1 and 100),
    household_ceiling_minor bigint check (household_ceiling_minor between 1 and 9999999000),
    household_count integer check (household_count between 1 and 100),
    waiting_months integer not null default 0 check (waiting_months between 0 and 24),
    needs_referral boolean not null default false,
    needs_agreement boolean not null default false, -- of the mutuelle, before the care
    exclusions text check (length(exclusions) between 2 and 40),
    actor text not null check (length(actor) between 1 and 60),
    act uuid, -- what two signed; null: the first rule, which came with an import
    decided_on date not null,
    notice_days integer not null check (notice_days >= 0),
    recorded_at timestamptz not null,
    primary key (mutuelle_id, product_code, service, level, since, version),
    unique (mutuelle_id, act),
    foreign key (mutuelle_id, act) references joint_act,
    check (num_nonnulls(copay_percent, copay_minor) = is_paid::integer),
    check (is_paid or num_nonnulls(act_ceiling_minor, person_ceiling_minor, person_count, household_ceiling_minor,
                                   household_count) = 0),
    constraint benefit_had_notice check (act is null or since >= decided_on + notice_days)
);
grant select, insert on benefit to service;
grant select on benefit to auditor; -- rules of a mutuelle: nothing of people

-- A facility without a line here is under agreement at its own level, for as long as it is in the directory.
create table agreement (
    mutuelle_id text collate "C" not null,
    facility_id text collate "C" not null,
    since date not null,
    level text collate "C" not null check (level in ('post', 'centre', 'hospital')),
    until date check (until >= since),
    primary key (mutuelle_id, facility_id, since),
    foreign key (mutuelle_id, facility_id) references facility
);
grant select, insert, update (until) on agreement to service;

-- What a facility takes for a service from a day on: a new price is a new line.
create table tariff (
    mutuelle_id text collate "C" not null,
    facility_id text collate "C" not null,
    service text collate "C" not null check (service ~ '^[A-Z]{3}$'),
    since date not null,
    price_minor bigint not null check (price_minor between 1 and 9999999000),
    primary key (mutuelle_id, facility_id, service, since),
    foreign key (mutuelle_id, facility_id) references facility
);
grant select, insert on tariff to service;

-- Care that was given and billed, with what the mutuelle pays of it. Its voucher has the money; a voucher that is taken
-- back takes the bill with it.
create table care_bill (
    mutuelle_id text collate "C" not null,
    voucher uuid not null,
    number text collate "C" not null,
    rank integer not null,
    facility_id text collate "C" not null,
    service text collate "C" not null check (service ~ '^[A-Z]{3}$'),
    level text collate "C" not null check (level in ('post', 'centre', 'hospital')),
    cared_on date not null,
    price_minor bigint not null check (price_minor > 0),
    paid_minor bigint not null check (paid_minor > 0 and paid_minor <= price_minor), -- by the mutuelle
    recorded_at timestamptz not null,
    primary key (mutuelle_id, voucher),
    foreign key (mutuelle_id, voucher) references voucher,
    foreign key (mutuelle_id, number, rank) references beneficiary,
    foreign key (mutuelle_id, facility_id) references facility
);
create index care_bill_by_household on care_bill (mutuelle_id, number, cared_on);
grant select, insert on care_bill to service;

-- What a doctor was told that the patient pays, beside the answer about the cover. It binds as that does.
create table given_quote (
    mutuelle_id text collate "C" not null,
    reference text collate "C" not null,
    service text collate "C" not null check (service ~ '^[A-Z]{3}$'),
    level text collate "C" not null check (level in ('post', 'centre', 'hospital')),
    state text collate "C" not null check (state in ('paid', 'not paid', 'waiting', 'used up', 'not said')),
    price_minor bigint check (price_minor > 0), -- null: the facility's price is not known
    patient_minor bigint check (patient_minor >= 0), -- null: only the percentage is known
    patient_percent integer check (patient_percent between 0 and 100),
    asked_at timestamptz not null,
    primary key (mutuelle_id, reference, service, asked_at), -- each time that he asked
    foreign key (mutuelle_id, reference) references eligibility_check,
    check (patient_minor <= price_minor)
);
grant select, insert on given_quote to service;
