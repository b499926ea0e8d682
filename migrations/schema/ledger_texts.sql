-- Texts: what may be written in the book, and what of it is hashed. No function here reads a table.

-- Canonical text of one value: its length in bytes, then itself. No separator is needed to tell two fields apart.
-- These are plain expressions, so that PostgreSQL writes them into the query that uses them.
create function ledger.field(value text) returns text language sql immutable parallel safe as $$
    select coalesce(octet_length(value)::text || ':' || value, '-')
$$;
grant execute on function ledger.field(text) to service, auditor;

create function ledger.memo_text(memo jsonb) returns text language sql immutable parallel safe as $$
    select coalesce(string_agg(ledger.field(key) || ledger.field(value), '' order by key collate "C"), '')
      from jsonb_each_text(memo)
$$;
grant execute on function ledger.memo_text(jsonb) to service, auditor;

-- What a journal's key was spent on. `noted` is its memo as text. Dates are days since 2000-01-01: no session setting
-- changes them. No day has a number beyond the calendar: such a date is refused by name, not by an error. (A date made
-- text would not do: it depends on the session, and the function would no longer be written into the query.)
create function ledger.journal_text(
    kind text, effective_on date, actor text, reason text, reverses uuid, noted text
) returns text language sql immutable parallel safe as $$
    select ledger.field(kind)
        || ledger.field(case when isfinite(effective_on) then (effective_on - date '2000-01-01')::text
                             else (effective_on > date '2000-01-01')::text end)
        || ledger.field(actor) || ledger.field(reason) || ledger.field(reverses::text) || ledger.field(noted)
$$;
grant execute on function ledger.journal_text(text, date, text, text, uuid, text) to service, auditor;

-- The same of a memo that is no text yet.
create function ledger.journal_text(
    kind text, effective_on date, actor text, reason text, reverses uuid, memo jsonb
) returns text language sql immutable parallel safe as $$
    select ledger.journal_text(kind, effective_on, actor, reason, reverses,
        case when memo = '{}' then '' when jsonb_typeof(memo) = 'object' then ledger.memo_text(memo) end)
$$;
grant execute on function ledger.journal_text(text, date, text, text, uuid, jsonb) to service, auditor;

-- What a movement adds to it.
create function ledger.movement_text(
    debit text, credit text, amount numeric, currency text, phase text, pending_journal uuid, pending_position int
) returns text language sql immutable parallel safe as $$
    select ledger.field(debit) || ledger.field(credit) || ledger.field(amount::text) || ledger.field(currency)
        || ledger.field(phase) || ledger.field(pending_journal::text) || ledger.field(pending_position::text)
$$;
grant execute on function ledger.movement_text(text, text, numeric, text, text, uuid, integer) to service, auditor;

-- The same of one with a deadline: no field begins with its `@`. trunc() leaves whole microseconds, and no deadline is
-- too far away for it. Stable, as `extract` is: an immutable function would not be written into the query that uses it.
create function ledger.movement_text(
    debit text, credit text, amount numeric, currency text, phase text, pending_journal uuid, pending_position int,
    expires_at timestamptz
) returns text language sql stable parallel safe as $$
    select ledger.movement_text(debit, credit, amount, currency, phase, pending_journal, pending_position)
        || case when expires_at is null then ''
                else '@' || trunc(extract(epoch from expires_at) * 1000000)::text || ';' end
$$;
grant execute on function ledger.movement_text(text, text, numeric, text, text, uuid, integer, timestamptz)
    to service, auditor;

-- Whether a text can stand in a record: it says something (no blank of any alphabet alone), is short enough, and holds
-- no character that would hide or turn round what a reader sees.
create function ledger.is_text(value text, longest int) returns boolean
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
