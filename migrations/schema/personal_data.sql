-- Personal data: who looked at whose, what a term lets go, and the erasure of a household that has left.

-- An officer read of a household on her phone: once a day and kind. `subject` is the household's number or, of a list of
-- who owes, the place. What was read from the command line is in support_act.
create table officer_lookup (
    mutuelle_id text collate "C" not null references mutuelle,
    subject text collate "C" not null check (subject <> ''),
    looked_by text collate "C" not null check (looked_by ~ '^[+][0-9]{7,15}$'),
    kind text collate "C" not null check (kind in ('found', 'who owes')),
    looked_on date not null, -- UTC
    looked_at timestamptz not null,
    primary key (mutuelle_id, subject, looked_by, kind, looked_on)
);
create index officer_lookup_by_time on officer_lookup (looked_at);
grant select, insert on officer_lookup to service;

-- What a term lets go: of one kind (`mutuelle/personal_data/kinds.py` has the words) all that is older than `before`, at
-- most so many rows. The service may delete or shorten nothing of it by itself.
create function forget(kind text, before timestamptz, most integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    gone bigint;
begin
    case kind
    when 'sent words' then
        update sms_outbox set body = '-' where (mutuelle_id, id) in (
            select o.mutuelle_id, o.id from sms_outbox o
             where o.created_at < before and o.body <> '-' and o.state not in ('DUE', 'SENDING') limit most);
    when 'received words' then
        update sms_inbox set body = '-' where (provider, provider_message_id) in (
            select i.provider, i.provider_message_id from sms_inbox i
             where i.received_at < before and i.body <> '-' and i.state <> 'WAITING' limit most);
    when 'received' then -- with their answers; what an action was agreed to by stays with the action
        with old as (
            select i.provider, i.provider_message_id from sms_inbox i
             where i.received_at < before and i.state <> 'WAITING' and not exists (
                   select from action a where a.gateway = 'sms' and a.call = i.provider_message_id)
             limit most
        ), answers as (
            delete from sms_outbox o using old
             where o.mutuelle_id = '*' and o.key = 'reply ' || old.provider || ' ' || old.provider_message_id
        )
        delete from sms_inbox i using old
         where (i.provider, i.provider_message_id) = (old.provider, old.provider_message_id);
    when 'delivery reports' then
        delete from sms_report where id in (
            select r.id from sms_report r where r.received_at < before and r.applied_at is not null limit most);
    when 'conversations' then
        delete from sms_conversation where phone in (
            select c.phone from sms_conversation c where c.expires_at < before limit most);
    when 'ended stops' then
        delete from sms_optout where id in (select s.id from sms_optout s where s.until < before limit most);
    when 'limited uses' then
        delete from limited_use where (what, subject, item) in (
            select l.what, l.subject, l.item from limited_use l where l.used_at < before limit most);
    when 'operator notices' then
        delete from money_notice where (operator, token, body_hash) in (
            select n.operator, n.token, n.body_hash from money_notice n where n.received_at < before limit most);
    when 'operator minutes' then
        delete from operator_minute where (mutuelle_id, account, minute) in (
            select m.mutuelle_id, m.account, m.minute from operator_minute m where m.minute < before limit most);
    when 'wrong checks' then
        delete from failed_check where (mutuelle_id, id) in (
            select f.mutuelle_id, f.id from failed_check f where f.tried_at < before limit most);
    when 'action words' then -- not those by which somebody is a member
        update action set facts = '{}', facts_hash = '', consent = '-', screen = '-'
         where (gateway, call, phone, position) in (
            select a.gateway, a.call, a.phone, a.position from action a
             where a.done_at < before and a.consent <> '-' and a.name not in ('enrol', 'register',
                   'confirm_registration', 'pay', 'renew_by_credit', 'accept_reminders', 'stop_reminders', 'leave')
             limit most);
    when 'languages' then -- of phones that are nobody's
        delete from preference where phone in (
            select p.phone from preference p
             where p.chosen_at < before and not exists (select from household_phone h where h.phone = p.phone)
               and not exists (select from officer o where o.phone = p.phone)
               and not exists (select from doctor d where d.phone = p.phone) limit most);
    when 'former pins' then
        delete from officer_pin where phone in (
            select p.phone from officer_pin p
             where p.issued_at < before
               and not exists (select from officer o where o.phone = p.phone
                                  and (o.until is null or o.until >= before::date))
               and not exists (select from doctor d where d.phone = p.phone
                                  and (d.until is null or d.until >= before::date)) limit most);
    when 'look-ups' then
        delete from officer_lookup where (mutuelle_id, subject, looked_by, officer_lookup.kind, looked_on) in (
            select l.mutuelle_id, l.subject, l.looked_by, l.kind, l.looked_on from officer_lookup l
             where l.looked_at < before limit most);
    when 'payee names' then
        delete from payee_name where (mutuelle_id, account, phone) in (
            select n.mutuelle_id, n.account, n.phone from payee_name n where n.asked_at < before limit most);
    when 'support look-ups' then
        delete from support_act where id in (
            select s.id from support_act s
             where s.done_at < before and s.act in ('who', 'who owes', 'extract') limit most);
    when 'firings' then
        delete from firing where (mutuelle_id, firing.kind, subject, fired_for) in (
            select f.mutuelle_id, f.kind, f.subject, f.fired_for from firing f
             where f.fired_at < before and (f.kind <> 'digest' or f.messages = 0) limit most);
    else
        raise exception 'nothing is known of the kind %', kind using errcode = 'invalid_parameter_value';
    end case;
    get diagnostics gone = row_count;
    return gone;
end $$;
grant execute on function forget(text, timestamptz, integer) to service;

-- The phones that spoke for a household, today's and former ones.
create function spoke_for(mutuelle text, home text) returns setof text
language sql stable set search_path = pg_catalog, public, pg_temp as $$
    select distinct spoke.phone from (
        select p.phone from household_phone p where p.mutuelle_id = mutuelle and p.number = home
        union all select c.phone from reminder_consent c where c.mutuelle_id = mutuelle and c.number = home
        union all select r.phone from reminder r where r.mutuelle_id = mutuelle and r.number = home
        union all select k.made_by from care_code k
                   where k.mutuelle_id = mutuelle and k.number = home and k.card is null
        union all select p.asked_by from payment p
                   where p.mutuelle_id = mutuelle and p.number = home and not p.by_another
        union all select a.facts ->> fact from support_act a, unnest('{new,old}'::text[]) fact
                   where a.mutuelle_id = mutuelle and a.number = home and a.facts ->> fact like '+%'
        union all select a.phone from household h join action a on a.done_at = h.enrolled_at and a.name = 'enrol'
                     and position(home in regexp_replace(a.screen, '[^0-9]', '', 'g')) > 0
                   where h.mutuelle_id = mutuelle and h.number = home
        union all select c.actor from household_change c
                   where c.mutuelle_id = mutuelle and c.number = home and c.actor like '+%'
                     and not exists (select from officer o where o.phone = c.actor)
    ) spoke
$$;
grant execute on function spoke_for(text, text) to service;

-- Why a household cannot be erased at `moment`; null: it can. The years are those that two treasurers decided (a limit of
-- the mutuelle); they count from its closing or from the last day on which its money moved, whichever is later.
create function erasure_fault(mutuelle text, home text, moment timestamptz) returns text
language sql stable set search_path = pg_catalog, public, pg_temp as $$
    with own as (
        select h.closed_at, h.erased_at, 'health:member:' || home as account,
               coalesce((select l.value from mutuelle_limit l
                          where l.mutuelle_id = mutuelle and l.name = 'years_kept' and l.since <= moment::date
                          order by l.since desc, l.version desc limit 1), 0)::int as years,
               (select coalesce(sum(e.debit - e.credit), 0) from ledger.entry e
                 where e.mutuelle_id = mutuelle and e.account = 'health:member:' || home) as net,
               (select max(e.effective_on) from ledger.entry e
                 where e.mutuelle_id = mutuelle and e.account = 'health:member:' || home) as moved_on
          from household h where h.mutuelle_id = mutuelle and h.number = home
    )
    select case
        when own.closed_at is null then 'open'
        when own.erased_at is not null then 'erased'
        when own.net <> 0 then 'money'
        when exists (select from payment p where p.mutuelle_id = mutuelle and p.number = home
                        and p.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')) then 'payment'
        when exists (select from payout p where p.mutuelle_id = mutuelle
                        and (p.debit = own.account or p.phone in (select spoke_for(mutuelle, home)))
                        and p.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')) then 'payout'
        when exists (select from payment_case c join payment p on p.mutuelle_id = c.mutuelle_id
                        and p.reference = c.reference where p.mutuelle_id = mutuelle and p.number = home
                        and c.closed_at is null)
          or exists (select from payout_case c join payout p on p.mutuelle_id = c.mutuelle_id
                        and p.reference = c.reference where p.mutuelle_id = mutuelle and c.closed_at is null
                        and (p.debit = own.account or p.phone in (select spoke_for(mutuelle, home))))
          or exists (select from cash_dispute d join cash_receipt r on r.mutuelle_id = d.mutuelle_id
                        and r.reference = d.receipt where r.mutuelle_id = mutuelle and r.number = home
                        and d.closed_at is null)
          or exists (select from cash_dispute d join voucher v on v.mutuelle_id = d.mutuelle_id
                        and v.reference = d.voucher where v.mutuelle_id = mutuelle and d.closed_at is null
                        and own.account in (v.debit, v.credit))
          or exists (select from joint_act a where a.mutuelle_id = mutuelle and a.answer is null
                        and a.expires_at > moment
                        and (home in (a.facts ->> 'number', a.facts ->> 'to')
                             or own.account in (a.facts ->> 'debit', a.facts ->> 'credit')
                             or a.facts ->> 'phone' in (select spoke_for(mutuelle, home)))) then 'case'
        when own.years = 0 then 'undecided'
        when greatest(own.closed_at, own.moved_on) + make_interval(years => own.years) > moment then 'term'
        end
      from own
$$;
grant execute on function erasure_fault(text, text, timestamptz) to service;

-- A phone that is no longer known, as what stands in its place; anything else as it is.
create function nobody(home text, known text[], phone text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when phone = any (known) then '+999' || home || array_position(known, phone) else phone end
$$;
grant execute on function nobody(text, text[], text) to service;

-- Names and phones of a household go, its number and what hangs on it stay. A phone becomes +999 (no country's) and the
-- number, so that rows about one phone still agree. What is a phone's alone goes where the phone is nobody else's.
create function erase_household(mutuelle text, home text, moment timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    fault constant text := erasure_fault(mutuelle, home, moment);
    account constant text := 'health:member:' || home;
    shown constant text := substr(home, 1, 3) || ' ' || substr(home, 4, 3) || ' ' || substr(home, 7);
    own text[]; -- phones that spoke for it
    alone text[]; -- those of them that are nobody else's
    known text[]; -- and of who paid for it
    groups text[]; -- lists of groups that it paid for
begin
    if fault is not null then
        raise exception 'household % cannot be erased: %', home, fault using errcode = 'check_violation';
    end if;
    select coalesce(array_agg(spoke.phone), '{}') into own from spoke_for(mutuelle, home) as spoke (phone);
    select coalesce(array_agg(spoke.phone), '{}') into alone from unnest(own) as spoke (phone)
     where not exists (select from household_phone p where p.phone = spoke.phone
                          and (p.mutuelle_id, p.number) <> (mutuelle, home))
       and not exists (select from officer o where o.phone = spoke.phone)
       and not exists (select from doctor d where d.phone = spoke.phone)
       and not exists (select from payment p where (p.payer_phone = spoke.phone or p.asked_by = spoke.phone)
                          and (p.mutuelle_id, p.number) <> (mutuelle, home));
    select own || coalesce(array_agg(distinct phone), '{}') into known from (
        select p.payer_phone as phone from payment p where p.mutuelle_id = mutuelle and p.number = home
        union all select p.asked_by from payment p where p.mutuelle_id = mutuelle and p.number = home) payers
     where phone <> all (own);

    -- What it has paid for others has no name any more.
    select coalesce(array_agg(l.receipt_code), '{}') into groups from group_list l
     where l.mutuelle_id = mutuelle
       and (exists (select from beneficiary b where b.mutuelle_id = mutuelle and b.number = home
                       and lower(b.name) = lower(l.payer))
            or exists (select from statement_line s where s.mutuelle_id = mutuelle and s.reference::text = l.key
                          and s.payer = any (alone)));
    update group_list set payer = '--', reason = '--' where mutuelle_id = mutuelle and receipt_code = any (groups);
    update joint_act set consent = '-', reason = '--', facts = facts || '{"payer": "--"}'
     where mutuelle_id = mutuelle and kind = 'group payment' and facts ->> 'list' = any (groups);
    -- What the household says of itself. Of a year of birth the tens stay.
    update household set head_name = '--', erased_at = moment, salt = null,
           registered_by = nobody(home, known, registered_by)
     where mutuelle_id = mutuelle and number = home;
    update beneficiary set name = null, birth_year = birth_year - birth_year % 10
     where mutuelle_id = mutuelle and number = home;
    delete from household_phone where mutuelle_id = mutuelle and number = home;
    delete from household_pin where mutuelle_id = mutuelle and number = home;
    update register_line set said = (select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(said) f
                                      where f.key in ('credit', 'owed', 'paid', 'paid_until'))
     where mutuelle_id = mutuelle and number = home;
    -- Words about it, typed by people.
    update household_change set detail = '', reason = '--', actor = nobody(home, known, actor)
     where mutuelle_id = mutuelle and number = home;
    update support_act set reason = '--', actor = nobody(home, known, actor), subject = nobody(home, known, subject),
           facts = facts - '{new,old,phones,from_name}'::text[]
     where (mutuelle_id = mutuelle and number = home) or subject = any (alone);
    update support_act set facts = facts - 'phones' where facts ->> 'into' = home;
    update joint_act set consent = '-', about = nobody(home, known, about), facts = facts
           || case when facts ? 'phone' then jsonb_build_object('phone', '') else '{}' end
           || case when facts ? 'party' then jsonb_build_object('party', home) else '{}' end
     where mutuelle_id = mutuelle and kind <> 'role change'
       and (home in (facts ->> 'number', facts ->> 'to') or account in (facts ->> 'debit', facts ->> 'credit')
            or facts ->> 'phone' = any (alone) or position(shown in consent) > 0);
    -- Money: sums, days and codes stay.
    update payment set payer_phone = nobody(home, known, payer_phone), asked_by = nobody(home, known, asked_by)
     where mutuelle_id = mutuelle and number = home;
    update payment_move m set actor = nobody(home, known, m.actor) from payment p
     where p.mutuelle_id = mutuelle and p.number = home and (m.mutuelle_id, m.reference) = (p.mutuelle_id, p.reference);
    update cash_dispute d set phone = nobody(home, known, d.phone), outcome = case when d.outcome is not null then '--' end
      from cash_receipt r
     where r.mutuelle_id = mutuelle and r.number = home and (d.mutuelle_id, d.receipt) = (r.mutuelle_id, r.reference);
    update statement_line set payer = null, note = '', said = '{}'
     where mutuelle_id = mutuelle and (number = home or payer = any (alone) or reference::text in (
           select d.key from money_decision d where d.mutuelle_id = mutuelle and d.number = home)
           or payment in (select p.reference from payment p where p.mutuelle_id = mutuelle and p.number = home));
    update voucher set party = home, phone = null
     where mutuelle_id = mutuelle and (account in (debit, credit) or phone = any (alone));
    update payout set party = home, phone = nobody(home, known, phone)
     where mutuelle_id = mutuelle and (debit = 'health:member:' || home or phone = any (alone));
    delete from payee_name where mutuelle_id = mutuelle and phone = any (alone);
    -- Care.
    update care_code set made_by = nobody(home, known, made_by) where mutuelle_id = mutuelle and number = home;
    update referent set chosen_by = nobody(home, known, chosen_by) where mutuelle_id = mutuelle and number = home;
    -- Reminders and messages.
    update sms_outbox set phone = nobody(home, known, phone), body = '-', reason = null
     where phone = any (alone) or (mutuelle_id = mutuelle and key in (
           select r.message_key from reminder r where r.mutuelle_id = mutuelle and r.number = home));
    update reminder set phone = nobody(home, known, phone) where mutuelle_id = mutuelle and number = home;
    update reminder_consent set phone = nobody(home, known, phone) where mutuelle_id = mutuelle and number = home;
    update sms_inbox set phone = nobody(home, known, phone), body = '-' where phone = any (alone);
    delete from sms_conversation where phone = any (alone);
    delete from sms_report where phone = any (alone);
    delete from sms_optout where phone = any (alone);
    -- What was agreed to, and what the phones preferred.
    update action set facts = '{}', facts_hash = '', consent = '-', screen = '-', phone = nobody(home, known, phone)
     where phone = any (alone);
    update action a set facts = '{}', facts_hash = '', consent = '-', screen = '-'
      from household h
     where (h.mutuelle_id, h.number) = (mutuelle, home)
       and (a.facts ->> 'number' = home or (a.done_at = h.enrolled_at and a.name in ('enrol', 'register')
            and position(home in regexp_replace(a.screen, '[^0-9]', '', 'g')) > 0));
    delete from preference where phone = any (alone);
    delete from payer_refusal where phone = any (alone);
    delete from phone_network where phone = any (alone);
    delete from limited_use where subject = any (alone) or position(home in item) > 0;
    delete from officer_lookup where mutuelle_id = mutuelle and subject = home;
end $$;
grant execute on function erase_household(text, text, timestamptz) to service;
