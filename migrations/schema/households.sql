-- Households, their phones and people, and who changed what in them.

create table household (
    mutuelle_id text collate "C" not null references mutuelle,
    number text collate "C" not null unique check (number ~ '^[0-9]{9}$'),
    head_name text not null check (length(head_name) between 2 and 26),
    place_id text collate "C" not null,
    enrolled_at timestamptz not null,
    closed_at timestamptz,
    -- Who answers for a household may not be who was written down first.
    head_rank integer not null default 1 check (head_rank > 0),
    -- An officer's registration: who wrote it, and when the household's own phone said that it is true.
    registered_by text collate "C" check (registered_by ~ '^[+][0-9]{7,15}$'),
    confirmed_at timestamptz check (confirmed_at is null or registered_by is not null),
    -- Drawn at random and hashed into every sealed record of the household: once it is gone, nobody can find out by trying
    -- which name or phone an old record was of.
    salt uuid default gen_random_uuid(),
    erased_at timestamptz check (erased_at >= closed_at), -- names and phones are gone
    check ((salt is null) = (erased_at is not null)),
    -- One of its phones said NO to a notice: people, phones and care codes stay as they are until a person has looked.
    frozen_at timestamptz,
    primary key (mutuelle_id, number),
    foreign key (mutuelle_id, place_id) references place
);
create index household_registered on household (mutuelle_id, registered_by, enrolled_at)
    where registered_by is not null;
create index household_to_erase on household (mutuelle_id, closed_at) where closed_at is not null and erased_at is null;
create index household_by_place on household (mutuelle_id, place_id);
grant select, insert, update (closed_at, confirmed_at, frozen_at, head_name, head_rank) on household to service;

-- A phone is taken from a household at once; who did it, when and why stays in household_change.
create table household_phone (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    phone text collate "C" not null,
    since timestamptz not null,
    -- The last day (UTC) on which the phone itself called or wrote, since it speaks for the household.
    heard_on date,
    -- Who holds it is not known: since when, and why. Until it is proven, it may be a stranger's.
    doubted_at timestamptz,
    doubt text collate "C" check (doubt in ('idle', 'not me', 'new sim', 'support')),
    primary key (mutuelle_id, number, phone),
    foreign key (mutuelle_id, number) references household,
    check ((doubt is null) = (doubted_at is null))
);
create index household_phone_by_phone on household_phone (phone);
grant select, insert, delete, update (heard_on, doubted_at, doubt) on household_phone to service;

-- The PIN that a household may ask for, where others use its phone too; kept as those of officers are.
create table household_pin (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    sealed bytea not null check (length(sealed) > 90), -- nonce, an argon2id hash in its own notation, tag
    issued_at timestamptz not null,
    failures integer not null default 0 check (failures between 0 and 10),
    locked_until timestamptz,
    primary key (mutuelle_id, number),
    foreign key (mutuelle_id, number) references household
);
grant select, insert, delete, update (sealed, issued_at, failures, locked_until) on household_pin to service;

create table beneficiary (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    rank integer not null check (rank > 0),
    name text check (length(name) between 2 and 26),
    birth_year integer not null check (birth_year between 1900 and 2200),
    added_on date not null,
    removed_on date check (removed_on >= added_on),
    -- Who is counted when: the first policy whose price counts this person; a newborn is covered before that.
    first_policy integer not null default 1 check (first_policy > 0),
    covered_from date check (covered_from >= added_on),
    came_from text collate "C", -- the household of which they were: they keep the cover that was waited for
    primary key (mutuelle_id, number, rank),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, came_from) references household,
    check (came_from is null or (came_from <> number and covered_from is not null and first_policy > 1))
);
grant select, insert, update (removed_on, name, birth_year) on beneficiary to service;

create table household_change (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (length(what) between 2 and 30),
    detail text not null check (length(detail) <= 70),
    actor text not null check (length(actor) between 1 and 60),
    reason text not null check (length(reason) between 1 and 200),
    changed_at timestamptz not null,
    primary key (mutuelle_id, number, position),
    foreign key (mutuelle_id, number) references household
);
grant select, insert on household_change to service;
