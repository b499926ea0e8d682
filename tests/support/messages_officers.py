"""The messages about appointments and PINs, with the longest facts that the tables allow."""

from datetime import date

from locales import Sentence
from mutuelle.officers import messages
from mutuelle.officers.limit_changes import LIMIT_CHANGE
from mutuelle.officers.role_changes import GIVE, ROLE_CHANGE, role_change
from mutuelle.officers.roles import Appointment, NewOfficer, Role

NAME, OTHER = "N'Golo-Marie Ouattara Syll", "Mariam-Fatoumata Sangaré A"
PHONE = "+2290197123456"
MUTUELLE = "Mutuelle Yèrèdèmè-Wa"
DAY = date(2026, 12, 22)


def appointed(role: Role) -> Sentence:
    return ROLE_CHANGE.label(role_change(GIVE, NewOfficer(role, PHONE, NAME)).facts)


LIMIT = {"name": "two_signatures_from_minor", "value": 999_999, "was": 999_998, "currency": "XOF"}

MESSAGES: dict[str, Sentence] = {
    "signature asked, limit": messages.signature_asked(MUTUELLE, NAME, LIMIT_CHANGE.label(LIMIT)),
    **{f"role given, {role}": messages.role_given(MUTUELLE, role) for role in Role},
    **{f"role withdrawn, {role}": messages.role_withdrawn(MUTUELLE, role) for role in Role},
    **{
        f"signature asked, {role}": messages.signature_asked(MUTUELLE, OTHER, appointed(role))
        for role in Role
    },
    **{
        f"role {what} by the service, {role}": messages.role_changed_by_service(
            Appointment("LONGCODE", MUTUELLE, role, PHONE, NAME), what, OTHER
        )
        for what in ("given", "withdrawn")
        for role in Role
    },
    "signature lapsed": messages.proposal_lapsed(MUTUELLE, OTHER, appointed(Role.ENROLMENT)),
    "signature given": messages.signature_given(MUTUELLE, OTHER, appointed(Role.ENROLMENT)),
    "signature refused": messages.signature_refused(MUTUELLE, OTHER, appointed(Role.ENROLMENT)),
    "pin locked": messages.pin_locked(10),
    "pin unlocked": messages.pin_unlocked(),
    "new pin allowed": messages.pin_renewable(3),
    "pin issued": messages.pin_received(),
}
