"""What a treasurer types for a voucher: whom she pays, why, the number of a bank's paper."""

import re

from locales import _
from mutuelle.treasury.waivers import waiver_reason
from talk.answers import Kind
from talk.figures import in_figures
from talk.phones import IN_A_LINE, typed_phone
from talk.trouble import InvalidError
from values import value

MOST_REASON = 40  # characters: it stands beside who is paid and from what, on one screen and in one SMS
MOST_PARTY = 24
MOST_SLIP = 16
ALONE = re.compile(r"(?<![\w/-])\d(?:[ .]?\d){4}(?![ .]?\d|[\w/-])")  # five digits, as a work PIN has


@value
class Party:
    """Who is paid, or gives: a name, and a phone ("" if none was typed)."""

    name: str
    phone: str


def party_kind(region: str, *, with_phone: bool = False) -> Kind[Party]:
    """A person's or a shop's name, with the phone behind it or without: Boutique Sanogo 76 12 34 56.

    `with_phone`: who is paid by mobile money has one.
    """

    def parse(typed: str) -> Party:
        found = list(IN_A_LINE.finditer(in_figures(typed)))
        if len(found) > 1:
            raise InvalidError(_("Please type one name and one phone."))
        if with_phone and not found:
            raise InvalidError(_("Please type the name, then the phone that gets the money."))
        phone = typed_phone(found[0][0], region) if found else ""
        rest = (
            typed.replace(found[0][0], " ") if found and found[0][0] in typed else IN_A_LINE.sub(" ", typed)
        )
        _expect_no_pin(rest)
        return Party(_name(rest), phone)

    return Kind(
        "payee" if with_phone else "party",
        parse,
        good=("Boutique Sanogo +22376123456", "x" * MOST_PARTY + " +22376123456" * with_phone),
        bad=("", "7", "76 12 34 56", "Awa 20041", "x" * (MOST_PARTY + 1), *("Awa Keita",) * with_phone),
        takes_rest=True,
    )


def _expect_no_pin(typed: str) -> None:
    """Refused where five digits stand alone: they may be her work PIN, which is never shown or kept."""
    if ALONE.search(typed):
        raise InvalidError(_("Five digits alone may be a PIN. Please add letters, like BR 20041."))


def _name(typed: str) -> str:
    name = " ".join(re.sub(r"[^\w'’ .&-]|_", " ", typed).split()).strip(" -.&'’")
    if sum(letter.isalpha() for letter in name) < 2:
        raise InvalidError(_("Please type the name in letters."))
    if len(name) > MOST_PARTY:
        raise InvalidError(_("This name is too long: {most} letters at most.", most=MOST_PARTY))
    return name.title() if name.isupper() or name.islower() else name


def _reason(typed: str) -> str:
    reason = waiver_reason.parse("".join(letter for letter in typed if letter.isprintable()))
    if len(reason) > MOST_REASON or sum(letter.isalpha() for letter in reason) < 2:
        raise InvalidError(_("Please say why, in {most} letters at most.", most=MOST_REASON))
    return reason


voucher_reason = Kind(
    "voucher reason",
    _reason,
    good=("x" * MOST_REASON, "Facture d'octobre"),
    bad=(*waiver_reason.bad, "x" * (MOST_REASON + 1), "12"),
    takes_rest=True,
)


def _slip(typed: str) -> str:
    slip = " ".join(re.sub(r"[^A-Za-z0-9/. -]", " ", typed).split()).upper()
    if not any(letter.isdigit() for letter in slip):
        raise InvalidError(_("Please type the number on the paper of the bank or operator."))
    if not 2 <= len(slip) <= MOST_SLIP:
        raise InvalidError(
            _("Please type the whole number of the paper: 2 to {most} letters and figures.", most=MOST_SLIP)
        )
    if not any(letter.isalpha() for letter in slip):
        _expect_no_pin(slip)
    return slip


slip_number = Kind(
    "slip",
    _slip,
    good=("BR 2026-00417/B"[:MOST_SLIP],),
    bad=("", "papier", "1", "9" * 17, "20041"),
    takes_rest=True,
)
