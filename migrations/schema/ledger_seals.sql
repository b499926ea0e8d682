-- Seals: what was booked is hashed in blocks behind the horizon, and the blocks of a mutuelle are chained, so that
-- nobody, the owner of the database included, changes the past unseen. Sealing runs beside posting and never holds it
-- up. How every byte is made is written in ledger/docs.md, so that anybody can write a verifier; `ledger.journal_hashes`
-- and `ledger.block_root` never change: another encoding would get other names in its first field.

-- Block n of a mutuelle holds the journals with (upto of block n - 1) <= xid < upto, in the order of (xid, id).
-- `previous` is the root of block n - 1, 32 zero bytes for the first. `hashes` proves nothing that the root does not:
-- it says which journal of a broken block is not as it was.
create table ledger.seal (
    mutuelle_id text collate "C" not null,
    block int not null check (block > 0),
    upto xid8 not null,
    journals int not null check (journals > 0),
    previous bytea not null check (octet_length(previous) = 32),
    root bytea not null check (octet_length(root) = 32),
    hashes bytea not null check (octet_length(hashes) = 32::bigint * journals),
    sealed_at timestamptz not null default clock_timestamp(),
    primary key (mutuelle_id, block)
);
alter table ledger.seal alter column hashes set storage external; -- hashes do not get smaller
create trigger append_only before update or delete or truncate on ledger.seal
    for each statement execute function ledger.refuse_change();
alter table ledger.seal enable always trigger append_only;
grant select on ledger.seal to service, auditor;

-- A field: its length in bytes as an int4, then the bytes; -1 alone where there is none. Nothing is told apart by a
-- separator, and no setting of a session changes a byte. Plain expressions, so that PostgreSQL writes them into the
-- query that uses them (`stable`, since it holds `convert_to` to be no more than that).
create function ledger.sealed_field(value bytea) returns bytea language sql immutable parallel safe as $$
    select coalesce(int4send(octet_length(value)) || value, '\xffffffff')
$$;
grant execute on function ledger.sealed_field(bytea) to service, auditor;

create function ledger.sealed_text(value text) returns bytea language sql stable parallel safe as $$
    select ledger.sealed_field(convert_to(value, 'UTF8'))
$$;
grant execute on function ledger.sealed_text(text) to service, auditor;

-- The hash of every journal with since <= xid < upto, with all that must never change about it and its movements.
create function ledger.journal_hashes(mutuelle text, since xid8, upto xid8)
returns table (xid xid8, id uuid, hash bytea) language sql stable as $$
    select j.xid, j.id, sha256(
               ledger.sealed_text('journal 1') || ledger.sealed_text(j.mutuelle_id)
               || ledger.sealed_field(uuid_send(j.id)) || ledger.sealed_field(xid8send(j.xid))
               || ledger.sealed_text(r.source) || ledger.sealed_text(r.key) || ledger.sealed_text(j.kind)
               || ledger.sealed_field(date_send(j.effective_on)) || ledger.sealed_field(date_send(j.occurred_on))
               || ledger.sealed_field(timestamptz_send(j.recorded_at)) || ledger.sealed_text(j.actor)
               || ledger.sealed_text(j.reason) || ledger.sealed_field(uuid_send(j.reverses_id))
               || int4send(p.pairs) || p.said || int4send(b.movements) || b.said)
      from ledger.journal j
      left join lateral (select q.source, q.key from ledger.request q
                          where q.mutuelle_id = j.mutuelle_id and q.journal_id = j.id limit 1) r on true
     cross join lateral (
        select count(*)::int as pairs,
               coalesce(string_agg(ledger.sealed_text(e.key) || ledger.sealed_text(e.value), ''::bytea
                                   order by e.key collate "C"), '') as said
          from jsonb_each_text(j.memo) e
     ) p
     cross join lateral (
        select count(*)::int as movements,
               coalesce(string_agg(
                   ledger.sealed_field(int4send(m.position)) || ledger.sealed_text(m.debit_account)
                   || ledger.sealed_text(m.credit_account) || ledger.sealed_field(int8send(m.amount))
                   || ledger.sealed_text(m.currency) || ledger.sealed_text(m.phase)
                   || ledger.sealed_field(uuid_send(m.pending_journal_id))
                   || ledger.sealed_field(int4send(m.pending_position))
                   || ledger.sealed_field(timestamptz_send(m.expires_at)), ''::bytea order by m.position), '') as said
          from ledger.movement m
         where m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id
     ) b
     where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < upto
$$;
grant execute on function ledger.journal_hashes(text, xid8, xid8) to service, auditor;

-- One block as the rows say it now: how many journals, their hashes one after the other, and the root over all.
create function ledger.block_root(mutuelle text, block int, since xid8, upto xid8, previous bytea)
returns table (journals int, hashes bytea, root bytea) language sql stable as $$
    select b.journals, b.hashes,
           sha256(ledger.sealed_text('block 1') || ledger.sealed_field(previous) || ledger.sealed_text(mutuelle)
                  || ledger.sealed_field(int4send(block)) || ledger.sealed_field(xid8send(upto))
                  || ledger.sealed_field(int4send(b.journals)) || b.hashes)
      from (select count(*)::int as journals,
                   coalesce(string_agg(h.hash, ''::bytea order by h.xid, h.id), '') as hashes
              from ledger.journal_hashes(mutuelle, since, upto) h) b
$$;
grant execute on function ledger.block_root(text, integer, xid8, xid8, bytea) to service, auditor;

-- Seals the next block of a mutuelle: up to `most` journals, a transaction never split (one that is larger makes a
-- larger block). No row where nothing is behind the horizon that is not sealed yet.
-- The lock on the row is for sealers only (who posts shares its key), and correctness does not hang on it: of two that
-- pass it the primary key refuses one.
-- Each step is a statement of its own: the horizon is taken after the lock, the rows are read after the horizon.
create function ledger.seal_block(mutuelle text, most int)
returns table (block int, journals int, root bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
    most_journals constant int := greatest(1, least(most, 50000));
    last_block int;
    last_root bytea;
    since xid8;
    upto xid8;
    beyond xid8; -- of the first journal that is one too many
begin
    perform from ledger.book b where b.mutuelle_id = mutuelle for no key update;
    select s.block, s.upto, s.root into last_block, since, last_root
      from ledger.seal s where s.mutuelle_id = mutuelle order by s.block desc limit 1;
    since := coalesce(since, '0');
    upto := ledger.horizon();
    select j.xid into beyond from ledger.journal j
     where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < upto order by j.xid offset most_journals limit 1;
    if beyond is not null then
        if not exists (select from ledger.journal j
                        where j.mutuelle_id = mutuelle and j.xid >= since and j.xid < beyond) then
            beyond := (beyond::text::bigint + 1)::text;
        end if;
        upto := beyond;
    end if;
    return query
    insert into ledger.seal (mutuelle_id, block, upto, journals, previous, root, hashes)
    select mutuelle, chain.block, upto, b.journals, chain.previous, b.root, b.hashes
      from (select coalesce(last_block, 0) + 1 as block,
                   coalesce(last_root, decode(repeat('00', 32), 'hex')) as previous) chain
     cross join lateral ledger.block_root(mutuelle, chain.block, since, upto, chain.previous) b
     where b.journals > 0
    returning block, journals, root;
end $$;
grant execute on function ledger.seal_block(text, integer) to service;
