"""What a mutuelle is founded with (products on sale, facilities, doctors, routes), and the rules that it must keep.

The rules of a value are said here once: the columns of a paper register read them. A fault is one line for a person,
said before anything is written; the database's own constraints stand behind.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import available_timezones

from anyascii import anyascii
from babel.numbers import get_territory_currencies

from currencies import CURRENCIES, KEPT, scaled
from mobilemoney import adapters
from mobilemoney.networks import networks
from mutuelle.scheme.mutuelles import Mutuelle, Officer, Place
from mutuelle.scheme.products import LATE_RENEWALS, NEW_START, Product, contribution
from talk.answers import LONGEST_NAME
from talk.phones import gateway_phone, typed_phone
from talk.trouble import InvalidError

MOBILE = "the phone must be a mobile number such as +22370000000"
TWO_TREASURERS = "two people with two phones are needed"
ROLES = ("treasurer", "collector", "enrolment officer")
LEVELS = ("post", "centre", "hospital")
SERVICES = (  # the seven of a cooperative clinic
    "general medicine",
    "minor surgery",
    "deliveries",
    "ante- and post-natal visits",
    "laboratory",
    "vaccination",
    "health promotion",
)
MERCHANT_CODE = "[0-9*#]{3,16}"
MUTUELLE_CODE, PRODUCT_CODE, COUNTRY_CODE = "[A-Z]{2,8}", "[A-Z0-9]{1,8}", "[A-Z]{2}"
ACCOUNT_NAME = "[a-z0-9]+(-[A-Za-z0-9]+)*"  # of a mutuelle at an operator: 40 at most
SLUG, LANGUAGE_CODE = "[a-z0-9][a-z0-9-]{0,39}", "[a-z]{2,3}"
PREFIXES = (100, 999)  # of member numbers, both ends allowed
LETTERS: Mapping[str, Mapping[str, tuple[int, int]]] = {  # how many a text has, both ends allowed
    "mutuelle": {"name": (2, 20), "town": (2, 24), "benefits": (2, 90)},
    "place": {"name": (2, 24)},
    "product": {"name": (2, 12)},
    "officer": {"name": (2, LONGEST_NAME)},
    "facility": {"name": (2, 30), "hours": (2, 30)},
    "doctor": {"name": (2, 30)},
}
MAX_PRICE_MINOR = 999_999  # in francs CFA, six digits: the limit of a screen and of the table of policies
LIMITS: Mapping[str, tuple[int, int]] = {  # of a product's terms, both ends allowed
    "version": (1, 10_000),
    "lump_sum_minor": (0, MAX_PRICE_MINOR),
    "threshold": (0, 30),
    "max_members": (1, 30),
    "premium_adult_minor": (0, MAX_PRICE_MINOR),
    "premium_child_minor": (0, MAX_PRICE_MINOR),
    "age_of_majority": (1, 30),
    "registration_fee_minor": (0, MAX_PRICE_MINOR),
    "insurance_period_months": (1, 36),
    "waiting_period_months": (0, 24),
    "grace_period_payment_months": (0, 24),
    "grace_period_renewal_months": (0, 24),
    "partial_cover_threshold_percent": (1, 100),
    "max_installments": (1, 12),
    "amount_step_minor": (1, MAX_PRICE_MINOR),
    "new_wait_after_months": (0, 24),
}


@dataclass(frozen=True)
class Sale:
    """A version of a product from its first to its last day on sale, if it has one."""

    product: Product
    sold_from: date
    sold_until: date | None = None


@dataclass(frozen=True)
class Facility:
    """A place of care under contract; `level` is one of LEVELS, `services` are some of SERVICES."""

    id: str
    name: str
    level: str
    place_id: str
    phone: str
    hours: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Doctor:
    """A referent doctor under contract; `languages` are ISO 639 codes, the preferred one first."""

    phone: str
    name: str
    facility_id: str
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """The mutuelle's account at an operator by which phones are asked for money: those of `network`, which is a country
    ("ML") or one network of it ("ML-orange"). `account` is its name where it is not operator and country.
    """

    network: str
    operator: str
    account: str = ""

    @property
    def country(self) -> str:
        return self.network[:2]

    @property
    def float_name(self) -> str:
        """The account's name: each has a collections float and a suspense account of its own in the ledger."""
        return self.account or f"{self.operator}-{self.country}"


def faults_of_mutuelle(mutuelle: Mutuelle) -> Iterator[str]:
    """What is wrong with a mutuelle."""
    return _untrue(
        f"mutuelle {mutuelle.id}",
        {
            "its code must be 2 to 8 capital letters": bool(re.fullmatch(MUTUELLE_CODE, mutuelle.id)),
            "its prefix must be {} to {}".format(*PREFIXES): PREFIXES[0] <= mutuelle.prefix <= PREFIXES[1],
            **_has_letters("mutuelle", mutuelle, "name", "town"),
            "its country must be two capital letters": bool(re.fullmatch(COUNTRY_CODE, mutuelle.country)),
            f"its currency must be one of {', '.join(KEPT)}": mutuelle.currency in KEPT,
            "its time zone must be one such as Africa/Bamako": mutuelle.timezone in available_timezones(),
            "its complaints phone must be written as +22370000000": _is_phone(mutuelle.complaints_phone),
            **_has_letters("mutuelle", mutuelle, "benefits"),
            "its merchant code must be 3 to 16 figures": not mutuelle.merchant_code
            or bool(re.fullmatch(MERCHANT_CODE, mutuelle.merchant_code)),
            f"its least part in cash must be 1 to {MAX_PRICE_MINOR}": not mutuelle.least_cash_minor
            or 1 <= mutuelle.least_cash_minor <= _most(MAX_PRICE_MINOR, mutuelle.currency),
        },
    )


def faults_of_place(mutuelle: Mutuelle, place: Place) -> Iterator[str]:
    """What is wrong with a place of `mutuelle`."""
    return _untrue(
        f"place {place.key}",
        {
            f"it must be of {mutuelle.id}": place.mutuelle_id == mutuelle.id,
            "its id must be small letters, digits and hyphens": _is_slug(place.id),
            **_has_letters("place", place, "name"),
        },
    )


def _most(francs_cfa: int, currency: str) -> int:
    return scaled(francs_cfa, currency if currency in CURRENCIES else "XOF")


def _dearest(product: Product) -> int:
    """The highest price of a household: all adults, or all but the head children, and the fee."""
    heads = max(product.max_members, 1)
    adults, children = (40,) * heads, (40,) + (0,) * (heads - 1)
    return max(contribution(product, ages) for ages in (adults, children)) + product.registration_fee_minor


DEAREST = f"the dearest household must pay {MAX_PRICE_MINOR} at most"
ADULT_ALONE = "an adult alone must cost something"
LUMP_SUM_FOR_SOMEBODY = "a lump sum must be for one person or more"
SOLD_FIRST = "it cannot be withdrawn before it is sold"
WAIT_IN_PERIOD = "the wait must be shorter than the period that is paid for: else nobody is ever covered"
WAIT_IN_DELAY = "the delay to pay must be longer than the wait: else a part payment never covers"
NO_WAIT_OF_ARREARS = "who pays the last year first never waits again: new_wait_after_months must be 0"


def possible_terms(product: Product) -> dict[str, bool]:
    """The rules between a product's terms, each with whether it holds; the schema checks the same."""
    wait, delay = product.waiting_period_months, product.grace_period_payment_months
    return {
        WAIT_IN_PERIOD: wait < product.insurance_period_months,
        WAIT_IN_DELAY: product.partial_cover_threshold_percent == 100 or wait < delay,
        NO_WAIT_OF_ARREARS: product.late_renewal == NEW_START or not product.new_wait_after_months,
    }


def faults_of_sale(mutuelle: Mutuelle, sale: Sale) -> Iterator[str]:
    """What is wrong with a product of `mutuelle` and its time on sale."""
    product = sale.product
    what = f"product {product.code} version {product.version}"
    yield from _untrue(
        what,
        {
            f"it must be of {mutuelle.id}": product.mutuelle_id == mutuelle.id,
            f"its currency must be {mutuelle.currency}": product.currency == mutuelle.currency,
            "its code must be 1 to 8 capital letters or digits": bool(
                re.fullmatch(PRODUCT_CODE, product.code)
            ),
            **_has_letters("product", product, "name"),
            DEAREST: _dearest(product) <= _most(MAX_PRICE_MINOR, product.currency),
            ADULT_ALONE: bool(product.lump_sum_minor or product.premium_adult_minor),
            LUMP_SUM_FOR_SOMEBODY: not product.lump_sum_minor or product.threshold > 0,
            SOLD_FIRST: sale.sold_until is None or sale.sold_until >= sale.sold_from,
            f"late_renewal must be one of {', '.join(LATE_RENEWALS)}": product.late_renewal in LATE_RENEWALS,
            **possible_terms(product),
        },
    )
    known = CURRENCIES.get(product.currency, CURRENCIES["XOF"])
    for name, (least, most) in LIMITS.items():
        size, unit = (known.size, known.unit) if name.endswith("_minor") else (1, 1)
        units, cents = divmod(getattr(product, name), unit)
        claim = f"{name} must be {least} to {most * size}"
        yield from _untrue(
            what, {claim: least <= units <= most * size, f"{name} must be whole francs": not cents}
        )


def faults_of_officer(officer: Officer) -> Iterator[str]:
    """What is wrong with an officer."""
    return _untrue(
        f"officer {officer.name!r}",
        {
            f"the role must be one of {', '.join(ROLES)}": officer.role in ROLES,
            MOBILE: _is_mobile(officer.phone),
            **_has_letters("officer", officer, "name", its="the"),
        },
    )


def faults_of_treasurers(officers: Collection[Officer]) -> Iterator[str]:
    """Whether too few officers are treasurers: acts of two people need two, each with a phone of her own."""
    treasurers = [officer for officer in officers if officer.role == "treasurer"]
    phones = {officer.phone for officer in treasurers}
    people = {" ".join(sorted(anyascii(officer.name).lower().split())) for officer in treasurers}
    return _untrue("treasurers", {TWO_TREASURERS: min(len(phones), len(people)) >= 2})


def faults_of_facility(facility: Facility, places: Collection[str]) -> Iterator[str]:
    """What is wrong with a facility, where `places` are known."""
    return _untrue(
        f"facility {facility.id}",
        {
            "its id must be small letters, digits and hyphens": _is_slug(facility.id),
            **_has_letters("facility", facility, "name"),
            f"its level must be one of {', '.join(LEVELS)}": facility.level in LEVELS,
            f"its place {facility.place_id!r} is unknown": facility.place_id in places,
            "its phone must be written as +22370000000": _is_phone(facility.phone),
            **_has_letters("facility", facility, "hours"),
            f"its services must be some of {', '.join(SERVICES)}": bool(facility.services)
            and set(facility.services) <= set(SERVICES),
        },
    )


def faults_of_doctor(doctor: Doctor, facilities: Collection[str]) -> Iterator[str]:
    """What is wrong with a doctor, where `facilities` are known."""
    return _untrue(
        f"doctor {doctor.name!r}",
        {
            MOBILE: _is_mobile(doctor.phone),
            **_has_letters("doctor", doctor, "name", its="the"),
            f"the facility {doctor.facility_id!r} is unknown": doctor.facility_id in facilities,
            "the languages must be ISO 639 codes such as fr, bm": _are_languages(doctor.languages),
        },
    )


def faults_of_route(mutuelle: Mutuelle, route: Route) -> Iterator[str]:
    """What is wrong with a route of `mutuelle`: its account must be in the mutuelle's currency."""
    currency, adapter = mutuelle.currency, adapters().get(route.operator)
    return _untrue(
        f"route {route.float_name}",
        {
            "the country must be two capital letters": bool(re.fullmatch(COUNTRY_CODE, route.country)),
            f"the network {route.network} is not known": route.network in {route.country, *networks()},
            "the operator must be small letters and digits": _is_slug(route.operator),
            "the account must be small letters and digits, with - between": bool(
                re.fullmatch(ACCOUNT_NAME, route.float_name)
            ),
            f"phones of {route.country} do not pay in {currency}, the currency of {mutuelle.id}": currency
            in get_territory_currencies(route.country),
            f"{route.operator} does not move {currency}, the currency of {mutuelle.id}": adapter is None
            or currency in adapter.CAPABILITIES.limits,
        },
    )


def _untrue(what: str, claims: Mapping[str, bool]) -> Iterator[str]:
    return (f"{what}: {claim}" for claim, holds in claims.items() if not holds)


def _has_letters(kind: str, of: object, *names: str, its: str = "its") -> dict[str, bool]:
    """For each text of `of` whether it has as many letters as LETTERS says, all of them to be seen."""
    claims = {}
    for name in names:
        text, (least, most) = getattr(of, name), LETTERS[kind][name]
        claim = f"{its} {name} must have {least} to {most} letters"
        claims[claim] = least <= len(text) <= most and text.isprintable() and text == text.strip()
    return claims


def _is_slug(value: str) -> bool:
    return bool(re.fullmatch(SLUG, value))


def _is_phone(value: str) -> bool:
    return gateway_phone(value) == value


def _is_mobile(value: str) -> bool:
    try:
        return typed_phone(value, "") == value
    except InvalidError:
        return False


def _are_languages(codes: tuple[str, ...]) -> bool:
    return bool(codes) and all(re.fullmatch(LANGUAGE_CODE, code) for code in codes)
