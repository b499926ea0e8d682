"""What a mutuelle is founded with (products on sale, facilities, doctors, routes), and what may be wrong with it.

A fault is one line for a person, said before anything is written; the database's own constraints stand behind.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import available_timezones

from anyascii import anyascii

from ledger import accounts
from mutuelle.scheme.mutuelles import Mutuelle, Officer, Place
from mutuelle.scheme.products import Product, contribution
from talk.answers import LONGEST_NAME
from talk.phones import gateway_phone, typed_phone
from talk.trouble import InvalidError

FLOWS = ("push",)
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
MAX_PRICE_MINOR = 999_999  # six digits: what a screen has room for, and what the table of policies takes
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
    """The operator that asks the phones of `country` for money; `flow` is how it does so."""

    country: str
    operator: str
    flow: str = "push"

    @property
    def float_name(self) -> str:
        """Operator and country: each has a collections float and a suspense account of its own."""
        return f"{self.operator}-{self.country}"


def faults_of_mutuelle(mutuelle: Mutuelle) -> Iterator[str]:
    """What is wrong with a mutuelle."""
    return _untrue(
        f"mutuelle {mutuelle.id}",
        {
            "its code must be 2 to 8 capital letters": bool(re.fullmatch("[A-Z]{2,8}", mutuelle.id)),
            "its prefix must be 100 to 999": 100 <= mutuelle.prefix <= 999,
            "its name must have 2 to 20 letters": _is_text(mutuelle.name, 20),
            "its town must have 2 to 24 letters": _is_text(mutuelle.town, 24),
            "its country must be two capital letters": bool(re.fullmatch("[A-Z]{2}", mutuelle.country)),
            f"its currency must be one of {', '.join(accounts.CURRENCIES)}": mutuelle.currency
            in accounts.CURRENCIES,
            "its time zone must be one such as Africa/Bamako": mutuelle.timezone in available_timezones(),
            "its complaints phone must be written as +22370000000": _is_phone(mutuelle.complaints_phone),
            "its benefits must have 2 to 90 letters": _is_text(mutuelle.benefits, 90),
        },
    )


def faults_of_place(mutuelle: Mutuelle, place: Place) -> Iterator[str]:
    """What is wrong with a place of `mutuelle`."""
    return _untrue(
        f"place {place.key}",
        {
            f"it must be of {mutuelle.id}": place.mutuelle_id == mutuelle.id,
            "its id must be small letters, digits and hyphens": _is_slug(place.id),
            "its name must have 2 to 24 letters": _is_text(place.name, 24),
        },
    )


def _dearest(product: Product) -> int:
    """The most that a household can be asked for: all of it adults, or all but its head children, and the fee."""
    heads = max(product.max_members, 1)
    adults, children = (40,) * heads, (40,) + (0,) * (heads - 1)
    return max(contribution(product, ages) for ages in (adults, children)) + product.registration_fee_minor


WAIT_IN_PERIOD = "the wait must be shorter than the period that is paid for: else nobody is ever covered"
WAIT_IN_DELAY = "the delay to pay must be longer than the wait: else a part payment never covers"


def possible_terms(product: Product) -> dict[str, bool]:
    """What must hold between the terms of a product, each with whether it does; the schema demands the same."""
    wait, delay = product.waiting_period_months, product.grace_period_payment_months
    return {
        WAIT_IN_PERIOD: wait < product.insurance_period_months,
        WAIT_IN_DELAY: product.partial_cover_threshold_percent == 100 or wait < delay,
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
                re.fullmatch("[A-Z0-9]{1,8}", product.code)
            ),
            "its name must have 2 to 12 letters": _is_text(product.name, 12),
            f"the dearest household must pay {MAX_PRICE_MINOR} at most": _dearest(product) <= MAX_PRICE_MINOR,
            "an adult alone must cost something": bool(product.lump_sum_minor or product.premium_adult_minor),
            "a lump sum must be for one person or more": not product.lump_sum_minor or product.threshold > 0,
            "it cannot be withdrawn before it is sold": sale.sold_until is None
            or sale.sold_until >= sale.sold_from,
            **possible_terms(product),
        },
    )
    for name, (least, most) in LIMITS.items():
        yield from _untrue(
            what, {f"{name} must be {least} to {most}": least <= getattr(product, name) <= most}
        )


def faults_of_officer(officer: Officer) -> Iterator[str]:
    """What is wrong with an officer."""
    return _untrue(
        f"officer {officer.name!r}",
        {
            f"the role must be one of {', '.join(ROLES)}": officer.role in ROLES,
            MOBILE: _is_mobile(officer.phone),
            f"the name must have 2 to {LONGEST_NAME} letters": _is_text(officer.name, LONGEST_NAME),
        },
    )


def faults_of_treasurers(officers: Collection[Officer]) -> Iterator[str]:
    """Whether too few of the officers are treasurers: what two sign needs two people, each with a phone of her own."""
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
            "its name must have 2 to 30 letters": _is_text(facility.name, 30),
            f"its level must be one of {', '.join(LEVELS)}": facility.level in LEVELS,
            f"its place {facility.place_id!r} is unknown": facility.place_id in places,
            "its phone must be written as +22370000000": _is_phone(facility.phone),
            "its hours must have 2 to 30 letters": _is_text(facility.hours, 30),
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
            "the name must have 2 to 30 letters": _is_text(doctor.name, 30),
            f"the facility {doctor.facility_id!r} is unknown": doctor.facility_id in facilities,
            "the languages must be ISO 639 codes such as fr, bm": _are_languages(doctor.languages),
        },
    )


def faults_of_route(route: Route) -> Iterator[str]:
    """What is wrong with a route."""
    return _untrue(
        f"route {route.float_name}",
        {
            "the country must be two capital letters": bool(re.fullmatch("[A-Z]{2}", route.country)),
            "the operator must be small letters and digits": _is_slug(route.operator),
            f"the flow must be one of {', '.join(FLOWS)}": route.flow in FLOWS,
        },
    )


def _untrue(what: str, claims: Mapping[str, bool]) -> Iterator[str]:
    return (f"{what}: {claim}" for claim, holds in claims.items() if not holds)


def _is_text(value: str, longest: int) -> bool:
    return 2 <= len(value) <= longest and value.isprintable() and value == value.strip()


def _is_slug(value: str) -> bool:
    return bool(re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", value))


def _is_phone(value: str) -> bool:
    return gateway_phone(value) == value


def _is_mobile(value: str) -> bool:
    try:
        return typed_phone(value, "") == value
    except InvalidError:
        return False


def _are_languages(codes: tuple[str, ...]) -> bool:
    return bool(codes) and all(re.fullmatch("[a-z]{2,3}", code) for code in codes)
