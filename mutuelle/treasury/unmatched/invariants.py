"""Invariants of decisions about money: two people, one journal each, and nothing in suspense is decided twice."""

from invariants import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "decision_was_signed_by_two",
        "Every decision about money is what an act says that two people signed, and every such act has its decision.",
        """
        select coalesce(d.mutuelle_id || ' ' || d.act, a.mutuelle_id || ' ' || a.id) from money_decision d
        full join (select * from joint_act where answer = 'approved'
            and (kind in ('money match', 'group payment', 'money correction')
                or (kind = 'voucher' and coalesce(facts ->> 'found', '') <> '')
                or (kind = 'payout' and coalesce(facts ->> 'found', '') <> '' and exists (
                    select from payout p where p.mutuelle_id = joint_act.mutuelle_id and p.act = joint_act.id
                       and p.state in ('PAID', 'REVERSED'))))) a
            on a.mutuelle_id = d.mutuelle_id and a.id = d.act
        where d.act is null or a.id is null or d.amount_minor <> (a.facts ->> 'amount_minor')::bigint
           or d.source || ' ' || d.key <> case when a.kind in ('voucher', 'payout') then a.facts ->> 'found'
                  else (a.facts ->> 'source') || ' ' || (a.facts ->> 'key') end
           or d.list is distinct from a.facts ->> 'list'
           or d.outcome <> case a.kind when 'money match' then 'household' when 'group payment' then 'group'
                  when 'payout' then 'returned'
                  when 'voucher' then case a.facts ->> 'kind' when 'found money kept' then 'gift'
                         when 'found money given back' then 'returned' else 'own' end
                  else a.facts ->> 'outcome' end
        """,
    ),
    Invariant(
        "decision_posted_once",
        "What two decided about money has its journals: out of suspense, or the receipt reversed, and to whom it is; of"
        " the day of the money and of its amount. No such journal without its decision.",
        """
        with due as (
            select d.mutuelle_id, d.act, 'decision' as source, d.act::text as key, d.amount_minor,
                   'health:member:' || d.number as credit, d.occurred_on as day, null::uuid as back
              from money_decision d where d.outcome in ('household', 'moved')
            union all
            select d.mutuelle_id, d.act, 'decision', p.reference::text, p.amount_minor, 'health:member:' || p.number,
                   d.occurred_on, null
              from money_decision d join group_part p on p.mutuelle_id = d.mutuelle_id and p.list = d.list
            union all
            select d.mutuelle_id, d.act, 'decision', d.act || ' back', d.amount_minor, null, null, q.journal_id
              from money_decision d join ledger.request q on q.mutuelle_id = d.mutuelle_id and q.source = d.source
                   and q.key = d.key and q.verdict = 'created'
             where d.outcome in ('moved', 'taken back')
            union all
            select d.mutuelle_id, d.act, 'decision', d.act || ' gone', d.amount_minor, null, null, null
              from money_decision d join ledger.request q on q.mutuelle_id = d.mutuelle_id and q.source = d.source
                   and q.key = d.key and q.verdict = 'created'
              join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
             where d.outcome = 'taken back' and split_part(m.debit_account, ':', 2) = 'suspense'
            union all
            select d.mutuelle_id, d.act, 'payment', d.key, d.amount_minor, 'health:member:' || d.number,
                   d.occurred_on, null
              from money_decision d where d.outcome = 'paid'
        )
        select coalesce(due.mutuelle_id, q.mutuelle_id) || ' ' || coalesce(due.act::text, q.key) from due
        full join (select * from ledger.request where verdict = 'created' and source in ('decision', 'payment')) q
            on q.mutuelle_id = due.mutuelle_id and q.source = due.source and q.key = due.key
        left join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
        left join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
        where (due.act is null and q.source = 'decision')
           or (due.act is not null and (q.key is null or m.amount is distinct from due.amount_minor
               or m.credit_account <> coalesce(due.credit, m.credit_account)
               or coalesce(j.occurred_on, j.effective_on) <> coalesce(due.day, j.occurred_on, j.effective_on)
               or j.reverses_id is distinct from due.back))
        """,
    ),
    Invariant(
        "group_is_its_list",
        "A sum that was split is what its list says: the same money, as many households, parts that are the sum to the"
        " franc, and the payer's name that two signed.",
        """
        select d.mutuelle_id || ' ' || d.list from money_decision d
        join group_list l on l.mutuelle_id = d.mutuelle_id and l.receipt_code = d.list
        join joint_act a on a.mutuelle_id = d.mutuelle_id and a.id = d.act
        cross join lateral (select count(*) as households, sum(p.amount_minor) as minor from group_part p
                             where p.mutuelle_id = l.mutuelle_id and p.list = l.receipt_code
                               and p.currency = l.currency) parts
        where (l.source, l.key, l.amount_minor, l.currency) <> (d.source, d.key, d.amount_minor, d.currency)
           or parts.households <> l.households or parts.minor is distinct from l.amount_minor
           or l.payer is distinct from a.facts ->> 'payer' or l.listed_at > a.proposed_at
        """,
    ),
    Invariant(
        "suspense_is_unmatched_money",
        "What a suspense account holds is the money that nobody has decided about, to the franc.",
        """
        select coalesce(held.mutuelle_id, waits.mutuelle_id) || ' ' || coalesce(held.account, waits.account) from (
            select e.mutuelle_id, e.account, sum(e.credit) - sum(e.debit) as minor from ledger.entry e
             where split_part(e.account, ':', 2) = 'suspense' group by e.mutuelle_id, e.account
        ) held
        full join (
            select q.mutuelle_id, m.credit_account as account, sum(m.amount) as minor from ledger.request q
              join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
             where q.verdict = 'created' and split_part(m.credit_account, ':', 2) = 'suspense'
               and q.source in ('statement', 'suspense')
               and not exists (select from money_decision d where d.mutuelle_id = q.mutuelle_id
                                  and d.source = q.source and d.key = q.key)
             group by q.mutuelle_id, m.credit_account
        ) waits on waits.mutuelle_id = held.mutuelle_id and waits.account = held.account
        where coalesce(held.minor, 0) <> coalesce(waits.minor, 0)
        """,
    ),
    Invariant(
        "decision_receipt_was_told",
        "Every open household that had a phone, and had not said 'not me', when two gave it money has its receipt in"
        " the outbox.",
        """
        select d.mutuelle_id || ' ' || d.receipt_code from (
            select mutuelle_id, number, receipt_code, decided_at from money_decision
            union all
            select p.mutuelle_id, p.number, p.receipt_code, g.decided_at
              from group_part p join money_decision g on g.mutuelle_id = p.mutuelle_id and g.list = p.list) d
        join household h on h.mutuelle_id = d.mutuelle_id and h.number = d.number
        where d.receipt_code is not null and h.closed_at is null
          and (h.registered_by is null or h.confirmed_at <= d.decided_at)
          and exists (select from household_phone p where p.mutuelle_id = d.mutuelle_id and p.number = d.number
                and p.since <= d.decided_at)
          and not exists (select from household_change n where n.mutuelle_id = d.mutuelle_id and n.number = d.number
                and n.what = 'denied' and n.changed_at <= d.decided_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = d.mutuelle_id
                and o.receipt_code = d.receipt_code and o.template = 'receipt')
        """,
    ),
)
