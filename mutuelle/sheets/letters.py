"""The encoding of a file, found by what its words look like.

A file in UTF-8 or UTF-16 says so itself. One byte for a letter has three readings (Windows, Mac, MS-DOS): the one whose
words look like names and French is taken; where none does, or two do, the file is refused with the first such word.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from anyascii import anyascii

from locales import Sentence, _
from mutuelle.sheets.faults import UnreadError

SHORTEST_NAME = 3  # letters of a word that two names are compared by
ONE_BYTE = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "MS-DOS (850)"}
_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[^a-z0-9]+")
HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_EXPECTED = set("àâäáãçéèêëíîïñóôöõúûùüÿœæ")
_CAPITALS = {letter.upper() for letter in _EXPECTED}
_SIGNS = set("‘“”«»–—…€·²")
_ODD, _RARE, _SIGN = 10, 3, 2
_SPELT_TWICE = re.compile("[ÃÂÅâ]")  # how UTF-8 begins where it was read as Windows-1252


@lru_cache(maxsize=20_000)  # a register repeats the same villages, products and names
def folded(words: str) -> str:
    """Small letters and digits without accents, one blank between words: how headers and names are compared."""
    plain = words if words.isascii() else anyascii(words)
    return " ".join(_NEITHER_LETTER_NOR_DIGIT.sub(" ", plain.lower()).split())


def name_words(name: str) -> set[str]:
    """The words by which two names are compared: of the same person or house they have one in common."""
    return {word for word in folded(name).split() if len(word) >= SHORTEST_NAME}


def decoded(raw: bytes) -> tuple[str, str]:
    """The text with each accent on its letter, and the name of its encoding; UnreadError if it has none."""
    text, encoding = _decoded(raw)
    if "\0" in text:
        raise UnreadError(_("this is not a text file"), text=text[: text.index("\0")])
    return unicodedata.normalize("NFC", text), encoding


def _decoded(raw: bytes) -> tuple[str, str]:
    for codec in (*_wide(raw), "utf-8-sig"):
        try:
            return raw.decode(codec), codec.removesuffix("-sig").upper()[:6].rstrip("-")
        except UnicodeDecodeError:
            continue
    return _one_byte(raw)


def _wide(raw: bytes) -> list[str]:
    """UTF-16, by its mark, or because every other byte of its first lines is nought."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ["utf-16"]
    even, odd = raw[:400:2].count(0), raw[1:400:2].count(0)
    if max(even, odd) > 100 > min(even, odd) == 0:
        return ["utf-16-be" if even else "utf-16-le"]
    return []


def _one_byte(raw: bytes) -> tuple[str, str]:
    readings = []
    for codec in ONE_BYTE:
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        words = set(re.findall(r"[^\s;,\"]*[^\x00-\x7f][^\s;,\"]*", text))
        weights = [(_weight(word), word) for word in words]
        readings.append((sum(weight for weight, _word in weights), max(weights)[1], codec, text))
    readings.sort(key=lambda reading: reading[0])
    weight, word, codec, text = readings[0]
    if max(map(_weight, (word, ""))) >= _ODD:
        raise _cannot_be_read(text, word)
    if len(readings) > 1 and readings[1][0] == weight and readings[1][3] != text:
        raise _cannot_be_read(text, word)
    return text, ONE_BYTE[codec]


def _cannot_be_read(text: str, word: str) -> UnreadError:
    places = (place for place, sign in enumerate(word) if not sign.isascii())
    letter = word[max(places, key=lambda place: _weight_of(word, place))]
    reason = _("the letters of this file cannot be read: please save it as UTF-8")
    return UnreadError(reason, letter, word, text[: text.index(word)])


def _weight(word: str) -> int:
    """How unlikely a word is, letter by letter."""
    return sum(_weight_of(word, place) for place, letter in enumerate(word) if not letter.isascii())


def _weight_of(word: str, place: int) -> int:
    letter, before, after = word[place], word[place - 1 : place], word[place + 1 : place + 2]
    if letter in _EXPECTED:
        return (
            _RARE
            if before.isdigit()
            else int(before.isupper() and (after.isupper() or not after) and place > 1)
        )
    if letter in _CAPITALS:
        return _ODD if before.islower() else _RARE * (before.isdigit() or after.isdigit())
    if letter == "’":
        return _SIGN * (not before.isalpha())
    if letter in "\xa0°º":
        return 1
    return _SIGN if letter in _SIGNS else _ODD


def suspicious(cell: str) -> tuple[Sentence, str] | None:
    """Why a cell looks wrongly decoded, with the first such letter; None if it does not."""
    if cell.isascii():
        return None
    if "\ufffd" in cell:
        return _("a letter of this cell was lost before the file was saved"), "\ufffd"
    if (found := _SPELT_TWICE.search(cell)) and (meant := _spelt_once(cell)):
        return _("the letters of this cell were saved wrongly: is it {meant}?", meant=meant), found[0]
    for before, letter in pairwise(cell):
        if letter.isupper() and not letter.isascii() and letter not in _CAPITALS and before.islower():
            return _("this letter looks wrong there"), letter
    return None


def _spelt_once(cell: str) -> str:
    """The text of UTF-8 that was read as Windows-1252; empty if it was not."""
    try:
        return cell.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return ""
