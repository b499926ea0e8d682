"""Limits of a connection to web, for each of uvicorn's protocols.

A head has at most 32 kB, a request arrives within 10 s, eight requests may wait for the one before, and the number of
connections is limited. A connection beyond a limit gets an error status, is closed and counted. Bytes that come one by
one cost no more than in one piece.
"""

import logging
import resource
from asyncio import AbstractEventLoop, Protocol, Transport
from http import HTTPStatus
from time import monotonic
from typing import Any, cast
from weakref import WeakSet

import h11
import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service import metrics

log = logging.getLogger("keneya.web")

LARGEST_HEAD = 32 * 1024
PIECE = 16 * 1024  # bytes given to the parser between two checks; a hop is a twentieth of it
MOST_PIPELINED = 8
ARRIVAL_S = 10  # no gateway waits longer for an answer, so none sends for longer
MOST_CONNECTIONS = 1000
SPARE_DESCRIPTORS = 100  # for PostgreSQL, Redis, the simulator, files
TICK_S = 1.0
LOG_EVERY_S = 10.0  # at most one log line for a reason in this time; every close is counted

_watched: WeakSet[ServerState] = WeakSet()
_logged_at: dict[str, float] = {}


def most_connections() -> int:
    """The number of connections served at once: MOST_CONNECTIONS, or fewer if the process may open fewer files."""
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(MOST_CONNECTIONS, limit - SPARE_DESCRIPTORS))


def allow_descriptors() -> None:
    """Raise this process's limit of open files to what its connections need, if the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_DESCRIPTORS
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


class LimitedProtocol(Protocol):
    """A mixin before a protocol of uvicorn's; `tick` is called each second for each connection."""

    loop: AbstractEventLoop
    transport: Transport
    config: Config
    server_state: ServerState
    flow: FlowControl
    cycle: Any
    made_at = 0.0
    seconds = 0  # spent on the same request, or idle
    _seen: tuple[bool, object] = (False, None)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.made_at = self.loop.time()
        connections = cast("set[LimitedProtocol]", self.server_state.connections)
        if len(connections) > most_connections():
            _make_room(self, connections)
        if self.server_state not in _watched:
            _watched.add(self.server_state)
            self.loop.call_later(TICK_S, _look_at_all, self.server_state, self.loop)

    def data_received(self, data: bytes) -> None:
        if len(data) <= PIECE:
            return self.read(data)
        for start in range(0, len(data), PIECE):
            if not self.transport.is_closing():
                self.read(data[start : start + PIECE])
        return None

    def read(self, data: bytes) -> None:
        """Parse a piece of the received bytes."""
        raise NotImplementedError

    def arriving(self) -> bool:
        """Whether a request has begun to arrive and is not complete."""
        raise NotImplementedError

    def request(self) -> object:
        """An object that is different for each request."""
        raise NotImplementedError

    def answering(self) -> bool:
        """Whether a request is being answered and the client reads the answer."""
        return self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused

    def tick(self) -> None:
        """Check the limits; called each second."""
        seen = (self.arriving(), self.request())
        self.seconds = self.seconds + 1 if seen == self._seen else 0
        self._seen = seen
        if self.transport.is_closing():
            if self.seconds >= ARRIVAL_S:
                self.transport.abort()  # the client does not read our last answer
        elif self.arriving():
            if self.seconds >= ARRIVAL_S:
                self.refuse("slow", HTTPStatus.REQUEST_TIMEOUT)
        elif self.answering():
            self.seconds = 0
        elif self.seconds > self.config.timeout_keep_alive:
            metrics.count_closed("idle")
            self.transport.abort()  # an idle client, or one that does not read, gets no status

    def refuse(self, reason: str, status: HTTPStatus) -> None:
        """Answer `status`, unless an answer is under way, and close."""
        metrics.count_closed(reason)
        _log_closed(reason, len(self.server_state.connections))
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            line = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.write(line.encode())
        self.transport.close()


class LimitedHttpTools(LimitedProtocol, HttpToolsProtocol):
    """uvicorn's protocol over httptools. A request to upgrade to another protocol is read as HTTP."""

    reading = False  # a request has begun to arrive
    _unused = 0  # bytes of a head, or between and after the chunks of a body

    def read(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                log.warning("web.no_http")
                self.send_400_response("Invalid HTTP request received.")
            return
        if self.reading:
            self._unused += len(data)
            if self._unused > LARGEST_HEAD:
                self.refuse("large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        """Give it to the parser without the head's upgrade, for which it would not read the body."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("no proxy") from None
            self._feed(self._head_without_upgrade() + data[upgrade.args[0] :])

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.reading, self._unused = True, 0

    def on_headers_complete(self) -> None:
        self._unused = 0
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            self.refuse("pipelined", HTTPStatus.TOO_MANY_REQUESTS)
            raise httptools.HttpParserError("the parser need not go on")

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading = False
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def arriving(self) -> bool:
        return self.reading

    def request(self) -> object:
        return self.scope


class LimitedH11(LimitedProtocol, H11Protocol):
    """uvicorn's protocol over h11, which reads a request only after the one before is answered."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = h11.Connection(h11.SERVER, LARGEST_HEAD)

    def read(self, data: bytes) -> None:
        H11Protocol.data_received(self, data)

    def arriving(self) -> bool:
        theirs = self.conn.their_state
        return theirs is h11.SEND_BODY or (theirs is h11.IDLE and bool(self.conn.trailing_data[0]))

    def request(self) -> object:
        return self.cycle


def _look_at_all(state: ServerState, loop: AbstractEventLoop) -> None:
    for connection in list(state.connections):
        cast(LimitedProtocol, connection).tick()
    if state.connections:
        loop.call_later(TICK_S, _look_at_all, state, loop)
    else:
        _watched.discard(state)


def _make_room(new: LimitedProtocol, connections: set[LimitedProtocol]) -> None:
    """Close the connection idle for the longest, first one without any request; if none is idle, the new one."""
    idle = [one for one in connections if one is not new and not one.answering()]
    if not idle:
        return new.refuse("full", HTTPStatus.SERVICE_UNAVAILABLE)
    longest = max(idle, key=lambda one: (one.cycle is None, one.seconds, -one.made_at))
    metrics.count_closed("full")
    _log_closed("full", len(connections))
    connections.discard(longest)  # now, so that the next one does not choose it again
    return longest.transport.abort()


def _log_closed(reason: str, connections: int) -> None:
    now = monotonic()
    if now - _logged_at.get(reason, -LOG_EVERY_S) >= LOG_EVERY_S:
        _logged_at[reason] = now
        log.warning("web.connection_closed", extra={"reason": reason, "connections": connections})
