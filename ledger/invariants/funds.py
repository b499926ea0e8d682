"""Invariants of funds: what one fund books against another, the other mirrors."""

from invariants import Invariant

FUNDS = (
    Invariant(
        "ledger_interfund_mirrors",
        "In a journal, what fund A books on its account with fund B is what B books on its account with A, mirrored.",
        """select concat_ws(' ', l.mutuelle_id, l.journal_id, least(l.fund, l.other), greatest(l.fund, l.other),
                            l.currency, sum(l.net))
             from (select e.mutuelle_id, e.journal_id, e.currency, e.debit - e.credit as net,
                          split_part(e.account, ':', 1) as fund, split_part(e.account, ':', 3) as other
                     from ledger.entry e where split_part(e.account, ':', 2) = 'interfund') l
            group by l.mutuelle_id, l.journal_id, least(l.fund, l.other), greatest(l.fund, l.other), l.currency
           having sum(l.net) <> 0""",
    ),
)
