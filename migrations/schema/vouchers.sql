-- Vouchers: what came in and went out by hand, and what went between our own accounts. Each has its journal in the book
-- (source `voucher`, key `reference`) and is never changed: a mistake is taken back by a voucher of its own.

create table voucher (
    mutuelle_id text collate "C" not null references mutuelle,
    reference uuid not null,
    kind text collate "C" not null check (kind in (
        'expense', 'facility paid', 'care bill', 'credit given back', 'deposit', 'withdrawal', 'cash handed over', 'money sent',
        'money arrived', 'subsidy', 'gift', 'grant', 'debt received', 'found money given back', 'found money kept',
        'reversal')),
    -- One number for each mutuelle, fund and year in which it is booked, without a gap: a number stands on the one
    -- before it, and nobody has the right to delete.
    fund text collate "C" not null,
    year integer not null check (year between 2000 and 2999),
    number integer not null check (number > 0),
    previous integer generated always as (nullif(number - 1, 0)) stored,
    code text collate "C" not null check (code ~ '^[0-9]{6}$'), -- what a person says of it
    debit text collate "C" not null check (split_part(debit, ':', 1) = fund),
    credit text collate "C" not null check (split_part(credit, ':', 1) = fund and credit <> debit),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    party text check (length(party) between 2 and 40), -- to whom it went, or from whom it came
    phone text collate "C", -- theirs, where it is known
    reason text not null check (length(reason) between 2 and 160),
    slip text check (length(slip) between 2 and 20), -- the number of the bank's or operator's paper
    dated date not null, -- the day that it is for
    recorded_at timestamptz not null,
    proposed_by text collate "C" not null,
    proposer_name text not null,
    act uuid, -- what two signed
    two_from_minor bigint, -- without an act: from which amount on two would have signed on that day
    toward text collate "C" check (split_part(toward, ':', 1) = fund), -- of money sent: the account that waits for it
    completes uuid, -- of money arrived: the voucher that sent it
    of_grant uuid, -- the voucher that brought the restricted grant which this one is of
    reverses uuid,
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, fund, year, number),
    unique (mutuelle_id, code),
    unique (mutuelle_id, act),
    unique (mutuelle_id, reverses),
    foreign key (mutuelle_id, fund, year, previous) references voucher (mutuelle_id, fund, year, number),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, completes) references voucher,
    foreign key (mutuelle_id, of_grant) references voucher,
    foreign key (mutuelle_id, reverses) references voucher,
    check ((act is null) = (two_from_minor is not null)),
    check (act is not null or (amount_minor < two_from_minor and kind not in ('cash handed over', 'reversal'))),
    check ((kind = 'money sent') = (toward is not null)),
    check ((kind = 'money arrived') = (completes is not null)),
    check ((kind = 'reversal') = (reverses is not null))
);
create index voucher_recorded on voucher (mutuelle_id, recorded_at);
create index voucher_by_phone on voucher (phone) where phone is not null;
grant select, insert on voucher to service;
