"""What always holds of codes for care and of the answers that doctors were given.

An answer binds the mutuelle, so it is worked out a second time, in SQL, from what the books held when it was given: the
journals recorded by then, the policies known then, and product versions, which never change. Whether the household's
cover reached one person is not worked out again: people may be corrected later, and nothing keeps their past.
"""

from invariants import Invariant
from mutuelle.care.limits import WRONG_A_FACILITY

# cover.py in one query: receipts fill the policies in order, and a policy opens on the day its share is reached.
ANSWERED_OTHERWISE = """
    with recursive asked as (
        select c.mutuelle_id, c.reference, c.number, c.policies_known, c.recorded_at, c.state, c.until_on,
               (c.asked_at at time zone m.timezone)::date as today
        from eligibility_check c join mutuelle m on m.id = c.mutuelle_id
    ),
    received as (
        select a.mutuelle_id, a.reference, dated.occurred_on,
               sum(e.credit) over (partition by a.mutuelle_id, a.reference order by dated.occurred_on) as total
        from asked a
        join ledger.entry e on e.mutuelle_id = a.mutuelle_id and e.account = 'health:member:' || a.number
            and e.credit > 0
        join ledger.journal j on j.mutuelle_id = e.mutuelle_id and j.id = e.journal_id
            and j.reverses_id is null and j.recorded_at <= a.recorded_at
        cross join lateral (select coalesce(j.occurred_on, e.effective_on) as occurred_on) dated
        where not exists (select from ledger.journal back where back.mutuelle_id = j.mutuelle_id
            and back.reverses_id = j.id and back.recorded_at <= a.recorded_at)
    ),
    priced as (
        select a.mutuelle_id, a.reference, l.sequence, l.stage, p.insurance_period_months as months,
               p.waiting_period_months as wait, p.grace_period_payment_months as pay_grace,
               p.grace_period_renewal_months as renew_grace, p.partial_cover_threshold_percent as percent,
               l.contribution_minor + l.registration_minor as price
        from asked a
        join policy l on l.mutuelle_id = a.mutuelle_id and l.number = a.number and l.sequence <= a.policies_known
        join product p on p.mutuelle_id = l.mutuelle_id and p.code = l.product_code and p.version = l.product_version
    ),
    summed as (
        select *, sum(price) over (partition by mutuelle_id, reference order by sequence) as all_of_it from priced
    ),
    reached as (
        select s.mutuelle_id, s.reference, s.sequence, s.stage, s.months, s.wait, s.pay_grace, s.renew_grace,
               min(r.occurred_on) filter (
                   where r.total >= s.all_of_it - s.price + (s.price * s.percent + 99) / 100) as share_on,
               min(r.occurred_on) filter (where r.total >= s.all_of_it) as paid_up_on
        from summed s left join received r on r.mutuelle_id = s.mutuelle_id and r.reference = s.reference
        group by s.mutuelle_id, s.reference, s.sequence, s.stage, s.months, s.wait, s.pay_grace, s.renew_grace
    ),
    opened as (
        select r.*, r.share_on as opens_on, (r.share_on + make_interval(months => r.wait))::date as entitled_on,
               (r.share_on + make_interval(months => r.months))::date - 1 as expires_on
        from reached r where r.sequence = 1
        union all
        select r.*, o.opens_on,
               case when f.follows then o.opens_on else (o.opens_on + make_interval(months => r.wait))::date end,
               (o.opens_on + make_interval(months => r.months))::date - 1
        from opened before
        join reached r on r.mutuelle_id = before.mutuelle_id and r.reference = before.reference
            and r.sequence = before.sequence + 1
        cross join lateral (select coalesce(r.stage = 'renewal' and r.share_on
            <= (before.expires_on + make_interval(months => before.renew_grace))::date, false) as follows) f
        cross join lateral (select case when f.follows then before.expires_on + 1 else r.share_on end as opens_on) o
    ),
    current as (
        select distinct on (a.mutuelle_id, a.reference) a.*, o.entitled_on, p.paid_up,
               (o.expires_on + make_interval(months => o.renew_grace))::date as grace_until,
               case when p.paid_up then o.expires_on
                    else least((o.opens_on + make_interval(months => o.pay_grace))::date - 1, o.expires_on)
               end as ends_on
        from asked a
        left join opened o on o.mutuelle_id = a.mutuelle_id and o.reference = a.reference and o.opens_on <= a.today
        cross join lateral (select coalesce(o.paid_up_on <= a.today, false) as paid_up) p
        order by a.mutuelle_id, a.reference, o.sequence desc
    ),
    next as (
        select o.mutuelle_id, o.reference, max(o.expires_on) as expires_on,
               (array_agg(o.paid_up_on order by o.sequence))[1] as paid_up_on
        from opened o join asked a on a.mutuelle_id = o.mutuelle_id and a.reference = o.reference
        where o.opens_on > a.today group by o.mutuelle_id, o.reference
    ),
    paying as (select distinct mutuelle_id, reference from received),
    judged as (
        select c.*, case
            when ends_on is null and p.reference is not null then 'part paid'
            when ends_on is null then 'unpaid'
            when today > grace_until then 'expired'
            when not paid_up and today > ends_on then 'suspended'
            when today > ends_on then 'grace'
            when today < entitled_on then 'waiting'
            when paid_up then 'covered'
            else 'in arrears' end as verdict
        from current c left join paying p on p.mutuelle_id = c.mutuelle_id and p.reference = c.reference
    )
    select j.mutuelle_id || ' ' || j.reference
    from judged j left join next n on n.mutuelle_id = j.mutuelle_id and n.reference = j.reference
    where j.state <> j.verdict or j.until_on is distinct from case
        when j.verdict = 'grace' then j.grace_until
        when j.verdict = 'covered' and n.paid_up_on is not null then n.expires_on
        else j.ends_on end
"""

CHECKS: tuple[Invariant, ...] = (
    Invariant(
        "check_answer_stands",
        "What a doctor was answered is the cover that the books gave when he asked.",
        ANSWERED_OTHERWISE,
    ),
    Invariant(
        "check_used_its_code",
        "An answer used up the code that was made for its patient, and no code was used up without one.",
        """
        select coalesce(c.mutuelle_id, k.mutuelle_id) || ' ' || coalesce(c.reference, k.number || '-' || k.position)
        from eligibility_check c
        full join care_code k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.position = c.code_position
        where (c.reference is not null or k.used_at is not null)
          and (c.asked_at is distinct from k.used_at or c.rank is distinct from k.rank)
        """,
    ),
    Invariant(
        "check_was_told",
        "A household with a phone was told of every check of its cover.",
        """
        select c.mutuelle_id || ' ' || c.reference from eligibility_check c
        where exists (select from household_phone p where p.mutuelle_id = c.mutuelle_id and p.number = c.number
                and p.since <= c.asked_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = c.mutuelle_id
                and o.key = 'cover checked ' || c.reference || ' 1')
        """,
    ),
    Invariant(
        "care_code_lives_briefly",
        "A code for care lives fifteen minutes.",
        """
        select mutuelle_id || ' ' || number || '-' || position from care_code
        where expires_at <> made_at + interval '15 minutes'
        """,
    ),
    Invariant(
        "failed_checks_stop",
        "No facility tries on after its day's wrong numbers and codes.",
        """
        select f.mutuelle_id || ' ' || f.facility_id || ' ' || (f.tried_at at time zone m.timezone)::date
        from failed_check f join mutuelle m on m.id = f.mutuelle_id
        where f.reason <> 'used' and f.forgiven_at is null
        group by f.mutuelle_id, f.facility_id, (f.tried_at at time zone m.timezone)::date
        having count(*) > LIMIT
        """.replace("LIMIT", str(WRONG_A_FACILITY)),
    ),
)
