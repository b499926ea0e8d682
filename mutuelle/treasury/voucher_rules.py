"""What must be so for a voucher to be written, looked at before each signature; and the words that are agreed to."""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.accounts import parse
from ledger.balances import balance
from locales import Fact, Money, Sentence, _
from mutuelle.benefits.bills import SeenBill
from mutuelle.contributions.standing import standing
from mutuelle.households.households import find_household, phones_of
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.roles import Appointment, Role, officers_of
from mutuelle.treasury.care_bills import bill_words, expect_bill
from mutuelle.treasury.cash_in_hand import cash_in_hand_of
from mutuelle.treasury.own_money import account_name, free_in, grants_of, owed_on
from mutuelle.treasury.unmatched.kept import STATED, expect_found, expect_not_stated
from mutuelle.treasury.voucher_kinds import BOX, NewVoucher, NumberedVoucher, VoucherKind
from mutuelle.treasury.voucher_reads import on_the_way
from mutuelle.treasury.vouchers import only
from talk.trouble import RefusedError
from talk.words import Caller

CHANGED = _("This has changed meanwhile. Please look again. Nothing was done.")
EXPENSES: dict[str, Sentence] = {
    "purchases": _("Purchases"),
    "travel": _("Travel"),
    "services": _("Services"),
    "staff": _("Pay, allowance"),
    "taxes": _("Taxes"),
    "costs": _("Other expense"),
}
SPOKEN_KINDS: dict[VoucherKind, Sentence] = {
    VoucherKind.EXPENSE: _("Expense"),
    VoucherKind.FACILITY: _("Facility"),
    VoucherKind.BILL: _("Bill of care"),
    VoucherKind.REFUND: _("Advance given back"),
    VoucherKind.DEPOSIT: _("Deposit in a bank"),
    VoucherKind.WITHDRAWAL: _("Withdrawal"),
    VoucherKind.HANDED: _("Cash handed over"),
    VoucherKind.SENT: _("Sent"),
    VoucherKind.ARRIVED: _("Arrived"),
    VoucherKind.SUBSIDY: _("Subsidy"),
    VoucherKind.GIFT: _("Gift"),
    VoucherKind.GRANT: _("Grant"),
    VoucherKind.DEBTOR: _("Debt to us paid"),
    VoucherKind.RETURNED: _("Found money given back"),
    VoucherKind.KEPT: _("Found money kept"),
    VoucherKind.REVERSAL: _("Taken back"),
}
COMES_IN = {VoucherKind.SUBSIDY, VoucherKind.GIFT, VoucherKind.GRANT, VoucherKind.DEBTOR, VoucherKind.KEPT}


@dataclass(frozen=True)
class Matter:
    """A voucher as it is at a signature: who proposed it, and for which day; of a bill, what was seen of it."""

    voucher: NewVoucher
    phone: str
    name: str
    on: date
    bill: SeenBill | None = None


async def expect_possible(db: AsyncConnection, caller: Caller, own: Appointment, matter: Matter) -> Matter:
    """The matter as it is now. RefusedError, in one sentence, where it cannot be (any more). `own`: who signs now."""
    if matter.voucher.kind is not VoucherKind.BILL:
        await _expect_possible_move(db, caller, own, matter)
        return matter
    bill = await expect_bill(db, caller, own, matter.voucher)
    if bill is None:
        raise RefusedError(CHANGED)
    return replace(matter, bill=bill)


async def _expect_possible_move(
    db: AsyncConnection, caller: Caller, own: Appointment, matter: Matter
) -> None:
    """The same of money that moves."""
    new, mutuelle_id, since = matter.voucher, own.mutuelle_id, matter.on
    if new.found:
        await expect_found(db, mutuelle_id, new, matter.on)
    if new.kind not in COMES_IN:
        await _expect_money(db, own, matter)
    if new.kind is VoucherKind.FACILITY:
        await _expect_at_most(db, mutuelle_id, new, new.debit, sign=-1)
    elif new.kind is VoucherKind.DEBTOR:
        await _expect_at_most(db, mutuelle_id, new, new.credit, sign=1)
    elif new.kind is VoucherKind.REFUND:
        credit = await credit_of(db, caller, own, parse(new.debit).sub)
        if new.amount > credit.amount:
            raise RefusedError(no_more(credit.amount))
    elif new.kind is VoucherKind.ARRIVED:
        sent = {one.key: one for one in await on_the_way(db, mutuelle_id)}.get(new.completes)
        if sent is None or sent.amount != new.amount or new.debit not in (sent.toward, stated_first(sent)):
            raise RefusedError(CHANGED)
        since = sent.dated
    elif new.kind is VoucherKind.HANDED:
        await _expect_receiver(db, caller, own, matter)
    await expect_not_stated(db, mutuelle_id, new, since, matter.on)


def stated_first(sent: NumberedVoucher) -> str:
    """Where money on its way lies, if the statement showed that it arrived before a treasurer did; "" for none."""
    fund, kind, sub = sent.toward.split(":")
    return accounts.suspense(sub, fund) if kind in STATED else ""


async def _expect_money(db: AsyncConnection, own: Appointment, matter: Matter) -> None:
    """Refused where less is in the account that gives, or is left of the grant that it is spent from."""
    new = matter.voucher
    code, currency = await real_account(db, own, new.credit), new.amount.currency
    held = await free_in(db, own.mutuelle_id, code, currency) if code else Money(0, currency)
    if new.grant:
        left = {grant.key: grant.left for grant in await grants_of(db, own.mutuelle_id)}
        held = min(held, left.get(new.grant, Money(0, held.currency)))
    if new.amount > held:
        raise RefusedError(only(held))


async def real_account(db: AsyncConnection, own: Appointment, code: str) -> str:
    """The account in the book of a code; "" for a treasurer's box before its first franc."""
    fund, kind, *sub = code.split(":")
    if kind != BOX:
        return code
    of_box = Appointment(own.mutuelle_id, own.mutuelle_name, Role.TREASURER, sub[0], "")
    holder = (await cash_in_hand_of(db, of_box)).holder
    return accounts.cash(holder, fund) if holder else ""


async def _expect_at_most(
    db: AsyncConnection, mutuelle_id: str, new: NewVoucher, account: str, *, sign: int
) -> None:
    if sign < 0:
        owed = await owed_on(db, mutuelle_id, account, new.amount.currency)
    else:
        owed = Money((await balance(db, mutuelle_id, account)).net, new.amount.currency)
    if new.amount > owed:
        raise RefusedError(
            _("{party}: only {owed} is owed now. Nothing was done.", party=new.party, owed=owed)
        )


@dataclass(frozen=True)
class Credit:
    """What a household has paid too much: `account` is its own in the book, `phone` the first that speaks for it."""

    account: str
    name: str
    initials: str
    phone: str
    amount: Money

    @property
    def fund(self) -> str:
        return self.account.partition(":")[0]


async def credit_of(db: AsyncConnection, caller: Caller, own: Appointment, number: str) -> Credit:
    """What may be given back to this household of the officer's mutuelle, open or closed.

    RefusedError where there is nothing, while it pays by itself, and for the phones of the household itself.
    """
    household = await find_household(db, number, closed=True)
    if household is None or household.mutuelle_id != own.mutuelle_id:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    if caller.phone in await phones_of(db, household, unconfirmed=True):
        raise RefusedError(_("Nobody pays her own household. Ask another treasurer."))
    stands = await standing(db, household, caller.at)
    if stands.own_payment:
        raise RefusedError(
            _("A mobile payment for this household is under way. Please wait until it is settled.")
        )
    currency = stands.credit.currency  # a merge takes the credit elsewhere
    in_book = await owed_on(db, own.mutuelle_id, household.account, currency)
    credit = min(stands.credit, in_book)
    if credit.amount_minor <= 0:
        raise RefusedError(_("This household has paid nothing too much."))
    phones = await phones_of(db, household)
    names = (household.head_name, household.initials)
    return Credit(household.account, *names, phones[0] if phones else "", credit)


def no_more(credit: Money) -> Sentence:
    """Why a household gets no more back than that."""
    return _("This household has {credit} to its credit, no more.", credit=credit)


async def _expect_receiver(db: AsyncConnection, caller: Caller, own: Appointment, matter: Matter) -> None:
    """Refused unless who gets the cash is a treasurer, and signs herself."""
    receiver = matter.voucher.debit.rpartition(":")[2]
    officers = await officers_of(db, own.mutuelle_id, caller.at)
    if receiver not in {one.phone for one in officers if one.role is Role.TREASURER}:
        raise RefusedError(CHANGED)
    if caller.phone not in (matter.phone, receiver):
        raise RefusedError(_("Only {name}, who gets this cash, can sign for it.", name=matter.voucher.party))


def words_of(matter: Matter, reason: str) -> Sentence:
    """All that is agreed to."""
    new = matter.voucher
    if new.kind is VoucherKind.BILL:
        return bill_words(new, matter.bill)
    if new.kind is VoucherKind.KEPT:
        return _("Keep found money as a gift: {amount}? {reason}", amount=new.amount, reason=reason)
    return _words_of_money(matter, reason)


def _words_of_money(matter: Matter, reason: str) -> Sentence:
    """The words of money that goes from one account to another or to somebody."""
    new, of = matter.voucher, matter.name
    facts: dict[str, Fact] = {"amount": new.amount, "party": new.party, "reason": reason, "slip": new.slip}
    facts |= {"giver": account_name(new.credit, of), "getter": account_name(new.debit, of)}
    if new.kind is VoucherKind.EXPENSE:
        what = EXPENSES[parse(new.debit).kind.name]
        return _("{what}: {amount} to {party} from {giver}? {reason}", **facts, what=what)
    if new.kind is VoucherKind.FACILITY:
        return _("Pay {amount} to {party} from {giver}? {reason}", **facts)
    if new.kind is VoucherKind.RETURNED:
        return _("Give found money back: {amount} to {party} from {giver}? {reason}", **facts)
    if new.kind is VoucherKind.REFUND:
        number = shown_number(parse(new.debit).sub)
        return _("Give {amount} back to {party}, {number}, from {giver}? {reason}", **facts, number=number)
    if new.kind is VoucherKind.HANDED:
        return _("Cash: {amount} from {name} to {party}? {reason}", **facts, name=of)
    if new.kind is VoucherKind.ARRIVED:
        return _("{amount} arrived in {getter}, slip {slip}?", **facts)
    if new.kind in (VoucherKind.DEPOSIT, VoucherKind.WITHDRAWAL):
        return _("{amount} from {giver} to {getter}, slip {slip}?", **facts)
    if new.kind is VoucherKind.SENT:
        return _(
            "Send {amount} from {giver} to {toward}? {reason}", **facts, toward=account_name(new.toward, of)
        )
    return _("{amount} from {party} into {getter}? {reason}", **facts)


def label_of_sent(sent: NumberedVoucher) -> Sentence:
    """Money on its way, in a list."""
    return _("{amount} to {account}", amount=sent.amount, account=account_name(sent.toward))


def other_side(found: NumberedVoucher) -> Sentence | str:
    """Who was paid or gave; of a treasurer's move the account beside her box, whose code is no word for people."""
    other = found.credit if found.kind is VoucherKind.WITHDRAWAL else found.debit
    return found.party or account_name(found.toward or other)


def label_of(new: NewVoucher, of_box: str = "") -> Sentence:
    """It in a list, and in an SMS; `of_box`: whose box it is."""
    facts: dict[str, Fact] = {"amount": new.amount, "party": new.party}
    if new.kind in COMES_IN:
        return _("{amount} from {party}", **facts)
    if new.party:
        return _("{amount} to {party}", **facts)
    return _("{amount} to {account}", **facts, account=account_name(new.toward or new.debit, of_box))
