"""The model: the ledger in plain Python, one journal at a time; the real one must give the same answers.

It stores only the journals, in the order of their ticks; every figure is a sum over them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from ledger.balances import Balance
from ledger.book import MAX_AMOUNT_MINOR, Account, Journal, Movement, Phase, Posted, PostVerdict, Reservation

Key = tuple[str, str]
Line = tuple[
    UUID, date, date, int, int, str, bool
]  # journal, booked on, for, debit, credit, against, reversed
POSTED, FREED = (Phase.SINGLE, Phase.POST), (Phase.VOID, Phase.EXPIRE)
LIMITED = ("cash", "disbursement")  # never below zero in debit
ACTS = ("period closed", "period reopened")


def content(journal: Journal) -> object:
    """The content of a journal: everything but its key."""
    facts = (journal.kind, journal.effective_on, journal.actor, journal.reason, journal.reverses)
    return (*facts, dict(journal.memo), tuple(journal.movements))


@dataclass(frozen=True)
class Booked:
    """A posted journal with its tick and the day it is booked on (a later one for closed books)."""

    tick: int
    journal: Journal
    on: date


@dataclass
class Model:
    """A ledger of one mutuelle on the day `today`; journals are posted at `tick`."""

    today: date
    tick: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    requests: dict[Key, tuple[object, Posted]] = field(default_factory=dict)
    booked: dict[UUID, Booked] = field(default_factory=dict)
    reversed: set[UUID] = field(default_factory=set)
    resolved: set[Reservation] = field(default_factory=set)
    closes: list[date] = field(default_factory=list)  # the last days of the closed periods, in order

    def copy(self) -> "Model":
        """A copy, to try a change on."""
        records = (dict(self.accounts), dict(self.requests), dict(self.booked))
        return Model(
            self.today, self.tick, *records, set(self.reversed), set(self.resolved), list(self.closes)
        )

    @property
    def closed_through(self) -> date | None:
        return self.closes[-1] if self.closes else None

    def open(self, account: Account) -> None:
        self.accounts[account.code] = account

    def post(self, journal: Journal) -> Posted:
        if not journal.key.strip():
            return Posted(PostVerdict.REFUSED, None, "key_malformed")
        return self._spend(journal, lambda: self._fault(journal), lambda: self._book(journal))

    def close(self, act: Journal, last_on: date) -> Posted:
        """`act` is the journal of the close, without movements, dated `last_on`."""
        fault = "period_closed" if self.closed_through and last_on <= self.closed_through else None
        fault = "period_not_over" if last_on >= self.today else fault
        return self._spend(act, lambda: fault, lambda: self._act(act, [*self.closes, last_on]))

    def reopen(self, act: Journal) -> Posted:
        fault = None if self.closes else "period_not_closed"
        return self._spend(act, lambda: fault, lambda: self._act(act, self.closes[:-1]))

    def _act(self, act: Journal, closes: list[date]) -> Posted:
        self.closes = closes
        self.booked[act.id] = Booked(self.tick, act, self.today)
        return Posted(PostVerdict.CREATED, act.id, None)

    def _spend(self, journal: Journal, fault: Callable[[], str | None], book: Callable[[], Posted]) -> Posted:
        """The answer for a key: the first one if it is spent, else that of posting now."""
        key = (journal.source, journal.key)
        if key in self.requests:
            spent_on, answer = self.requests[key]
            if spent_on != content(journal):
                return Posted(PostVerdict.CONFLICT, None, "other_content")
            return answer if answer.reason else Posted(PostVerdict.EXISTS, answer.journal_id, None)
        why = fault()
        answer = Posted(PostVerdict.REFUSED, None, why) if why else book()
        self.requests[key] = (content(journal), answer)
        return answer

    def _book(self, journal: Journal) -> Posted:
        late = self.closed_through is not None and journal.effective_on <= self.closed_through
        self.booked[journal.id] = Booked(self.tick, journal, self.today if late else journal.effective_on)
        if journal.reverses:
            self.reversed.add(journal.reverses)
        self.resolved |= {m.resolves for m in journal.movements if m.resolves}
        return Posted(PostVerdict.CREATED, journal.id, None)

    def _fault(self, journal: Journal) -> str | None:
        return next(filter(None, self._faults(journal)), None)

    def _faults(self, journal: Journal) -> Iterator[str | None]:
        """The faults, in the order of the ledger's checks."""
        yield "kind_malformed" if journal.kind in ACTS else None
        yield None if journal.actor.strip() else "actor_malformed"
        yield None if journal.reason.strip() else "reason_malformed"
        absurd = not date(2000, 1, 1) <= journal.effective_on <= self.today + timedelta(365)
        yield "date_absurd" if absurd else None
        yield self._reversal_fault(journal)
        yield None if journal.movements else "movements_missing"
        yield from (self._movement_fault(movement) for movement in journal.movements)
        yield "currency_mixed" if len({m.currency for m in journal.movements}) > 1 else None
        yield from self._resolution_faults(journal.movements)
        yield _interfund_fault(journal.movements)
        yield self._limit_fault(journal)

    def _reversal_fault(self, journal: Journal) -> str | None:
        if journal.reverses is None:
            return None
        original = self._journal(journal.reverses)
        if original is None:
            return "reversal_unknown"
        if original.reverses:
            return "reversal_of_reversal"
        if original.id in self.reversed:
            return "reversal_duplicate"
        if any(m.phase not in POSTED for m in original.movements):
            return "reversal_of_pending"
        old = [(m.credit, m.debit, m.amount_minor, m.currency, Phase.SINGLE) for m in original.movements]
        new = [(m.debit, m.credit, m.amount_minor, m.currency, m.phase) for m in journal.movements]
        return None if old == new else "reversal_not_mirror"

    def _journal(self, journal_id: UUID) -> Journal | None:
        booked = self.booked.get(journal_id)
        return booked.journal if booked else None

    def _movement_fault(self, movement: Movement) -> str | None:
        if movement.amount_minor <= 0:
            return "amount_not_positive"
        if movement.amount_minor > MAX_AMOUNT_MINOR:
            return "amount_too_large"
        if movement.debit == movement.credit:
            return "same_account"
        known = [self.accounts[code] for code in (movement.debit, movement.credit) if code in self.accounts]
        if len(known) < 2:
            return "account_unknown"
        if len({account.code.partition(":")[0] for account in known}) > 1:
            return "funds_crossed"
        if {account.currency for account in known} != {movement.currency}:
            return "currency_mixed"
        deadline = movement.expires_at is not None and movement.phase is not Phase.PENDING
        resolves = movement.phase in (Phase.POST, *FREED)
        return "pending_malformed" if deadline or resolves != (movement.resolves is not None) else None

    def _resolution_faults(self, movements: Sequence[Movement]) -> Iterator[str | None]:
        seen = set(self.resolved)
        for movement in movements:
            if movement.resolves:
                yield self._resolution_fault(movement, self._held(movement.resolves), seen)
                seen.add(movement.resolves)

    def _resolution_fault(
        self, movement: Movement, held: Movement | None, seen: set[Reservation]
    ) -> str | None:
        if held is None:
            return "pending_unknown"
        if (held.debit, held.credit, held.currency) != (movement.debit, movement.credit, movement.currency):
            return "pending_other_accounts"
        part = held.amount_minor - movement.amount_minor
        if part < 0 or (part and movement.phase in FREED):
            return "pending_other_amount"
        if movement.resolves in seen:
            return "pending_resolved"
        due = held.expires_at is not None and held.expires_at <= datetime.now(UTC)
        if movement.phase is Phase.POST and due:
            return "pending_expired"
        return "pending_not_due" if movement.phase is Phase.EXPIRE and not due else None

    def _held(self, reservation: Reservation) -> Movement | None:
        journal = self._journal(reservation.journal_id)
        if journal is None or not 1 <= reservation.position <= len(journal.movements):
            return None
        movement = journal.movements[reservation.position - 1]
        return movement if movement.phase is Phase.PENDING else None

    def _limit_fault(self, journal: Journal) -> str | None:
        """On no day may the journal lower what an account can spend to below zero, or further below."""
        codes = {code for m in journal.movements for code in (m.debit, m.credit)}
        limited = [code for code in codes if code.split(":")[1] in LIMITED]
        if not limited:
            return None
        after = self.copy()
        after._book(journal)
        days = {booked.on for booked in after.booked.values()}
        low = any(after.free(code, day) < min(0, self.free(code, day)) for code in limited for day in days)
        return "balance_too_low" if low else None

    def free(self, code: str, as_of: date) -> int:
        """What a limited account can spend as of a day: its balance less its reservations, both as of that day."""
        held = [
            m.amount_minor
            for reservation, m in self.held()
            if m.credit == code and self.booked[reservation.journal_id].on <= as_of
        ]
        return self.balance(code, as_of).net - sum(held)

    def reservations(self) -> list[tuple[Reservation, Movement]]:
        """Every reservation, open or resolved."""
        return [
            (Reservation(journal_id, nth), movement)
            for journal_id, booked in self.booked.items()
            for nth, movement in enumerate(booked.journal.movements, 1)
            if movement.phase is Phase.PENDING
        ]

    def held(self) -> list[tuple[Reservation, Movement]]:
        """The open ones."""
        return [(r, m) for r, m in self.reservations() if r not in self.resolved]

    def balance(self, code: str, as_of: date | None = None, before: int | None = None) -> Balance:
        """The balance through `as_of`, of journals before a tick; `fund:kind` is the sum of its accounts."""
        counted = [
            movement
            for booked in self.booked.values()
            if (as_of is None or booked.on <= as_of) and (before is None or booked.tick < before)
            for movement in booked.journal.movements
            if movement.phase in POSTED
        ]
        debits = sum(m.amount_minor for m in counted if _is_of(m.debit, code))
        return Balance(debits, sum(m.amount_minor for m in counted if _is_of(m.credit, code)))

    def trial_balance(self, as_of: date | None = None) -> dict[str, Balance]:
        """Every account that moved."""
        balances = {code: self.balance(code, as_of) for code in self.accounts}
        return {code: found for code, found in balances.items() if found != Balance(0, 0)}

    def statement(self, code: str) -> list[Line]:
        """The entries by the day booked, then by tick."""
        return [
            (
                booked.journal.id,
                booked.on,
                booked.journal.effective_on,
                *sides,
                booked.journal.id in self.reversed,
            )
            for booked in sorted(self.booked.values(), key=lambda booked: (booked.on, booked.tick))
            for movement in booked.journal.movements
            if movement.phase in POSTED
            for sides in _sides(movement, code)
        ]


def _is_of(code: str, account: str) -> bool:
    return code == account or (account.count(":") == 1 and code.startswith(f"{account}:"))


def _sides(movement: Movement, code: str) -> Iterator[tuple[int, int, str]]:
    """Debit, credit and counter account of a movement, for one account."""
    if movement.debit == code:
        yield movement.amount_minor, 0, movement.credit
    if movement.credit == code:
        yield 0, movement.amount_minor, movement.debit


def _interfund_fault(movements: Sequence[Movement]) -> str | None:
    """For each pair of funds, what one books on the other must mirror what the other books on it."""
    nets: dict[object, int] = {}
    for movement in (m for m in movements if m.phase not in FREED):
        sides = ((movement.debit, movement.amount_minor), (movement.credit, -movement.amount_minor))
        for (fund, kind, *sub), signed in ((code.split(":"), signed) for code, signed in sides):
            if kind == "interfund":
                phase = Phase.SINGLE if movement.phase in POSTED else movement.phase
                pair = (frozenset((fund, *sub)), phase)
                nets[pair] = nets.get(pair, 0) + signed
    return "interfund_unpaired" if any(nets.values()) else None
