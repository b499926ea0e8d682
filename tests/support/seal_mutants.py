"""Changes that a malicious owner may make to a sealed book, and what `verify` says of each."""

from tests.support.ledger_scene import AWA, MOUSSA, called, journal, mirror, paid

FIRST, PAID, REVERSAL = called("1").id, paid("2", MOUSSA, 500).id, mirror("3", paid("2", MOUSSA, 500)).id
HELD, RESOLVED, MONTHS, LAST = journal("4").id, journal("6").id, journal("7").id, paid("late").id
BLOCKS = 4


def movement(change: str, journal_id: object = FIRST) -> str:
    return f"update ledger.movement set {change} where journal_id = '{journal_id}'"


def header(change: str, journal_id: object = FIRST) -> str:
    return f"update ledger.journal set {change} where id = '{journal_id}'"


def of_seal(change: str, block: int = 2) -> str:
    return f"update ledger.seal set {change} where block = {block}"


GONE = tuple(
    f"delete from ledger.{table} where {column} = '{LAST}'"
    for table, column in (("movement", "journal_id"), ("request", "journal_id"), ("journal", "id"))
)
COPIED_JOURNAL = """insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, xid)
    select mutuelle_id, '00000000-0000-0000-0000-000000000001', kind, effective_on, actor, reason, xid
      from ledger.journal where id = '{0}'"""
COPIED_MOVEMENT = """insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account,
           amount, currency, phase, effective_on, xid)
    select mutuelle_id, '00000000-0000-0000-0000-000000000001', position, debit_account, credit_account,
           amount, currency, phase, effective_on, xid
      from ledger.movement where journal_id = '{0}'"""

# The change, the block that `verify` names, and part of the fault that it reports.
MUTANTS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "a franc more": (1, str(FIRST), (movement("amount = amount + 1"),)),
    "a franc more, and a key that says so too": (
        1,
        str(FIRST),
        (
            movement("amount = amount + 1"),
            f"update ledger.request set content_hash = sha256('x') where journal_id = '{FIRST}'",
        ),
    ),
    "a franc from one journal to another": (
        3,
        str(MONTHS),
        (movement("amount = amount + 1", MONTHS), movement("amount = amount - 1", LAST)),
    ),
    "another member": (1, str(PAID), (movement(f"credit_account = '{AWA}'", PAID),)),
    "the sides": (
        1,
        str(FIRST),
        (movement("debit_account = credit_account, credit_account = debit_account"),),
    ),
    "another currency": (1, str(FIRST), (movement("currency = 'XAF'"),)),
    "two movements exchanged": (
        3,
        str(MONTHS),
        (
            movement("position = position + 10", MONTHS),
            movement("position = 13 - position", MONTHS),
        ),
    ),
    "a reservation that was never resolved": (
        2,
        "is not as it was",
        (movement("phase = 'single', pending_journal_id = null, pending_position = null", RESOLVED),),
    ),
    "another deadline": (
        2,
        str(HELD),
        (movement("expires_at = expires_at + interval '1 microsecond'", HELD),),
    ),
    "no deadline": (2, str(HELD), (movement("expires_at = null", HELD),)),
    "redated": (1, str(FIRST), (header("effective_on = effective_on - 1"),)),
    "for another day": (4, str(LAST), (header("occurred_on = occurred_on - 1", LAST),)),
    "not late": (4, str(LAST), (header("occurred_on = null", LAST),)),
    "known later": (1, str(FIRST), (header("recorded_at = recorded_at + interval '1 microsecond'"),)),
    "another actor": (1, str(FIRST), (header("actor = 'somebody'"),)),
    "another reason": (1, str(FIRST), (header("reason = 'a better one'"),)),
    "another kind": (1, str(FIRST), (header("kind = 'gift'"),)),
    "another memo": (3, str(MONTHS), (header('memo = memo || \'{"B": ""}\'', MONTHS),)),
    "no reversal": (2, str(REVERSAL), (header("reverses_id = null", REVERSAL),)),
    "another key": (1, str(FIRST), (f"update ledger.request set key = 'x' where journal_id = '{FIRST}'",)),
    "another source": (
        1,
        str(FIRST),
        (f"update ledger.request set source = 'x' where journal_id = '{FIRST}'",),
    ),
    "the key gone": (1, str(FIRST), (f"delete from ledger.request where journal_id = '{FIRST}'",)),
    "the books closed through another day": (
        3,
        "is not as it was",
        (
            """update ledger.journal set memo = memo || '{"last": "2026-11-20"}' where kind = 'period closed'""",
        ),
    ),
    "a journal gone, without a trace": (4, "of 2 is gone", GONE),
    "a journal slipped in": (
        1,
        "00000000-0000-0000-0000-000000000001",
        (COPIED_JOURNAL.format(FIRST), COPIED_MOVEMENT.format(FIRST)),
    ),
    "a journal moved to a later block": (
        1,
        "of 2 is gone",
        (header("xid = (select max(xid) from ledger.journal)", PAID),),
    ),
    "a movement gone": (
        3,
        str(MONTHS),
        (f"delete from ledger.movement where journal_id = '{MONTHS}' and position = 2",),
    ),
    "another root": (4, "the seal itself", (of_seal("root = sha256('x')", BLOCKS),)),
    "another root inside the chain": (3, "does not follow", (of_seal("root = sha256('x')"),)),
    "another previous": (2, "does not follow", (of_seal("previous = sha256('x')"),)),
    "a block gone": (3, "block 2 is gone", ("delete from ledger.seal where block = 2",)),
    "a block that ends elsewhere": (
        2,
        "of 4 is gone",
        (of_seal("upto = (upto::text::bigint - 1)::text::xid8"),),
    ),
    "a block that ends before it begins": (2, "ends before", (of_seal("upto = '1'"),)),
}
