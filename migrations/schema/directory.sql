-- The directory: facilities with which a mutuelle has an agreement, their doctors, and the doctor of a household.

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
grant select, insert on facility to service;

create table doctor (
    mutuelle_id text collate "C" not null references mutuelle,
    phone text collate "C" not null,
    name text not null check (length(name) between 2 and 30),
    facility_id text collate "C" not null,
    languages text[] not null,
    contracted_on date not null,
    until date check (until >= contracted_on - 1), -- given and withdrawn on one day: no day, as of an officer
    primary key (mutuelle_id, phone),
    foreign key (mutuelle_id, facility_id) references facility
);
create index doctor_by_phone on doctor (phone);
grant select, insert, update (name, facility_id, languages, contracted_on, until) on doctor to service;

-- Where a doctor sees patients besides his own facility.
create table doctor_facility (
    mutuelle_id text collate "C" not null,
    phone text collate "C" not null,
    facility_id text collate "C" not null,
    since date not null,
    until date check (until >= since),
    primary key (mutuelle_id, phone, facility_id),
    foreign key (mutuelle_id, phone) references doctor,
    foreign key (mutuelle_id, facility_id) references facility
);
grant select, insert, update (until) on doctor_facility to service;

-- The choices of a household, the newest in force; without a doctor: none any longer. Nothing is taken back.
create table referent (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    sequence integer not null check (sequence > 0),
    doctor_phone text collate "C",
    chosen_at timestamptz not null,
    chosen_by text collate "C" not null check (chosen_by <> ''),
    primary key (mutuelle_id, number, sequence),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, doctor_phone) references doctor
);
grant select, insert on referent to service;
