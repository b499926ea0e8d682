"""The invariants of seals. A late seal breaks none: the metric `keneya_seal_lag_seconds` shows it."""

from invariants import Invariant

SEALS = (
    Invariant(
        "ledger_ticks_at_the_horizon",
        "No journal has a tick that the server has not reached, nor one that leaps ahead of the journal before it.",
        """with clock as (
               select ledger.shifted(pg_snapshot_xmax(pg_current_snapshot()), c.shift) as next,
                      ledger.shifted(pg_current_xact_id_if_assigned(), c.shift) as own, c.shift
                 from ledger.clock c)
           select concat_ws(' ', j.mutuelle_id, j.id, j.xid)
             from (select mutuelle_id, id, xid, lag(xid) over (partition by mutuelle_id order by xid) as before
                     from ledger.journal) j
            cross join clock c
            where j.xid >= c.next and j.xid is distinct from c.own
               or j.xid::text::bigint - j.before::text::bigint > 10000000000
            union all
           select concat_ws(' ', 'clock', c.shift)
             from clock c cross join (select max(xid) as newest from ledger.journal) j
            where c.shift - j.newest::text::bigint > 10000000000""",
    ),
    Invariant(
        "ledger_seals_chain",
        "The blocks of a mutuelle are numbered from 1, each follows from the one before, all lie behind the horizon.",
        """select concat_ws(' ', s.mutuelle_id, s.block)
             from (select *, row_number() over chain as place,
                          lag(upto, 1, '0') over chain as since,
                          lag(root, 1, decode(repeat('00', 32), 'hex')) over chain as root_before
                     from ledger.seal window chain as (partition by mutuelle_id order by block)) s
            where s.block <> s.place or s.previous <> s.root_before or s.upto <= s.since
               or s.upto > ledger.horizon()""",
    ),
    Invariant(
        "ledger_seals_hold",
        "Every sealed journal is as it was when it was sealed, none is gone and none was slipped in.",
        """select concat_ws(' ', s.mutuelle_id, s.block)
             from (select *, lag(upto, 1, '0') over (partition by mutuelle_id order by block) as since
                     from ledger.seal) s
            cross join lateral ledger.block_root(s.mutuelle_id, s.block, s.since, s.upto, s.previous) now
            where (now.journals, now.hashes, now.root) is distinct from (s.journals, s.hashes, s.root)""",
    ),
)
