-- Ticks: the order in which journals became known. A tick is this server's transaction number plus `shift`, which
-- a restore raises so that the numbers go on where the restored book's ended.

create schema ledger;
grant usage on schema ledger to service, auditor;

create table ledger.clock (
    sole boolean primary key default true check (sole),
    shift bigint not null default 0 check (shift >= 0)
);
insert into ledger.clock default values;
grant select on ledger.clock to service, auditor;

create function ledger.shifted(number xid8, shift bigint) returns xid8 language sql immutable parallel safe as $$
    select case when shift = 0 then number else (number::text::bigint + shift)::text::xid8 end
$$;
grant execute on function ledger.shifted(xid8, bigint) to service, auditor;

create function ledger.tick() returns xid8 language sql stable as $$
    select ledger.shifted(pg_current_xact_id(), c.shift) from ledger.clock c
$$;
grant execute on function ledger.tick() to service;

-- Every journal with a smaller tick is committed and seen by any statement that begins now; none can come below it.
-- A transaction of somebody who cannot post holds nothing up: an auditor's, or one of another database. Whose an open
-- transaction is, the server's locks and sessions say; one that they know no role of counts.
create function ledger.horizon() returns xid8 language sql stable as $$
    select ledger.shifted(coalesce(min(open.number), pg_snapshot_xmax(pg_current_snapshot())), c.shift)
      from ledger.clock c
      left join (
            select number from pg_snapshot_xip(pg_current_snapshot()) number
             where not exists (
                   select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
                      and l.transactionid = number::xid
                      and (a.datname <> current_database() or a.usesysid is not null and not exists (
                           select from pg_roles r
                            where pg_has_role(a.usesysid, r.oid, 'member')
                              and has_function_privilege(r.oid, 'ledger.post(jsonb)', 'execute'))))
           ) open on true
     group by c.shift
$$;
grant execute on function ledger.horizon() to service, auditor;

-- What this statement sees, written in ticks, as the text of a pg_snapshot.
create function ledger.snapshot() returns text language sql stable as $$
    select concat_ws(':', ledger.shifted(pg_snapshot_xmin(s.now), c.shift),
                     ledger.shifted(pg_snapshot_xmax(s.now), c.shift),
                     coalesce((select string_agg(ledger.shifted(open, c.shift)::text, ',' order by open)
                                 from pg_snapshot_xip(s.now) open), ''))
      from ledger.clock c, pg_current_snapshot() s (now)
$$;
grant execute on function ledger.snapshot() to service, auditor;

-- After a restore into another server, whose transactions are numbered anew: its next tick comes after every one that
-- the book, a fold or a seal has written down, and after `above`, the newest that its callers know of. Where no restore
-- was, every tick is below the next transaction's number: nothing moves. (What folds and seals wrote down is the tick
-- after theirs.)
create function ledger.move_clock(above bigint default 0) returns bigint language plpgsql as $$
declare
    newest constant bigint := greatest(
        above,
        (select max(last.xid::text::bigint) from ledger.book b
          cross join lateral (select j.xid from ledger.journal j where j.mutuelle_id = b.mutuelle_id
                               order by j.xid desc limit 1) last),
        (select max(f.upto::text::bigint) - 1 from ledger.fold f),
        (select max(s.upto::text::bigint) - 1 from ledger.seal s));
    next constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
begin
    update ledger.clock set shift = newest + 1 - next where newest + 1 - next > shift;
    return (select shift from ledger.clock);
end $$;
