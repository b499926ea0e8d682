-- Who gets what of one sum that somebody (an employer, an association) paid for many households. A person of the service
-- typed the list; two treasurers split the sum by it. `source` and `key` are of the journal that brought the sum, which
-- lies in suspense. A list never changes: a newer one for the same sum takes its place, until two have signed.
create table group_list (
    mutuelle_id text collate "C" not null references mutuelle,
    receipt_code text collate "C" not null check (receipt_code ~ '^[A-Z2-7]{6}$'), -- the payer's; it names the list
    source text collate "C" not null check (source in ('statement', 'suspense')),
    key text collate "C" not null check (key ~ '^[0-9a-f-]{36}$'),
    nth integer not null check (nth > 0), -- of the lists for this sum; the last one counts
    payer text not null check (length(payer) between 2 and 24),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    households integer not null check (households between 2 and 5000),
    actor text not null check (length(actor) between 2 and 60), -- who typed it
    reason text not null check (length(reason) between 2 and 160),
    listed_at timestamptz not null,
    primary key (mutuelle_id, receipt_code),
    unique (mutuelle_id, source, key, nth)
);
grant select, insert on group_list to service;

-- What one household gets of it; once two have signed, `reference` is the key of its journal.
create table group_part (
    mutuelle_id text collate "C" not null,
    list text collate "C" not null,
    number text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    reference uuid not null,
    receipt_code text collate "C" not null check (receipt_code ~ '^[A-Z2-7]{6}$'),
    primary key (mutuelle_id, list, number),
    unique (mutuelle_id, reference),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, list) references group_list,
    foreign key (mutuelle_id, number) references household
);
create index group_part_by_household on group_part (mutuelle_id, number);
grant select, insert on group_part to service;

-- What two treasurers decided about money: whose it is that nobody knew (it lay in suspense), or what is right of a
-- receipt or a failed payment. `source` and `key` are those of the journal that brought the money; once for each.
-- household: it is the household's `number`, which has a receipt. group: it is the households' of `list`, each of which
-- has a receipt. returned, gift, own: a voucher moved it.
-- moved: a receipt was another household's, `number`. taken back: the operator took it back. paid: a payment that had
-- failed was paid after all.
create table money_decision (
    mutuelle_id text collate "C" not null references mutuelle,
    source text collate "C" not null check (source in ('statement', 'suspense', 'payment', 'decision')),
    key text collate "C" not null check (key ~ '^[0-9a-f-]{36}$'),
    act uuid not null,
    outcome text collate "C" not null
        check (outcome in ('household', 'group', 'returned', 'gift', 'own', 'moved', 'taken back', 'paid')),
    number text collate "C",
    receipt_code text collate "C" check (receipt_code ~ '^[A-Z2-7]{6}$'),
    list text collate "C",
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    occurred_on date not null, -- the day of the money
    decided_at timestamptz not null,
    primary key (mutuelle_id, act),
    unique (mutuelle_id, receipt_code),
    unique (mutuelle_id, list),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, list) references group_list,
    check ((outcome in ('household', 'moved', 'paid')) = (number is not null)),
    check ((outcome in ('household', 'moved')) = (receipt_code is not null)),
    check ((outcome = 'group') = (list is not null)),
    check (outcome <> 'paid' or source = 'payment')
);
create unique index money_decision_once on money_decision (mutuelle_id, source, key) where outcome <> 'paid';
create unique index money_decision_paid_once on money_decision (mutuelle_id, key) where outcome = 'paid';
create index money_decision_by_household on money_decision (mutuelle_id, number) where number is not null;
grant select, insert on money_decision to service;
