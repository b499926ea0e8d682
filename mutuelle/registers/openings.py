"""The balances of the day on which a mutuelle joins the service: what it holds, and what it has set aside.

One journal a fund, against that fund's opening account; posted once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ledger import accounts
from ledger.book import Journal, Movement
from locales import _
from mutuelle.registers.cells import slug
from mutuelle.registers.gathering import Gathered
from mutuelle.registers.records import Record, once

KIND = "opening balances"
CASH_BOX = "caisse"  # where a cash box has no name of its own: never a person's


@dataclass(frozen=True)
class Opening:
    """What stands in one account on a day; `is_reserve`: set aside, not held."""

    fund: str
    account: str
    amount_minor: int
    on: date
    is_reserve: bool


def gather_openings(g: Gathered, records: list[Record]) -> list[Opening]:
    """The balances of the files, all of one day."""
    named = [Record(r.sheet, r.line, {**r.facts, "code": _code(g, r)}, r.is_whole) for r in records]
    found: list[Opening] = []
    for record in once(named, ("code",), g.faults, "held"):
        if not record.is_whole or not record["code"]:
            continue
        if found and record["on"] != found[0].on:
            reason = _("all balances must be of one day: {day}", day=found[0].on)
            g.faults.append(record.fault("on", reason))
        fund, held = record["fund"] or accounts.HEALTH, record["held"]
        found.append(Opening(fund, record["code"], record["amount_minor"], record["on"], held == "reserve"))
    return found


def _code(g: Gathered, record: Record) -> str | None:
    """The account that a line means; None, with a fault, if it means none."""
    held, fund = record["held"], record["fund"] or accounts.HEALTH
    name = slug(record["name"] or "")
    if held == "reserve":
        return accounts.reserve(fund)
    if held == "cash":
        return accounts.cash(name or CASH_BOX, fund)
    if held == "bank" and name:
        return accounts.bank(name, fund)
    if held == "float" and name:
        return _float(g, record, name, fund)
    if held:
        g.faults.append(record.fault("name", _("this account needs a name")))
    return None


def _float(g: Gathered, record: Record, operator: str, fund: str) -> str | None:
    routes = [key[0] for key, row in g.known.rows["routes"].items() if row["operator"] == operator]
    routes += [route.country for route in g.routes if route.operator == operator]
    if not routes:
        reason = _("{cell} is not known: is it in {file}?", cell=operator, file="operateurs.csv")
        g.faults.append(record.fault("name", reason))
        return None
    country = g.mutuelle.country if g.mutuelle.country in routes else routes[0]
    return accounts.collections(f"{operator}-{country}", fund)


def journals(mutuelle_id: str, currency: str, openings: Iterable[Opening]) -> list[Journal]:
    """One journal for each fund that has anything."""
    by_fund = defaultdict(list)
    for opening in openings:
        if opening.amount_minor:
            by_fund[opening.fund].append(opening)
    return [
        Journal(
            mutuelle=mutuelle_id,
            source="opening",
            key=f"balances-{fund}",
            kind=KIND,
            effective_on=found[0].on,
            actor="import",
            reason="balances of the paper books",
            movements=[_movement(opening, currency) for opening in found],
        )
        for fund, found in sorted(by_fund.items())
    ]


def _movement(opening: Opening, currency: str) -> Movement:
    against = accounts.opening(opening.fund)
    debit, credit = (against, opening.account) if opening.is_reserve else (opening.account, against)
    return Movement(debit, credit, opening.amount_minor, currency)
