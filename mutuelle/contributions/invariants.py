"""Invariants between payments, policies and the ledger."""

from invariants import Invariant
from mutuelle.contributions.payer_invariants import PAYERS

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "payment_posted_once",
        "Every paid payment has exactly one journal: its receipt, or suspense when it differed from the ask.",
        """
        select p.mutuelle_id || ' ' || p.reference from payment p
        left join ledger.request r on r.mutuelle_id = p.mutuelle_id and r.key = p.reference::text
            and r.source in ('payment', 'suspense') and r.verdict = 'created'
        where p.state in ('PAID', 'REVERSED')
        group by p.mutuelle_id, p.reference having count(r.key) <> 1
        """,
    ),
    Invariant(
        "posting_has_payment",
        "No receipt in the ledger without a paid payment of the same amount.",
        """
        select r.mutuelle_id || ' ' || r.key from ledger.request r
        left join payment p on p.mutuelle_id = r.mutuelle_id and p.reference::text = r.key
        left join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id
        where r.verdict = 'created' and r.source in ('payment', 'suspense')
          and (p.state is null or p.state not in ('PAID', 'REVERSED')
               or (r.source = 'payment' and m.amount is distinct from p.amount_minor))
        """,
    ),
    Invariant(
        "unpaid_posts_nothing",
        "A payment that failed or is under way has no journal.",
        """
        select p.mutuelle_id || ' ' || p.reference from payment p
        join ledger.request r on r.mutuelle_id = p.mutuelle_id and r.key = p.reference::text
            and r.source in ('payment', 'suspense')
        where p.state not in ('PAID', 'REVERSED')
        """,
    ),
    Invariant(
        "payment_moves_lead_to_state",
        "The moves of a payment are without a gap and end in its state.",
        """
        select p.mutuelle_id || ' ' || p.reference from payment p
        left join lateral (
            select count(*) as moves, max(position) as newest,
                   (array_agg(to_state order by position desc))[1] as state
            from payment_move m where m.mutuelle_id = p.mutuelle_id and m.reference = p.reference
        ) last on true
        where last.state is distinct from p.state or last.moves is distinct from last.newest
        """,
    ),
    Invariant(
        "payment_moves_chain",
        "Each move of a payment begins where the one before it ended.",
        """
        select mutuelle_id || ' ' || reference || ' ' || position from (
            select *, lag(to_state) over (partition by mutuelle_id, reference order by position) as before
            from payment_move
        ) moves where from_state is distinct from before
        """,
    ),
    Invariant(
        "paid_payment_is_receipted",
        "A payment settled by the service has its receipt, or its word of a mismatch, in the outbox.",
        """
        select p.mutuelle_id || ' ' || p.reference from payment p
        where p.state = 'PAID' and p.notice_token not like 'history-%'
          and not exists (select from sms_outbox o where o.mutuelle_id = p.mutuelle_id
              and (o.key like 'receipt ' || p.reference || ' %' or o.key like 'money to check ' || p.reference || ' %'))
        """,
    ),
    Invariant(
        "policy_called_when_paid",
        "A household whose money has settled owes at least its first policy: no receipt without a call.",
        """
        select p.mutuelle_id || ' ' || p.number from payment p
        join ledger.request r on r.mutuelle_id = p.mutuelle_id and r.source = 'payment'
            and r.key = p.reference::text and r.verdict = 'created'
        where not exists (select from ledger.request c where c.mutuelle_id = p.mutuelle_id
            and c.source = 'policy' and c.key = p.number || '-1' and c.verdict = 'created')
        """,
    ),
    Invariant(
        "policy_price_is_what_was_called",
        "What the ledger called for a policy is its price.",
        """
        select l.mutuelle_id || ' ' || l.number || '-' || l.sequence from policy l
        join ledger.request r on r.mutuelle_id = l.mutuelle_id and r.source = 'policy'
            and r.key = l.number || '-' || l.sequence and r.verdict = 'created'
        where (select sum(m.amount) from ledger.movement m
               where m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id)
              <> l.contribution_minor + l.registration_minor
        """,
    ),
    Invariant(
        "household_has_account_and_policy",
        "Every household has its account in the health fund and at least one policy.",
        """
        select h.mutuelle_id || ' ' || h.number from household h
        where not exists (select from policy p where p.mutuelle_id = h.mutuelle_id and p.number = h.number)
           or not exists (select from ledger.account a
               where a.mutuelle_id = h.mutuelle_id and a.code = 'health:member:' || h.number)
        """,
    ),
    *PAYERS,
)
