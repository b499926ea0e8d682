"""Invariants of households that support changed, and of the doctors that households chose."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "support_act_is_noted",
        "Every change that support made in a household is noted beside the household by the same person.",
        """
        select a.mutuelle_id || ' ' || a.number || ' ' || a.act from support_act a
        where a.act like 'household %' and not exists (
            select from household_change c where c.mutuelle_id = a.mutuelle_id and c.number = a.number
                and c.actor = a.actor and c.reason = a.reason and c.changed_at = a.done_at)
        """,
    ),
    Invariant(
        "support_closing_lasts",
        "A household is closed if and only if the last act of support on its closing says so.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        left join lateral (
            select a.act from support_act a where a.mutuelle_id = h.mutuelle_id and a.number = h.number
                and a.act in ('household close', 'household merge', 'household reopen')
            order by a.nth desc limit 1) last on true
        where (h.closed_at is not null) <> coalesce(last.act in ('household close', 'household merge'), false)
        """,
    ),
    Invariant(
        "support_merge_is_posted",
        "The journal of a merge stands as long as the merge does, and is reversed with it.",
        """
        select a.mutuelle_id || ' ' || a.number from support_act a
        left join support_act r on r.mutuelle_id = a.mutuelle_id and r.number = a.number
            and r.act = 'household reopen' and r.nth > a.nth
        left join ledger.journal j on j.mutuelle_id = a.mutuelle_id and j.id = cast(a.facts ->> 'journal' as uuid)
        left join ledger.journal back on back.mutuelle_id = j.mutuelle_id and back.reverses_id = j.id
        where a.act = 'household merge' and a.facts ->> 'journal' is not null
          and (j.id is null or (r.id is null) <> (back.id is null))
        """,
    ),
    Invariant(
        "household_head_is_of_it",
        "The head of every household is one of its people, and was not removed from an open one.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        left join beneficiary b on b.mutuelle_id = h.mutuelle_id and b.number = h.number and b.rank = h.head_rank
        where b.rank is null or (h.closed_at is null and b.removed_on is not null)
        """,
    ),
    Invariant(
        "referent_sequence_has_no_gap",
        "The choices of a doctor by a household are counted without a gap, in the order of time.",
        """
        select mutuelle_id || ' ' || number || ' ' || sequence from (
            select *, row_number() over (partition by mutuelle_id, number order by sequence) as nth,
                   lag(chosen_at) over (partition by mutuelle_id, number order by sequence) as before
            from referent) choices
        where sequence <> nth or before > chosen_at
        """,
    ),
)
