-- The same reads and writes as the service's, for the bare route and for Express: as few statements as can be.
-- Every read is one statement; every action is one, written set by set. They run as the tables' owner.
-- A line "-- name" begins a statement; the functions are made once, when the federation is there.

-- bench_covered
create function bench_covered(wait int, months int) returns text
language sql stable as $$
select 'couvert du ' || to_char(current_date + make_interval(months => wait), 'DD/MM/YYYY') || ' au '
       || to_char(current_date + make_interval(months => months) - interval '1 day', 'DD/MM/YYYY')
$$

-- bench_household
create function bench_household(asked_phone text, asked_number text) returns table (
    mutuelle_id text, number text, head_name text, size bigint, place_id text, product text, version int,
    price bigint, due bigint, until_on date, state text, has_open boolean, account text, may_sms boolean,
    covered text)
language sql stable as $$
select h.mutuelle_id, h.number, h.head_name, people.size, h.place_id, pol.product_code, pol.product_version,
       pol.price, pol.price - pol.waived - money.paid,
       (money.paid_on + make_interval(months => pol.months))::date - 1,
       case when money.paid < pol.price - pol.waived then 'unpaid' else 'covered' end,
       exists (select from payment p where p.mutuelle_id = h.mutuelle_id and p.number = h.number
                  and p.purpose = 'contribution' and p.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')),
       (select r.account from route r where r.mutuelle_id = h.mutuelle_id and r.network = 'ML'),
       not exists (select from sms_optout s join household_phone q on q.phone = s.phone
                    where q.mutuelle_id = h.mutuelle_id and q.number = h.number and s.until is null),
       bench_covered(pol.wait, pol.months)
  from (select p.mutuelle_id, p.number from household_phone p where p.phone = asked_phone
        union all select n.mutuelle_id, n.number from household n where n.number = asked_number) asked
  join household h on h.mutuelle_id = asked.mutuelle_id and h.number = asked.number
  join mutuelle m on m.id = h.mutuelle_id
 cross join lateral (select count(*) as size from beneficiary b
                      where b.mutuelle_id = h.mutuelle_id and b.number = h.number and b.removed_on is null) people
 cross join lateral (
       select own.product_code, own.product_version, own.contribution_minor + own.registration_minor as price,
              prod.insurance_period_months as months, prod.waiting_period_months as wait,
              (select coalesce(sum(w.amount_minor), 0)::bigint from waiver w where w.mutuelle_id = own.mutuelle_id
                  and w.number = own.number and w.sequence = own.sequence) as waived
         from policy own join product prod on prod.mutuelle_id = own.mutuelle_id and prod.code = own.product_code
          and prod.version = own.product_version
        where own.mutuelle_id = h.mutuelle_id and own.number = h.number order by own.sequence desc limit 1) pol
 cross join lateral (
       select coalesce(sum(v.amount), 0)::bigint as paid, min(v.effective_on) as paid_on
         from ledger.movement v join ledger.journal j on j.mutuelle_id = v.mutuelle_id and j.id = v.journal_id
        where v.mutuelle_id = h.mutuelle_id and v.credit_account = 'health:member:' || h.number
          and v.phase in ('single', 'post') and j.reverses_id is null
          and not exists (select from ledger.journal later
                           where later.mutuelle_id = j.mutuelle_id and later.reverses_id = j.id)) money
 where h.closed_at is null and (h.registered_by is null or h.confirmed_at is not null)
$$

-- bench_office
create function bench_office(asked_phone text) returns table (
    mutuelle_id text, role text, holder text, held bigint, oldest timestamptz)
language sql stable as $$
select o.mutuelle_id, o.role, c.holder, coalesce(b.debits_posted - b.credits_posted, 0),
       (select min(r.received_at) from cash_receipt r where r.mutuelle_id = c.mutuelle_id and r.holder = c.holder)
  from officer o
  left join cash_holder c on c.mutuelle_id = o.mutuelle_id and c.role = o.role and c.phone = o.phone
  left join ledger.balance b on b.mutuelle_id = c.mutuelle_id and b.account = 'health:cash:' || c.holder
 where o.phone = asked_phone and o.since <= current_date and (o.until is null or o.until >= current_date)
$$

-- dial
select (select language from preference where phone = $1) as language,
       exists (select from household_phone p join household h using (mutuelle_id, number)
                where p.phone = $1 and h.closed_at is null and h.registered_by is not null
                  and h.confirmed_at is null) as is_asked,
       exists (select from household_phone p join household h using (mutuelle_id, number)
                where p.phone = $1 and h.closed_at is null
                  and (h.registered_by is null or h.confirmed_at is not null)) as is_member,
       exists (select from officer o where o.phone = $1 and o.since <= current_date
                  and (o.until is null or o.until >= current_date))
           or exists (select from doctor d where d.phone = $1 and d.contracted_on <= current_date
                         and (d.until is null or d.until >= current_date)) as has_office

-- household
select head_name, number, size, due::int, to_char(until_on, 'DD/MM/YYYY') as until_on, state, has_open, account,
       covered
  from bench_household($1, null)

-- office
select role, held::int, oldest from bench_office($1)

-- places
select p.name from place p join mutuelle m on m.id = p.mutuelle_id where m.country = 'ML' order by p.name

-- offer
select m.name as mutuelle, prod.name as product, prod.lump_sum_minor::int as price,
       bench_covered(prod.waiting_period_months, prod.insurance_period_months) as covered,
       (prod.lump_sum_minor * prod.partial_cover_threshold_percent / 100)::int as opening,
       (prod.lump_sum_minor / prod.max_installments)::int as part, r.account
  from place p join mutuelle m on m.id = p.mutuelle_id join product prod on prod.mutuelle_id = m.id
  left join route r on r.mutuelle_id = m.id and r.network = 'ML'
 where m.country = 'ML' and p.name = $1 and prod.sold_from <= current_date
   and (prod.sold_until is null or prod.sold_until >= current_date)

-- collected
select o.held::int, o.oldest, h.head_name, h.number, h.due::int, h.has_open,
       (select count(*) from limited_use where subject = $1 and used_at > now() - interval '1 day') as guesses
  from bench_office($1) o, bench_household(null, $2) h where h.mutuelle_id = o.mutuelle_id

-- pay
with said as (
    select * from jsonb_to_record($1::jsonb) as x (phone text, call text, position int, transcript text, consent text,
        screen text, due bigint, amount bigint, reference uuid, code text, token text)
), home as materialized (
    select h.mutuelle_id, h.number from said join household_phone p using (phone)
      join household h using (mutuelle_id, number) for update of h
), stands as materialized (
    select f.* from said, home, bench_household(null, home.number) f where f.due = said.due and not f.has_open
), done as (
    insert into action (gateway, call, phone, position, transcript, name, facts, facts_hash, consent, screen, done_at)
    select 'africastalking', call, phone, position, transcript, 'pay',
           jsonb_build_object('number', number, 'amount', amount), sha256(convert_to(consent, 'UTF8')), consent, screen,
           now() from said, stands
), asked as (
    insert into payment (mutuelle_id, reference, number, purpose, amount_minor, currency, payer_phone, asked_by,
                         operator, account, network, notice_token, receipt_code, state, asked_at, due_at)
    select mutuelle_id, reference, number, 'contribution', amount, 'XOF', phone, phone, 'simulated', account, 'ML-orange', token, code,
           'ASKED', now(), now() from said, stands
), moved as (
    insert into payment_move (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
    select mutuelle_id, reference, 1, null, 'ASKED', 'caller', 'agreed in the menu', now() from said, stands
)
select count(*)::int as done from stands

-- join
with said as (
    select * from jsonb_to_record($1::jsonb) as x (phone text, call text, position int, transcript text, consent text,
        screen text, amount bigint, reference uuid, code text, token text, village text, name text, number text,
        ages int[])
), stands as materialized (
    select p.mutuelle_id, p.id as place_id, prod.code as product, prod.version, prod.lump_sum_minor as price, r.account,
           pg_advisory_xact_lock(hashtextextended(said.phone, 0))
      from said join place p on p.name = said.village join mutuelle m on m.id = p.mutuelle_id and m.country = 'ML'
      join product prod on prod.mutuelle_id = m.id and prod.sold_from <= current_date
       and (prod.sold_until is null or prod.sold_until >= current_date)
      join route r on r.mutuelle_id = m.id and r.network = 'ML'
     where prod.lump_sum_minor = said.amount and not exists (select from household_phone h where h.phone = said.phone)
), done as (
    insert into action (gateway, call, phone, position, transcript, name, facts, facts_hash, consent, screen, done_at)
    select 'africastalking', call, phone, position, transcript, 'enrol',
           jsonb_build_object('head_name', name, 'ages', ages), sha256(convert_to(consent, 'UTF8')), consent, screen,
           now() from said, stands
), home as (
    insert into household (mutuelle_id, number, head_name, place_id, enrolled_at)
    select mutuelle_id, number, name, place_id, now() from said, stands
), told as (
    insert into household_phone (mutuelle_id, number, phone, since)
    select mutuelle_id, number, phone, now() from said, stands
), people as (
    insert into beneficiary (mutuelle_id, number, rank, name, birth_year, added_on)
    select mutuelle_id, number, rank, case rank when 1 then name end, extract(year from now())::int - age, current_date
      from said, stands, unnest(said.ages) with ordinality each (age, rank)
), agreed as (
    insert into policy (mutuelle_id, number, sequence, stage, product_code, product_version, members,
                        contribution_minor, registration_minor, agreed_on, agreed_at)
    select mutuelle_id, number, 1, 'new', product, version, cardinality(ages), price, 0, current_date, now()
      from said, stands
), opened as (
    select a.* from said, stands, ledger.open_accounts(jsonb_build_array(jsonb_build_object('mutuelle', mutuelle_id,
        'code', 'health:member:' || number, 'currency', 'XOF'))) a
), record as (
    select gen_random_uuid() as id, mutuelle_id, 'household ' || number as subject,
           sha256(convert_to(phone || name || ages::text, 'UTF8')) as sha from said, stands
), spent as (
    insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id)
    select mutuelle_id, 'record', subject || ' 000001', sha, 'created', id from record
), booked as (
    insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo)
    select mutuelle_id, id, 'record', current_date, 'keneya', subject, jsonb_build_object('sha256', encode(sha, 'hex'))
      from record
), asked as (
    insert into payment (mutuelle_id, reference, number, purpose, amount_minor, currency, payer_phone, asked_by,
                         operator, account, network, notice_token, receipt_code, state, asked_at, due_at)
    select mutuelle_id, reference, number, 'contribution', amount, 'XOF', phone, phone, 'simulated', account, 'ML-orange', token, code,
           'ASKED', now(), now() from said, stands
), moved as (
    insert into payment_move (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
    select mutuelle_id, reference, 1, null, 'ASKED', 'caller', 'agreed in the menu', now() from said, stands
)
select count(*)::int as done from stands, opened

-- cash
with said as (
    select * from jsonb_to_record($1::jsonb) as x (phone text, call text, position int, transcript text, consent text,
        number text, due bigint, amount bigint, reference uuid, code text, body text)
), home as materialized (
    select h.number from said join household h using (number) for update of h
), pin as materialized (
    select q.sealed, q.failures, pg_advisory_xact_lock(hashtextextended(q.phone, 0))
      from said join officer_pin q using (phone), home for update of q
), stands as materialized (
    select f.*, o.holder, o.held + said.amount as holds, 'health:member:' || f.number as member,
           'health:cash:' || o.holder as box
      from said, pin, bench_office(said.phone) o, bench_household(null, said.number) f
     where f.due = said.due and not f.has_open and o.role = 'collector' and f.mutuelle_id = o.mutuelle_id
), used as (
    update officer_pin q set used_at = now(), failures = 0 from said, stands where q.phone = said.phone
), looked as ( -- the service writes it as it finds the household
    insert into officer_lookup (mutuelle_id, subject, looked_by, kind, looked_on, looked_at)
    select stands.mutuelle_id, stands.number, said.phone, 'found', current_date, now() from said, stands
        on conflict do nothing
), received as (
    insert into cash_receipt (mutuelle_id, reference, holder, number, amount_minor, currency, receipt_code,
                              received_at, received_on)
    select mutuelle_id, reference, holder, stands.number, amount, 'XOF', code, now(), current_date from said, stands
), event as materialized (
    select gen_random_uuid() as id, mutuelle_id, holder, each.*
      from said, stands, lateral (values
        ('policy', stands.number || '-1', 'contribution called', 'first franc of the policy', member,
         'health:contributions', price, jsonb_build_object('policy', '1')),
        ('cash', reference::text, 'contribution received', 'paid in cash', box, member, amount,
         jsonb_build_object('cash', reference))) each (source, key, kind, reason, debit, credit, sum, memo)
), spent as (
    insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id)
    select mutuelle_id, source, key, sha256(key::bytea), 'created', id from event
), booked as (
    insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo)
    select mutuelle_id, id, kind, current_date, 'collector ' || holder, reason, memo from event
), posted as (
    insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount, currency,
                                 phase, effective_on)
    select mutuelle_id, id, 1, debit, credit, sum, 'XOF', 'single', current_date from event
), boxed as (
    insert into ledger.balance (mutuelle_id, account, side, debits_posted)
    select mutuelle_id, box, 'debit', amount from said, stands
        on conflict (mutuelle_id, account)
        do update set debits_posted = ledger.balance.debits_posted + excluded.debits_posted
), told as (
    insert into sms_outbox (mutuelle_id, key, phone, template, body, receipt_code, segments, due_at, created_at)
    select mutuelle_id, 'cash receipt ' || reference || ' 1', p.phone, 'cash receipt', body, code, 1, now(), now()
      from said, stands join household_phone p using (mutuelle_id, number) where may_sms
), done as (
    insert into action (gateway, call, phone, position, transcript, name, facts, facts_hash, consent, screen, done_at)
    select 'africastalking', call, phone, position, transcript, 'receive_cash',
           jsonb_build_object('number', stands.number, 'amount', amount), sha256(convert_to(consent, 'UTF8')), consent,
           'END ' || code, now() from said, stands
)
select count(*)::int as done, max(holds)::int as holds from stands

-- heard
insert into sms_inbox (provider, provider_message_id, phone, short_code, body, received_at, due_at)
values ('africastalking', $1, $2, $3, $4, now(), now()) on conflict do nothing

-- checked
with said as (
    select * from jsonb_to_record($1::jsonb) as x (id text, phone text, number text, digest text, transcript text,
        reference text, consent text)
), message as materialized (
    select i.* from said join sms_inbox i on i.provider = 'africastalking' and i.provider_message_id = said.id
     where i.state = 'WAITING' for update of i
), desk as materialized (
    select d.mutuelle_id, d.facility_id, m.name, m.complaints_phone,
           (select count(*) from sms_inbox i where i.phone = said.phone and i.handled_at > now() - interval '1 day'),
           (select count(*) from failed_check f where f.mutuelle_id = d.mutuelle_id and f.facility_id = d.facility_id
               and f.tried_at > current_date),
           (select count(*) from eligibility_check e where e.mutuelle_id = d.mutuelle_id
               and e.doctor_phone = said.phone and e.asked_at > current_date),
           pg_advisory_xact_lock(hashtextextended(d.facility_id, 0))
      from said join doctor d using (phone) join mutuelle m on m.id = d.mutuelle_id, message
     where d.contracted_on <= current_date and (d.until is null or d.until >= current_date)
), home as materialized (
    select h.number from said join household h using (number), desk for update of h
), stands as materialized (
    select f.*, desk.facility_id, desk.complaints_phone, code.position, code.rank,
           format('%s : COUVERT le %s, jusqu''au %s. %s, référence %s.',
                  regexp_replace(f.head_name, '(\w)\w*', '\1.', 'g'), to_char(now(), 'DD/MM/YYYY'),
                  to_char(f.until_on, 'DD/MM/YYYY'), desk.name, said.reference) as answer
      from said, desk, home, bench_household(null, home.number) f, care_code code
     where code.mutuelle_id = f.mutuelle_id and code.number = f.number and code.digest = decode(said.digest, 'hex')
       and code.used_at is null and code.ended_at is null and code.expires_at > now() and f.state = 'covered'
), kept as (
    insert into eligibility_check (mutuelle_id, reference, number, rank, code_position, doctor_phone, facility_id,
        channel, asked_at, covered, state, until_on, policy_sequence, policies_known)
    select mutuelle_id, reference, stands.number, rank, position, phone, facility_id, 'sms', now(), true, state,
           until_on, 1, 1 from said, stands
), used as (
    update care_code c set used_at = now() from stands
     where c.mutuelle_id = stands.mutuelle_id and c.number = stands.number and c.position = stands.position
), done as (
    insert into action (gateway, call, phone, position, transcript, name, facts, facts_hash, consent, screen, done_at)
    select 'sms', id, phone, 22, transcript, 'check_cover', jsonb_build_object('number', stands.number),
           sha256(convert_to(consent, 'UTF8')), consent, answer, now() from said, stands
), talked as (
    insert into sms_conversation (phone, id, keyword, is_open, acted, answers, view, expires_at)
    select phone, id, 'VERIFY', false, true, '[]', '{}', now() + interval '1 day' from said, stands
        on conflict (phone) do update set id = excluded.id, expires_at = excluded.expires_at
), marked as (
    update sms_inbox i set state = 'ANSWERED', handled_as = 'menu', handled_at = now() from said, stands
     where i.provider = 'africastalking' and i.provider_message_id = said.id
), told as (
    insert into sms_outbox (mutuelle_id, key, phone, template, body, is_reply, segments, due_at, created_at)
    select '*', 'reply africastalking ' || id, phone, 'reply menu', answer, true, 1, now(), now() from said, stands
    union all
    select mutuelle_id, 'cover checked ' || reference || ' 1', p.phone, 'cover checked', 'Votre couverture a été vérifiée le '
           || to_char(now(), 'DD/MM/YYYY à HH24:MI') || '. Ce n''était pas vous ? Appelez le ' || complaints_phone || '.',
           false, 1, now(), now()
      from said, stands join household_phone p using (mutuelle_id, number)
)
select count(*)::int as done from stands
