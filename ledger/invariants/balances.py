"""The invariants of figures stored beside the movements: day rows, limited balances, kinds of account.

Each query computes the figure again from the movements alone.
"""

from invariants import Invariant
from ledger.accounts import KINDS

_KINDS_SQL = ", ".join(
    f"('{kind.name}', '{kind.keeping}', '{kind.normal}', {bool(kind.split_by)})" for kind in KINDS.values()
)

KEPT = (
    Invariant(
        "ledger_days_agree",
        "Every day row says what the folded movements of its account add up to on that day and up to it.",
        """with delta as (
               select f.mutuelle_id, d.* from ledger.fold f
                cross join lateral ledger.day_deltas(f.mutuelle_id, '0', f.upto) d),
             told as (
               select mutuelle_id, account, day, debits, credits,
                      sum(debits) over upto as cum_debits, sum(credits) over upto as cum_credits
                 from delta window upto as (partition by mutuelle_id, account order by day))
           select concat_ws(' ', mutuelle_id, account, day)
             from told t full join ledger.account_day a using (mutuelle_id, account, day)
            where (t.debits, t.credits, t.cum_debits, t.cum_credits)
                  is distinct from (a.debits, a.credits, a.cum_debits, a.cum_credits)""",
    ),
    Invariant(
        "ledger_folded_behind_the_horizon",
        "Nothing is folded that could still change; every fold has a book, and every book a fold.",
        """select concat_ws(' ', mutuelle_id, f.upto::text)
             from ledger.book b full join ledger.fold f using (mutuelle_id)
            where b.mutuelle_id is null or (f.upto <= ledger.horizon()) is not true""",
    ),
    Invariant(
        "ledger_balances_agree",
        "A balance with a limit is what its movements and open reservations add up to.",
        """with leg as (
               select mutuelle_id, debit_account as account, amount as debit, 0 as credit, 0 as held_debit,
                      0 as held_credit from ledger.movement where phase in ('single', 'post')
               union all
               select mutuelle_id, credit_account, 0, amount, 0, 0 from ledger.movement
                where phase in ('single', 'post')
               union all
               select mutuelle_id, debit_account, 0, 0, amount, 0 from ledger.held
               union all
               select mutuelle_id, credit_account, 0, 0, 0, amount from ledger.held),
             told as (
               select a.mutuelle_id, a.code as account, coalesce(sum(debit), 0) as debits,
                      coalesce(sum(credit), 0) as credits, coalesce(sum(held_debit), 0) as held_debits,
                      coalesce(sum(held_credit), 0) as held_credits
                 from ledger.account a left join leg on leg.mutuelle_id = a.mutuelle_id and leg.account = a.code
                where a.keeping = 'limited' group by a.mutuelle_id, a.code)
           select concat_ws(' ', mutuelle_id, account)
             from told t full join ledger.balance b using (mutuelle_id, account)
            where (t.debits, t.credits, t.held_debits, t.held_credits)
                  is distinct from (b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending)""",
    ),
    Invariant(
        "ledger_limits_hold",
        "No account with a limit is below zero, open reservations counted.",
        """select concat_ws(' ', b.mutuelle_id, b.account)
             from ledger.balance b
             left join ledger.account a on a.mutuelle_id = b.mutuelle_id and a.code = b.account
             left join ledger.kind k on k.kind = a.kind
            where b.side is distinct from k.side
               or case b.side when 'debit' then b.debits_posted - b.credits_posted - b.credits_pending
                              else b.credits_posted - b.debits_posted - b.debits_pending end < 0""",
    ),
    Invariant(
        "ledger_limits_hold_each_day",
        "No account with a limit is below zero on any day, the reservations counted that are open and dated by then.",
        """with step as (
               select e.mutuelle_id, e.account, e.effective_on as day,
                      case k.side when 'debit' then e.debit - e.credit else e.credit - e.debit end as change
                 from ledger.entry e
                 join ledger.account a on a.mutuelle_id = e.mutuelle_id and a.code = e.account
                 join ledger.kind k on k.kind = a.kind
                where a.keeping = 'limited'
               union all
               select h.mutuelle_id, a.code, h.effective_on, -h.amount
                 from ledger.held h
                 join ledger.account a on a.mutuelle_id = h.mutuelle_id and a.keeping = 'limited'
                 join ledger.kind k on k.kind = a.kind
                  and a.code = case k.side when 'debit' then h.credit_account else h.debit_account end),
             told as (
               select mutuelle_id, account, day,
                      sum(sum(change)) over (partition by mutuelle_id, account order by day) as free
                 from step group by mutuelle_id, account, day)
           select concat_ws(' ', mutuelle_id, account, day, free) from told where free < 0""",
    ),
    Invariant(
        "ledger_kinds_kept",
        "Each account is kept as its kind is, and each kind as the program says.",
        """select concat_ws(' ', a.mutuelle_id, a.code, a.keeping)
             from ledger.account a left join ledger.kind k on k.kind = a.kind
            where a.keeping is distinct from k.keeping
            union all
           select concat_ws(' ', k.kind, k.keeping, k.side)
             from (values KNOWN_KINDS) known (kind, keeping, side, is_split)
             full join ledger.kind k on k.kind = known.kind
            where (known.keeping, known.side, known.is_split)
                  is distinct from (k.keeping, k.side, k.is_split)""".replace("KNOWN_KINDS", _KINDS_SQL),
    ),
    Invariant(
        "ledger_control_one_currency",
        "The accounts that are summed under one head have one currency: the head's day rows are in it.",
        """select concat_ws(' ', mutuelle_id, ledger.head(code), count(distinct currency))
             from ledger.account where keeping = 'summed'
            group by mutuelle_id, ledger.head(code) having count(distinct currency) > 1""",
    ),
)
