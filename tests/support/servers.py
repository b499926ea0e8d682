"""Servers for tests: an application in the test's loop, a simulator as a process, a stand-in of the service.

The stand-in records requests and answers what the test sets.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.support.patience import PATIENCE_S, until

SECRET = "a-secret-of-the-tests-0123456789abcdef"
API_KEY = "key"


@dataclass(frozen=True)
class Heard:
    """One request to the stand-in service; `path` is what follows the secret, `body` as received."""

    path: str
    body: str
    headers: Mapping[str, str]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass
class Service:
    """`screen` answers a USSD hop; `refuse` counts down 503s for a path; `heard` is every request, in order."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    screen: Callable[[dict[str, str]], Response | Awaitable[Response]] = lambda form: con(
        f"vous: {form['text']}"
    )

    def to(self, path: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.path == path]

    async def wait_for(self, path: str, count: int = 1, within_s: float = PATIENCE_S) -> list[Heard]:
        """The requests to `path`, once there are `count`; fails after `within_s`."""
        await until(lambda: len(self.to(path)) >= count, within_s)
        return self.to(path)

    async def answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(f"/at/{SECRET}")
        heard = Heard(path, (await request.body()).decode(), dict(request.headers))
        self.heard.append(heard)
        if self.refuse.get(path, 0) > 0:
            self.refuse[path] -= 1
            return PlainTextResponse("later", 503)
        if path != "/ussd":
            return PlainTextResponse("ok")
        reply = self.screen(heard.form)
        return reply if isinstance(reply, Response) else await reply


def con(words: str, **headers: str) -> Response:
    return PlainTextResponse(f"CON {words}", headers=headers)


def end(words: str) -> Response:
    return PlainTextResponse(f"END {words}")


@asynccontextmanager
async def listening() -> AsyncIterator[Service]:
    """A stand-in service on a free port."""
    service = Service()
    app = Starlette(routes=[Route("/{path:path}", service.answer, methods=["GET", "POST", "PUT"])])
    async with serving(app) as service.url:
        yield service


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application in this loop on a free port; yields its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started, PATIENCE_S)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def environment(service_url: str, data: Path, **more: str) -> dict[str, str]:
    return {
        "SIMULATOR_SERVICE_URL": service_url,
        "WEBHOOK_SECRET": SECRET,
        "SIMULATOR_DATA": str(data),
        "AT_API_KEY": API_KEY,
        **more,
    }


@contextmanager
def process(*target: str, port: int, env: Mapping[str, str]) -> Iterator[str]:
    """Run uvicorn as its own process until the block ends, then SIGKILL it; yields its address."""
    command = [sys.executable, "-m", "uvicorn", *target, "--port", str(port), "--log-level", "warning"]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env={**os.environ, **env}) as running:
        try:
            _wait_until_open(running, port)
            yield url
        finally:
            running.send_signal(signal.SIGKILL)


def _wait_until_open(running: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert running.poll() is None, "the server ended while starting"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@dataclass
class Simulator:
    """A running simulator as a test uses it; `http` has its address as base."""

    url: str
    http: httpx.AsyncClient

    async def post(self, path: str, code: int = 200, /, **form: str) -> Any:
        """Post a form, expect the status `code`, return the JSON."""
        answer = await self.http.post(path, data=form)
        assert answer.status_code == code, answer.text
        return answer.json()

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def collect(self, reference: str, notice_url: str, code: int = 202, **more: Any) -> Any:
        """Request a payment of 2000 F from +22370000002."""
        asked = {
            "reference": reference,
            "phone": "+22370000002",
            "amount": "2000",
            "currency": "XOF",
            "note": "Cotisation",
            "notice_url": notice_url,
        }
        answer = await self.http.post("/simulator/operator/v1/collections", json=asked | more)
        assert answer.status_code == code, answer.text
        return answer.json()

    async def status(self, reference: str) -> Any:
        return await self.get(f"/simulator/operator/v1/collections/{reference}")

    async def prompt(self, phone: str = "+22370000002") -> Any:
        """The newest prompt on a phone."""
        return (await self.get("/simulator/prompts", phone=phone))[-1]


@asynccontextmanager
async def reached(url: str) -> AsyncIterator[Simulator]:
    """The simulator running at `url`."""
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http:
        yield Simulator(url, http)


@asynccontextmanager
async def called(app: Starlette) -> AsyncIterator[Simulator]:
    """A simulator called without a server, for speed; what it sends goes over HTTP."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(base_url="http://simulator", timeout=20, transport=transport) as http,
    ):
        yield Simulator("", http)
