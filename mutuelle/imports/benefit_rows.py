"""What a register says of benefits: services of the mutuelle's own, rules of products, agreements, prices of acts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from locales import Money, Sentence, _
from mutuelle.benefits.rules import Benefit, FacilityAgreement, Tariff
from mutuelle.benefits.services import listed_words, service_in
from mutuelle.founding.rules import LEVELS
from mutuelle.imports.columns import AGREEMENTS, BENEFITS, NAMED_SERVICES, TARIFFS
from mutuelle.imports.records import Record, once
from mutuelle.imports.setup_rows import SetupRows, find_id
from mutuelle.imports.vocabulary import EVERY_LEVEL
from talk.questions import initials

CEILINGS = (
    "act_ceiling_minor",
    "person_ceiling_minor",
    "person_count",
    "household_ceiling_minor",
    "household_count",
)


def benefit_rows(g: SetupRows, read: Mapping[str, list[Record]]) -> None:
    """All four files; a service must be known, or named in the first of them, before a rule or a price is of it."""
    _named_rows(g, read[NAMED_SERVICES.key])
    _rule_rows(g, read[BENEFITS.key])
    _agreement_rows(g, read[AGREEMENTS.key])
    _tariff_rows(g, read[TARIFFS.key])


def _named_rows(g: SetupRows, records: list[Record]) -> None:
    there = g.known.openings.named
    for record in once(records, ("code",), g.faults):
        code, name = record["code"], record["name"]
        if not record.is_whole:
            continue
        if (known := service_in([code], {})) and known.is_exact:
            g.faults.append(record.fault("code", _("this service is known already: leave the line out")))
        elif there.get(code, name) != name:
            g.faults.append(record.fault("name", _already(there[code])))
        else:
            g.openings.named[code] = name
            g.count(NAMED_SERVICES.key, is_there=code in there)


def _rule_rows(g: SetupRows, records: list[Record]) -> None:
    """The first rules; those that are there already, only two treasurers change."""
    sold = {sale.product.code: sale.product.code for sale in g.sales}
    sold |= {initials(sale.product.name): sale.product.code for sale in g.sales}
    for (code, _version), known in g.known.products.items():
        sold |= {code: code, initials(known.name): code}
    seen: dict[tuple[str, ...], int] = {}
    for record in records:
        service = _service(g, record)
        product = sold.get(initials(record["product"] or ""))
        if record["product"] and product is None:
            reason = _("{cell} is not known: is it in {file}?", cell=record["product"], file="produits.csv")
            g.faults.append(record.fault("product", reason))
        if not record.is_whole or service is None or product is None:
            continue
        for rule in _rules(g, record, product, service):
            key = (product, service, rule.level, str(rule.since))
            if key in seen:
                reason = _("the same as line {line}", line=seen[key])
                g.faults.append(record.fault("service", reason))
                continue
            seen[key] = record.line
            _open(g, record, rule)


def _rules(g: SetupRows, record: Record, product: str, service: str) -> Iterable[Benefit]:
    """The rules of a line: one for each level that it is for."""
    facts = {name: record[name] for name in Benefit.__dataclass_fields__ if name in record.facts}
    percent, amount = record["copay"]
    facts |= {"product_code": product, "service": service, "copay_percent": percent, "copay_minor": amount}
    facts |= {
        "is_paid": percent is not None or amount is not None,
        "waiting_months": record["waiting_months"] or 0,
        "needs_referral": bool(record["needs_referral"]),
        "needs_agreement": bool(record["needs_agreement"]),
        "since": record["since"] or g.today,
    }
    rule = Benefit(**(facts | {"level": ""}))
    if not rule.is_paid and any(facts[name] is not None for name in CEILINGS):
        g.faults.append(record.fault("copay", _("what is not paid has no ceiling")))
        return []
    levels = LEVELS if record["level"] == EVERY_LEVEL else (record["level"],)
    return [replace(rule, level=level) for level in levels]


def _open(g: SetupRows, record: Record, rule: Benefit) -> None:
    key = (rule.product_code, rule.service, rule.level)
    there = [one for one in g.known.openings.benefits if (one.product_code, one.service, one.level) == key]
    same = [one for one in there if replace(one, since=rule.since, version=1) == rule]
    if same and (record["since"] is None or rule.since in {one.since for one in same}):
        g.count(BENEFITS.key, is_there=True)
    elif there:
        reason = _("it is there already and says something else: two treasurers change it by phone")
        g.faults.append(record.fault("copay", reason))
    else:
        g.openings.benefits.append(rule)
        g.count(BENEFITS.key, is_there=False)


def _agreement_rows(g: SetupRows, records: list[Record]) -> None:
    there = {(at, one.since): one for at, one in g.known.openings.agreements}
    for record in once(records, ("facility", "since"), g.faults):
        facility = find_id(g, record, "facility", "facilities")
        if not record.is_whole or facility is None:
            continue
        new = FacilityAgreement(record["since"], record["level"], record["until"])
        if new.until and new.until < new.since:
            g.faults.append(record.fault("until", _("it ends before it begins")))
            continue
        old = there.get((facility, new.since))
        if old and old.level != new.level:
            g.faults.append(record.fault("level", _already(old.level)))
            continue
        g.openings.agreements.append((facility, new))
        g.count(AGREEMENTS.key, is_there=old == new)


def _tariff_rows(g: SetupRows, records: list[Record]) -> None:
    there = {(at, one.service, one.since): one for at, one in g.known.openings.tariffs}
    for record in once(records, ("facility", "service", "since"), g.faults):
        service = _service(g, record)
        facility = find_id(g, record, "facility", "facilities")
        if not record.is_whole or facility is None or service is None:
            continue
        new = Tariff(service, record["since"], record["price_minor"])
        old = there.get((facility, service, new.since))
        if old and old != new:
            price = Money(old.price_minor, g.mutuelle.currency)
            reason = _(
                "it is there already and says: {there}; a new price is a new line with a later day",
                there=price,
            )
            g.faults.append(record.fault("price_minor", reason))
            continue
        g.openings.tariffs.append((facility, new))
        g.count(TARIFFS.key, is_there=old is not None)


def _service(g: SetupRows, record: Record) -> str | None:
    """The code of the service of a line; a fault where nobody knows it."""
    written = record["service"]
    if not written:
        return None
    named = g.known.openings.named | g.openings.named
    found = service_in([initials(written), *initials(written).split()], named)
    if found is None or not found.is_exact:
        known = listed_words(named, "fr")
        g.faults.append(
            record.fault("service", _("{cell} is not one of: {known}.", cell=written, known=known))
        )
        return None
    return found.code


def _already(there: str) -> Sentence:
    return _("it is there already and says: {there}", there=there)
