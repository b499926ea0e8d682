"""Every right of the service's role, table by table. What is not listed here, web and worker cannot do."""

from collections.abc import Iterator

TABLES: dict[str, str] = {
    "alembic_version": "select",  # web and worker refuse a schema that is older than they are
    # The ledger is read by all and written by its own functions only.
    "ledger.account": "select",
    "ledger.journal": "select",
    "ledger.movement": "select",
    "ledger.request": "select",
    "ledger.entry": "select",
    "ledger.seal": "select",
    "ledger.held": "select",
    "ledger.kind": "select",
    "ledger.clock": "select",
    "ledger.book": "select",
    "ledger.fold": "select",
    "ledger.balance": "select",
    "ledger.account_day": "select",
    "ledger.period_act": "select",
    "ledger.period_total": "select",
    # What a message says, to whom and why, cannot be changed after it was written.
    "sms_outbox": "select, insert, update (state, due_at, lease_token, lease_until, attempts, resends,"
    " provider, provider_message_id, provider_status, reason, called_at, in_doubt_at, sent_at, final_at)",
    "sms_report": "select, insert, update (applied_at, mutuelle_id, message_id)",
    "sms_optout": "select, insert, update (until)",
    # What came in cannot be changed, only what became of it.
    "sms_inbox": "select, insert, update (state, handled_as, attempts, due_at, handled_at)",
    "sms_conversation": "select, insert, update, delete",
    # An action and the words agreed to are written once; only its own transaction adds the screen it ended with.
    "deed": "select, insert, update (screen)",
    "preference": "select, insert, update",
    "limited_use": "select, insert",
    "mutuelle": "select, insert",
    "place": "select, insert",
    "product": "select, insert, update (sold_until)",
    "household": "select, insert, update (closed_at, confirmed_at, head_name, head_rank)",
    # A phone is taken from a household at once; who did it, when and why stays in household_change.
    "household_phone": "select, insert, delete",
    "beneficiary": "select, insert, update (removed_on, name, birth_year)",
    "household_change": "select, insert",
    "policy": "select, insert",
    "officer": "select, insert, update (name, since, until)",
    "facility": "select, insert",
    "doctor": "select, insert, update (name, facility_id, languages, contracted_on, until)",
    # Who was given or lost an office or a PIN, and what became of cash, is written once.
    "role_change": "select, insert",
    "role_proposal": "select, insert, update (answer, answered_by, answered_at)",
    "officer_pin": "select, insert, update (sealed, origin, issued_at, used_at, failures, locked_until, reissue_until)",
    "pin_change": "select, insert",
    "joint_act": "select, insert, update (answer, answered_by, answerer_name, answered_at)",
    "waiver": "select, insert",
    "cash_holder": "select, insert",
    "cash_receipt": "select, insert",
    "cash_deposit": "select, insert",
    "cash_contest": "select, insert, update (closed_at, closed_by, outcome)",
    # A route is how new payments are asked for; who added or removed one, and why, stays in support_act.
    "route": "select, insert, delete",
    "payment": "select, insert, update (state, operator_reference, sent_at, completed_at, told_late_at, due_at,"
    " polls, lease_token, lease_until)",
    "payment_move": "select, insert",
    "payment_case": "select, insert, update (closed_at)",
    "payer_refusal": "select, insert, delete",
    "money_notice": "select, insert, update (times)",
    # What a doctor was answered is never changed; a code is used or ended, a failed check forgiven by a person.
    "care_code": "select, insert, update (ended_at, used_at)",
    "eligibility_check": "select, insert",
    "failed_check": "select, insert, update (forgiven_at)",
    # A household's choices of a doctor, and what support did and why: the newest counts, nothing is taken back.
    "referent": "select, insert",
    "support_act": "select, insert",
    # What the paper register said when it was taken over.
    "register_line": "select, insert",
    # A schedule goes with the office it was made for. What was fired, said, answered and agreed to is a record.
    "schedule": "select, insert, update (cron, timezone, fires_for, due_at, next_at, counted_to, counted_at, since,"
    " is_new, stopped_at), delete",
    "firing": "select, insert",
    "digest": "select, insert",
    "digest_answer": "select, insert",
    "reminder_consent": "select, insert, update (until)",
    "reminder": "select, insert",
}

# What writes the ledger. Each is the only way to do what it does, and the service's alone.
ACTS: tuple[str, ...] = (
    "ledger.post(jsonb)",
    "ledger.open_accounts(jsonb)",
    "ledger.fold(text, integer)",
    "ledger.close_period(text, text, text, uuid, text, text, date)",
    "ledger.reopen_period(text, text, text, uuid, text, text)",
    "ledger.seal_block(text, integer)",
    "ledger.record(jsonb)",
    "ledger.tick()",
)

# What only reads, and no more than whoever calls it may select.
READS: tuple[str, ...] = (
    "ledger.horizon()",
    "ledger.snapshot()",
    "ledger.shifted(xid8, bigint)",
    "ledger.head(text)",
    "ledger.moved(text, xid8, xid8)",
    "ledger.day_deltas(text, xid8, xid8)",
    "ledger.sums(text, date)",
    # With these the checks compute again what was sealed …
    "ledger.sealed_field(bytea)",
    "ledger.sealed_text(text)",
    "ledger.journal_hashes(text, xid8, xid8)",
    "ledger.block_root(text, integer, xid8, xid8, bytea)",
    # … and what a key was spent on.
    "ledger.field(text)",
    "ledger.memo_text(jsonb)",
    "ledger.journal_text(text, date, text, text, uuid, jsonb)",
    "ledger.journal_text(text, date, text, text, uuid, text)",
    "ledger.movement_text(text, text, numeric, text, text, uuid, integer)",
    "ledger.movement_text(text, text, numeric, text, text, uuid, integer, timestamptz)",
)

# Whoever has this role reads the whole ledger, and what a mutuelle says of itself: nothing of people.
AUDITOR_ROLE = "keneya_auditor"
AUDITOR_TABLES: dict[str, str] = {"mutuelle": "select", "alembic_version": "select"}

SCHEMAS: tuple[str, ...] = ("public", "ledger")


def grant_statements(role: str) -> Iterator[str]:
    """The statements that give the service's `role` its rights, and take back what an older list gave."""
    yield from _from_nothing(role)
    yield from (f"grant {rights} on {table} to {_name(role)}" for table, rights in TABLES.items())
    yield from (f"grant execute on function {function} to {_name(role)}" for function in ACTS + READS)


def shared_statements(role: str, database: str) -> Iterator[str]:
    """What is everybody's in a new database and the service's `role` keeps: tables that fill the disk, and locks of a
    number, where `server.sql` has taken them from everybody."""
    yield f"revoke temporary on database {_name(database)} from public"
    yield f"grant temporary on database {_name(database)} to {_name(role)}"
    yield _ADVISORY_LOCKS.replace("ROLE", role)


def auditor_statements(role: str) -> Iterator[str]:
    """The same for an auditor's `role`: it reads, and writes nothing, not even by a function."""
    yield from _from_nothing(role)
    yield f"grant select on all tables in schema ledger to {_name(role)}"
    yield from (f"grant {rights} on {table} to {_name(role)}" for table, rights in AUDITOR_TABLES.items())
    yield from (f"grant execute on function {function} to {_name(role)}" for function in READS)


# Our own only: a hosted server may keep views of its extensions in `public`, whose rights are not ours to take.
_OWN_TABLES = """
do $own$
declare
    ours regclass;
begin
    for ours in select oid from pg_class
                 where relnamespace = to_regnamespace('SCHEMA') and relkind in ('r', 'p', 'v', 'm')
                   and pg_get_userbyid(relowner) = current_user
    loop
        execute format('revoke all on %s from %s', ours, $role$ROLE$role$);
    end loop;
end $own$
"""


_ADVISORY_LOCKS = """
do $own$ begin
    if exists (select from pg_roles where rolname = 'keneya_locks'
                  and pg_has_role(oid, 'member with admin option')
                  and not pg_has_role($role$ROLE$role$, oid, 'member')) then
        execute format('grant keneya_locks to %I', $role$ROLE$role$);
    end if;
end $own$
"""


def _name(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


def _from_nothing(role: str) -> Iterator[str]:
    for schema in SCHEMAS:
        yield f"grant usage on schema {schema} to {_name(role)}"
        yield _OWN_TABLES.replace("SCHEMA", schema).replace("ROLE", _name(role))
    # A function is everybody's from its making on, and a restore leaves every right out.
    yield f"revoke all on all functions in schema ledger from public, {_name(role)}"
