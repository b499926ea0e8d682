"""The messages about offices and PINs, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import date

from locales import Sentence
from mutuelle.cover import CoverState
from mutuelle.staff import messages
from mutuelle.staff.roles import Office, Role
from tests.mutuelle.messages_receipts import HOME, MOST, stands
from tests.mutuelle.messages_receipts import MUTUELLE as TOWN

NAME, OTHER = "N'Golo-Marie Ouattara Syll", "Mariam-Fatoumata Sangaré A"
PHONE = "+2290197123456"
MUTUELLE = "Mutuelle Yèrèdèmè-Wa"
DAY = date(2026, 12, 22)

MESSAGES: dict[str, Sentence] = {
    **{f"role given, {role}": messages.role_given(MUTUELLE, role) for role in Role},
    **{f"role withdrawn, {role}": messages.role_withdrawn(MUTUELLE, role) for role in Role},
    **{f"role proposed, {role}": messages.change_proposed(MUTUELLE, role, NAME, OTHER) for role in Role},
    **{
        f"role {what} by the service, {role}": messages.role_changed_by_service(
            Office("LONGCODE", MUTUELLE, role, PHONE, NAME), what, OTHER
        )
        for what in ("given", "withdrawn")
        for role in Role
    },
    "role refused": messages.change_refused(MUTUELLE, NAME, OTHER),
    "pin locked": messages.pin_locked(10),
    "pin unlocked": messages.pin_unlocked(),
    "new pin allowed": messages.pin_renewable(3),
    "pin issued": messages.pin_received(),
    **{
        f"cash receipt, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", None)
        for state in CoverState
    },
    **{
        f"cash receipt, late, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", DAY)
        for state in (CoverState.WAITING, CoverState.COVERED, CoverState.SUSPENDED)
    },
    "waiver proposed": messages.waiver_proposed(MUTUELLE, MOST, HOME.number, NAME),
    "waiver refused": messages.waiver_refused(MUTUELLE, MOST, HOME.number, NAME),
    "debt waived": messages.debt_waived(MUTUELLE, MOST, HOME.number, DAY),
    "cash deposited": messages.deposit_confirmed(MUTUELLE, MOST, NAME, MOST),
    "cash cancelled": messages.cash_cancelled(replace(TOWN, complaints_phone=PHONE), MOST, "ABC234"),
    "cash contested": messages.cash_contested(HOME.number, MOST, "ABC234", NAME, PHONE),
}
