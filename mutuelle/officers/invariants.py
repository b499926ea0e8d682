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
        "A proposed change of roles was carried out if, and only if, it was approved, and as it was proposed.",
        """
        select p.mutuelle_id || ' ' || p.id from joint_act p
        left join role_change c on c.mutuelle_id = p.mutuelle_id and c.act = p.id
        where p.kind = 'role change' and (
              (c.act is not null) <> coalesce(p.answer = 'approved', false)
           or (c.act is not null and ((c.role, c.phone) <> (p.facts ->> 'role', p.facts ->> 'phone')
               or c.what <> case p.facts ->> 'what' when 'give' then 'given' else 'withdrawn' end))
           or p.about is distinct from p.facts ->> 'phone')
        union all
        select mutuelle_id || ' ' || phone || ' ' || position from role_change c
        where c.act is not null and not exists (
            select from joint_act p where p.mutuelle_id = c.mutuelle_id and p.id = c.act and p.kind = 'role change')
        """,
    ),
    Invariant(
        "act_was_answered_by_another",
        "An act of two people was answered in time by another person, on another phone, who was treasurer then.",
        """
        select p.mutuelle_id || ' ' || p.id from joint_act p
        where p.answered_at > p.expires_at or p.answered_at < p.proposed_at
           or (p.answer is not null and (p.answered_by in (p.proposed_by, p.about) or (
               select count(distinct t.phone) from role_change t where t.mutuelle_id = p.mutuelle_id
                   and t.role = 'treasurer' and t.what = 'given' and t.changed_at <= p.answered_at
                   and t.phone in (p.proposed_by, p.answered_by)) <> 2))
        """,
    ),
    Invariant(
        "limit_was_decided_by_two",
        "Each change of a limit is what two treasurers signed, every such act has its change, and only the first value"
        " of a limit may have come with the files of its mutuelle.",
        """
        select mutuelle_id || ' ' || name || ' ' || version from (
            select *, row_number() over (partition by mutuelle_id, name order by version) as nth from mutuelle_limit
        ) l
        where l.version <> l.nth or (l.act is null and l.version > 1)
        union all
        select a.mutuelle_id || ' ' || a.id from joint_act a
        full join mutuelle_limit l on l.mutuelle_id = a.mutuelle_id and l.act = a.id
        where (a.kind = 'limit change' or l.act is not null)
          and ((l.act is not null) <> coalesce(a.kind = 'limit change' and a.answer = 'approved', false)
            or (l.name, l.value) <> (a.facts ->> 'name', (a.facts ->> 'value')::bigint))
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
