"""The payers of a register and their regimes, and which regime pays for which household."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from locales import _
from mutuelle.enrolment.paid_for import NewRegime
from mutuelle.imports.cells import slug
from mutuelle.imports.dues import PaperPolicy
from mutuelle.imports.records import Record, once
from mutuelle.imports.setup_rows import SetupRows, find_id, with_facts
from mutuelle.imports.vocabulary import LINKING_WORDS
from mutuelle.scheme.regimes import STATE_CODE, HouseholdRegime, Payer, PayerKind, Regime, in_force
from mutuelle.sheets.letters import folded

ITSELF = ""  # of a cell that says that a household pays for itself again


@dataclass(frozen=True)
class RegimeOfHousehold:
    """What is new of who pays for an imported household; `number` is its member number."""

    number: str
    new: NewRegime


def debtor_code(name: str) -> str:
    """The code of who owes something to the mutuelle, the same in each file: Commune de Niéna is commune-niena."""
    called = [word for word in folded(name).split() if word not in LINKING_WORDS]
    return slug(" ".join(called) or name)


def owing_code(g: SetupRows, name: str) -> str:
    """The code of who owes an opening balance: a payer's own, which of the State begins with its word."""
    payers = {folded(one.name): one.code for one in [*g.known.payers, *g.payers.values()]}
    return payers.get(folded(name)) or debtor_code(name)


def regime_rows(g: SetupRows, records: list[Record]) -> None:
    """The payers and their regimes: one line for each regime, and for each day on which its share changes."""
    g.names["regimes"] = {folded(row.name): row.code for row in g.known.regimes}
    named = [with_facts(record, code=slug(record["name"] or "")) for record in records]
    for record in once(named, ("code", "since"), g.faults, "name"):
        g.names["regimes"][folded(record["name"] or "")] = record["code"]
        payer = _payer(g, record)
        if payer is None:
            continue
        facts = (record["code"], record["since"], record["name"], payer.code, payer.name, record["percent"])
        regime = Regime(*facts)
        there = {(row.code, row.since): row for row in g.known.regimes}.get((regime.code, regime.since))
        if there and there != regime:
            reason = _("it is there already and says: {there}", there=there.label)
            g.faults.append(record.fault("percent", reason))
        g.count("payers", is_there=there is not None)
        g.payers[payer.code] = payer
        g.regimes += [] if there else [regime]


def _payer(g: SetupRows, record: Record) -> Payer | None:
    """The payer of a line; None, with a fault, where another line says something else of it."""
    if not record.is_whole:
        return None
    name, kind, code = record["payer"], PayerKind(record["kind"]), debtor_code(record["payer"])
    if kind is PayerKind.STATE and code.partition("-")[0] != STATE_CODE:
        code = f"{STATE_CODE}-{code}"[:40].strip("-")
    elif kind is not PayerKind.STATE and code.partition("-")[0] == STATE_CODE:
        g.faults.append(record.fault("kind", _("{name} is the State, is it not?", name=name)))
        return None
    payer = Payer(code, name, kind)
    there = ({one.code: one for one in g.known.payers} | g.payers).get(code, payer)
    if there != payer:
        reason = _("it is there already and says: {there}", there=f"{there.name}, {there.kind}")
        g.faults.append(record.fault("payer", reason))
        return None
    return payer


def regime_of(g: SetupRows, record: Record) -> NewRegime | None:
    """Who pays for the household of a line, if the line says it."""
    if record["regime"] == ITSELF:
        return NewRegime(None, record["regime_since"] or g.today)
    code = find_id(g, record, "regime", "regimes")
    since, until = record["regime_since"] or g.today, record["regime_until"]
    if until and until < since:
        g.faults.append(record.fault("regime_until", _("it ends before it begins")))
    return NewRegime(code, since, until) if code else None


def shared(g: SetupRows, new: NewRegime | None, policies: Sequence[PaperPolicy]) -> tuple[PaperPolicy, ...]:
    """The policies of a new household: one that is agreed to today, of which nothing is paid, has its payer's part.

    What was called on paper was owed by whoever it was: what a payer owes of it is an opening balance.
    """
    begun = new is not None and new.since <= g.today and (new.until is None or new.until >= g.today)
    rows = {row.code: row for row in in_force([*g.known.regimes, *g.regimes], g.today)}
    regime = rows.get(new.code or "") if new and begun else None
    return tuple(one if one.paid_minor else one.under(regime) for one in policies)


def regime_changed(g: SetupRows, number: str, new: NewRegime) -> bool:
    """Note what a line says otherwise of an existing household than what is so; whether it does."""
    changes: Sequence[HouseholdRegime] = g.known.household_regimes.get(number, ())
    last = max(changes, key=lambda one: one.position, default=None)
    if _is_so(last, new, g.today):
        return False
    g.regime_changes.append(RegimeOfHousehold(number, new))
    return True


def _is_so(last: HouseholdRegime | None, new: NewRegime, today: date) -> bool:
    if last is None:
        return new.code is None
    is_same = (last.regime.code if last.regime else None, last.until) == (new.code, new.until)
    return is_same and (last.since == new.since or new.since == today)
