"""Setup rows: the lines of a mutuelle's founding, each as a value of the founding rules, with its references found.

A line that exists already must say the same; every fault is reported with its line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from locales import Sentence, _
from mobilemoney import adapters
from mobilemoney.accounts import networks_asked
from mobilemoney.credentials import Credentials
from mutuelle.benefits.openings import BenefitOpenings
from mutuelle.founding.rules import (
    ADULT_ALONE,
    DEAREST,
    LUMP_SUM_FOR_SOMEBODY,
    MAX_PRICE_MINOR,
    NO_WAIT_OF_ARREARS,
    PREFIXES,
    SOLD_FIRST,
    TWO_TREASURERS,
    WAIT_IN_DELAY,
    WAIT_IN_PERIOD,
    Doctor,
    Facility,
    Route,
    Sale,
    faults_of_doctor,
    faults_of_facility,
    faults_of_mutuelle,
    faults_of_officer,
    faults_of_place,
    faults_of_route,
    faults_of_sale,
    faults_of_treasurers,
)
from mutuelle.imports.cells import Setting, slug
from mutuelle.imports.columns import FACILITIES, PAYERS, PLACES
from mutuelle.imports.existing import Existing, clashes
from mutuelle.imports.figures import limit_value
from mutuelle.imports.records import Record, once
from mutuelle.scheme.limits import NewLimit, shown
from mutuelle.scheme.mutuelles import WAYS_TO_PAY, Mutuelle, Officer, Place
from mutuelle.scheme.products import NEW_START, Product
from mutuelle.scheme.regimes import Payer, Regime
from mutuelle.sheets.faults import Fault
from mutuelle.sheets.letters import folded
from talk.trouble import InvalidError

FIRST_PREFIX = 101
# Faults by the founding rules, in words for people; others are reported as they are.
REASONS = {
    ADULT_ALONE: _("an adult alone must cost something"),
    LUMP_SUM_FOR_SOMEBODY: _("a household's price must be for one person or more"),
    TWO_TREASURERS: _(
        "two treasurers are needed: two people with two phones, for what matters is signed by two"
    ),
    SOLD_FIRST: _("its sale ends before it begins"),
    WAIT_IN_PERIOD: _("the waiting period is as long as the period or longer: nobody would ever be covered"),
    WAIT_IN_DELAY: _(
        "the delay to pay is not longer than the waiting period: a part payment would never cover"
    ),
    NO_WAIT_OF_ARREARS: _(
        "who pays the last year first never waits again: leave the months without a wait empty"
    ),
    DEAREST: _("the dearest household must pay {most} F at most", most=MAX_PRICE_MINOR),
}


@dataclass
class SetupRows:
    """What was read so far. `names` are the ids of places and facilities by what they are called, in either form."""

    mutuelle: Mutuelle
    known: Existing
    today: date
    faults: list[Fault]
    places: list[Place] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    facilities: list[Facility] = field(default_factory=list)
    doctors: list[tuple[Doctor, date]] = field(default_factory=list)
    workplaces: list[tuple[Doctor, date]] = field(default_factory=list)
    officers: list[tuple[Officer, date]] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    limits: list[NewLimit] = field(default_factory=list)
    openings: BenefitOpenings = field(default_factory=BenefitOpenings)
    payers: dict[str, Payer] = field(default_factory=dict)
    regimes: list[Regime] = field(default_factory=list)
    regime_changes: list[Any] = field(default_factory=list)  # of households that are there already
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)  # of the register, those of other days too

    def count(self, form: str, *, is_there: bool, lines: int = 1) -> None:
        """Count lines of a file as new or as existing."""
        self.counts.setdefault(form, [0, 0])[is_there] += lines

    def in_office(self) -> list[Officer]:
        """The officers after the import: those of the files, and those in office already."""
        there = [
            Officer(row["role"], row["phone"], row["name"])
            for row in self.known.rows["officers"].values()
            if row["until"] is None or row["until"] >= self.today
        ]
        return list(dict.fromkeys([officer for officer, _day in self.officers] + there))

    def persons(self) -> Iterator[str]:
        """The names of all known persons: officers, doctors, heads of households."""
        yield from (officer.name for officer in self.in_office())
        yield from (doctor.name for doctor, _day in self.doctors)
        yield from self.heads

    def judge(self, record: Record, reasons: Iterable[str]) -> bool:
        """Whether the founding rules allow a line; its faults are kept."""
        found = [record.fault("", _reason(why)) for why in reasons]
        self.faults += found
        return not found and record.is_whole

    def compare(self, form: str, record: Record, row: Mapping[str, Any], **columns: str) -> None:
        """Count a line as new or existing; a fault where an existing one differs."""
        present = self.known.present(form, row)
        self.count(form, is_there=present is not None)
        self.faults += clashes(present or {}, record, row, columns)


def mutuelle_of(record: Record, known: Existing, faults: list[Fault]) -> Mutuelle | None:
    """The mutuelle of the files; its prefix is the existing one, the given one, or the first free one."""
    if not record.is_whole:
        return None
    free = next(prefix for prefix in range(FIRST_PREFIX, PREFIXES[1] + 1) if prefix not in known.prefixes)
    there = known.mutuelle
    prefix = record["prefix"] or (there.prefix if there else free)
    found = Mutuelle(**{**record.facts, "prefix": prefix})
    faults += [record.fault("", _reason(why)) for why in faults_of_mutuelle(found)]
    if there is None and prefix in known.prefixes:
        faults.append(record.fault("prefix", _("another mutuelle has this prefix")))
    for name, fact in asdict(found).items():
        if there and name not in WAYS_TO_PAY and (other := getattr(there, name)) != fact:
            reason = _("it is there already and says: {there}", there=str(other))
            faults.append(record.fault(name, reason))
    return found


def place_rows(g: SetupRows, records: list[Record]) -> None:
    """The villages; each has the given id, or one made of its name."""
    named = [with_facts(record, id=record["id"] or slug(record["name"] or "")) for record in records]
    g.names["places"] = _ids(g.known, "places")
    for record in once(named, ("id",), g.faults, "name"):
        place = Place(g.mutuelle.id, record["id"], record["name"] or "")
        g.names["places"] |= {folded(place.name): place.id, folded(place.id): place.id}
        if record.is_whole and g.judge(record, faults_of_place(g.mutuelle, place)):
            g.places.append(place)
            g.compare("places", record, {"id": place.id, "name": place.name})


def product_rows(g: SetupRows, records: list[Record]) -> None:
    """The products with their prices: one line a version."""
    usual = {"version": 1, "late_renewal": NEW_START, "new_wait_after_months": 0}
    whole = [
        with_facts(record, **{name: record[name] or fact for name, fact in usual.items()})
        for record in records
    ]
    for record in once(whole, ("code", "version"), g.faults):
        if not record.is_whole:
            continue
        terms = {name: fact for name, fact in record.facts.items() if not name.startswith("sold_")}
        product = Product(mutuelle_id=g.mutuelle.id, currency=g.mutuelle.currency, **terms)
        sale = Sale(product, record["sold_from"], record["sold_until"])
        if g.judge(record, faults_of_sale(g.mutuelle, sale)):
            g.sales.append(sale)
            g.compare("products", record, record.facts)


def facility_rows(g: SetupRows, records: list[Record]) -> None:
    """The facilities, each in a village that is served."""
    named = [with_facts(record, id=record["id"] or slug(record["name"] or "")) for record in records]
    g.names["facilities"] = _ids(g.known, "facilities")
    for record in once(named, ("id",), g.faults, "name"):
        g.names["facilities"] |= {
            folded(record["name"] or ""): record["id"],
            folded(record["id"]): record["id"],
        }
        place_id = find_id(g, record, "place", "places")
        if not record.is_whole or place_id is None:
            continue
        facts = {name: record[name] for name in ("id", "name", "level", "phone", "hours", "services")}
        facility = Facility(place_id=place_id, **facts)
        if g.judge(record, faults_of_facility(facility, [place_id])):
            g.facilities.append(facility)
            row = {**facts, "services": list(facility.services), "place_id": place_id}
            g.compare("facilities", record, row, place_id="place")


def doctor_rows(g: SetupRows, records: list[Record]) -> None:
    """The referent doctors, each at a facility; a second line of a phone is another facility of the same doctor."""
    own: set[str] = set()
    for record in once(records, ("phone", "facility"), g.faults):
        facility_id = find_id(g, record, "facility", "facilities")
        if not record.is_whole or facility_id is None:
            continue
        doctor = Doctor(record["phone"], record["name"], facility_id, record["languages"])
        if not g.judge(record, faults_of_doctor(doctor, [facility_id])):
            continue
        since = record["since"] or g.today
        if doctor.phone in own:
            g.workplaces.append((doctor, since))
            there = g.known.present("workplaces", vars(doctor))
            g.count("doctors", is_there=there is not None)
            continue
        own.add(doctor.phone)
        g.doctors.append((doctor, since))
        row = {**vars(doctor), "languages": list(doctor.languages)}
        g.compare("doctors", record, row, facility_id="facility")


def officer_rows(g: SetupRows, records: list[Record]) -> None:
    """Who acts for the mutuelle."""
    for record in once(records, ("phone", "role"), g.faults):
        if not record.is_whole:
            continue
        officer = Officer(record["role"], record["phone"], record["name"])
        if g.judge(record, faults_of_officer(officer)):
            g.officers.append((officer, record["since"] or g.today))
            g.compare("officers", record, asdict(officer))
    treasurers = next((record for record in records if record["role"] == "treasurer"), None)
    is_new = g.known.mutuelle is None
    if (records or is_new) and all(record.is_whole for record in records):
        reasons = map(_reason, faults_of_treasurers(g.in_office()))
        g.faults += [
            treasurers.fault("role", why) if treasurers else _of_officers(records, why) for why in reasons
        ]


def _of_officers(records: Sequence[Record], why: Sentence) -> Fault:
    """A fault of the whole file, also where it is missing."""
    return records[0].sheet.fault(0, "", why) if records else Fault("responsables.csv", 0, "", why)


def route_rows(g: SetupRows, records: list[Record], credentials: Credentials) -> None:
    """The accounts at operators, by the phones that each asks: of one network, or of all its networks in a country."""
    lines: dict[str, int] = {}  # in which each network is
    for record in once(records, ("country", "network"), g.faults):
        if not record.is_whole:
            continue
        country, operator = record["country"], record["operator"]
        if reason := _cannot_ask(g.mutuelle.id, Route(country, operator), credentials):
            g.faults.append(record.fault("operator", reason))
            continue
        asked = networks_asked(operator, country)
        wanted = [f"{country}-{record['network']}"] if record["network"] else asked
        if not wanted or not set(wanted) <= set(asked):
            there = ", ".join(network.partition("-")[2] or network for network in asked) or "-"
            g.faults.append(
                record.fault("network", _("{cell} asks there: {known}.", cell=operator, known=there))
            )
            continue
        if twice := next((one for one in wanted if lines.setdefault(one, record.line) != record.line), None):
            name, line = twice.partition("-")[2] or twice, lines[twice]
            reason = _("line {line} asks the phones of {network} already", line=line, network=name)
            g.faults.append(record.fault("network", reason))
            continue
        for route in [Route(network, operator) for network in wanted]:
            if g.judge(record, faults_of_route(g.mutuelle, route)):
                g.routes.append(route)
                row = {"network": route.network, "account": route.float_name}
                g.compare("routes", record, row, account="operator")


def _cannot_ask(mutuelle_id: str, route: Route, credentials: Credentials) -> Sentence | None:
    """Why this installation cannot ask an account for money; None if it can."""
    operator = route.operator
    if operator in adapters():
        needed = credentials.lacking(mutuelle_id, route.float_name, operator)
        if not needed:
            return None
        return _(
            "{cell} cannot be asked from here: it needs {settings}. Until then leave this file out.",
            cell=operator,
            settings=", ".join(needed),
        )
    usual = {name: f"{name}-{route.country}" for name in adapters()}
    known = [name for name, account in usual.items() if not credentials.lacking(mutuelle_id, account, name)]
    if known:
        return _("{cell} is not one of: {known}.", cell=operator, known=", ".join(known))
    return _("No operator can be asked from here yet: leave this file out, members pay in cash.")


def limit_rows(g: SetupRows, records: list[Record]) -> None:
    """The first limits that are not the usual ones. Those that are there already, only two treasurers change."""
    for record in once(records, ("name",), g.faults):
        if not record.is_whole:
            continue
        name, since = record["name"], record["since"]
        try:
            value = limit_value(name)(
                record["value"], Setting(g.mutuelle.country, g.today, g.mutuelle.currency)
            )
        except InvalidError as fault:
            g.faults.append(record.fault("value", fault.sentence))
            continue
        there = [(day, kept) for of, day, kept in g.known.limits.changes if of == name]
        is_there = any(value == kept and since in (None, day) for day, kept in there)
        if there and not is_there:
            day, kept = there[-1]
            said = shown(name, kept, g.mutuelle.currency)
            reason = _("it is {value} since {day}: two treasurers change it by phone", value=said, day=day)
            g.faults.append(record.fault("value", reason))
        elif not there:
            g.limits.append(NewLimit(name, value, since or g.today))
        g.count("limits", is_there=is_there)


def with_facts(record: Record, **facts: Any) -> Record:
    """The same line with these facts."""
    return Record(record.sheet, record.line, {**record.facts, **facts}, record.is_whole)


def _ids(known: Existing, form: str) -> dict[str, str]:
    """The existing places or facilities, by name and by id."""
    rows = known.rows[form].values()
    return {folded(row[name]): row["id"] for row in rows for name in ("name", "id")}


def find_id(g: SetupRows, record: Record, key: str, form: str) -> str | None:
    """The id of the place or facility that a line refers to; a fault where there is none."""
    called = record[key]
    found = g.names[form].get(folded(called)) if called else None
    if called and found is None:
        g.faults.append(
            record.fault(key, _("{cell} is not known: is it in {file}?", cell=called, file=_file(form)))
        )
    return found


def _file(form: str) -> str:
    return {"places": PLACES.file, "facilities": FACILITIES.file, "regimes": PAYERS.file}[form]


def _reason(why: str) -> Sentence:
    return REASONS.get(why.partition(": ")[2]) or _("this cannot be: {why}", why=why)
