"""What an assembly decides on the accounts of a closed year: two treasurers write it down from the minute.

Of the health fund's result it puts a part aside into the reserve, or takes from the reserve to make a loss good; the
rest stays carried forward. The other funds carry theirs forward.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from ledger.periods import closed_through
from locales import Money, Sentence, _
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.year_end.closing import find_closed_year, last_day_of
from mutuelle.year_end.results import FundYear, fund_years
from mutuelle.year_end.tables import assembly, assembly_vote
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

SOURCE = "assembly"
ASSIGNED = "result assigned"
NOT_CLOSED = _("The books of this year are not closed yet. Please see your mutuelle.")


@value
class Vote:
    """How an assembly voted on a year's accounts; `minute` is the number of its minute."""

    year: int
    present: int
    in_favour: int
    against: int
    minute: str

    @property
    def approves(self) -> bool:
        return self.in_favour > self.against


@dataclass(frozen=True)
class VoteFacts:
    """A vote as it is at a signature: what the health fund has to assign, and what becomes of it."""

    vote: Vote
    reserve: Money


async def year_to_vote(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> int:
    """The last closed year.

    RefusedError: none is closed, an assembly has approved its accounts already, or the one that is convened is to come.
    """
    closed = await find_closed_year(db, mutuelle_id)
    if closed is None:
        raise RefusedError(NOT_CLOSED)
    if await approved_vote(db, mutuelle_id, closed.year):
        raise _approved_already(closed.year)
    await _quorum(db, await get_mutuelle(db, mutuelle_id), closed.year, caller.at)
    return closed.year


async def _quorum(db: AsyncConnection, mutuelle: Mutuelle, year: int, at: datetime) -> int:
    """How many people had to be at the assembly that was held since the year's end; 0 where none was convened here.

    RefusedError: the one that was convened is to come.
    """
    a, today = assembly.c, mutuelle.today(at)
    since = (a.mutuelle_id == mutuelle.id) & (a.held_on > last_day_of(year))
    rows = await db.execute(select(a.held_on, a.quorum).where(since).order_by(a.held_on))
    convened = [(row.held_on, row.quorum) for row in rows]
    held = [quorum for on, quorum in convened if on <= today]
    if convened and not held:
        raise RefusedError(_("The assembly of {day} has not been held yet.", day=convened[0][0]))
    return held[-1] if held else 0


def _approved_already(year: int) -> RefusedError:
    return RefusedError(_("The accounts of {year} are approved already.", year=str(year)))


async def approved_vote(db: AsyncConnection, mutuelle_id: str, year: int) -> Vote | None:
    """The vote by which an assembly approved the accounts of `year`."""
    v = assembly_vote.c
    approved = (v.mutuelle_id == mutuelle_id) & (v.year == year) & (v.in_favour > v.against)
    row = (
        await db.execute(select(v.year, v.present, v.in_favour, v.against, v.minute).where(approved))
    ).one_or_none()
    return Vote(*row) if row else None


async def health_now(db: AsyncConnection, mutuelle: Mutuelle, at: datetime) -> FundYear:
    """The health fund today: its `carried_minor` has the closed years, and what assemblies did with them."""
    found = await fund_years(db, mutuelle.id, mutuelle.today(at))
    health = [one for one in found if (one.fund, one.currency) == (accounts.HEALTH, mutuelle.currency)]
    return health[0] if health else FundYear(accounts.HEALTH, mutuelle.currency, {})


async def to_assign(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> tuple[Money, Money]:
    """The least and the most that an assembly may put into the reserve: below zero it takes from it for a loss."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    health = await health_now(db, mutuelle, caller.at)
    least = -min(max(-health.carried_minor, 0), max(health.reserve_minor, 0))
    return Money(least, mutuelle.currency), Money(max(health.carried_minor, 0), mutuelle.currency)


def vote_of(vote: Vote, reserve: Money) -> NewJointAct:
    """The proposal to write this vote down, and to move `reserve` of the result."""
    facts = {
        "year": vote.year,
        "present": vote.present,
        "in_favour": vote.in_favour,
        "against": vote.against,
        "minute": vote.minute,
        "reserve_minor": reserve.amount_minor,
        "currency": reserve.currency,
    }
    return NewJointAct(ASSEMBLY_VOTE.name, facts, f"minute {vote.minute}")


def _read(facts: Facts) -> VoteFacts:
    vote = Vote(*(facts[name] for name in ("year", "present", "in_favour", "against", "minute")))
    return VoteFacts(vote, Money(facts["reserve_minor"], facts["currency"]))


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> VoteFacts:
    """RefusedError where the books are open, the accounts are approved already, or the result is not there."""
    found = _read(facts)
    closed = await closed_through(db, own.mutuelle_id)
    if closed is None or closed < last_day_of(found.vote.year):
        raise RefusedError(NOT_CLOSED)
    if await approved_vote(db, own.mutuelle_id, found.vote.year):
        raise _approved_already(found.vote.year)
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    quorum = await _quorum(db, mutuelle, found.vote.year, caller.at)
    if found.vote.present < quorum:
        raise RefusedError(_("{n} people had to be there: this vote does not count.", n=str(quorum)))
    least, most = await to_assign(db, caller, own.mutuelle_id)
    if not least <= found.reserve <= most:
        raise RefusedError(_("The result has changed. Please look again."))
    return found


def _words(found: VoteFacts, _reason: str) -> Sentence:
    vote = found.vote
    said: dict[str, Any] = {
        "year": str(vote.year),
        "present": str(vote.present),
        "yes": str(vote.in_favour),
        "no": str(vote.against),
        "minute": vote.minute,
        "amount": Money(abs(found.reserve.amount_minor), found.reserve.currency),
    }
    if not vote.approves:
        return _(
            "Accounts {year} refused: {present} present, {yes} for, {no} against. Minute {minute}.", **said
        )
    if found.reserve.amount_minor < 0:
        return _(
            "Accounts {year}: {present} present, {yes} for, {no} against. {amount} from the reserve. Minute {minute}.",
            **said,
        )
    return _(
        "Accounts {year}: {present} present, {yes} for, {no} against. {amount} into the reserve. Minute {minute}.",
        **said,
    )


async def _carry_out(db: AsyncConnection, act: JointAct, found: VoteFacts, at: datetime) -> None:
    """Write the vote, and move what it assigns between the result and the reserve."""
    vote, reserve = found.vote, found.reserve
    row = {
        "mutuelle_id": act.mutuelle_id,
        "act": UUID(act.id),
        "year": vote.year,
        "present": vote.present,
        "in_favour": vote.in_favour,
        "against": vote.against,
        "minute": vote.minute,
        "reserve_minor": reserve.amount_minor,
        "currency": reserve.currency,
        "voted_at": at,
    }
    await db.execute(insert(assembly_vote), row)
    if not reserve.amount_minor:
        return
    pair = accounts.result(), accounts.reserve()
    await open_accounts(db, [Account(act.mutuelle_id, code, reserve.currency) for code in pair])
    movement = Movement(
        *(pair if reserve.amount_minor > 0 else pair[::-1]), abs(reserve.amount_minor), reserve.currency
    )
    journal = Journal(
        mutuelle=act.mutuelle_id,
        source=SOURCE,
        key=act.id,
        kind=ASSIGNED,
        effective_on=(await get_mutuelle(db, act.mutuelle_id)).today(at),
        actor=TWO_TREASURERS,
        reason=f"accounts of {vote.year}, minute {vote.minute}",
        movements=[movement],
        memo={"act": act.id},
    )
    await post_all(db, [journal])


ASSEMBLY_VOTE = known(
    ActKind(
        "assembly vote",
        label=lambda facts: _("Vote on the accounts of {year}", year=str(facts["year"])),
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done. The vote on {year} is written down.", year=str(facts["year"])),
        subject=("year",),
    )
)
