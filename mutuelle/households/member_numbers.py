"""Member numbers: nine digits, the mutuelle's three first, a check digit last, the five between drawn at random.

Not sequential, so that nobody finds a member by counting; the check digit (Damm's algorithm) catches every single
wrong digit and every pair of neighbours exchanged.
"""

from stdnum import damm

from locales import _
from mutuelle.free_codes import draw_digits
from talk.answers import Kind
from talk.figures import groups
from talk.trouble import InvalidError

LENGTH = 9
NOT_RIGHT = _("This number is not right. Please check each digit.")
DRAWN_DIGITS = 5


def draw_number(prefix: int) -> str:
    """A new number of the mutuelle with `prefix`; the database knows whether it is free."""
    body = f"{prefix}{draw_digits(DRAWN_DIGITS)}"
    return body + str(damm.calc_check_digit(body))


def shown_number(number: str) -> str:
    """In groups of three, as it is read aloud: 101 482 937."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def _number(typed: str) -> str:
    digits = "".join(groups(typed))
    if len(digits) != LENGTH:
        raise InvalidError(_("A member number has {length} digits.", length=LENGTH))
    if not damm.is_valid(digits):
        raise InvalidError(NOT_RIGHT)
    return digits


member_number = Kind("member number", _number, good=("101 000 000",), bad=("12", "abc", "101000001"))
