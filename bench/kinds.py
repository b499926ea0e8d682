"""The kinds of real calls: what is typed, by whom, and the one screen that each caller may see at each hop.

A call of each kind is rehearsed with the service. Every other caller must see the same screens with her own name,
number and phone; what is drawn or counted at its end (a new number, a receipt's code, cash in hand) by its pattern.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from bench.callers import AGES, hop_request, name_of, phone_of
from bench.federation import PIN
from bench.homes import Joined
from bench.wire import Exchange, WireHop
from mutuelle.households.member_numbers import shown_number
from talk.phones import shown_phone
from torture.town import FAMILY

PART = str(FAMILY.lump_sum_minor // FAMILY.max_installments)
DRAWN = {
    "join": re.compile(rb"\d{3} \d{3} \d{3}"),
    "cash": re.compile(rb"(?<=RE\xc3\x87U )[A-Z0-9]{6}|(?<=avez )[\d ]+(?= F en main)"),
}
_calls = count(1)


class UnexpectedAnswerError(Exception):
    """A rehearsed call was not answered as its kind is, or two contenders do not say the same."""


@dataclass(frozen=True)
class Who:
    """Who calls, and the household that it is about."""

    phone: str
    name: str
    number: str = ""

    @property
    def facts(self) -> dict[bytes, bytes]:
        """What tells her screens from those of others, by what stands for it in the rehearsal."""
        told = {"name": self.name, "phone": shown_phone(self.phone)}
        if self.number:
            told["number"] = shown_number(self.number)
        return {f"\0{key}\0".encode(): fact.encode() for key, fact in told.items()}


def member(home: Joined) -> Who:
    """A household that calls for itself."""
    return Who(home.phone, home.name, home.number)


def newcomer(nth: int) -> Who:
    """Somebody whom no mutuelle knows yet."""
    return Who(phone_of(nth), name_of(nth))


newcomers = map(
    newcomer, count(1)
)  # nobody calls twice: a second call would be offered to go on with the first


def _grown(*words: str) -> list[str]:
    return ["", *("*".join(words[: nth + 1]) for nth in range(len(words)))]


TYPED: Mapping[str, Callable[[Who], list[str]]] = {
    "dial": lambda _who: [""],
    "cover": lambda _who: _grown("1"),
    "pay": lambda _who: _grown("2", "1", "1"),
    "join": lambda who: _grown("1", "1", who.name, AGES, "1", "1"),
    "cash": lambda who: _grown("9", "1", who.number, PART, "1", PIN),
}
ACTS = ("pay", "join", "cash")  # whose last hop acts


def requests(kind: str, who: Who) -> list[bytes]:
    """One whole call, a call of its own each time."""
    call = next(_calls)
    return [hop_request(who.phone, call, words) for words in TYPED[kind](who)]


@dataclass(frozen=True)
class Play:
    """The screens of a kind, with what stands for each caller's own facts."""

    kind: str
    screens: tuple[bytes, ...]

    def call(self, who: Who) -> list[WireHop]:
        """The hops of one call, with what each must be answered."""
        screens = [_filled(screen, who.facts) for screen in self.screens]
        expected: list[bytes | re.Pattern[bytes]] = [*screens]
        if drawn := DRAWN.get(self.kind):
            expected[-1] = _pattern(screens[-1], drawn)
        return [WireHop(*pair) for pair in zip(requests(self.kind, who), expected, strict=True)]


def _filled(screen: bytes, facts: Mapping[bytes, bytes]) -> bytes:
    for mark, fact in facts.items():
        screen = screen.replace(mark, fact)
    return screen


def _pattern(screen: bytes, drawn: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """The screen with whatever may be drawn or counted in the place of what was."""
    parts, at = [], 0
    for found in drawn.finditer(screen):
        parts += [re.escape(screen[at : found.start()]), rb"[A-Z0-9 ]+"]
        at = found.end()
    return re.compile(b"".join([*parts, re.escape(screen[at:])]))


async def rehearse(port: int, kind: str, who: Who) -> Play:
    """One call; UnexpectedAnswerError unless it goes to its end through screens that are all different."""
    exchange = Exchange(port)
    screens = [(await exchange.ask(request))[1] for request in requests(kind, who)]
    exchange.close()
    ends = kind == "dial" or screens[-1].startswith(b"END ")
    if not ends or len(set(screens)) < len(screens) or not all(s.startswith(b"CON ") for s in screens[:-1]):
        raise UnexpectedAnswerError(f"{kind}: {_readable(screens)}")
    marks = {fact: mark for mark, fact in who.facts.items()}
    return Play(kind, tuple(_filled(screen, marks) for screen in screens))


async def expect_same(port: int, play: Play, who: Who) -> None:
    """UnexpectedAnswerError if another contender, or the same for another caller, shows other screens."""
    exchange, shown = Exchange(port), []
    for hop in play.call(who):
        _status, body = await exchange.ask(hop.request)
        shown.append(body)
        if not hop.is_answered_by(body):
            raise UnexpectedAnswerError(f"{play.kind}: {_readable([body])} where {hop.expected!r} is right")
    exchange.close()


def _readable(screens: Sequence[bytes]) -> str:
    return " / ".join(screen.decode(errors="replace") for screen in screens)
