"""The calls themselves, as text files that a treasurer can read: what was typed, the screens, the SMS, the ledger.

A line that begins with one of WORDS is what happens; the indented lines are what came of it.
`pytest --rewrite-transcripts` writes them anew, for a person to read before they are committed.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import timing
from commands.reconcile import lines_of
from menus import home as home_menu
from mobilemoney import Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.benefits.rules import FacilityAgreement
from mutuelle.care.cards import print_card
from mutuelle.contributions.payment_queue import QUEUE_COLUMNS, QueuedPayment, queued_payment
from mutuelle.contributions.payments import OPEN, PaymentState, move
from mutuelle.contributions.receipts import notify_failed, notify_late
from mutuelle.demonstration import seed
from mutuelle.founding.founding import list_payers, open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.households import household_by_number
from mutuelle.imports.cells import slug
from mutuelle.officers.roles import Role
from mutuelle.schedules.jobs import run_schedules
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.products import NEW_START
from mutuelle.scheme.regimes import Payer, PayerKind, Regime
from mutuelle.treasury.reconciliation import reconcile
from tests.support import support_acts as support
from tests.support.benefits import opens_benefits
from tests.support.clinic import contract, open_facility
from tests.support.groups import group_typed
from tests.support.officers import appoint, set_limit
from tests.support.own_accounts import opens
from tests.support.payouts import PayingOperator, house_of
from tests.support.payouts import works as rounds_of
from tests.support.sms_phone import CODE, Writer, sms_deps
from tests.support.statements import taken
from tests.support.town import FOUNDED_ON, Clock, Handset, found, heard, operators_answer, paid, sell, unroute
from tests.support.town_fixtures import deps_of
from ussd import calls

if TYPE_CHECKING:
    from tests.conftest import Database

FOLDER = Path(__file__).parent / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
DEMONSTRATION = sorted((FOLDER / "demonstration").glob("*.txt"))  # of the federation that `make run` writes
WRITTEN = {path: path.read_text() for path in TRANSCRIPTS + DEMONSTRATION}
SHOWN_CODE = "4712"  # stands for whatever code a confirmation by SMS has
RECEIPT = re.compile(r"^(REÇU|Receipt) [A-Z2-7]{6}\b")  # at its beginning an SMS is one
SEAL = re.compile(r"\b(Sceau|Seal) [0-9A-F]{4}-[0-9A-F]{4}\b")
REFERENCE = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
LISTED_RECEIPT = re.compile(r"(\d F) [A-Z2-7]{6}\b")
MENUS = (
    "join",
    "pay",
    "cover",
    "household",
    "mutuelle",
    "language",
    "work",
    "care_code",
    "doctors",
    "messages",
)


@dataclass
class Script:
    """One transcript being played: `lines` is what it becomes."""

    ussd_deps: calls.UssdDeps
    clock: Clock
    lines: list[str] = field(default_factory=list)
    handset: Handset | None = None
    codes: dict[str, str] = field(default_factory=dict)  # the last one that each phone was sent
    sms: int = 0
    sessions: int = 0
    statements: int = 0
    operator: PayingOperator = field(default_factory=PayingOperator)

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
        if word and not word.startswith("#"):
            assert word in WORDS, f"nothing is known of {word!r}"
            await WORDS[word](self, rest)
        await self.consequences()

    async def phone(self, number: str) -> None:
        self.handset = Handset(self.ussd_deps, phone=number)

    async def day(self, date: str) -> None:
        """That day comes; the phones were in use meanwhile."""
        await self.silence(date)
        async with self.ussd_deps.pool.begin() as db:
            await heard(db, self.clock())

    async def silence(self, date: str) -> None:
        """That day comes, and no phone was in use since it was last heard of."""
        self.clock.now = datetime.fromisoformat(f"{date}T12:00:00").replace(tzinfo=UTC)

    async def waits(self, minutes: str) -> None:
        self.clock.now += timedelta(minutes=int(minutes))

    async def dials(self, code: str) -> None:
        at_once = code.removeprefix("*384*57").strip("*#").split("*")[:9]
        self.says(await self.caller.dial(*at_once), shown=True)

    async def types(self, words: str) -> None:
        self.says(await self.caller.type(words), shown=True)

    async def repeats(self, _rest: str) -> None:
        self.says(await self.caller.send(), shown=True)

    async def appoints(self, rest: str) -> None:
        phone, role, name = rest.split(" ", 2)
        await appoint(self.ussd_deps.pool, phone, Role[role.upper()], name=name, pin=None, at=self.clock())

    async def unroutes(self, _rest: str) -> None:
        """The mutuelle has no operator: whoever pays, pays in cash."""
        await unroute(self.ussd_deps.pool)

    async def routes(self, rest: str) -> None:
        """The phones of a network are asked by an account at this operator: `ML-moov simulated`."""
        network, operator = rest.split(" ")
        async with self.ussd_deps.pool.begin() as db:
            account = f"{operator}-{network}"
            await open_routes(db, await get_mutuelle(db, "BEN"), [Route(network, operator, account)])

    async def operators(self, rest: str) -> None:
        """The worker finds that the operators, or one account, are `silent`, or that they `answer` again."""
        word, _blank, account = rest.partition(" ")
        await operators_answer(self.ussd_deps.pool, answer=word == "answer", at=self.clock(), account=account)

    async def neighbour(self, _rest: str) -> None:
        """A second mutuelle opens in the same country, in villages of the same names."""
        async with self.ussd_deps.pool.begin() as db:
            await found(
                db,
                code="KEN",
                prefix=198,
                name="Mutuelle Kènè",
                treasurers=(),
                complaints_phone="+22376000019",
            )
            await open_facility(db, code="KEN", name="CSCom Kènè", phone="+22376000032")

    async def benefits(self, _rest: str) -> None:
        """The mutuelle has said what it pays of which care, and its health centre what it takes."""
        async with self.ussd_deps.pool.begin() as db:
            await opens_benefits(db)

    async def hospital(self, rest: str) -> None:
        """A doctor at a hospital under agreement, whose prices are not known: `+22376000042 Dr Souleymane Koné`."""
        phone, _blank, name = rest.partition(" ")
        async with self.ussd_deps.pool.begin() as db:
            await open_facility(db, facility="csref", name="CSRef")
            await contract(db, phone, name, facility="csref")
            as_hospital = FacilityAgreement(FOUNDED_ON, "hospital")
            await opens_benefits(db, facility="csref", prices={}, agreements=(as_hospital,))

    async def takes(self, rest: str) -> None:
        """The mutuelle decides how it is paid: `merchant_code 4040`, `least_cash_minor 500`."""
        way, fact = rest.split(" ")
        async with self.ussd_deps.pool.begin() as db:
            await db.execute(
                update(tables.mutuelle).values({way: int(fact) if way.endswith("minor") else fact})
            )

    async def opens(self, rest: str) -> None:
        """The paper books had this account: `health:bank:bms 200000`."""
        account, minor = rest.split(" ")
        await opens(self.ussd_deps.pool, account, int(minor), at=self.clock())

    async def limits(self, rest: str) -> None:
        """The mutuelle decided on a limit: `two_signatures_from_minor 25000`."""
        name, limit = rest.split(" ")
        await set_limit(self.ussd_deps.pool, name, int(limit), since=self.clock().date())

    async def lists_payer(self, rest: str) -> None:
        """A payer comes with the import, with its regime and its share: `indigents 100 Commune de Sikasso`."""
        regime, percent, name = rest.split(" ", 2)
        payer = Payer(slug(name), name, PayerKind.COMMUNE)
        row = Regime(slug(regime), FOUNDED_ON, regime, payer.code, payer.name, int(percent))
        async with self.ussd_deps.pool.begin() as db:
            await list_payers(db, await get_mutuelle(db, "BEN"), [payer], [row])

    async def stated(self, rest: str) -> None:
        """A statement of one line is taken in: account, amount, payer or -, note; `ref of PHONE` is its payment's."""
        account, amount, payer, *note = rest.split(" ")
        words = " ".join(note)
        if words.startswith("ref of "):
            asked = select(tables.payment.c.reference).where(tables.payment.c.payer_phone == note[-1])
            async with self.ussd_deps.pool.connect() as db:
                words = str(await db.scalar(asked))
        self.statements += 1
        cells = (self.clock().date(), f"T{self.statements}", payer.strip("-"), amount, "XOF", words)
        line = ";".join(map(str, cells))
        done = await taken(self.ussd_deps.pool, [line], name=account, now=self.clock())
        found = [f"{name} {figure}" for name, figure in done.counts.items() if figure and name != "lines"]
        self.says(", ".join(found))

    async def reconciles(self, _rest: str) -> None:
        """What `keneya reconcile --day` says of this day."""
        async with self.ussd_deps.pool.connect() as db:
            mutuelle = await get_mutuelle(db, "BEN")
            found = await reconcile(db, mutuelle, self.clock(), self.clock().date())
        for line in lines_of(found, self.clock()):
            self.says(REFERENCE.sub("(its reference)", line))

    async def groups(self, rest: str) -> None:
        """`keneya group pay`: `SOTRAMA 199000010=12000 …`, with --dry-run or not; or `receipt`, of the last list."""
        for line in await group_typed(self.ussd_deps.pool, rest, self.clock()):
            self.says(line)

    async def supports(self, rest: str) -> None:
        """A person of the federation types a command."""
        for line in await support.play(self.ussd_deps.pool, rest, self.clock()):
            self.says(line)

    @property
    def caller(self) -> Handset:
        assert self.handset, "a transcript begins with a phone"
        return self.handset

    async def works(self, _rest: str) -> None:
        """The worker does what is due by the clock."""
        while await run_schedules(self.ussd_deps.pool, timing.Clock.at(self.clock())):
            continue

    async def writes(self, words: str) -> None:
        """The phone sends an SMS, and the worker plays it."""
        phone = self.caller.phone
        writer = Writer(sms_deps(self.ussd_deps.pool, self.clock), phone)
        code = self.codes.get(phone, SHOWN_CODE)
        await writer.send(words.replace(SHOWN_CODE, code))

    def says(self, words: str, *, shown: bool = False) -> None:
        lines = LISTED_RECEIPT.sub(r"\1 ABC234", words).split("\n")
        if shown:
            lines[0] = f"{'END' if self.caller.shown.end else 'CON'} {lines[0]}"
        self.lines.extend(f"    {line}" for line in lines)

    async def new_price(self, rest: str) -> None:
        """A new version is sold: `15000`, or with what follows a lapse: `15000 last year first`."""
        lump_sum_minor, _blank, late_renewal = rest.partition(" ")
        async with self.ussd_deps.pool.begin() as db:
            newest = await db.scalar(
                select(tables.product.c.version).order_by(tables.product.c.version.desc())
            )
            await sell(
                db,
                "BEN",
                version=(newest or 0) + 1,
                lump_sum_minor=int(lump_sum_minor),
                late_renewal=late_renewal or NEW_START,
            )

    async def approve(self, phone: str) -> None:
        """The owner of `phone` approves the open payment that was sent to it."""
        async with self.ussd_deps.pool.connect() as db:
            asked = tables.payment.c.state.in_(OPEN) & (tables.payment.c.payer_phone == phone)
            number = await db.scalar(select(tables.payment.c.number).where(asked))
            household = await household_by_number(db, str(number))
        await paid(self.ussd_deps.pool, household, at=self.clock(), payer=phone)

    async def silent(self, phone: str) -> None:
        """A minute has passed since the request to `phone`, and its operator knows nothing yet."""
        async with self.ussd_deps.pool.begin() as db:
            await notify_late(db, await self.open_one(db, phone), self.clock())

    async def refuse(self, rest: str) -> None:
        """The operator says with this word that the payment of a phone was not made: `+22376000001 EXPIRED`."""
        phone, said = rest.split(" ")
        async with self.ussd_deps.pool.begin() as db:
            queued = await self.open_one(db, phone)
            await move(
                db,
                queued.mutuelle_id,
                queued.reference,
                PaymentState.FAILED,
                by=By("a test", said, self.clock()),
                otp=None,
            )
            await notify_failed(db, queued, self.clock(), said)

    async def open_one(self, db: AsyncConnection, phone: str) -> QueuedPayment:
        asked = tables.payment.c.state.in_(OPEN) & (tables.payment.c.payer_phone == phone)
        row = (await db.execute(select(*QUEUE_COLUMNS).where(asked))).one()
        return queued_payment(row)

    async def prints(self, number: str) -> None:
        """`card 199000010`: `keneya card`, whose codes go onto paper."""
        by = By("Kadidia", "cards printed", self.clock.now)
        async with self.ussd_deps.pool.begin() as db:
            printed = await print_card(db, self.ussd_deps.keyring, number, by)
        codes = " ".join(f"{line}. {code}" for line, code in enumerate(printed.codes, start=1))
        self.says(f"paper: card no. {printed.card} of {printed.household.head_name}: {codes}")

    async def pays_out(self, rest: str) -> None:
        """What the operator of payouts does when it is asked: `named HERE CSCOM`, `pays`, `refuses`, `is silent`."""
        word, _blank, name = rest.partition(" ")
        self.operator.name = name if word == "named" else self.operator.name
        self.operator.ends = Outcome.FAILED if word == "refuses" else Outcome.PAID
        self.operator.says = Outcome.UNKNOWN if word == "is" else Outcome.ACCEPTED
        house = house_of(self.ussd_deps.pool, self.operator, self.clock)
        for _round in range(3):
            await rounds_of(house, self.clock, timedelta(minutes=4))

    async def consequences(self) -> None:
        """The SMS and the ledger lines that this step caused."""
        async with self.ussd_deps.pool.connect() as db:
            sent = (
                await db.execute(text("select phone, body from sms_outbox order by recorded_at, phone, key"))
            ).all()
            posted = (
                await db.execute(
                    text(
                        "select m.debit_account, m.credit_account, m.amount, m.currency, j.kind from ledger.movement m"
                        " join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id"
                        " order by j.recorded_at, j.kind, m.position, m.debit_account"
                    )
                )
            ).all()
        for message in sorted(
            sent[self.sms :]
        ):  # of one step: the order in which rows were written is chance
            body = SEAL.sub(r"\1 4F7A-91C2", RECEIPT.sub(r"\1 ABC234", message.body))
            if code := CODE.search(body):
                self.codes[message.phone] = code[1]
                body = body.replace(code[1], SHOWN_CODE)
            self.says(f"sms to {message.phone}: {body}")
        for row in posted[self.sessions :]:
            self.says(
                f"ledger: {row.amount} {row.currency} {row.debit_account} <- {row.credit_account}, {row.kind}"
            )
        self.sms, self.sessions = len(sent), len(posted)


# What may happen: a word at the beginning of a line, and what it does with the rest of it.
WORDS: dict[str, Callable[[Script, str], Awaitable[None]]] = {
    "day": Script.day,
    "silence": Script.silence,
    "wait": Script.waits,
    "phone": Script.phone,
    "dial": Script.dials,
    ">": Script.types,
    "again": Script.repeats,
    "sms": Script.writes,
    "approve": Script.approve,
    "silent": Script.silent,
    "refuse": Script.refuse,
    "work": Script.works,
    "price": Script.new_price,
    "appoint": Script.appoints,
    "support": Script.supports,
    "statement": Script.stated,
    "reconcile": Script.reconciles,
    "unroute": Script.unroutes,
    "route": Script.routes,
    "operators": Script.operators,
    "neighbour": Script.neighbour,
    "takes": Script.takes,
    "benefits": Script.benefits,
    "hospital": Script.hospital,
    "opens": Script.opens,
    "limit": Script.limits,
    "card": Script.prints,
    "payer": Script.lists_payer,
    "group": Script.groups,
    "operator": Script.pays_out,
}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: str(path.stem))
async def test_a_call_goes_as_it_is_written(
    path: Path,
    ussd_deps: calls.UssdDeps,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    drawn = count(1)
    monkeypatch.setattr("secrets.randbelow", lambda _most: next(drawn))
    played = await Script(ussd_deps, clock).play(WRITTEN[path])
    compare(path, played, rewrite=request.config.getoption("--rewrite-transcripts"))


@pytest.mark.parametrize("path", DEMONSTRATION, ids=lambda path: str(path.stem))
async def test_a_call_of_the_demonstration_goes_as_it_is_written(
    path: Path,
    database: "Database",
    pool: AsyncEngine,
    redis_url: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    drawn = count(1)
    monkeypatch.setattr("secrets.randbelow", lambda _most: next(drawn))
    await seed(database.url, clock(), households=10)
    async with deps_of(pool, redis_url, clock) as ussd_deps:
        script = Script(ussd_deps, clock)
        await script.consequences()  # a year of history: before the first line
        script.lines.clear()
        played = await script.play(WRITTEN[path])
    compare(path, played, rewrite=request.config.getoption("--rewrite-transcripts"))


READMES = (Path("README.md"), Path("README.fr.md"))
BLOCK = re.compile(r"(?<=```text\n).*?(?=```)", re.DOTALL)


def the_call() -> str:
    """Of the first scenario: from the dial to the receipt, without the ledger."""
    played = (FOLDER / "demonstration" / "join.txt").read_text().splitlines(keepends=True)
    dialled = next(nth for nth, line in enumerate(played) if line.startswith("dial"))
    receipt = next(nth for nth, line in enumerate(played) if line.startswith("    sms"))
    return "".join(played[dialled : receipt + 1])


@pytest.mark.parametrize("page", READMES, ids=str)
def test_the_call_in_the_readme_is_the_demonstrations(page: Path, request: pytest.FixtureRequest) -> None:
    path = FOLDER.parents[1] / page
    if request.config.getoption("--rewrite-transcripts"):
        path.write_text(BLOCK.sub(lambda _old: the_call(), path.read_text(), count=1))
    assert BLOCK.findall(path.read_text())[0] == the_call()


def test_the_picture_in_the_readme_shows_screens_of_that_call() -> None:
    picture = (FOLDER.parents[1] / "docs/phone.svg").read_text()
    said = " ".join(re.findall(r">([^<\n]{4,})</text>", picture))
    menu, receipt = said.split(" Envoyer Raccrocher ")
    shown = " ".join(the_call().split())
    assert menu in shown
    assert receipt.removesuffix(" Répondre Retour") in shown


def compare(path: Path, played: str, *, rewrite: bool) -> None:
    if rewrite:
        path.write_text(played)
    else:
        assert played == WRITTEN[path]


def test_every_menu_has_a_transcript_that_passes_through_it() -> None:
    played = "\n".join(WRITTEN.values())
    doors = [door for door in vars(home_menu).values() if isinstance(door, home_menu.Door)]
    assert {door.key for door in doors} == set(MENUS)
    for door in doors:
        assert re.search(rf"^(> {door.digit}$|dial \*384\*57\*{door.digit}\b)", played, re.MULTILINE), (
            door.key
        )
