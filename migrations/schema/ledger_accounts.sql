-- Accounts: what each mutuelle has once, the kinds of accounts, the accounts themselves and how one is opened.
-- Every key begins with the mutuelle: two mutuelles share no row, no key and no constraint.

-- Books are closed up to and including a day. A posting holds this row, a close waits until it has let go.
create table ledger.book (
    mutuelle_id text collate "C" primary key,
    closed_through date
);
grant select on ledger.book to service, auditor;

-- Everything with a tick below `upto` is in the day rows (ledger_days.sql).
create table ledger.fold (
    mutuelle_id text collate "C" primary key,
    upto xid8 not null default '0',
    folded_at timestamptz not null default clock_timestamp()
);
grant select on ledger.fold to service, auditor;

-- How the balance of each kind is kept; `keneya migrate` adds the kinds of `ledger/accounts.py`.
-- summed: not at all, its few movements are summed. folded: in day rows, without a lock and without a limit.
-- limited: in a row that each posting locks, never below zero on its side.
create table ledger.kind (
    kind text collate "C" primary key,
    keeping text collate "C" not null check (keeping in ('summed', 'folded', 'limited')),
    side text collate "C" not null check (side in ('debit', 'credit')),
    is_split boolean not null -- whether the codes of its accounts have a third part
);
grant select on ledger.kind to service, auditor;

-- An account belongs to one fund and one currency for ever. `fund` and `kind` repeat the head of `code`.
-- One that needs day rows (`folded_by`) cannot be opened where nobody folds.
create table ledger.account (
    mutuelle_id text collate "C" not null check (mutuelle_id ~ '^[A-Z0-9][A-Z0-9-]{0,19}$'),
    code text collate "C" not null
        check (code ~ '^[a-z][a-z0-9-]{0,39}:[a-z]{1,30}(:[a-z0-9][A-Za-z0-9-]{0,59})?$'),
    fund text collate "C" not null check (fund = split_part(code, ':', 1)),
    kind text collate "C" not null check (kind = split_part(code, ':', 2)),
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    opened_at timestamptz not null default clock_timestamp(),
    closed_on date, -- takes no movement dated on or after this day
    keeping text collate "C" not null check (keeping in ('summed', 'folded', 'limited')),
    folded_by text collate "C"
        generated always as (case when keeping <> 'summed' then mutuelle_id end) stored references ledger.fold,
    primary key (mutuelle_id, code)
);
grant select on ledger.account to service, auditor;

-- Append-only, here and for every table of the book. The service's role has no right to change a row anyway; this stops
-- the owner's own slips. The triggers fire ALWAYS: also in a session that plays a replica.
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger.% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'restrict_violation', hint = 'post a reversal';
end $$;

create function ledger.refuse_account_change() returns trigger language plpgsql as $$
begin
    if (old.mutuelle_id, old.code, old.currency, old.keeping, old.opened_at)
       is distinct from (new.mutuelle_id, new.code, new.currency, new.keeping, new.opened_at)
       or old.closed_on is not null then
        raise exception 'ledger.account: only an open account can change, and only by being closed'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger append_only before delete or truncate on ledger.account
    for each statement execute function ledger.refuse_change();
create trigger only_closes before update on ledger.account
    for each row execute function ledger.refuse_account_change();
alter table ledger.account enable always trigger append_only;
alter table ledger.account enable always trigger only_closes;

-- The head of an account's code, `fund:kind`: the control account of a kind whose accounts are summed.
create function ledger.head(code text) returns text language sql immutable parallel safe as $$
    select split_part(code, ':', 1) || ':' || split_part(code, ':', 2)
$$;
grant execute on function ledger.head(text) to service, auditor;

-- The currency of the accounts that are summed under one head: their sum is kept in it. Null where there are none yet.
create function ledger.head_currency(mutuelle text, code text) returns text language sql stable as $$
    select a.currency from ledger.account a
     where a.mutuelle_id = mutuelle and a.code >= ledger.head(head_currency.code) || ':'
       and a.code < ledger.head(head_currency.code) || ';' and a.keeping = 'summed' limit 1
$$;

-- What an account may hold: `CURRENCIES` of currencies.py.
create function ledger.is_currency(code text) returns boolean language sql immutable parallel safe as $$
    select code in ('XOF', 'XAF', 'GNF', 'RWF', 'CDF', 'EUR', 'USD')
$$;

-- Opens accounts, with the balance row of one that has a limit; one that is open already with the same definition is
-- left as it is.
create function ledger.open_accounts(accounts jsonb)
returns table (nth int, verdict text, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
begin
    insert into ledger.book (mutuelle_id)
    select distinct a.mutuelle from jsonb_to_recordset(accounts) as a (mutuelle text)
     where a.mutuelle ~ '^[A-Z0-9][A-Z0-9-]{0,19}$' order by 1
        on conflict do nothing;
    insert into ledger.fold (mutuelle_id)
    select distinct a.mutuelle from jsonb_to_recordset(accounts) as a (mutuelle text)
     where a.mutuelle ~ '^[A-Z0-9][A-Z0-9-]{0,19}$' order by 1
        on conflict do nothing;
    -- Who opens the first account under a head decides on its currency: of two at once the second waits, and sees it.
    perform from ledger.book b
      where b.mutuelle_id in (
            select a.mutuelle from jsonb_to_recordset(accounts) as a (mutuelle text, code text)
              join ledger.kind k on k.kind = split_part(a.code, ':', 2) and k.keeping = 'summed'
             where ledger.head_currency(a.mutuelle, a.code) is null)
      order by b.mutuelle_id for no key update;
    with asked as (
        select a.mutuelle, a.code, a.currency, k.kind, k.keeping,
               case when k.keeping = 'summed'
                    then coalesce(ledger.head_currency(a.mutuelle, a.code),
                                  first_value(a.currency) over (partition by a.mutuelle, ledger.head(a.code)
                                                                order by a.n))
                    else a.currency end as head_currency
          from rows from (jsonb_to_recordset(accounts) as (mutuelle text, code text, currency text))
               with ordinality as a (mutuelle, code, currency, n)
          join ledger.kind k on k.kind = split_part(a.code, ':', 2)
         where a.mutuelle ~ '^[A-Z0-9][A-Z0-9-]{0,19}$' and ledger.is_currency(a.currency)
           and a.code ~ '^[a-z][a-z0-9-]{0,39}:[a-z]{1,30}(:[a-z0-9][A-Za-z0-9-]{0,59})?$'
           and k.is_split = (split_part(a.code, ':', 3) <> '')
    ), opened as (
        insert into ledger.account (mutuelle_id, code, fund, kind, currency, keeping)
        select distinct a.mutuelle, a.code, split_part(a.code, ':', 1), a.kind, a.currency, a.keeping
          from asked a where a.currency = a.head_currency
         order by a.mutuelle, a.code, a.currency
            on conflict do nothing
        returning mutuelle_id, code, kind
    )
    insert into ledger.balance (mutuelle_id, account, side)
    select o.mutuelle_id, o.code, k.side
      from opened o join ledger.kind k on k.kind = o.kind and k.keeping = 'limited'
     order by o.mutuelle_id, o.code;
    return query
    select a.n::int,
           case when o.currency = a.currency and o.closed_on is null then 'open' else 'refused' end,
           case when o.code is null then
                    case when k.kind is null then 'kind_unknown'
                         when not coalesce(ledger.is_currency(a.currency), false) then 'currency_unknown'
                         when k.keeping = 'summed' and ledger.head_currency(a.mutuelle, a.code) <> a.currency
                             then 'account_other_currency'
                         else 'account_malformed' end
                when o.currency is distinct from a.currency then 'account_other_currency'
                when o.closed_on is not null then 'account_closed' end
      from rows from (jsonb_to_recordset(accounts) as (mutuelle text, code text, currency text))
           with ordinality as a (mutuelle, code, currency, n)
      left join lateral (select q.* from ledger.account q
                          where q.mutuelle_id = a.mutuelle and q.code = a.code limit 1) o on true
      left join ledger.kind k on k.kind = split_part(a.code, ':', 2)
     order by a.n;
end $$;
grant execute on function ledger.open_accounts(jsonb) to service;
