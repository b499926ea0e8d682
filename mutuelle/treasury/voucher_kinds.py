"""What a voucher is: its kinds, its facts before and after it is written, the codes of its accounts."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger import accounts
from locales import Money
from mutuelle.benefits.bills import CareOfBill
from values import value

SOURCE = "voucher"  # of its journal, whose key is the voucher's reference
SUSPENSE = "suspense"  # kind of account in which found money lies: decided once, by two
DISBURSEMENT = "disbursement"  # kind of account from which an operator sends money to phones
BOX = "box"  # stands for the kind of account in the code of a treasurer's own cash: `health:box:+22376000007`
CODE_DIGITS = 6
# What stands before the number of a voucher of another fund than health, each of which counts its own (in French:
# transport, tontine, clinic loans, grants).
MARKS = {accounts.TRANSPORT: "T", accounts.TONTINE: "C", accounts.LOANS: "P", accounts.GRANTS: "D"}


class VoucherKind(StrEnum):
    """What a voucher is for; also the kind of its journal, but that of a reversal."""

    EXPENSE = "expense"
    FACILITY = "facility paid"
    BILL = "care bill"
    REFUND = "credit given back"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    HANDED = "cash handed over"
    SENT = "money sent"
    ARRIVED = "money arrived"
    SUBSIDY = "subsidy"
    GIFT = "gift"
    GRANT = "grant"
    DEBTOR = "debt received"
    RETURNED = "found money given back"
    KEPT = "found money kept"
    REVERSAL = "reversal"


PAYS = {
    VoucherKind.EXPENSE,
    VoucherKind.FACILITY,
    VoucherKind.REFUND,
    VoucherKind.RETURNED,
}  # somebody else is paid, and told


@value
class NewVoucher:
    """A voucher that is not written yet: `credit` gives the amount to `debit`, both codes of accounts.

    A treasurer's own cash is `fund:box:phone`: its account may not exist yet. `party` is who is paid or who gives,
    `slip` the number of a bank's or operator's paper. `toward`: of money sent, the account that waits for it.
    `completes`: of money arrived, the reference of the voucher that sent it. `grant`: the reference of the voucher that
    brought the restricted grant from which this is spent. `found`: the unmatched money that it moves. `care`: what a
    facility bills.
    """

    kind: VoucherKind
    debit: str
    credit: str
    amount: Money
    reason: str
    party: str = ""
    phone: str = ""
    slip: str = ""
    toward: str = ""
    completes: str = ""
    grant: str = ""
    found: str = ""
    care: CareOfBill | None = None

    @property
    def fund(self) -> str:
        return self.debit.partition(":")[0]

    @property
    def is_payout(self) -> bool:
        """Whether an operator pays it to a phone: it is written once the operator has."""
        return self.kind in PAYS and self.credit.split(":")[1] == DISBURSEMENT


@value
class Signatures:
    """Who signs a voucher: the proposer, and the `act` that two signed or the amount from which two would have to.

    `on` is the day that the voucher is for.
    """

    phone: str
    name: str
    on: date
    act: UUID | None = None
    two_from_minor: int | None = None


@dataclass(frozen=True)
class NumberedVoucher:
    """A voucher that is written."""

    mutuelle_id: str
    reference: UUID
    kind: VoucherKind
    fund: str
    year: int
    number: int
    code: str
    debit: str
    credit: str
    amount: Money
    party: str
    phone: str
    reason: str
    slip: str
    dated: date
    proposed_by: str
    proposer_name: str
    toward: str
    completes: UUID | None
    of_grant: UUID | None
    reverses: UUID | None
    is_reversed: bool
    signed_by: str  # the second treasurer; "" where one signed alone

    @property
    def key(self) -> str:
        return str(self.reference)

    @property
    def shown_number(self) -> str:
        """The number as it is written on paper: 14/2026; of another fund than health behind its letter."""
        return f"{MARKS.get(self.fund, '')}{self.number}/{self.year}"


def box_of(phone: str, fund: str = accounts.HEALTH) -> str:
    """The code that stands for this treasurer's own cash."""
    return f"{fund}:{BOX}:{phone}"


def transit_of(fund: str) -> str:
    """The account of a fund's money that is on its way."""
    return accounts.transit(fund)


def income_of(kind: VoucherKind) -> str:
    """The account of what is given: a restricted grant has the fund of grants, apart from everything else."""
    if kind is VoucherKind.GRANT:
        return accounts.unsplit("subsidies", accounts.GRANTS)
    return accounts.unsplit("gifts" if kind is VoucherKind.GIFT else "subsidies")
