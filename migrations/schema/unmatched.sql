-- What two treasurers decided about money: whose it is that nobody knew (it lay in suspense), or what is right of a
-- receipt or a failed payment. `source` and `key` are those of the journal that brought the money; once for each.
-- household: it is the household's `number`, which has a receipt. returned, gift, own: a voucher moved it.
-- moved: a receipt was another household's, `number`. taken back: the operator took it back. paid: a payment that had
-- failed was paid after all.
create table money_decision (
    mutuelle_id text collate "C" not null references mutuelle,
    source text collate "C" not null check (source in ('statement', 'suspense', 'payment', 'decision')),
    key text collate "C" not null check (key ~ '^[0-9a-f-]{36}$'),
    act uuid not null,
    outcome text collate "C" not null
        check (outcome in ('household', 'returned', 'gift', 'own', 'moved', 'taken back', 'paid')),
    number text collate "C",
    receipt_code text collate "C" check (receipt_code ~ '^[A-Z2-7]{6}$'),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    occurred_on date not null, -- the day of the money
    decided_at timestamptz not null,
    primary key (mutuelle_id, act),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, number) references household,
    check ((outcome in ('household', 'moved', 'paid')) = (number is not null)),
    check ((outcome in ('household', 'moved')) = (receipt_code is not null)),
    check (outcome <> 'paid' or source = 'payment')
);
create unique index money_decision_once on money_decision (mutuelle_id, source, key) where outcome <> 'paid';
create unique index money_decision_paid_once on money_decision (mutuelle_id, key) where outcome = 'paid';
create index money_decision_by_household on money_decision (mutuelle_id, number) where number is not null;
grant select, insert on money_decision to service;
