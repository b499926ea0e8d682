"""Cash of several households, one after the other: a collector records it with one PIN."""

from locales import Fact, Sentence, _, _n
from menus.cash import NOTHING, Agreed, given
from menus.words import work_pin
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash import Recorded, receive_all_cash, total_of
from talk.words import Caller, Option, choose, confirm, do

MORE, ENOUGH = "more", "enough"
MOST_AT_ONCE = 4  # households with one PIN: what one screen reads back
MOST_TRIES = 8  # households in one call, those that gave nothing too


async def receive_several(caller: Caller, appointment: Appointment) -> Sentence:
    """The same for several households one after the other: each is agreed to, then all of it, with one PIN."""
    taken: list[Agreed] = []
    for tries_left in range(MOST_TRIES - 1, -1, -1):
        one = await given(caller, appointment, taken)
        taken += [one] if isinstance(one, Agreed) else []
        if len(taken) == MOST_AT_ONCE:
            break
        said = listed(taken) if isinstance(one, Agreed) else one
        another = (Option(MORE, _("Another household"), "1"),) if tries_left else ()
        more = await choose(said, (*another, Option(ENOUGH, _("That is all"), "2")))
        if more.key == ENOUGH:
            break
    agreed = bool(taken) and await confirm(_("{listed} Record?", listed=listed(taken)))
    if not agreed:
        return NOTHING
    pin = await work_pin()
    done = await do(
        receive_all_cash,
        mutuelle=appointment.mutuelle_id,
        cash=tuple(one.cash for one in taken),
        terms=tuple(one.stands.payment_terms for one in taken),
        pin=pin,
    )
    return done if isinstance(done, Sentence) else recorded(taken, done)


def listed(taken: list[Agreed]) -> Sentence:
    return _n(
        "{total}, {n} household: {lines}.",
        "{total}, {n} households: {lines}.",
        len(taken),
        total=total_of([one.cash for one in taken]),
        lines=", ".join(one.line for one in taken),
    )


def recorded(taken: list[Agreed], done: tuple[Recorded, ...]) -> Sentence:
    facts: dict[str, Fact] = {"total": total_of([one.cash for one in taken]), "held": done[-1].held}
    on_paper = [f"{one.number[-3:]} {one.receipt_code}" for one in done if not one.notified]
    if not on_paper:
        return _("Recorded: {total}. Each household gets an SMS. You hold {held}.", **facts)
    return _(
        "Recorded: {total}. You hold {held}. Receipts to write on paper, no SMS reaches them: {receipts}",
        **facts,
        receipts=", ".join(on_paper),
    )
