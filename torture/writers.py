"""Writers who do everything by SMS, and a gateway that brings each of their messages until it is taken, and once more.

A writer answers what she reads on her phone, and writes anew when nothing comes: no answer is ever looked up inside.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import httpx

from torture.callers import NEWS
from torture.diary import Diary, Written
from torture.hands import Hands
from torture.place import SECRET
from torture.strikes import Heard

SHORT_CODE = "38457"
BRINGS_AGAIN_AFTER_S = 0.4
BRINGS_FOR_S = 60.0
SECOND_COPY_WITHIN_S = 1.5
LOOKS_EVERY_S = 0.3
PATIENCE_S = 8.0  # for an answer; then she writes anew
WRITES_ANEW = 8
YES = re.compile(r"\bOUI [0-9]{4}\b")
MOST = re.compile(r"^Combien payez-vous \? .* ([0-9]+)\.")
DEALT_WITH = "déjà"  # the phone speaks for a household already; the last request was dealt with
JOINED = ("Bienvenue", DEALT_WITH)
COVER = ("COUVERT", "Couvert du", "en cours")
PAYING = ("On va demander", "en cours", "Rien à payer", DEALT_WITH)


@dataclass
class Phone:
    """A phone that writes SMS and reads those that come."""

    phone: str
    http: httpx.AsyncClient
    web: str
    simulator: str
    diary: Diary
    chance: Random
    happened: Heard
    hands: Hands | None = None  # she calls at the same time
    read: dict[str, str] = field(default_factory=dict)  # the messages that came, by their id

    async def ask(self, text: str, done: tuple[str, ...], answers: Mapping[str, str] | None = None) -> None:
        """Write `text`, answer what comes back, until a message has words of `done`; anew where nothing comes."""
        for _attempt in range(WRITES_ANEW):
            await self.write(text)
            if await self._settled(done, answers or {}):
                return
            self.diary.asked_again += 1
        self.diary.complain(f"{self.phone} wrote {text!r} {WRITES_ANEW} times in vain")

    async def _settled(self, done: tuple[str, ...], answers: Mapping[str, str]) -> bool:
        """Whether a message with words of `done` came; False when nothing comes any more."""
        patience_s = PATIENCE_S
        while patience_s > 0:
            for text in await self.notification():
                if any(words in text for words in done):
                    return True
                if answer := _answer(text, answers):
                    await asyncio.sleep(self.chance.uniform(0.05, 0.4))
                    if self.hands and YES.search(answer):
                        await self.hands.together()
                    await self.write(answer)
                    patience_s = PATIENCE_S
            await asyncio.sleep(LOOKS_EVERY_S)
            patience_s -= LOOKS_EVERY_S
        return False

    async def write(self, text: str) -> None:
        """Send one SMS: back when the service has taken it. A second copy comes at the same time or a little later."""
        written = Written(f"ATXid_in_{next(self.diary.numbers):024x}", self.phone, text)
        self.diary.written.append(written)
        self.happened("yes" if YES.search(text) else "sms")
        delay_s = self.chance.choice((0.0, self.chance.uniform(0, SECOND_COPY_WITHIN_S)))
        await asyncio.gather(self._bring(written), self._bring(written, delay_s))

    async def _bring(self, written: Written, delay_s: float = 0.0) -> None:
        """One copy, until the service says 200 to it."""
        await asyncio.sleep(delay_s)
        form = {"from": written.phone, "to": SHORT_CODE, "id": written.id, "text": written.text}
        for _attempt in range(int(BRINGS_FOR_S / BRINGS_AGAIN_AFTER_S)):
            self.diary.brought += 1
            try:
                reply = await self.http.post(f"{self.web}/at/{SECRET}/sms", data=form)
            except httpx.HTTPError:
                reply = None
            if reply is not None and reply.status_code == 200:
                written.accepted += 1
                return
            if reply is not None and reply.status_code != 503:
                self.diary.complain(f"SMS {written.id} was answered {reply.status_code}")
            await asyncio.sleep(BRINGS_AGAIN_AFTER_S)
        self.diary.complain(f"SMS {written.id} was not taken within {BRINGS_FOR_S:g} s")

    async def notification(self) -> list[str]:
        """The messages that came since the last look, oldest first."""
        try:
            reply = await self.http.get(f"{self.simulator}/simulator/sms", params={"to": self.phone})
        except httpx.HTTPError:
            return []
        fresh = [message for message in reversed(reply.json()) if message["id"] not in self.read]
        self.read |= (came := {message["id"]: message["text"] for message in fresh})
        return list(came.values())


def _answer(text: str, answers: Mapping[str, str]) -> str | None:
    """What she replies: to a confirmation its code, to an amount the most of it."""
    if yes := YES.search(text):
        return yes[0]
    if most := MOST.search(text):
        return most[1].replace(" ", "")
    return next((answer for words, answer in answers.items() if words in text), None)


@dataclass
class Writer(Phone):
    """A villager without the patience for menus: joins, asks for her cover, pays the rest later if `pays_part`."""

    name: str = ""
    pays_part: bool = False
    news_looks: int = 100  # then she pays without

    async def live(self) -> None:
        """All of it by SMS."""
        await asyncio.sleep(self.chance.uniform(0, 8))
        way = "2" if self.pays_part else "1"
        await self.ask(f"ADHERER Kola, {self.name}, 45 38 12", JOINED, {"Combien payez-vous": way})
        await self.ask("COUVERTURE", COVER)
        if not self.pays_part:
            return
        for _look in range(self.news_looks):
            await self.notification()
            if any(words in text for text in self.read.values() for words in NEWS):
                break
            await asyncio.sleep(LOOKS_EVERY_S)
        await self.ask("PAYER", PAYING)
