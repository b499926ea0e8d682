"""Invariants of appointments, PINs and proposals."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "office_agrees_with_its_changes",
        "Every office is what its last change says: given and open, or withdrawn and ended; no change without office.",
        """
        select coalesce(o.mutuelle_id, c.mutuelle_id) || ' ' || coalesce(o.role, c.role) || ' ' ||
               coalesce(o.phone, c.phone)
        from (select mutuelle_id, role, phone, name, until from officer
              union all
              select mutuelle_id, 'doctor', phone, name, until from doctor) o
        full join (select distinct on (mutuelle_id, role, phone) * from role_change
                   order by mutuelle_id, role, phone, position desc) c
            on (c.mutuelle_id, c.role, c.phone) = (o.mutuelle_id, o.role, o.phone)
        where o.phone is null or c.phone is null or (o.until is null) <> (c.what = 'given') or o.name <> c.name
        """,
    ),
    Invariant(
        "role_changes_take_turns",
        "The changes of an office have no gap, begin with given, and given and withdrawn take turns.",
        """
        select mutuelle_id || ' ' || role || ' ' || phone || ' ' || position from (
            select *, row_number() over office as nth, lag(what) over office as before from role_change
            window office as (partition by mutuelle_id, role, phone order by position)
        ) changes
        where position <> nth or what is not distinct from before or (nth = 1 and what <> 'given')
        """,
    ),
    Invariant(
        "approved_change_was_carried_out",
        "A proposal has its change if, and only if, another treasurer approved it in time.",
        """
        select p.mutuelle_id || ' ' || p.id from role_proposal p
        left join role_change c on c.mutuelle_id = p.mutuelle_id and c.proposal = p.id
        where (c.proposal is not null) <> coalesce(p.answer = 'approved', false)
           or (c.proposal is not null and ((c.role, c.phone) <> (p.role, p.phone)
               or c.what <> case p.what when 'give' then 'given' else 'withdrawn' end))
           or p.answered_at > p.expires_at
           or (p.answer is not null and (p.answered_by = p.proposed_by or not exists (
               select from role_change t where t.mutuelle_id = p.mutuelle_id and t.role = 'treasurer'
                   and t.phone = p.answered_by and t.what = 'given' and t.changed_at <= p.answered_at)))
        """,
    ),
    Invariant(
        "pin_is_sealed",
        "No PIN is readable, no hash of one is there without its seal, and each was written down when it was issued.",
        """
        select 'pin issued ' || p.issued_at from officer_pin p
        where position('argon2' in encode(p.sealed, 'escape')) > 0
           or not exists (select from pin_change c where c.phone = p.phone
               and c.what in ('received', 'issued') and c.changed_at >= p.issued_at)
        """,
    ),
    Invariant(
        "locked_pin_is_noted",
        "A PIN that is locked or blocked has its lock among its changes.",
        """
        select 'pin issued ' || p.issued_at from officer_pin p
        where (p.failures >= 3 or p.locked_until is not null) and not exists (
            select from pin_change c where c.phone = p.phone and c.what = 'locked' and c.changed_at >= p.issued_at)
        """,
    ),
)
