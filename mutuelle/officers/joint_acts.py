"""Acts of two people: a treasurer proposes one, another answers it, each with the PIN. Unanswered ones lapse.

The facts and words of an act, and what its approval does, belong to its kind, such as `waivers.py`. The facts are
checked again when it is answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.officers.proposals import MOST_OPEN, OPEN_DAYS, expect_second_person
from mutuelle.officers.roles import Appointment, Role, officers_of
from mutuelle.officers.tables import joint_act
from talk.trouble import RefusedError
from talk.words import Caller, Consent


@dataclass(frozen=True)
class NewJointAct:
    """An act that is proposed now: what it is about, and why."""

    kind: str
    facts: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class JointAct:
    """An act that waits for a second treasurer. `facts` are its kind's own."""

    id: str
    kind: str
    facts: Mapping[str, Any]
    reason: str
    proposed_by: str
    proposer: str


async def acts_to_answer(db: AsyncConnection, caller: Caller, mutuelle_id: str, kind: str) -> list[JointAct]:
    """The open acts of this kind that the caller did not propose, the oldest first."""
    return [act for act in await open_acts(db, caller, mutuelle_id, kind) if act.proposed_by != caller.phone]


async def open_acts(db: AsyncConnection, caller: Caller, mutuelle_id: str, kind: str) -> list[JointAct]:
    """The acts of this kind that wait for an answer and have not lapsed, the oldest first."""
    a = joint_act.c
    rows = await db.execute(
        select(a.id, a.kind, a.facts, a.reason, a.proposed_by, a.proposer_name)
        .where(a.mutuelle_id == mutuelle_id, a.kind == kind, a.answer.is_(None), a.expires_at > caller.at)
        .order_by(a.proposed_at, a.id)
    )
    return [JointAct(str(row[0]), *row[1:]) for row in rows]


async def others_to_answer(db: AsyncConnection, caller: Caller, own: Appointment) -> list[str]:
    """The phones of the treasurers who could answer what the caller proposes; RefusedError where there is none."""
    in_office = await officers_of(db, own.mutuelle_id, caller.at)
    others = [o.phone for o in in_office if o.role is Role.TREASURER and o.phone != caller.phone]
    if not others:
        raise RefusedError(_("It takes another treasurer to approve this. Please see your mutuelle."))
    return others


async def expect_not_proposed(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, kind: str, facts: Mapping[str, Any]
) -> None:
    """Refused where the same act waits already, or MOST_OPEN acts do."""
    waiting = await open_acts(db, caller, mutuelle_id, kind)
    if any(act.facts == facts for act in waiting):
        raise RefusedError(_("This is proposed already: another treasurer must answer."))
    if len(waiting) >= MOST_OPEN:
        raise RefusedError(_("Too many proposals wait. Please answer them first."))


async def write_act(
    db: AsyncConnection, caller: Caller, own: Appointment, act: NewJointAct, agreed: Consent
) -> None:
    """Write down what the caller proposes, with the words that she agreed to."""
    row = {
        "mutuelle_id": own.mutuelle_id,
        "id": uuid4(),
        "kind": act.kind,
        "facts": dict(act.facts),
        "reason": act.reason,
        "consent": agreed.words,
        "proposed_by": caller.phone,
        "proposer_name": own.name,
        "proposed_at": caller.at,
        "expires_at": caller.at + timedelta(days=OPEN_DAYS),
    }
    await db.execute(insert(joint_act), row)


async def act_to_answer(
    db: AsyncConnection, caller: Caller, own: Appointment, kind: str, act_id: str
) -> JointAct:
    """The open act that the caller answers. The caller's transaction holds the lock of the mutuelle's roles.

    RefusedError where it was answered or has lapsed, or where the caller is no second person.
    """
    waiting = {act.id: act for act in await open_acts(db, caller, own.mutuelle_id, kind)}
    act = waiting.get(act_id)
    if act is None:
        raise RefusedError(_("This proposal was answered already, or a week has passed."))
    expect_second_person(own, act.proposed_by, act.proposer)
    return act


async def expect_proposer_in_office(
    db: AsyncConnection, caller: Caller, own: Appointment, act: JointAct
) -> None:
    """Refused where the proposer is no longer treasurer."""
    if act.proposed_by not in await others_to_answer(db, caller, own):
        raise RefusedError(_("Who proposed this is no longer treasurer: nothing was done."))


async def write_answer(
    db: AsyncConnection, caller: Caller, own: Appointment, act: JointAct, answer: str
) -> None:
    """Write down the caller's answer."""
    of_act = (joint_act.c.mutuelle_id == own.mutuelle_id) & (joint_act.c.id == UUID(act.id))
    said = {"answered_by": caller.phone, "answerer_name": own.name, "answered_at": caller.at}
    await db.execute(sa.update(joint_act).where(of_act).values(answer=answer, **said))
