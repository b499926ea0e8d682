-- Records: what a room wants to see unchanged, kept in the book as a hash. A record is a journal without movements, as
-- the act of a period is: numbered by its tick, explained, sealed, exported and never changed like any other.

-- Records each subject whose hash is not that of its newest record, and says how many those were. `subject` is what the
-- room calls it; `memo` is an object of short texts, `form` and `sha256` among them. Under its key each record of
-- a subject has its number, from 1: of two that record one subject at once, the second fails.
create function ledger.record(records jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    today constant date := (clock_timestamp() at time zone 'UTC')::date;
    recorded bigint;
begin
    if exists (select from jsonb_to_recordset(records) as r (mutuelle text, subject text, memo jsonb)
                where r.mutuelle !~ '^[A-Z0-9][A-Z0-9-]{0,19}$' or not ledger.is_text(r.subject, 60)
                   or r.memo ->> 'sha256' !~ '^[0-9a-f]{64}$' or length(r.memo::text) > 1000
                   or r.memo @? '$.* ? (@.type() != "string")'
                   or num_nulls(r.mutuelle, r.memo ->> 'sha256', r.memo ->> 'form') > 0) then
        raise exception 'a record without a mutuelle, a subject, a form or a hash' using errcode = 'check_violation';
    end if;
    with sent as (
        select r.mutuelle, r.subject, r.memo || jsonb_build_object('subject', r.subject) as memo,
               coalesce(substr(last.key, length(last.key) - 5)::int, 0) + 1 as nth
          from jsonb_to_recordset(records) as r (mutuelle text, subject text, memo jsonb)
          left join lateral (
               select q.key, j.memo from ledger.request q
                 join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
                where q.mutuelle_id = r.mutuelle and q.source = 'record'
                  and q.key >= r.subject || ' ' collate "C" and q.key < r.subject || '!' collate "C"
                order by q.key desc limit 1) last on true
         where (last.memo ->> 'form', last.memo ->> 'sha256') is distinct from (r.memo ->> 'form', r.memo ->> 'sha256')
    ), made as (
        select s.mutuelle, s.memo, k.key, encode(substr(sha256(convert_to(s.mutuelle || ' record ' || k.key, 'UTF8')),
               1, 16), 'hex')::uuid as id
          from sent s cross join lateral (select s.subject || ' ' || to_char(s.nth, 'FM000000')) k (key)
    ), spent as (
        insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id)
        select m.mutuelle, 'record', m.key,
               sha256(convert_to(ledger.journal_text('record', today, 'keneya', 'as it stands', null, m.memo), 'UTF8')),
               'created', m.id
          from made m order by 1, 3
    ), booked as (
        insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo, xid)
        select m.mutuelle, m.id, 'record', today, 'keneya', 'as it stands', m.memo, ledger.tick() from made m
        returning 1
    )
    select count(*) into recorded from booked;
    return recorded;
end $$;
grant execute on function ledger.record(jsonb) to service;
