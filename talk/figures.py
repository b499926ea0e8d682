"""Figures in a line of text, read in one way on every channel: with blanks, points, units and words around them.

Where a line can mean two things nothing is read: never fewer people, never less money than somebody wrote.
"""

import re
import unicodedata

from currencies import WRITTEN, Currency
from locales.by_ear import sound_of
from locales.formats import month_named

LIKE_DIGITS = str.maketrans("OoIil", "00111")
UNIT = rf"(?:{WRITTEN}|balles?)\b"
THOUSANDS = re.compile(r"\d{1,3}(?:[ .,']\d{3})+")
RUN = re.compile(r"\d+(?:[ .,']\d+)*")
HALF = re.compile(
    r"(?<![\d.,])(\d)[.,]5(?![\d.,])"
)  # 0,5 is one baby; 7,5 among ages that stand apart may be two
SUM = re.compile(
    r"\d\s*(?:[a-z]+\s*)?[+x×*]\s*\d{1,7}(?!\d)"
)  # 5000 F + 3000, 2 x 2500 F; +22376000001 is a phone
# What stands before figures that are a number on paper, no amount: BMS-0041, T14; but F5000 is one.
ON_PAPER = re.compile(rf"(?<![a-z])(?!{WRITTEN}[-/_]?$)[a-z]+[-/_]?$")
TIMES_OVER = re.compile(r"(\w+)\s*(?:fois|times)\b")  # 3 fois 2000 F; but 5000 F cette fois

# Words are read where a number has "thousand" or "hundred" in it; a lone "deux" is no amount.
SMALL = {
    **{"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8},
    **{"neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15},
    **{"seize": 16, "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60},
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50},
    **{"sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "septante": 70, "nonante": 90},
}
BY_SOUND = {sound_of(word.upper()): number for word, number in SMALL.items()}
SHORTEST_SOUND = 3  # of fewer sounds almost any word is a number: quinz is fifteen, di is none
TIMES = {
    "cent": 100,
    "cents": 100,
    "hundred": 100,
    "mille": 1000,
    "mil": 1000,
    "milles": 1000,
    "thousand": 1000,
}
BETWEEN = ("et", "and")
MOST_DIGITS = 12
NOTES = re.compile(
    r"(?<!\d)(\d{1,6})\s*(?:[x×*]|(?:fois|times|(?:billets?|pi[eè]ces?|notes?|coins?)?\s*(?:de|of))\b)\s*(\d{1,6})(?!\d)"
)
GROUPED_NOTE = re.compile(r"(?<!\d)(1|2|5|10)[ .,'](?=000(?!\d))")

MONTHS_OLD = re.compile(r"(\d{1,3})\s*(?:mois|months?)\b")
BABY = re.compile(r"\b(?:bebe|bb|nourrisson|nouveau[ -]ne|baby|newborn)\b")
IS_OLD = r"(?:\s*(?:de|of|qui a|a|agee? de|is|aged|has|[,:(]))*\s*"  # between a baby and its months
HEADS = re.compile(r"\d\s*(?:pers\w*|gens|enfants?|adultes?|people|persons?|child(?:ren)?|adults?)\b")
# How many there are, not how old: 2 garcons, 1 fille, des jumeaux.
SEVERAL = re.compile(r"\d\s*(?!ans\b|mois\b|months\b|years\b|yrs\b)[a-z]{2,}[sx]\b")
ONE_OF_THEM = re.compile(
    r"(?<!\d)[1-9]\s*(?:garcon|fille|fils|gosse|enfant|femme|epouse|homme|frere|soeur|kid|boy|girl|son|daughter)\b"
)
UNTOLD = re.compile(
    r"\b(?:jumeaux|jumelles|triple(?:s|ts)|twins|bebes|babies|nourrissons|nouveaux?[ -]nes|newborns)\b"
    r"|\b(?:enfants|garcons|filles|(?:mes|des|les|nos|ses) fils|gosses|children|kids|boys|girls|sons|daughters)\b"
    r"(?!.*\d)"
)
AGE = re.compile(r"\d+")


def in_figures(typed: str) -> str:
    """`typed` with digits of any script as 0-9, and letters among figures as the digits that they look like."""
    return re.sub(r"\w+", _mended, " ".join(plain_digits(typed).split()))


def plain_digits(typed: str) -> str:
    """`typed` with digits of any script as 0-9."""
    digits = ((letter, unicodedata.digit(letter, None)) for letter in typed)
    return "".join([letter if digit is None else str(digit) for letter, digit in digits])


def _mended(word: re.Match[str]) -> str:
    """5OOO and 5OOOF as 5000 and 5000F; a group of its own (5 OOO) only where it is all O."""
    figures = re.fullmatch(rf"(?=\w*\d)([0-9OoIil]+)((?:{UNIT}|ans|h)?)", word[0], re.IGNORECASE)
    if figures:
        return figures[1].translate(LIKE_DIGITS) + figures[2]
    return "000" if re.fullmatch(r"[Oo]{3}", word[0]) else word[0]


def groups(typed: str) -> list[str]:
    """The groups of digits, for numbers and codes that are written in any groups: lOl.OOO.OOO is three."""
    found = []
    for word in re.findall(r"\w+", plain_digits(typed)):
        mended = word.translate(LIKE_DIGITS)
        if mended.isdecimal() and (len(word) == 3 or not word.isalpha()):
            found.append(mended)
        else:
            found += re.findall(r"[0-9]+", word)
    return found


def amount_in(typed: str, decimals: int = 0) -> int | None:
    """The one amount of a line, in minor units: 5 000 F CFA, 5.000, 5OOO, je donne 5000 francs, cinq mille.

    Of several the only one with a currency behind it; None where there is none, or cents (50.00) of a currency without
    `decimals`, or a minus, or figures that letters begin (BMS-0041).
    """
    cents = re.findall(rf"(?<=\d)[.,](\d{{{decimals}}})(?![\d.,])", in_figures(typed)) if decimals else []
    if len(cents) > 1:
        return None
    whole = _whole_in(re.sub(rf"(?<=\d)[.,]{cents[0]}(?![\d.,])", "", in_figures(typed)) if cents else typed)
    return None if whole is None else whole * 10**decimals + int("".join(cents) or 0)


def _whole_in(typed: str) -> int | None:
    text = in_figures(typed).lower()
    if re.search(r"(?:^|\s)-\d|million", text) or SUM.search(text):
        return None
    if any((_number(over[1]) or 0) > 1 for over in TIMES_OVER.finditer(text)):
        return None
    if spoken := _in_words(text):
        return spoken.pop() if len(spoken) == 1 else None
    found = [(number, text[run.end() :]) for run in RUN.finditer(text) for number in _numbers(run[0])]
    if None in [number for number, _behind in found]:
        return None
    priced = [number for number, behind in found if re.match(rf"\s*{UNIT}", behind)]
    one = priced if len(priced) == 1 and len(found) > 1 else [number for number, _behind in found]
    if one is not priced and any(ON_PAPER.search(text[: run.start()]) for run in RUN.finditer(text)):
        return None
    return one[0] if len(one) == 1 else None


def notes_in(typed: str, of: Currency) -> int | None:
    """The sum of notes and coins, counted one kind after the other: 3x10000 2x5000 450, 3 billets de 10 000 et 450.

    None where it is no such line, where no note or coin has that value, or where something else is left over.
    """
    text = GROUPED_NOTE.sub(r"\1", in_figures(typed).lower())
    counted = [(int(one[1]), int(one[2])) for one in NOTES.finditer(text)]
    if not counted or no_note_in(typed, of):
        return None
    rest = re.sub(rf"[\s,;+]|\b(?:{'|'.join(BETWEEN)})\b|{UNIT}", " ", NOTES.sub(" ", text)).strip()
    if rest and not re.fullmatch(
        r"[\d .']+", rest
    ):  # 3x10000 = 30000: a sum of it all is not one more amount
        return None
    loose = amount_in(rest) if rest else 0
    return None if loose is None else loose + sum(count * value for count, value in counted)


def no_note_in(typed: str, of: Currency) -> int | None:
    """The first value in a line of notes and coins that no note or coin has: 300 of 2x10000 1x300.

    None where the table of currencies does not say which there are.
    """
    if not of.values:
        return None
    text = GROUPED_NOTE.sub(r"\1", in_figures(typed).lower())
    counted = [(int(one[1]), int(one[2])) for one in NOTES.finditer(text)]
    return next((two for one, two in counted if two not in of.values and one not in of.notes), None)


def numbers_in(text: str) -> list[int]:
    """The whole numbers of a text, thousands put together."""
    found = [number for run in RUN.finditer(text) for number in _numbers(run[0])]
    return [number for number in found if number is not None]


def _numbers(run: str) -> list[int | None]:
    """The numbers of a run of figures, thousands put together; None for one that has decimals or no end."""
    if THOUSANDS.fullmatch(run):
        return [int(re.sub(r"\D", "", run))]
    if " " in run:
        return [number for part in run.split(" ") for number in _numbers(part)]
    if not run.isdecimal() or len(run) > MOST_DIGITS:
        return [None]
    return [int(run)]


def _in_words(text: str) -> set[int]:
    """The numbers of a line that says thousand or hundred: cinq mille, 5 mille, mille cinq cents, 5k; else none."""
    text = THOUSANDS.sub(lambda run: re.sub(r"\D", "", run[0]), text)
    words = re.findall(r"\d+|[a-z]+|[^\w\s-]", re.sub(r"(?<=\d)k\b", " mille", text))
    if not any(word in TIMES for word in words):
        return set()
    found, thousands, rest = set(), 0, 0
    for word in [*words, "."]:
        if word in BETWEEN:
            continue
        number = TIMES.get(word) or _number(word)
        if number is None or not _goes_on(word, number, thousands, rest):  # a number ends here
            found.add(thousands + rest)
            thousands, rest = 0, 0
        if word in TIMES:
            rest = max(rest, 1) * TIMES[word]
            thousands, rest = (rest, 0) if TIMES[word] == 1000 else (thousands, rest)
        elif number is not None:
            rest += 76 if number == 20 and rest % 100 == 4 else number  # quatre-vingt
    return found - {0}


def _number(word: str) -> int | None:
    """The number that one word is: 5, cinq, sink; None for another word."""
    if word.isdecimal():
        return int(word)
    sound = sound_of(word.upper())
    return SMALL.get(word) or (BY_SOUND.get(sound) if len(sound) >= SHORTEST_SOUND else None)


def _goes_on(word: str, number: int, thousands: int, rest: int) -> bool:
    """Whether a number may be the next word of one that is `thousands` and `rest` so far: not mille behind mille."""
    if word in TIMES:
        return not (thousands and number == 1000) and rest < number
    room = 1000 if not rest else 100 if rest % 100 == 0 else 20 if rest % 10 == 0 else 0
    return not (thousands or rest) or number < room or (number == 20 and rest % 100 == 4)


def ages_in(typed: str) -> tuple[int, ...]:
    """The ages of a line, one a person: 45*38*12, 45 ans et 38 ans, 45 38 0,5 (three), 30 28 et un bébé, 6 mois.

    () where it tells how many people there are, where a figure cannot be an age, or may be two.
    """
    text = unicodedata.normalize("NFD", in_figures(typed).lower())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if any(sign.search(text) for sign in (HEADS, SEVERAL, ONE_OF_THEM, UNTOLD)) or _spoken_age(text):
        return ()
    if any(half[1] != "0" for half in HALF.finditer(text)):
        return ()
    text = re.sub(rf"{BABY.pattern}{IS_OLD}(?={MONTHS_OLD.pattern})", "", text)
    text = re.sub(rf"({MONTHS_OLD.pattern})(?:[ -]*old)?\s*{BABY.pattern}", r"\1", text)
    text = MONTHS_OLD.sub(lambda months: f" {int(months[1]) // 12} ", text)
    text = re.sub(rf"{BABY.pattern}\s*[:(]?\s*0\b|\b0\s*[:(]?\s*{BABY.pattern}", " 0 ", text)
    text = HALF.sub(r"\1", BABY.sub(" 0 ", text))
    figures = AGE.findall(text)
    if any(len(figure) > 3 or (len(figure) > 1 and figure[0] == "0") for figure in figures):
        return ()
    return tuple(map(int, figures))


def _spoken_age(text: str) -> bool:
    """Whether an age is written in words: it would be a person less. `un bébé` is none."""
    words = re.findall(r"[a-z]+", text)
    return any(_number(word) and word not in ("un", "une", "one") for word in words)


def day_in(typed: str) -> list[int]:
    """Day, month and year of a line, as many as are given: 18, le 18, 18/11, 18.11.2026, 18 novembre.

    [] where other words than those stand beside the figures.
    """
    text = unicodedata.normalize("NFD", in_figures(typed).lower())
    words = re.findall(r"\d+|[a-z]+", "".join(letter for letter in text if not unicodedata.combining(letter)))
    found = [
        int(word) if word.isdecimal() else month_named(word)
        for word in words
        if word not in ("le", "the", "du")
    ]
    return [number for number in found if number] if all(found) else []
