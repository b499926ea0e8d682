"""SMS to officers about appointments and PINs: one segment each, never a PIN or a name of a household."""

from locales import Fact, Sentence, _, counts
from mutuelle.officers.roles import SPOKEN, Appointment, Role
from talk.answers import LONGEST_NAME


def role_given(mutuelle_name: str, role: Role) -> Sentence:
    return _(
        "{mutuelle}: you are now {role}. Dial the service and press 9, my work. Not expected? Tell your mutuelle.",
        mutuelle=mutuelle_name,
        role=SPOKEN[role],
    )


def role_withdrawn(mutuelle_name: str, role: Role) -> Sentence:
    return _(
        "{mutuelle}: you are no longer {role}. Questions? Please see your mutuelle.",
        mutuelle=mutuelle_name,
        role=SPOKEN[role],
    )


def role_changed_by_service(appointment: Appointment, what: str, actor: str) -> Sentence:
    """To the treasurers: an operator of the service has "given" or "withdrawn" a role."""
    facts: dict[str, Fact] = {"mutuelle": appointment.mutuelle_name, "actor": actor[:LONGEST_NAME]}
    facts |= {"name": appointment.name, "role": SPOKEN[appointment.role]}
    if what == "given":
        return _(
            "{mutuelle}: {actor}, of the service, appointed {name}, {role}. Not agreed? Ask why.", **facts
        )
    return _(
        "{mutuelle}: {actor}, of the service, ended the office of {name}, {role}. Not agreed? Ask why.",
        **facts,
    )


def signature_asked(mutuelle_name: str, proposer: str, act: Sentence) -> Sentence:
    """To every other treasurer: one of them has to answer within a week."""
    return _(
        "{mutuelle}: {proposer} asks you to sign: {act}. Dial, press 9, 8, 7.",
        mutuelle=mutuelle_name,
        proposer=proposer,
        act=act,
    )


def signature_given(mutuelle_name: str, by: str, act: Sentence) -> Sentence:
    """To the treasurer who proposed: it is done."""
    return _("{mutuelle}: {by} signed: {act}.", mutuelle=mutuelle_name, by=by, act=act)


def signature_refused(mutuelle_name: str, by: str, act: Sentence) -> Sentence:
    """To the treasurer who proposed."""
    return _("{mutuelle}: {by} did not sign: {act}.", mutuelle=mutuelle_name, by=by, act=act)


def proposal_lapsed(mutuelle_name: str, by: str, act: Sentence) -> Sentence:
    """To who proposed, and is no longer treasurer."""
    return _(
        "{mutuelle}: you are no longer treasurer, {by} did not sign: {act}.",
        mutuelle=mutuelle_name,
        by=by,
        act=act,
    )


def pin_locked(failures: int) -> Sentence:
    """To the owner of the phone: somebody else may be using it."""
    return _(
        "A wrong work PIN was typed {count} on this phone. If it was not you, tell your mutuelle now.",
        count=counts.times(failures),
    )


def pin_unlocked() -> Sentence:
    return _("Your work PIN can be used again. If you did not ask for this, tell your mutuelle now.")


def pin_renewable(days: int) -> Sentence:
    return _(
        "A new work PIN waits for you {days}: dial the service, press 9. "
        "If you did not ask for it, tell your mutuelle now.",
        days=counts.days(days),
    )


def pin_received() -> Sentence:
    """After each PIN that is shown or printed: an owner who did not ask for it must know."""
    return _(
        "A new work PIN was made for this phone. Tell it to nobody. If you did not ask for it, tell your mutuelle now."
    )
