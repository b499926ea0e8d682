"""The limits of a mutuelle, for its treasurers: each as it is today; a change takes two."""

from locales import Money, Sentence, _
from menus.sign import propose
from menus.words import one_of
from mutuelle.officers.limit_changes import LimitNow, limit_change, limits_now
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.limits import beyond, bounds, is_money
from talk.answers import Kind, amount
from talk.figures import groups
from talk.trouble import InvalidError
from talk.words import Caller, Option, ask, look


async def limits(caller: Caller, appointment: Appointment) -> Sentence:
    known = {one.key: one for one in await look(limits_now, caller, appointment.mutuelle_id)}
    offered = [Option(key, one.label) for key, one in known.items()]
    found = known[(await one_of(_("Limits. Choose one to change it:"), offered)).key]
    value = await ask(asked(found), new_value(found))
    return await propose(caller, appointment, limit_change(found, value))


def asked(found: LimitNow) -> Sentence:
    question = _("{limit}. How much from now on?", limit=found.label)
    if found.since is not None:
        question = _("{limit}, since {day}. How much from now on?", limit=found.label, day=found.since)
    if found.name == "years_kept":
        return _("{question} 0: nothing is erased", question=question)
    if bounds(found.name, found.currency).start == 0:
        always = _("{question} 0: always two sign", question=question)
        return always if is_money(found.name) else _("{question} 0: none", question=question)
    return question


def new_value(found: LimitNow) -> Kind[int]:
    """The new value, within what makes sense."""
    allowed = bounds(found.name, found.currency)
    least, most = allowed.start, allowed.stop - 1
    money = amount(Money(least, found.currency), Money(most, found.currency))

    def parse(typed: str) -> int:
        if is_money(found.name):
            return money.parse(typed).amount_minor
        figures = [int(group) for group in groups(typed)]
        if len(figures) not in (1, 2) or any(figures[1:]) or figures[0] not in allowed:
            raise InvalidError(beyond(found.name, found.currency))
        return figures[0]

    return Kind("limit", parse, good=(str(most),), bad=("", "beaucoup", str(most + 1)), takes_zero=least == 0)
