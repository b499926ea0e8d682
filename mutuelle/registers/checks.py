"""What always holds of what was taken over from paper: paid there, called and received here, never income of today."""

from invariants import Invariant

CHECKS: tuple[Invariant, ...] = (
    Invariant(
        "register_line_taken_over",
        "A household that the register says has paid was called and has paid in the ledger.",
        """
        select l.mutuelle_id || ' ' || l.number from register_line l
        where l.said ->> 'paid_until' is not null
          and 2 <> (select count(*) from ledger.request r where r.mutuelle_id = l.mutuelle_id
              and r.source in ('policy', 'opening') and r.key = l.number || '-1' and r.verdict = 'created')
        """,
    ),
    Invariant(
        "register_paid_what_was_called",
        "What was called on paper was paid on paper: the same sum on the same day, from and to the opening account.",
        """
        with taken as (
            select r.mutuelle_id, r.key, j.kind, coalesce(j.occurred_on, m.effective_on) as paid_on, m.amount,
                   case j.kind when 'contribution taken over' then m.debit_account else m.credit_account end as member,
                   case j.kind when 'contribution taken over' then m.credit_account else m.debit_account end as other
            from ledger.journal j
            join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
            join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id
            where j.kind in ('contribution taken over', 'payment taken over')
        )
        select concat_ws(' ', mutuelle_id, key)
        from (select * from taken where kind = 'contribution taken over') c
        full join (select * from taken where kind = 'payment taken over') p using (mutuelle_id, key)
        where (c.amount, c.paid_on, c.member, c.other)
              is distinct from (p.amount, p.paid_on, p.member, p.other)
           or c.other <> 'health:opening' or c.member <> 'health:member:' || split_part(key, '-', 1)
        """,
    ),
)
