"""Invariants of payers: what each owes is its parts of the calls, and no household is asked for them."""

from invariants import Invariant

PAYERS: tuple[Invariant, ...] = (
    Invariant(
        "household_and_payer_owe_their_parts",
        "A contribution call is owed by the household and its payer, each its own part: a member's account never"
        " carries a payer's share.",
        """
        select r.mutuelle_id || ' ' || r.key from ledger.request r
        join policy l on l.mutuelle_id = r.mutuelle_id and r.key = l.number || '-' || l.sequence
        left join policy_share s
            on (s.mutuelle_id, s.number, s.sequence) = (l.mutuelle_id, l.number, l.sequence)
        left join regime g on (g.mutuelle_id, g.code, g.since) = (s.mutuelle_id, s.regime, s.regime_since)
        cross join lateral (
            select coalesce(sum(m.amount) filter (where m.debit_account = 'health:member:' || l.number), 0) as own,
                   coalesce(sum(m.amount) filter (where m.debit_account = 'health:receivable:' || g.payer), 0) as part
            from ledger.movement m where m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id) m
        where r.source = 'policy' and r.verdict = 'created'
          and (m.part <> coalesce(s.part_minor, 0)
               or m.own <> l.contribution_minor + l.registration_minor - coalesce(s.part_minor, 0))
        """,
    ),
    Invariant(
        "payer_owes_what_was_called",
        "What a payer owes in the ledger is its parts of the calls, and what it owed before, less what was received.",
        """
        select p.mutuelle_id || ' ' || p.code from payer p
        where (select coalesce(sum(case when m.debit_account = 'health:receivable:' || p.code
                                        then m.amount else -m.amount end), 0)
               from ledger.movement m where m.mutuelle_id = p.mutuelle_id and m.phase in ('single', 'post')
               and 'health:receivable:' || p.code in (m.debit_account, m.credit_account))
           <> (select coalesce(sum(s.part_minor), 0) from policy_share s
               join regime g on (g.mutuelle_id, g.code, g.since) = (s.mutuelle_id, s.regime, s.regime_since)
               join ledger.request r on r.mutuelle_id = s.mutuelle_id and r.source = 'policy'
                   and r.key = s.number || '-' || s.sequence and r.verdict = 'created'
               where s.mutuelle_id = p.mutuelle_id and g.payer = p.code)
            + (select coalesce(sum(m.amount), 0) from ledger.request r
               join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id
               where r.mutuelle_id = p.mutuelle_id and r.source = 'opening' and r.verdict = 'created'
               and m.debit_account = 'health:receivable:' || p.code)
            - (select coalesce(sum(v.amount_minor), 0) from voucher v
               where v.mutuelle_id = p.mutuelle_id and v.kind = 'debt received'
               and v.credit = 'health:receivable:' || p.code
               and not exists (select from voucher b where (b.mutuelle_id, b.reverses) = (v.mutuelle_id, v.reference)))
        """,
    ),
    Invariant(
        "share_is_of_its_regime",
        "A payer's part of a policy is what its regime says, of a regime of that household, and what a payer owes whole"
        " is called.",
        """
        select s.mutuelle_id || ' ' || s.number || '-' || s.sequence from policy_share s
        join regime g on (g.mutuelle_id, g.code, g.since) = (s.mutuelle_id, s.regime, s.regime_since)
        join policy l on (l.mutuelle_id, l.number, l.sequence) = (s.mutuelle_id, s.number, s.sequence)
        join product d on (d.mutuelle_id, d.code, d.version) = (l.mutuelle_id, l.product_code, l.product_version)
        cross join lateral (select l.contribution_minor + l.registration_minor as price) p
        cross join lateral (select (p.price * (100 - g.percent) + 99) / 100 as own) o
        where s.part_minor <> p.price - least(
                (o.own + d.amount_step_minor - 1) / d.amount_step_minor * d.amount_step_minor, p.price)
           or not exists (select from household_regime h
                where (h.mutuelle_id, h.number, h.regime) = (s.mutuelle_id, s.number, s.regime))
           or (s.part_minor = p.price and not exists (select from ledger.request r where r.mutuelle_id = s.mutuelle_id
                and r.source = 'policy' and r.key = s.number || '-' || s.sequence and r.verdict = 'created'))
        """,
    ),
    Invariant(
        "share_is_older_than_its_call",
        "Who pays for a policy was written down before anything of it was called.",
        """
        select s.mutuelle_id || ' ' || s.number || '-' || s.sequence from policy_share s
        join ledger.request r on r.mutuelle_id = s.mutuelle_id and r.source = 'policy'
            and r.key = s.number || '-' || s.sequence and r.verdict = 'created'
        join ledger.journal j on j.mutuelle_id = r.mutuelle_id and j.id = r.journal_id
        where s.recorded_at > j.recorded_at
        """,
    ),
    Invariant(
        "regime_was_signed",
        "Who pays for a household came with the import, or two treasurers signed it.",
        """
        select h.mutuelle_id || ' ' || h.number || '-' || h.position from household_regime h
        left join joint_act a on a.mutuelle_id = h.mutuelle_id and a.id = h.act
        where case when h.act is null then h.actor <> 'import'
                   else (a.kind, a.answer, a.facts ->> 'number') is distinct from
                            ('regime change', 'approved', h.number)
                        or a.facts ->> 'regime' is distinct from h.regime end
        """,
    ),
)
