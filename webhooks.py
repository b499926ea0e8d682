"""Every HTTP route: read the form, call one function, answer. No rule of the mutuelle here.

A wrong secret is 404 and tells nothing; then the body's size and type are looked at. A USSD hop that is believed to
come from the gateway is always answered 200 with CON or END.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import logs
import metrics
import settings
import simulator_pages
from locales import DEFAULT_LANGUAGE
from menus.home import home
from mutuelle.guards import StrangeRoute, refuse_strange_routes
from mutuelle.notices import ring
from settings import Settings, SettingsFault
from sms import delivery, inbound
from talk.journal import Journals
from talk.screen import Shown
from talk.seals import Seals
from ussd import calls
from ussd.gateways import Gateway, gateways
from ussd.hop import Unreadable
from ussd.screens import say

log = logging.getLogger("keneya.web")

LARGEST_FORM = 8 * 1024
LARGEST_NOTICE = 64 * 1024
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 40
LONGEST_NAME_IN_A_PATH = 100
BODY_TIMEOUT_S = 10  # no gateway waits longer for an answer, so none takes longer to ask
POOL_SIZE = 10
STATEMENT_TIMEOUT_MS = 10_000  # past every deadline: a stuck statement must not hold a connection for ever
DRAIN_S = 10
NEVER_STORED = ("22", "54")  # classes of SQLSTATE: a value that is none, one beyond the limits

Store = Callable[[AsyncConnection, Mapping[str, str], datetime], Awaitable[None]]


def utc_now() -> datetime:
    """The clock of the web process, handed down as a value."""
    return datetime.now(UTC)


def create_app(environ: Mapping[str, str] | None = None) -> Starlette:
    """The web process: `uvicorn --factory webhooks:create_app` ends with 2 and a line a fault if it must not start.

    With `environ` it raises SettingsFault or StrangeRoute instead.
    """
    try:
        wanted = settings.read(os.environ if environ is None else environ)
        with ThreadPoolExecutor(
            1
        ) as aside:  # the caller's loop is running, and what it starts may only end with 3
            aside.submit(asyncio.run, _expect_good_start(wanted)).result()
    except (SettingsFault, StrangeRoute) as fault:
        if environ is not None:
            raise
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(2) from None
    logs.configure(wanted.log_level)
    routes = [
        *(Route(g.PATH, partial(ussd_hop, g), methods=list(g.METHODS)) for g in gateways()),
        Route("/at/{secret}/ussd/ended", ussd_ended, methods=["POST"]),
        Route("/at/{secret}/sms", partial(store_form, inbound.store_sms), methods=["POST"]),
        Route("/at/{secret}/delivery", partial(store_form, delivery.store_report), methods=["POST"]),
        Route("/at/{secret}/optout", partial(store_form, delivery.store_optout), methods=["POST"]),
        Route("/money/{operator}/{token}", money_notice, methods=["POST", "PUT"]),
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", show_metrics),
    ]
    if wanted.simulator_url:
        routes += simulator_pages.ROUTES
    app = Starlette(routes=routes, lifespan=partial(_lifespan, wanted))
    app.router.redirect_slashes = False  # a gateway does not follow a redirect: it ends the call
    return app


async def _expect_good_start(wanted: Settings) -> None:
    """SettingsFault for the owner of the tables, StrangeRoute for a route that must not be used here."""
    await settings.refuse_owner(wanted.database_url)
    pool = create_async_engine(wanted.database_url, poolclass=NullPool, connect_args={"timeout": 3})
    try:
        await refuse_strange_routes(pool, wanted.operators, simulator=wanted.simulator)
    finally:
        await pool.dispose()


@asynccontextmanager
async def _lifespan(wanted: Settings, app: Starlette) -> AsyncIterator[None]:
    """Open what every request shares; at the end let the hops under way finish."""
    pool = create_async_engine(
        wanted.database_url,
        hide_parameters=True,  # a statement's values are people's names and messages: never in a log
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=3,
        pool_pre_ping=True,
        connect_args={"timeout": 3, "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS)}},
    )
    redis = Redis.from_url(wanted.redis_url, socket_timeout=1, socket_connect_timeout=1)
    app.state.settings, app.state.pool, app.state.redis = wanted, pool, redis
    keys = _journal_keys(wanted)
    seals = Seals([key.encode() for key in wanted.seal_keys])
    lines = {
        g.NAME: calls.Line(pool, Journals(redis, g.NAME), home, keys, utc_now, seals) for g in gateways()
    }
    app.state.lines = lines
    app.state.client = httpx.AsyncClient(trust_env=False, timeout=simulator_pages.TIMEOUT_S)
    metrics.settle_garbage_collector()
    try:
        yield
    finally:
        if under_way := set[asyncio.Task[Shown]]().union(*(line.running for line in lines.values())):
            await asyncio.wait(under_way, timeout=DRAIN_S)
        await app.state.client.aclose()
        await redis.aclose()
        await pool.dispose()


def _journal_keys(wanted: Settings) -> tuple[bytes, ...]:
    """Keys for digests of calls' texts, one for each secret in force, so that rotation cuts no call."""
    return tuple(
        hmac.digest(secret.encode(), b"keneya journal", "sha256") for secret in wanted.webhook_secrets
    )


def _expect_secret(request: Request) -> None:
    """404, as for a path that does not exist, unless a secret in force is given; compared in constant time."""
    given = request.path_params["secret"].encode()
    known = [
        hmac.compare_digest(given, secret.encode()) for secret in request.app.state.settings.webhook_secrets
    ]
    if not any(known):
        raise HTTPException(404)


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than `limit` (413) and waited for no longer than BODY_TIMEOUT_S (408)."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None  # nobody is left to read it
    return body


async def _form(request: Request) -> dict[str, str]:
    """The form's fields, once secret, size and type are right (404, 413, 415)."""
    _expect_secret(request)
    body = await _body(request, LARGEST_FORM)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    return _fields(body)


async def _query(request: Request) -> dict[str, str]:
    """The query's fields, of a gateway that asks with GET (404, 413)."""
    _expect_secret(request)
    query = request.url.query.encode()
    if len(query) > LARGEST_FORM:
        raise HTTPException(413)
    return _fields(query)


def _fields(body: bytes) -> dict[str, str]:
    """Empty for a form with a field twice or too many of them: no gateway sends one, whatever it is to slip in."""
    try:
        text_of_form = body.decode("utf-8", "replace")
        pairs = parse_qsl(text_of_form, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        log.warning("webhook.too_many_fields")
        return {}
    fields = {name: value.replace("\x00", "") for name, value in pairs}
    if len(fields) < len(pairs):
        log.warning("webhook.doubled_field")
        return {}
    return fields


async def ussd_hop(gateway: Gateway, request: Request) -> Response:
    """One hop of a call from `gateway`."""
    fields, began = await (_query(request) if request.method == "GET" else _form(request)), perf_counter()
    try:
        heard = gateway.read_hop(fields, request.headers)
    except Unreadable as trouble:
        shown = say(trouble.sentence, DEFAULT_LANGUAGE)
    else:
        shown = await calls.hop(request.app.state.lines[gateway.NAME], heard)
    metrics.count_hop(shown.end, perf_counter() - began)
    body, headers = gateway.write_screen(shown)
    return Response(body, headers=headers)


async def ussd_ended(request: Request) -> Response:
    """The end of a call. Its `input` may hold a PIN: nothing of it is kept but how it ended."""
    form = await _form(request)
    metrics.count_end(form.get("status", ""))
    return Response()


async def store_form(store: Store, request: Request) -> Response:
    """Store what the gateway tells and answer 200; 503 until it can be stored, so that it comes again.

    What PostgreSQL will never take is dropped: it would come again every minute for half a day.
    """
    form = await _form(request)
    try:
        async with request.app.state.pool.begin() as db:
            await store(db, form, utc_now())
    except (SQLAlchemyError, OSError, TimeoutError) as fault:
        sqlstate = str(getattr(getattr(fault, "orig", None), "sqlstate", ""))
        facts = {"store": store.__name__, "fault": type(fault).__name__, "sqlstate": sqlstate}
        log.error("webhook.not_stored", extra=facts)
        return Response(status_code=200 if sqlstate[:2] in NEVER_STORED else 503)
    return Response()


async def money_notice(request: Request) -> Response:
    """An operator rings: keep the notice as it came and let the worker ask for the status."""
    body = await _body(request, LARGEST_NOTICE)
    operator, token = _name_in_path(request, "operator"), _name_in_path(request, "token")
    try:
        async with request.app.state.pool.begin() as db:
            known = await ring(db, operator, token, body, hashlib.sha256(body).digest(), utc_now())
    except (SQLAlchemyError, OSError, TimeoutError) as fault:
        log.error("notice.not_stored", extra={"operator": operator, "fault": type(fault).__name__})
        return Response(status_code=503)
    if not known:
        raise HTTPException(404)
    return Response()


def _name_in_path(request: Request, name: str) -> str:
    """What stands there, without what PostgreSQL cannot compare: that would be a fault instead of a 404."""
    written: str = request.path_params[name]
    return written[:LONGEST_NAME_IN_A_PATH].replace("\x00", "?")


async def live(request: Request) -> Response:
    """The process answers; RUN_ID lets whoever started it know it is theirs."""
    return JSONResponse({"status": "live", "run_id": os.environ.get("RUN_ID", "")})


async def ready(request: Request) -> Response:
    """The state of each part. Without PostgreSQL 503; without Redis 200, degraded."""
    answers = await asyncio.gather(_answers(_ask_database(request)), _answers(_ask_redis(request)))
    parts = dict(zip(("postgresql", "redis"), answers, strict=True))
    status = "ready" if all(parts.values()) else "degraded" if parts["postgresql"] else "unavailable"
    states = {name: "up" if up else "down" for name, up in parts.items()}
    return JSONResponse({"status": status, **states}, 200 if parts["postgresql"] else 503)


async def _answers(question: Awaitable[Any]) -> bool:
    try:
        await asyncio.wait_for(question, timeout=3)
    except (SQLAlchemyError, RedisError, OSError, TimeoutError):
        return False
    return True


async def _ask_database(request: Request) -> None:
    async with request.app.state.pool.connect() as db:
        await db.execute(text("select 1"))


async def _ask_redis(request: Request) -> None:
    await request.app.state.redis.ping()


async def show_metrics(request: Request) -> Response:
    """Counts of this process, and what the tables say of payments and messages."""
    body, content_type = await metrics.exposition(request.app.state.pool)
    return Response(body, media_type=content_type)
