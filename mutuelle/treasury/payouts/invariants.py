"""Invariants of payouts: signed by two, reserved before they are sent, posted or freed once, and told."""

import re

from invariants import Invariant
from locales import Fact, languages, render
from locales.letters import fold
from mutuelle.scheme.limits import usual_sql
from mutuelle.treasury.payouts.payout_acts import in_another_name, in_the_name_of

# What a limit was on the day `d.on_day`; of a day on which it was changed, the highest.
_LIMIT = """greatest(
    coalesce((select l.value from mutuelle_limit l where l.mutuelle_id = d.mutuelle_id and l.name = 'NAME'
                 and l.since < d.on_day order by l.since desc, l.version desc limit 1), USUAL),
    (select max(l.value) from mutuelle_limit l where l.mutuelle_id = d.mutuelle_id and l.name = 'NAME'
        and l.since = d.on_day))"""


def _limit(name: str) -> str:
    return _LIMIT.replace("NAME", name).replace("USUAL", usual_sql(name, "d.mutuelle_id"))


def _named() -> str:
    """What stands before the registered name in the words that are signed, in any language, as a regular expression."""
    facts: dict[str, Fact] = {"amount": "|", "party": "|", "phone": "|", "registered": "*"}
    forms = (in_the_name_of(facts), in_another_name(facts))
    said = [fold(render(form, language)) for form in forms for language in languages()]
    return "|".join(re.escape(words.partition("*")[0].rpartition("|")[2]) for words in said)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "payout_was_signed",
        "A payout is what its act says, proposed by one treasurer and approved by another. Every approved act has its"
        " payout.",
        """
        select coalesce(p.mutuelle_id || ' ' || p.reference, a.mutuelle_id || ' ' || a.id) from payout p
          full join (select * from joint_act where kind = 'payout' and answer = 'approved') a
               on a.mutuelle_id = p.mutuelle_id and a.id = p.act
         where p.reference is null or a.id is null or a.answered_by <> p.approved_by
            or a.answered_by in (a.proposed_by, p.phone) or p.asked_at <> a.answered_at
            or row(p.kind, p.debit, p.credit, p.amount_minor::text, p.currency, p.party, p.phone, p.network, p.account)
               is distinct from row(a.facts ->> 'kind', a.facts ->> 'debit', a.facts ->> 'credit',
                    a.facts ->> 'amount_minor', a.facts ->> 'currency', a.facts ->> 'party',
                    coalesce(nullif(a.facts ->> 'phone', ''), p.phone), -- of an erased household
                    a.facts ->> 'network', a.facts ->> 'account')
            or not exists (select from role_change c where c.mutuelle_id = p.mutuelle_id and c.role = 'treasurer'
                   and c.phone = p.approved_by and c.what = 'given' and c.changed_at <= p.asked_at)
        """,
    ),
    Invariant(
        "payout_was_reserved",
        "Every payout has its reservation in the book since its second signature, of its amount between its two"
        " accounts and without a deadline; an open payout's is held, a failed one's is free. No other money is"
        " reserved on an account for payouts.",
        """
        select coalesce(p.mutuelle_id || ' ' || p.reference, r.mutuelle_id || ' ' || r.key) from payout p
          full join (select q.mutuelle_id, q.key, m.debit_account, m.credit_account, m.amount, m.currency, m.expires_at,
                            h.journal_id is not null as is_held,
                            count(*) over (partition by q.mutuelle_id, q.key) as times
                       from ledger.movement m
                       join ledger.request q on q.mutuelle_id = m.mutuelle_id and q.journal_id = m.journal_id
                       left join ledger.held h on h.mutuelle_id = m.mutuelle_id and h.journal_id = m.journal_id
                            and h.position = m.position
                      where m.phase = 'pending' and (q.source = 'payout'
                            or 'disbursement' in (split_part(m.debit_account, ':', 2),
                                                  split_part(m.credit_account, ':', 2)))) r
               on r.mutuelle_id = p.mutuelle_id and r.key = p.reference::text
         where p.reference is null or r.key is null or r.times <> 1 or r.expires_at is not null
            or (r.debit_account, r.credit_account, r.amount, r.currency)
               <> (p.debit, p.credit, p.amount_minor, p.currency)
            or r.is_held <> (p.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN'))
        """,
    ),
    Invariant(
        "payout_is_posted_by_its_voucher",
        "A payout that was paid, and no other, has the voucher with its reference, which says the same; its reservation"
        " was posted by it, unless it had failed before. Nothing else leaves an account for payouts to somebody.",
        """
        select coalesce(p.mutuelle_id || ' ' || p.reference, v.mutuelle_id || ' ' || v.code) from payout p
          full join (select * from voucher where kind not in ('reversal', 'money sent')
                        and split_part(credit, ':', 2) = 'disbursement') v
               on v.mutuelle_id = p.mutuelle_id and v.reference = p.reference
         where p.reference is null or (v.reference is not null) <> (p.state in ('PAID', 'REVERSED'))
            or (v.kind, v.debit, v.credit, v.amount_minor, v.currency, v.party, v.phone, v.act)
               <> (p.kind, p.debit, p.credit, p.amount_minor, p.currency, p.party, p.phone, p.act)
            or (v.reference is not null and exists (select from voucher b
                   where b.mutuelle_id = v.mutuelle_id and b.reverses = v.reference) <> (p.state = 'REVERSED'))
            or (v.reference is not null and not exists (
                   select from ledger.request q join ledger.movement m
                          on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
                    where q.mutuelle_id = p.mutuelle_id and q.source = 'voucher' and q.key = p.reference::text
                      and q.verdict = 'created' and m.phase = case when exists (
                          select from payout_move f where f.mutuelle_id = p.mutuelle_id
                             and f.reference = p.reference and f.to_state = 'FAILED') then 'single' else 'post' end))
        """,
    ),
    Invariant(
        "payout_moves_are_legal",
        "A payout is in the state of its last move; each move begins where the one before ended and is a legal one, and"
        " only two treasurers find that a failed one was paid.",
        """
        with moves as (
            select *, lag(to_state) over w as before, row_number() over w as nth,
                   lead(position) over w is null as is_last
              from payout_move window w as (partition by mutuelle_id, reference order by position))
        select p.mutuelle_id || ' ' || p.reference from payout p
          left join moves m on m.mutuelle_id = p.mutuelle_id and m.reference = p.reference
         where m.reference is null or m.position <> m.nth or m.from_state is distinct from m.before
            or (m.is_last and m.to_state <> p.state)
            or coalesce(m.from_state, '') || '>' || m.to_state not in ('>ASKED', 'ASKED>SENT', 'ASKED>FAILED',
                'SENT>PENDING', 'SENT>UNKNOWN', 'SENT>PAID', 'SENT>FAILED', 'PENDING>UNKNOWN', 'PENDING>PAID',
                'PENDING>FAILED', 'UNKNOWN>PENDING', 'UNKNOWN>PAID', 'UNKNOWN>FAILED', 'PAID>REVERSED', 'FAILED>PAID')
            or (m.from_state || m.to_state in ('FAILEDPAID', 'PAIDREVERSED') and m.actor <> 'two treasurers')
        """,
    ),
    Invariant(
        "payout_was_told",
        "Who was paid has an SMS, and so have the two who signed, of what was paid and of what failed.",
        """
        select p.mutuelle_id || ' ' || p.reference from payout p
          join joint_act a on a.mutuelle_id = p.mutuelle_id and a.id = p.act
          join payout_move m on m.mutuelle_id = p.mutuelle_id and m.reference = p.reference
               and m.to_state in ('PAID', 'FAILED')
         cross join lateral (values (p.phone, 'voucher', 'PAID'), (a.proposed_by, 'payout paid', 'PAID'),
                                    (p.approved_by, 'payout paid', 'PAID'), (a.proposed_by, 'payout failed', 'FAILED'),
                                    (p.approved_by, 'payout failed', 'FAILED')) as wanted (phone, template, state)
         where wanted.state = m.to_state and not exists (
               select from sms_outbox s where s.phone = wanted.phone and s.template = wanted.template
                  and s.key like wanted.template || ' ' || p.reference || ' %')
        """,
    ),
    Invariant(
        "payouts_are_within_the_limits",
        "No more was signed for payouts on a day than the mutuelle's limits allow, in all and by one treasurer.",
        """
        with d as (
            select p.mutuelle_id, (p.asked_at at time zone m.timezone)::date as on_day, p.approved_by, p.amount_minor
              from payout p join mutuelle m on m.id = p.mutuelle_id
             where not exists (select from payout_move f where f.mutuelle_id = p.mutuelle_id
                      and f.reference = p.reference and f.to_state = 'FAILED'))
        select d.mutuelle_id || ' ' || d.on_day from d group by d.mutuelle_id, d.on_day
        having sum(d.amount_minor) > A_DAY
        union all
        select d.mutuelle_id || ' ' || d.on_day || ' by one' from d group by d.mutuelle_id, d.on_day, d.approved_by
        having sum(d.amount_minor) > BY_ONE
        """.replace("A_DAY", _limit("payouts_a_day_minor")).replace("BY_ONE", _limit("payouts_by_one_minor")),
    ),
    Invariant(
        "payee_name_is_not_kept",
        "The registered name behind a phone is kept while a proposal waits for its second signature, and no longer; the"
        " words that were signed are kept without it.",
        """
        select n.mutuelle_id || ' ' || n.account from payee_name n
         where not exists (select from joint_act a where a.mutuelle_id = n.mutuelle_id and a.kind = 'payout'
                   and a.facts ->> 'account' = n.account and a.facts ->> 'phone' = n.phone
                   and (a.answer is null or a.answered_at > now() - interval '1 hour'))
        union all
        select a.gateway || ' ' || a.call || ' ' || a.position from action a
          join joint_act j on j.id::text = a.facts ->> 'proposal' and j.kind = 'payout'
         where a.name = 'answer_act' and a.consent ~ '(NAMED)[^*]' and a.consent !~ '(NAMED)[*]'
        """.replace("NAMED", _named()),
    ),
)
