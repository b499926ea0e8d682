-- Payouts: money that an operator sends to a phone, as two treasurers signed. What is owed is reserved in the book (source
-- `payout`, key `reference`) before anything is sent; once it is paid, the voucher with the same reference posts it.

create table payout (
    mutuelle_id text collate "C" not null references mutuelle,
    reference uuid not null, -- ours, for ever: of the request, the reservation and the voucher
    act uuid not null, -- what two signed
    approved_by text collate "C" not null,
    kind text collate "C" not null
        check (kind in ('expense', 'facility paid', 'credit given back', 'found money given back')), -- of its voucher
    debit text collate "C" not null, -- what is paid off or spent
    credit text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    party text not null check (length(party) between 2 and 40),
    phone text collate "C" not null check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    network text collate "C" not null, -- of that phone
    operator text collate "C" not null,
    account text collate "C" not null,
    found text collate "C", -- the unmatched money that it gives back: source and key of its journal
    notice_token text collate "C" not null unique check (length(notice_token) >= 32),
    state text collate "C" not null
        check (state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN', 'PAID', 'FAILED', 'REVERSED')),
    operator_reference text,
    step_token text, -- what the first of two steps gave: committed before the second moves money
    asked_at timestamptz not null, -- the second signature
    sent_at timestamptz,
    completed_at timestamptz,
    late_notified_at timestamptz,
    due_at timestamptz not null,
    polls integer not null default 0,
    lease_token uuid,
    lease_until timestamptz,
    primary key (mutuelle_id, reference),
    unique (mutuelle_id, act),
    foreign key (mutuelle_id, act) references joint_act,
    foreign key (mutuelle_id, account) references operator_account,
    check (credit = split_part(debit, ':', 1) || ':disbursement:' || account),
    check ((state = 'ASKED') <= (sent_at is null)),
    check ((state in ('PAID', 'REVERSED')) = (completed_at is not null))
);
create index payout_due on payout (due_at) where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN');
create index payout_by_day on payout (mutuelle_id, asked_at); -- what was signed today; the last ones
create index payout_by_phone on payout (phone, asked_at);
create index payout_operator_says on payout (mutuelle_id, account, operator_reference) where operator_reference is not null;
create index payout_by_step_token on payout (mutuelle_id, account, step_token) where step_token is not null;
grant select, insert, update (state, operator_reference, step_token, sent_at, completed_at, late_notified_at, due_at, polls,
    lease_token, lease_until) on payout to service;

create table payout_move (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    position integer not null check (position > 0),
    from_state text collate "C",
    to_state text collate "C" not null,
    actor text not null check (actor <> ''),
    reason text not null check (reason <> ''),
    moved_at timestamptz not null,
    primary key (mutuelle_id, reference, position),
    foreign key (mutuelle_id, reference) references payout
);
grant select, insert on payout_move to service;

create table payout_case (
    mutuelle_id text collate "C" not null,
    reference uuid not null,
    kind text collate "C" not null
        check (kind in ('mismatch', 'contradiction', 'old', 'late notice', 'statement')),
    detail text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (mutuelle_id, reference, kind),
    foreign key (mutuelle_id, reference) references payout
);
grant select, insert, update (closed_at) on payout_case to service;

-- In whose name the phone of a proposed payout is registered, as the operator tells it: for the second signature, and
-- deleted once the proposal is answered or has lapsed.
create table payee_name (
    mutuelle_id text collate "C" not null,
    account text collate "C" not null,
    phone text collate "C" not null,
    name text check (length(name) between 1 and 60), -- null: it was asked and did not tell
    times integer not null check (times > 0),
    asked_at timestamptz not null,
    primary key (mutuelle_id, account, phone),
    foreign key (mutuelle_id, account) references operator_account
);
grant select, insert, update (name, times, asked_at), delete on payee_name to service;
