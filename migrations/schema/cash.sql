-- Cash: who holds it, for whom it was received, to whom it went, and what became of receipts that were contested.

create table cash_holder (
    mutuelle_id text collate "C" not null references mutuelle,
    holder text collate "C" not null check (holder ~ '^[0-9]{8}$'),
    role text collate "C" not null check (role in ('treasurer', 'collector')),
    phone text collate "C" not null,
    since timestamptz not null,
    primary key (mutuelle_id, holder),
    unique (mutuelle_id, role, phone)
);
grant select, insert on cash_holder to service;

create table cash_receipt (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    holder text collate "C" not null,
    number text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    receipt_code text collate "C" not null check (receipt_code ~ '^[A-Z2-7]{6}$'),
    received_at timestamptz not null, -- when the receipt was recorded
    received_on date not null, -- the day on which the collector got the money
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, holder) references cash_holder,
    foreign key (mutuelle_id, number) references household
);
create index cash_receipt_by_holder on cash_receipt (mutuelle_id, holder, received_at);
create index cash_receipt_by_household on cash_receipt (mutuelle_id, number, received_at);
grant select, insert on cash_receipt to service;

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
grant select, insert on cash_deposit to service;

-- A treasurer's box, counted. Where the count was not what the book said (`held_minor`), `act` is what two signed, or
-- `reason` what the treasurer said of a difference that she may book alone.
create table cash_count (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    holder text collate "C" not null,
    counted_minor bigint not null check (counted_minor >= 0),
    held_minor bigint not null check (held_minor >= 0),
    currency text collate "C" not null,
    counted_at timestamptz not null,
    act uuid,
    reason text check (length(reason) between 2 and 160),
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, act),
    foreign key (mutuelle_id, holder) references cash_holder,
    foreign key (mutuelle_id, act) references joint_act,
    check (num_nonnulls(act, reason) = (counted_minor <> held_minor)::int)
);
create index cash_count_last on cash_count (mutuelle_id, counted_at);
grant select, insert on cash_count to service;

-- A receipt of cash that a household contests, or a voucher of which who was paid says that the money did not come.
create table cash_dispute (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    subject text collate "C" not null default 'receipt' check (subject in ('receipt', 'voucher')),
    receipt uuid generated always as (case subject when 'receipt' then reference end) stored,
    voucher uuid generated always as (case subject when 'voucher' then reference end) stored,
    phone text collate "C", -- null: the office found it wrong, nobody contested it
    disputed_at timestamptz not null,
    closed_at timestamptz,
    closed_by text check (length(closed_by) between 2 and 60),
    outcome text check (length(outcome) between 2 and 160),
    primary key (mutuelle_id, reference),
    foreign key (mutuelle_id, receipt) references cash_receipt,
    foreign key (mutuelle_id, voucher) references voucher,
    check (num_nonnulls(closed_at, closed_by, outcome) in (0, 3))
);
grant select, insert, update (closed_at, closed_by, outcome) on cash_dispute to service;
