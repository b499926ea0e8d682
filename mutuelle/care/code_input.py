"""What a doctor types for a check: a member number and what proves it, with any spacing, O for 0 and I or l for 1.

The proof is a care code, a code of the card with or without the patient's year of birth, or that year alone. Number and
proof come in one message or in two, in either order; what is read never says which digits are wrong. A word beside them
may name the care that the patient comes for.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from stdnum import damm

from locales import _
from mutuelle.benefits.services import service_written
from mutuelle.care.codes import DIGITS
from mutuelle.households.member_numbers import LENGTH
from talk.answers import Kind, Secret
from talk.figures import LIKE_DIGITS, groups
from talk.questions import initials, words_of
from talk.trouble import InvalidError

EXAMPLE = "101 000 000 246813"
YEAR = 4  # digits of a year of birth
BORN = re.compile(r"(?:19|20)\d\d")
PROOFS = (DIGITS, YEAR, DIGITS + YEAR)  # how many digits a proof may have
PROOF_STANDS_FIRST = ([6, 9], [6, 3, 3, 3], [3, 3, 9], [4, 9], [4, 3, 3, 3])  # digits in each group
WHOLE = tuple(LENGTH + digits for digits in PROOFS)
PROOF_CAME_BEFORE = Secret("")  # stands for a proof that is in a message and was kept nowhere else
BESIDE_PARTS = _("CODE NUMBER PATIENT N HELLO DOCTOR PLEASE AND THE OF IS HERE THANKS")
NO_CARE = _("MY HIS HER SON MRS FOR")  # words of three letters that stand beside a check and name no care
CHECK_DIGITS = _("Please check each digit.")
PROOF_CAME = "(code)"  # what is kept of a proof: that it came
KEPT = re.compile(rf"(\d{{{LENGTH}}})? ?\(code\) ?([A-Z]{{3}})?")  # parts as they are kept


class CheckParts(str):
    """What a doctor wrote of a check. As a string it is what may be kept of it: number and service, never the proof.

    `number` has the right check digit, or is empty. `proof` (`proof_parts` reads it) is None where it is missing, and
    PROOF_CAME_BEFORE where this was read from what is kept. `more`: the digits of another patient follow. `service` is
    as `service_written` reads it, "" where no care is named.
    """

    number: str
    proof: Secret | None
    more: bool
    service: str

    def __new__(
        cls, number: str, proof: Secret | None = None, *, more: bool = False, service: str = ""
    ) -> "CheckParts":
        came = "" if proof is None else PROOF_CAME
        parts = super().__new__(cls, " ".join(filter(None, (number, came, service))))
        parts.number, parts.proof, parts.more, parts.service = number, proof, more, service
        return parts

    @property
    def lacks(self) -> bool:
        """Whether number or proof has not come yet."""
        return not self.number or self.proof is None

    def with_part(self, came: "CheckParts") -> "CheckParts":
        """The two together; what came again counts."""
        proof = self.proof if came.proof is None else came.proof
        service = came.service or self.service
        return CheckParts(came.number or self.number, proof, more=came.more, service=service)


def proof_parts(proof: str) -> tuple[str, int | None]:
    """The code in a proof, "" without one, and the year of birth, None without one."""
    code = proof[:DIGITS] if len(proof) >= DIGITS else ""
    year = proof[len(code) :]
    return code, int(year) if year else None


def _parts(typed: str) -> CheckParts:
    if kept := KEPT.fullmatch(typed):
        return CheckParts(kept[1] or "", PROOF_CAME_BEFORE, service=kept[2] or "")
    found, service = groups(typed), _care(typed)
    digits = "".join(found)
    if _is_proof(digits):
        return CheckParts("", Secret(digits), service=service)
    if len(digits) == LENGTH and damm.is_valid(digits):
        return CheckParts(digits, service=service)
    for first, more in _first_patient(found):
        for number, proof in _readings(first):
            if damm.is_valid(number) and _is_proof(proof):
                return CheckParts(number, Secret(proof), more=more, service=service)
    raise InvalidError(CHECK_DIGITS)


def _is_proof(digits: str) -> bool:
    """Whether these can be a code, a year of birth, or a code with the year behind it."""
    _code, year = proof_parts(digits)
    return len(digits) in PROOFS and (year is None or bool(BORN.fullmatch(digits[-YEAR:])))


def _first_patient(found: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
    """The groups that may be the first whole request, the longest first, and whether more patients' digits follow."""
    for count in range(len(found), 0, -1):
        rest = sum(map(len, found[count:]))
        if sum(map(len, found[:count])) in WHOLE and _are_patients(rest):
            yield found[:count], rest > 0


@cache
def _are_patients(digits: int) -> bool:
    """Whether so many digits can be whole requests and a number at the end."""
    return digits in (0, LENGTH) or any(digits >= whole and _are_patients(digits - whole) for whole in WHOLE)


def _readings(found: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(number, proof) for each way to read the groups: first with the number in front, as it is asked for."""
    digits, lengths = "".join(found), [len(group) for group in found]
    year = YEAR if len(digits) == LENGTH + DIGITS + YEAR else 0  # always at the end
    if year and lengths[-1] == YEAR:
        lengths.pop()
    ahead = len(digits) - LENGTH - year  # digits of a proof in front of the number
    proof_first = (digits[ahead : ahead + LENGTH], digits[:ahead] + digits[ahead + LENGTH :])
    if lengths in PROOF_STANDS_FIRST:
        yield proof_first
    yield digits[:LENGTH], digits[LENGTH:]
    yield proof_first


check_parts = Kind(
    "check parts",
    _parts,
    good=(
        EXAMPLE,
        "lOl.OOO.OOO-246813",
        "246813 101000000",
        "101 000 000",
        "246813",
        "101 000 000 1981",
        "101 000 000 246813 1981",
        "101 000 000 246813 ACC",
    ),
    bad=("", "patient", "101 000 001", "101 000 001 246813", "101000000 2468135", "101000000 1781"),
    takes_rest=True,
)


def parts_without_word(body: str) -> CheckParts | None:
    """The parts of a check in a message that begins with no keyword; a part alone only beside words that name it.

    A year alone is none: four figures are also an amount.
    """
    parts = parts_in(body)
    if parts is None or (parts.number and parts.proof):
        return parts
    if parts.proof and len(parts.proof) != DIGITS:
        return None
    words = [word for word in re.findall(r"\w+", body) if not word.translate(LIKE_DIGITS).isdecimal()]
    named = {*words_of(BESIDE_PARTS)}
    return parts if all(initials(word) in named for word in words if word.isalpha()) else None


def parts_in(body: str) -> CheckParts | None:
    """The parts of a check in a message; None where there is none, or not exactly so many digits."""
    try:
        return _parts(body)
    except InvalidError:
        return None


def _proof(typed: str) -> CheckParts:
    digits = "".join(groups(typed))
    if not _is_proof(digits):
        raise InvalidError(
            _("A code has {digits} digits, a year of birth {year}, like 1981.", digits=DIGITS, year=YEAR)
        )
    return CheckParts("", Secret(digits), service=_care(typed))


def _care(typed: str) -> str:
    """The care that is named beside the figures, as `service_written` reads it."""
    return service_written(typed, [*words_of(BESIDE_PARTS), *words_of(NO_CARE)])


care_proof = Kind(
    "care proof",
    _proof,
    good=("246 813", "1981", "246 813 1981", "246813 ACC"),
    bad=("12", "abcdef", "1234567", "1781"),
    secret=True,
    takes_rest=True,
)
