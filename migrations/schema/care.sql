-- Care: codes that a patient shows, and every check of a cover that a doctor made.

-- Ten codes on paper, for a household without a phone in reach: printed, handed over, ended. No code of it works before
-- an officer has handed it over, or after it has ended.
create table care_card (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    card integer not null check (card > 0),
    printed_at timestamptz not null,
    printed_by text not null check (length(printed_by) between 2 and 60),
    handed_at timestamptz check (handed_at >= printed_at),
    handed_by text collate "C" check (handed_by ~ '^[+][0-9]{7,15}$'),
    ended_at timestamptz check (ended_at >= printed_at and ended_at >= handed_at),
    ended_by text check (length(ended_by) between 2 and 60), -- an officer's phone, or who printed the next one
    primary key (mutuelle_id, number, card),
    foreign key (mutuelle_id, number) references household,
    check (num_nonnulls(handed_at, handed_by) in (0, 2)),
    check (num_nonnulls(ended_at, ended_by) in (0, 2))
);
create unique index care_card_one_in_force on care_card (mutuelle_id, number) where ended_at is null;
grant select, insert, update (handed_at, handed_by, ended_at, ended_by) on care_card to service;

-- What a patient shows a doctor: of the code itself only a keyed digest is kept. A code made on a phone is for one
-- person and some minutes; one of a card is for the household, and lives as long as its card.
create table care_code (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    position integer not null check (position > 0),
    rank integer,
    card integer,
    line smallint check (line between 1 and 10), -- of the card
    digest bytea not null check (length(digest) = 32),
    made_by text collate "C" not null,
    made_at timestamptz not null,
    expires_at timestamptz check (expires_at > made_at),
    ended_at timestamptz, -- when a newer one took its place
    used_at timestamptz check (used_at <= expires_at),
    primary key (mutuelle_id, number, position),
    unique (mutuelle_id, number, card, line),
    foreign key (mutuelle_id, number, rank) references beneficiary,
    foreign key (mutuelle_id, number, card) references care_card,
    check (num_nonnulls(ended_at, used_at) < 2),
    check (case when card is null then num_nonnulls(rank, expires_at) = 2 and line is null
                else num_nonnulls(rank, expires_at, ended_at) = 0 and line is not null end)
);
create unique index care_code_one_alive on care_code (mutuelle_id, number)
    where num_nonnulls(ended_at, used_at, card) = 0;
grant select, insert, update (ended_at, used_at) on care_code to service;

-- What a doctor was answered: it binds the mutuelle, and nobody changes it.
create table eligibility_check (
    mutuelle_id text collate "C" not null,
    reference text collate "C" not null check (reference ~ '^[A-Z2-9]{6}$'),
    number text collate "C" not null,
    rank integer, -- null: what proves it is of several people, such as a code of the card
    covered_ranks integer[], -- who of them was covered
    code_position integer, -- null: without a code, by number and year of birth
    doctor_phone text collate "C" not null,
    facility_id text collate "C" not null,
    channel text collate "C" not null check (length(channel) between 1 and 40),
    asked_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(), -- what the books held then is what was known
    covered boolean not null,
    state text collate "C" not null check (state in
        ('unpaid', 'part paid', 'waiting', 'covered', 'in arrears', 'suspended', 'grace', 'expired')),
    until_on date check (until_on is not null or state in ('unpaid', 'part paid')),
    policy_sequence integer not null, -- whose terms were in force
    policies_known integer not null check (policies_known >= policy_sequence),
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, number, code_position), -- one code serves once
    foreign key (mutuelle_id, number, code_position) references care_code,
    foreign key (mutuelle_id, number, rank) references beneficiary,
    foreign key (mutuelle_id, number, policy_sequence) references policy,
    foreign key (mutuelle_id, facility_id) references facility,
    foreign key (mutuelle_id, doctor_phone) references doctor,
    check (not covered or state in ('covered', 'in arrears', 'grace')),
    check ((rank is null) = (covered_ranks is not null)),
    check (covered_ranks is null or covered = (cardinality(covered_ranks) > 0))
);
create index eligibility_check_by_household on eligibility_check (mutuelle_id, number, asked_at);
create index eligibility_check_by_doctor on eligibility_check (mutuelle_id, doctor_phone, asked_at);
create index eligibility_check_without_code on eligibility_check (mutuelle_id, facility_id, asked_at)
    where code_position is null;
grant select, insert on eligibility_check to service;

-- A check that was not answered. `number` is what was typed, whether or not a household has it.
create table failed_check (
    mutuelle_id text collate "C" not null,
    id uuid not null default gen_random_uuid(),
    number text collate "C" not null check (number ~ '^[0-9]{9}$'),
    doctor_phone text collate "C" not null,
    facility_id text collate "C" not null,
    channel text collate "C" not null check (length(channel) between 1 and 40),
    reason text collate "C" not null check (reason in
        ('number', 'code', 'expired', 'used', 'locked', 'card', 'frozen', 'year')),
    tried_at timestamptz not null,
    forgiven_at timestamptz check (forgiven_at >= tried_at), -- set by a person: no lock counts it any longer
    primary key (mutuelle_id, id),
    foreign key (mutuelle_id, facility_id) references facility,
    foreign key (mutuelle_id, doctor_phone) references doctor
);
create index failed_check_by_number on failed_check (mutuelle_id, number, tried_at);
create index failed_check_by_time on failed_check (tried_at); -- what metrics ask of all mutuelles
create index failed_check_by_facility on failed_check (mutuelle_id, facility_id, tried_at);
grant select, insert, update (forgiven_at) on failed_check to service;
