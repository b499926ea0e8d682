"""What a doctor types for a check: a member number and a care code, with any spacing, O for 0 and I or l for 1.

They come in one message or in two, in either order; what is read never says which digits are wrong.
"""

import re
from collections.abc import Iterator

from stdnum import damm

from locales import _
from mutuelle.care.codes import DIGITS
from mutuelle.households.member_numbers import LENGTH
from talk.answers import Kind, Secret
from talk.figures import LIKE_DIGITS, groups
from talk.questions import initials, words_of
from talk.trouble import InvalidError

EXAMPLE = "101 000 000 246813"
CODE_STANDS_FIRST = ([6, 9], [6, 3, 3, 3], [3, 3, 9])  # digits in each group
WHOLE = LENGTH + DIGITS
CODE_CAME_BEFORE = Secret("")  # stands for a code that is in a message and was kept nowhere else
BESIDE_PARTS = _("CODE NUMBER PATIENT N HELLO DOCTOR PLEASE AND THE OF IS HERE THANKS")
CHECK_DIGITS = _("Please check each digit.")
CODE_CAME = "(code)"  # what is kept of a code: that it came


class CheckParts(str):
    """What a doctor wrote of a check. As a string it is what may be kept of it: the number, never the code.

    `number` has the right check digit, or is empty. `code` is None where it is missing, and CODE_CAME_BEFORE where this
    was read from what is kept. `more`: the digits of another patient follow.
    """

    number: str
    code: Secret | None
    more: bool

    def __new__(cls, number: str, code: Secret | None = None, *, more: bool = False) -> "CheckParts":
        came = "" if code is None else CODE_CAME
        parts = super().__new__(cls, f"{number} {came}".strip())
        parts.number, parts.code, parts.more = number, code, more
        return parts

    @property
    def lacks(self) -> bool:
        """Whether number or code has not come yet."""
        return not self.number or self.code is None

    def with_part(self, came: "CheckParts") -> "CheckParts":
        """The two together; what came again counts."""
        code = self.code if came.code is None else came.code
        return CheckParts(came.number or self.number, code, more=came.more)


def _parts(typed: str) -> CheckParts:
    if typed.endswith(CODE_CAME):
        return CheckParts(typed.removesuffix(CODE_CAME).strip(), CODE_CAME_BEFORE)
    found = groups(typed)
    digits = "".join(found)
    if len(digits) == DIGITS:
        return CheckParts("", Secret(digits))
    if len(digits) == LENGTH and damm.is_valid(digits):
        return CheckParts(digits)
    first, more = _first_patient(found)
    digits = "".join(first)
    for number, code in _readings(first, digits) if len(digits) == WHOLE else ():
        if damm.is_valid(number):
            return CheckParts(number, Secret(code), more=more)
    raise InvalidError(CHECK_DIGITS)


def _first_patient(found: list[str]) -> tuple[list[str], bool]:
    """The groups of the first whole request, and whether more patients' digits follow: a number, a code or both."""
    for count in range(1, len(found)):
        rest = sum(map(len, found[count:]))
        if sum(map(len, found[:count])) == WHOLE and rest % WHOLE in (0, LENGTH):
            return found[:count], True
    return found, False


def _readings(found: list[str], digits: str) -> Iterator[tuple[str, str]]:
    """(number, code) for each way to read the groups: first with the number in front, as it is asked for."""
    code_first = (digits[DIGITS:], digits[:DIGITS])
    if [len(group) for group in found] in CODE_STANDS_FIRST:
        yield code_first
    yield digits[:LENGTH], digits[LENGTH:]
    yield code_first


check_parts = Kind(
    "check parts",
    _parts,
    good=(EXAMPLE, "lOl.OOO.OOO-246813", "246813 101000000", "101 000 000", "246813"),
    bad=("", "patient", "101 000 001", "101 000 001 246813", "101000000 2468135"),
    takes_rest=True,
)


def parts_without_word(body: str) -> CheckParts | None:
    """The parts of a check in a message that begins with no keyword; a part alone only beside words that name it."""
    parts = parts_in(body)
    if parts is None or (parts.number and parts.code):
        return parts
    words = [word for word in re.findall(r"\w+", body) if not word.translate(LIKE_DIGITS).isdecimal()]
    named = {*words_of(BESIDE_PARTS)}
    return parts if all(initials(word) in named for word in words if word.isalpha()) else None


def parts_in(body: str) -> CheckParts | None:
    """The parts of a check in a message; None where there is none, or not exactly so many digits."""
    try:
        return _parts(body)
    except InvalidError:
        return None


def _code(typed: str) -> Secret:
    digits = "".join(groups(typed))
    if len(digits) != DIGITS:
        raise InvalidError(_("The code for care has {digits} digits.", digits=DIGITS))
    return Secret(digits)


care_code = Kind("care code", _code, good=("246 813",), bad=("12", "abcdef", "1234567"), secret=True)
