"""Every right of the service's role, table by table. What is not listed here, web and worker cannot do."""

from collections.abc import Iterator

TABLES: dict[str, str] = {
    # The ledger is read by all and written by its own functions only.
    "ledger.account": "select",
    "ledger.journal": "select",
    "ledger.movement": "select",
    "ledger.request": "select",
    "ledger.entry": "select",
    # What a message says, to whom and why, cannot be changed after it was written.
    "sms_outbox": "select, insert, update (state, due_at, lease_token, lease_until, attempts, resends,"
    " provider, provider_message_id, provider_status, reason, called_at, in_doubt_at, sent_at, final_at)",
    "sms_report": "select, insert, update (applied_at, mutuelle_id, message_id)",
    "sms_optout": "select, insert, update (until)",
    "sms_inbox": "select, insert",
    # A deed and the words agreed to are written once; only its own transaction adds the screen it ended with.
    "deed": "select, insert, update (screen)",
    "preference": "select, insert, update",
    "mutuelle": "select, insert",
    "place": "select, insert",
    "product": "select, insert, update (sold_until)",
    "household": "select, insert, update (closed_at)",
    "household_phone": "select, insert",
    "beneficiary": "select, insert, update (removed_on)",
    "policy": "select, insert",
    "officer": "select, insert, update (until)",
    "facility": "select, insert",
    "doctor": "select, insert",
    "route": "select, insert",
    "payment": "select, insert, update (state, operator_reference, sent_at, completed_at, told_late_at, due_at,"
    " polls, lease_token, lease_until)",
    "payment_move": "select, insert",
    "payment_case": "select, insert, update (closed_at)",
    "payer_refusal": "select, insert, delete",
    "money_notice": "select, insert, update (times)",
}

FUNCTIONS: tuple[str, ...] = (
    "ledger.post(jsonb)",
    "ledger.open_accounts(jsonb)",
    # Pure functions of their arguments, with which the checks recompute what a key was spent on.
    "ledger.field(text)",
    "ledger.memo_text(jsonb)",
    "ledger.journal_text(text, date, text, text, uuid, jsonb)",
    "ledger.movement_text(text, text, numeric, text, text, uuid, integer)",
)

SCHEMAS: tuple[str, ...] = ("public", "ledger")


def grant_statements(role: str) -> Iterator[str]:
    """The statements that give `role` its rights, and take back what an older list gave."""
    name = '"' + role.replace('"', '""') + '"'
    for schema in SCHEMAS:
        yield f"grant usage on schema {schema} to {name}"
        yield f"revoke all on all tables in schema {schema} from {name}"
    yield from (f"grant {rights} on {table} to {name}" for table, rights in TABLES.items())
    yield from (f"grant execute on function {function} to {name}" for function in FUNCTIONS)
