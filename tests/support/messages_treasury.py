"""The messages about cash and waived debts, with the longest facts that the tables allow."""

from dataclasses import replace

from locales import Money, Sentence, _
from mutuelle.cover.rules import CoverState
from mutuelle.officers.messages import signature_asked, signature_refused
from mutuelle.officers.roles import Role
from mutuelle.scheme.mutuelles import Officer
from mutuelle.treasury import messages
from mutuelle.treasury.cash_counts import CASH_COUNT
from mutuelle.treasury.payouts.outcomes import OUTCOME, WAS_NOT, WAS_PAID
from mutuelle.treasury.payouts.payout_acts import PAYOUT
from mutuelle.treasury.unmatched.corrections import CORRECTION
from mutuelle.treasury.unmatched.decisions import MoneyOutcome
from mutuelle.treasury.unmatched.group_acts import group_receipt
from mutuelle.treasury.unmatched.groups import MOST_HOUSEHOLDS, MOST_PAYER, GroupList
from mutuelle.treasury.unmatched.matches import MONEY_MATCH
from mutuelle.treasury.voucher_answers import MOST_REASON
from mutuelle.treasury.voucher_kinds import VoucherKind
from mutuelle.treasury.voucher_reversals import REVERSAL
from mutuelle.treasury.waivers import WAIVER
from mutuelle.year_end.asked import LONGEST_PLACE
from mutuelle.year_end.assemblies import ASSEMBLY, Assembly, convened
from mutuelle.year_end.votes import ASSEMBLY_VOTE
from tests.support.messages_officers import DAY, MUTUELLE, NAME, PHONE
from tests.support.messages_receipts import AT, HOME, MOST, stands
from tests.support.messages_receipts import MUTUELLE as TOWN

WAIVED = {"number": HOME.number, "amount_minor": MOST.amount_minor, "currency": MOST.currency}
MATCHED = {**WAIVED, "on": DAY.isoformat()}
COUNTED = {"name": NAME, "counted_minor": 0, "held_minor": 99_999_999, "currency": "XOF"}

BIG = Money(9_999_999, "XOF")
VOUCHER_NUMBER, CODE, WHY = "D99999/2026", "482913", "x" * MOST_REASON
GROUP = GroupList(
    "BEN",
    "ABC234",
    "statement",
    "a key",
    "x" * MOST_PAYER,
    Money(99_999_999, "XOF"),
    MOST_HOUSEHOLDS,
    "x" * 60,
    "why",
    AT,
)
TO_NAME = _("{amount} to {party}", amount=BIG, party=NAME)

SENT = {
    **{
        "kind": VoucherKind.FACILITY,
        "debit": "health:payable:cscom",
        "credit": "health:disbursement:x",
        "party": NAME,
    },
    **{"amount_minor": BIG.amount_minor, "currency": BIG.currency},
}

MESSAGES: dict[str, Sentence] = {
    "cash receipt to a phone in doubt": messages.cash_receipt_in_doubt(MOST, "ABC234"),
    **{
        f"cash receipt, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", None)
        for state in CoverState
    },
    **{
        f"cash receipt, late, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", DAY)
        for state in (CoverState.WAITING, CoverState.COVERED, CoverState.SUSPENDED)
    },
    "signature asked, waiver": signature_asked(MUTUELLE, NAME, WAIVER.label(WAIVED)),
    "signature asked, assembly": signature_asked(MUTUELLE, NAME, ASSEMBLY.label({"on": DAY.isoformat()})),
    "signature asked, vote": signature_asked(MUTUELLE, NAME, ASSEMBLY_VOTE.label({"year": 2026})),
    "assembly convened": convened(
        replace(TOWN, name=MUTUELLE), Assembly(DAY, 19, "x" * LONGEST_PLACE, 99_999)
    ),
    "signature asked, money match": signature_asked(MUTUELLE, NAME, MONEY_MATCH.label(MATCHED)),
    "signature asked, group": signature_asked(MUTUELLE, NAME, GROUP.label),
    "group listed": messages.group_listed(MUTUELLE, GROUP.label, GROUP.actor),
    "group listed again": messages.group_listed(MUTUELLE, GROUP.label, GROUP.actor, replaces=True),
    "receipt of a group": group_receipt(GROUP),
    **{
        f"signature asked, money {outcome}": signature_asked(
            MUTUELLE,
            NAME,
            CORRECTION.label({**MATCHED, "outcome": outcome, "code": "ABC234", "to": HOME.number}),
        )
        for outcome in (MoneyOutcome.MOVED, MoneyOutcome.TAKEN_BACK, MoneyOutcome.PAID)
    },
    "receipt cancelled, moved": messages.receipt_cancelled(
        replace(TOWN, complaints_phone=PHONE), MOST, "ABC234", taken_back=False
    ),
    "receipt cancelled, taken back": messages.receipt_cancelled(
        replace(TOWN, complaints_phone=PHONE), MOST, "ABC234", taken_back=True
    ),
    **{
        f"receipt cancelled, {name}, household": messages.receipt_cancelled(
            replace(TOWN, name=MUTUELLE, complaints_phone=PHONE),
            MOST,
            "ABC234",
            taken_back=taken_back,
            due=MOST,
        )
        for name, taken_back in (("moved", False), ("taken back", True))
    },
    "signature asked, count": signature_asked(MUTUELLE, NAME, CASH_COUNT.label(COUNTED)),
    "signature refused, count": signature_refused(MUTUELLE, NAME, CASH_COUNT.label(COUNTED)),
    "signature refused, waiver": signature_refused(MUTUELLE, NAME, WAIVER.label(WAIVED)),
    "signature asked, voucher": signature_asked(MUTUELLE, NAME, TO_NAME),
    "signature asked, voucher taken back": signature_asked(
        MUTUELLE,
        NAME,
        REVERSAL.label(
            {"number": VOUCHER_NUMBER, "amount_minor": BIG.amount_minor, "currency": BIG.currency}
        ),
    ),
    "voucher": messages.paid_by_voucher(MUTUELLE, BIG, VOUCHER_NUMBER, WHY, code=CODE),
    "voucher taken back": messages.voucher_taken_back(MUTUELLE, BIG, VOUCHER_NUMBER, WHY),
    "voucher signed": messages.voucher_signed(MUTUELLE, TO_NAME, VOUCHER_NUMBER, CODE),
    "signature asked, payout": signature_asked(MUTUELLE, NAME, PAYOUT.label(SENT)),
    **{
        f"signature asked, {said}": signature_asked(MUTUELLE, NAME, OUTCOME.label({**SENT, "said": said}))
        for said in (WAS_PAID, WAS_NOT)
    },
    "payout paid": messages.payout_paid(MUTUELLE, BIG, NAME, VOUCHER_NUMBER, CODE),
    "payout failed": messages.payout_failed(MUTUELLE, BIG, NAME),
    "payout late": messages.payout_late(MUTUELLE, BIG, NAME),
    "voucher contested": messages.voucher_disputed(NAME, BIG, VOUCHER_NUMBER, NAME),
    "debt waived": messages.debt_waived(MUTUELLE, MOST, HOME.number, DAY),
    "cash deposited": messages.deposit_confirmed(MUTUELLE, MOST, NAME, MOST),
    "cash cancelled": messages.cash_cancelled(replace(TOWN, complaints_phone=PHONE), MOST, "ABC234", MOST),
    "cash contested": messages.cash_disputed(
        HOME.number, MOST, "ABC234", Officer(Role.COLLECTOR, PHONE, NAME)
    ),
}
