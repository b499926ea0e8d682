"""The whole service in one test: web and simulator on free ports, the worker's rounds run by the test.

Everything goes over HTTP as from the gateway and the operator; only the waits are shorter.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import settings
import webhooks
import worker
from service.http_limits import LimitedHttpTools
from simulator.app import create_app as create_simulator
from simulator.deps import Config
from tests.support.patience import PATIENCE_S
from tests.support.town import AWA

SECRET = "a-secret-of-the-tests-0123456789abcdef"
TIME_SCALE = 50.0
_calls = count(1)


def listener() -> socket.socket:
    """A socket bound to a free port."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def address(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


@asynccontextmanager
async def served(
    app: ASGIApp, *bound: socket.socket, http: type[asyncio.Protocol] = HttpToolsProtocol
) -> AsyncIterator[uvicorn.Server]:
    """Serve `app` on the sockets `bound` in this loop."""
    config = uvicorn.Config(
        app, http=http, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=2
    )
    config.log_config = None
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=list(bound)))
    try:
        while not server.started:
            assert not task.done(), "the server ended while starting"
            await asyncio.sleep(0.01)
        yield server
    finally:
        server.should_exit = True
        await task
        for one in bound:
            one.close()


@contextmanager
def logging_restored() -> Iterator[None]:
    """Restore logging at the end: web configures that of its process, which here is the tests'."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


@dataclass
class House:
    """A running service. `http` is a client of web; `pool` has the service's role on its database."""

    environ: dict[str, str]
    http: httpx.AsyncClient
    pool: AsyncEngine
    rounds: dict[str, worker.Turn] = field(default_factory=dict)

    async def work(self) -> int:
        """Run one round of each of the worker's loops."""
        return sum([await turn() for turn in self.rounds.values()])

    async def work_until(self, found: Any, within_s: float = PATIENCE_S) -> Any:
        """Run the worker's rounds until `found()` (awaitable) gives something; TimeoutError after `within_s`."""
        limit = datetime.now(UTC) + timedelta(seconds=within_s)
        while datetime.now(UTC) < limit:
            await self.work()
            if seen := await found():
                return seen
            await asyncio.sleep(0.02)
        raise TimeoutError

    async def prompts(self, phone: str = AWA) -> list[dict[str, Any]]:
        answer = await self.http.get("/simulator/prompts", params={"phone": phone})
        prompts: list[dict[str, Any]] = answer.json()
        return prompts

    async def prompt(self, phone: str = AWA) -> dict[str, Any]:
        """The payment prompt on a phone, once the worker has sent it."""
        waiting = await self.work_until(lambda: self.prompts(phone))
        first: dict[str, Any] = waiting[0]
        return first

    async def answer(self, prompt: dict[str, Any], answer: str) -> None:
        reply = await self.http.post(f"/simulator/prompts/{prompt['id']}", data={"answer": answer})
        assert reply.status_code == 200, reply.text

    async def trouble(self, **order: str) -> None:
        reply = await self.http.post("/simulator/operator/trouble", data=order)
        assert reply.status_code == 200, reply.text

    async def messages(self, phone: str = AWA) -> list[str]:
        answer = await self.http.get("/simulator/sms", params={"to": phone})
        return [message["text"] for message in answer.json()]

    async def message(self, words: str, phone: str = AWA) -> str:
        """The SMS with `words` in it, once it has arrived."""

        async def arrived() -> str | None:
            return next((text for text in await self.messages(phone) if words in text), None)

        found: str = await self.work_until(arrived)
        return found


@dataclass
class WirePhone:
    """A phone that posts Africa's Talking's form to the webhook and reads the response."""

    house: House
    phone: str = AWA
    call: str = ""
    text: str = ""

    async def dial(self, *at_once: str) -> str:
        self.call, self.text = f"ATUid_{next(_calls):032x}", "*".join(at_once)
        return await self.send()

    async def type(self, *words: str) -> str:
        body = ""
        for word in words:
            self.text = f"{self.text}*{word}" if self.text else word
            body = await self.send()
        return body

    async def send(self) -> str:
        form = {
            "phoneNumber": self.phone,
            "serviceCode": "*384*57#",
            "text": self.text,
            "sessionId": self.call,
            "networkCode": "99999",
        }
        answer = await self.house.http.post(f"/at/{SECRET}/ussd", data=form)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text


@asynccontextmanager
async def housed(
    database_url: str,
    redis_url: str,
    data: Path,
    pool: AsyncEngine,
    *,
    beside: socket.socket | None = None,
    **more: str,
) -> AsyncIterator[House]:
    """Web and simulator, running on the given engines; web listens on `beside` too."""
    web, simulator = listener(), listener()
    environ = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": SECRET,
        "SIMULATOR": "1",
        "SIMULATOR_URL": address(simulator),
        "PUBLIC_URL": address(web),
        "AT_USERNAME": "tests",
        "AT_API_KEY": "key-of-the-tests",
        "AT_SENDER_ID": "KENEYA",
        "AT_SMS_URL": f"{address(web)}/simulator/at/version1",
        "TIME_SCALE": str(TIME_SCALE),
        "LOG_LEVEL": "ERROR",
        **more,
    }
    played = {**environ, "SIMULATOR_SERVICE_URL": address(web), "SIMULATOR_DATA": str(data)}
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_restored())
        await stack.enter_async_context(served(create_simulator(Config.read(played)), simulator))
        ports = (web, beside) if beside else (web,)
        await stack.enter_async_context(served(webhooks.create_app(environ), *ports, http=LimitedHttpTools))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=address(web), trust_env=False))
        operators = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        house = House(environ, http, pool)
        house.rounds = worker.rounds(settings.read(environ), pool, operators)
        yield house
