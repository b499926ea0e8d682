"""The calls themselves, as text files that a treasurer can read: what was typed, the screens, the SMS, the ledger.

A line that begins with a word of `Script.WORDS` or with `>` is what happens; the indented lines are what came of it.
`pytest --rewrite-transcripts` writes them anew, for a person to read before they are committed.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select, text

from menus import home as home_menu
from mutuelle import tables
from mutuelle.households import household_by_number
from mutuelle.payments import OPEN
from tests.town import Clock, Handset, paid, sell
from ussd import calls

FOLDER = Path(__file__).parent / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
WRITTEN = {path: path.read_text() for path in TRANSCRIPTS}
RECEIPT = re.compile(r"\b(Recu|Receipt) [A-Z2-7]{6}\b")
MENUS = ("join", "pay", "cover", "mutuelle", "language")


@dataclass
class Script:
    """One transcript being played: `lines` is what it becomes."""

    line: calls.Line
    clock: Clock
    lines: list[str] = field(default_factory=list)
    handset: Handset | None = None
    sms: int = 0
    journals: int = 0

    async def play(self, script: str) -> str:
        for step in script.splitlines():
            if step.startswith("    "):
                continue
            self.lines.append(step)
            await self.happens(step)
        return "\n".join(self.lines).rstrip() + "\n"

    async def happens(self, step: str) -> None:
        """Do what one line says, and write down what came of it."""
        word, _blank, rest = step.partition(" ")
        if word == "phone":
            self.handset = Handset(self.line, phone=rest)
        elif word == "day":
            self.clock.now = datetime.fromisoformat(f"{rest}T12:00:00").replace(tzinfo=UTC)
        elif word == "dial":
            self.says(
                await self.caller.dial(*rest.removeprefix("*384*57").strip("*#").split("*")[:9]), shown=True
            )
        elif word == ">":
            self.says(await self.caller.type(rest), shown=True)
        elif word == "again":
            self.says(await self.caller.send(), shown=True)
        elif word == "price":
            await self.new_price(int(rest))
        elif word == "approve":
            await self.approve(rest)
        elif word and not word.startswith("#"):
            raise AssertionError(f"nothing is known of {word!r}")
        await self.consequences()

    @property
    def caller(self) -> Handset:
        assert self.handset, "a transcript begins with a phone"
        return self.handset

    def says(self, words: str, *, shown: bool = False) -> None:
        lines = words.split("\n")
        if shown:
            lines[0] = f"{'END' if self.caller.shown.end else 'CON'} {lines[0]}"
        self.lines.extend(f"    {line}" for line in lines)

    async def new_price(self, lump_sum_minor: int) -> None:
        async with self.line.pool.begin() as db:
            newest = await db.scalar(
                select(tables.product.c.version).order_by(tables.product.c.version.desc())
            )
            await sell(db, "BEN", version=(newest or 0) + 1, lump_sum_minor=lump_sum_minor)

    async def approve(self, phone: str) -> None:
        """The owner of `phone` approves the open payment that was sent to it."""
        async with self.line.pool.connect() as db:
            asked = tables.payment.c.state.in_(OPEN) & (tables.payment.c.payer_phone == phone)
            number = await db.scalar(select(tables.payment.c.number).where(asked))
            household = await household_by_number(db, str(number))
        await paid(self.line.pool, household, at=self.clock())

    async def consequences(self) -> None:
        """The SMS and the ledger lines that this step caused."""
        async with self.line.pool.connect() as db:
            sent = (
                await db.execute(text("select phone, body from sms_outbox order by recorded_at, phone, key"))
            ).all()
            posted = (
                await db.execute(
                    text(
                        "select m.debit_account, m.credit_account, m.amount, m.currency, j.kind from ledger.movement m"
                        " join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id"
                        " order by j.recorded_at, j.kind, m.position"
                    )
                )
            ).all()
        for message in sent[self.sms :]:
            body = RECEIPT.sub(r"\1 ABC234", message.body)
            self.says(f"sms to {message.phone}: {body}")
        for row in posted[self.journals :]:
            self.says(
                f"ledger: {row.amount} {row.currency} {row.debit_account} <- {row.credit_account}, {row.kind}"
            )
        self.sms, self.journals = len(sent), len(posted)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: str(path.stem))
async def test_a_call_goes_as_it_is_written(
    path: Path,
    line: calls.Line,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    drawn = count(1)
    monkeypatch.setattr("secrets.randbelow", lambda _most: next(drawn))
    written = WRITTEN[path]
    played = await Script(line, clock).play(written)
    if request.config.getoption("--rewrite-transcripts"):
        rewrite(path, played)
    else:
        assert played == written


def rewrite(path: Path, played: str) -> None:
    path.write_text(played)


def test_every_menu_has_a_transcript_that_passes_through_it() -> None:
    played = "\n".join(WRITTEN.values())
    doors = [door for door in vars(home_menu).values() if isinstance(door, home_menu.Door)]
    assert {door.key for door in doors} == set(MENUS)
    for door in doors:
        assert re.search(rf"^(> {door.digit}$|dial \*384\*57\*{door.digit}\b)", played, re.MULTILINE), (
            door.key
        )
