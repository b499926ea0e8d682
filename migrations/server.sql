-- What only a superuser can do so that an auditor holds nobody up: once in the database of the service, and again after
-- a role was made anew. psql "$SUPERUSER_URL" -d keneya -f migrations/server.sql
-- Write your own roles' names in the place of these three. `make run` does it by itself.

-- Locks of a number are everybody's in PostgreSQL: whoever takes one that we want, or all that the server has room for,
-- stops the service. From now on they are ours alone.
do $$
declare
    taking regprocedure;
begin
    for taking in
        select p.oid from pg_proc p
         where p.pronamespace = 'pg_catalog'::regnamespace
           and (starts_with(p.proname, 'pg_advisory') or starts_with(p.proname, 'pg_try_advisory'))
    loop
        execute format('revoke execute on function %s from public', taking);
        execute format('grant execute on function %s to keneya_owner, keneya_service', taking);
    end loop;
end $$;

-- No more connections than an audit needs. The time-outs end what was forgotten: who means harm can set others, and
-- then keeps vacuum from cleaning up (end it with pg_terminate_backend), but no posting, fold, seal or close.
alter role keneya_auditor connection limit 5;

alter role keneya_auditor set statement_timeout = '15min';

alter role keneya_auditor set idle_in_transaction_session_timeout = '5min';

alter role keneya_auditor set lock_timeout = '5s';

do $$ begin
    if current_setting('server_version_num')::int >= 170000 then
        alter role keneya_auditor set transaction_timeout = '30min';
    end if;
end $$;
