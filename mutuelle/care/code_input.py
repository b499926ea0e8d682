"""What a doctor types for a check: a member number and a care code, with any spacing, O for 0 and I or l for 1.

Exactly fifteen digits are needed; the answer never says which of them are wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stdnum import damm

from locales import _
from mutuelle.care.codes import DIGITS
from mutuelle.households.member_numbers import LENGTH
from talk.answers import Kind, Secret
from talk.figures import groups
from talk.trouble import InvalidError

EXAMPLE = "101 000 000 246813"
CODE_STANDS_FIRST = ([6, 9], [6, 3, 3, 3], [3, 3, 9])  # digits in each group
CHECK_DIGITS = _("Please check each digit.")


@dataclass(frozen=True)
class CheckRequest:
    """A member number whose check digit is right, and a code that may be right."""

    number: str
    code: Secret = field(repr=False)


def _request(typed: str) -> CheckRequest:
    found = groups(typed)
    digits = "".join(found)
    if len(digits) != LENGTH + DIGITS:
        raise InvalidError(CHECK_DIGITS)
    for number, code in _readings(found, digits):
        if damm.is_valid(number):
            return CheckRequest(number, Secret(code))
    raise InvalidError(CHECK_DIGITS)


def _readings(found: list[str], digits: str) -> Iterator[tuple[str, str]]:
    """(number, code) for each way to read the groups: first with the number in front, as it is asked for."""
    code_first = (digits[DIGITS:], digits[:DIGITS])
    if [len(group) for group in found] in CODE_STANDS_FIRST:
        yield code_first
    yield digits[:LENGTH], digits[LENGTH:]
    yield code_first


check_request = Kind(
    "check request",
    _request,
    good=(EXAMPLE, "lOl.OOO.OOO-246813", "246813 101000000"),
    bad=("", "patient", "101 000 000", "101 000 001 246813", "101000000 2468135"),
    takes_rest=True,
)


def _code(typed: str) -> Secret:
    digits = "".join(groups(typed))
    if len(digits) != DIGITS:
        raise InvalidError(_("The code for care has {digits} digits.", digits=DIGITS))
    return Secret(digits)


care_code = Kind("care code", _code, good=("246 813",), bad=("12", "abcdef", "1234567"), secret=True)
