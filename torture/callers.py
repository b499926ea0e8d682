"""Callers who read their screens, and a gateway that repeats a hop without an answer and then lets them dial anew.

A caller presses only what her screen offers: what she does not understand she complains of.
"""

import asyncio
from dataclasses import dataclass
from random import Random

import httpx

from simulator import vendor
from simulator.vendor import VendorHop
from torture.diary import Diary, Told
from torture.hands import Hands, press_together
from torture.place import SECRET
from torture.strikes import Heard

SERVICE_CODE = "*384*57#"
SHAPES = (
    vendor.AFRICASTALKING,
    "plain",
    "hubtel",
)  # all that was typed; the last input; the last input with its number
NO_CALL = VendorHop("", "", SERVICE_CODE)
METADATA_HEADER = "at-ussd-hop-metadata"
PATIENCE_S = 10.0  # of the gateway, for one answer
REPEATS = 3
REPEAT_AFTER_S = 0.4
REDIAL_AFTER_S = 1.0
NEWS_EVERY_S = 0.5
LOST_CALLS = 3  # then she gives up
NEWS_LOOKS = 50  # then she dials without
WELCOME, THANKS = "END Bienvenue", "END Merci. On va"
AGREE = ("1 J'accepte", "1 Oui")  # the two confirmations of the story
HOME, NOT_YET, MEMBER = "8 Langue", "1 Adhérer", "1 Ma couverture"
UNDER_WAY, NOTHING_DUE = "en cours", "Rien à payer"
NEWS = ("REÇU", "n'a pas été fait")  # of a payment, by SMS


@dataclass
class RandomCaller:
    """A villager with a phone: joins, and pays the rest later if `pays_part`."""

    phone: str
    name: str
    pays_part: bool
    http: httpx.AsyncClient
    web: str
    simulator: str
    diary: Diary
    chance: Random
    happened: Heard
    hands: Hands | None = None  # she writes at the same time
    gateway: str = vendor.AFRICASTALKING
    hop: VendorHop = NO_CALL
    metadata: str = ""
    lost: int = 0  # calls that ended in a screen she does not understand
    missed: int = 0  # how often the newest hop was not answered

    async def live(self) -> None:
        """Join; then, for who paid a part, wait a while for news and pay the rest."""
        await asyncio.sleep(self.chance.uniform(0, 8))
        while not await self._call("1", done=(MEMBER,)):
            await asyncio.sleep(REDIAL_AFTER_S)
        if not self.pays_part:
            return
        for _look in range(NEWS_LOOKS):
            if await self._news():
                break
            await asyncio.sleep(NEWS_EVERY_S)
        while not await self._call("2", done=(UNDER_WAY, NOTHING_DUE)):
            await asyncio.sleep(REDIAL_AFTER_S)

    async def _call(self, door: str, done: tuple[str, ...]) -> bool:
        """One call; whether the caller has what she wanted: a promise, or a screen with words of `done`."""
        self.diary.calls += 1
        self.hop = VendorHop(f"ATUid_{next(self.diary.numbers):032x}", self.phone, SERVICE_CODE)
        self.metadata = ""
        screen = await self._hop()
        while screen and screen.startswith("CON "):
            if any(words in screen for words in done):
                return True
            answer = self._answer(screen, door)
            if answer is None:
                self.diary.complain(f"{self.phone} does not understand: {screen}")
                self.lost += 1
                return self.lost > LOST_CALLS
            await asyncio.sleep(self.chance.uniform(0.05, 0.25) + self._pause_s(answer))
            self.hop = self.hop._replace(typed=(*self.hop.typed, answer))
            acts = any(words in screen for words in AGREE)
            if acts:
                await press_together(self.hands, self.chance)
                self.happened("action")
            screen = await self._hop()
            self.diary.cut += acts and (self.missed > 0 or not (screen or "").startswith((WELCOME, THANKS)))
        return await self._ended(screen or "", done)

    async def _ended(self, screen: str, done: tuple[str, ...]) -> bool:
        if not screen.startswith((WELCOME, THANKS)):
            return any(words in screen for words in done)
        if self.chance.random() < 0.5:  # the gateway delivers the acting hop once more
            await asyncio.sleep(self.chance.uniform(0, 1))
            await self._hop(again=True)
        return True

    def _pause_s(self, answer: str) -> float:
        """How much longer she thinks: sooner the same key would be the same hop."""
        return vendor.repeats_within_s(self.gateway) if self.hop.typed[-1:] == (answer,) else 0.0

    def _answer(self, screen: str, door: str) -> str | None:
        answers = {
            HOME: door,
            "Votre dernier appel": "1",
            "1 Continuer": "1",  # a refusal that was read: the other hand was first, a price has changed
            "habitez-vous": "1",
            "prénom": self.name,
            "45*38*12": "45*38*12",
            "Combien payez-vous": "2" if self.pays_part else "1",
            "Reste à payer": "1",
            AGREE[0]: "1",
            AGREE[1]: "1",
        }
        return next((answer for words, answer in answers.items() if words in screen), None)

    async def _hop(self, *, again: bool = False) -> str | None:
        """The screen of this hop; None when the gateway has given up on it."""
        self.missed = 0
        for _attempt in range(1 + REPEATS):
            self.diary.hops += 1
            self.happened("hop")
            if (screen := await self._post()) is not None:
                self.diary.told.append(
                    Told(self.phone, self.hop.call, "*".join(self.hop.typed), screen, again)
                )
                return screen
            self.missed += 1
            self.diary.unanswered += 1
            await asyncio.sleep(REPEAT_AFTER_S)
        return None

    async def _post(self) -> str | None:
        url = vendor.address(self.gateway, self.web, SECRET)
        request = vendor.request_of(self.gateway, url, self.hop)
        request.extensions["timeout"] = httpx.Timeout(PATIENCE_S).as_dict()
        if self.metadata:
            request.headers[METADATA_HEADER] = self.metadata
        try:
            reply = await self.http.send(request)
        except httpx.HTTPError:
            return None
        self.metadata = reply.headers.get(METADATA_HEADER, self.metadata)
        try:
            words, goes_on = vendor.read_reply(self.gateway, reply)
        except ValueError as fault:
            self.diary.complain(f"{self.phone} was answered {fault}: {reply.text[:80]}")
            return reply.text
        return f"{'CON' if goes_on else 'END'} {words}"

    async def _news(self) -> bool:
        """Whether an SMS tells how the first payment went."""
        try:
            reply = await self.http.get(f"{self.simulator}/simulator/sms", params={"to": self.phone})
        except httpx.HTTPError:
            return False
        return any(words in message["text"] for message in reply.json() for words in NEWS)
