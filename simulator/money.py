"""Money as every simulated provider keeps it: one table of collections and payouts, whatever the provider's HTTP is.

How money ends is fixed once, by the payer's answer, by a number of the sandbox or by the clock, and stored with its
time: a restart changes nothing. Each acceptance and each end is in the journal before anybody is answered.
"""

import asyncio
import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple, Protocol, cast
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

import simulator as package
from simulator import journal
from simulator.deps import Simulator, epoch, fields, iso, phone_number, simulator_of
from simulator.outgoing import NOTICE_RETRIES, OutgoingNotice, Retries, notice_later
from simulator.store import Row
from simulator.trouble import KINDS

IN, OUT = "in", "out"
PENDING, PAID, FAILED = "PENDING", "PAID", "FAILED"
UNSEEN = "SETTLING_ELSEWHERE"  # a state that nobody has seen

WINDOW_S = 300.0  # as long as a person may take before the prompt is void
LATE_S = 90.0
NOTICE_FIRST_S = 2.0
PAYOUT_S = 5.0
DAY_S = 86_400.0
THREE_DAYS_S = 3 * DAY_S
MANY = 20
OPENING_MILLI = 100_000_000_000  # what a wallet has to pay out from, until a test says otherwise


class End(NamedTuple):
    """How money ends: after how many seconds (None: never), how, why, and when the provider rings."""

    after_s: float | None
    state: str | None
    reason: str | None = None
    notices_s: tuple[float, ...] = (0,)


ANSWERS = {
    "approve": End(0, PAID),
    "decline": End(0, FAILED, "APPROVAL_REJECTED"),
    "ignore": End(None, None, None, ()),
    "late": End(LATE_S, PAID, None, (LATE_S,)),
    "twice": End(0, PAID, None, (0, 0)),
    "notice-first": End(NOTICE_FIRST_S, PAID),
}
PAID_OUT = End(PAYOUT_S, PAID, None, (PAYOUT_S,))
AT_ONCE = End(0, PAID)


@dataclass(frozen=True)
class MoneyOrder:
    """Money that a provider is asked to move. `key` is what it knows an order by: the same key is the same order.

    `reference` is ours, `token` the provider's own, `receipt` what it tells once the money moved; `account` whose
    wallet it is (see `account_of`). `more` is what only this provider keeps.
    """

    provider: str
    direction: str
    key: str
    reference: str
    amount: str
    currency: str
    phone: str = ""
    token: str = ""
    receipt: str = ""
    note: str = ""
    notice_url: str = ""
    account: str = ""
    fee: str = "0"
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MoneyFacts:
    """What a provider says of money at a moment; None is not told. `state` is PENDING, PAID, FAILED or UNSEEN."""

    state: str
    reason: str | None
    amount: str | None
    currency: str
    phone: str
    fee: str
    completed_at: float | None


@dataclass(frozen=True)
class MoneyProvider:
    """What the core asks of a provider; a file of this package with a PROVIDER is one.

    `notice` says how it rings (None: it has no address), `statement` writes its portal's CSV of what has ended.
    `title` is what the payer reads above the prompt.
    """

    name: str
    notice: Callable[[Simulator, Row, MoneyFacts], OutgoingNotice | None]
    statement: Callable[[list[journal.Entry]], str]
    title: str = ""
    rings_on_expiry: bool = False
    retries: Retries = NOTICE_RETRIES


class ProviderFile(Protocol):
    """What a file of this package must define to be a provider."""

    PROVIDER: MoneyProvider
    ROUTES: Sequence[BaseRoute]


@lru_cache
def providers() -> dict[str, MoneyProvider]:
    """Every provider that is played, by its name; with ROUTES in the same file."""
    return {module.PROVIDER.name: module.PROVIDER for module in provider_files()}


@lru_cache
def provider_files() -> tuple[ProviderFile, ...]:
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"simulator.{name}") for name in names]
    return tuple(cast(ProviderFile, module) for module in modules if hasattr(module, "PROVIDER"))


def account_of(credential: str) -> str:
    """How an account is kept, whose credential is told to nobody."""
    return hashlib.sha256(credential.encode()).hexdigest()[:12] if credential else ""


# ---- an order's life ----


def prepare(sim: Simulator, order: MoneyOrder) -> Row | None:
    """Keep an order that moves nothing yet and asks nobody; None if its key is known."""
    facts = order.__dict__ | {
        "id": str(uuid4()),
        "moved_milli": journal.milli(order.amount),
        "fee_milli": journal.milli(order.fee),
        "more": json.dumps(dict(order.more)),
    }
    kept = sim.db.execute(_KEEP, facts)
    return _by_id(sim, str(facts["id"])) if kept.rowcount else None


_KEEP = """
INSERT INTO money (id, provider, direction, account, key, reference, token, receipt, phone, amount, moved_milli,
                   fee_milli, currency, note, notice_url, more)
VALUES (:id, :provider, :direction, :account, :key, :reference, :token, :receipt, :phone, :amount, :moved_milli,
        :fee_milli, :currency, :note, :notice_url, :more)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Beginning:
    """How an order begins. `end` is fixed already where nobody is asked (a payout, a number of the sandbox)."""

    end: End | None = None
    window_s: float | None = None  # how long the prompt lives; WINDOW_S if it is not told
    phone: str | None = None  # told in the second of two steps only


def accept(
    sim: Simulator, order: MoneyOrder, struck: Row | None = None, begins: Beginning | None = None
) -> Row | None:
    """Keep an order and begin it; None if its key is known."""
    row = prepare(sim, order)
    return row and begin(sim, row, struck, begins or Beginning())


def begin(sim: Simulator, row: Row, struck: Row | None, begins: Beginning) -> Row | None:
    """Ask the phone, or send the money; None if that was begun already."""
    scenario = struck["mode"] if struck and KINDS[struck["mode"]].stays else ""
    now = epoch()
    window_s = WINDOW_S if begins.window_s is None else begins.window_s
    begun = sim.db.execute(
        "UPDATE money SET begun_at = :now, expires_at = :expires_at, phone = coalesce(:phone, phone),"
        " scenario = :scenario, moved_milli = moved_milli + :more WHERE id = :id AND begun_at IS NULL",
        {
            "now": now,
            "expires_at": now + sim.scaled(window_s) if row["direction"] == IN else None,
            "phone": begins.phone,
            "scenario": scenario,
            "more": 1000 if scenario == "another-amount" else 0,
            "id": row["id"],
        },
    )
    if not begun.rowcount:
        return None
    row = _by_id(sim, row["id"])
    end = begins.end or (PAID_OUT if row["direction"] == OUT else None)
    if scenario in ("debited-then-500", "notice-before-answer"):
        end = AT_ONCE
    if end is not None:
        fix(sim, row, "sandbox", end)
    else:
        journal.write(sim, row)
    if scenario == "forged":
        _ring(sim, row, _told(row, PAID, None, now), 0)
    return _by_id(sim, row["id"])


def fix(sim: Simulator, row: Row, answer: str, end: End) -> bool:
    """Fix how the money ends, and write it down; False if that was fixed already, or the prompt is void."""
    now = epoch()
    late_s = THREE_DAYS_S if row["scenario"] == "days-late" else 0
    final_at, state, reason = None, end.state, end.reason
    if end.after_s is not None:
        final_at = now + sim.scaled(end.after_s + late_s)
    elif answer in ("ignore", "expired"):
        final_at, state, reason = row["expires_at"], FAILED, "EXPIRED"
    fixed = sim.db.execute(
        "UPDATE money SET answer = ?, final_at = ?, final_state = ?, final_reason = ?"
        " WHERE id = ? AND answer IS NULL AND (? = 'expired' OR expires_at IS NULL OR expires_at > ?)",
        (answer, final_at, state, reason, row["id"], answer, now),
    )
    if not fixed.rowcount:
        return False
    row = _by_id(sim, row["id"])
    journal.write(sim, row)
    if state is not None and final_at is not None:
        told = _told(row, state, reason, final_at)
        for notice_s in _notices(row["scenario"], end.notices_s, late_s):
            _ring(sim, row, told, notice_s)
        if row["scenario"] == "reordered":
            _ring(sim, row, _told(row, PENDING, None, None), (end.after_s or 0) + NOTICE_FIRST_S)
    return True


def _notices(scenario: str, notices_s: tuple[float, ...], late_s: float) -> tuple[float, ...]:
    """After how many seconds the provider rings."""
    match scenario:
        case "no-notice":
            return ()
        case "many-notices":
            return notices_s * MANY
        case "notice-late":
            return tuple(notice_s + THREE_DAYS_S for notice_s in notices_s)
        case _:
            return tuple(notice_s + late_s for notice_s in notices_s)


def _ring(sim: Simulator, row: Row, told: MoneyFacts, after_s: float) -> None:
    """The simulator rings at this machine only."""
    provider = providers()[row["provider"]]
    notice = provider.notice(sim, row, told)
    if notice is not None and is_loopback(notice.url):
        notice_later(sim, notice, after_s=after_s, retries=provider.retries)


def expire(sim: Simulator) -> None:
    """End the prompts that nobody answered in time."""
    rows = sim.db.execute(
        "SELECT * FROM money WHERE answer IS NULL AND expires_at <= ?", (epoch(),)
    ).fetchall()
    for row in rows:
        rings = providers()[row["provider"]].rings_on_expiry
        fix(sim, row, "expired", End(None, None, None, (0,) if rings else ()))


async def expire_forever(sim: Simulator) -> None:
    """Until cancelled."""
    while True:
        expire(sim)
        await asyncio.sleep(1)


# ---- what a provider knows ----


def find(sim: Simulator, provider: str, direction: str, key: str) -> Row | None:
    """An order by what its provider knows it by."""
    expire(sim)
    row: Row | None = sim.db.execute(
        "SELECT * FROM money WHERE provider = ? AND direction = ? AND key = ?", (provider, direction, key)
    ).fetchone()
    return row


def by_token(sim: Simulator, provider: str, token: str) -> Row | None:
    """An order by the provider's own token."""
    expire(sim)
    row: Row | None = sim.db.execute(
        "SELECT * FROM money WHERE provider = ? AND token = ?", (provider, token)
    ).fetchone()
    return row


def _by_id(sim: Simulator, money_id: str) -> Row:
    row: Row = sim.db.execute("SELECT * FROM money WHERE id = ?", (money_id,)).fetchone()
    return row


def more_of(row: Row) -> dict[str, str]:
    """What only this provider keeps of an order."""
    kept: dict[str, str] = json.loads(row["more"])
    return kept


def facts_of(row: Row, struck: Row | None = None) -> MoneyFacts:
    """The provider's facts now, with the lie that a test ordered."""
    has_ended = row["final_at"] is not None and row["final_at"] <= epoch()
    state, reason = (row["final_state"], row["final_reason"]) if has_ended else (PENDING, None)
    return _bent(_told(row, state, reason, row["final_at"] if has_ended else None), struck)


def _told(row: Row, state: str, reason: str | None, completed_at: float | None) -> MoneyFacts:
    amount = None if row["scenario"] == "untold" else journal.decimal(row["moved_milli"])
    fee = journal.decimal(row["fee_milli"])
    return MoneyFacts(state, reason, amount, row["currency"], row["phone"], fee, completed_at)


def _bent(facts: MoneyFacts, struck: Row | None) -> MoneyFacts:
    said = {name: getattr(facts, name) for name in MoneyFacts.__dataclass_fields__}
    match struck and struck["mode"]:
        case "unknown-status":
            said["state"] = UNSEEN
        case "wrong-failure":
            said["state"], said["reason"] = FAILED, "APPROVAL_REJECTED"
        case "wrong-time" if facts.completed_at is not None:
            said["completed_at"] = facts.completed_at + DAY_S
        case "wrong-amount":
            said["amount"] = journal.decimal(journal.milli(facts.amount or "0") + 1000)
        case "wrong-currency":
            said["currency"] = "XAF" if facts.currency == "XOF" else "XOF"
        case "wrong-phone":
            said["phone"] = f"{facts.phone[:-4]}9999"
        case "untold":
            said["amount"] = None
    return MoneyFacts(**said)


# ---- wallets ----


def balance_milli(sim: Simulator, provider: str, account: str, currency: str) -> int:
    """What an account has left to pay out, what is on its way out taken off."""
    wallet = (provider, account, currency)
    row = sim.db.execute(
        "SELECT coalesce((SELECT opening_milli FROM wallet"
        " WHERE provider = ?1 AND account = ?2 AND currency = ?3), ?4)"
        " + coalesce(sum(CASE WHEN direction = 'out' AND coalesce(final_state, '') <> 'FAILED'"
        "     THEN -moved_milli - fee_milli"
        "     WHEN direction = 'in' AND final_state = 'PAID' AND final_at <= ?5 THEN moved_milli - fee_milli END), 0)"
        " AS milli FROM money WHERE provider = ?1 AND account = ?2 AND currency = ?3 AND begun_at IS NOT NULL",
        (*wallet, OPENING_MILLI, epoch()),
    ).fetchone()
    return int(row["milli"])


def covers(sim: Simulator, order: MoneyOrder) -> bool:
    """Whether the wallet has enough for a payout."""
    left = balance_milli(sim, order.provider, order.account, order.currency)
    return left >= journal.milli(order.amount) + journal.milli(order.fee)


NAMES = ("Awa", "Fatoumata", "Kossi", "Moussa", "Afi", "Ibrahim", "Mariam", "Koffi")
SURNAMES = ("Traoré", "Koné", "Mensah", "Diallo", "Agbéko", "Coulibaly", "Lawson", "Keïta")


def holder(phone: str) -> str:
    """The name under which a phone is registered: always the same one."""
    drawn = hashlib.sha256(phone.encode()).digest()
    return f"{NAMES[drawn[0] % len(NAMES)]} {SURNAMES[drawn[1] % len(SURNAMES)]}"


async def set_float(request: Request) -> JSONResponse:
    """POST currency, amount[, account: its credential]: what the wallet has now."""
    sim, form, provider = simulator_of(request), await fields(request), _provider(request)
    account, currency = account_of(form.get("account", "")), form.get("currency", "")
    try:
        wanted = journal.milli(form.get("amount", ""))
    except ValueError:
        raise HTTPException(400, "amount is a number") from None
    left = balance_milli(sim, provider.name, account, currency)
    sim.db.execute(
        "INSERT INTO wallet (provider, account, currency, opening_milli) VALUES (:provider, :account, :currency,"
        " :opening + :change) ON CONFLICT DO UPDATE SET opening_milli = opening_milli + :change",
        {
            "provider": provider.name,
            "account": account,
            "currency": currency,
            "opening": OPENING_MILLI,
            "change": wanted - left,
        },
    )
    return JSONResponse({"available": form["amount"], "currency": currency})


# ---- the provider's dashboard: its notices' address, and its statement ----


async def set_dashboard(request: Request) -> JSONResponse:
    """POST account (its credential), notice_url: the one address for the notices of an account."""
    sim, form, provider = simulator_of(request), await fields(request), _provider(request)
    if not is_loopback(form.get("notice_url", "")):
        raise HTTPException(400, "notice_url is an address on this machine")
    sim.db.execute(
        "INSERT OR REPLACE INTO dashboard (provider, account, notice_url) VALUES (?, ?, ?)",
        (provider.name, account_of(form.get("account", "")), form["notice_url"]),
    )
    return JSONResponse({"notice_url": form["notice_url"]})


def dashboard_url(sim: Simulator, row: Row) -> str:
    """The address for notices of the account that an order is of; "" if none was typed."""
    kept = sim.db.execute(
        "SELECT notice_url FROM dashboard WHERE provider = ? AND account = ?",
        (row["provider"], row["account"]),
    ).fetchone()
    return kept["notice_url"] if kept else ""


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine: the simulator calls no other."""
    try:
        parsed = urlsplit(url)
        host = parsed.hostname or ""
        return parsed.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


async def statement(request: Request) -> Response:
    """GET [account: its credential][&phones=+223][&day=2026-11-30]: the provider's statement, in its portal's form."""
    sim, provider, asked = simulator_of(request), _provider(request), request.query_params
    expire(sim)
    account = account_of(asked["account"]) if "account" in asked else None
    phones = "+" + asked.get("phones", "").strip().removeprefix("+")
    entries = [
        entry
        for entry in journal.ended(sim, provider.name)
        if account in (None, entry["account"])
        and entry["phone"].startswith(phones)
        and entry["ended_at"].startswith(asked.get("day", ""))
    ]
    return Response(provider.statement(entries), media_type="text/csv")


def _provider(request: Request) -> MoneyProvider:
    found = providers().get(request.path_params["provider"])
    if found is None:
        raise HTTPException(404, "no such provider")
    return found


# ---- the phone ----


async def prompts(request: Request) -> JSONResponse:
    """GET ?phone=: the open prompts of a phone (of all phones without it), oldest first."""
    sim, phone = simulator_of(request), request.query_params.get("phone")
    rows = sim.db.execute(
        "SELECT * FROM money WHERE answer IS NULL AND expires_at > :now"
        " AND (:phone IS NULL OR phone = :phone) ORDER BY position LIMIT 1000",
        {"now": epoch(), "phone": phone_number(phone) if phone is not None else None},
    ).fetchall()
    return JSONResponse([_prompt(row) for row in rows])


def _prompt(row: Row) -> dict[str, str | int]:
    shown = {name: row[name] for name in ("id", "phone", "currency", "reference", "notice_url")}
    # A whole number where it is one: the page shows it, and XOF and XAF have no smaller unit.
    amount = row["amount"]
    return shown | {
        "amount": int(amount) if amount.isdigit() else amount,
        "note": row["note"].replace(row["reference"], "").strip(),  # a phone shows no reference
        "operator": row["provider"],
        "title": providers()[row["provider"]].title,
        "expires_at": iso(row["expires_at"]),
    }


async def answer(request: Request) -> JSONResponse:
    """POST answer=…: 404 for an unknown prompt, 400 for an unknown answer, 409 once answered or void."""
    sim, prompt_id = simulator_of(request), request.path_params["prompt"]
    row = sim.db.execute(
        "SELECT * FROM money WHERE id = ? AND direction = ? AND begun_at IS NOT NULL", (prompt_id, IN)
    ).fetchone()
    if row is None:
        raise HTTPException(404, "no such prompt")
    chosen = (await fields(request)).get("answer", "")
    if chosen not in ANSWERS:
        raise HTTPException(400, f"answer is one of {', '.join(ANSWERS)}")
    if not fix(sim, row, chosen, ANSWERS[chosen]):
        raise HTTPException(409, "answered already, or void")
    return JSONResponse({"id": prompt_id, "answer": chosen})


ROUTES = [
    Route("/simulator/prompts", prompts, methods=["GET"]),
    Route("/simulator/prompts/{prompt}", answer, methods=["POST"]),
    Route("/simulator/{provider}/statement", statement, methods=["GET"]),
    Route("/simulator/{provider}/float", set_float, methods=["POST"]),
    Route("/simulator/{provider}/dashboard", set_dashboard, methods=["POST"]),
]
