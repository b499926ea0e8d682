"""Invariants of closed years and of assemblies: two people, one journal, in books that are closed."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "closed_year_is_closed",
        "The books of a closed year on which an assembly has voted stay closed.",
        """
        select v.mutuelle_id || ' ' || v.year from assembly_vote v
        join ledger.book b on b.mutuelle_id = v.mutuelle_id
        where v.in_favour > v.against and coalesce(b.closed_through < make_date(v.year, 12, 31), true)
        """,
    ),
    Invariant(
        "assembly_act_has_two",
        "Every assembly that was convened, and every vote, is an act that two people signed.",
        """
        select d.mutuelle_id || ' ' || d.act from (
            select mutuelle_id, act, 'assembly' as kind from assembly
            union all select mutuelle_id, act, 'assembly vote' from assembly_vote
        ) d
        left join joint_act a on a.mutuelle_id = d.mutuelle_id and a.id = d.act and a.kind = d.kind
            and a.answer = 'approved'
        where a.id is null
        """,
    ),
    Invariant(
        "vote_is_posted_once",
        "What an assembly put into the reserve, or took from it, has exactly one journal, and there is no other.",
        """
        select coalesce(v.mutuelle_id, q.mutuelle_id) || ' ' || coalesce(v.act::text, q.key)
        from (select * from assembly_vote where reserve_minor <> 0) v
        full join (select * from ledger.request where source = 'assembly' and verdict = 'created') q
            on q.mutuelle_id = v.mutuelle_id and q.key = v.act::text
        left join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
        group by v.mutuelle_id, q.mutuelle_id, v.act, q.key, v.reserve_minor
        having v.act is null or count(m.amount) <> 1 or min(m.amount) <> abs(v.reserve_minor)
            or min(m.debit_account) <> case when v.reserve_minor > 0 then 'health:result' else 'health:reserve' end
            or min(m.credit_account) <> case when v.reserve_minor > 0 then 'health:reserve' else 'health:result' end
        """,
    ),
)
