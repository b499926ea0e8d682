"""What a call remembers of its looks: what comes back is what was read, a PIN never, nothing for long."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, Sentence, _
from talk.answers import Secret
from talk.memory import LARGEST, LASTS_S, Memory
from talk.words import Caller, Look
from values import value

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=20)


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: date | None


@value
class Village:
    name: str
    price: Money
    colours: tuple[Colour, ...]
    pairs: list[Pair]
    opened: datetime
    opens: time | None
    key: UUID
    tags: dict[str, int]


@value
class Capital(Village):
    river: str = "Niger"


VILLAGE = Village(
    "Kola",
    Money(12_000, "XOF"),
    (Colour.RED,),
    [Pair(1, None), Pair(2, date(2026, 2, 28))],
    NOON,
    time(8),
    UUID(int=7),
    {"wells": 2},
)
CAPITAL = Capital(*(getattr(VILLAGE, name) for name in Village.__dataclass_fields__))


async def village(db: AsyncConnection, caller: Caller, at: datetime, name: str = "") -> Village | None:
    raise NotImplementedError


async def villages(db: AsyncConnection) -> list[Village]:
    raise NotImplementedError


async def pin(db: AsyncConnection, given: str) -> str:
    raise NotImplementedError


async def sentence(db: AsyncConnection) -> Sentence:
    raise NotImplementedError


def caller(at: datetime = NOON) -> Caller:
    return Caller("+22376000001", "fr", "test", "a call", at)


@dataclass
class Asked:
    """Answers looks, and counts how often."""

    answer: Any
    times: int = 0

    async def __call__(self) -> Any:
        self.times += 1
        return self.answer


async def remembered(read: Callable[..., Awaitable[Any]], answer: Any, *args: Any, later: Any = None) -> Any:
    """What a second hop is told by a look that the first has read: (answer, how often the second asked)."""
    first = Memory(NOON)
    assert await first.read(Look(read, args), Asked(answer)) == answer
    second, again = Memory(LATER, first.to_keep(), first.began), Asked(answer)
    return await second.read(Look(read, later if later is not None else args), again), again.times


@pytest.mark.parametrize("answer", [VILLAGE, None])
async def test_what_comes_back_is_what_was_read(answer: Village | None) -> None:
    assert await remembered(village, answer, caller(), NOON, later=(caller(LATER), LATER)) == (answer, 0)


async def test_other_arguments_are_another_look() -> None:
    assert await remembered(
        village, VILLAGE, caller(), NOON, "Kola", later=(caller(LATER), LATER, "Zan")
    ) == (VILLAGE, 1)


async def test_what_would_come_back_as_something_else_is_read_again() -> None:
    assert await remembered(villages, [VILLAGE, CAPITAL]) == ([VILLAGE, CAPITAL], 1)
    assert await remembered(sentence, _("Yes")) == (_("Yes"), 1)


async def test_a_pin_is_not_remembered_neither_asked_nor_answered() -> None:
    assert await remembered(pin, "right", Secret("4071")) == ("right", 1)
    assert await remembered(pin, Secret("4071"), "mine") == ("4071", 1)


async def test_a_long_list_is_read_again() -> None:
    many = [VILLAGE] * (LARGEST // 50)
    assert await remembered(villages, many) == (many, 1)


async def test_nothing_is_remembered_for_longer_than_a_call_lasts() -> None:
    first = Memory(NOON)
    await first.read(Look(villages, ()), Asked([VILLAGE]))
    kept, began = first.to_keep(), first.began
    for seconds, times in ((LASTS_S - 1, 0), (LASTS_S, 1)):
        again = Asked([VILLAGE])
        later = Memory(NOON + timedelta(seconds=seconds), kept, began)
        await later.read(Look(villages, ()), again)
        assert again.times == times


async def test_what_was_forgotten_is_read_again_and_whether_it_was_used_is_told() -> None:
    first = Memory(NOON)
    await first.read(Look(villages, ()), Asked([VILLAGE]))
    unused, used = (Memory(LATER, first.to_keep(), first.began) for _twice in range(2))
    assert not unused.forget()
    await used.read(Look(villages, ()), Asked([]))
    assert used.forget()
    assert await used.read(Look(villages, ()), Asked([])) == []
    assert not used.forget()
