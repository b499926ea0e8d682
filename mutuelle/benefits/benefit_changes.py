"""A rule of benefits is changed by two treasurers, from a day on that leaves its notice: members are told at once.

The first day is said when the change is proposed, so late that the notice is kept whenever within the week the second
signature comes. Until that day the old rule decides, and it decides for ever about care of before.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.benefits.quotes import BenefitFacts, benefit_facts
from mutuelle.benefits.rules import Benefit, coming, in_force
from mutuelle.benefits.services import own_services, service_name
from mutuelle.benefits.tables import benefit
from mutuelle.benefits.words import LEVEL_NAMES, difference
from mutuelle.household_key import same_household
from mutuelle.households.holders import phones_of_open
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import (
    OPEN_DAYS,
    TWO_TREASURERS,
    ActKind,
    Facts,
    JointAct,
    NewJointAct,
    known,
)
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.limits import limits_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import household, policy
from talk.trouble import RefusedError
from talk.words import Caller

CHANGED = _("This rule was changed meanwhile. Please look again. Nothing was done.")


@dataclass(frozen=True)
class BenefitMatter:
    """A change as it is at a signature: the rule of today (None: the care is not paid), and the one that comes."""

    mutuelle: Mutuelle
    product_name: str
    facts: BenefitFacts
    was: Benefit | None
    new: Benefit
    notice_days: int


async def benefit_change(
    db: AsyncConnection, caller: Caller, own: Appointment, product_name: str, new: Benefit
) -> NewJointAct:
    """The proposal that `new` is the rule, from the first day on that leaves the notice."""
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    today = mutuelle.today(caller.at)
    notice_days = (await limits_of(db, mutuelle.id, today)).benefit_notice_days
    since = today + timedelta(days=OPEN_DAYS + notice_days)
    named = await own_services(db, mutuelle.id)
    facts: dict[str, Any] = asdict(replace(new, since=since, version=1)) | {
        "since": since.isoformat(),
        "product_name": product_name,
        "notice_days": notice_days,
        "own_name": named.get(new.service),  # of a service that the mutuelle has named itself
    }
    return NewJointAct(BENEFIT_CHANGE.name, facts, "a change of benefits")


def rule_of_facts(facts: Facts) -> Benefit:
    """The rule that an act is about."""
    kept = {name: facts[name] for name in Benefit.__dataclass_fields__}
    return Benefit(**kept | {"since": date.fromisoformat(facts["since"])})


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> BenefitMatter:
    """RefusedError where it is the rule already, another change is decided, or its notice cannot be kept any more."""
    mutuelle, new = await get_mutuelle(db, own.mutuelle_id), rule_of_facts(facts)
    today = mutuelle.today(caller.at)
    found = await benefit_facts(db, mutuelle.id, new.product_code)
    was = in_force(found.benefits, new.service, new.level, today)
    if coming(found.benefits, new.service, new.level, today):
        raise RefusedError(_("A change of this rule is decided already: it must begin first."))
    if was and replace(was, since=new.since, version=new.version) == new:
        raise RefusedError(_("That is the rule already."))
    notice_days = (await limits_of(db, mutuelle.id, today)).benefit_notice_days
    if new.since < today + timedelta(days=notice_days):
        raise RefusedError(CHANGED)
    return BenefitMatter(mutuelle, facts["product_name"], found, was, new, notice_days)


def _words(matter: BenefitMatter, _reason: str) -> Sentence:
    what, value, was = difference(matter.was, matter.new, matter.mutuelle.currency)
    said: dict[str, Fact] = {
        "product": matter.product_name,
        "care": service_name(matter.new.service, matter.facts.named),
        "level": LEVEL_NAMES[matter.new.level],
        "day": matter.new.since,
    }
    return _(
        "{product}, {care}, {level}. {what}: {value}, from {day} on (now {was})?",
        **said,
        what=what,
        value=value,
        was=was,
    )


async def _carry_out(db: AsyncConnection, act: JointAct, matter: BenefitMatter, at: datetime) -> None:
    """Write the rule, and tell every household of the product that has a phone."""
    new, mutuelle = matter.new, matter.mutuelle
    b = benefit.c
    same = (b.mutuelle_id == mutuelle.id) & (b.product_code == new.product_code)
    same &= (b.service == new.service) & (b.level == new.level) & (b.since == new.since)
    version = ((await db.scalar(select(func.max(b.version)).where(same))) or 0) + 1
    row = asdict(replace(new, version=version)) | {
        "mutuelle_id": mutuelle.id,
        "actor": TWO_TREASURERS,
        "act": UUID(act.id),
        "decided_on": mutuelle.today(at),
        "notice_days": matter.notice_days,
        "recorded_at": at,
    }
    await db.execute(insert(benefit), row)
    sentence = change_told(matter)
    phones = await _phones(db, mutuelle.id, new.product_code)
    await notify(db, mutuelle.id, "benefit change", dict.fromkeys(phones, sentence), at, event=act.id)


def change_told(matter: BenefitMatter) -> Sentence:
    """What the households of the product are told by SMS."""
    what, value, _was = difference(matter.was, matter.new, matter.mutuelle.currency)
    said: dict[str, Fact] = {
        "mutuelle": matter.mutuelle.name,
        "care": service_name(matter.new.service, matter.facts.named),
        "level": LEVEL_NAMES[matter.new.level],
        "day": matter.new.since,
        "phone": matter.mutuelle.complaints,
    }
    return _(
        "{mutuelle}: from {day} on, {care}, {level}. {what}: {value}. Questions: {phone}",
        **said,
        what=what,
        value=value,
    )


async def _phones(db: AsyncConnection, mutuelle_id: str, product_code: str) -> list[str]:
    """The phones of the open households whose last policy is of this product."""
    last = (
        select(policy.c.product_code)
        .where(same_household(policy, household))
        .order_by(policy.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    return list(await db.scalars(phones_of_open(mutuelle_id).where(last == product_code)))


def _label(facts: Facts) -> Sentence:
    new, own_name = rule_of_facts(facts), facts["own_name"]
    care = service_name(new.service, {new.service: own_name} if own_name else {})
    return _("Change of care: {care}, {level}", care=care, level=LEVEL_NAMES[new.level])


BENEFIT_CHANGE = known(
    ActKind(
        "benefit change",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _(
            "Done, from {day} on. The members are told by SMS.", day=date.fromisoformat(facts["since"])
        ),
        subject=("product_code", "service", "level"),
    )
)
