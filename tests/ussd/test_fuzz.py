"""Any sequence of hops with any text: always a screen that fits, never an action without its confirmation.

Whatever a gateway or a thief sends, an action exists only if its words were a screen shown to this phone in this
call, and the answer to it was 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from locales import DEFAULT_LANGUAGE
from locales.letters import is_gsm7, septets
from talk.answers import repaired
from talk.tables import action
from tests.support.town import NOON, join, paid
from ussd import africastalking, calls
from ussd.calls import FAULT
from ussd.hop import UnreadableError
from ussd.screens import say

EXAMPLES = 60
HOPS = 14
_phones, _calls = count(22_376_100_000), count(1)
ON_REAL_ENGINES = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FAULTS = {say(FAULT, language).text for language in ("fr", "en")}

DIGITS = ["1", "1", "1", "1", "2", "3", "4", "5", "7", "8", "0", "00", "98"]
USEFUL = st.sampled_from([*DIGITS, "Awa Koné", "45*38*12*7", "61", "6000"])
ODD = st.sampled_from(
    ["", "*", "**", "1*", "*1", "#", "¡", "١", "①", "4071", "-1", "1 ", "9" * 40, "ê" * 161]
)
WORD = st.one_of(USEFUL, USEFUL, USEFUL, ODD, st.text(max_size=40))
FORGERIES = ["other phone", "other code", "other call", "other text"]
STEP = st.one_of(
    st.tuples(st.just("type"), WORD),
    st.tuples(st.just("type"), WORD),
    st.tuples(st.just("type"), WORD),
    st.tuples(st.sampled_from(["again", "dial", "late", "diverge", *FORGERIES]), WORD),
)


@dataclass
class Heard:
    """One hop as it was sent, and the screen that it got."""

    call: str
    phone: str
    service: str
    text: str
    screen: str


@dataclass
class Gateway:
    """A gateway that forgets, repeats and mixes up; it remembers everything for the judgement."""

    ussd_deps: calls.UssdDeps
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
            shown = await calls.hop(self.ussd_deps, africastalking.read_hop(form, headers))
        except UnreadableError as trouble:
            shown = say(trouble.sentence, DEFAULT_LANGUAGE)
        body, _headers = africastalking.write_screen(shown, {})
        assert body.startswith(("CON ", "END "))
        assert body[4:].strip()
        assert is_gsm7(body), body
        assert septets(body) <= 160, body
        assert body[4:] not in FAULTS, "no hop may be a fault of ours"
        self.heard.append(Heard(self.call, self.phone, self.service, self.text, body[4:]))

    def forge(self, what: str) -> None:
        """The next hop comes from somebody else, or claims that something else was typed before."""
        if what == "other phone":
            self.phone = f"+{next(_phones)}"
        elif what == "other code":
            self.service += "1"
        elif what == "other call":
            self.call = f"ATUid_{next(_calls):032x}"
        else:
            self.text = "9" * len(self.text)

    def append(self, word: str) -> None:
        self.text = f"{self.text}*{word}" if self.text else word

    async def play(self, step: str, word: str) -> None:
        if step == "dial":
            self.call, self.text = f"ATUid_{next(_calls):032x}", word
        elif step == "type":
            self.append(word)
        elif step == "late":
            self.text = self.text[: len(self.text) // 2]
        elif step == "diverge":
            self.text = f"{word}*{self.text[::-1]}"
        elif step in FORGERIES:
            self.forge(step)
            self.append(word)
        await self.hop(past_dial=step == "other call")


async def agreed(ussd_deps: calls.UssdDeps, heard: Sequence[Heard]) -> int:
    """How many actions these hops led to; each must have been agreed to by the phone, in the call, in its words."""
    phones = {hop.phone for hop in heard}
    async with ussd_deps.pool.connect() as db:
        actions = (await db.execute(select(action).where(action.c.phone.in_(phones)))).all()
    for done in actions:
        acting = [hop for hop in heard if is_hop_of(hop, done) and len(hop.text) == done.position]
        assert acting, "an action without a hop"
        assert any(is_answer_to_its_words(hop, heard, done.consent) for hop in acting), done.consent
    return len(actions)


def is_hop_of(hop: Heard, done: Any) -> bool:
    return bool((hop.call, hop.phone) == (done.call, done.phone))


def is_answer_to_its_words(acting: Heard, heard: Sequence[Heard], words: str) -> bool:
    """Whether `words` were on this phone in this call, and this hop is that one's text and a 1."""
    for before in heard[: heard.index(acting)]:
        same_call = (before.call, before.phone, before.service) == (acting.call, acting.phone, acting.service)
        if same_call and before.screen.endswith(words) and acting.text.startswith(before.text):
            typed = acting.text[len(before.text) :].removeprefix("*")
            if repaired(typed) == "1":
                return True
    return False


@ON_REAL_ENGINES
@given(at_once=st.lists(WORD, max_size=4), steps=st.lists(STEP, max_size=HOPS))
async def test_no_sequence_of_hops_raises_overflows_or_acts_unasked(
    ussd_deps: calls.UssdDeps, at_once: list[str], steps: list[tuple[str, str]]
) -> None:
    gateway = Gateway(ussd_deps)
    await gateway.play("dial", "*".join(at_once))
    for step, word in steps:
        await gateway.play(step, word)
    await agreed(ussd_deps, gateway.heard)


NUMBER = "the number of a household that still owes a part"
WISHES: dict[str, list[str]] = {
    "join": ["1", "1", "Awa Koné", "45 38", "1"],
    "speak English": ["8", "2"],
    "let nobody ask me to pay": ["2", "5"],
    "pay for another": ["2", "4", NUMBER, "6000"],
}
MEMBERS_ONLY = "let nobody ask me to pay"
LAST = st.one_of(STEP, st.tuples(st.sampled_from(["type", *FORGERIES]), st.sampled_from("0128")))


@ON_REAL_ENGINES
@given(
    wish=st.sampled_from(list(WISHES)),
    dialled=st.integers(0, 6),
    last=st.lists(LAST, min_size=1, max_size=3),
)
@example(wish="join", dialled=0, last=[("type", "2")])
@example(wish="join", dialled=0, last=[("other phone", "1")])
@example(wish="join", dialled=0, last=[("other code", "1")])
@example(wish="join", dialled=0, last=[("other call", "1")])
@example(wish="join", dialled=0, last=[("other text", "1")])
async def test_at_the_confirmation_only_a_yes_of_this_phone_in_this_call_acts(
    ussd_deps: calls.UssdDeps, wish: str, dialled: int, last: list[tuple[str, str]]
) -> None:
    """The way to an action, some of it dialled at once, and anything at its end: a plain 1 acts, once."""
    gateway = Gateway(ussd_deps)
    owes = await household_that_owes(
        ussd_deps, gateway.phone if wish == MEMBERS_ONLY else f"+{next(_phones)}"
    )
    words = [owes if word is NUMBER else word for word in (*WISHES[wish], "1")]
    await gateway.play("dial", "*".join(words[:dialled]))
    for word in words[dialled:-1]:
        await gateway.play("type", word)
    for step, word in last:
        await gateway.play(step, word)
    done = await agreed(ussd_deps, gateway.heard)
    assert done == 1 or last[0] != ("type", "1"), gateway.heard


async def household_that_owes(ussd_deps: calls.UssdDeps, phone: str) -> str:
    """The number of a household that has paid half of its contribution."""
    home = await join(ussd_deps.pool, phone, at=NOON, name="Issa Diarra", pay_minor=6_000)
    await paid(ussd_deps.pool, home, at=NOON)
    return home.number
