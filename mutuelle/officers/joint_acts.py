"""Acts of two people: a treasurer proposes one, another approves or refuses it, each with the PIN; or it lapses.

Never the same person or phone, never the one whom it is about. What an act says and does belongs to its kind, such as
`role_changes.py`. Everything is looked at again before each signature; what is approved is done once, with the answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.notify import notify
from mutuelle.officers.appointments import lock_roles
from mutuelle.officers.messages import proposal_lapsed, signature_asked, signature_given, signature_refused
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of, officers_of
from mutuelle.officers.tables import joint_act
from talk.answers import Secret
from talk.questions import initials
from talk.trouble import RefusedError
from talk.words import Caller, Consent
from values import value

T = TypeVar("T")
Facts = Mapping[str, Any]  # what an act is about, as the table keeps it

APPROVED, REFUSED = "approved", "refused"
LAPSED = _("Who proposed this is no longer treasurer: nothing was done.")
TWO_TREASURERS = "two treasurers"  # the actor in records and in the ledger
OPEN_DAYS = 7
MOST_OPEN = 8  # of a kind in a mutuelle: what a treasurer can read through on a phone


async def _nothing_to_lock(_db: AsyncConnection, _own: Appointment, _facts: Facts) -> None:
    return None


@dataclass(frozen=True)
class ActKind(Generic[T]):
    """One kind of act; `T` is what it decides on, as it is at a signature.

    `label` names an act in a list and in an SMS. `look_again` gives what it decides on for the officer who signs, or
    raises RefusedError where it is not possible (any more); what `lock` locks does not change until she has signed.
    `words` are all that is agreed to. `carry_out` does what was approved, `done` is what the approver then reads.
    `about`: the phone that the act is about. Two open acts of one `subject` (names of facts; none: all) are the same.
    `tells_proposer`: `carry_out` tells who proposed more than that it is signed, such as a voucher's number.
    """

    name: str
    label: Callable[[Facts], Sentence]
    look_again: Callable[[AsyncConnection, Caller, Appointment, Facts], Awaitable[T]]
    words: Callable[[T, str], Sentence]
    carry_out: Callable[[AsyncConnection, "JointAct", T, datetime], Awaitable[None]]
    done: Callable[[Facts], Sentence]
    lock: Callable[[AsyncConnection, Appointment, Facts], Awaitable[None]] = _nothing_to_lock
    about: Callable[[Facts], str | None] = lambda _facts: None
    subject: tuple[str, ...] = ()
    tells_proposer: bool = False

    def is_same(self, one: Facts, other: Facts) -> bool:
        return all(one[name] == other[name] for name in self.subject or one)


@value
class NewJointAct:
    """An act that is proposed now: its kind's name, what it is about, and why."""

    kind: str
    facts: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class JointAct:
    """An act of two people, as it was proposed."""

    id: str
    mutuelle_id: str
    kind: str
    facts: Facts
    reason: str
    proposed_by: str
    proposer: str

    @property
    def key(self) -> str:
        return self.id

    @property
    def label(self) -> Sentence:
        return _KINDS[self.kind].label(self.facts)


_KINDS: dict[str, ActKind[Any]] = {}


def known(kind: ActKind[T]) -> ActKind[T]:
    """`kind`, which can be proposed and answered from now on."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"two kinds of acts are called {kind.name}")
    return kind


async def words_to_propose(
    db: AsyncConnection, caller: Caller, own: Appointment, act: NewJointAct
) -> Sentence:
    """All that the proposer agrees to; RefusedError where the act cannot be proposed."""
    matter = await _looked_at(db, caller, own, act)
    await _others_to_sign(db, caller, own, act)
    return _KINDS[act.kind].words(matter, act.reason)


async def words_to_approve(db: AsyncConnection, caller: Caller, own: Appointment, act: JointAct) -> Sentence:
    """The same words for the approver, of what is so now; RefusedError where the act is not possible any more."""
    return _KINDS[act.kind].words(await _looked_at(db, caller, own, act), act.reason)


def done(act: JointAct) -> Sentence:
    """What the approver reads when it is done."""
    return _KINDS[act.kind].done(act.facts)


async def acts_to_sign(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[JointAct]:
    """The open acts of every kind that the caller may answer, the oldest first."""
    return [
        act
        for act in await _open_acts(db, caller, mutuelle_id)
        if caller.phone not in (act.proposed_by, _KINDS[act.kind].about(act.facts))
    ]


async def propose(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, proposal: NewJointAct, pin: Secret, agreed: Consent
) -> Sentence | None:
    """Propose an act, and tell those who may sign it; a sentence where the PIN is not right.

    1. Lock the roles, then what the act decides on.
    2. Look at everything again. Only then check the PIN.
    3. Write the act with the words that were agreed to, and the SMS.
    """
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    kind = _KINDS[proposal.kind]
    await kind.lock(db, own, proposal.facts)
    await _looked_at(db, caller, own, proposal)
    others = await _others_to_sign(db, caller, own, proposal)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    row = {
        "mutuelle_id": mutuelle,
        "id": uuid4(),
        "kind": proposal.kind,
        "about": kind.about(proposal.facts),
        "facts": dict(proposal.facts),
        "reason": proposal.reason,
        "consent": agreed.words,
        "proposed_by": caller.phone,
        "proposer_name": own.name,
        "proposed_at": caller.at,
        "expires_at": caller.at + timedelta(days=OPEN_DAYS),
    }
    await db.execute(insert(joint_act), row)
    sentence = signature_asked(own.mutuelle_name, own.name, kind.label(proposal.facts))
    await notify(db, mutuelle, "signature asked", dict.fromkeys(others, sentence), caller.at)
    return None


async def answer_act(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, proposal: str, answer: str, pin: Secret
) -> Sentence | None:
    """Approve an act, which carries it out, or refuse it; a sentence where the PIN is not right, or the act has lapsed.

    1. Lock the roles, then what the act decides on.
    2. Refuse who may not answer; to approve, look at everything again. Only then check the PIN.
    3. Write the answer, and do what was approved. The act of somebody who is no longer treasurer is refused, whatever
       the answer was: both are told.
    """
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    found = {open_act.id: open_act for open_act in await _open_acts(db, caller, mutuelle)}.get(proposal)
    if found is None:
        raise RefusedError(_("This proposal was answered already, or a week has passed."))
    kind = _KINDS[found.kind]
    _expect_second_person(own, found, kind.about(found.facts))
    await kind.lock(db, own, found.facts)
    matter: Any = None
    has_lapsed = found.proposed_by not in await _treasurers(db, caller, mutuelle)
    if answer == APPROVED and not has_lapsed:
        matter = await _looked_at(db, caller, own, found)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    of_act = (joint_act.c.mutuelle_id == mutuelle) & (joint_act.c.id == UUID(found.id))
    said = {"answered_by": caller.phone, "answerer_name": own.name, "answered_at": caller.at}
    done_as = REFUSED if has_lapsed else answer
    await db.execute(sa.update(joint_act).where(of_act).values(answer=done_as, **said))
    if done_as == APPROVED:
        await kind.carry_out(db, found, matter, caller.at)
        if not kind.tells_proposer:
            sentence = signature_given(own.mutuelle_name, own.name, found.label)
            await notify(db, mutuelle, "signature given", {found.proposed_by: sentence}, caller.at)
        return None
    refused = proposal_lapsed if has_lapsed else signature_refused
    sentence = refused(own.mutuelle_name, own.name, found.label)
    await notify(db, mutuelle, "signature refused", {found.proposed_by: sentence}, caller.at)
    return LAPSED if has_lapsed else None


async def _looked_at(
    db: AsyncConnection, caller: Caller, own: Appointment, act: JointAct | NewJointAct
) -> Any:
    return await _KINDS[act.kind].look_again(db, caller, own, act.facts)


async def _others_to_sign(
    db: AsyncConnection, caller: Caller, own: Appointment, act: NewJointAct
) -> list[str]:
    """The phones of those who could sign; RefusedError where there is none, or the act waits already."""
    kind, waiting = _KINDS[act.kind], await _open_acts(db, caller, own.mutuelle_id)
    alike = [open_act for open_act in waiting if open_act.kind == act.kind]
    if any(kind.is_same(act.facts, open_act.facts) for open_act in alike):
        raise RefusedError(_("This is proposed already: another treasurer must answer."))
    if len(alike) >= MOST_OPEN:
        raise RefusedError(_("Too many proposals wait. Please answer them first."))
    signers = await _treasurers(db, caller, own.mutuelle_id)
    others = [phone for phone in signers if phone not in (caller.phone, kind.about(act.facts))]
    if not others:
        raise RefusedError(_("It takes another treasurer to approve this. Please see your mutuelle."))
    return others


async def _treasurers(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[str]:
    in_office = await officers_of(db, mutuelle_id, caller.at)
    return [officer.phone for officer in in_office if officer.role is Role.TREASURER]


def _expect_second_person(own: Appointment, act: JointAct, about: str | None) -> None:
    """Refused where the proposer answers, perhaps with a second phone, or whom it is about."""
    if own.phone == act.proposed_by or initials(own.name) == initials(act.proposer):
        raise RefusedError(_("Another treasurer than the one who proposed must answer."))
    if own.phone == about:
        raise RefusedError(_("Nobody answers a proposal about herself."))


async def _open_acts(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[JointAct]:
    """The acts that wait for an answer and have not lapsed, the oldest first."""
    a = joint_act.c
    waiting = (a.mutuelle_id == mutuelle_id) & a.answer.is_(None) & (a.expires_at > caller.at)
    return await _acts_where(db, waiting)


async def find_act(db: AsyncConnection, mutuelle_id: str, act: UUID) -> JointAct:
    """An act, answered or not; LookupError where there is none."""
    a = joint_act.c
    found = await _acts_where(db, (a.mutuelle_id == mutuelle_id) & (a.id == act))
    if not found:
        raise LookupError(f"{mutuelle_id} has no act {act}")
    return found[0]


async def _acts_where(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[JointAct]:
    """The oldest first."""
    a = joint_act.c
    columns = select(a.id, a.mutuelle_id, a.kind, a.facts, a.reason, a.proposed_by, a.proposer_name)
    rows = await db.execute(columns.where(which).order_by(a.proposed_at, a.id))
    return [JointAct(str(row[0]), *row[1:]) for row in rows]
