"""Forgeries that the owner's password allows, and which invariant finds each.

`OWNERS` are done as the owner, `SERVERS` as a superuser. No invariant finds `MISSED`: decision 0031 says why.
{record} is the program's recording of all households, {auditor} the rights of another auditor; {settled} is no SQL: the
program's settlement is called with an answer that no operator gave.
"""

DEFINITIONS, RIGHTS, RECORDS = "definitions_as_shipped", "rights_as_shipped", "cover_as_recorded"
COPY_PERSON = (
    "insert into beneficiary select mutuelle_id, number, 6, name, birth_year, {added}, removed_on, first_policy,"
    " covered_from from beneficiary where rank = 1"
)
COPY_POLICY = (
    "insert into policy select mutuelle_id, number, 2, 'renewal', product_code, product_version, members,"
    " contribution_minor, 0, {day}, {day} from policy where sequence = 1"
)
COPY_JOURNAL = (
    "insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo, xid)"
    " select mutuelle_id, gen_random_uuid(), kind, effective_on, actor, reason, memo, {xid} from ledger.journal"
    " where kind = 'record' limit 1"
)


def guarded(table: str, statement: str) -> str:
    """The statement with the triggers of `table` off, then restored."""
    return (
        f"alter table ledger.{table} disable trigger append_only; {statement};"
        f" alter table ledger.{table} enable always trigger append_only"
    )


OWNERS: dict[str, tuple[str, str]] = {
    # What cover hangs on.
    "a policy agreed to a year before": ("update policy set agreed_on = agreed_on - 365", RECORDS),
    "a policy for fewer people": ("update policy set members = members - 1", RECORDS),
    "a cheaper policy": ("update policy set contribution_minor = 100", RECORDS),
    "a policy that another pays": (
        "insert into payer values ('BEN', 'commune', 'Commune', 'commune'); insert into regime values"
        " ('BEN', 'indigents', '2024-01-01', 'Indigents', 'commune', 100); insert into policy_share (mutuelle_id,"
        " number, sequence, regime, regime_since, part_minor, agreed_on) select mutuelle_id, number, sequence,"
        " 'indigents', '2024-01-01', contribution_minor + registration_minor, agreed_on from policy",
        RECORDS,
    ),
    "a household that a payer was made to pay for": (
        "insert into household_regime select mutuelle_id, number, 1, 'indigents', '2024-01-01', null, null, 'support',"
        " now() from household",
        "regime_was_signed",
    ),
    "a policy slipped in": (COPY_POLICY.format(day="current_date"), RECORDS),
    "a policy gone": (
        "delete from policy where number not in (select number from eligibility_check)",
        RECORDS,
    ),
    "a policy under another version": (
        "insert into product select mutuelle_id, code, 2, name, sold_from, sold_until, 1, threshold, max_members, 1, 1,"
        " age_of_majority, 0, insurance_period_months, 0, 24, 24, 1, max_installments, amount_step_minor from product;"
        " update policy set product_version = 2",
        RECORDS,
    ),
    "no waiting period": ("update product set waiting_period_months = 0, threshold = 7", RECORDS),
    "a longer period": ("update product set insurance_period_months = 36", RECORDS),
    "a longer grace": ("update product set grace_period_renewal_months = 24", RECORDS),
    "a version slipped in": (
        "insert into product select mutuelle_id, code, 3, name, sold_from, sold_until, 100, threshold, max_members,"
        " 100, 100, age_of_majority, 0, insurance_period_months, 0, 24, 24, 1, max_installments, amount_step_minor"
        " from product where version = 1",
        RECORDS,
    ),
    "a product sold for longer": ("update product set sold_until = '2099-12-31'", RECORDS),
    "a person back-dated": ("update beneficiary set added_on = added_on - 300 where rank = 2", RECORDS),
    "a person slipped in": (COPY_PERSON.format(added="added_on"), RECORDS),
    "a newborn covered at once": ("update beneficiary set covered_from = added_on where rank = 2", RECORDS),
    "a joiner counted from the start": ("update beneficiary set first_policy = 1 where rank = 5", RECORDS),
    "a person who comes back": ("update beneficiary set removed_on = null", RECORDS),
    "another name": ("update beneficiary set name = 'Fanta Keita' where rank = 2", RECORDS),
    "a younger person": ("update beneficiary set birth_year = birth_year + 10 where rank = 2", RECORDS),
    "a phone that speaks for a household": (
        "insert into household_phone select mutuelle_id, number, '+22379999999', since from household_phone limit 1",
        RECORDS,
    ),
    "a household closed in silence": ("update household set closed_at = now()", RECORDS),
    "a household enrolled before": (
        "update household set enrolled_at = enrolled_at - interval '1 year'",
        RECORDS,
    ),
    "another salt": ("update household set salt = gen_random_uuid()", RECORDS),
    "a household that is called erased": (
        "update household set closed_at = now(), erased_at = now(), salt = null",
        "erased_household_is_nobody",
    ),
    "a household erased before its time": (
        "update household set closed_at = now(), erased_at = now(), salt = null, head_name = '--'; delete from"
        " household_phone; update beneficiary set name = null",
        "erasure_was_due",
    ),
    "a look-up by somebody without an office": (
        "insert into officer_lookup select mutuelle_id, number, '+22379999999', 'found', current_date, now()"
        " from household limit 1",
        "lookup_is_an_officers",
    ),
    "a record of another hash": (
        guarded(
            "journal", "update ledger.journal set memo = memo || '{\"sha256\": \"00\"}' where kind = 'record'"
        ),
        "ledger_seals_hold",
    ),
    "a policy slipped in and recorded by the program's own function": (
        COPY_POLICY.format(day="current_date - 400") + "; {record}",
        "recorded_when_agreed",
    ),
    "a person slipped in and recorded": (
        COPY_PERSON.format(added="current_date - 400") + "; {record}",
        "recorded_when_agreed",
    ),
    "a change that was recorded and not noted": (
        "update beneficiary set birth_year = birth_year + 10 where rank = 2; {record}",
        "record_is_explained",
    ),
    # Who holds a phone.
    "a phone doubted by hand": (
        "update household_phone set doubted_at = now(), doubt = 'support'",
        "doubted_phone_is_noted",
    ),
    "an edit by a phone in doubt": (
        "update household_phone set doubted_at = now() - interval '1 day', doubt = 'idle'",
        "doubted_phone_changes_nothing",
    ),
    "a care code of a phone in doubt": (
        "update household_phone set doubted_at = now() - interval '1 day', doubt = 'idle' where phone in"
        " (select made_by from care_code)",
        "care_code_of_a_known_phone",
    ),
    "a household frozen by hand": ("update household set frozen_at = now()", "frozen_household_is_noted"),
    "an edit of a frozen household": (
        "insert into household_change select mutuelle_id, number, max(position) + 1, 'frozen', '', 'nobody', 'no',"
        " min(changed_at) - interval '1 minute' from household_change group by mutuelle_id, number;"
        " update household h set frozen_at = c.changed_at from household_change c"
        " where c.mutuelle_id = h.mutuelle_id and c.number = h.number and c.what = 'frozen'",
        "frozen_household_stands_still",
    ),
    "a household's PIN": (
        "insert into household_pin select mutuelle_id, number, decode(repeat('00', 100), 'hex'), now() from household",
        "household_pin_is_noted",
    ),
    # The book.
    "an amount": (guarded("movement", "update ledger.movement set amount = amount + 1"), "ledger_seals_hold"),
    "a reason": (guarded("journal", "update ledger.journal set reason = 'better'"), "ledger_seals_hold"),
    "a memo": (
        guarded("journal", "update ledger.journal set memo = '{}' where kind <> 'record'"),
        "ledger_seals_hold",
    ),
    "another day": (
        guarded("journal", "update ledger.journal set effective_on = effective_on - 30"),
        "ledger_seals_hold",
    ),
    "another key": (guarded("request", "update ledger.request set key = 'x' || key"), "ledger_seals_hold"),
    "a receipt gone": (
        guarded("movement", "delete from ledger.movement where debit_account like 'health:float:%'"),
        "ledger_seals_hold",
    ),
    "a journal slipped into a sealed block": (COPY_JOURNAL.format(xid="xid"), "ledger_seals_hold"),
    "a tick far ahead": (
        COPY_JOURNAL.format(xid="'99999999999'::xid8"),
        "ledger_ticks_at_the_horizon",
    ),
    "the clock far ahead": ("update ledger.clock set shift = 99999999999", "ledger_ticks_at_the_horizon"),
    "a second clock": ("delete from ledger.clock", "ledger_folded_behind_the_horizon"),
    "a block gone": (guarded("seal", "delete from ledger.seal"), "digest_seal_stands"),
    "another root": (guarded("seal", "update ledger.seal set root = sha256('x')"), "ledger_seals_hold"),
    "a seal of what is to come": (
        guarded("seal", "update ledger.seal set upto = '9999999999'"),
        "ledger_seals_chain",
    ),
    "a balance": ("update ledger.account_day set cum_debits = cum_debits + 1", "ledger_days_agree"),
    "a fold ahead": ("update ledger.fold set upto = '9999999999'", "ledger_folded_behind_the_horizon"),
    "an account opened before": (
        "alter table ledger.account disable trigger only_closes; update ledger.account set keeping = 'summed'"
        " where kind = 'float'; alter table ledger.account enable always trigger only_closes",
        "ledger_kinds_kept",
    ),
    "books opened": ("update ledger.book set closed_through = current_date + 30", "ledger_periods_follow"),
    "a kind without a limit": (
        "update ledger.kind set keeping = 'folded' where kind = 'cash'",
        "ledger_kinds_kept",
    ),
    # What the insurance and its messages say.
    "a payment that was paid": (
        "update payment set state = 'PAID', completed_at = now() where state <> 'PAID'",
        "payment_posted_once",
    ),
    "a payment of more": ("update payment set amount_minor = amount_minor * 2", "posting_has_payment"),
    "an answer to a doctor": (
        "update eligibility_check set until_on = until_on + 300",
        "check_answer_stands",
    ),
    "an answer taken away": ("delete from eligibility_check", "check_used_its_code"),
    "an answer about another person": (
        "update eligibility_check set rank = 2 where code_position is not null and rank = 1",
        "check_used_its_code",
    ),
    "a code that is taken out of its answer": (
        "update eligibility_check set code_position = null",
        "check_used_its_code",
    ),
    "a card that was never handed over": (
        "update care_card set handed_at = null, handed_by = null",
        "card_code_was_in_hand",
    ),
    "a card that had ended": (
        "update care_card set printed_at = printed_at - interval '1 day', handed_at = handed_at - interval '1 day',"
        " ended_at = handed_at - interval '1 day', ended_by = 'nobody'",
        "card_code_was_in_hand",
    ),
    "a code of a card gone": ("delete from care_code where line = 10", "card_has_ten_codes"),
    "a check without a code that no treasurer heard of": (
        "delete from sms_outbox where template = 'check to know'",
        "check_was_told_to_treasurers",
    ),
    "a check that the household did not hear of": (
        "delete from sms_outbox where template = 'cover checked'",
        "check_was_told",
    ),
    "a receipt that was never sent": (
        "delete from sms_outbox where key like 'receipt %'",
        "paid_payment_is_receipted",
    ),
    "a figure of the digest": ("update digest set received_minor = received_minor + 500", "digest_recounts"),
    "a seal that was not told": ("update digest set seal_root = sha256('x')", "digest_seal_stands"),
    "an officer of no appointment": (
        "insert into officer select mutuelle_id, 'collector', '+22379999999', 'Nobody', since, null"
        " from officer limit 1",
        "office_agrees_with_its_changes",
    ),
    "cash without a posting": (
        "insert into cash_holder values ('BEN', '12345678', 'collector', '+22379999999', now());"
        " insert into cash_receipt (mutuelle_id, reference, holder, number, amount_minor, currency, received_at,"
        " received_on, receipt_code) select mutuelle_id, gen_random_uuid(), '12345678', number, 5000, 'XOF', now(),"
        " current_date, 'ABCDEF'"
        " from household limit 1",
        "cash_posted_once",
    ),
    "money of a group that never came": (
        "insert into joint_act select 'BEN', gen_random_uuid(), 'group payment', null, jsonb_build_object("
        "'list', 'ABCDEF', 'payer', 'SOTRAMA', 'source', 'statement', 'key', gen_random_uuid(), 'amount_minor', 12000),"
        " 'wages', 'yes', '+22376000007', 'Fanta Coulibaly', now(), now() + interval '7 days', 'approved',"
        " '+22376000008', 'Issa Dembélé', now();"
        " insert into group_list select 'BEN', 'ABCDEF', 'statement', facts ->> 'key', 1, 'SOTRAMA', 12000, 'XOF', 2,"
        " 'support', 'wages', now() from joint_act;"
        " insert into group_part select 'BEN', 'ABCDEF', number, 6000, 'XOF', gen_random_uuid(), 'ABCDE' || chr(64 +"
        " row_number() over ()::int) from household limit 2;"
        " insert into money_decision select 'BEN', 'statement', facts ->> 'key', id, 'group', null, null, 'ABCDEF',"
        " 12000, 'XOF', current_date, now() from joint_act",
        "decision_posted_once",
    ),
    # What is made of code.
    "the view of the book": (
        "create or replace view ledger.entry as select mutuelle_id, debit_account as account, credit_account as"
        " counter_account, amount as debit, 0::bigint as credit, currency, effective_on, journal_id, position, xid"
        " from ledger.movement where phase in ('single', 'post')",
        DEFINITIONS,
    ),
    "a posting function that takes anything": (
        "create or replace function ledger.limit_fault(mutuelle text, movements jsonb) returns text language sql"
        " stable as 'select null'",
        DEFINITIONS,
    ),
    "a function that acts as its caller": ("alter function ledger.post(jsonb) security invoker", DEFINITIONS),
    "a function with another path": ("alter function ledger.post(jsonb) reset search_path", DEFINITIONS),
    "a back door": (
        "create function public.settle(amount bigint) returns void language sql security definer"
        " as 'update ledger.balance set debits_posted = debits_posted + amount'",
        DEFINITIONS,
    ),
    "a table on the side": ("create table public.side (a int)", DEFINITIONS),
    "a schema on the side": (
        "create schema side; create function side.f() returns int language sql return 1",
        DEFINITIONS,
    ),
    "a guard asleep": ("alter table ledger.movement disable trigger append_only", DEFINITIONS),
    "a guard gone": ("drop trigger append_only on ledger.seal", DEFINITIONS),
    "a guard that lets all through": (
        "create or replace function ledger.refuse_change() returns trigger language plpgsql as"
        " 'begin return null; end'",
        DEFINITIONS,
    ),
    "a trigger of theirs": (
        "create function public.t() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger t before insert on payment for each row execute function public.t()",
        DEFINITIONS,
    ),
    "a rule": ("create rule mine as on insert to payment_case do instead nothing", DEFINITIONS),
    "a constraint gone": ("alter table ledger.balance drop constraint balance_not_below_zero", DEFINITIONS),
    "a constraint that old rows need not keep": (
        "alter table ledger.movement drop constraint movement_amount_check, add constraint movement_amount_check"
        " check (amount >= 1 and amount <= 1000000000000) not valid",
        DEFINITIONS,
    ),
    "a constraint of theirs": (
        "alter table payment add constraint mine check (amount_minor < 99999)",
        DEFINITIONS,
    ),
    "a key gone": ("alter table payment_case drop constraint payment_case_pkey", DEFINITIONS),
    "an index gone": ("drop index ledger.movement_resolved_once", DEFINITIONS),
    "a default": ("alter table ledger.journal alter column xid set default '5'", DEFINITIONS),
    "a column": ("alter table policy add column discount bigint", DEFINITIONS),
    "a column that may be empty": (
        "alter table ledger.journal alter column actor drop not null",
        DEFINITIONS,
    ),
    "rows that hide": (
        "alter table payment_case enable row level security; create policy mine on payment_case using (false)",
        DEFINITIONS,
    ),
    "rows of another table": ("create table public.more () inherits (payment_case)", DEFINITIONS),
    "a table that a crash empties": ("alter table payment_case set unlogged", DEFINITIONS),
    "functions before the server's own": (
        "do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database());"
        " end $$",
        DEFINITIONS,
    ),
    "an older version": ("update alembic_version set version_num = '0009'", DEFINITIONS),
    # Rights.
    "the service writes the book": ("grant insert on ledger.movement to keneya_service", RIGHTS),
    "the service changes terms": ("grant update (lump_sum_minor) on product to keneya_service", RIGHTS),
    "the service erases messages": ("grant delete on sms_outbox to keneya_service", RIGHTS),
    "everybody erases": (
        "grant execute on function erase_household(text, text, timestamptz) to public",
        RIGHTS,
    ),
    "the service lacks a right": ("revoke insert on payment from keneya_service", RIGHTS),
    "the auditor reads people": ("grant select on household to keneya_auditor", RIGHTS),
    "the auditor seals": ("grant execute on function ledger.seal_block(text, int) to keneya_auditor", RIGHTS),
    "everybody reads people": ("grant select on household to public", RIGHTS),
    "everybody posts": ("grant execute on function ledger.post(jsonb) to public", RIGHTS),
    "what is made later is everybody's": (
        "alter default privileges in schema public grant select on tables to public",
        RIGHTS,
    ),
    "everybody makes tables": ("grant create on schema ledger to public", RIGHTS),
    "a right to pass on": ("grant select on payment to keneya_service with grant option", RIGHTS),
}

SERVERS: dict[str, tuple[str, str]] = {
    "the service is a superuser": ("alter role keneya_service superuser", RIGHTS),
    "the service passes row security": ("alter role keneya_service bypassrls", RIGHTS),
    "the service makes roles": ("alter role keneya_service createrole", RIGHTS),
    "the service is the owner": ("grant keneya_owner to keneya_service", RIGHTS),
    "the auditor is a writer": ("grant pg_write_all_data to keneya_auditor", RIGHTS),
    "a role more": ("create role stranger login; grant select on payment to stranger", RIGHTS),
    "an internal trigger asleep": ("alter table payment_move disable trigger all", DEFINITIONS),
    "an event trigger": (
        "create function public.e() returns event_trigger language plpgsql as 'begin end';"
        " create event trigger e on ddl_command_end execute function public.e()",
        DEFINITIONS,
    ),
    "a replica's session": (
        "do $$ begin execute format('alter database %I set session_replication_role = replica', current_database());"
        " end $$",
        DEFINITIONS,
    ),
}

MISSED: dict[str, str] = {
    "the words of a message": "update sms_outbox set body = 'Merci'",
    "another phone for complaints": "update mutuelle set complaints_phone = '+22379999999'",
    "another route": "update operator_account set operator = 'orange'",
    "another day of care": "update facility set hours = '0 h - 24 h'",
    "an added policy, recorded and marked as invented": COPY_POLICY.format(day="current_date - 400")
    + "; {record}; update payment set notice_token = 'history-' || notice_token",
    "a change that was recorded and noted": "update beneficiary set birth_year = birth_year + 10 where rank = 2"
    " and number in (select number from household_change);"
    " insert into household_change select mutuelle_id, number, 3, 'person corrected', '', actor, 'asked', changed_at"
    " from household_change where position = 1; {record}",
    "a clock that is moved on a little": "update ledger.clock set shift = shift + 1000000",
    "an index for speed": "drop index ledger.movement_debit",
    "another auditor": "{auditor}",
    "a payment settled by hand, with all its rows": "{settled}",
}
