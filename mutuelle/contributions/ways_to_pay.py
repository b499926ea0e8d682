"""How a household pays: by the operator that asks its phone, else in cash, and to whom, or to a merchant code.

A mutuelle may have no route, or none for the country or the network of this phone; its households join, pay and renew
in cash. A phone may be on another network than its prefix says: the ways of the others of its country are told too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mobilemoney.networks import network_by_prefix, networks_of
from mutuelle.contributions.payments import (
    IS_DOWN,
    ITS_ACCOUNT,
    ITS_HEALTH,
    NETWORK,
    SERVED,
    PaymentWay,
    network_facts,
    networks_said,
)
from mutuelle.households.households import Household
from mutuelle.officers.roles import Appointment, Role, appointment, appointments_by
from mutuelle.rows import rows_of
from mutuelle.tables import household as household_table
from mutuelle.tables import mutuelle as mutuelles
from mutuelle.tables import operator_account, operator_health, route
from prepared import Prepared
from talk.phones import region_of, shown_phone
from talk.words import Caller
from values import value


@value
class PayInCash:
    """Who takes the cash of a household. `another_phone`: a phone of another country could be asked instead.

    `merchant_code` is the mutuelle's with an operator, if it has one: members pay to it by themselves.
    """

    name: str
    phone: str
    another_phone: bool
    merchant_code: str | None = None

    @property
    def forms(self) -> list[Sentence | str]:
        """Who it is, the longest form first: name and number in national form, then the number alone.

        The merchant code is in each, if there is one.
        """
        number = shown_phone(self.phone)
        people: list[Sentence | str] = [f"{self.name}, {number}", number]
        if self.merchant_code is None:
            return people
        return [_("{who} or merchant code {code}", who=who, code=self.merchant_code) for who in people]


@value
class HowToPay:
    """How a phone pays a mutuelle: `way` by an operator, where one can ask it, else in `cash`.

    `others` are the ways by which it would be asked if it was on another network of its country; none where one route
    serves the country, and this phone. `said`: the network that the caller says it is on. `instead`: who takes cash
    while the operator of the `way`, or of one of the `others`, does not answer.
    """

    phone: str
    way: PaymentWay | None
    cash: PayInCash | None
    others: tuple[PaymentWay, ...] = ()
    said: str = ""
    instead: PayInCash | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the phone can be asked, but its operator does not answer now."""
        return self.way is not None and self.way.is_down

    def on(self, network: str) -> "HowToPay":
        """The same where the caller says that the phone is on one of the `others`."""
        way = next(way for way in self.others if way.network == network)
        return HowToPay(self.phone, way, None, said=network, instead=self.cash or self.instead)

    @property
    def by_cash(self) -> "HowToPay":
        """The same where the caller rather pays in cash than to try an operator that does not answer."""
        return HowToPay(self.phone, None, self.cash or self.instead)


def ways_of(cash: PayInCash, number: str) -> list[Sentence | str]:
    """How to pay without an operator's request, for the household of this shown number: the longest form first.

    A merchant code is in each, if there is one.
    """
    if (code := cash.merchant_code) is None:
        return cash.forms
    alone = _("merchant code {code}", code=code)
    with_number = [_("{who}, number {number}", who=who, number=number) for who in (*cash.forms, alone)]
    return [*with_number, cash.forms[-1], alone]


async def how_to_pay(
    db: AsyncConnection, caller: Caller, household: Household, payer: str | None = None
) -> HowToPay:
    """How `household` pays with the calling phone, or with the phone of another `payer`."""
    phone = payer or caller.phone
    return await _how(db, phone, await _ways(db, caller, household.mutuelle_id, household, payer=phone))


async def how_in_place(db: AsyncConnection, caller: Caller, mutuelle_id: str, place_id: str) -> HowToPay:
    """How a newcomer who lives in a place of the mutuelle pays with the calling phone."""
    ways = await _ways(db, caller, mutuelle_id, None, payer=caller.phone)
    return await _how(db, caller.phone, replace(ways, place_id=place_id))


async def _how(db: AsyncConnection, phone: str, ways: "_Ways") -> HowToPay:
    if ways.way and not any(way.is_down for way in (ways.way, *ways.others)):
        return HowToPay(phone, ways.way, None, ways.others)
    taker = await _who_takes_cash(db, ways)
    if ways.way is None:
        return HowToPay(phone, None, taker, ways.others)
    return HowToPay(phone, ways.way, None, ways.others, instead=taker)


async def cash_instead(db: AsyncConnection, caller: Caller, household: Household) -> PayInCash | None:
    """Whom `household` pays in cash, where no operator can ask the calling phone for money; None where one can."""
    return (await how_to_pay(db, caller, household)).cash


async def cash_in_place(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, place_id: str
) -> PayInCash | None:
    """The same for a newcomer who lives in a place of the mutuelle, also where the operator does not answer now."""
    how = await how_in_place(db, caller, mutuelle_id, place_id)
    return how.cash or how.instead


async def who_takes_cash(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, household: Household | None
) -> PayInCash:
    """Whom to pay in cash, in any case: in the place of `household`, or anywhere in the mutuelle."""
    return await cash_of(db, mutuelle_id, household.number if household else None, caller.at)


async def cash_of(db: AsyncConnection, mutuelle_id: str, number: str | None, at: datetime) -> PayInCash:
    """The same by the household's number."""
    asked = {"value": mutuelle_id, "at": at, "number": number, "in_any_case": True}
    asked |= {"payer": "", "country": "", "by_prefix": "", "chosen": ""}
    return await _who_takes_cash(db, await _ways_of(db, asked))


async def cash_for_each(
    db: AsyncConnection, mutuelle_id: str, at: datetime, asked: Collection[tuple[str, str]]
) -> dict[tuple[str, str], PayInCash]:
    """Whom to pay in cash, for each of these (member number, phone) that no operator can ask.

    Asked for each network and place once, however many households live there.
    """
    numbers = {number for number, _phone in asked}
    lives = await db.execute(_PLACES, {"mutuelle": mutuelle_id, "numbers": list(numbers)})
    places = {row.number: row.place_id for row in lives}
    moved = await networks_said(db, [phone for _number, phone in asked])
    ways: dict[tuple[str, str], _Ways] = {}
    takers: dict[tuple[str, str, str], PayInCash] = {}
    found = {}
    for number, phone in asked:
        country = region_of(phone)
        network = moved.get(phone) or network_by_prefix(phone)
        if (country, network) not in ways:
            facts = {"value": mutuelle_id, "at": at, "number": None, "in_any_case": False}
            facts |= {"payer": "", "country": country, "by_prefix": network, "chosen": ""}
            ways[country, network] = await _ways_of(db, facts)
        if ways[country, network].way:
            continue
        where = country, network, places[number]
        if where not in takers:
            takers[where] = await _who_takes_cash(
                db, replace(ways[country, network], place_id=places[number])
            )
        found[number, phone] = takers[where]
    return found


_PLACES = select(household_table.c.number, household_table.c.place_id).where(
    household_table.c.mutuelle_id == sa.bindparam("mutuelle", type_=sa.Text),
    household_table.c.number == sa.any_(sa.bindparam("numbers", type_=sa.ARRAY(sa.Text))),
)


@value
class _Ways:
    """How a mutuelle can be paid from a phone: by which `way`, by which on another network, and who is in office."""

    mutuelle_name: str
    complaints_phone: str
    merchant_code: str | None
    has_route: bool
    way: PaymentWay | None
    others: tuple[PaymentWay, ...]
    place_id: str | None  # of the household
    appointments: list[Appointment]


async def _ways(
    db: AsyncConnection,
    caller: Caller,
    mutuelle_id: str,
    household: Household | None,
    *,
    payer: str,
) -> _Ways:
    """Nobody in office is read where an operator serves the phone of the `payer`, and all of that country answer."""
    asked = {"value": mutuelle_id, "at": caller.at, **network_facts(payer)}
    asked |= {"number": household.number if household else None, "in_any_case": False}
    return await _ways_of(db, asked)


async def _ways_of(db: AsyncConnection, asked: Mapping[str, Any]) -> _Ways:
    [found] = await _ASKED.rows(db, asked)
    name, complaints, merchant_code, has_route, network, routes, place_id, held = found
    way, others = _by_network(asked["country"], network, routes)
    appointments = sorted(map(appointment, held or ()), key=lambda one: (one.name, one.phone))
    return _Ways(name, complaints, merchant_code, has_route, way, others, place_id, appointments)


def _by_network(
    country: str, network: str, routes: Sequence[tuple[str, str, str, bool]]
) -> tuple[PaymentWay | None, tuple[PaymentWay, ...]]:
    """The way of a phone on `network`, and those of the other networks there: (network, operator, account, down).

    A route of a whole country is for every network of it that has none of its own.
    """
    asked = {of: PaymentWay(operator, account, of, is_down) for of, operator, account, is_down in routes}
    anywhere = asked.pop(country, None)
    if anywhere:
        all_of_it = [one.code for one in networks_of(country)]
        asked = {of: replace(anywhere, network=of) for of in [*all_of_it, network]} | asked
    way = asked.pop(network, None)
    if way and len(routes) == 1:
        return way, ()
    return way, tuple(sorted(asked.values(), key=lambda one: one.network_name))


def _asked() -> Select[Any]:
    mutuelle = sa.bindparam("value", type_=sa.Text)
    routes = select(route.c.account).where(route.c.mutuelle_id == mutuelle)
    there = func.left(route.c.network, 2) == sa.bindparam("country", type_=sa.Text)
    by_network = (
        select(
            route.c.network, operator_account.c.operator, operator_account.c.name, IS_DOWN.label("is_down")
        )
        .select_from(route.join(operator_account, ITS_ACCOUNT).outerjoin(operator_health, ITS_HEALTH))
        .where(route.c.mutuelle_id == mutuelle, there)
        .order_by(route.c.network)
    )
    place = select(household_table.c.place_id).where(
        household_table.c.mutuelle_id == mutuelle,
        household_table.c.number == sa.bindparam("number", type_=sa.Text),
    )
    served = routes.where(SERVED).exists()
    its_health = select(operator_health.c.state).select_from(route.join(operator_health, ITS_HEALTH))
    down = its_health.where(route.c.mutuelle_id == mutuelle, there, IS_DOWN).exists()
    cash = sa.bindparam("in_any_case", type_=sa.Boolean) | ~served | down
    return select(
        mutuelles.c.name,
        mutuelles.c.complaints_phone,
        mutuelles.c.merchant_code,
        routes.exists(),
        NETWORK,
        rows_of(by_network),
        place.scalar_subquery(),
        sa.case((cash, rows_of(appointments_by("mutuelle_id")))),
    ).where(mutuelles.c.id == mutuelle)


_ASKED = Prepared(_asked())


async def _who_takes_cash(db: AsyncConnection, ways: _Ways) -> PayInCash:
    """The collector who received most in that place lately, else another one, else a treasurer; where nobody is in
    office, the mutuelle's own phone.
    """
    collectors = [appointment for appointment in ways.appointments if appointment.role is Role.COLLECTOR]
    treasurers = [appointment for appointment in ways.appointments if appointment.role is Role.TREASURER]
    if found := await _nearest(db, collectors, ways.place_id) or next(iter(treasurers), None):
        return PayInCash(found.name, found.phone, ways.has_route, ways.merchant_code)
    return PayInCash(ways.mutuelle_name, ways.complaints_phone, ways.has_route, ways.merchant_code)


_LATELY = sa.text(
    """
    select h.phone
      from cash_holder h
     cross join lateral (select r.number from cash_receipt r
                          where r.mutuelle_id = h.mutuelle_id and r.holder = h.holder
                          order by r.received_at desc limit 100) lately
      join household x on x.mutuelle_id = h.mutuelle_id and x.number = lately.number and x.place_id = :place
     where h.mutuelle_id = :mutuelle and h.role = :role and h.phone = any(cast(:phones as text[]))
     group by h.phone
     order by count(*) desc, h.phone
     limit 1
    """
)


async def _nearest(
    db: AsyncConnection, collectors: Sequence[Appointment], place_id: str | None
) -> Appointment | None:
    """The collector of a place, by the last hundred receipts of each; the first by name where none collected there."""
    if len(collectors) < 2:
        return collectors[0] if collectors else None
    facts = {
        "mutuelle": collectors[0].mutuelle_id,
        "role": Role.COLLECTOR,
        "place": place_id,
        "phones": [appointment.phone for appointment in collectors],
    }
    nearest = await db.scalar(_LATELY, facts)
    return next((appointment for appointment in collectors if appointment.phone == nearest), collectors[0])
