"""A limit of the mutuelle is changed by two treasurers, from the day of the second signature on."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.acts import By
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.officers.tables import joint_act
from mutuelle.scheme.limits import (
    LABELS,
    NewLimit,
    beyond,
    bounds,
    limit_changes,
    mutuelle_limit,
    shown,
    write_limit,
)
from mutuelle.scheme.mutuelles import get_mutuelle
from talk.trouble import RefusedError
from talk.words import Caller


@dataclass(frozen=True)
class LimitNow:
    """A limit as it is today; `since` is None for the usual value."""

    name: str
    value: int
    currency: str
    since: date | None

    @property
    def key(self) -> str:
        return self.name

    @property
    def label(self) -> Sentence:
        return _(
            "{limit}: {value}", limit=LABELS[self.name], value=shown(self.name, self.value, self.currency)
        )


@dataclass(frozen=True)
class DecidedLimit:
    """A change of a limit, who decided it and when it was written down."""

    change: NewLimit
    who: str
    recorded_at: datetime


async def limits_now(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[LimitNow]:
    """Every limit of the mutuelle on the caller's day."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    today, changes = mutuelle.today(caller.at), await limit_changes(db, mutuelle_id)
    return [
        LimitNow(name, value, mutuelle.currency, changes.since(name, today))
        for name, value in asdict(changes.on(today)).items()
    ]


async def decided_limits(db: AsyncConnection, mutuelle_id: str) -> list[DecidedLimit]:
    """Every change of this mutuelle's limits, the newest first, with the two who signed it or who imported it."""
    one, act = mutuelle_limit.c, joint_act.c
    rows = await db.execute(
        select(
            one.name,
            one.value,
            one.since,
            one.actor,
            one.recorded_at,
            act.proposer_name,
            act.answerer_name,
        )
        .outerjoin_from(mutuelle_limit, joint_act, (act.mutuelle_id == one.mutuelle_id) & (act.id == one.act))
        .where(one.mutuelle_id == mutuelle_id)
        .order_by(one.since.desc(), one.name, one.version.desc())
    )
    return [
        DecidedLimit(
            NewLimit(row.name, row.value, row.since),
            f"{row.proposer_name}, {row.answerer_name}" if row.proposer_name else row.actor,
            row.recorded_at,
        )
        for row in rows
    ]


def limit_change(found: LimitNow, value: int) -> NewJointAct:
    """The proposal that this limit is `value`."""
    facts: dict[str, Any] = {
        "name": found.name,
        "value": value,
        "was": found.value,
        "currency": found.currency,
    }
    return NewJointAct(LIMIT_CHANGE.name, facts, "a change of limits")


def _said(facts: Facts) -> dict[str, Fact]:
    name, currency = facts["name"], facts["currency"]
    return {
        "limit": LABELS[name],
        "value": shown(name, facts["value"], currency),
        "was": shown(name, facts["was"], currency),
    }


def _label(facts: Facts) -> Sentence:
    return _("{limit}: {value} instead of {was}", **_said(facts))


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Facts:
    """RefusedError where the limit makes no sense, is so already, or is another by now."""
    name, value = facts["name"], facts["value"]
    if value not in bounds(name, facts["currency"]):
        raise RefusedError(beyond(name, facts["currency"]))
    now = {one.name: one.value for one in await limits_now(db, caller, own.mutuelle_id)}[name]
    if value == now:
        raise RefusedError(_("This limit is so already."))
    if now != facts["was"]:
        raise RefusedError(_("This limit has changed since. Please look again."))
    return facts


async def _carry_out(db: AsyncConnection, act: JointAct, facts: Facts, at: datetime) -> None:
    today = (await get_mutuelle(db, act.mutuelle_id)).today(at)
    change = NewLimit(facts["name"], facts["value"], today)
    by = By(TWO_TREASURERS, "changed by two treasurers", at)
    await write_limit(db, act.mutuelle_id, change, by=by, act=UUID(act.id))


LIMIT_CHANGE = known(
    ActKind(
        "limit change",
        label=_label,
        look_again=_look_again,
        words=lambda facts, _reason: _("{limit}: {value} instead of {was}, from today?", **_said(facts)),
        carry_out=_carry_out,
        done=lambda facts: _("Done. {limit}: {value}, from today.", **_said(facts)),
        subject=("name",),
    )
)
