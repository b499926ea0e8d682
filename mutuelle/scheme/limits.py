"""The limits of a mutuelle: how much cash a collector holds, what one treasurer signs alone, how many codes a day.

They are data. A change is a new row with its first day; a mutuelle without a row has the usual value. Nothing is
overwritten: what was allowed on a past day can always be read.
"""

import json
from dataclasses import dataclass, fields, replace
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import CURRENCIES, KEPT, scaled
from locales import Money, Sentence, _, counts
from mutuelle.acts import By
from mutuelle.dates import FIRST_HOUR, LAST_HOUR
from prepared import Prepared
from schema_tables import table
from sms.leases import ORDINARY_A_DAY

mutuelle_limit = table("mutuelle_limit")


@dataclass(frozen=True)
class Limits:
    """The limits of a mutuelle on one day. Amounts are in minor units of its currency.

    `cash_held_minor` and `cash_days`: what one collector holds at most, and for how long. From
    `two_signatures_from_minor` on, money out by hand takes two treasurers. `count_difference_minor`: up to here a
    treasurer books the difference of her box alone. A day: `messages_a_day` to one phone (receipts and answers are
    counted apart), `codes_a_day` of one household, `checks_a_day` of one doctor, `guesses_a_day` (checks with a wrong
    number or code) from one facility; `without_code_a_doctor` and `without_code_a_facility` of the checks by number and
    year of birth alone, by SMS and by call each. `digest_hour`: when a treasurer gets the digest who has chosen no
    hour.
    `payouts_a_day_minor`: what operators send a day from the mutuelle's accounts, as two sign; `payouts_by_one_minor`:
    of that, what one treasurer signs as the second.
    `years_kept`: how many years names and phones of a household that left are kept; 0: nothing is erased.
    `benefit_notice_days`: how long before it begins a change of what the mutuelle pays is told.
    `operator_silent_minutes`: how long an operator does not answer before treasurers are told.
    """

    cash_held_minor: int = 200_000
    cash_days: int = 5
    two_signatures_from_minor: int = 0
    count_difference_minor: int = 0
    messages_a_day: int = ORDINARY_A_DAY
    codes_a_day: int = 10
    checks_a_day: int = 300
    guesses_a_day: int = 30
    without_code_a_doctor: int = 5
    without_code_a_facility: int = 10
    digest_hour: int = FIRST_HOUR
    years_kept: int = 0
    benefit_notice_days: int = 30
    payouts_a_day_minor: int = 500_000
    payouts_by_one_minor: int = 300_000
    operator_silent_minutes: int = 60


USUAL = Limits()  # in francs CFA
# In francs CFA. What makes sense: beyond it a mutuelle cannot work, or the limit protects nobody.
BOUNDS: dict[str, range] = {
    "cash_held_minor": range(1_000, 10_000_000),
    "cash_days": range(1, 32),
    "two_signatures_from_minor": range(1_000_001),
    "count_difference_minor": range(10_001),
    "messages_a_day": range(10, 101),
    "codes_a_day": range(1, 51),
    "checks_a_day": range(10, 1_001),
    "guesses_a_day": range(5, 201),
    "without_code_a_doctor": range(101),
    "without_code_a_facility": range(301),
    "digest_hour": range(FIRST_HOUR, LAST_HOUR),
    "years_kept": range(31),
    "benefit_notice_days": range(1, 367),
    "payouts_a_day_minor": range(20_000_001),
    "payouts_by_one_minor": range(20_000_001),
    "operator_silent_minutes": range(10, 1441),
}
LABELS: dict[str, Sentence] = {
    "cash_held_minor": _("Cash of one collector"),
    "cash_days": _("Days of cash in hand"),
    "two_signatures_from_minor": _("Two signatures from"),
    "count_difference_minor": _("Difference booked alone"),
    "messages_a_day": _("SMS to a phone a day"),
    "codes_a_day": _("Care codes a day"),
    "checks_a_day": _("Checks of a doctor a day"),
    "guesses_a_day": _("Wrong codes a day"),
    "without_code_a_doctor": _("Without code, a doctor a day"),
    "without_code_a_facility": _("Without code, a centre a day"),
    "digest_hour": _("Hour of the summary"),
    "years_kept": _("Years kept after leaving"),
    "benefit_notice_days": _("Notice of changed care"),
    "payouts_a_day_minor": _("Payouts a day"),
    "payouts_by_one_minor": _("Payouts signed by one a day"),
    "operator_silent_minutes": _("Minutes of a silent operator"),
}


def usual(currency: str) -> Limits:
    """The limits of a mutuelle without any of its own."""
    return _USUAL[currency]


def usual_sql(name: str, owner: str) -> str:
    """The usual value of a limit as an SQL expression, for the mutuelle whose code is the SQL expression `owner`."""
    if not is_money(name):
        return str(getattr(USUAL, name))
    values = " ".join(f"when '{of}' then {getattr(usual(of), name)}" for of in KEPT)
    words = "(select case u.currency VALUES end from mutuelle u where u.id = OWNER)"
    return words.replace("VALUES", values).replace("OWNER", owner)


def bounds(name: str, currency: str) -> range:
    """The values of this limit that make sense, amounts in minor units; the least is the same few francs everywhere."""
    said = BOUNDS[name]
    if not is_money(name):
        return said
    return range(said.start * CURRENCIES[currency].unit, scaled(said.stop - 1, currency) + 1)


def is_money(name: str) -> bool:
    """Whether this limit is an amount."""
    return name.endswith("_minor")


_USUAL = {
    of: replace(
        USUAL, **{f.name: scaled(getattr(USUAL, f.name), of) for f in fields(USUAL) if is_money(f.name)}
    )
    for of in KEPT
}


def shown(name: str, value: int, currency: str) -> Sentence | Money | str:
    """The value of a limit as people read it: 200 000 F, 5 days, 7:00, 30."""
    if is_money(name):
        return Money(value, currency)
    if name.endswith("_days"):
        return counts.days(value)
    return _("{hour}:00", hour=value) if name == "digest_hour" else str(value)


def beyond(name: str, currency: str) -> Sentence:
    """Why a value of this limit is refused."""
    allowed = bounds(name, currency)
    least, most = (shown(name, one, currency) for one in (allowed.start, allowed.stop - 1))
    return _("{limit}: from {least} to {most}.", limit=LABELS[name], least=least, most=most)


@dataclass(frozen=True)
class NewLimit:
    """`name`, of the fields of Limits, is `value` from the day `since` on."""

    name: str
    value: int
    since: date


@dataclass(frozen=True)
class LimitChanges:
    """Every change of a mutuelle's limits: name, first day, value; a later one of the same day counts."""

    changes: tuple[tuple[str, date, int], ...] = ()
    currency: str = "XOF"

    def on(self, day: date) -> Limits:
        """The limits in force on `day`."""
        return replace(usual(self.currency), **{n: value for n, since, value in self.changes if since <= day})

    def since(self, name: str, day: date) -> date | None:
        """The first day of the value that this limit has on `day`; None for the usual value."""
        return max((since for of, since, _value in self.changes if of == name and since <= day), default=None)


NO_CHANGE = LimitChanges()
# An SQL expression that gives the changes of the mutuelle OWNER as text. It stands in a query that is asked anyway: a
# limit then costs no statement of its own.
_CHANGES = """(select json_build_array(owner_of.currency,
                      (select json_agg(json_build_array(name, since, value) order by since, version)
                         from mutuelle_limit where mutuelle_limit.mutuelle_id = OWNER))::text
                 from mutuelle owner_of where owner_of.id = OWNER)"""


def changes_of(owner: str) -> str:
    """The SQL expression for the mutuelle whose code is the SQL expression `owner`; `read_changes` reads its value."""
    return _CHANGES.replace("OWNER", owner)


def read_changes(found: str | None) -> LimitChanges:
    """The changes that `changes_of` gave. A limit that this program does not know is left out."""
    known = {field.name for field in fields(Limits)}
    if found is None:
        return NO_CHANGE
    currency, rows = json.loads(found)
    changes = ((name, date.fromisoformat(since), value) for name, since, value in rows or () if name in known)
    return LimitChanges(tuple(changes), currency)


async def limit_changes(db: AsyncConnection, mutuelle_id: str) -> LimitChanges:
    """Every change of the limits of this mutuelle."""
    return read_changes(await _OF_MUTUELLE.value(db, {"mutuelle": mutuelle_id}))


async def limits_of(db: AsyncConnection, mutuelle_id: str, on: date) -> Limits:
    """The limits of this mutuelle on a day of its own calendar."""
    return (await limit_changes(db, mutuelle_id)).on(on)


_OF_MUTUELLE = Prepared(text(f"select {changes_of('cast(:mutuelle as text)')}"))


async def write_limit(
    db: AsyncConnection, mutuelle_id: str, change: NewLimit, *, by: By, act: UUID | None = None
) -> None:
    """Write a change behind all earlier ones; the caller holds a lock of the mutuelle."""
    of_limit = (mutuelle_limit.c.mutuelle_id == mutuelle_id) & (mutuelle_limit.c.name == change.name)
    newest = await db.scalar(select(func.max(mutuelle_limit.c.version)).where(of_limit))
    row = {
        "mutuelle_id": mutuelle_id,
        "name": change.name,
        "version": (newest or 0) + 1,
        "since": change.since,
        "value": change.value,
        "actor": by.actor,
        "reason": by.reason,
        "act": act,
        "recorded_at": by.at,
    }
    await db.execute(insert(mutuelle_limit), row)
