"""What people really write, and what it must be read as: `understood/*.txt`, played through the real dispatch.

A line is `who | what was said before | message | wanted`, with words of the answer behind. Nobody is ever misread: what
is not understood is refused with a way on. `ordinary.txt` are sentences of other matters: no menu that acts is opened.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import timing
from locales import Sentence, languages, render
from locales.letters import fold
from menus.by_message import menus_by_message, opened_without_keyword
from menus.help import help_by_message, last_word, not_understood
from mutuelle.households.sender_profile import roles_of, sender_of
from mutuelle.officers.roles import Role
from sms.conversations import conversation_of
from sms.deps import InboundSms, SmsDeps
from sms.dispatch import SmsAnswer, dispatch
from sms.keywords import Phrasebook
from sms.sentences import no_code, other_code, stopped_asking, to_stop
from sms.tables import Arrival, inbox
from talk.engine import Menu
from talk.keywords import ByMessage, word_for
from talk.preferences import choose_language
from talk.questions import is_confirmation
from talk.words import Caller
from tests.support.clinic import DR_ROKIA, open_facility
from tests.support.officers import FANTA, appoint
from tests.support.sms_phone import SEALS, code_in
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, join, paid

FOLDER = Path(__file__).parent / "understood"
TABLES = sorted(path for path in FOLDER.glob("*.txt") if path.stem != "ordinary")
COUNTS = FOLDER / "counts.md"
HEAD = [
    "# What is understood of what people write",
    "",
    "Counted from the tables beside this page by `tests/sms/test_understood.py --rewrite-transcripts`.",
    "",
]
LEAST_UNDERSTOOD, LEAST_ROWS = 0.9, 400
SANOU, COLLECTOR, ENROLLER, ENGLISH = "+22376000051", "+22376000052", "+22376000053", "+22376000054"
PEOPLE = {
    "member": AWA,  # owes half of her contribution
    "covered": MARIAM,  # owes nothing
    "stranger": OUMAR,
    "doctor": DR_ROKIA,
    "treasurer": FANTA,
    "collector": COLLECTOR,
    "officer": ENROLLER,
    "english": ENGLISH,  # a member who chose English, and owes half
    "asked": SANOU,  # an officer wrote this phone down, and it has not answered
}
READINGS = {  # what is wanted beside the keywords of menus
    *("help", "silence", "stop", "start", "nothing waits"),
    *("answered", "done", "ended", "no code", "again"),
}
REFUSED = {
    "help",
    "again",
    "no code",
    "nothing waits",
}  # with a way on: a message that means something is not lost
ACTS = {"PAY", "JOIN", "REMIND", "CONFIRM", "WRONG", "REGISTER", "LANGUAGE", "stop", "start", "done"}
DENIALS = {
    "fr": (
        "je ne veux pas {word} 3000",
        "{word} non",
        "pas de {word}",
        "je peux plus {word}, pas maintenant",
    ),
    "en": ("I do not want to {word} 3000", "don't {word}", "cannot {word} now"),
}
_ids = count(1)


@dataclass(frozen=True)
class Row:
    """One message of the tables: what was said `before` it, and what it is `wanted` to be read as, with `facts`."""

    who: str
    before: tuple[str, ...]
    message: str
    wanted: str
    facts: tuple[str, ...]


OPENED: list[str] = []  # the menus that the last message opened


def noted(name: str, menu: Menu) -> Menu:
    async def played(caller: Caller) -> Sentence:
        OPENED.append(name)
        return await menu(caller)

    return played


MENUS = [replace(menu, menu=noted(menu.keyword.msgid, menu.menu)) for menu in menus_by_message()]
BOOK = Phrasebook(
    MENUS
)  # one for all: it remembers what it has found out of its entries, as the worker's does
HELPED = next(menu for menu in MENUS if menu.keyword == help_by_message.keyword)
UNKNOWN = noted("help", not_understood)


def without_keyword(roles: Collection[str], body: str) -> tuple[ByMessage, tuple[str, ...], bool] | None:
    opened = opened_without_keyword(roles, body)
    return opened and (next(menu for menu in MENUS if menu.keyword == opened[0].keyword), *opened[1:])


@dataclass
class Town:
    """The service as it answers one phone, in a transaction that is rolled back."""

    db: AsyncConnection
    phone: str
    deps: SmsDeps = field(init=False)
    clock: Clock = field(default_factory=Clock)
    said: str = ""
    before: str = ""

    def __post_init__(self) -> None:
        who = (sender_of, SEALS, timing.Clock(self.clock), roles_of, without_keyword)
        self.deps = SmsDeps(self.db.engine, BOOK, HELPED, UNKNOWN, last_word, *who)

    async def hear(self, message: str) -> SmsAnswer:
        """Play one message, after the time that it says (`+20min ...`)."""
        if wait := re.match(r"\+(\d+)min ", message):
            self.clock.now += timedelta(minutes=int(wait[1]))
            message = message[wait.end() :]
        self.before, code = self.said, code_in(self.said) if "{code}" in message else ""
        sms = InboundSms("test", f"row {next(_ids)}", self.phone, message.replace("{code}", code))
        OPENED.clear()
        now = self.clock.now
        answer = await dispatch(self.deps, self.db, sms, await sender_of(self.db, self.phone, now), now)
        await self.db.execute(insert(inbox), self.row_of(sms, answer))
        self.said = answer.text or self.said
        return answer

    def row_of(self, sms: InboundSms, answer: SmsAnswer) -> dict[str, object]:
        """What the worker writes of a message that it played: limits count it."""
        at = {"received_at": self.clock.now, "due_at": self.clock.now, "handled_at": self.clock.now}
        state = Arrival.ANSWERED if answer.text else Arrival.SET_ASIDE
        key = {"provider": sms.provider, "provider_message_id": sms.id, "phone": sms.phone, "body": sms.body}
        return {**key, **at, "short_code": "", "state": state, "handled_as": answer.handled_as}

    async def reading_of(self, message: str) -> str:
        """What a message was read as."""
        waited = await conversation_of(self.db, self.phone, self.clock.now)
        answer = await self.hear(message)
        talk = await conversation_of(self.db, self.phone, self.clock.now)
        if answer.handled_as in ("stop", "start"):
            return answer.handled_as
        if not answer.text:
            return "silence"
        if answer.handled_as in ("menu", "stranger", "help"):
            return OPENED[-1]
        if answer.handled_as == "code":
            return "nothing waits"
        if says(no_code, answer.text) or says(other_code, answer.text):
            return "no code"
        if says(to_stop, answer.text) or answer.text == self.before:
            return "again"
        assert talk is not None
        if talk.acted or talk.is_open:
            return "done" if talk.acted else "answered"
        is_refused = waited is not None and waited.is_open and is_confirmation(waited.state.view)
        return "ended" if is_refused or says(stopped_asking, answer.text) else "answered"


def says(sentence: Callable[[str], Sentence], text: str) -> bool:
    """Whether `text` has this sentence about some word, in any language."""
    spoken = (fold(render(sentence("WORD"), language)) for language in languages())
    return any(re.search(re.escape(words).replace("WORD", ".+"), text) for words in spoken)


def rows_of(path: Path) -> list[Row]:
    found = []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        who, before, message, wanted = (part.strip() for part in line.split("|"))
        meant, *facts = re.split(r"\s*\"", wanted.rstrip('"'))
        found.append(
            Row(who, tuple(filter(None, before.split(" / "))), message, meant, tuple(f for f in facts if f))
        )
    return found


ROWS = [row for path in TABLES for row in rows_of(path)]
ORDINARY = rows_of(FOLDER / "ordinary.txt") if (FOLDER / "ordinary.txt").exists() else []


async def populated(pool: AsyncEngine) -> None:
    """The people of the tables."""
    await found_town(pool)
    async with pool.begin() as db:
        await open_facility(db, facility="sud", name="CSCom Sud", place="v3", phone="+22376000032")
    for phone, name in ((AWA, "Awa Koné"), (ENGLISH, "Grace Mensah")):
        await paid(
            pool,
            await join(pool, phone, at=NOON - timedelta(days=60), name=name, pay_minor=6_000),
            at=NOON - timedelta(days=60),
        )
    await paid(
        pool,
        await join(pool, MARIAM, at=NOON - timedelta(days=60), name="Mariam Traoré"),
        at=NOON - timedelta(days=60),
    )
    await appoint(pool, COLLECTOR, Role.COLLECTOR, name="Modibo Keïta", pin=None)
    await appoint(pool, ENROLLER, Role.ENROLMENT, name="Oumou Diarra", pin=None)
    async with pool.begin() as db:
        await choose_language(db, Caller(ENGLISH, "en", "sms", "chooses", NOON), language="en")
        town = Town(db, ENROLLER)
        await town.hear("INSCRIRE Zantiéla, Bakary Sanou, 52 47 9, 76000051")
        await town.hear("OUI {code}")


async def read(pool: AsyncEngine, row: Row) -> tuple[str, str]:
    """What the row's message was read as, and what was answered."""
    async with pool.connect() as db:
        town = Town(db, PEOPLE[row.who])
        for message in row.before:
            await town.hear(message)
        reading = await town.reading_of(row.message)
        await db.rollback()
    return reading, town.said


async def test_nine_messages_of_ten_are_understood_and_none_is_misread(
    pool: AsyncEngine, request: pytest.FixtureRequest
) -> None:
    await populated(pool)
    counts = {who: Counter[str]() for who in PEOPLE}
    refused, misread = [], []
    for row in ROWS:
        reading, said = await read(pool, row)
        is_right = reading == row.wanted and all(fold(fact) in said for fact in row.facts)
        is_refused = reading in REFUSED and reading != row.wanted
        counts[row.who]["understood" if is_right else "refused" if is_refused else "misread"] += 1
        if is_refused:
            refused.append(f"| {row.who} | {row.message} | {row.wanted} |")
        elif not is_right:
            misread.append(
                f"{row.who}: {row.before} {row.message!r} -> {reading}, not {row.wanted}: {said!r}"
            )
    assert not misread, "\n" + "\n".join(misread)
    assert len(ROWS) >= LEAST_ROWS
    assert len(refused) <= (1 - LEAST_UNDERSTOOD) * len(ROWS), "\n".join(refused)
    report = report_of(counts, refused)
    if request.config.getoption("--rewrite-transcripts"):
        COUNTS.write_text(report)
    assert COUNTS.read_text() == report


def report_of(counts: dict[str, Counter[str]], refused: list[str]) -> str:
    """How many messages of each writer were understood, and those that were not."""
    lines = ["| who | messages | understood | refused with a way on | misread |", "|---|---|---|---|---|"]
    total = Counter[str]()
    for who, told in [*counts.items(), ("all", total)]:
        lines.append(
            f"| {who} | {told.total()} | {told['understood']} | {told['refused']} | {told['misread']} |"
        )
        total += told
    lines += ["", "Refused:", "", "| who | message | wanted |", "|---|---|---|", *refused]
    return "\n".join([*HEAD, *lines]) + "\n"


async def test_no_ordinary_sentence_opens_a_menu_that_acts(pool: AsyncEngine) -> None:
    await populated(pool)
    wrong = []
    for row in ORDINARY:
        reading, said = await read(pool, row)
        if reading in ACTS:
            wrong.append(f"{row.who}: {row.message!r} -> {reading}: {said!r}")
    assert ORDINARY
    assert not wrong, "\n" + "\n".join(wrong)


async def test_who_denies_a_keyword_is_never_led_to_do_it(pool: AsyncEngine) -> None:
    """Whatever is denied in whichever words, a yes that follows agrees to nothing."""
    await populated(pool)
    acting = [menu for menu in menus_by_message() if menu.denied not in ("", "ERR")]  # no OK is a remark
    assert {menu.keyword.msgid for menu in acting} >= {word for word in ACTS if word.isupper()}
    done = []
    for who in ("member", "stranger", "asked", "officer", "english"):
        language = "en" if who == "english" else "fr"
        for menu in acting:
            word = word_for(menu.keyword, language)
            for said in DENIALS[language]:
                async with pool.connect() as db:
                    town = Town(db, PEOPLE[who])
                    readings = [await town.reading_of(message) for message in (said.format(word=word), "oui")]
                    await db.rollback()
                if {"done", "stop", "start"} & set(readings):
                    done.append(f"{who}: {said.format(word=word)} -> {readings}")
    assert not done, "\n" + "\n".join(done)


def test_the_tables_are_well_written() -> None:
    keywords = {menu.keyword.msgid for menu in menus_by_message()}
    for row in [*ROWS, *ORDINARY]:
        assert row.who in PEOPLE, row
        assert row.wanted in keywords | READINGS | {"-"}, row
    assert len({(row.who, row.before, row.message) for row in ROWS}) == len(ROWS)
