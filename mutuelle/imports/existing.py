"""What exists of a mutuelle in the database before the import, and where a file says something else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle import tables
from mutuelle.benefits.openings import BenefitOpenings, existing_openings
from mutuelle.imports.figures import register_number
from mutuelle.imports.records import Record
from mutuelle.imports.tables import register_line
from mutuelle.scheme.limits import NO_CHANGE, LimitChanges, limit_changes
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.scheme.products import Product, products_by_version
from mutuelle.scheme.regimes import (
    HouseholdRegime,
    Payer,
    Regime,
    household_regimes,
    payers_of,
    regimes_of,
)
from mutuelle.sheets.faults import Fault
from talk.trouble import InvalidError

FOUNDED: Mapping[str, Table] = {  # by the form that fills them
    "places": tables.place,
    "products": tables.product,
    "facilities": tables.facility,
    "doctors": tables.doctor,
    "workplaces": tables.doctor_facility,
    "officers": tables.officer,
    "routes": tables.route,
}


@dataclass(frozen=True)
class ExistingLine:
    """A line of the paper register that was imported: its member number, and its cells."""

    number: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Existing:
    """`rows` of each founding table by key (without the mutuelle's own); `prefixes` are those of all mutuelles."""

    mutuelle: Mutuelle | None
    prefixes: frozenset[int]
    rows: Mapping[str, Mapping[tuple[Any, ...], Mapping[str, Any]]]
    products: Mapping[tuple[str, int], Product]
    lines: Mapping[str, ExistingLine]
    households: int
    limits: LimitChanges = NO_CHANGE
    openings: BenefitOpenings = field(default_factory=BenefitOpenings)
    payers: Sequence[Payer] = ()
    regimes: Sequence[Regime] = ()
    household_regimes: Mapping[str, Sequence[HouseholdRegime]] = field(default_factory=dict)
    accounts: Sequence[Mapping[str, Any]] = ()  # at operators

    def present(self, form: str, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The existing row under the key of `row`, if there is one."""
        keys = [column.name for column in FOUNDED[form].primary_key][1:]
        return self.rows[form].get(tuple(row[key] for key in keys))


async def existing_of(db: AsyncConnection, mutuelle_id: str) -> Existing:
    """All that exists of the mutuelle with this code."""
    try:
        mutuelle = await get_mutuelle(db, mutuelle_id)
    except LookupError:
        mutuelle = None
    prefixes = frozenset(await db.scalars(select(tables.mutuelle.c.prefix)))
    rows = {key: await _rows(db, table, mutuelle_id) for key, table in FOUNDED.items()}
    products = await products_by_version(db, mutuelle_id)
    lines = await db.execute(
        select(register_line.c.register_number, register_line.c.number, register_line.c.said).where(
            register_line.c.mutuelle_id == mutuelle_id
        )
    )
    count = await db.scalar(
        select(func.count())
        .select_from(tables.household)
        .where(tables.household.c.mutuelle_id == mutuelle_id)
    )
    taken_over = {as_read_now(number): ExistingLine(member, said) for number, member, said in lines}
    limits = await limit_changes(db, mutuelle_id)
    openings = await existing_openings(db, mutuelle_id)
    return Existing(
        mutuelle,
        prefixes,
        rows,
        products,
        taken_over,
        count or 0,
        limits,
        openings,
        await payers_of(db, mutuelle_id),
        await regimes_of(db, mutuelle_id),
        await household_regimes(db, mutuelle_id, None),
        await _accounts(db, mutuelle_id),
    )


async def _accounts(db: AsyncConnection, mutuelle_id: str) -> list[Mapping[str, Any]]:
    found = select(tables.operator_account).where(tables.operator_account.c.mutuelle_id == mutuelle_id)
    return [dict(row) for row in (await db.execute(found.order_by("name"))).mappings()]


def as_read_now(number: str) -> str:
    """The number of a line in the form in which it is read from a file."""
    try:
        return register_number(number)
    except InvalidError:
        return number


async def _rows(
    db: AsyncConnection, table: Table, mutuelle_id: str
) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    found = (await db.execute(select(table).where(table.c.mutuelle_id == mutuelle_id))).mappings()
    keys = [column.name for column in table.primary_key][1:]
    return {tuple(row[key] for key in keys): dict(row) for row in found}


def clashes(
    present: Mapping[str, Any], record: Record, row: Mapping[str, Any], columns: Mapping[str, str]
) -> Iterator[Fault]:
    """Where a row differs from the existing one; `columns`: the file's column of a table's."""
    for name, fact in row.items():
        if present and present[name] != fact:
            there = _shown(present[name])
            yield record.fault(
                columns.get(name, name), _("it is there already and says: {there}", there=there)
            )


def _shown(fact: Any) -> str:
    return " / ".join(fact) if isinstance(fact, list) else str(fact)
