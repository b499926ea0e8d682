"""Regimes: categories of households whose contributions a payer (State, commune, NGO, employer) pays, whole or in part.

A row says what a regime pays from a day on and never changes. What a policy was agreed under stays with the policy.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from mutuelle.tables import payer as payers
from mutuelle.tables import regime as regimes
from prepared import Prepared
from values import value

WHOLE = 100


class PayerKind(StrEnum):
    """What a payer is."""

    STATE = "state"
    COMMUNE = "commune"
    NGO = "ngo"
    EMPLOYER = "employer"
    OTHER = "other"


STATE_CODE = "etat"  # begins the code of a payer that is the State: reports find what it owes by it


@value
class Payer:
    """Who pays for others; `code` is also the name of its account in the book."""

    code: str
    name: str
    kind: PayerKind


@value
class Regime:
    """What a regime pays from `since` on: `percent` of each contribution call is its payer's debt."""

    code: str
    since: date
    name: str
    payer: str
    payer_name: str
    percent: int

    @property
    def account(self) -> str:
        """The account of what its payer owes."""
        return accounts.receivable(self.payer)

    @property
    def is_whole(self) -> bool:
        return self.percent == WHOLE

    @property
    def key(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        return f"{self.name}, {self.payer_name} {self.percent} %"

    def part_minor(self, price_minor: int, step_minor: int) -> int:
        """The payer's part of a price, in minor units: the household's is rounded up to what can be paid in coins."""
        own_minor = -(-price_minor * (WHOLE - self.percent) // WHOLE)
        return price_minor - min(-(-own_minor // step_minor) * step_minor, price_minor)


@value
class Share:
    """The payer's part of one policy, in minor units; when it was agreed to and written, once it is."""

    regime: Regime
    part_minor: int
    agreed_on: date | None = None
    recorded_at: datetime | None = None


@value
class HouseholdRegime:
    """One change of a household's regime, with one row of that regime; None: it pays for itself again."""

    position: int
    since: date
    until: date | None
    regime: Regime | None


def regime_on(changes: Iterable[HouseholdRegime], day: date) -> Regime | None:
    """The regime that pays for a household on `day`: of its last change that has begun, the row of that day."""
    begun = [one for one in changes if one.since <= day]
    last = max((one.position for one in begun), default=0)
    rows = [
        one.regime
        for one in begun
        if one.position == last
        and (one.until is None or day <= one.until)
        and one.regime
        and one.regime.since <= day
    ]
    newest = max(rows, key=lambda row: row.since, default=None)
    return newest if newest and newest.percent else None


# The columns of `household_regime_of`, of the changes `h` of a household.
CHANGE_COLUMNS = "h.position, h.since, h.until, r.code, r.since, r.name, r.payer, y.name, r.percent"
CHANGES = """household_regime h
          left join regime r on r.mutuelle_id = h.mutuelle_id and r.code = h.regime
          left join payer y on y.mutuelle_id = r.mutuelle_id and y.code = r.payer"""


def household_regime_of(
    position: int, since: date, until: date | None, code: str | None, *regime: Any
) -> HouseholdRegime:
    """The change in a row of CHANGE_COLUMNS."""
    return HouseholdRegime(position, since, until, None if code is None else Regime(code, *regime))


_OF_HOUSEHOLDS = Prepared(
    text(
        """select h.number, COLUMNS from CHANGES
             where h.mutuelle_id = :mutuelle and (:every or h.number = any(cast(:numbers as text[])))
             order by h.number, h.position""".replace("COLUMNS", CHANGE_COLUMNS).replace("CHANGES", CHANGES)
    ).bindparams(bindparam("numbers", type_=ARRAY(Text)))
)


async def household_regimes(
    db: AsyncConnection, mutuelle_id: str, numbers: Collection[str] | None
) -> dict[str, list[HouseholdRegime]]:
    """Every change of the regimes of these households, or of all with None; one without any is left out."""
    asked = {"mutuelle": mutuelle_id, "every": numbers is None, "numbers": list(numbers or ())}
    found: dict[str, list[HouseholdRegime]] = defaultdict(list)
    for number, *row in await _OF_HOUSEHOLDS.rows(db, asked):
        found[number].append(household_regime_of(*row))
    return found


async def payers_of(db: AsyncConnection, mutuelle_id: str) -> list[Payer]:
    """The payers of a mutuelle, by name."""
    rows = await db.execute(
        select(payers.c.code, payers.c.name, payers.c.kind)
        .where(payers.c.mutuelle_id == mutuelle_id)
        .order_by(payers.c.name, payers.c.code)
    )
    return [Payer(code, name, PayerKind(kind)) for code, name, kind in rows]


async def regimes_of(db: AsyncConnection, mutuelle_id: str) -> list[Regime]:
    """Every row of every regime of a mutuelle, by code and first day."""
    rows = await db.execute(
        select(
            regimes.c.code,
            regimes.c.since,
            regimes.c.name,
            regimes.c.payer,
            payers.c.name,
            regimes.c.percent,
        )
        .join(payers, (payers.c.mutuelle_id == regimes.c.mutuelle_id) & (payers.c.code == regimes.c.payer))
        .where(regimes.c.mutuelle_id == mutuelle_id)
        .order_by(regimes.c.code, regimes.c.since)
    )
    return [Regime(*row) for row in rows]


def in_force(found: Iterable[Regime], day: date) -> list[Regime]:
    """Of all rows those that pay on `day`: one for each regime."""
    newest: dict[str, Regime] = {}
    for row in found:
        if row.since <= day and (row.code not in newest or newest[row.code].since < row.since):
            newest[row.code] = row
    return [row for row in newest.values() if row.percent]
