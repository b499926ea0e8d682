"""The services of care: a code of three letters each, and how people write them in every language.

Ten services are known everywhere; a mutuelle may name more. The tables keep the codes.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from rapidfuzz.distance import OSA
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _, languages, render
from mutuelle.benefits.tables import named_service
from talk.figures import LIKE_DIGITS
from talk.questions import initials
from values import value

# The name of each service in words.
SERVICES: dict[str, Sentence] = {
    "CON": _("Consultation"),
    "PCH": _("Minor surgery"),
    "ACC": _("Delivery"),
    "CPN": _("Ante-natal visit"),
    "PPN": _("Post-natal visit"),
    "LAB": _("Laboratory"),
    "VAC": _("Vaccination"),
    "MED": _("Medicines"),
    "HOS": _("Hospital stay"),
    "TRA": _("Referral transport"),
}
# What people write for it: first its three letters in that language, as people are told them.
WRITTEN: dict[str, Sentence] = {
    "CON": _("CON CONSULTATION VISIT"),
    "PCH": _("SUR SURGERY STITCHES WOUND"),
    "ACC": _("DEL DELIVERY BIRTH CHILDBIRTH"),
    "CPN": _("ANC ANTENATAL PREGNANCY"),
    "PPN": _("PNC POSTNATAL"),
    "LAB": _("LAB LABORATORY ANALYSIS TEST TESTS"),
    "VAC": _("VAC VACCINATION VACCINE"),
    "MED": _("MED MEDICINES MEDICINE DRUGS"),
    "HOS": _("HOS HOSPITAL STAY ADMISSION"),
    "TRA": _("TRA TRANSPORT AMBULANCE"),
}
CODE = "[A-Z]{3}"
LETTERS = 3


async def own_services(db: AsyncConnection, mutuelle_id: str) -> dict[str, str]:
    """The services that the mutuelle has named itself, by code."""
    rows = await db.execute(
        select(named_service.c.code, named_service.c.name).where(named_service.c.mutuelle_id == mutuelle_id)
    )
    return {row.code: row.name for row in rows}


def service_name(code: str, named: Mapping[str, str]) -> Sentence | str:
    """The service in words; `named` are the names that the mutuelle gave to services of its own."""
    return SERVICES[code] if code in SERVICES else named.get(code, code)


def short_word(code: str, language: str) -> str:
    """The three letters of a service, as people of this language are told them."""
    return words_of_service(code, language)[0] if code in WRITTEN else code


def words_of_service(code: str, language: str) -> list[str]:
    """All that people of this language write for a service, in capitals."""
    return render(WRITTEN[code], language).split()


def listed_words(named: Mapping[str, str], language: str) -> str:
    """The three letters of every service, for who wrote something else."""
    return " ".join(short_word(code, language) for code in (*SERVICES, *sorted(named)))


@value
class ServiceRead:
    """A service as it was read. `is_exact`: without a mistake."""

    code: str
    is_exact: bool = True


def service_in(words: Sequence[str], named: Mapping[str, str]) -> ServiceRead | None:
    """The first service that is among these words (capitals without accents), in any language; None for none.

    One mistake is forgiven where it leaves one service only: a letter wrong, missing, too many, or two exchanged.
    """
    known = _known_words() | {code: code for code in named}
    known |= {initials(name): code for code, name in named.items()}
    for word in words:
        if word in known:
            return ServiceRead(known[word])
    for word in words:
        near = {code for one, code in known.items() if OSA.distance(word, one, score_cutoff=1) <= 1}
        if len(near) == 1 and len(word) >= LETTERS:
            return ServiceRead(near.pop(), is_exact=False)
    return None


def _known_words() -> dict[str, str]:
    """Every word of every language, with its service. Of one word for two services the first one counts."""
    found: dict[str, str] = {}
    for language in languages():
        for code in SERVICES:
            for word in words_of_service(code, language):
                found.setdefault(word, code)
    return found


def words_beside(typed: str) -> list[str]:
    """The words of a text that may name a service: capitals without accents, of three letters or more, no figures."""
    written = (word for word in re.findall(r"[^\W_]+", typed) if not word.translate(LIKE_DIGITS).isdecimal())
    return [word for word in map(initials, written) if word.isalpha() and len(word) >= LETTERS]


def service_written(typed: str, others: Collection[str]) -> str:
    """The service that a line names beside figures, of `others` (words that mean nothing) none: its code; else the
    last word of three letters, which a mutuelle may know.
    """
    words = [word for word in words_beside(typed) if word not in others]
    read = service_in(words, {})
    if read and not read.is_exact:  # three letters with a mistake may be a word of the mutuelle's own
        read = service_in([word for word in words if len(word) > LETTERS], {})
    if read:
        return read.code
    return next((word for word in reversed(words) if len(word) == LETTERS), "")
