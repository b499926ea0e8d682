"""What a mutuelle says first of its benefits: services of its own, rules, agreements with facilities, prices.

They come with an import. Writing the same again changes nothing; a rule that is there is changed by two treasurers only
(`benefit_changes.py`), and a price by a new line with a later day.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.benefits.rules import Benefit, FacilityAgreement, Tariff
from mutuelle.benefits.tables import agreement, benefit, named_service, tariff
from mutuelle.dates import local_date
from mutuelle.scheme.mutuelles import Mutuelle


@dataclass
class BenefitOpenings:
    """What is opened: agreements and prices by the id of their facility."""

    named: dict[str, str] = field(default_factory=dict)
    benefits: list[Benefit] = field(default_factory=list)
    agreements: list[tuple[str, FacilityAgreement]] = field(default_factory=list)
    tariffs: list[tuple[str, Tariff]] = field(default_factory=list)


async def open_benefits(db: AsyncConnection, mutuelle: Mutuelle, new: BenefitOpenings, by: By) -> None:
    """Write what is not there yet. Of an agreement that is there its last day may be said later, or otherwise."""
    own = {"mutuelle_id": mutuelle.id}
    await _write(db, named_service, [own | {"code": code, "name": name} for code, name in new.named.items()])
    noted = {
        "actor": by.actor,
        "decided_on": local_date(by.at, mutuelle.timezone),
        "notice_days": 0,
        "recorded_at": by.at,
    }
    await _write(db, benefit, [own | asdict(one) | noted for one in new.benefits])
    await _write(db, tariff, [own | {"facility_id": at} | asdict(one) for at, one in new.tariffs])
    for facility_id, one in new.agreements:
        row = own | {"facility_id": facility_id} | asdict(one)
        written = insert(agreement).values(row)
        keys = [column.name for column in agreement.primary_key]
        await db.execute(written.on_conflict_do_update(index_elements=keys, set_={"until": one.until}))


async def _write(db: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await db.execute(insert(table).on_conflict_do_nothing(), rows)


async def existing_openings(db: AsyncConnection, mutuelle_id: str) -> BenefitOpenings:
    """What the mutuelle has said of its benefits so far, changes by two treasurers too."""

    async def rows(table: sa.Table, *names: str) -> list[dict[str, Any]]:
        own = sa.select(*(table.c[name] for name in names)).where(table.c.mutuelle_id == mutuelle_id)
        return [dict(row) for row in (await db.execute(own)).mappings()]

    agreements = await rows(agreement, "facility_id", *FacilityAgreement.__dataclass_fields__)
    tariffs = await rows(tariff, "facility_id", *Tariff.__dataclass_fields__)
    return BenefitOpenings(
        {row["code"]: row["name"] for row in await rows(named_service, "code", "name")},
        [Benefit(**row) for row in await rows(benefit, *Benefit.__dataclass_fields__)],
        [(row.pop("facility_id"), FacilityAgreement(**row)) for row in agreements],
        [(row.pop("facility_id"), Tariff(**row)) for row in tariffs],
    )
