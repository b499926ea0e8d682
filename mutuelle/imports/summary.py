"""The summary of an import: how the files were read, what is wrong or new, what to do next."""

from collections.abc import Mapping
from itertools import product

from ledger import accounts
from locales import Money, Sentence, _, _n
from mutuelle.imports.columns import FORMS
from mutuelle.imports.reading import CsvFile
from mutuelle.imports.run import Imported
from mutuelle.sheets.faults import by_cause, reported

FAULTS_SHOWN = 200
NOTES_SHOWN = 20
LABELS: dict[str, Sentence] = {
    "mutuelle": _("mutuelle"),
    "places": _("villages"),
    "products": _("products"),
    "facilities": _("facilities"),
    "named services": _("services of the mutuelle's own"),
    "benefits": _("rules of benefits"),
    "agreements": _("agreements"),
    "tariffs": _("prices of care"),
    "doctors": _("doctors"),
    "officers": _("officers"),
    "routes": _("operators"),
    "limits": _("limits"),
    "payers": _("payers"),
    "households": _("households"),
    "people": _("people in households"),
    "regimes": _("households of payers"),
    "own payers": _("households without a payer from now on"),
    "balances": _("balances"),
}


FUNDS: dict[str, Sentence] = {
    accounts.HEALTH: _("health"),
    accounts.TRANSPORT: _("transport"),
    accounts.TONTINE: _("tontine"),
    accounts.LOANS: _("loans"),
    accounts.GRANTS: _("grants"),
}
DEBIT, CREDIT = False, True
SUMS: dict[tuple[str, bool], Sentence] = {
    ("cash", DEBIT): _("in the boxes"),
    ("bank", DEBIT): _("in the banks"),
    ("float", DEBIT): _("at operators"),
    ("member", DEBIT): _("owed by households"),
    ("member", CREDIT): _("paid ahead by households"),
    ("receivable", DEBIT): _("owed by the State and others"),
    ("loan", DEBIT): _("lent"),
    ("payable", CREDIT): _("owed to facilities"),
    ("deposit", CREDIT): _("deposits of members"),
    ("reserve", CREDIT): _("set aside"),
    ("opening", CREDIT): _("own money at the start"),
    ("opening", DEBIT): _("missing at the start"),
}


def files_read(sheets: Mapping[str, CsvFile]) -> list[Sentence]:
    """How each file was read: its lines, letters and separator."""
    return [
        _n(
            "{file}: {n} line, {letters}, separator {separator}",
            "{file}: {n} lines, {letters}, separator {separator}",
            len(sheets[form.key].rows),
            file=sheets[form.key].file,
            letters=sheets[form.key].encoding,
            separator=sheets[form.key].separator,
        )
        for form in FORMS
        if form.key in sheets
    ] + [
        _(
            "{file}: the headers are in line {line}, what stands above them is left out",
            file=sheet.file,
            line=sheet.header,
        )
        for sheet in sheets.values()
        if sheet.header > 1
    ]


def faults_found(taken: Imported) -> list[Sentence]:
    """The first faults, then their number; empty where there are none."""
    if not taken.faults:
        return []
    lines = [sentence for faults in by_cause(taken.faults) for sentence in reported(faults)]
    if (more := len(lines) - FAULTS_SHOWN) > 0:
        lines[FAULTS_SHOWN:] = [_("… and {count} more", count=more)]
    return [
        *lines,
        _n("{n} fault: nothing was written.", "{n} faults: nothing was written.", len(taken.faults)),
    ]


def result_of(taken: Imported, *, dry: bool) -> list[Sentence]:
    """What is new and what existed, what a person should check, and what to do next."""
    lines = [
        _("{what}: {new} new, {there} there already", what=label, new=counts[0], there=counts[1])
        for key, label in LABELS.items()
        if (counts := taken.counts.get(key))
    ]
    if taken.owing and taken.mutuelle:
        paid, owed = (
            sum(amounts) for amounts in zip(*((p.paid_minor, p.owed_minor) for p in taken.owing), strict=True)
        )
        lines.append(
            _(
                "households that have paid a part: {count}, {paid} paid, {owed} owed",
                count=len(taken.owing),
                paid=Money(paid, taken.mutuelle.currency),
                owed=Money(owed, taken.mutuelle.currency),
            )
        )
    lines += _to_sign(taken)
    lines += taken.notes[:NOTES_SHOWN]
    if more := len(taken.notes) - NOTES_SHOWN:
        lines += [_("… and {count} more", count=more)] if more > 0 else []
    return lines + _next(taken, dry=dry)


def _to_sign(taken: Imported) -> list[Sentence]:
    """The sums that the paper must say too: two people compare them and sign."""
    if not taken.sums or not taken.mutuelle:
        return []
    lines = [
        _(
            "To compare with the paper, and to sign by two (in full: keneya balance --mutuelle {code}):",
            code=taken.mutuelle.id,
        )
    ]
    found = {(one.fund, one.kind, one.is_credit): one.amount_minor for one in taken.sums}
    for (fund, name), (kind, what) in product(FUNDS.items(), SUMS.items()):
        if minor := found.get((fund, *kind)):
            amount = Money(minor, taken.mutuelle.currency)
            lines.append(_("  {fund}, {what}: {amount}", fund=name, what=what, amount=amount))
    return lines


def _next(taken: Imported, *, dry: bool) -> list[Sentence]:
    if not taken.is_new:
        return [_("Everything was there already: nothing was changed.")]
    if dry:
        return [_("A trial: no fault, and nothing was kept. Without --dry-run it is written.")]
    return [
        _("Written. Next: each officer dials the service and asks for a PIN under 9."),
        _("Then a member dials it from the phone in the register: 1 shows the cover."),
    ]
