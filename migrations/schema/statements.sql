-- Statements of operators and banks: the files that were taken in, and each of their lines as it came.

create table statement_file (
    mutuelle_id text collate "C" not null references mutuelle,
    file uuid not null,
    account text collate "C" not null check (account ~ '^health:(float|bank|disbursement):'), -- of the ledger
    name text not null check (length(name) between 1 and 200),
    preset text collate "C" not null check (preset <> ''),
    sha256 bytea not null check (octet_length(sha256) = 32),
    lines integer not null check (lines > 0), -- of the file, with those that were known
    first_on date not null,
    last_on date not null check (last_on >= first_on),
    taken_at timestamptz not null,
    primary key (mutuelle_id, file)
);
create index statement_file_by_account on statement_file (mutuelle_id, account, last_on);
grant select, insert on statement_file to service;

-- One line of a statement, once, whatever files it stood in. What became of its money when it was taken in (`kind`):
-- receipt: of the household `number`, which has its receipt. payment: it confirms the payment `payment`.
-- unmatched: its owner is not known, it lies in the suspense account of the same name, posted under `reference` (or,
-- `by_payment`, under the payment's reference: the operator's answer differed from what was asked). fee: the operator's.
-- own: it shows what a treasurer had booked herself, the journal `own_journal`.
-- debit: money that went out; nothing was posted, its voucher has its own journal. payout: it shows that the payout
-- `payout` was paid, or (above zero) that it came back; nothing was posted, the payout's voucher has its journal.
-- contradiction: another amount than the payment `payment` has in the book; nothing was posted, its case is open.
create table statement_line (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    line_id text collate "C" not null check (length(line_id) between 1 and 120), -- the operator's own
    reference uuid not null, -- ours, computed from the three above: the key of its journals
    file uuid not null,
    position integer not null check (position > 0), -- the row of the file
    said jsonb not null check (jsonb_typeof(said) = 'object'), -- header: cell, as it came
    occurred_on date not null,
    occurred_at timestamptz,
    payer text collate "C" check (payer ~ '^\+[1-9][0-9]{6,14}$'),
    amount_minor bigint not null check (amount_minor <> 0), -- above zero: it came in
    fee_minor bigint not null default 0 check (fee_minor >= 0), -- what the operator kept of it
    currency text collate "C" not null,
    note text not null,
    kind text collate "C" not null
        check (kind in ('receipt', 'payment', 'unmatched', 'own', 'fee', 'debit', 'payout', 'contradiction')),
    number text collate "C",
    receipt_code text collate "C" check (receipt_code ~ '^[A-Z2-7]{6}$'),
    payment uuid,
    payout uuid, -- that it names, also where it contradicts it
    by_payment boolean not null default false, -- its money is in the payment's own journal
    own_journal uuid,
    primary key (mutuelle_id, account, line_id),
    unique (mutuelle_id, reference),
    unique (mutuelle_id, own_journal),
    unique (mutuelle_id, receipt_code),
    foreign key (mutuelle_id, file) references statement_file,
    foreign key (mutuelle_id, number) references household,
    foreign key (mutuelle_id, payment) references payment,
    foreign key (mutuelle_id, payout) references payout,
    check ((kind = 'receipt') = (receipt_code is not null) and (receipt_code is null) = (number is null)),
    check (kind = 'payout' or (kind in ('fee', 'debit')) = (amount_minor < 0)),
    check (kind <> 'payout' or payout is not null),
    check ((kind = 'own') = (own_journal is not null)),
    check (payment is not null or kind not in ('payment', 'contradiction')),
    check (case kind when 'payment' then by_payment when 'unmatched' then payment is not null or not by_payment
                     else not by_payment end)
);
create unique index statement_line_pays_once on statement_line (mutuelle_id, payment) where kind = 'payment';
create unique index statement_line_payout_once on statement_line (mutuelle_id, payout)
    where kind = 'payout' and amount_minor < 0;
create index statement_line_by_payout on statement_line (mutuelle_id, payout) where payout is not null;
create index statement_line_by_day on statement_line (mutuelle_id, account, occurred_on);
create index statement_line_by_household on statement_line (mutuelle_id, number, occurred_on) where number is not null;
create index statement_line_by_payment on statement_line (mutuelle_id, payment) where payment is not null;
create index statement_line_unmatched on statement_line (mutuelle_id, occurred_on) where kind = 'unmatched';
grant select, insert on statement_line to service;
