"""One line of a statement, as it was read."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from values import value

_REFERENCES = uuid5(NAMESPACE_URL, "urn:keneya:statement")


@value
class StatementLine:
    """`line_id` is the operator's own; `position` the line's in its file, whose cells `said` has by their headers.

    `amount_minor` is above zero where money came in. `fee_minor` is what the operator kept of it, told on the same
    line; `is_fee`: the whole line is a fee. `note` is all that the payer or the operator wrote, and the references.
    """

    position: int
    line_id: str
    said: Mapping[str, str]
    on: date
    at: datetime | None
    payer: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    note: str
    is_fee: bool

    @property
    def content(self) -> tuple[date, str | None, int, int, str, str]:
        """What a line with the same id says again when it is the same line, whatever file it stands in."""
        return self.on, self.payer, self.amount_minor, self.fee_minor, self.currency, self.note


def line_reference(mutuelle_id: str, account: str, line_id: str) -> UUID:
    """Our reference of a line: the key of its journals, the same for ever."""
    return uuid5(_REFERENCES, f"{mutuelle_id}\n{account}\n{line_id}")
