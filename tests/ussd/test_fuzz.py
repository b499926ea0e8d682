"""Any sequence of hops with any text: always a screen that fits, never a deed without its confirmation.

Whatever a gateway or a thief sends, a deed exists only if its words were a screen shown to this phone in this
call, and the answer to it was 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from locales import DEFAULT_LANGUAGE
from locales.letters import is_gsm7, septets
from talk.answers import repaired
from talk.tables import deed
from tests.town import NOON, join, paid
from ussd import africastalking, calls
from ussd.calls import FAULT
from ussd.hop import Unreadable
from ussd.screens import say

EXAMPLES = 60
HOPS = 14
_phones, _calls = count(22_376_100_000), count(1)
ON_REAL_ENGINES = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FAULTS = {say(FAULT, language).text for language in ("fr", "en")}

USEFUL = st.sampled_from(
    [
        "1",
        "1",
        "1",
        "1",
        "2",
        "3",
        "4",
        "5",
        "7",
        "8",
        "0",
        "00",
        "98",
        "Awa Koné",
        "45*38*12*7",
        "61",
        "6000",
    ]
)
ODD = st.sampled_from(
    ["", "*", "**", "1*", "*1", "#", "¡", "١", "①", "4071", "-1", "1 ", "9" * 40, "ê" * 161]
)
WORD = st.one_of(USEFUL, USEFUL, USEFUL, ODD, st.text(max_size=40))
STEP = st.one_of(
    st.tuples(st.just("type"), WORD),
    st.tuples(st.just("type"), WORD),
    st.tuples(st.just("type"), WORD),
    st.tuples(
        st.sampled_from(["again", "dial", "late", "diverge", "other phone", "other code", "other call"]), WORD
    ),
)


@dataclass
class Heard:
    """One hop as it was sent, and the screen that it got."""

    call: str
    phone: str
    text: str
    screen: str


@dataclass
class Gateway:
    """A gateway that forgets, repeats and mixes up; it remembers everything for the judgement."""

    line: calls.Line
    phone: str = field(default_factory=lambda: f"+{next(_phones)}")
    service: str = "*384*57#"
    call: str = ""
    text: str = ""
    heard: list[Heard] = field(default_factory=list)

    async def hop(self, *, past_dial: bool = False) -> None:
        form = {
            "sessionId": self.call,
            "phoneNumber": self.phone,
            "serviceCode": self.service,
            "text": self.text,
            "networkCode": "61002",
        }
        headers = {africastalking.METADATA_HEADER: "open"} if past_dial else {}
        try:
            shown = await calls.hop(self.line, africastalking.read_hop(form, headers))
        except Unreadable as trouble:
            shown = say(trouble.sentence, DEFAULT_LANGUAGE)
        body, _headers = africastalking.write_screen(shown)
        assert body.startswith(("CON ", "END "))
        assert body[4:].strip()
        assert is_gsm7(body), body
        assert septets(body) <= 160, body
        assert body[4:] not in FAULTS, "no hop may be a fault of ours"
        self.heard.append(Heard(self.call, self.phone, self.text, body[4:]))

    async def play(self, step: str, word: str) -> None:
        if step == "dial":
            self.call, self.text = f"ATUid_{next(_calls):032x}", word
        elif step == "type":
            self.text = f"{self.text}*{word}" if self.text else word
        elif step == "late":
            self.text = self.text[: len(self.text) // 2]
        elif step == "diverge":
            self.text = f"{word}*{self.text[::-1]}"
        elif step == "other phone":
            self.phone = f"+{next(_phones)}"
        elif step == "other code":
            self.service = f"*{len(word)}#"
        elif step == "other call":
            self.call = f"ATUid_{next(_calls):032x}"
        await self.hop(past_dial=step == "other call")


async def agreed(line: calls.Line, heard: Sequence[Heard]) -> int:
    """How many deeds these hops led to; each must have been agreed to by the phone, in the call, in its words."""
    phones = {hop.phone for hop in heard}
    async with line.pool.connect() as db:
        deeds = (await db.execute(select(deed).where(deed.c.phone.in_(phones)))).all()
    for done in deeds:
        acting = [hop for hop in heard if is_hop_of(hop, done) and len(hop.text) == done.position]
        assert acting, "a deed without a hop"
        assert any(is_answer_to_its_words(hop, heard, done.consent) for hop in acting), done.consent
    return len(deeds)


def is_hop_of(hop: Heard, done: Any) -> bool:
    return bool((hop.call, hop.phone) == (done.call, done.phone))


def is_answer_to_its_words(acting: Heard, heard: Sequence[Heard], words: str) -> bool:
    """Whether `words` were on this phone in this call, and this hop is that one's text and a 1."""
    for before in heard[: heard.index(acting)]:
        same_call = (before.call, before.phone) == (acting.call, acting.phone)
        if same_call and before.screen.endswith(words) and acting.text.startswith(before.text):
            typed = acting.text[len(before.text) :].removeprefix("*")
            if repaired(typed) == "1":
                return True
    return False


@ON_REAL_ENGINES
@given(at_once=st.lists(WORD, max_size=4), steps=st.lists(STEP, max_size=HOPS))
async def test_no_sequence_of_hops_raises_overflows_or_acts_unasked(
    line: calls.Line, at_once: list[str], steps: list[tuple[str, str]]
) -> None:
    gateway = Gateway(line)
    await gateway.play("dial", "*".join(at_once))
    for step, word in steps:
        await gateway.play(step, word)
    await agreed(line, gateway.heard)


NUMBER = "the number of a household that still owes a part"
WISHES: dict[str, list[str]] = {
    "join": ["1", "1", "Awa Koné", "45*38", "1", "1"],
    "speak English": ["8", "2", "1"],
    "let nobody ask me to pay": ["2", "5", "1"],
    "pay for another": ["2", NUMBER, "6000", "1"],
}
MEMBERS_ONLY = "let nobody ask me to pay"


@ON_REAL_ENGINES
@given(
    wish=st.sampled_from(list(WISHES)),
    slips=st.lists(st.tuples(st.integers(0, 8), STEP), max_size=4),
)
async def test_a_wish_among_slips_is_done_only_when_agreed(
    line: calls.Line, wish: str, slips: list[tuple[int, tuple[str, str]]]
) -> None:
    """The way to a deed, disturbed: these calls come close to acting, and those without a slip act once."""
    gateway = Gateway(line)
    owes = await household_that_owes(line, gateway.phone if wish == MEMBERS_ONLY else f"+{next(_phones)}")
    steps = [("type", owes if word is NUMBER else word) for word in WISHES[wish]]
    for at, slip in slips:
        steps.insert(min(at, len(steps)), slip)
    await gateway.play("dial", "")
    for step, word in steps:
        await gateway.play(step, word)
    done = await agreed(line, gateway.heard)
    assert slips or done == 1, gateway.heard


async def household_that_owes(line: calls.Line, phone: str) -> str:
    """The number of a household that has paid half of its contribution."""
    home = await join(line.pool, phone, at=NOON, name="Issa Diarra", pay_minor=6_000)
    await paid(line.pool, home, at=NOON)
    return home.number
