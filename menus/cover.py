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
    return said_of(await look(standing, home, caller.at))


def said_of(stands: Standing) -> Sentence:
    """The one sentence for where a household stands; each ends with what to do next."""
    found, facts = stands.cover, about(stands)
    if stands.open_payment and not found.is_covered:
        return under_way(stands.open_payment)
    if found.state is CoverState.WAITING and found.from_on:
        return _(
            "{who}. Paid. Care is covered from {start}. Left to pay: {due}.", **facts, start=found.from_on
        )
    if found.state is CoverState.COVERED and found.until_on:
        if stands.renewal:
            return _(
                "{who}. COVERED until {end}. To renew, press 2 at home: {price}.",
                **facts,
                end=found.until_on,
                price=stands.renewal.price,
            )
        return _("{who}. COVERED until {end}. Nothing is due.", **facts, end=found.until_on)
    if found.state is CoverState.IN_ARREARS and found.until_on:
        return _(
            "{who}. COVERED until {end}. Left to pay by then: {due}. To pay, press 2 at home.",
            **facts,
            end=found.until_on,
        )
    if found.state is CoverState.GRACE and found.until_on:
        return _(
            "{who}. Your cover has ended, you stay COVERED until {end}. To renew, press 2 at home.",
            **facts,
            end=found.until_on,
        )
    if found.state is CoverState.SUSPENDED and found.until_on:
        return _(
            "{who}. NOT COVERED: ended {end}. {due} is missing. Pay (2 at home): covered that day.",
            **facts,
            end=found.until_on,
        )
    if found.state is CoverState.EXPIRED and found.until_on:
        return _(
            "{who}. NOT COVERED: ended {end}. To be covered again, press 2 at home.",
            **facts,
            end=found.until_on,
        )
    return _("{who}. NOT COVERED yet: {due} is missing. To pay, press 2 at home.", **facts)


def about(stands: Standing) -> dict[str, Fact]:
    """Who the answer is about, and what they owe."""
    home = stands.household
    who = _(
        "{name}, number {number}, people: {size}",
        name=home.head_name,
        number=home.shown_number,
        size=stands.members,
    )
    return {"who": who, "due": stands.due}
