"""Every HTTP route: read the form, call one function, answer. No rule of the mutuelle here.

A wrong secret is 404 and tells nothing; then the body's size and type are looked at. A hop that is believed to come
from the gateway is always answered 200 with CON or END.
"""

import asyncio
import hmac
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from ipaddress import IPv6Address, ip_address
from time import monotonic, perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import locales
import settings
from menus.home import home
from mobilemoney.operator import Notice
from mutuelle.contributions.money_notices import NoticeVerdict, ring
from mutuelle.households.caller_profile import profile_of
from prepared import Reader, transaction, unframed
from service import logs, metrics, redis_server, simulator_pages
from service.clock import DatabaseClock
from service.database import open_pool, prove_a_write
from service.forms import read_body, read_form, read_json, read_query, read_xml_rpc
from service.start import START_FAULTS, exit_code, expect_good_start
from settings import Settings
from sms import delivery, inbox
from sms.provider import JSON, SmsAdapter
from sms.providers import providers
from talk.engine import Menu
from talk.keyring import Keyring
from talk.screen import Shown
from talk.session import Sessions
from ussd import calls
from ussd.access import GatewayAccess
from ussd.gateways import Gateway, written
from ussd.gateways.described import gateway
from ussd.hop import UnreadableError
from ussd.screens import say

log = logging.getLogger("keneya.web")

LARGEST_NOTICE = 64 * 1024
LONGEST_NAME_IN_A_PATH = 100
DRAIN_S = 10
WRITE_PROOF_S = 5.0
VERBS = ["GET", "POST"]
READERS = {"form": read_form, "json": read_json, "xml-rpc": read_xml_rpc}
NEVER_STORED = ("22", "54")  # classes of SQLSTATE: an invalid value, one beyond a limit

Store = Callable[[AsyncConnection, Any, Mapping[str, str], datetime], Awaitable[None]]  # Any: an SmsAdapter


def create_app(environ: Mapping[str, str] | None = None, *, home: Menu = home) -> Starlette:
    """The web application. If it must not start, the process exits with 2 (1 without a database), one line a fault.

    With `environ` it raises SettingsError or another of these instead. `home` answers every call.
    """
    try:
        wanted = settings.read(os.environ if environ is None else environ)
        with ThreadPoolExecutor(
            1
        ) as aside:  # a loop runs already; a fault at startup inside it could exit with 3 only
            aside.submit(asyncio.run, expect_good_start(wanted)).result()
    except START_FAULTS as fault:
        if environ is not None:
            raise
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(exit_code(fault)) from None
    logs.configure(wanted.log_level)
    locales.load()
    routes = [
        *(Route(gateway.path_with("{secret}"), UssdHops(), methods=VERBS) for gateway in written()),
        Route("/ussd/{gateway}", UssdHops(), methods=VERBS),
        Route("/ussd/{gateway}/{secret}", UssdHops(), methods=VERBS),
        Route("/at/{secret}/ussd/ended", ussd_ended, methods=["POST"]),
        *(route for provider in providers() for route in _sms_routes(provider)),
        Route("/money/{operator}/{token}", money_notice, methods=["POST", "PUT"]),
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", show_metrics),
    ]
    if wanted.simulator_url:
        routes += simulator_pages.ROUTES
    app = Starlette(routes=routes, lifespan=partial(_lifespan, wanted, home))
    app.router.redirect_slashes = False  # a gateway does not follow a redirect: it ends the call
    return app


def _sms_routes(provider: SmsAdapter) -> list[Route]:
    """Where the forms of one SMS provider arrive."""
    stores: dict[str, Store] = {
        provider.SMS_PATH: inbox.store_sms,
        provider.REPORT_PATH: delivery.store_report,
        getattr(provider, "OPTOUT_PATH", ""): delivery.store_optout,
    }
    return [
        Route(path, partial(store_form, store, provider), methods=list(provider.METHODS))
        for path, store in stores.items()
        if path
    ]


@asynccontextmanager
async def _lifespan(wanted: Settings, home: Menu, app: Starlette) -> AsyncIterator[None]:
    """Open what every request shares; at the end let the hops under way finish."""
    pool = open_pool(wanted.database_url)
    redis = redis_server.connect(wanted.redis_url)
    app.state.settings, app.state.pool, app.state.redis = wanted, pool, redis
    app.state.unframed = unframed(pool)
    app.state.clock = clock = DatabaseClock()
    following = asyncio.create_task(clock.follow(pool))
    keys = _session_keys(wanted)
    keyring = Keyring([key.encode() for key in wanted.seal_keys])
    app.state.sampler = metrics.Sampler(open_pool(wanted.database_url, size=1))
    turns = calls.Turns(pool)
    lines = [
        UssdLine(
            access,
            one,
            calls.UssdDeps(
                *(pool, turns, Sessions(redis, one.name), home, keys, clock, profile_of, keyring),
                room=one.room,
                repeat_ms=one.repeat_ms,
            ),
        )
        for access, one in _gateways(wanted)
    ]
    metrics.count_refused(lambda: turns.refused)
    # By path, secret and all: a dictionary finds it by a keyed hash, whose time tells nothing of a wrong secret.
    app.state.lines = {
        line.gateway.path_with(secret): line for line in lines for secret in line.access.secrets or ("",)
    }
    app.state.client = httpx.AsyncClient(trust_env=False, timeout=simulator_pages.TIMEOUT_S)
    metrics.settle_garbage_collector()
    try:
        yield
    finally:
        following.cancel()
        if under_way := set[asyncio.Task[Shown]]().union(*(line.deps.running for line in lines)):
            await asyncio.wait(under_way, timeout=DRAIN_S)
        await app.state.client.aclose()
        await redis.aclose()
        await app.state.sampler.close()
        await pool.dispose()


def _gateways(wanted: Settings) -> list[tuple[GatewayAccess, Gateway]]:
    """Every gateway that is on, and who may call as it."""
    by_file = [(GatewayAccess(one.name, secrets=wanted.webhook_secrets), one) for one in written()]
    return by_file + [(access, gateway(access.name, access.code)) for access in wanted.ussd_gateways]


def _session_keys(wanted: Settings) -> tuple[bytes, ...]:
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


async def _form(request: Request) -> dict[str, str]:
    """The form's fields, once secret, size and type are right (404, 413, 415)."""
    _expect_secret(request)
    return await read_form(request.headers, request.receive)


class UssdLine(NamedTuple):
    """A gateway that is on: who may call as it, how it speaks, what its hops need."""

    access: GatewayAccess
    gateway: Gateway
    deps: calls.UssdDeps


class UssdHops:
    """The screen of the hop that the fields are, counted. Plain ASGI: a request and a response cost a dial a tenth."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line: UssdLine | None = scope["app"].state.lines.get(scope["path"])
        headers = Headers(scope=scope)
        if line is None or not line.access.admits(headers, (scope["client"] or ("",))[0]):
            raise HTTPException(404)
        if scope["method"] != line.gateway.method:
            raise HTTPException(405)
        fields = await _fields(line.gateway.body, scope, headers, receive)
        began = perf_counter()
        shown = await _shown(line, fields, headers)
        metrics.count_hop(shown.end, perf_counter() - began)
        screen, told = line.gateway.write_screen(shown, fields)
        body = screen.encode()
        told["content-length"] = str(len(body))
        lines = [(name.encode(), words.encode()) for name, words in told.items()]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": body})


async def _fields(body: str, scope: Scope, headers: Headers, receive: Receive) -> dict[str, str]:
    if body == "query":
        return read_query(scope["query_string"])
    return await READERS[body](headers, receive)


async def _shown(line: UssdLine, fields: Mapping[str, str], headers: Mapping[str, str]) -> Shown:
    try:
        heard = line.gateway.read_hop(fields, headers)
    except UnreadableError as trouble:
        return say(trouble.sentence, locales.DEFAULT_LANGUAGE)
    if heard.over:
        await _end(line, heard.call, heard.over)
        return say(calls.OVER, locales.DEFAULT_LANGUAGE)
    return await calls.hop(line.deps, heard)


async def _end(line: UssdLine, call: str, status: str) -> None:
    metrics.count_end(status)
    await calls.hung_up(line.deps, call, status)


async def ussd_ended(request: Request) -> Response:
    """The end of a call. Its `input` may hold a PIN: only its status is counted and logged."""
    form = await _form(request)
    line = request.app.state.lines[request.scope["path"].removesuffix("/ended")]
    await _end(line, form.get("sessionId", ""), form.get("status", ""))
    return Response()


async def store_form(store: Store, provider: SmsAdapter, request: Request) -> Response:
    """Store what the provider tells and answer 200; 503 until it can be stored, so that it comes again.

    A form that PostgreSQL can never store is dropped: it would be retried every minute for half a day.
    """
    _expect_secret(request)
    form = read_query(request.scope["query_string"])
    if request.method == "POST":
        form |= await (read_json if provider.MEDIA_TYPE == JSON else read_form)(
            request.headers, request.receive
        )
    try:
        async with transaction(request.app.state.unframed) as db:
            await store(db, provider, form, request.app.state.clock())
    except (SQLAlchemyError, OSError, TimeoutError) as fault:
        sqlstate = str(getattr(getattr(fault, "orig", None), "sqlstate", ""))
        facts = {"store": store.__name__, "fault": type(fault).__name__, "sqlstate": sqlstate}
        log.error("webhook.not_stored", extra=facts)
        if sqlstate[:2] not in NEVER_STORED:
            return Response(status_code=503)
    return Response(provider.ANSWER, media_type="text/plain" if provider.ANSWER else None)


async def money_notice(request: Request) -> Response:
    """An operator's notice: store it as received, and make the payment due, so that the worker asks for its status."""
    body = await read_body(request.receive, LARGEST_NOTICE)
    operator, token = _name_in_path(request, "operator"), _name_in_path(request, "token")
    state = request.app.state
    host = urlsplit(state.settings.public_url).netloc
    notice = Notice(request.method, request.url.path, dict(request.headers), body, host)
    reader = Reader(state.unframed)
    try:
        heard = await ring(reader, operator, token, notice, state.settings.credentials, state.clock())
    except (SQLAlchemyError, OSError, TimeoutError) as fault:
        log.error("notice.not_stored", extra={"operator": operator, "fault": type(fault).__name__})
        return Response(status_code=503)
    finally:
        await reader.close()
    if heard is NoticeVerdict.UNKNOWN_ADDRESS:
        raise HTTPException(404)
    return Response(status_code=401 if heard is NoticeVerdict.FORGED else 200)


def _name_in_path(request: Request, name: str) -> str:
    """The parameter of the path, without characters that PostgreSQL refuses: an unknown name is a 404, not a fault."""
    written: str = request.path_params[name]
    return written[:LONGEST_NAME_IN_A_PATH].replace("\x00", "?")


async def live(request: Request) -> Response:
    """200 while the process answers; RUN_ID shows which process it is to the one that started it."""
    return JSONResponse({"status": "live", "run_id": os.environ.get("RUN_ID", "")})


async def ready(request: Request) -> Response:
    """The state of each part. 503 if PostgreSQL does not accept writes; without Redis 200, degraded.

    Degraded also while this machine's clock is wrong: callers do not notice, the time is PostgreSQL's. An operator that
    does not answer is named and changes nothing: it is not this service that is ill, and members are told.
    """
    silent: list[str] = []
    asked = (_ask_database(request, silent), _write_to_database(request), _ask_redis(request))
    reads, writes, redis = await asyncio.gather(*map(_answers, asked))
    states = {
        "postgresql": "up" if writes else "not writable" if reads else "down",
        "redis": "up" if redis else "down",
    }
    if request.app.state.clock.is_off:
        states["clock"] = "off"
    if silent:
        states["operators down"] = ", ".join(silent)
    whole = redis and "clock" not in states
    status = "unavailable" if not writes else "ready" if whole else "degraded"
    return JSONResponse({"status": status, **states}, 200 if writes else 503)


async def _answers(question: Awaitable[Any]) -> bool:
    try:
        await asyncio.wait_for(question, timeout=3)
    except (SQLAlchemyError, RedisError, OSError, TimeoutError):
        return False
    return True


async def _ask_database(request: Request, silent: list[str]) -> None:
    """Read something: the operators that are down, which are added to `silent`."""
    async with request.app.state.pool.connect() as db:
        silent += await db.scalars(_OPERATORS_DOWN)


_OPERATORS_DOWN = text(
    "select distinct a.operator from operator_health h join operator_account a"
    " on a.mutuelle_id = h.mutuelle_id and a.name = h.account where h.state = 'DOWN' order by 1"
)


async def _write_to_database(request: Request) -> None:
    """Prove a write, at most once in WRITE_PROOF_S; after a failure each time."""
    state, now = request.app.state, monotonic()
    if now < getattr(state, "written_until", 0.0):
        return
    await prove_a_write(state.pool)
    state.written_until = now + WRITE_PROOF_S


async def _ask_redis(request: Request) -> None:
    await request.app.state.redis.ping()


def _expect_observer(request: Request) -> None:
    """404 unless the request came to the metrics port or, if there is none, from this machine."""
    if port := request.app.state.settings.metrics_port:
        observes = request.scope["server"][1] == port
    else:
        passed_on = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
        observes = not passed_on and request.client is not None and _is_here(request.client.host)
    if not observes:
        raise HTTPException(404)


def _is_here(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


async def show_metrics(request: Request) -> Response:
    """The metrics of this process, and of payments and messages in the tables."""
    _expect_observer(request)
    body, content_type = await metrics.exposition(request.app.state.sampler)
    return Response(body, media_type=content_type)
