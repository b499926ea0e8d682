"""Imports a mutuelle from its files, in the caller's transaction: everything is checked before the first row.

The caller commits only if there are no faults.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import KEPT
from ledger import accounts
from ledger.book import Account, PostVerdict, open_accounts, post
from locales import Sentence, _
from mobilemoney.credentials import Credentials
from mutuelle.acts import By
from mutuelle.benefits.openings import open_benefits
from mutuelle.enrolment.paid_for import IMPORT, change_regime
from mutuelle.founding.founding import (
    add_workplace,
    appoint_officers,
    contract_doctors,
    found_mutuelle,
    list_facilities,
    list_payers,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.households.households import lock_household
from mutuelle.households.support_acts import WAYS_TO_PAY_CHANGE, NewSupportAct, write_act
from mutuelle.imports import setup_rows
from mutuelle.imports.benefit_rows import benefit_rows
from mutuelle.imports.cells import Setting
from mutuelle.imports.columns import BALANCES, FORMS, HOUSEHOLDS, MUTUELLE
from mutuelle.imports.dues import PaperPolicy
from mutuelle.imports.duplicates import look_alikes
from mutuelle.imports.existing import existing_of
from mutuelle.imports.household_rows import PaperHousehold, household_rows
from mutuelle.imports.openings import (
    Opening,
    held_by_officers,
    journals,
    of_households,
    opening_rows,
)
from mutuelle.imports.payer_rows import regime_rows
from mutuelle.imports.reading import CsvFile
from mutuelle.imports.records import Record, records
from mutuelle.imports.setup_rows import SetupRows, mutuelle_of
from mutuelle.imports.sums import OpeningSum, sums_to_sign
from mutuelle.imports.writing import write_households
from mutuelle.locks import Lock, lock
from mutuelle.scheme.limits import write_limit
from mutuelle.scheme.mutuelles import WAYS_TO_PAY, Mutuelle
from mutuelle.sheets.faults import Fault


@dataclass
class Imported:
    """The result of an import: `counts` are (new, existing) by form; nothing was written if there are faults.

    `owing` are the policies of which a part was paid on paper; `sums` what the book says now, to be signed.
    """

    mutuelle: Mutuelle | None = None
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)
    owing: list[PaperPolicy] = field(default_factory=list)
    sums: list[OpeningSum] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        """Whether anything was written."""
        return any(new for new, _there in self.counts.values())


@dataclass(frozen=True)
class _Read:
    gathered: SetupRows
    households: list[PaperHousehold]
    openings: list[Opening]


STEPS_OF_A_HOUSEHOLD = 15  # writing a household takes as long as reading so many lines


def steps(sheets: Mapping[str, CsvFile]) -> int:
    """How often `take_over` calls `advance`, at most: while it reads, and while it writes."""
    households = len(sheets[HOUSEHOLDS.key].rows) if HOUSEHOLDS.key in sheets else 0
    return sum(len(sheet.rows) for sheet in sheets.values()) + households * STEPS_OF_A_HOUSEHOLD


async def take_over(
    db: AsyncConnection,
    sheets: Mapping[str, CsvFile],
    faults: Sequence[Fault],
    *,
    credentials: Credentials,
    by: By,
    advance: Callable[[], None],
) -> Imported:
    """Read every line, then report all faults, or write all that is new.

    `faults` are those of the reading; `credentials` says which operators can be asked from here; `by`: who imports, and
    when; `advance` is called for each step.
    """
    at = by.at
    taken = Imported(faults=list(faults))
    read = await _read(db, sheets, credentials, at, taken, advance)
    if read is None or taken.faults:
        return taken
    g = read.gathered
    await _found(db, g, at)
    await open_benefits(db, g.mutuelle, g.openings, by)
    for change in g.limits:
        await write_limit(db, g.mutuelle.id, change, by=by)
    await _note_ways_to_pay(db, g, by)

    def written() -> None:
        for _step in range(STEPS_OF_A_HOUSEHOLD):
            advance()

    await write_households(db, g.mutuelle, read.households, at=at, advance=written)
    await _change_regimes(db, g, at)
    await _open_balances(db, read, sheets, at, taken)
    if any(new for new, _there in (*g.counts.values(), *map(tuple, taken.counts.values()))):
        taken.sums = await sums_to_sign(db, g.mutuelle)
    taken.counts = {key: (new, there) for key, (new, there) in g.counts.items()} | taken.counts
    return taken


async def _read(
    db: AsyncConnection,
    sheets: Mapping[str, CsvFile],
    credentials: Credentials,
    at: datetime,
    taken: Imported,
    advance: Callable[[], None],
) -> _Read | None:
    sheet = sheets.get(MUTUELLE.key)
    if sheet is None or not sheet.rows:
        file = sheet.file if sheet else MUTUELLE.file
        if not any(fault.file == file for fault in taken.faults):
            taken.faults.append(Fault(file, 0, "", _("this file with its one line is needed")))
        return None
    country = sheet.rows[0].cells.get("country", "").upper()
    currency = sheet.rows[0].cells.get("currency", "").upper()
    alone = Setting(country, at.date(), currency if currency in KEPT else "XOF")
    first = records(sheet, alone, taken.faults, advance)[0]
    code = str(first["id"] or "")
    await lock(db, Lock.IMPORT, code)
    known = await existing_of(db, code)
    mutuelle = mutuelle_of(first, known, taken.faults) or _stand_in(first)
    setting = Setting(country, mutuelle.today(at), mutuelle.currency)
    by_form = {
        form.key: records(sheets.get(form.key), setting, taken.faults, advance)
        for form in FORMS
        if form is not MUTUELLE
    }
    g = SetupRows(mutuelle, known, setting.today, taken.faults)
    g.count(MUTUELLE.key, is_there=known.mutuelle is not None)
    households, openings = _fill(g, by_form, credentials)
    taken.mutuelle = mutuelle
    taken.owing = [
        one for household in households for one in household.policies if one.paid_minor and one.owed_minor
    ]
    taken.faults.sort(key=lambda fault: (_order(sheets, fault), fault.line))
    taken.notes += [
        _("Left out of names: {remark} ({count})", remark=remark, count=count)
        for remark, count in setting.left_out.most_common()
    ]
    taken.notes += await look_alikes(db, mutuelle, households)
    return _Read(g, households, openings)


def _fill(
    gathered: SetupRows, read: Mapping[str, list[Record]], credentials: Credentials
) -> tuple[list[PaperHousehold], list[Opening]]:
    setup_rows.place_rows(gathered, read["places"])
    setup_rows.product_rows(gathered, read["products"])
    setup_rows.facility_rows(gathered, read["facilities"])
    setup_rows.doctor_rows(gathered, read["doctors"])
    setup_rows.officer_rows(gathered, read["officers"])
    setup_rows.route_rows(gathered, read["routes"], credentials)
    setup_rows.limit_rows(gathered, read["limits"])
    benefit_rows(gathered, read)
    regime_rows(gathered, read["payers"])
    households = household_rows(gathered, read["households"], read["people"])
    return households, opening_rows(gathered, read["balances"])


def _stand_in(record: Record) -> Mutuelle:
    """A stand-in for a mutuelle whose own line has faults, so that the other files can be checked."""
    facts = {"currency": "XOF", "timezone": "UTC"} | {k: v for k, v in record.facts.items() if v is not None}
    blank = dict.fromkeys(Mutuelle.__dataclass_fields__, "")
    return Mutuelle(**{**blank, **facts, "prefix": 100})


def _order(sheets: Mapping[str, CsvFile], fault: Fault) -> int:
    """The order of faults: file by file, as the files build on each other."""
    order = [sheets[form.key].file for form in FORMS if form.key in sheets]
    return order.index(fault.file) if fault.file in order else -1


async def _found(db: AsyncConnection, g: SetupRows, at: datetime) -> None:
    await found_mutuelle(db, g.mutuelle, at=at)
    await open_accounts(db, [Account(g.mutuelle.id, accounts.opening(), g.mutuelle.currency)])
    await serve_places(db, g.mutuelle, g.places)
    await sell_products(db, g.mutuelle, g.sales)
    await list_facilities(db, g.mutuelle, g.facilities)
    await open_routes(db, g.mutuelle, g.routes)
    await list_payers(db, g.mutuelle, list(g.payers.values()), g.regimes)
    for since, appointment in groupby(sorted(g.officers, key=_since), key=_since):
        await appoint_officers(db, g.mutuelle, [officer for officer, _day in appointment], since=since, at=at)
    for since, contracts in groupby(sorted(g.doctors, key=_since), key=_since):
        await contract_doctors(db, g.mutuelle, [doctor for doctor, _day in contracts], on=since, at=at)
    for doctor, since in g.workplaces:
        await add_workplace(db, g.mutuelle, doctor.phone, doctor.facility_id, since=since)


async def _change_regimes(db: AsyncConnection, g: SetupRows, at: datetime) -> None:
    """Who pays for households that are there already; a closed one is left as it is."""
    for change in sorted(g.regime_changes, key=lambda one: one.number):
        household = await lock_household(db, change.number)
        if household is not None:
            await change_regime(db, household, change.new, by=By(IMPORT, "the list of a payer", at))


async def _note_ways_to_pay(db: AsyncConnection, g: SetupRows, by: By) -> None:
    """Write down who changed how an existing mutuelle is paid: its members send money where this says."""
    there = g.known.mutuelle
    facts = {
        name: {"was": was, "is": said or None}
        for name in WAYS_TO_PAY
        if there
        and (said := getattr(g.mutuelle, name)) is not None
        and (said or None) != (was := getattr(there, name))
    }
    if facts:
        await write_act(db, NewSupportAct(WAYS_TO_PAY_CHANGE, g.mutuelle.id, facts=facts), by)


def _since(dated: tuple[Any, date]) -> date:
    return dated[1]


async def _open_balances(
    db: AsyncConnection, read: _Read, sheets: Mapping[str, CsvFile], at: datetime, taken: Imported
) -> None:
    """Post the opening balances of each fund; count new and existing accounts."""
    mutuelle = read.gathered.mutuelle
    openings = await of_households(db, mutuelle, await held_by_officers(db, mutuelle, read.openings, at))
    drafts = journals(mutuelle.id, mutuelle.currency, openings)
    codes = {code for draft in drafts for m in draft.movements for code in (m.debit, m.credit)}
    await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in sorted(codes)])
    counts = Counter[PostVerdict]()
    for draft, posted in zip(drafts, await post(db, drafts), strict=True):
        counts[posted.verdict] += len(draft.movements)
        if not posted.stands:
            other = _("the balances of this fund were posted before, and were others")
            reason = (
                other
                if posted.verdict is PostVerdict.CONFLICT
                else _("refused: {why}", why=str(posted.reason))
            )
            taken.faults.append(Fault(sheets[BALANCES.key].file, 0, "", reason))
    if drafts:
        taken.counts[BALANCES.key] = (counts[PostVerdict.CREATED], counts[PostVerdict.EXISTS])
