"""Merges duplicate households: the duplicate is closed, its money and phones go to the kept one.

The duplicate keeps the policies that have covered it: only a policy that never opened is taken back. All is posted in
one journal, so that reopening the duplicate is its reversal.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Journal, Movement, Origin, reverse
from ledger.statements import Entry, statement
from locales import Money
from mutuelle.acts import By
from mutuelle.contributions.contribution_calls import CALLS, calls_due
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.households import support_acts
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import notices
from mutuelle.households.households import Household, add_phone, free_phone, phones_of, phones_of_all
from mutuelle.households.support_acts import NewSupportAct, SupportError, last_act, write_act
from mutuelle.notify import notify
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.support import messages
from mutuelle.support.changes import closed_household, refuse_guarded, set_closed
from mutuelle.support.households import cover_in_words, open_household, refuse_while_paying

SOURCE = "merge"
KIND = "households merged"
ACTOR = "support"
NEVER_OPENED = (CoverState.UNPAID, CoverState.PART_PAID)


async def merge_households(db: AsyncConnection, number: str, into: str, by: By) -> Money:
    """Close the duplicate `number`, and give its money and phones to `into`; returns the money that went over.

    1. Lock both, the smaller number first: two merges cause no deadlock.
    2. Refuse while something must be settled first: a payment under way, a cover that runs or is owed for.
    3. Post one journal that takes back the call of a policy that never opened and moves the credit; and the
       contribution calls of the kept household that this credit makes.
    4. Move the phones, close the duplicate, note both changes, notify all phones.
    """
    if number == into:
        raise SupportError("these are the same household")
    first, second = [await open_household(db, each) for each in sorted((number, into))]
    duplicate, kept = (first, second) if first.number == number else (second, first)
    if duplicate.mutuelle_id != kept.mutuelle_id:
        raise SupportError("these households are of two mutuelles: their money never crosses")
    for household in (duplicate, kept):
        await refuse_while_paying(db, household)
        refuse_guarded(household)
    stands = await standing(db, duplicate, by.at)
    _refuse_running(stands)
    mutuelle = stands.mutuelle
    act_id = uuid4()
    moved, journal_id = await _post(db, stands, kept, act_id, by.at)
    added = await _move_phones(db, duplicate, kept, by.at)
    await set_closed(db, duplicate, by)
    await _note(db, duplicate, f"into {kept.shown_number}", by)
    await _note(db, kept, f"from {duplicate.shown_number}", by)
    facts = {"into": into, "phones": added, "journal": journal_id}
    await write_act(db, NewSupportAct(support_acts.MERGE, number, duplicate, facts, act_id), by)
    sentences = await notices(db, kept, messages.merged(duplicate, kept, mutuelle), by.at)
    await notify(db, kept.mutuelle_id, "households merged", sentences, by.at, event=f"{into} {act_id}")
    return Money(moved, mutuelle.currency)


def _refuse_running(stands: Standing) -> None:
    """SupportError where the duplicate's cover runs, or was used and is not paid for."""
    number, state = stands.household.number, stands.cover.state
    if state in NEVER_OPENED:
        if stands.share and any(period.paid_minor for period in stands.periods):
            raise SupportError(
                f"{stands.share.regime.payer_name} owes a part of what household {number} has paid: close it instead"
            )
        return
    if state is not CoverState.EXPIRED:
        raise SupportError(
            f"household {number} is {cover_in_words(stands.cover)}: keep this one and merge the other, "
            "or wait until it has ended"
        )
    if stands.due.amount_minor:
        raise SupportError(
            f"household {number} still owes {stands.due} for a time in which it was covered: close it instead"
        )


async def _post(
    db: AsyncConnection, stands: Standing, kept: Household, act_id: UUID, at: datetime
) -> tuple[int, str | None]:
    """Post the merge of a duplicate; returns the credit that went over, in minor units, and its journal, if any."""
    mutuelle, duplicate = stands.mutuelle, stands.household
    entries = await statement(db, mutuelle.id, duplicate.account)
    never_opened = stands.cover.state in NEVER_OPENED
    taken_back = _taken_back(mutuelle, duplicate, entries) if never_opened else []
    credit = sum(entry.credit - entry.debit for entry in entries)
    credit += sum(movement.amount_minor for movement in taken_back)
    movements = list(taken_back)
    if credit > 0:
        movements.append(Movement(duplicate.account, kept.account, credit, mutuelle.currency))
    if not movements:
        return 0, None
    today = mutuelle.today(at)
    calls = await calls_due(db, mutuelle, kept, new_receipt_minor=max(credit, 0), on=today, actor=ACTOR)
    journal = Journal(
        mutuelle=mutuelle.id,
        source=SOURCE,
        key=str(act_id),
        kind=KIND,
        effective_on=today,
        actor=ACTOR,
        reason="a household written down twice",
        movements=movements,
        memo={"act": str(act_id)},
    )
    await post_all(db, [*calls, journal])
    return max(credit, 0), str(journal.id)


def _taken_back(mutuelle: Mutuelle, household: Household, entries: Sequence[Entry]) -> list[Movement]:
    """The reversed movements of a household's contribution calls that were not taken back since."""
    called = [entry for entry in entries if entry.kind in CALLS and entry.debit and not entry.reversed]
    return [
        Movement(entry.counter_account, household.account, entry.debit, mutuelle.currency) for entry in called
    ]


async def _move_phones(db: AsyncConnection, duplicate: Household, kept: Household, at: datetime) -> list[str]:
    """Let the duplicate's phones speak for the kept household; returns those that did not before."""
    own = await phones_of(db, kept, unconfirmed=True)
    [theirs] = await phones_of_all(db, [duplicate], at)
    added = [phone for phone, doubt in theirs.items() if not doubt and phone not in own]
    for phone in added:
        await add_phone(db, kept, phone, at)
    return added


async def reopen_household(db: AsyncConnection, number: str, by: By) -> Household:
    """Reopen a closed household; one that was closed by a merge gets its money and phones back."""
    household = await closed_household(db, number)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    closing = await last_act(db, household, support_acts.MERGE, support_acts.CLOSE)
    if closing is not None and closing.act == support_acts.MERGE:
        await _unmerge(db, mutuelle, household, str(closing.facts["into"]), closing, by)
    await set_closed(db, household, None)
    await note_change(db, household, Change.REOPENED, detail="", by=by)
    act_id = await write_act(db, NewSupportAct(support_acts.REOPEN, number, household), by)
    sentences = await notices(db, household, messages.reopened(household, mutuelle), by.at)
    await notify(
        db, household.mutuelle_id, "household reopened", sentences, by.at, event=f"{number} {act_id}"
    )
    return household


async def _unmerge(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    household: Household,
    into: str,
    merge: support_acts.SupportAct,
    by: By,
) -> None:
    kept = await open_household(db, into)
    await refuse_while_paying(db, kept)
    for phone in merge.facts["phones"]:
        await free_phone(db, kept, str(phone))
    await note_change(db, kept, Change.REOPENED, detail=household.shown_number, by=by)
    if merge.facts["journal"] is None:
        return
    origin = Origin(SOURCE, f"{merge.id} taken back", ACTOR, "the households are two after all")
    journal_id = UUID(str(merge.facts["journal"]))
    posted = await reverse(db, mutuelle.id, journal_id, mutuelle.today(by.at), origin)
    if not posted.stands:
        raise SupportError(f"the merge of household {household.number} cannot be taken back: {posted.reason}")


async def _note(db: AsyncConnection, household: Household, detail: str, by: By) -> None:
    await note_change(db, household, Change.MERGED, detail=detail, by=by)
