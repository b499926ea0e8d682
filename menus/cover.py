"""My cover, on one screen: covered or not, until when, who, what remains due, what to do next."""

from locales import Fact, Sentence, _
from menus.words import under_way, whom
from mutuelle.cover import CoverState
from mutuelle.standing import Standing, standing
from talk.words import Caller, look


async def cover(caller: Caller) -> Sentence:
    home = await whom(caller)
    if home is None:
        return _("This phone speaks for no household yet. Dial again and press 1 to join.")
    stands = await look(standing, home, caller.at)
    if stands.open_payment and not stands.cover.is_covered:
        return under_way(stands.open_payment, caller)
    return covered(stands) if stands.cover.is_covered else not_covered(stands)


def covered(stands: Standing) -> Sentence:
    """Covered, until when, and what to do so that it goes on."""
    found, facts = stands.cover, about(stands)
    if found.state is CoverState.GRACE:
        return _(
            "{who}. Your period is over, still COVERED until {end}. Renew before: dial again, press 2.",
            **facts,
        )
    if stands.due.amount_minor:
        return _(
            "{who}. COVERED until {end}. To stay covered, pay {due} before: dial again, press 2.", **facts
        )
    if stands.renewal:
        return _(
            "{who}. COVERED until {end}. To renew ({price}), dial again, press 2.",
            **facts,
            price=stands.renewal.price,
        )
    return _("{who}. COVERED until {end}. Nothing is due.", **facts)


def not_covered(stands: Standing) -> Sentence:
    """Not covered, why, and what to do about it."""
    found, facts = stands.cover, about(stands)
    if found.state is CoverState.WAITING and found.from_on and not stands.due.amount_minor:
        return _("{who}. All is paid. Care is covered from {start}.", **facts, start=found.from_on)
    if found.state is CoverState.WAITING and found.from_on:
        return _(
            "{who}. Care is covered from {start} to {end}. Left to pay: {due}.", **facts, start=found.from_on
        )
    if found.state is CoverState.SUSPENDED:
        return _(
            "{who}. NOT COVERED: ended {end}. Pay {due}: covered that day. Dial again, press 2.", **facts
        )
    if found.state is CoverState.EXPIRED and stands.due.amount_minor:
        return _(
            "{who}. NOT COVERED: ended {end}. First pay what is left, {due}. Dial again, press 2.", **facts
        )
    if found.state is CoverState.EXPIRED:
        return _("{who}. NOT COVERED: ended {end}. To be covered again, dial again, press 2.", **facts)
    return _(
        "{who}. NOT COVERED yet: {opening} opens your cover, left in all {due}. Dial again, press 2.",
        **facts,
        opening=stands.opening,
    )


def about(stands: Standing) -> dict[str, Fact]:
    """Who the answer is about, and what they owe."""
    home = stands.household
    who = _(
        "{name}, number {number}, people: {size}",
        name=home.head_name,
        number=home.shown_number,
        size=stands.members,
    )
    facts: dict[str, Fact] = {"who": who, "due": stands.due}
    if stands.cover.until_on:
        facts["end"] = stands.cover.until_on
    return facts
