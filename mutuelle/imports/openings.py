"""The balances of the day on which a mutuelle joins the service: what it holds, and what it has set aside.

One journal a fund, against that fund's opening account; posted once. An account's name stays for ever, so no person's
name becomes one: cash that an officer holds is booked under the reference that the service gives its holders.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Journal, Movement
from locales import _
from mutuelle.imports.cells import same_person, slug
from mutuelle.imports.columns import FACILITIES, HOUSEHOLDS
from mutuelle.imports.existing import as_read_now
from mutuelle.imports.figures import register_number
from mutuelle.imports.payer_rows import owing_code
from mutuelle.imports.records import Record, once
from mutuelle.imports.setup_rows import SetupRows
from mutuelle.imports.tables import register_line
from mutuelle.imports.vocabulary import BANK_WORDS, BOX_WORDS, LINKING_WORDS
from mutuelle.officers.roles import Appointment, Role
from mutuelle.scheme.mutuelles import Mutuelle, Officer
from mutuelle.sheets.letters import folded
from mutuelle.treasury.cash_in_hand import cash_in_hand_of, holder_of, lock_cash_in_hand
from talk.phones import typed_phone
from talk.trouble import InvalidError

KIND = "opening balances"
CREDITS = ("reserve", "payable", "deposit")  # set aside, or owed to others
CASH_BOX = "caisse"  # where a cash box has no name of its own
HOLDERS = (
    Role.TREASURER,
    Role.COLLECTOR,
)  # who may hold cash; the first is meant where a phone has both roles


@dataclass(frozen=True)
class Opening:
    """The balance of one account on a day; `is_credit`: owed or set aside, not held.

    Cash in the hands of `holder` has its `account` from `held_by_officers`, what a household (its number in the
    register) has put in or was lent from `of_households`.
    """

    fund: str
    account: str
    amount_minor: int
    on: date
    is_credit: bool
    holder: Officer | None = None
    kind: str = ""
    household: str | None = None


def opening_rows(g: SetupRows, records: list[Record]) -> list[Opening]:
    """The balances of the files, all of one day."""
    named = []
    for record in records:
        holder, household = _holder(g, record), _household(g, record)
        if holder:
            code: str | None = f"{record['fund']} {holder.phone}"
        else:
            code = f"{record['held']} {household}" if household else _code(g, record)
        facts = {**record.facts, "code": code, "holder": holder, "household": household}
        named.append(Record(record.sheet, record.line, facts, record.is_whole))
    found: list[Opening] = []
    for record in once(named, ("code",), g.faults, "held"):
        if not record.is_whole or not record["code"]:
            continue
        if found and record["on"] != found[0].on:
            reason = _("all balances must be of one day: {day}", day=found[0].on)
            g.faults.append(record.fault("on", reason))
        holder, household = record["holder"], record["household"]
        opening = Opening(
            fund_of(record),
            "" if holder or household else record["code"],
            record["amount_minor"],
            record["on"],
            record["held"] in CREDITS,
            holder,
            record["held"],
            household,
        )
        found.append(opening)
    return found


def _code(g: SetupRows, record: Record) -> str | None:
    """The account that a line means; None, with a fault, if it means none."""
    held, name, fund = record["held"], record["name"] or "", fund_of(record)
    if held == "reserve":
        return accounts.reserve(fund)
    if held == "cash":
        return _box(g, record, name, fund)
    if name and held == "float":
        return _float(g, record, slug(name), fund)
    if name and held in ("bank", "receivable"):
        return _named(g, record, held, fund)
    if name and held:
        return _third_party(g, record, held, fund)
    if held:
        g.faults.append(record.fault("name", _("this account needs a name")))
    return None


def _box(g: SetupRows, record: Record, name: str, fund: str) -> str | None:
    if _is_box(g, name):
        return accounts.cash(slug(name) or CASH_BOX, fund)
    reason = _(
        "{cell} is no cash box of a village and no officer: write the phone of who holds it", cell=name
    )
    g.faults.append(record.fault("name", reason))
    return None


def _named(g: SetupRows, record: Record, held: str, fund: str) -> str | None:
    """The account of a bank, or of a third party that owes: its name stays for ever, so it is no person's."""
    name = record["name"]
    if held == "bank" and _is_bank(g, name):
        return accounts.bank(slug(name), fund)
    if held == "receivable" and not _is_person(g, name):
        return accounts.receivable(owing_code(g, name), fund)
    if held == "bank":
        reason = _("{cell} looks like a person: write the bank's name, such as Banque de Sikasso", cell=name)
    else:
        reason = _(
            "{cell} is a person: what a household owes is in menages.csv, what was lent is a prêt", cell=name
        )
    g.faults.append(record.fault("name", reason))
    return None


def fund_of(record: Record) -> str:
    """The fund that a line means: of loans and deposits their own, else health."""
    usual = {"loan": accounts.LOANS, "deposit": accounts.TONTINE}
    return str(record["fund"] or usual.get(record["held"], accounts.HEALTH))


def _third_party(g: SetupRows, record: Record, held: str, fund: str) -> str | None:
    """The account of the facility that a debt or a loan is of; None, with a fault, if there is none called so."""
    name = record["name"]
    facility = g.names["facilities"].get(folded(name)) if held != "deposit" else None
    if facility:
        return accounts.payable(facility, fund) if held == "payable" else accounts.loan(facility, fund)
    file = {"payable": FACILITIES.file, "deposit": HOUSEHOLDS.file}.get(held)
    file = file or f"{FACILITIES.file}, {HOUSEHOLDS.file}"
    g.faults.append(record.fault("name", _("{cell} is not known: is it in {file}?", cell=name, file=file)))
    return None


def _household(g: SetupRows, record: Record) -> str | None:
    """The number in the register of the household that has put money in, or was lent some; None for all else."""
    if record["held"] not in ("loan", "deposit") or not record["name"]:
        return None
    try:
        number = register_number(record["name"])
    except InvalidError:
        return None
    return number if number in g.numbers else None


def _is_person(g: SetupRows, name: str) -> bool:
    """Whether the name is one that the service knows of a person, in any order."""
    return any(same_person(name, person) for person in g.persons())


def _holder(g: SetupRows, record: Record) -> Officer | None:
    """The officer who holds this cash, called by phone or by name; None if it is no officer."""
    if record["held"] != "cash" or not record["name"]:
        return None
    try:
        phone = typed_phone(record["name"], g.mutuelle.country)
    except InvalidError:
        phone = ""
    called = [
        officer
        for officer in g.in_office()
        if officer.role in HOLDERS and (officer.phone == phone or same_person(officer.name, record["name"]))
    ]
    phones = {officer.phone for officer in called}
    return min(called, key=lambda officer: HOLDERS.index(Role(officer.role))) if len(phones) == 1 else None


def _is_box(g: SetupRows, name: str) -> bool:
    """Whether the name of a cash box is a kind and a place: Caisse de Niéna, caisse centrale, or empty."""
    words = " ".join(word for word in folded(name).split() if word not in LINKING_WORDS | BOX_WORDS)
    places = {
        " ".join(word for word in place.split() if word not in LINKING_WORDS) for place in g.names["places"]
    }
    return bool(re.fullmatch(r"\d{0,2}", words)) or words in places


def _is_bank(g: SetupRows, name: str) -> bool:
    """Whether a name has a word of banks, or is one word in capitals (a short name) and no person's."""
    words = set(folded(name).split())
    persons = (set(folded(person).split()) for person in g.persons())
    called = not BANK_WORDS.isdisjoint(words) or (name.isupper() and len(words) == 1)
    return called and not any(len(person) > 1 and person <= words for person in persons)


def _float(g: SetupRows, record: Record, operator: str, fund: str) -> str | None:
    there = [(row["country"], row["name"]) for row in g.known.accounts if row["operator"] == operator]
    there += [(route.country, route.float_name) for route in g.routes if route.operator == operator]
    if not there:
        reason = _("{cell} is not known: is it in {file}?", cell=operator, file="operateurs.csv")
        g.faults.append(record.fault("name", reason))
        return None
    name = dict(reversed(there)).get(g.mutuelle.country, there[0][1])
    return accounts.collections(name, fund)


async def held_by_officers(
    db: AsyncConnection, mutuelle: Mutuelle, openings: Sequence[Opening], at: datetime
) -> list[Opening]:
    """The balances with the accounts of the officers who hold cash: an officer's first cash draws her reference."""
    found = []
    for opening in openings:
        if opening.holder:
            role, phone, name = Role(opening.holder.role), opening.holder.phone, opening.holder.name
            appointment = Appointment(mutuelle.id, mutuelle.name, role, phone, name)
            await lock_cash_in_hand(db, appointment)
            reference = await holder_of(db, await cash_in_hand_of(db, appointment), appointment, at)
            opening = replace(opening, account=accounts.cash(reference, opening.fund))
        found.append(opening)
    return found


async def of_households(
    db: AsyncConnection, mutuelle: Mutuelle, openings: Sequence[Opening]
) -> list[Opening]:
    """The balances with the accounts of the households, which have their numbers by now."""
    if not any(opening.household for opening in openings):
        return list(openings)
    line = register_line.c
    of_mutuelle = select(line.register_number, line.number).where(line.mutuelle_id == mutuelle.id)
    numbers = {as_read_now(register): number for register, number in await db.execute(of_mutuelle)}
    account = {"loan": accounts.loan, "deposit": accounts.deposit}
    return [
        replace(one, account=account[one.kind](numbers[one.household], one.fund)) if one.household else one
        for one in openings
    ]


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
    debit, credit = (against, opening.account) if opening.is_credit else (opening.account, against)
    return Movement(debit, credit, opening.amount_minor, currency)
