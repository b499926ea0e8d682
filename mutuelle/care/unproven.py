"""How many checks go without a code: a few are emergencies, many are a habit that the treasurers must hear of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.care.tables import eligibility_check
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import facility

DAYS = 30
HIGH_FROM, HIGH_SHARE = 5, 5  # so many of the last days, and one in so many of all checks


@dataclass(frozen=True)
class UnprovenChecks:
    """The checks of the last DAYS days: all, those without a code, and where most of these were made."""

    of_all: int
    unproven: int
    facility: str
    there: int

    @property
    def is_high(self) -> bool:
        """Whether it is said to the treasurers."""
        return self.unproven >= HIGH_FROM and self.unproven * HIGH_SHARE >= self.of_all

    def said(self, mutuelle: Mutuelle) -> Sentence:
        """To the treasurers; one segment."""
        return _(
            "{mutuelle}, {days} days: {unproven} of {all} checks WITHOUT CODE, {there} at {facility}. "
            "Please talk to its doctors.",
            mutuelle=mutuelle.name,
            days=DAYS,
            unproven=self.unproven,
            all=self.of_all,
            there=self.there,
            facility=self.facility,
        )


async def unproven_checks(db: AsyncConnection, mutuelle_id: str, at: datetime) -> UnprovenChecks:
    """What was checked without a code in the last DAYS days before `at`."""
    unproven = sa.func.count().filter(eligibility_check.c.code_position.is_(None))
    of_facility = (facility.c.mutuelle_id == eligibility_check.c.mutuelle_id) & (
        facility.c.id == eligibility_check.c.facility_id
    )
    rows = (
        await db.execute(
            sa.select(facility.c.name, sa.func.count(), unproven)
            .select_from(eligibility_check)
            .join(facility, of_facility)
            .where(
                eligibility_check.c.mutuelle_id == mutuelle_id,
                eligibility_check.c.asked_at > at - timedelta(days=DAYS),
                eligibility_check.c.asked_at <= at,
            )
            .group_by(facility.c.id, facility.c.name)
            .order_by(unproven.desc(), facility.c.name)
        )
    ).all()
    where, _of_all, there = rows[0] if rows else ("", 0, 0)
    return UnprovenChecks(sum(row[1] for row in rows), sum(row[2] for row in rows), where, there)
