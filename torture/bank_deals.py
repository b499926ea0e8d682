"""What the writers of the bank ask for: drawn from the seed alone, so that anybody can tell later what was asked.

A deal depends on nothing that happened: whether it stands is the ledger's answer. Money only moves between the
bank's accounts, so that their sum is the funding for ever.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from uuid import UUID

from ledger import accounts
from ledger.book import Account, Journal, Movement, Phase, Reservation

BANK, CURRENCY = "BNK", "XOF"
TILLS = [accounts.cash(f"till{n}") for n in range(6)]  # never below zero
VAULTS = [accounts.bank(f"vault{n}") for n in range(3)] + [accounts.collections("simulated-ML")]
MEMBERS = [accounts.member(f"10148293{n}") for n in range(4)]
PLACES = [*TILLS, *VAULTS, *MEMBERS]
SIZES = (1, 4, 16, 48)
MOST_MINOR = 2_000
FUNDING_MINOR = 6_000  # of each till: some deals are too large
FIRST_DAY = date(2026, 1, 1)
EVERY_DAY = [FIRST_DAY + timedelta(nth) for nth in range(300)]
HOWS, WEIGHTS = ("transfer", "reserve", "resolve", "reverse", "common"), (60, 14, 14, 6, 6)
Slot = tuple[str, int, int]  # writer, batch, place in the batch


def chart() -> list[Account]:
    """The bank's accounts, and the one its money comes from."""
    return [Account(BANK, code, CURRENCY) for code in (*PLACES, accounts.opening())]


def funding() -> list[Journal]:
    """What the tills begin with."""
    return [_journal("funding", till, [_move(till, accounts.opening(), FUNDING_MINOR)]) for till in TILLS]


def total_minor() -> int:
    """The sum of all accounts of the bank, at every moment."""
    return FUNDING_MINOR * len(TILLS)


def batch(seed: str, writer: str, number: int) -> list[Journal]:
    """The journals of a writer's batch `number`, from 0."""
    return [_deal(seed, (writer, number, nth)) for nth in range(_size(seed, writer, number))]


def _size(seed: str, writer: str, number: int) -> int:
    return Random(f"{seed} {writer} {number}").choice(SIZES)


def _draw(seed: str, slot: Slot) -> tuple[str, Random]:
    chance = Random(f"{seed} {slot}")
    return chance.choices(HOWS, WEIGHTS)[0], chance


def _deal(seed: str, slot: Slot) -> Journal:
    how, chance = _draw(seed, slot)
    if how == "common":  # a key that others ask for at about the same time
        return _fresh(seed, ("all", slot[1] // 4, chance.randrange(4)), "transfer")
    if how in ("resolve", "reverse") and (earlier := _earlier(seed, slot, how, chance)):
        return _resolution(slot, earlier, chance) if how == "resolve" else _mirror(slot, earlier)
    return _fresh(seed, slot, "reserve" if how == "reserve" else "transfer")


def _earlier(seed: str, slot: Slot, how: str, chance: Random) -> Journal | None:
    """A reservation or a transfer of one of the writer's last batches; whether it stands nobody knows yet."""
    writer, number, _nth = slot
    number -= chance.randint(1, 3)
    wanted = "reserve" if how == "resolve" else "transfer"
    slots = [(writer, number, nth) for nth in range(_size(seed, writer, number) if number >= 0 else 0)]
    fitting = [earlier for earlier in slots if _draw(seed, earlier)[0] == wanted]
    return _deal(seed, chance.choice(fitting)) if fitting else None


def _fresh(seed: str, slot: Slot, how: str) -> Journal:
    chance = Random(f"{seed} {slot} {how}")
    phase = Phase.PENDING if how == "reserve" else Phase.SINGLE
    pairs = [chance.sample(PLACES, 2) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    moves = [_move(debit, credit, chance.randint(1, MOST_MINOR), phase) for debit, credit in pairs]
    return _journal(how, _key(slot), moves, chance.choice(EVERY_DAY))


def _resolution(slot: Slot, held: Journal, chance: Random) -> Journal:
    phase = chance.choice((Phase.POST, Phase.VOID))
    moves = []
    for position, old in enumerate(held.movements, 1):
        part = chance.choice((old.amount_minor, chance.randint(1, old.amount_minor)))
        amount = old.amount_minor if phase is Phase.VOID else part
        moves.append(_move(old.debit, old.credit, amount, phase, Reservation(held.id, position)))
    return _journal(phase.value, _key(slot), moves, held.effective_on)


def _mirror(slot: Slot, old: Journal) -> Journal:
    moves = [_move(m.credit, m.debit, m.amount_minor) for m in old.movements]
    return _journal("reversal", _key(slot), moves, old.effective_on, reverses=old.id)


def _key(slot: Slot) -> str:
    return " ".join(map(str, slot))


def _move(
    debit: str,
    credit: str,
    amount_minor: int,
    phase: Phase = Phase.SINGLE,
    resolves: Reservation | None = None,
) -> Movement:
    return Movement(debit, credit, amount_minor, CURRENCY, phase, resolves)


def _journal(
    kind: str,
    key: str,
    moves: Sequence[Movement],
    effective_on: date = FIRST_DAY,
    reverses: UUID | None = None,
) -> Journal:
    return Journal(BANK, "bank", key, kind, effective_on, "teller", "a deal", moves, reverses)
