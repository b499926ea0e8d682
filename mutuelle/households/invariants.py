"""Invariants of households over time: their people, changes and confirmations."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "household_change_without_gap",
        "The changes of a household are numbered from 1, without a gap.",
        """
        select mutuelle_id || ' ' || number from household_change
        group by mutuelle_id, number having max(position) <> count(*)
        """,
    ),
    Invariant(
        "registered_household_is_noted",
        "A household that an officer registered has that among its changes, in that officer's name.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        where h.registered_by is not null and not exists (select from household_change c
            where c.mutuelle_id = h.mutuelle_id and c.number = h.number
              and c.what = 'registered' and c.actor = h.registered_by)
        """,
    ),
    Invariant(
        "confirmed_household_is_noted",
        "A registered household counts as confirmed exactly if somebody's confirmation is among its changes.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        where h.registered_by is not null and (h.confirmed_at is not null) <> exists (select from household_change c
            where c.mutuelle_id = h.mutuelle_id and c.number = h.number and c.what = 'confirmed')
        """,
    ),
    Invariant(
        "doubted_phone_is_noted",
        "A phone that somebody doubts, or that says it is not theirs, has that among the changes of its household.",
        """
        select p.mutuelle_id || ' ' || p.number || ' ' || p.phone from household_phone p
        where p.doubt <> 'idle' and not exists (select from household_change c
            where c.mutuelle_id = p.mutuelle_id and c.number = p.number and c.changed_at = p.doubted_at
              and c.what = case p.doubt when 'not me' then 'denied' else 'phone doubted' end)
        """,
    ),
    Invariant(
        "doubted_phone_changes_nothing",
        "A phone of which nobody knows who holds it has changed nobody of its household since.",
        """
        select c.mutuelle_id || ' ' || c.number || ' ' || c.position from household_change c
        join household_phone p on p.mutuelle_id = c.mutuelle_id and p.number = c.number and p.phone = c.actor
        where c.changed_at > p.doubted_at and c.what in
            ('person added', 'person removed', 'person corrected', 'person named', 'doctor chosen', 'confirmed')
        """,
    ),
    Invariant(
        "frozen_household_is_noted",
        "A household is frozen exactly since the last of its changes that froze it or took that back.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        left join lateral (
            select c.what, c.changed_at from household_change c
            where c.mutuelle_id = h.mutuelle_id and c.number = h.number and c.what in ('frozen', 'unfrozen')
            order by c.position desc limit 1) last on true
        where h.frozen_at is distinct from case last.what when 'frozen' then last.changed_at end
        """,
    ),
    Invariant(
        "frozen_household_stands_still",
        "Neither people nor phones of a household have changed since it was frozen.",
        """
        select h.mutuelle_id || ' ' || h.number || ' ' || c.position from household h
        join household_change c on c.mutuelle_id = h.mutuelle_id and c.number = h.number
        where c.changed_at > h.frozen_at and c.what in
            ('person added', 'person removed', 'person corrected', 'person named', 'head changed', 'phone added',
             'phone removed', 'code given', 'code taken away')
        """,
    ),
    Invariant(
        "household_pin_is_noted",
        "A household has a PIN exactly if the last of its changes that gave or took one gave it, at that moment.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        left join household_pin k on k.mutuelle_id = h.mutuelle_id and k.number = h.number
        left join lateral (
            select c.what, c.changed_at from household_change c
            where c.mutuelle_id = h.mutuelle_id and c.number = h.number
              and c.what in ('code given', 'code taken away')
            order by c.position desc limit 1) last on true
        where h.erased_at is null
          and k.issued_at is distinct from case last.what when 'code given' then last.changed_at end
        """,
    ),
    Invariant(
        "first_policy_counts_its_people",
        "The first policy of a household was priced for the people who are written down with it.",
        """
        select p.mutuelle_id || ' ' || p.number from policy p
        where p.sequence = 1 and p.members <> (select count(*) from beneficiary b
            where b.mutuelle_id = p.mutuelle_id and b.number = p.number and b.first_policy = 1)
        """,
    ),
    Invariant(
        "person_counted_by_a_policy_to_come",
        "Nobody waits for a policy after the next one.",
        """
        select b.mutuelle_id || ' ' || b.number || ' ' || b.rank from beneficiary b
        where b.first_policy > 1 + (select count(*) from policy p
            where p.mutuelle_id = b.mutuelle_id and p.number = b.number)
        """,
    ),
    Invariant(
        "erased_household_is_nobody",
        "A household is erased exactly if that is noted, and then it has no name, no phone and no named person.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        where (h.erased_at is not null) <> exists (select from household_change c
                where c.mutuelle_id = h.mutuelle_id and c.number = h.number and c.what = 'erased')
           or (h.erased_at is not null and (h.head_name <> '--'
               or exists (select from household_phone p where p.mutuelle_id = h.mutuelle_id and p.number = h.number)
               or exists (select from beneficiary b where b.mutuelle_id = h.mutuelle_id and b.number = h.number
                             and b.name is not null)))
        """,
    ),
    Invariant(
        "erasure_was_due",
        "No household was erased before the years were over that its mutuelle had decided on by then.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        where h.erased_at < h.closed_at + make_interval(years => coalesce((
            select l.value from mutuelle_limit l where l.mutuelle_id = h.mutuelle_id and l.name = 'years_kept'
               and l.since <= h.erased_at::date order by l.since desc, l.version desc limit 1), 999)::int)
        """,
    ),
    Invariant(
        "lookup_is_an_officers",
        "Who is written down as having looked at a household on her phone held an office of its mutuelle by then.",
        """
        select l.mutuelle_id || ' ' || l.subject || ' ' || l.looked_on from officer_lookup l
        where not exists (select from role_change r where r.mutuelle_id = l.mutuelle_id and r.phone = l.looked_by
            and r.what = 'given' and r.since <= l.looked_on)
        """,
    ),
)
