"""Money that reached a household, whatever brought it: an operator, a statement, the word of two people."""

from datetime import date

from ledger.book import Voucher
from locales import Money
from mutuelle.scheme.products import Offer
from values import value


@value
class AgreedRenewal:
    """The new period that this money begins: the policy of that `sequence`, agreed to on `agreed_on`."""

    offer: Offer
    sequence: int
    agreed_on: date


@value
class ReceivedMoney:
    """Money of the household `number` that lies in the account `debit`; `voucher` is what its journal says.

    The voucher's day is the day of the money: cover is dated by it. `payer_phone` and `asked_by` are told beside the
    household, where they are known. `paid_by` is the name of who paid for many households at once.
    """

    number: str
    amount: Money
    debit: str
    voucher: Voucher
    receipt_code: str
    payer_phone: str | None = None
    asked_by: str | None = None
    renewal: AgreedRenewal | None = None
    paid_by: str = ""

    @property
    def mutuelle_id(self) -> str:
        return self.voucher.mutuelle

    @property
    def others(self) -> tuple[str, ...]:
        """Who paid it and who asked for it, as far as they are known."""
        return tuple(phone for phone in (self.payer_phone, self.asked_by) if phone is not None)
