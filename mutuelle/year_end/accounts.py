"""The accounts of a closed year, as they are read out to the members."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import HEALTH
from locales import Money
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.year_end.closing import find_closed_year, last_day_of
from mutuelle.year_end.membership import Membership
from mutuelle.year_end.results import FundYear, fund_years

CARE = ("benefits",)
MOBILE, BANK = ("float", "disbursement", "transit"), ("bank",)


@dataclass(frozen=True)
class YearAccounts:
    """The members and the health fund of a year, at its end."""

    mutuelle: Mutuelle
    year: int
    members: Membership
    health: FundYear

    def money(self, minor: int) -> Money:
        return Money(minor, self.mutuelle.currency)

    @property
    def contributions(self) -> Money:
        return self.money(-self.health.held("contributions", "registration", "assembly"))

    @property
    def other_income(self) -> Money:
        return self.money(self.health.income_minor - self.contributions.amount_minor)

    @property
    def care(self) -> Money:
        return self.money(self.health.held(*CARE))

    @property
    def costs(self) -> Money:
        """All that was spent for other things than care."""
        return self.money(self.health.expenses_minor - self.care.amount_minor)


async def last_accounts(db: AsyncConnection, mutuelle: Mutuelle) -> YearAccounts | None:
    """The accounts of the last closed year; None where no year is closed."""
    closed = await find_closed_year(db, mutuelle.id)
    if closed is None:
        return None
    found = await fund_years(db, mutuelle.id, last_day_of(closed.year))
    health = [one for one in found if (one.fund, one.currency) == (HEALTH, mutuelle.currency)]
    fund = health[0] if health else FundYear(HEALTH, mutuelle.currency, {})
    return YearAccounts(mutuelle, closed.year, closed.members, fund)
