-- Policies: what a household agreed to, period after period. What was paid for them is in the ledger.

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
    waits_from date, -- of a household taken over from paper: since when it waits, whenever its first period began
    primary key (mutuelle_id, number, sequence),
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, product_code, product_version) references product,
    check ((stage = 'new') = (sequence = 1)),
    check (contribution_minor + registration_minor <= 999999000), -- six digits in francs CFA: what a screen has room for; the code knows the currency's
    constraint policy_first_waits check (waits_from is null or sequence = 1)
);
grant select, insert on policy to service;
