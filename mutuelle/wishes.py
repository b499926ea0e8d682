"""A payment as the worker deals with it: the wish on record, whatever became of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row

from locales import Money
from mutuelle.payments import PaymentState


@dataclass(frozen=True)
class Due:
    """A payment the worker deals with, as it was asked for."""

    mutuelle_id: str
    reference: UUID
    number: str
    amount: Money
    payer_phone: str
    asked_by: str
    operator: str
    country: str
    notice_token: str
    receipt_code: str
    state: PaymentState
    asked_at: datetime
    due_at: datetime
    sent_at: datetime | None
    told_late_at: datetime | None
    polls: int
    renews_code: str | None = None
    renews_version: int | None = None
    renews_members: int | None = None
    renews_minor: int | None = None

    @property
    def float_name(self) -> str:
        """Operator and country: each has a collections float and a suspense account of its own."""
        return f"{self.operator}-{self.country}"


def due_payment(row: Row[tuple[object, ...]]) -> Due:
    """The payment in a row of the table."""
    fields = row._mapping
    plain = {name: fields[name] for name in Due.__dataclass_fields__ if name not in ("amount", "state")}
    amount = Money(fields["amount_minor"], fields["currency"])
    return Due(**plain, amount=amount, state=PaymentState(fields["state"]))
