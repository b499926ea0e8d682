"""The households of the paper register, with their people and what they have paid and owe.

An imported household is found by its register number; its line must stay as it was imported.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from locales import _
from mutuelle.enrolment.paid_for import NewRegime
from mutuelle.imports.cells import same_person
from mutuelle.imports.days import Birth
from mutuelle.imports.dues import ContradictionError, PaperPolicy, Said, paper_policies
from mutuelle.imports.payer_rows import regime_changed, regime_of, shared
from mutuelle.imports.records import Record, once
from mutuelle.imports.setup_rows import SetupRows, find_id
from mutuelle.scheme.products import Product
from mutuelle.sheets.letters import folded
from talk.trouble import InvalidError

LEAST_AGE_OF_HEAD = 16  # as when a caller joins
NUMBERS_OF_A_MUTUELLE = 80_000  # of the 100 000 that can be drawn: with the rest free, drawing stays quick


@dataclass(frozen=True)
class PaperHousehold:
    """A line of the register with its people, the head first; `policies` are empty for an existing one."""

    register_number: str
    head_name: str
    place_id: str
    phones: tuple[str, ...]
    people: tuple[tuple[str | None, Birth], ...]
    product: Product
    dues: Said
    reminders: bool | None
    policies: tuple[PaperPolicy, ...]
    credit_minor: int | None = None  # paid beyond what it owes
    regime: NewRegime | None = None  # who pays for it

    @property
    def said(self) -> dict[str, Any]:
        """The cells of the line, by column: kept, and compared at the next import."""
        return {
            "head_name": self.head_name,
            "birth": self.people[0][1].said,
            "place": self.place_id,
            "phones": list(self.phones),
            "product": self.product.code,
            "paid_until": _iso(self.dues.paid_until),
            "member_since": _iso(self.dues.member_since),
            "paid": self.dues.paid_minor,
            "owed": self.dues.owed_minor,
            "others": [[name, birth.said] for name, birth in self.people[1:]],
            "reminders": self.reminders,
            "credit": self.credit_minor,
        }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def household_rows(g: SetupRows, households: list[Record], people: list[Record]) -> list[PaperHousehold]:
    """The new households; faults for existing ones whose line has changed."""
    g.heads += [record["head_name"] for record in households if record["head_name"]]
    g.numbers = {record["number"] for record in households} | set(g.known.lines)
    others = _people(g, people, households)
    products = _products(g)
    found = []
    for record in once(households, ("number",), g.faults):
        household = _household_row(g, record, others.get(record["number"], []), products)
        line = g.known.lines.get(record["number"])
        if household is None:
            continue
        g.count("households", is_there=line is not None)
        if household.regime:
            is_new = line is None or regime_changed(g, line.number, household.regime)
            if household.regime.code:
                g.count("regimes", is_there=not is_new)
            elif line and is_new:
                g.count("own payers", is_there=False)
        g.count("people", is_there=line is not None, lines=len(household.people))
        if line:
            _compare(g, record, household.said, line.said)
        else:
            found.append(household)
    if g.known.households + len(found) > NUMBERS_OF_A_MUTUELLE:
        reason = _("a mutuelle may have {most} households at most", most=NUMBERS_OF_A_MUTUELLE)
        g.faults.append(households[0].sheet.fault(0, "", reason))
    return found


def _people(
    g: SetupRows, people: list[Record], households: list[Record]
) -> Mapping[str, list[tuple[str | None, Birth]]]:
    """The people of each household, without its head."""
    heads = {record["number"]: record for record in households}
    found = defaultdict(list)
    for record in once(people, ("number", "name", "birth"), g.faults):
        number = record["number"]
        head = heads.get(number)
        if number and head is None:
            g.faults.append(record.fault("number", _("no household has the number {number}", number=number)))
        elif head and head["others"]:
            reason = _("the others of this household are in its own line {line} already", line=head.line)
            g.faults.append(record.fault("number", reason))
        elif head and _is_head(record, head):
            g.faults.append(
                record.fault("name", _("the head of the household is in line {line}", line=head.line))
            )
        elif record.is_whole:
            found[number].append((record["name"], record["birth"]))
    return found


def _is_head(record: Record, head: Record) -> bool:
    if record["birth"] != head["birth"] or not record["name"] or not head["head_name"]:
        return False
    return same_person(record["name"], head["head_name"])


def _products(g: SetupRows) -> Mapping[str, Sequence[Product]]:
    """The versions of each product, by code and by name: today's first, then the others, the newest first.

    Today's is the newest whose sale has begun, or else the newest.
    """
    sold = [
        (product, g.known.rows["products"][key]["sold_from"]) for key, product in g.known.products.items()
    ]
    sold += [(sale.product, sale.sold_from) for sale in g.sales]
    found: dict[str, list[Product]] = {}
    for product, _sold_from in sorted(
        sold, key=lambda one: (one[1] <= g.today, one[0].version), reverse=True
    ):
        for called in {folded(product.name), folded(product.code)}:
            found.setdefault(called, []).append(product)
    return found


def _household_row(
    g: SetupRows,
    record: Record,
    others: list[tuple[str | None, Birth]],
    products: Mapping[str, Sequence[Product]],
) -> PaperHousehold | None:
    place_id = find_id(g, record, "place", "places")
    versions = products.get(folded(record["product"] or ""))
    if record["product"] and not versions:
        reason = _("{cell} is not known: is it in {file}?", cell=record["product"], file="produits.csv")
        g.faults.append(record.fault("product", reason))
    if not _is_old_enough(g, record) or not record.is_whole or place_id is None or not versions:
        return None
    regime = regime_of(g, record)
    people = (
        (record["head_name"], record["birth"]),
        *((None, birth) for birth in record["others"] or ()),
        *others,
    )
    dues = Said(record["paid_until"], record["member_since"], record["paid"], record["owed"])
    policies: tuple[PaperPolicy, ...] | None = ()
    if record["number"] not in g.known.lines:  # of one imported on another day only the line itself counts
        policies = _policies(g, record, dues, versions, people)
    if policies is None or not _may_be_ahead(g, record, policies):
        return None
    policies = shared(g, regime, policies)
    return PaperHousehold(
        record["number"],
        record["head_name"],
        place_id,
        record["phones"] or (),
        people,
        versions[0],
        dues,
        record["reminders"],
        policies,
        record["credit"],
        regime,
    )


def _is_old_enough(g: SetupRows, record: Record) -> bool:
    """Whether the head is old enough, as far as the age is known; an existing household was checked before."""
    birth = record["birth"]
    if birth is None or record["number"] in g.known.lines or g.today.year - birth.year >= LEAST_AGE_OF_HEAD:
        return True
    reason = _("The head of a household is {age} or older.", age=LEAST_AGE_OF_HEAD)
    g.faults.append(record.fault("birth", reason))
    return False


def _may_be_ahead(g: SetupRows, record: Record, policies: Sequence[PaperPolicy]) -> bool:
    """Whether a household with money in advance owes nothing; an existing one was checked before."""
    owes = bool(policies) and (policies[-1].owed_minor > 0 or not policies[-1].paid_minor)
    if not record["credit"] or not owes:
        return True
    g.faults.append(record.fault("credit", _("who still owes has nothing in advance: write it as paid")))
    return False


def _policies(
    g: SetupRows, record: Record, dues: Said, versions: Sequence[Product], people: Sequence[tuple[Any, Birth]]
) -> tuple[PaperPolicy, ...] | None:
    """The policies of the household and what was paid; None, with a fault, if its line cannot be true."""
    if len(people) > (most := versions[0].max_members):
        reason = _("{count} people are too many: {most} at most", count=len(people), most=most)
        g.faults.append(record.fault("product", reason))
        return None
    try:
        return paper_policies(dues, versions, [birth for _name, birth in people], g.today)
    except InvalidError as fault:
        g.faults.append(record.fault("paid_until", fault.sentence))
    except ContradictionError as fault:
        g.faults.append(record.fault(fault.column, fault.sentence))
    return None


def _compare(g: SetupRows, record: Record, says: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    for key, fact in says.items():
        if said.get(key) != fact:
            reason = _(
                "this household was taken over with another value: {there}", there=_shown(said.get(key))
            )
            g.faults.append(record.fault(key, reason))


def _shown(fact: Any) -> str:
    if isinstance(fact, list):
        return ", ".join(_shown(part) for part in fact) or "-"
    return "-" if fact is None else str(fact)
