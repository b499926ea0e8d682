"""Treasurers who read their accounts all the time, and a bell that says when a digest is due: a kill may aim at it.

A digest comes to each every few seconds; they answer it, and ask for the balance between. Meanwhile each of them calls:
she records gifts, which two have to sign, and signs what the others recorded.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bench.engine import engine_of
from torture.callers import HOME, REDIAL_AFTER_S, RandomCaller
from torture.strikes import Heard
from torture.writers import Phone

BELL_S = 0.1
FAULT_PAUSE_S = 0.5
ON_TIME_WITHIN_S = 100.0  # a firing that failed is tried again after a minute
BALANCE = ("depuis le",)
ANSWERED = ("Votre réponse est enregistrée", "Aucun bilan")

NEXT_DUE = text("select min(due_at) as due_at, now() as now from schedule where kind = 'digest'")
# A line is stopped only while none of its hours is due: what is due must fire.
STOP = text(
    "update schedule set stopped_at = clock_timestamp()"
    " where kind = 'digest' and stopped_at is null and due_at > clock_timestamp()"
)
LEFT = text("select count(*) from schedule where kind = 'digest' and stopped_at is null")


async def ring(database_url: str, happened: Heard) -> None:
    """Say "digest" as soon as one is due, until cancelled."""
    rung_for: datetime | None = None
    async with engine_of(database_url) as engine:
        while True:
            try:
                async with engine.connect() as db:
                    row = (await db.execute(NEXT_DUE)).one()
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(FAULT_PAUSE_S)  # it may just have been killed
                continue
            if row.due_at and rung_for != row.due_at <= row.now:
                rung_for = row.due_at
                happened("digest")
            await asyncio.sleep(BELL_S)


async def stop_digests(database_url: str) -> None:
    """No digest any more, so that the books stand still; a line that stays behind its time is left as it is."""
    began, left = monotonic(), 1
    async with engine_of(database_url) as engine:
        while left and monotonic() - began < ON_TIME_WITHIN_S:
            async with engine.begin() as db:
                await db.execute(STOP)
                left = await db.scalar(LEFT) or 0
            await asyncio.sleep(BELL_S)


class Treasurer(Phone):
    """Asks for the balance, then answers the last digest."""

    async def live(self) -> None:
        """Twice, apart."""
        for _time in range(2):
            await asyncio.sleep(self.chance.uniform(1, 6))
            await self.ask("BILAN", BALANCE)
            await self.ask("OK", ANSWERED)


PIN, GIVE, COUNT, SIGN = "9", "4", "6", "7"  # errands: the digit of her work, or of Money
GIFTS, GIFT_MINOR, SIGNATURES = 2, "1000", 5
COUNTED = "2x500 50"  # never what her book says: the difference takes two
SHOWN_PIN = re.compile("END Votre code de travail : ([0-9]{5})")
PROPOSED, SIGNED, NOTHING_WAITS = "END C'est proposé", "END C'est fait", "END Rien n'attend"
TOO_LATE = ("déjà", "changé")  # another treasurer was first


@dataclass
class TreasurerOnCall(RandomCaller):
    """Gets a PIN, proposes gifts that came into her box, signs those of the others, then counts her box."""

    pin: str = ""
    errand: str = PIN

    async def live(self) -> None:
        """One errand after the other, each until it is done."""
        for errand in (PIN, *[GIVE] * GIFTS, *[SIGN] * SIGNATURES, COUNT, SIGN):
            self.errand = errand
            while not await self._call(errand, done=(NOTHING_WAITS, PROPOSED, SIGNED, *TOO_LATE)):
                await asyncio.sleep(REDIAL_AFTER_S)
            await asyncio.sleep(self.chance.uniform(0.2, 2))

    async def _ended(self, screen: str, done: tuple[str, ...]) -> bool:
        if found := SHOWN_PIN.match(screen):
            self.pin = found[1]
            return True
        if screen.startswith((PROPOSED, SIGNED)) and self.chance.random() < 0.5:
            await self._hop(again=True)  # the gateway delivers the acting hop once more
        return any(words in screen for words in done)

    def _answer(self, screen: str, door: str) -> str | None:
        answers = {
            HOME: "9",
            "Votre dernier appel": "2",
            "Mon travail": PIN if door == PIN else "8",
            "2 Dépense": door,
            "1 Verser": "5",
            "Qu'est-ce qui est donné": "2",
            "Qui l'a donné": "Mairie de Kola",
            "Où est cet argent": "1",
            "Combien ?": GIFT_MINOR,
            "Comptez votre caisse": COUNTED,
            "notre livre dit": "sous la natte",
            "Pour quoi ?": "Fête du village",
            "A signer :": "1",
            "1 Approuver": "1",
            "1 Proposer": "1",
            "1 Oui": "1",
            "Votre code de travail ?": self.pin,
        }
        return next((answer for words, answer in answers.items() if words in screen), None)
