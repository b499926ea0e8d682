-- What only a superuser can do so that an auditor holds nobody up: once in the database of the service, and again after
-- a role was made anew. psql "$SUPERUSER_URL" -d keneya -f migrations/server.sql
-- Write your own names in the place of these two roles, the owner's and the auditor's. `make run` does it by itself.

-- Any role may take advisory locks in PostgreSQL: one that we want, or as many as the server has room for, stops the
-- service. From now on only members of keneya_locks may take them; the owner makes the service's role a member at each
-- `keneya migrate`.
do $$
declare
    taking regprocedure;
    poster name;
begin
    if not exists (select from pg_roles where rolname = 'keneya_locks') then
        create role keneya_locks nologin;
    end if;
    grant keneya_locks to keneya_owner with admin option;
    for taking in
        select p.oid from pg_proc p
         where p.pronamespace = 'pg_catalog'::regnamespace
           and (starts_with(p.proname, 'pg_advisory') or starts_with(p.proname, 'pg_try_advisory'))
    loop
        execute format('revoke execute on function %s from public', taking);
        execute format('grant execute on function %s to keneya_locks', taking);
    end loop;
    for poster in
        select r.rolname from pg_roles r
         where not r.rolsuper and not pg_has_role(r.oid, 'keneya_locks', 'member')
           and has_function_privilege(r.oid, to_regprocedure('ledger.post(jsonb)')::oid, 'execute')
    loop
        execute format('grant keneya_locks to %I', poster);
    end loop;
end $$;

-- No more connections than an audit needs. The time-outs end what was forgotten: who means harm can set others, and
-- then keeps vacuum from cleaning up (end it with pg_terminate_backend), but no posting, fold, seal or close.
do $$ begin
    if exists (select from pg_roles where rolname = 'keneya_auditor') then
        alter role keneya_auditor connection limit 5;
        alter role keneya_auditor set statement_timeout = '15min';
        alter role keneya_auditor set idle_in_transaction_session_timeout = '5min';
        alter role keneya_auditor set lock_timeout = '5s';
        if current_setting('server_version_num')::int >= 170000 then
            alter role keneya_auditor set transaction_timeout = '30min';
        end if;
    end if;
end $$;
