"""Who decided each rule of benefits: the two who signed it, or who imported the first one."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.benefits.rules import Benefit
from mutuelle.benefits.tables import benefit
from mutuelle.officers.tables import joint_act


@dataclass(frozen=True)
class DecidedBenefit:
    """A rule, and who decided it."""

    rule: Benefit
    who: str


async def decided_benefits(db: AsyncConnection, mutuelle_id: str) -> list[DecidedBenefit]:
    """Every rule of the mutuelle, by product, service and level, the newest of each first."""
    b, act = benefit.c, joint_act.c
    rows = await db.execute(
        select(
            *(b[name] for name in Benefit.__dataclass_fields__), b.actor, act.proposer_name, act.answerer_name
        )
        .outerjoin_from(benefit, joint_act, (act.mutuelle_id == b.mutuelle_id) & (act.id == b.act))
        .where(b.mutuelle_id == mutuelle_id)
        .order_by(b.product_code, b.service, b.level, b.since.desc(), b.version.desc())
    )
    found = []
    for row in rows.mappings():
        rule = Benefit(**{name: row[name] for name in Benefit.__dataclass_fields__})
        names = (row["proposer_name"], row["answerer_name"])
        found.append(DecidedBenefit(rule, ", ".join(names) if all(names) else row["actor"]))
    return found
