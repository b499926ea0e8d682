"""A general assembly: two treasurers convene it, and every household that has a phone gets an SMS."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.households.holders import phones_of_open
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.year_end.tables import assembly
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

LATEST = timedelta(days=180)  # an assembly later than that is a typing mistake
CONVENED = "assembly convened"


@value
class Assembly:
    """A general assembly; `hour` is the hour at which it begins, `quorum` how many must be there."""

    on: date
    hour: int
    place: str
    quorum: int


@dataclass(frozen=True)
class Convening:
    """An assembly as it is at a signature, and how many SMS it takes to tell the members."""

    mutuelle: Mutuelle
    assembly: Assembly
    phones: int


async def next_assembly(db: AsyncConnection, mutuelle: Mutuelle, at: datetime) -> Assembly | None:
    """The next assembly that was convened, today's too."""
    a = assembly.c
    row = (
        await db.execute(
            select(a.held_on, a.starts_at, a.place, a.quorum)
            .where(a.mutuelle_id == mutuelle.id, a.held_on >= mutuelle.today(at))
            .order_by(a.held_on)
            .limit(1)
        )
    ).one_or_none()
    return Assembly(*row) if row else None


def convening_of(new: Assembly) -> NewJointAct:
    """The proposal to convene an assembly."""
    facts = {"on": new.on.isoformat(), "hour": new.hour, "place": new.place, "quorum": new.quorum}
    return NewJointAct(ASSEMBLY.name, facts, "an assembly is convened")


def _read(facts: Facts) -> Assembly:
    return Assembly(date.fromisoformat(facts["on"]), facts["hour"], facts["place"], facts["quorum"])


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Convening:
    """RefusedError for a day that is over or too far, or on which there is one already."""
    found, mutuelle = _read(facts), await get_mutuelle(db, own.mutuelle_id)
    today = mutuelle.today(caller.at)
    if not today < found.on <= today + LATEST:
        raise RefusedError(_("The assembly must be after today, within six months."))
    same_day = (assembly.c.mutuelle_id == mutuelle.id) & (assembly.c.held_on == found.on)
    if await db.scalar(select(assembly.c.held_on).where(same_day)):
        raise RefusedError(_("An assembly is convened on this day already."))
    phones = await db.scalar(select(func.count()).select_from(phones_of_open(mutuelle.id).subquery()))
    return Convening(mutuelle, found, phones or 0)


def said_where(found: Assembly) -> dict[str, Any]:
    return {"day": found.on, "hour": str(found.hour), "place": found.place}


def _words(found: Convening, _reason: str) -> Sentence:
    return _(
        "Convene the assembly on {day} at {hour}:00, {place}? Quorum {quorum}. SMS to send: {n}",
        quorum=str(found.assembly.quorum),
        n=str(found.phones),
        **said_where(found.assembly),
    )


async def _convene(db: AsyncConnection, act: JointAct, found: Convening, at: datetime) -> None:
    new = found.assembly
    row = {
        "mutuelle_id": act.mutuelle_id,
        "held_on": new.on,
        "starts_at": new.hour,
        "place": new.place,
        "quorum": new.quorum,
        "act": UUID(act.id),
        "convened_at": at,
    }
    await db.execute(insert(assembly), row)
    phones = await db.scalars(phones_of_open(act.mutuelle_id))
    sentence = convened(found.mutuelle, new)
    await notify(db, act.mutuelle_id, CONVENED, dict.fromkeys(phones, sentence), at, event=act.id)


def convened(mutuelle: Mutuelle, new: Assembly) -> Sentence:
    """What members read, by SMS and in the menu."""
    said = {"mutuelle": mutuelle.name, **said_where(new)}
    return _(
        "{mutuelle}: general assembly on {day} at {hour}:00, {place}. Come to hear the accounts and vote.",
        **said,
    ).or_else(_("{mutuelle}: general assembly on {day} at {hour}:00, {place}.", **said))


ASSEMBLY = known(
    ActKind(
        "assembly",
        label=lambda facts: _("Assembly on {day}", day=date.fromisoformat(facts["on"])),
        look_again=_look_again,
        words=_words,
        carry_out=_convene,
        done=lambda facts: _(
            "Done. The members are told by SMS of the assembly on {day}.", day=date.fromisoformat(facts["on"])
        ),
        subject=("on",),
    )
)
