-- Years that were closed, assemblies that were convened, and what they decided.

-- The members of a closed year, counted at its close: later changes of households do not move what an assembly read.
create table closed_year (
    mutuelle_id text collate "C" not null references mutuelle,
    year integer not null check (year between 2000 and 2099),
    households integer not null check (households >= 0), -- at the end of the year
    people integer not null check (people >= 0),
    covered integer not null check (covered between 0 and households), -- households
    joined integer not null check (joined >= 0), -- households, in the year
    left_it integer not null check (left_it >= 0),
    kept integer not null check (kept >= 0), -- households of the year's first day that are there on its last
    closed_at timestamptz not null,
    closed_by text not null check (length(closed_by) between 2 and 60),
    primary key (mutuelle_id, year)
);
grant select, insert on closed_year to service;

create table assembly (
    mutuelle_id text collate "C" not null references mutuelle,
    held_on date not null,
    starts_at integer not null check (starts_at between 0 and 23), -- the hour
    place text not null check (length(place) between 2 and 40),
    quorum integer not null check (quorum > 0), -- how many people must be there
    act uuid not null,
    convened_at timestamptz not null,
    primary key (mutuelle_id, held_on),
    foreign key (mutuelle_id, act) references joint_act
);
grant select, insert on assembly to service;

-- How an assembly voted on the accounts of a year, as two treasurers wrote it down from the minute.
create table assembly_vote (
    mutuelle_id text collate "C" not null,
    act uuid not null,
    year integer not null,
    present integer not null check (present > 0),
    in_favour integer not null check (in_favour >= 0),
    against integer not null check (against >= 0 and in_favour + against <= present),
    minute text not null check (length(minute) between 1 and 30), -- its number
    reserve_minor bigint not null, -- put aside of the result; below zero: taken from the reserve for a loss
    currency text collate "C" not null,
    voted_at timestamptz not null,
    primary key (mutuelle_id, act),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, year) references closed_year,
    check (reserve_minor = 0 or in_favour > against)
);
create unique index assembly_vote_approved on assembly_vote (mutuelle_id, year) where in_favour > against;
grant select, insert on assembly_vote to service;
