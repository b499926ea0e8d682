"""The invariants of closed books and of reservations' deadlines."""

from invariants import Invariant

PERIODS = (
    Invariant(
        "ledger_periods_follow",
        "Closes and reopenings are numbered without a gap, each has its journal, and the boundary is what they leave.",
        """with act as (
               select p.*, j.kind, j.memo, row_number() over each_book as nth,
                      j.recorded_at + interval '1 minute' < lag(j.recorded_at) over each_book as before_the_last
                 from ledger.period_act p
                 left join ledger.journal j on j.mutuelle_id = p.mutuelle_id and j.id = p.journal_id
               window each_book as (partition by p.mutuelle_id order by p.number)),
             standing as (
               select p.mutuelle_id, max(p.last_on) as last_on from ledger.period_act p
                where p.act = 'close' and not exists (
                      select from ledger.period_act q
                       where q.mutuelle_id = p.mutuelle_id and q.act = 'reopen' and q.number > p.number
                         and q.first_on <= p.last_on)
                group by p.mutuelle_id)
           select concat_ws(' ', mutuelle_id, journal_id) from act
            where number <> nth or before_the_last
               or kind is distinct from case act when 'close' then 'period closed' else 'period reopened' end
               or (memo ->> 'first', memo ->> 'last') is distinct from (first_on::text, last_on::text)
            union all
           select concat_ws(' ', b.mutuelle_id, b.closed_through, s.last_on)
             from ledger.book b left join standing s using (mutuelle_id)
            where b.closed_through is distinct from s.last_on
            union all
           select concat_ws(' ', j.mutuelle_id, j.id) from ledger.journal j
             left join ledger.period_act p on p.mutuelle_id = j.mutuelle_id and p.journal_id = j.id
            where j.kind in ('period closed', 'period reopened') and p.number is null""",
    ),
    Invariant(
        "ledger_closed_books_untouched",
        "The movements of a closed period still add up to the trial balance that its close found.",
        """with standing as (
               select p.* from ledger.period_act p
                where p.act = 'close' and not exists (
                      select from ledger.period_act q
                       where q.mutuelle_id = p.mutuelle_id and q.act = 'reopen' and q.number > p.number
                         and q.first_on <= p.last_on)),
             told as (
               select s.mutuelle_id, s.journal_id, named.account,
                      coalesce(sum(e.debit) filter (where e.effective_on >= s.first_on), 0) as debits,
                      coalesce(sum(e.credit) filter (where e.effective_on >= s.first_on), 0) as credits,
                      coalesce(sum(e.debit), 0) as cum_debits, coalesce(sum(e.credit), 0) as cum_credits
                 from standing s
                 join ledger.account a on a.mutuelle_id = s.mutuelle_id
                cross join lateral (
                      select case a.keeping when 'summed' then ledger.head(a.code) else a.code end) named (account)
                 left join ledger.entry e on e.mutuelle_id = a.mutuelle_id and e.account = a.code
                       and e.effective_on <= s.last_on
                group by s.mutuelle_id, s.journal_id, named.account)
           select concat_ws(' ', mutuelle_id, journal_id, account)
             from (select p.* from ledger.period_total p join standing s using (mutuelle_id, journal_id)) p
             full join told t using (mutuelle_id, journal_id, account)
            where (coalesce(p.debits, 0), coalesce(p.credits, 0), coalesce(p.cum_debits, 0), coalesce(p.cum_credits, 0))
                  is distinct from (coalesce(t.debits, 0), coalesce(t.credits, 0), coalesce(t.cum_debits, 0),
                                    coalesce(t.cum_credits, 0))""",
    ),
    Invariant(
        "ledger_late_items_dated_late",
        "A journal that names an earlier day was booked when the books of that day were closed.",
        """select concat_ws(' ', j.mutuelle_id, j.id, j.occurred_on, j.effective_on)
             from ledger.journal j
            where j.occurred_on is not null and (j.occurred_on >= j.effective_on or not exists (
                  select from ledger.period_act p
                   where p.mutuelle_id = j.mutuelle_id and p.act = 'close' and p.last_on >= j.occurred_on))""",
    ),
    Invariant(
        "ledger_deadlines_kept",
        "A reservation with a deadline was posted before it, or expired after it.",
        """select concat_ws(' ', m.mutuelle_id, m.journal_id, m.position)
             from ledger.movement m
             join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id
             join ledger.movement p on p.mutuelle_id = m.mutuelle_id and p.journal_id = m.pending_journal_id
                  and p.position = m.pending_position
            where (m.phase = 'post' and p.expires_at <= j.recorded_at - interval '1 minute')
               or (m.phase = 'expire' and coalesce(p.expires_at, 'infinity') > j.recorded_at)""",
    ),
)
