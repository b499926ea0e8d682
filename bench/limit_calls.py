"""The limit of real calls: a bare Starlette route, the statements of `calls.sql` by asyncpg, Redis in one pipeline.

It answers each caller with the right screen, in the one language of the run. There is no menu engine, no rule of cover
but the one that is met, no repeated hop, no retry and no fault. A PIN's row is read and written, and nothing is hashed.
"""

import asyncio
import hashlib
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from stdnum import damm

from bench.link import Link, linked
from service import metrics
from settings import DEMO_SECRET
from talk.keyring import Keyring

STATEMENTS = dict(
    re.findall(
        r"^-- (\w+)\n(.*?)(?=^-- \w+\n|\Z)", Path(__file__).with_name("calls.sql").read_text(), re.M | re.S
    )
)
POOL = 10
TTL_S = 900
SEALS = Keyring((DEMO_SECRET.encode(),))
PLAIN = {"content-type": "text/plain; charset=utf-8"}
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ELSE = "\n7 La mutuelle\n8 Langue / Language"
MEMBERS_HOME = (
    "CON Keneya, votre mutuelle de santé\n1 Ma couverture\n2 Payer\n3 Un médecin\n4 Mon ménage\n5 Code de soins\n"
    f"6 Mes messages{ELSE}"
)
STRANGERS_HOME = f"CON Keneya, votre mutuelle de santé\n1 Adhérer\n2 Payer\n3 Un médecin{ELSE}"


class LimitHop:
    """One hop: who calls, what was typed, and the connections."""

    def __init__(self, app: Starlette, fields: Mapping[str, str]) -> None:
        self.pool: asyncpg.Pool = app.state.pool
        self.phone, self.call, self.text = fields["phoneNumber"], fields["sessionId"], fields["text"]
        self.words = self.text.split("*")

    async def read(self, name: str, *facts: str) -> Any:
        return await self.pool.fetchrow(STATEMENTS[name], *facts)

    async def act(self, action: str, consent: str, **facts: object) -> Any:
        """The action with what every action keeps; its row says how many were done."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        said = {"phone": self.phone, "call": self.call, "position": len(self.text), "transcript": digest}
        drawn = {"reference": str(uuid4()), "token": secrets.token_hex(20), "consent": consent}
        done = await self.read(action, json.dumps(said | drawn | facts))
        if not done["done"]:
            raise RuntimeError(f"{action}: nothing was done")
        return done


def money(amount: int) -> str:
    return f"{amount:,} F".replace(",", " ")


def opens(opening: int, paid: int) -> str:
    return f"encore {money(opening - paid)} pour la couverture"


def shown(number: str) -> str:
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def local(phone: str) -> str:
    return " ".join(phone[nth : nth + 2] for nth in range(4, 12, 2))


def drawn_code() -> str:
    return "".join(secrets.choice(CODES) for _ in range(6))


async def home(hop: LimitHop) -> str:
    known = await hop.read("dial", hop.phone)
    screen = MEMBERS_HOME if known["is_member"] else STRANGERS_HOME
    return f"{screen}\n9 Mon travail" if known["has_office"] else screen


async def cover(hop: LimitHop) -> str:
    stands = await hop.read("household", hop.phone)
    if stands["state"] != "covered" or stands["due"]:
        raise RuntimeError("the limit knows who is covered and owes nothing")
    who = f"{stands['head_name']}, numéro {shown(stands['number'])}, {stands['size']} pers."
    return f"END {who} COUVERT jusqu'au {stands['until_on']}. Rien à payer."


async def pay(hop: LimitHop) -> str:
    stands = await hop.read("household", hop.phone) if len(hop.words) < 3 else None
    if stands and len(hop.words) == 1:
        due, part = money(stands["due"]), money(stands["due"] // 4)
        return (
            f"CON Reste à payer : {due}\n1 Payer {due}\n2 Une partie, dès {part}\n3 Autre téléphone\n"
            "4 Autre ménage\n5 Refuser de payer pour d'autres\n0 Retour"
        )
    if stands:
        return (
            f"CON Payer {money(stands['due'])} pour {stands['head_name']}, {shown(stands['number'])}, "
            f"avec le {local(hop.phone)} : {stands['covered']} ?\n1 Oui\n2 Non"
        )
    screen = (
        f"END Merci. On va demander {money(12_000)} au {local(hop.phone)} : validez avec votre code secret."
    )
    screen += " Un SMS vous dira si c'est payé. Rien à l'écran ? Composez *888#."
    await hop.act("pay", "Payer ?", screen=screen, due=12_000, amount=12_000, code=drawn_code())
    return screen


async def join(hop: LimitHop) -> str:
    nth = len(hop.words)
    if nth == 1:
        places = await hop.pool.fetch(STATEMENTS["places"])
        options = "".join(f"\n{at} {place['name']}" for at, place in enumerate(places, 1))
        return f"CON Où habitez-vous ?{options}\n99 Mon village n'y est pas\n0 Retour"
    if nth == 2:
        return "CON Votre prénom et votre nom ?\n0 Retour"
    if nth == 3:
        return "CON Combien d'années a chaque personne du ménage ? Vous d'abord, bébé : 0. Exemple : 45*38*12\n0 Retour"
    ages = [int(word) for word in hop.words[3:6]]
    if nth == 8:
        return await enrol(hop, ages)
    offer = await hop.read("offer", "Kola")
    if nth == 6:
        return (
            f"CON Combien payez-vous ?\n1 Tout, {money(offer['price'])} : {offer['covered']}\n2 D'abord "
            f"{money(offer['part'])} : {opens(offer['opening'], offer['part'])}\n0 Retour"
        )
    return (
        f"CON {offer['mutuelle']}, {offer['product']} : {money(offer['price'])}. {hop.words[2]}, Kola, "
        f"{len(ages)} personnes : {', '.join(map(str, ages))} ans. "
        "Ces données servent à vous assurer.\n1 J'accepte\n2 Non"
    )


async def enrol(hop: LimitHop, ages: list[int]) -> str:
    """A number is drawn until one is free."""
    while True:
        body = f"187{secrets.randbelow(100_000):05}"
        number = body + str(damm.calc_check_digit(body))
        screen = f"END Bienvenue chez Mutuelle Danaya ! Votre numéro : {shown(number)}. On va vous demander "
        screen += f"{money(12_000)} : validez avec votre code secret. Rien à l'écran ? Composez *888#."
        facts = {"village": "Kola", "name": hop.words[2], "ages": ages, "number": number, "amount": 12_000}
        try:
            await hop.act("join", "Adhérer ?", screen=screen, code=drawn_code(), **facts)
        except asyncpg.UniqueViolationError:
            continue
        return screen


async def work(hop: LimitHop) -> str:
    nth = len(hop.words)
    if nth == 1:
        await hop.read("office", hop.phone)
        return "CON Mon travail\n1 Argent encaissé\n2 Argent en main\n3 Argent de plusieurs ménages\n0 Retour"
    if nth == 2:
        await hop.read("office", hop.phone)
        return "CON Quel ménage ? Son numéro, son téléphone ou son nom\n0 Retour"
    if nth == 5:
        return "CON Votre code de travail ?\n0 Retour"
    if nth == 6:
        return await receive(hop)
    asked = await hop.read("collected", hop.phone, hop.words[2])
    name, number = asked["head_name"], shown(asked["number"])
    if nth == 3:
        least, due = money(asked["due"] // 4), money(asked["due"])
        return f"CON {name}, {number} : combien ? De {least} à {due}\n0 Retour"
    return (
        f"CON {name}, numéro {number}, vous a donné {money(int(hop.words[3]))} en espèces : "
        f"{opens(asked['due'] // 2, int(hop.words[3]))} ?\n1 Oui, aujourd'hui\n2 Non, ou autre jour"
    )


async def receive(hop: LimitHop) -> str:
    code, amount = drawn_code(), int(hop.words[3])
    body = f"REÇU {code} : {money(amount)} en espèces pour le ménage {shown(hop.words[2])}. Reste {money(9_000)}."
    facts = {"number": hop.words[2], "due": 12_000, "amount": amount, "code": code, "body": body}
    done = await hop.act("cash", "Reçu ?", **facts)
    told = f"C'est noté : {money(amount)}, REÇU {code}. Un SMS part au ménage."
    return f"END {told} Vous avez {money(done['holds'])} en main."


MENUS: dict[str, Callable[[LimitHop], Awaitable[str]]] = {"2": pay, "9": work}


async def hop(request: Request) -> Response:
    """The session is read and written in one pipeline; it knows of the dial whether a member calls."""
    fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    link: Link = request.app.state.link
    key, this = f"limit:{fields['sessionId']}", LimitHop(request.app, fields)
    if not this.text:
        screen = await home(this)
        link.ask("HSET", key, "text", "", "is_member", int(screen.startswith(MEMBERS_HOME)))
        await link.ask("EXPIRE", key, TTL_S)
        return Response(screen, headers=PLAIN)
    is_member = link.ask("HGET", key, "is_member")
    await link.ask("HSET", key, "text", this.text)
    menu = MENUS.get(this.words[0]) or (cover if await is_member == b"1" else join)
    return Response(await menu(this), headers=PLAIN)


async def sms(request: Request) -> Response:
    """The SMS is kept, and its check begins behind the answer."""
    fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    pool: asyncpg.Pool = request.app.state.pool
    await pool.execute(STATEMENTS["heard"], *(fields[name] for name in ("id", "from", "to", "text")))
    tasks: set[asyncio.Task[None]] = request.app.state.tasks
    task = asyncio.create_task(check(pool, fields))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return Response()


async def check(pool: asyncpg.Pool, fields: Mapping[str, str]) -> None:
    _keyword, number, code = fields["text"].split()
    digest = SEALS.digests("care code", f"{number} {code}")[0].hex()
    facts = {"id": fields["id"], "phone": fields["from"], "number": number, "digest": digest}
    drawn = {"reference": "".join(secrets.choice(CODES[:24]) for _ in range(6)), "consent": "Vérifier ?"}
    transcript = hashlib.sha256(fields["text"].encode()).hexdigest()
    said = json.dumps(facts | drawn | {"transcript": transcript})
    await pool.fetchrow(STATEMENTS["checked"], said)


async def _keep(_connection: object) -> None:
    """A connection goes back to the pool without a question: nothing was set on it."""


async def live(_request: Request) -> Response:
    """It has started."""
    return Response()


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.link = await linked(os.environ["REDIS_URL"])
    url = os.environ["OWNER_URL"].replace("postgresql+asyncpg", "postgresql")
    app.state.tasks = set()
    planned_once = {"plan_cache_mode": "force_generic_plan"}
    opening = asyncpg.create_pool(
        url, min_size=POOL, max_size=POOL, reset=_keep, server_settings=planned_once
    )
    async with opening as app.state.pool:
        metrics.settle_garbage_collector()
        yield


def create_app() -> Starlette:
    """For `uvicorn --factory`."""
    secret = f"/at/{DEMO_SECRET}"
    routes = [Route(f"{secret}/ussd", hop, methods=["POST"]), Route(f"{secret}/sms", sms, methods=["POST"])]
    return Starlette(routes=[*routes, Route("/health/live", live)], lifespan=_lifespan)
