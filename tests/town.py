"""A small town for the tests: one mutuelle with villages and products, and handsets that call it.

Every name is invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle import tables
from talk.screen import Shown
from ussd import calls
from ussd.hop import Hop

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AWA, MARIAM, OUMAR = "+22376000001", "+22376000002", "+22376000003"
VILLAGES = ("Bandiagala", "Koutiébougou", "Niéna-Sud", "Zantiéla")
_calls = count(1)


async def found(
    db: AsyncConnection,
    *,
    code: str = "BEN",
    prefix: int = 199,
    name: str = "Mutuelle Benso",
    villages: Sequence[str] = VILLAGES,
    product_names: Sequence[str] = ("Famille",),
    lump_sum_minor: int = 12_000,
    registration_minor: int = 0,
    max_installments: int = 4,
    threshold_percent: int = 50,
    waiting_months: int = 1,
) -> None:
    """Found a mutuelle near Sikasso with everything a caller can meet."""
    await db.execute(
        insert(tables.mutuelle),
        {
            "id": code,
            "prefix": prefix,
            "name": name,
            "town": "Sikasso",
            "country": "ML",
            "currency": "XOF",
            "timezone": "Africa/Bamako",
            "complaints_phone": "+22376000009",
            "benefits": "75 % des soins au centre de santé, 60 % à l'hôpital, accouchements",
            "created_at": FOUNDED,
        },
    )
    places = [{"mutuelle_id": code, "id": f"v{nth}", "name": place} for nth, place in enumerate(villages, 1)]
    await db.execute(insert(tables.place), places)
    for nth, product_name in enumerate(product_names, 1):
        await sell(
            db,
            code,
            product_code=f"P{nth}",
            name=product_name,
            lump_sum_minor=lump_sum_minor + (nth - 1) * 6_000,
            registration_minor=registration_minor,
            max_installments=max_installments,
            threshold_percent=threshold_percent,
            waiting_months=waiting_months,
        )
    treasurer = {"mutuelle_id": code, "role": "treasurer", "phone": "+22376000008", "name": "Fanta Coulibaly"}
    await db.execute(insert(tables.officer), {**treasurer, "since": FOUNDED.date()})
    route = {"mutuelle_id": code, "country": "ML", "operator": "simulated", "flow": "push"}
    await db.execute(insert(tables.route), route)
    money = [accounts.contributions(), accounts.registration(), accounts.collections("simulated-ML")]
    await open_accounts(db, [Account(code, account, "XOF") for account in money])


async def sell(
    db: AsyncConnection,
    mutuelle: str,
    *,
    product_code: str = "P1",
    version: int = 1,
    name: str = "Famille",
    lump_sum_minor: int = 12_000,
    registration_minor: int = 0,
    max_installments: int = 4,
    threshold_percent: int = 50,
    waiting_months: int = 1,
    sold_from: date = FOUNDED.date(),
) -> None:
    """Put a version of a product on sale."""
    await db.execute(
        insert(tables.product),
        {
            "mutuelle_id": mutuelle,
            "code": product_code,
            "version": version,
            "name": name,
            "sold_from": sold_from,
            "lump_sum_minor": lump_sum_minor,
            "threshold": 6,
            "max_members": 12,
            "premium_adult_minor": 3_000,
            "premium_child_minor": 1_500,
            "age_of_majority": 18,
            "registration_fee_minor": registration_minor,
            "insurance_period_months": 12,
            "waiting_period_months": waiting_months,
            "grace_period_payment_months": 3,
            "grace_period_renewal_months": 1,
            "partial_cover_threshold_percent": threshold_percent,
            "max_installments": max_installments,
            "amount_step_minor": 100,
        },
    )


@dataclass
class Clock:
    """The time of the test, moved by hand."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Handset:
    """A basic phone on a line: what is typed is sent as the gateway does, the whole call's text each time."""

    line: calls.Line
    phone: str = AWA
    service: str = "*384*57#"
    call: str = ""
    text: str = ""
    screens: list[str] = field(default_factory=list)

    async def dial(self, *at_once: str) -> str:
        """A new call, with what was dialled after the code."""
        self.call = f"ATUid_{next(_calls):032x}"
        self.text = "*".join(at_once)
        return await self.send()

    async def type(self, words: str) -> str:
        """One more input of the call."""
        self.text = f"{self.text}*{words}" if self.text else words
        return await self.send()

    async def send(self) -> str:
        """This hop, as it is: called again it is a repeated hop."""
        self.shown: Shown = await calls.hop(self.line, self.hop())
        self.screens.append(self.shown.text)
        return self.shown.text

    def hop(self) -> Hop:
        return Hop("africastalking", self.call, self.phone, self.service, self.text)


async def found_town(pool: AsyncEngine) -> None:
    """The usual town, committed."""
    async with pool.begin() as db:
        await found(db)
