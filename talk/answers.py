"""The kinds of answers a question can ask for, each parsed once, at the question, into what the domain wants.

Every kind names examples that it takes and that it refuses: the walker types them all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Generic, TypeVar

from currencies import CURRENCIES
from locales import Money, Sentence, _
from locales.letters import fold, septets
from talk.figures import ages_in, amount_in, plain_digits
from talk.phones import typed_phone
from talk.trouble import InvalidError
from values import value

T = TypeVar("T")

LONGEST_ANSWER = 160  # what one hop of a basic phone can carry, with room to spare
OLDEST = 115  # years
LONGEST_NAME = 26  # a confirmation must hold it beside a mutuelle, a product and two prices
LONGEST_REASON = 60  # septets: it travels in one segment, beside who said it and where
# Who is asked for a name may say it in a sentence.
INTRODUCED = re.compile(
    r"^\W*(?:je m[’' ]?appelle|mon nom (?:est|c[’' ]?est)|moi,? c[’' ]?est|my name is|i am)\s+", re.IGNORECASE
)
INVERTED_MARK, AT_SIGN = "¡", "@"  # GSM and ASCII disagree on 0x40: a slip of gateways, seen in live traffic


class Secret(str):
    """A PIN: passed on once, never recorded, logged or kept among the facts of an action."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret()"


@value
class WrongSecret(Sentence):
    """What an action says of a wrong PIN or code: it was counted, and nothing else was done.

    A call asks for it once more; the second one ends the call.
    """


def wrong_secret(said: Sentence) -> WrongSecret:
    return WrongSecret(**{part.name: getattr(said, part.name) for part in fields(said)})


@dataclass(frozen=True)
class Kind(Generic[T]):
    """`parse` reads a typed answer or raises InvalidError. `takes_zero`: 0 is an answer here, so there is no back.

    `secret` answers are never recorded and end the call, but that a wrong one is asked for once more. Of several words
    given at once the answer is all that are left with `takes_rest` (a reason, a number typed in groups), those in front
    of the first figure with `takes_words`. `optional`: of a message with nothing left for it the empty text is the
    answer.
    """

    name: str
    parse: Callable[[str], T]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    takes_zero: bool = False
    secret: bool = False
    takes_rest: bool = False
    takes_words: bool = False
    optional: bool = False

    @cached_property
    def recorded_as(self) -> str:
        """What the record calls answers of this kind."""
        return f"ask {self.name}"


def repaired(typed: str) -> str:
    """What the caller typed, with the gateway's slips mended, digits of any script as 0-9, blanks trimmed."""
    text = typed[:LONGEST_ANSWER].replace(INVERTED_MARK, AT_SIGN)
    return " ".join((text if text.isascii() else plain_digits(text)).split())


def _name(typed: str) -> str:
    name = re.sub(r"[^\w'’ .-]|[\d_]", " ", INTRODUCED.sub("", typed))
    name = " ".join(name.split())
    if sum(map(str.isalpha, name)) < 2:
        raise InvalidError(_("Please type the name in letters."))
    if len(name) > LONGEST_NAME:
        raise InvalidError(_("This name is too long: {most} letters at most.", most=LONGEST_NAME))
    return name.title() if name.isupper() or name.islower() else name


person_name = Kind(
    "name",
    _name,
    good=("awa*kone", "N'Golo Ouédraogo Traoré Diabaté Ko"[:LONGEST_NAME]),
    bad=("7", "x" * 31),
    takes_words=True,
)


def amount(least: Money, most: Money, step: int = 0, outside: Sentence | None = None) -> Kind[Money]:
    """An amount of money from `least` to `most`, a multiple of `step`, at least of whole francs (or exactly `most`).

    `outside` is said of another amount, where there is more to say than the limits.
    """

    currency = CURRENCIES[least.currency]
    step = step or currency.unit
    least = min(most, replace(least, amount_minor=-(-least.amount_minor // currency.unit) * currency.unit))

    def parse(typed: str) -> Money:
        found = amount_in(typed, currency.decimals)
        if found is None:
            raise InvalidError(_("Please type one amount in figures, like {example}.", example=most.figures))
        value = Money(found, least.currency)
        if not least <= value <= most:
            raise InvalidError(outside or _("From {least} to {most}, please.", least=least, most=most))
        if value.amount_minor % step and value != most:
            raise InvalidError(_("Please type a multiple of {step}.", step=Money(step, least.currency)))
        return value

    return Kind(
        "amount",
        parse,
        good=(f"{most.figures} {currency.sign}",),
        bad=(
            "",
            "beaucoup",
            replace(most, amount_minor=most.amount_minor + currency.unit).figures,
            "-5",
            f"{most.figures}.5",
        ),
    )


def _ages(typed: str) -> tuple[int, ...]:
    ages = ages_in(typed)
    if not ages:
        raise InvalidError(_("Please type ages only, like 45*38*12"))
    if max(ages) > OLDEST:
        raise InvalidError(_("One of these ages is not possible."))
    if len(ages) > 30:
        raise InvalidError(_("30 people at most, please."))
    if ages[0] < 16:
        raise InvalidError(_("The head of the household comes first, aged 16 or more."))
    return ages


ages = Kind(
    "ages",
    _ages,
    good=("45*38*12*7", "61", "30 ans, 28 ans et 0,5"),
    bad=("", "douze", "12", "45*400", "45 " * 31, "45 et 2 enfants"),
)


def phone_number(region: str) -> Kind[str]:
    """A mobile number, read as one of `region` (two letters) unless it is written with its country."""
    return Kind(
        "phone",
        lambda typed: typed_phone(typed, region),
        good=("+223 65 01 23 45",),
        bad=("12", "MTN", "*144#"),
    )


def _pin(typed: str) -> Secret:
    if not re.fullmatch(r"[0-9]{4,6}", typed):
        raise InvalidError(_("A PIN has 4 to 6 digits."))
    return Secret(typed)


pin = Kind("pin", _pin, good=("4071",), bad=("12", "abcd"), secret=True)


def _payment_code(typed: str) -> Secret:
    code = "".join(typed.split())
    if not re.fullmatch(r"[0-9]{4,10}", code):
        raise InvalidError(_("This code has 4 to 10 digits."))
    return Secret(code)


# What some networks give before a payment: like a PIN it is kept nowhere.
payment_code = Kind(
    "payment code", _payment_code, good=("418 002", "4071"), bad=("12", "abcd", "4" * 11), secret=True
)


def _reason(typed: str) -> str:
    reason = " ".join(typed.split())
    if sum(letter.isalnum() for letter in reason) < 2:
        raise InvalidError(_("Please say it in a few words."))
    if septets(fold(reason)) > LONGEST_REASON or len(reason) > LONGEST_REASON:
        raise InvalidError(_("Too long: {most} letters at most.", most=LONGEST_REASON))
    return reason


reason_words = Kind(
    "reason", _reason, good=("x" * LONGEST_REASON,), bad=("", "?", "x" * 61, "a [" * 20), takes_rest=True
)
