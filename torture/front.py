"""The front of several web processes, in the client itself: it shares the requests out as `deploy/nginx` does.

A request that is refused, cut or not answered in time goes to the next web process, POST or not; one that failed a few
times is left alone for a moment. What nobody answers is answered here.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

import httpx

from torture.proof import SORRY, ends_with
from ussd import calls

HOST = "front"
# Longer than nginx waits: the load shares its cores with all that is measured, and may itself be what is late.
CONNECT_S, READ_S = 5.0, 9.0
MAX_FAILS, LEFT_ALONE_S = 3, 2.0  # max_fails, fail_timeout
TROUBLE = (*SORRY, ends_with(calls.NO_MEMORY))


@dataclass(frozen=True)
class Passed:
    """One hop that came through the front: `trouble` is empty if the caller was answered."""

    ended: float
    trouble: str


@dataclass
class Front(httpx.AsyncBaseTransport):
    """Requests to HOST go round the web processes on `ports`; all others go where they say."""

    ports: tuple[int, ...]
    retries: bool = True
    retried: int = 0
    hops: list[Passed] = field(default_factory=list)
    _through: httpx.AsyncHTTPTransport = field(
        default_factory=lambda: httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None))
    )
    _failed: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    _turn: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first web process that gives one."""
        if request.url.host != HOST:
            return await self._through.handle_async_request(request)
        reply = await self._pass_on(request)
        if request.url.path.endswith("/ussd") or request.url.path.startswith("/ussd/"):
            trouble = next((words for words in TROUBLE if reply.text.startswith(words)), "")
            self.hops.append(
                Passed(monotonic(), trouble or ("" if reply.status_code == 200 else "no answer"))
            )
        return reply

    async def _pass_on(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        for nth, port in enumerate(self._next()):
            self.retried += nth > 0
            try:
                reply = await self._through.handle_async_request(_to(port, request, content))
                told = await reply.aread()
            except httpx.TransportError:
                self._failed[port].append(monotonic())
                continue
            return httpx.Response(reply.status_code, headers=reply.headers, content=told)
        return httpx.Response(503)

    def _next(self) -> list[int]:
        """Whom to ask, in turn; nobody who has just failed too often."""
        self._turn += 1
        start = self._turn % len(self.ports)
        alive = [port for port in (*self.ports[start:], *self.ports[:start]) if self._is_asked(port)]
        return alive if self.retries else alive[:1]

    def _is_asked(self, port: int) -> bool:
        since = monotonic() - LEFT_ALONE_S
        self._failed[port] = [at for at in self._failed[port] if at > since]
        return len(self._failed[port]) < MAX_FAILS

    async def aclose(self) -> None:
        """Close the connections to the web processes."""
        await self._through.aclose()


def _to(port: int, request: httpx.Request, content: bytes) -> httpx.Request:
    url = request.url.copy_with(host="127.0.0.1", port=port)
    waits = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": READ_S}
    headers = [(name, value) for name, value in request.headers.items() if name != "host"]
    return httpx.Request(request.method, url, headers=headers, content=content, extensions={"timeout": waits})
