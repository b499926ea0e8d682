"""Months and mutuelle time: an insurance period is counted in calendar months, in the mutuelle's own zone."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FIRST_HOUR, LAST_HOUR = 7, 20  # hours of the day in which people get SMS that they did not just ask for


@lru_cache(maxsize=4096)  # a batch of payments asks for the same few days
def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a month that is too short for it."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(start: date, months: int) -> date:
    """The last day of a period of `months` that begins on `start` (openIMIS: start + period - 1 day)."""
    return add_months(start, months) - timedelta(days=1)


def local_date(at: datetime, timezone: str) -> date:
    """The calendar day at `at` in the time zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


def day_bounds(day: date, timezone: str) -> tuple[datetime, datetime]:
    """When a day of the time zone begins, and when the next one does, in UTC."""
    zone = ZoneInfo(timezone)
    begins, ends = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return begins.astimezone(UTC), ends.astimezone(UTC)


def local_time(at: datetime, timezone: str) -> str:
    """The time of day at `at` in the time zone, as 09:05."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%H:%M")


def day_hours_from(at: datetime, timezone: str) -> datetime:
    """`at` itself in day hours, else the start of the next ones, in the time zone."""
    local = at.astimezone(ZoneInfo(timezone))
    if FIRST_HOUR <= local.hour < LAST_HOUR:
        return at
    day = local.date() + timedelta(days=local.hour >= LAST_HOUR)
    return datetime.combine(day, time(FIRST_HOUR), ZoneInfo(timezone)).astimezone(UTC)
