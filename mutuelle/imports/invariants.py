"""Invariants of imported registers: what was paid on paper is called and received here, never as income of today."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "register_credit_taken_over",
        "What a household has paid in advance on paper is its money here, once and no more.",
        """
        select coalesce(l.mutuelle_id || ' ' || l.number, j.mutuelle_id || ' journal ' || j.id)
          from (select mutuelle_id, number, (said ->> 'credit')::bigint as credit from register_line
                 where (said ->> 'credit')::bigint > 0) l
          full join (select j.mutuelle_id, j.id, r.key, m.amount, m.debit_account, m.credit_account
                       from ledger.journal j
                       join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
                       join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id
                      where j.kind = 'credit taken over') j
            on j.mutuelle_id = l.mutuelle_id and j.key = l.number || '-credit'
         where l.number is null or j.id is null or j.amount <> l.credit
            or (j.debit_account, j.credit_account) <> ('health:opening', 'health:member:' || l.number)
        """,
    ),
    Invariant(
        "register_line_taken_over",
        "A household that the register says has paid was called and has paid in the ledger.",
        """
        select l.mutuelle_id || ' ' || l.number from register_line l
        where (l.said ->> 'paid_until' is not null or (l.said ->> 'paid')::bigint > 0)
          and 2 <> (select count(*) from ledger.request r where r.mutuelle_id = l.mutuelle_id
              and r.source in ('policy', 'opening') and r.key = l.number || '-1' and r.verdict = 'created')
        """,
    ),
    Invariant(
        "register_paid_what_was_called",
        "What was called on paper was paid on paper, on the same day, from and to the opening account: all of it, but"
        " for what the register says is owed of the last period.",
        """
        with taken as (
            select r.mutuelle_id, r.key, j.kind, coalesce(j.occurred_on, m.effective_on) as paid_on, m.amount,
                   case j.kind when 'contribution taken over' then m.debit_account else m.credit_account end as member,
                   case j.kind when 'contribution taken over' then m.credit_account else m.debit_account end as other
            from ledger.journal j
            join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
            join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id
            where j.kind in ('contribution taken over', 'payment taken over')
        ),
        pairs as (
            select mutuelle_id, key, split_part(key, '-', 1) as number, c.amount - p.amount as owed,
                   (c.paid_on, c.member, c.other) is not distinct from (p.paid_on, p.member, p.other)
                   and c.other = 'health:opening' and c.member = 'health:member:' || split_part(key, '-', 1) as agrees,
                   split_part(key, '-', 2)::integer = max(split_part(key, '-', 2)::integer)
                       over (partition by mutuelle_id, split_part(key, '-', 1)) as is_last, c.amount
            from (select * from taken where kind = 'contribution taken over') c
            full join (select * from taken where kind = 'payment taken over') p using (mutuelle_id, key)
        )
        select concat_ws(' ', b.mutuelle_id, b.key)
        from pairs b left join register_line l on l.mutuelle_id = b.mutuelle_id and l.number = b.number
        where not coalesce(b.agrees, false) or b.owed is distinct from case
            when not b.is_last then 0
            else coalesce((l.said ->> 'owed')::bigint, b.amount - (l.said ->> 'paid')::bigint, 0) end
        """,
    ),
)
