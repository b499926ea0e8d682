-- What may be written: texts that say something and name nobody's phone, accounts and currencies that the program knows.

-- Whether a text can stand in a record: it says something (no blank of any alphabet alone), is short enough, and holds
-- no character that would hide or turn round what a reader sees.
create or replace function ledger.is_text(value text, longest int) returns boolean
language sql immutable parallel safe as $$
    select value is not null and length(value) <= longest
       and btrim(value, E' \u00A0\u00AD\u115F\u1160\u1680\u180E\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008'
           '\u2009\u200A\u200B\u200C\u200D\u200E\u200F\u202F\u205F\u2060\u2061\u2062\u2063\u2064\u2800\u3000\u3164'
           '\uFEFF\uFFA0') <> ''
       and value !~ '[\u0001-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]'
$$;

-- Whether a phone number with its country stands in a text, also where it is written in groups. The digits are not
-- counted by the pattern: that is slower than to write them out.
create function ledger.has_phone(value text) returns boolean language sql immutable parallel safe as $$
    select position('+' in value) > 0
       and translate(value, E' .-/()\u00A0\u202F', '') ~ '\+[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'
$$;

-- What an account may hold: `MINOR_DIGITS` of ledger/accounts.py.
create function ledger.is_currency(code text) returns boolean language sql immutable parallel safe as $$
    select code in ('XOF', 'XAF', 'GNF', 'RWF', 'CDF', 'EUR', 'USD')
$$;

-- No day has a number beyond the calendar: such a date is refused by name, not by an error. (A date made text would
-- not do: it depends on the session, and the function would no longer be written into the query that uses it.)
create or replace function ledger.journal_text(
    kind text, effective_on date, actor text, reason text, reverses uuid, noted text
) returns text language sql immutable parallel safe as $$
    select ledger.field(kind)
        || ledger.field(case when isfinite(effective_on) then (effective_on - date '2000-01-01')::text
                             else (effective_on > date '2000-01-01')::text end)
        || ledger.field(actor) || ledger.field(reason) || ledger.field(reverses::text) || ledger.field(noted)
$$;

-- The same of a deadline; trunc() writes whole microseconds as they were written before.
create or replace function ledger.movement_text(
    debit text, credit text, amount numeric, currency text, phase text, pending_journal uuid, pending_position int,
    expires_at timestamptz
) returns text language sql stable parallel safe as $$
    select ledger.movement_text(debit, credit, amount, currency, phase, pending_journal, pending_position)
        || case when expires_at is null then ''
                else '@' || trunc(extract(epoch from expires_at) * 1000000)::text || ';' end
$$;

-- Whether the accounts of a kind have a third part in their code. `keneya migrate` says it of every kind it adds.
alter table ledger.kind add column is_split boolean;
update ledger.kind set is_split = kind in ('float', 'disbursement', 'cash', 'bank', 'member', 'receivable', 'loan',
                                           'interfund', 'payable', 'deposit', 'suspense');
alter table ledger.kind alter column is_split set not null;

-- The currency of the accounts that are summed under one head: their sum is kept in it. Null where there are none yet.
create function ledger.head_currency(mutuelle text, code text) returns text language sql stable as $$
    select a.currency from ledger.account a
     where a.mutuelle_id = mutuelle and a.code >= ledger.head(head_currency.code) || ':'
       and a.code < ledger.head(head_currency.code) || ';' and a.keeping = 'summed' limit 1
$$;

-- Opens accounts, with the balance row of one that has a limit; one that is open already with the same definition is
-- left as it is.
create or replace function ledger.open_accounts(accounts jsonb)
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
