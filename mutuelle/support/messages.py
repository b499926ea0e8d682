"""SMS to phones when support changes their household: no name, whom to call, never the other phone."""

from locales import Fact, Sentence, _
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle


def phone_gained(household: Household, mutuelle: Mutuelle) -> Sentence:
    """To a phone that now speaks for a household."""
    return _(
        "{mutuelle}: this phone now speaks for household {number}. Dial the service to see its cover. "
        "Not yours? Call {phone}.",
        **_facts(household, mutuelle),
    )


def phone_lost(household: Household, mutuelle: Mutuelle) -> Sentence:
    """To a phone that no longer speaks for a household: an owner who did not ask for it must know."""
    return _(
        "{mutuelle}: this phone no longer speaks for household {number}. You did not ask for it? "
        "Send NO, or call {phone}.",
        **_facts(household, mutuelle),
    )


def head_changed(household: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} goes on under another head, same number, same cover. "
        "You did not ask for it? Call {phone}.",
        **_facts(household, mutuelle),
    )


def merged(household: Household, kept: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: you were written down twice. Use number {kept} from now on, no longer {number}. "
        "Questions? Call {phone}.",
        **_facts(household, mutuelle),
        kept=kept.shown_number,
    )


def closed(household: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} is closed and no longer covered. You did not ask for it? Call {phone}.",
        **_facts(household, mutuelle),
    )


def reopened(household: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} is open again. Dial the service to see its cover. Questions? Call {phone}.",
        **_facts(household, mutuelle),
    )


def _facts(household: Household, mutuelle: Mutuelle) -> dict[str, Fact]:
    """Where, which household, whom to call."""
    return {"mutuelle": mutuelle.name, "number": household.shown_number, "phone": mutuelle.complaints}
