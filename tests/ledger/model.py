"""The ledger in plain Python, one journal at a time: what the real one must answer, whatever the batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.book import (
    MAX_AMOUNT_MINOR,
    Account,
    Balance,
    Journal,
    Movement,
    Phase,
    Posted,
    Reservation,
    Verdict,
)

Key = tuple[str, str]


def content(journal: Journal) -> object:
    """All that a key is spent on: everything but the key itself."""
    facts = (journal.kind, journal.effective_on, journal.actor, journal.reason, journal.reverses)
    return (*facts, dict(journal.memo), tuple(journal.movements))


@dataclass
class Model:
    """A ledger of one mutuelle."""

    accounts: dict[str, Account]
    latest: date
    requests: dict[Key, tuple[object, Posted]] = field(default_factory=dict)
    journals: dict[UUID, Journal] = field(default_factory=dict)
    reversed: set[UUID] = field(default_factory=set)
    resolved: set[Reservation] = field(default_factory=set)

    def post(self, journal: Journal) -> Posted:
        if not journal.key.strip():
            return Posted(Verdict.REFUSED, None, "key_malformed")
        key = (journal.source, journal.key)
        if key in self.requests:
            spent_on, answer = self.requests[key]
            if spent_on != content(journal):
                return Posted(Verdict.CONFLICT, None, "other_content")
            return answer if answer.reason else Posted(Verdict.EXISTS, answer.journal_id, None)
        fault = self._fault(journal)
        answer = Posted(Verdict.REFUSED, None, fault) if fault else self._book(journal)
        self.requests[key] = (content(journal), answer)
        return answer

    def _book(self, journal: Journal) -> Posted:
        self.journals[journal.id] = journal
        if journal.reverses:
            self.reversed.add(journal.reverses)
        self.resolved |= {m.resolves for m in journal.movements if m.resolves}
        return Posted(Verdict.CREATED, journal.id, None)

    def _fault(self, journal: Journal) -> str | None:
        if not journal.actor.strip():
            return "actor_malformed"
        if not journal.reason.strip():
            return "reason_malformed"
        if not date(2000, 1, 1) <= journal.effective_on <= self.latest:
            return "date_absurd"
        faults = [self._reversal_fault(journal), None if journal.movements else "movements_missing"]
        faults += [self._movement_fault(movement) for movement in journal.movements]
        if len({movement.currency for movement in journal.movements}) > 1:
            faults.append("currency_mixed")
        faults += self._resolution_faults(journal.movements)
        return next((fault for fault in faults if fault), None)

    def _reversal_fault(self, journal: Journal) -> str | None:
        if journal.reverses is None:
            return None
        original = self.journals.get(journal.reverses)
        if original is None:
            return "reversal_unknown"
        if original.reverses:
            return "reversal_of_reversal"
        if original.id in self.reversed:
            return "reversal_duplicate"
        if any(m.phase in (Phase.PENDING, Phase.VOID) for m in original.movements):
            return "reversal_of_pending"
        old = [(m.credit, m.debit, m.amount_minor, m.currency, Phase.SINGLE) for m in original.movements]
        new = [(m.debit, m.credit, m.amount_minor, m.currency, m.phase) for m in journal.movements]
        return None if old == new else "reversal_not_mirror"

    def _movement_fault(self, movement: Movement) -> str | None:
        if movement.amount_minor <= 0:
            return "amount_not_positive"
        if movement.amount_minor > MAX_AMOUNT_MINOR:
            return "amount_too_large"
        if movement.debit == movement.credit:
            return "same_account"
        sides = [self.accounts.get(movement.debit), self.accounts.get(movement.credit)]
        known = [side for side in sides if side]
        if len(known) < 2:
            return "account_unknown"
        if len({account.code.partition(":")[0] for account in known}) > 1:
            return "funds_crossed"
        if {account.currency for account in known} != {movement.currency}:
            return "currency_mixed"
        if (movement.phase in (Phase.POST, Phase.VOID)) != (movement.resolves is not None):
            return "pending_malformed"
        return None

    def _resolution_faults(self, movements: Sequence[Movement]) -> list[str]:
        faults, seen = [], set(self.resolved)
        for movement in movements:
            if movement.resolves is None:
                continue
            held = self._held(movement.resolves)
            over = held is not None and movement.amount_minor > held.amount_minor
            part = held is not None and movement.amount_minor < held.amount_minor
            if held is None:
                faults.append("pending_unknown")
            elif (held.debit, held.credit, held.currency) != (
                movement.debit,
                movement.credit,
                movement.currency,
            ):
                faults.append("pending_other_accounts")
            elif over or (part and movement.phase is Phase.VOID):
                faults.append("pending_other_amount")
            elif movement.resolves in seen:
                faults.append("pending_resolved")
            seen.add(movement.resolves)
        return faults

    def _held(self, reservation: Reservation) -> Movement | None:
        journal = self.journals.get(reservation.journal_id)
        if journal is None or not 1 <= reservation.position <= len(journal.movements):
            return None
        movement = journal.movements[reservation.position - 1]
        return movement if movement.phase is Phase.PENDING else None

    def balance(self, code: str, as_of: date | None) -> Balance:
        counted = [
            movement
            for journal in self.journals.values()
            if as_of is None or journal.effective_on <= as_of
            for movement in journal.movements
            if movement.phase in (Phase.SINGLE, Phase.POST)
        ]
        debits = sum(m.amount_minor for m in counted if m.debit == code)
        return Balance(debits, sum(m.amount_minor for m in counted if m.credit == code))

    def statement(self, code: str) -> list[tuple[UUID, int, int, str, bool]]:
        """Journal, debit, credit, counter account, reversed: by date, then by order of posting."""
        return [
            (
                journal.id,
                m.amount_minor if m.debit == code else 0,
                m.amount_minor if m.credit == code else 0,
                m.credit if m.debit == code else m.debit,
                journal.id in self.reversed,
            )
            for journal in sorted(self.journals.values(), key=lambda j: j.effective_on)
            for m in journal.movements
            if code in (m.debit, m.credit) and m.phase in (Phase.SINGLE, Phase.POST)
        ]
