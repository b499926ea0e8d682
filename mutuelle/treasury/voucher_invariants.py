"""Invariants of vouchers: one journal each, numbers without gaps, the signatures they take, nothing spent twice."""

from invariants import Invariant
from mutuelle.scheme.limits import USUAL

# Which kinds of accounts get and give the money, by kind of voucher. `suspense`: found money (a statement came first).
_BETWEEN = """(values
    ('expense', '{purchases,travel,services,staff,taxes,costs}', '{cash,bank,disbursement}'),
    ('facility paid', '{payable}', '{cash,bank,disbursement}'), ('care bill', '{benefits}', '{payable}'),
    ('credit given back', '{member}', '{cash,bank,disbursement}'),
    ('deposit', '{bank,suspense}', '{cash}'), ('withdrawal', '{cash}', '{bank}'),
    ('cash handed over', '{cash}', '{cash}'),
    ('money sent', '{transit}', '{bank,float,disbursement}'),
    ('money arrived', '{bank,float,disbursement,suspense}', '{transit}'),
    ('subsidy', '{cash,bank,suspense}', '{subsidies}'), ('gift', '{cash,bank,suspense}', '{gifts}'),
    ('grant', '{cash,bank}', '{subsidies}'), ('debt received', '{cash,bank,suspense}', '{receivable}'),
    ('found money given back', '{suspense}', '{cash,bank,float,disbursement}'),
    ('found money kept', '{suspense}', '{gifts}')
    ) k (kind, getters, givers)"""

# How the journal of a voucher moves its money: that of a payout posts what was reserved, unless it was freed before.
_PHASE = """case when exists (select from payout p where p.mutuelle_id = v.mutuelle_id and p.reference = v.reference)
                  and not exists (select from payout_move f where f.mutuelle_id = v.mutuelle_id
                         and f.reference = v.reference and f.to_state = 'FAILED') then 'post' else 'single' end"""

_IS_PAYOUT = "exists (select from payout p where p.mutuelle_id = v.mutuelle_id and p.reference = v.reference)"
VOUCHERS: tuple[Invariant, ...] = (
    Invariant(
        "voucher_posted_once",
        "Every voucher has exactly one journal: its amount between its two accounts, its reason, the day it is for, in"
        " the year of its number; one that takes back another reverses its journal. Each such journal has a voucher.",
        """
        select coalesce(v.mutuelle_id, q.mutuelle_id) || ' ' || coalesce(v.code, q.key)
          from voucher v
          full join (select * from ledger.request where source = 'voucher' and verdict = 'created') q
               on q.mutuelle_id = v.mutuelle_id and q.key = v.reference::text
          left join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
          left join ledger.request b on b.mutuelle_id = v.mutuelle_id and b.source = 'voucher'
               and b.key = v.reverses::text and b.verdict = 'created'
         where v.reference is null or q.key is null or j.kind <> v.kind or j.reason <> v.reason
            or coalesce(j.occurred_on, j.effective_on) <> v.dated or extract(year from j.effective_on) <> v.year
            or j.reverses_id is distinct from b.journal_id
            or array(select (m.debit_account, m.credit_account, m.amount, m.currency, m.phase)::text
                       from ledger.movement m where m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id)
               <> array[(v.debit, v.credit, v.amount_minor, v.currency, PHASE)::text]
        """.replace("PHASE", _PHASE),
    ),
    Invariant(
        "voucher_numbers_have_no_gap",
        "The vouchers of a mutuelle, fund and year are numbered from 1 without a gap.",
        """
        select mutuelle_id || ' ' || fund || ' ' || year || ' ' || number from (
            select *, row_number() over (partition by mutuelle_id, fund, year order by number) as nth from voucher
        ) numbered where number <> nth
        """,
    ),
    Invariant(
        "voucher_was_signed",
        "A voucher is what its act says, approved by two treasurers; without an act it is below the limit of its day,"
        " and its treasurer did not pay herself. Every approved act has its voucher.",
        """
        select coalesce(v.mutuelle_id || ' ' || v.code, a.mutuelle_id || ' ' || a.id) from voucher v
          full join (select * from joint_act where kind in ('voucher', 'voucher reversal') and answer = 'approved') a
               on a.mutuelle_id = v.mutuelle_id and a.id = v.act
         where v.reference is null or (v.act is not null and not IS_PAYOUT and (a.id is null or a.reason <> v.reason
                or v.dated::text <> a.facts ->> 'on' or v.amount_minor <> (a.facts ->> 'amount_minor')::bigint
                or v.currency <> a.facts ->> 'currency'
                or (v.proposed_by, v.proposer_name) <> (a.proposed_by, a.proposer_name)
                or (a.kind = 'voucher' and (v.kind, coalesce(v.party, '')) <> (a.facts ->> 'kind', a.facts ->> 'party'))
                or (a.kind = 'voucher reversal') <> (v.reverses is not null)
                or v.reverses::text <> a.facts ->> 'voucher'))
            or (v.act is null and (v.amount_minor >= v.two_from_minor or v.phone = v.proposed_by
                or v.kind in ('cash handed over', 'reversal')
                or split_part(v.debit, ':', 2) = 'suspense' or v.two_from_minor <> coalesce((
                    select l.value from mutuelle_limit l
                     where l.mutuelle_id = v.mutuelle_id and l.name = 'two_signatures_from_minor'
                       and l.since <= v.dated and l.recorded_at <= v.recorded_at
                     order by l.since desc, l.version desc limit 1), USUAL)))
        """.replace("USUAL", str(USUAL.two_signatures_from_minor)).replace("IS_PAYOUT", _IS_PAYOUT),
    ),
    Invariant(
        "voucher_was_a_treasurers",
        "A voucher was recorded by somebody who was treasurer then.",
        """
        select v.mutuelle_id || ' ' || v.code from voucher v
         where not exists (select from role_change c where c.mutuelle_id = v.mutuelle_id and c.role = 'treasurer'
                   and c.phone = v.proposed_by and c.what = 'given' and c.changed_at <= v.recorded_at)
        """,
    ),
    Invariant(
        "voucher_is_between_its_accounts",
        "A voucher moves money between accounts of the kinds that it is for; cash that was handed over was signed by"
        " who got it.",
        """
        select v.mutuelle_id || ' ' || v.code from voucher v
          left join BETWEEN on k.kind = v.kind
          left join voucher r on r.mutuelle_id = v.mutuelle_id and r.reference = v.reverses
          left join joint_act a on a.mutuelle_id = v.mutuelle_id and a.id = v.act
          left join cash_holder h on h.mutuelle_id = v.mutuelle_id and h.holder = split_part(v.debit, ':', 3)
         where (v.kind = 'reversal' and (v.debit, v.credit, v.amount_minor, v.currency)
                    is distinct from (r.credit, r.debit, r.amount_minor, r.currency))
            or (v.kind <> 'reversal' and (k.kind is null or split_part(v.debit, ':', 2) <> all (k.getters::text[])
                    or split_part(v.credit, ':', 2) <> all (k.givers::text[])))
            or (v.kind = 'cash handed over' and h.phone is distinct from a.answered_by)
        """.replace("BETWEEN", _BETWEEN),
    ),
    Invariant(
        "money_sent_arrives_once",
        "Money sent to another account of ours arrives there once, all of it, or is taken back; what is on its way is"
        " what the book says.",
        """
        with stands as (select * from voucher v where not exists (
                            select from voucher b where b.mutuelle_id = v.mutuelle_id and b.reverses = v.reference))
        select s.mutuelle_id || ' ' || s.code from voucher s
          join stands a on a.mutuelle_id = s.mutuelle_id and a.completes = s.reference
         group by s.mutuelle_id, s.reference
        having count(*) > 1 or bool_or(a.amount_minor <> s.amount_minor or a.debit not in (s.toward, regexp_replace(
                                           s.toward, ':(bank|float|disbursement):', ':suspense:'))
                                       or a.credit <> s.debit or s.kind <> 'money sent')
            or not bool_and(exists (select from stands q
                                     where q.mutuelle_id = s.mutuelle_id and q.reference = s.reference))
        union all
        select mutuelle_id || ' ' || account from ledger.entry where split_part(account, ':', 2) = 'transit'
         group by mutuelle_id, account
        having sum(debit) - sum(credit) <> (
            select coalesce(sum(s.amount_minor), 0) from stands s
             where s.mutuelle_id = entry.mutuelle_id and s.kind = 'money sent' and s.debit = entry.account
               and not exists (select from stands a where a.mutuelle_id = s.mutuelle_id and a.completes = s.reference))
        """,
    ),
    Invariant(
        "grant_is_spent_once",
        "Of a restricted grant no more is spent than came, and all that is spent of the fund of grants is of one.",
        """
        select mutuelle_id || ' ' || of_grant from voucher v
         where of_grant is not null and not exists (
               select from voucher b where b.mutuelle_id = v.mutuelle_id and b.reverses = v.reference)
           and kind in ('grant', 'expense')
         group by mutuelle_id, of_grant
        having sum(case kind when 'grant' then amount_minor else -amount_minor end) < 0
            or min(fund) <> 'grants' or max(fund) <> 'grants'
        union all
        select mutuelle_id || ' ' || code from voucher
         where (kind = 'grant' or (kind = 'expense' and fund = 'grants')) and of_grant is null
        """,
    ),
)
