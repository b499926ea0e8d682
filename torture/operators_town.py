"""The mutuelles of the proof "operators": one for each operator, with households on every network that it asks."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from string import ascii_uppercase

import phonenumbers
from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.engine import transaction
from bench.homes import Joined, join_only
from bench.place import BenchPlace
from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from locales import Money
from mobilemoney import adapters
from mobilemoney.accounts import capabilities_of
from mobilemoney.networks import networks
from mobilemoney.operator import Flow
from mutuelle.acts import By
from mutuelle.dates import add_months
from mutuelle.founding.founding import (
    appoint_officers,
    found_mutuelle,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Route, Sale
from mutuelle.officers.pins import PURPOSE, note_pin_change
from mutuelle.officers.tables import officer_pin
from mutuelle.posting import post_all
from mutuelle.scheme.limits import NewLimit, write_limit
from mutuelle.scheme.mutuelles import Mutuelle
from talk.keyring import Keyring
from torture.place import SECRET
from torture.town import DAN, FAMILY, PLACES, TREASURERS

SEALS = Keyring((SECRET.encode(),))
PIN = "4953"
SIGNERS = (TREASURERS[0], TREASURERS[1])
ANYBODY = {"simulated": "ML-orange"}  # whose phones an operator asks that asks any phone
COUNTRIES = ("BJ", "BF", "CI", "ML", "SN", "TG")  # of the currency
FUNDED_MINOR, MOST_A_DAY_MINOR = 15_000_000, 20_000_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True)
class OperatorTown:
    """A mutuelle whose only account is at one operator; `networks` are those whose phones it asks."""

    mutuelle: Mutuelle
    operator: str
    networks: tuple[str, ...]
    homes: list[Joined] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"{self.operator}-{self.mutuelle.country}"

    @property
    def wallet(self) -> str:
        """The account in the ledger from which money goes out."""
        return accounts.disbursement(self.account)


def operator_towns() -> list[OperatorTown]:
    """One for each operator that moves the currency of the proof."""
    asked = {name: _networks(name) for name in adapters()}
    return [
        OperatorTown(_mutuelle(nth, found[0][:2]), name, found)
        for nth, (name, found) in enumerate((name, found) for name, found in asked.items() if found)
    ]


def _networks(operator: str) -> tuple[str, ...]:
    can = capabilities_of(operator)
    if operator in ANYBODY:
        return (ANYBODY[operator],)
    if DAN.currency not in can.limits:
        return ()
    return tuple(one for one in can.networks if one[:2] in COUNTRIES and can.flow(one) is Flow.PUSH)


def _mutuelle(nth: int, country: str) -> Mutuelle:
    code = f"OP{ascii_uppercase[nth]}"
    return replace(DAN, id=code, prefix=300 + nth, name=f"Mutuelle {code}", country=country)


async def found_towns(owner_url: str, towns: list[OperatorTown], payments: int) -> None:
    """Found each, with an equal part of the households that pay, and money to pay out."""
    place = BenchPlace(Path(), owner_url, owner_url, "", "", {})
    now = datetime.now(UTC)
    async with transaction(owner_url) as db:
        await _give_pins(db, now)
    for nth, town in enumerate(towns):
        async with transaction(owner_url) as db:
            await _found(db, town, now)
        homes = payments // len(towns) + (nth < payments % len(towns))
        phones = [
            phone_on(network, nth * 100_000 + one)
            for one, network in enumerate(islice(cycle(town.networks), homes))
        ]
        for start in range(0, homes, 1_000):
            part = phones[start : start + 1_000]
            town.homes.extend(await join_only(place, len(part), start, mutuelle=town.mutuelle, phones=part))


def phone_on(network: str, nth: int) -> str:
    """The `nth` phone of a network: its prefix, then figures to the length of the country's numbers."""
    country, prefix = network[:2], networks()[network].prefixes[-1]
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(f"no number of {country} is known")
    length = len(phonenumbers.national_significant_number(example)) - len(prefix)
    return f"+{example.country_code}{prefix}{nth:0{length}}"


async def _found(db: AsyncConnection, town: OperatorTown, now: datetime) -> None:
    own, today = town.mutuelle, town.mutuelle.today(now)
    opened_on = add_months(today, -6)
    await found_mutuelle(db, own, at=now)
    await serve_places(db, own, [replace(one, mutuelle_id=own.id) for one in PLACES])
    await sell_products(db, own, [Sale(replace(FAMILY, mutuelle_id=own.id), opened_on)])
    await appoint_officers(db, own, TREASURERS, since=opened_on, at=now - timedelta(days=1))
    asked = [own.country] if town.operator in ANYBODY else town.networks
    await open_routes(db, own, [Route(network, town.operator, town.account) for network in asked])
    by = By("torture", "a proof needs it", now)
    for limit in ("payouts_a_day_minor", "payouts_by_one_minor"):
        await write_limit(db, own.id, NewLimit(limit, MOST_A_DAY_MINOR, opened_on), by=by)
    if capabilities_of(town.operator).pays_out:
        await _fund(db, town)


async def _fund(db: AsyncConnection, town: OperatorTown) -> None:
    own, pair = town.mutuelle, (town.wallet, accounts.opening())
    await open_accounts(db, [Account(own.id, code, own.currency) for code in (*pair, "health:purchases")])
    money = Movement(*pair, FUNDED_MINOR, own.currency)
    facts = (own.id, "opening", "wallet", "opening balances", own.today(datetime.now(UTC)), "import", "books")
    await post_all(db, [Journal(*facts, [money])])


async def _give_pins(db: AsyncConnection, now: datetime) -> None:
    for officer in SIGNERS:
        sealed = SEALS.seal(PURPOSE, CHEAP.hash(PIN).encode(), officer.phone)
        row = {"phone": officer.phone, "sealed": sealed, "origin": "screen", "issued_at": now, "used_at": now}
        await db.execute(officer_pin.insert(), row)
        await note_pin_change(db, officer.phone, "received", by=By("officer", "a proof's", now))


def some_money(minor: int) -> Money:
    return Money(minor, DAN.currency)
