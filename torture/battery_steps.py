"""The journals of a short story that meets every rule of the ledger once, each with the word it must be answered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from ledger import accounts
from ledger.book import Account, Journal, Movement, Phase, Reservation

TOWN = "BAT"
TILL, BANKED, OLD, FOREIGN = (
    accounts.cash("till"),
    accounts.bank("bms"),
    accounts.bank("old"),
    accounts.bank("douala"),
)
FLOAT, AWA, INCOME = (
    accounts.collections("simulated-ML"),
    accounts.member("101482937"),
    accounts.contributions(),
)
OWED, OWING = accounts.interfund("transport"), accounts.interfund("health", "transport")
BUS = accounts.cash("bus", "transport")
BEFORE_ALL, JANUARY, JANUARY_ENDS, FEBRUARY = (
    date(2026, 1, 9),
    date(2026, 1, 10),
    date(2026, 1, 31),
    date(2026, 2, 10),
)
PAST, FAR = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
PHONE = "+22370000000"
Step = tuple[str, Journal]


def chart() -> list[Account]:
    """The story's accounts; the one that is closed before it begins is `OLD`."""
    codes = (TILL, BANKED, OLD, FLOAT, AWA, INCOME, OWED, OWING, BUS)
    return [*(Account(TOWN, code, "XOF") for code in codes), Account(TOWN, FOREIGN, "XAF")]


def move(debit: str, credit: str, amount_minor: int, currency: str = "XOF") -> Movement:
    """A plain movement."""
    return Movement(debit, credit, amount_minor, currency)


def hold(debit: str, credit: str, amount_minor: int, until: datetime | None = None) -> Movement:
    """A reservation, with a deadline if there is one."""
    return Movement(debit, credit, amount_minor, "XOF", Phase.PENDING, None, until)


def journal(key: str, *moves: Movement, on: date = FEBRUARY) -> Journal:
    """A journal of the story."""
    return Journal(TOWN, "story", key, "event", on, "teller", "as it was", moves, memo={"told": "1"})


def resolve(key: str, held: Journal, phase: Phase, amount_minor: int | None = None) -> Journal:
    """What becomes of the reservation that `held` holds."""
    old = held.movements[0]
    amount = old.amount_minor if amount_minor is None else amount_minor
    facts = (old.debit, old.credit, amount, old.currency, phase, Reservation(held.id, 1))
    return journal(key, Movement(*facts))


def mirror(key: str, old: Journal, less: int = 0) -> Journal:
    """The reversal of `old`; `less` spoils it."""
    moves = [move(m.credit, m.debit, m.amount_minor - less, m.currency) for m in old.movements]
    return replace(journal(key, *moves), reverses=old.id)


FUNDED = journal("funded", move(TILL, INCOME, 1000), on=JANUARY)
CALLED = journal("called", move(AWA, INCOME, 6000), on=JANUARY)
PAID = journal("paid", move(FLOAT, AWA, 2500), on=FEBRUARY)
TOO_MUCH = journal("too much", move(BANKED, TILL, 1001))
HELD = journal("held", hold(BANKED, TILL, 500))
DUE, NOT_DUE = (
    journal("due", hold(BANKED, TILL, 50, PAST)),
    journal("not due", hold(BANKED, TILL, 50, FAR)),
)
SHORT_LIVED = journal("short-lived", move(TILL, INCOME, 10))
TAKEN_BACK = mirror("taken back", PAID)
GIVEN = journal("given", move(OWED, BANKED, 300), move(BUS, OWING, 300))

LIMITS: Sequence[Step] = (
    ("created", FUNDED),
    ("refused: balance_too_low", TOO_MUCH),
    ("refused: balance_too_low", journal("before it came", move(BANKED, TILL, 1), on=BEFORE_ALL)),
    ("created", journal("spent", move(BANKED, TILL, 400))),
    ("created", HELD),
    ("refused: balance_too_low", journal("held is gone", move(BANKED, TILL, 101))),
    ("refused: balance_too_low", journal("held twice", hold(BANKED, TILL, 101))),
    ("refused: pending_other_amount", resolve("held, more", HELD, Phase.POST, 501)),
    ("refused: pending_other_amount", resolve("held, part freed", HELD, Phase.VOID, 499)),
    (
        "refused: balance_too_low",
        replace(resolve("held, paid before it came", HELD, Phase.POST, 300), effective_on=BEFORE_ALL),
    ),
    ("created", resolve("held, paid", HELD, Phase.POST, 300)),
    ("refused: pending_resolved", resolve("held, freed too", HELD, Phase.VOID)),
    ("created", journal("the rest", move(BANKED, TILL, 300))),
    ("refused: balance_too_low", mirror("funding is spent", FUNDED)),
    ("created", journal("refilled", move(TILL, INCOME, 2000))),
    ("refused: balance_too_low", TOO_MUCH),
    ("exists", FUNDED),
    ("conflict: other_content", replace(TOO_MUCH, actor="somebody else")),
)
SOUND: Sequence[Step] = (
    ("created", CALLED),
    ("created", PAID),
    ("exists", PAID),
    ("conflict: other_content", journal("paid", move(FLOAT, AWA, 2501), on=FEBRUARY)),
    ("conflict: other_content", journal("paid", move(AWA, FLOAT, 2500), on=FEBRUARY)),
    ("conflict: other_content", replace(PAID, effective_on=JANUARY)),
    ("conflict: other_content", replace(PAID, actor="somebody else")),
    ("conflict: other_content", replace(PAID, reason="otherwise")),
    ("conflict: other_content", replace(PAID, memo={"told": "2"})),
    ("conflict: other_content", replace(PAID, kind="another")),
    ("refused: actor_malformed", replace(journal("nobody", move(AWA, INCOME, 1)), actor=" ")),
    ("refused: reason_malformed", replace(journal("no reason", move(AWA, INCOME, 1)), reason="")),
    ("refused: actor_malformed", replace(journal("a phone", move(AWA, INCOME, 1)), actor=PHONE)),
    (
        "refused: reason_malformed",
        replace(journal("for a phone", move(AWA, INCOME, 1)), reason=f"for {PHONE}"),
    ),
    ("refused: reason_malformed", replace(journal("blanks", move(AWA, INCOME, 1)), reason="\u00a0\u2003")),
    ("refused: memo_malformed", replace(journal("noted", move(AWA, INCOME, 1)), memo={"tel": PHONE})),
    ("refused: kind_malformed", replace(journal("act", move(AWA, INCOME, 1)), kind="period closed")),
    ("refused: key_malformed", replace(journal(" ", move(AWA, INCOME, 1)))),
    ("refused: date_absurd", journal("of old", move(AWA, INCOME, 1), on=date(1999, 12, 31))),
    ("refused: date_absurd", journal("ahead", move(AWA, INCOME, 1), on=date(2090, 1, 1))),
    ("refused: movements_missing", journal("nothing")),
    ("refused: amount_not_positive", journal("zero", move(AWA, INCOME, 0))),
    ("refused: amount_not_positive", journal("negative", move(AWA, INCOME, -5))),
    ("refused: amount_too_large", journal("large", move(AWA, INCOME, 1_000_000_000_001))),
    ("refused: same_account", journal("to itself", move(AWA, AWA, 1))),
    ("refused: account_unknown", journal("unknown", move(AWA, accounts.bank("nowhere"), 1))),
    ("refused: account_closed", journal("closed", move(OLD, AWA, 1))),
    ("refused: currency_mixed", journal("two currencies", move(FOREIGN, AWA, 1))),
    ("refused: currency_mixed", journal("a third", move(FLOAT, AWA, 1, "XAF"))),
    ("refused: funds_crossed", journal("across", move(BUS, AWA, 1))),
    ("created", GIVEN),
    ("refused: interfund_unpaired", journal("one side", move(OWED, BANKED, 5))),
    (
        "refused: interfund_unpaired",
        journal("two amounts", move(OWED, BANKED, 5), move(BUS, OWING, 6)),
    ),
    ("refused: interfund_unpaired", journal("one way", move(OWED, BANKED, 5), move(OWING, BUS, 5))),
)
REFERENCES: Sequence[Step] = (
    ("refused: reversal_not_mirror", mirror("half a mirror", PAID, less=1)),
    ("refused: reversal_not_mirror", replace(mirror("as it was", PAID), movements=PAID.movements)),
    ("created", TAKEN_BACK),
    ("refused: reversal_duplicate", mirror("taken back twice", PAID)),
    ("refused: reversal_of_reversal", mirror("back again", TAKEN_BACK)),
    ("refused: reversal_of_pending", mirror("of a hold", HELD)),
    ("refused: reversal_unknown", mirror("of nothing", journal("never", move(AWA, INCOME, 1)))),
    ("created", DUE),
    ("created", NOT_DUE),
    ("refused: pending_expired", resolve("too late", DUE, Phase.POST)),
    ("refused: pending_not_due", resolve("too early", NOT_DUE, Phase.EXPIRE)),
    ("created", resolve("freed by its deadline", DUE, Phase.EXPIRE)),
    ("refused: pending_resolved", resolve("freed again", DUE, Phase.EXPIRE)),
    ("refused: pending_unknown", resolve("of nothing held", CALLED, Phase.POST)),
    (
        "refused: pending_other_accounts",
        replace(
            resolve("elsewhere", NOT_DUE, Phase.POST),
            movements=[Movement(FLOAT, TILL, 50, "XOF", Phase.POST, Reservation(NOT_DUE.id, 1))],
        ),
    ),
    (
        "refused: pending_malformed",
        journal("resolves nothing", Movement(BANKED, TILL, 1, "XOF", Phase.POST)),
    ),
    ("created", resolve("freed", NOT_DUE, Phase.VOID)),
)
# In one call: each sees those before it.
TOGETHER: Sequence[Step] = (
    ("created", SHORT_LIVED),
    ("exists", SHORT_LIVED),
    ("conflict: other_content", replace(SHORT_LIVED, actor="somebody else")),
    ("created", mirror("taken back at once", SHORT_LIVED)),
    ("refused: reversal_duplicate", mirror("and once more", SHORT_LIVED)),
    ("created", journal("all of it", move(BANKED, TILL, 2000))),
    ("refused: balance_too_low", journal("one more", move(BANKED, TILL, 1))),
    ("created", journal("paid in January", move(FLOAT, AWA, 700), on=JANUARY)),
    ("created", journal("paid again", move(FLOAT, AWA, 800), on=FEBRUARY)),
)
LATE = journal("late", move(FLOAT, AWA, 90), on=JANUARY)
IN_TIME = journal("in time", move(FLOAT, AWA, 70), on=JANUARY)
# Debits and credits in the end, and as of the last day of January.
FIGURES = {
    TILL: ((3610, 3610), (1000, 0)),
    BANKED: ((3300, 600), (0, 0)),
    FLOAT: ((4960, 2500), (770, 0)),
    AWA: ((8500, 4960), (6000, 770)),
    INCOME: ((310, 9310), (0, 7000)),
    OWED: ((300, 0), (0, 0)),
    OWING: ((0, 300), (0, 0)),
    BUS: ((300, 0), (0, 0)),
    "health:member": ((8500, 4960), (6000, 770)),
}
