"""Months and mutuelle time: an insurance period is counted in calendar months, in the mutuelle's own zone."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a month that is too short for it."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(start: date, months: int) -> date:
    """The last day of a period of `months` that begins on `start` (openIMIS: start + period - 1 day)."""
    return add_months(start, months) - timedelta(days=1)


def local_date(at: datetime, timezone: str) -> date:
    """The calendar day at `at` where the mutuelle is."""
    return at.astimezone(ZoneInfo(timezone)).date()
