"""Our agreements: what a household agreed to and in which words, its reminders, a copy of its data, leaving.

What a withdrawal means is said before it is agreed to.
"""

from locales import Fact, Sentence, _
from menus.messages import no_reminders, reminders
from menus.words import one_of, pin_of
from mutuelle.contributions.standing import Standing, standing
from mutuelle.households.households import Household, refuse_frozen
from mutuelle.households.lookups import reads_of
from mutuelle.personal_data.agreements import agreements_of
from mutuelle.personal_data.copies import ask_copy, copy_asked
from mutuelle.personal_data.extract import read_in_words
from mutuelle.personal_data.leaving import PAYMENT_UNDER_WAY, leave
from mutuelle.schedules.reminders.consent import wants_reminders
from talk.words import Caller, Option, choose, confirm, do, look, show

WORDS, REMINDERS, COPY, LEAVE, READS = "words", "reminders", "copy", "leave", "reads"
LAST_READS = 3
PAGE_ROOM = 138  # septets of a page of words, what is below it left out: "98 Suite", "0 Retour"
NOTHING_CHANGED = _("Nothing was changed.")


async def agreements(caller: Caller, household: Household) -> Sentence:
    reminded = await look(wants_reminders, caller)
    what = await choose(
        _("Your agreements, your data"),
        (
            Option(WORDS, _("What you agreed to"), "1"),
            Option(REMINDERS, _("Stop reminders") if reminded else _("Be reminded"), "2"),
            Option(COPY, _("A copy of your data"), "3"),
            Option(LEAVE, _("Leave the mutuelle"), "4"),
            Option(READS, _("Who looked at you"), "5"),
        ),
    )
    if what.key == REMINDERS:
        return await (no_reminders() if reminded else reminders())
    if what.key == COPY:
        return await copy(household)
    if what.key == READS:
        return await who_read(household)
    return await (words(caller, household) if what.key == WORDS else leaving(caller, household))


async def words(caller: Caller, household: Household) -> Sentence:
    """The newest first; the words as they were on the screen, page by page."""
    found = await look(agreements_of, household)
    if not found:
        return await show(_("No words are on record: you joined on paper."))
    chosen = await one_of(_("What you agreed to:"), [Option(one.key, one.label) for one in found])
    *before, last = next(one for one in found if one.key == chosen.key).pages(caller.language, PAGE_ROOM)
    for nth, page in enumerate(before):  # each page is a question of its own
        await choose(page, (Option(f"next {nth}", _("More"), "98"),))
    return await show(last)


async def copy(household: Household) -> Sentence:
    if waiting := await look(copy_asked, household):
        return _(
            "Your copy was asked for on {date}. The treasurer gives it to the head only.", date=waiting.on
        )
    agreed = await confirm(
        _("Have all that we keep of you printed on paper? The treasurer gives it to the head only."), own=True
    )
    if not agreed:
        return NOTHING_CHANGED
    await do(ask_copy, number=household.number)
    return _("Done. The treasurer is told: fetch your copy there.")


async def who_read(household: Household) -> Sentence:
    """Officers of the mutuelle and its support; doctors stand under my messages."""
    reads = await look(reads_of, household, LAST_READS)
    if not reads:
        return await show(_("Nobody of the mutuelle has looked for your household."))
    lines: list[Fact] = [read_in_words(one) for one in reads]
    said = lines[0]
    for line in lines[1:]:
        said = _("{one}, {other}", one=said, other=line)
    return await show(_("Last looked at by: {reads}.", reads=said))


async def leaving(caller: Caller, household: Household) -> Sentence:
    """What it means, the money above all, before the yes; the code of the household last, where it has one."""
    refuse_frozen(household)
    stands = await look(standing, household, caller.at)
    if stands.own_payment:
        return PAYMENT_UNDER_WAY
    agreed = await confirm(what_leaving_means(stands))
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(household)
    if wrong := await do(leave, number=household.number, due=stands.due, credit=stands.credit, pin=pin):
        return wrong
    return _(
        "It is noted: you have left {mutuelle}. To come back, see the treasurer.",
        mutuelle=stands.mutuelle.name,
    )


def what_leaving_means(stands: Standing) -> Sentence:
    facts: dict[str, Fact] = {"mutuelle": stands.mutuelle.name}
    if stands.credit.amount_minor:
        return _(
            "Leave {mutuelle}? Nobody is covered any more, from now on. Your credit of {credit} is given back. "
            "What you paid stays in the books.",
            **facts,
            credit=stands.credit,
        )
    if stands.due.amount_minor:
        return _(
            "Leave {mutuelle}? Nobody is covered any more, from now on. You still owe {due}. "
            "What you paid stays in the books.",
            **facts,
            due=stands.due,
        )
    return _(
        "Leave {mutuelle}? Nobody is covered any more, from now on. Nothing is paid back. "
        "What you paid stays in the books.",
        **facts,
    )
