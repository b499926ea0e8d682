"""Past eligibility checks, as read by the household that they are about and by the doctor who asked."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.care.tables import eligibility_check
from mutuelle.contributions.family import aged
from mutuelle.dates import local_time
from mutuelle.household_key import same_household
from mutuelle.households.households import Household, initials_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import beneficiary, facility
from mutuelle.tables import household as household_table
from talk.words import Caller


@dataclass(frozen=True)
class Check:
    """One answer: `reference` is what the doctor noted, `until_on` the last day of cover as it stood then.

    `number` is the household's, `head` its head; the patient's `name` may not be on record. Without `birth_year` the
    answer is of several people, or of the household. `without_code`: only the year of birth was given.
    """

    mutuelle: Mutuelle
    reference: str
    facility: str
    asked_at: datetime
    covered: bool
    until_on: date | None
    number: str = ""
    name: str | None = None
    birth_year: int | None = None
    head: str = ""
    without_code: bool = False

    @property
    def patient(self) -> Sentence | str:
        """The patient as a register has it: initials, or the age where no name is on record."""
        if self.birth_year is None:
            return _("household of {head}", head=initials_of(self.head))
        return initials_of(self.name) if self.name else aged(max(self.day.year - self.birth_year, 0))

    @property
    def end_of_number(self) -> str:
        """What is shown of the member number: its last three digits."""
        return f"..{self.number[-3:]}"

    @property
    def day(self) -> date:
        """Its calendar day in the mutuelle's time zone."""
        return self.mutuelle.today(self.asked_at)

    @property
    def line(self) -> str:
        """When and where, as the household reads it."""
        return f"{self.day:%d/%m/%y} {self.facility}"

    @property
    def time(self) -> str:
        """Its time of day in the mutuelle's time zone."""
        return local_time(self.asked_at, self.mutuelle.timezone)


async def checks_of(db: AsyncConnection, household: Household, limit: int) -> list[Check]:
    """The last `limit` answers about a household, the newest first: who checked my cover."""
    return await _checks(db, household.mutuelle_id, eligibility_check.c.number == household.number, limit)


async def checks_by(db: AsyncConnection, caller: Caller, mutuelle_id: str, limit: int) -> list[Check]:
    """The last `limit` answers that the caller got as a doctor of a mutuelle, the newest first."""
    return await _checks(db, mutuelle_id, eligibility_check.c.doctor_phone == caller.phone, limit)


async def _checks(
    db: AsyncConnection, mutuelle_id: str, whose: ColumnElement[bool], limit: int
) -> list[Check]:
    mutuelle = await get_mutuelle(db, mutuelle_id)
    rows = await db.execute(
        select(
            eligibility_check.c.reference,
            facility.c.name,
            eligibility_check.c.asked_at,
            eligibility_check.c.covered,
            eligibility_check.c.until_on,
            eligibility_check.c.number,
            beneficiary.c.name,
            beneficiary.c.birth_year,
            household_table.c.head_name,
            eligibility_check.c.code_position.is_(None),
        )
        .join(household_table, same_household(household_table, eligibility_check))
        .outerjoin(
            beneficiary,
            same_household(beneficiary, eligibility_check) & (beneficiary.c.rank == eligibility_check.c.rank),
        )
        .join(
            facility,
            (facility.c.mutuelle_id == eligibility_check.c.mutuelle_id)
            & (facility.c.id == eligibility_check.c.facility_id),
        )
        .where(eligibility_check.c.mutuelle_id == mutuelle_id, whose)
        .order_by(eligibility_check.c.asked_at.desc(), eligibility_check.c.reference)
        .limit(limit)
    )
    return [Check(mutuelle, *row) for row in rows]
