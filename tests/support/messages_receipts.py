"""The messages about payments, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

from locales import Money, Sentence
from mutuelle.contributions.payment_queue import QueuedPayment
from mutuelle.contributions.payments import PaymentState
from mutuelle.contributions.receipts import (
    closed_receipt,
    household_receipt,
    money_to_check,
    not_received,
    payer_receipt,
    payment_failed,
    receipt_in_doubt,
    received_of,
)
from mutuelle.contributions.standing import Reckoning, Standing
from mutuelle.contributions.ways_to_pay import PayInCash
from mutuelle.cover.rules import Cover, CoverState, Period, Terms
from mutuelle.enrolment.enrolment import renewed_by_credit
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import Product
from mutuelle.treasury.unmatched.groups import MOST_PAYER

MOST = Money(999_999, "XOF")
AT = datetime(2026, 12, 22, tzinfo=UTC)
HOME = Household("LONGCODE", "199000010", "N'Golo-Marie Ouattara Syll", "Mutuelle Yèrèdèmè-Wa")
MUTUELLE = Mutuelle(
    "LONGCODE", 199, HOME.mutuelle_name, "Sikasso", "ML", "XOF", "Africa/Bamako", "+22376000009", "soins"
)
PRODUCT = Product("LONGCODE", "P1", 1, "Fam. élargie", "XOF", 9, 6, 12, 1, 1, 18, 0, 12, 1, 3, 1, 50, 4, 100)
DUE = QueuedPayment(
    mutuelle_id="LONGCODE",
    reference=uuid4(),
    number=HOME.number,
    amount=MOST,
    payer_phone="+2290197123456",
    asked_by="+22376000001",
    operator="simulated",
    account="simulated-ML",
    network="ML-orange",
    notice_token="t",
    receipt_code="ABC234",
    state=PaymentState.PENDING,
    asked_at=AT,
    due_at=AT,
    sent_at=AT,
    late_notified_at=None,
    polls=0,
)


PUSHED = replace(DUE, operator="pawapay", account="pawapay-SN", network="SN-orange")
CASH = PayInCash("N'Golo-Marie Ouattara Syll", "+2290197123456", another_phone=True)


TERMS = Terms(1, False, date(2026, 11, 22), 999_999, 12, 1, 3, 1, 50)


def covered(state: CoverState) -> Cover:
    return Cover(state, date(2026, 12, 22), date(2027, 12, 21))


def stands(state: CoverState) -> Standing:
    return Standing(
        *(HOME, MUTUELLE, PRODUCT, PRODUCT, 12, (Period(TERMS, 1),), covered(state)),
        *(MOST, MOST, None, MOST, None),
        today=date(2026, 11, 22),
        receipts=(),
    )


def receipt(state: CoverState, paid_by: str = "") -> Sentence:
    received = received_of(HOME, MOST, "ABC234", paid_by)
    return household_receipt(Reckoning((), covered(state), MOST, MOST), MOST, received)


MESSAGES: dict[str, Sentence] = {
    **{f"receipt, {state}": receipt(state) for state in CoverState},
    **{f"receipt, paid for many, {state}": receipt(state, "x" * MOST_PAYER) for state in CoverState},
    "receipt of a payer": payer_receipt(DUE),
    "receipt to a phone in doubt": receipt_in_doubt(DUE),
    "receipt of a closed household": closed_receipt(
        replace(MUTUELLE, complaints_phone="+2290197123456"), DUE
    ),
    "renewed by credit, waiting": renewed_by_credit(HOME, stands(CoverState.WAITING)),
    "renewed by credit, covered": renewed_by_credit(HOME, stands(CoverState.COVERED)),
    "not received yet": not_received(DUE, CASH),
    "not received yet, merchant code": not_received(DUE, replace(CASH, merchant_code="4040")),
    "not received yet, longest code": not_received(DUE, replace(CASH, merchant_code="*144*391*123456#")),
    "not received yet, no code of the network": not_received(PUSHED, CASH),
    "not received yet, no code, merchant code": not_received(PUSHED, replace(CASH, merchant_code="4040")),
    "not received yet, a longer code": not_received(replace(PUSHED, network="BJ-mtn"), CASH),
    "not received yet, its code is checked": not_received(
        replace(DUE, operator="paydunya", network="CI-orange"), CASH
    ),
    "not received yet, its code is checked, merchant code": not_received(
        replace(PUSHED, network="BF-orange"), replace(CASH, merchant_code="*144*391*123456#")
    ),
    "payment failed": payment_failed(DUE),
    "payment failed, not approved": payment_failed(DUE, "EXPIRED"),
    "payment failed, not approved in Benin": payment_failed(
        replace(PUSHED, network="BJ-mtn"), "PAYMENT_NOT_APPROVED"
    ),
    "payment failed, its code": payment_failed(
        replace(DUE, operator="paydunya", network="CI-orange"), "failed"
    ),
    "payment failed, its code, the network's own": payment_failed(
        replace(PUSHED, network="BF-orange"), "PAYMENT_NOT_APPROVED"
    ),
    "money to check": money_to_check(replace(MUTUELLE, complaints_phone="+2290197123456"), DUE),
}
