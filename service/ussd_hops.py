"""The hops of calls: nearly every request is one, and a caller waits for it.

A hop that is believed to come from the gateway is always answered 200 with CON or END. `HopProtocol` answers the
plain ones itself; whatever else comes, and all that is to be refused, goes the usual way to its route in `webhooks`.
"""

import logging
from asyncio import AbstractEventLoop, Event
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from locales import DEFAULT_LANGUAGE
from service import metrics
from service.forms import LARGEST_FORM, fields_of, is_form
from service.http_limits import LimitedHttpTools
from talk.screen import Shown
from ussd import calls
from ussd.gateways import Gateway
from ussd.hop import UnreadableError
from ussd.screens import say

log = logging.getLogger("keneya.web")

# In the state of the lifespan: each desk by the path of its hops, secret and all. A dictionary finds a path by a keyed
# hash, so that the time it takes tells nothing of how much of a wrong secret was right.
HOP_ROUTES = "desks"


@dataclass(frozen=True)
class HopRoute:
    """Where the hops of one gateway are answered, whichever way they came in."""

    gateway: Gateway
    line: calls.UssdDeps

    def answer(self, fields: Mapping[str, str], headers: Mapping[str, str], show: calls.Show) -> None:
        """Show the screen of the hop that these fields are, once, and count it."""
        began = perf_counter()

        def count(shown: Shown) -> None:
            metrics.count_hop(shown.end, perf_counter() - began)
            show(shown)

        try:
            heard = self.gateway.read_hop(fields, headers)
        except UnreadableError as trouble:
            count(say(trouble.sentence, DEFAULT_LANGUAGE))
        else:
            calls.hop(self.line, heard, count)


class _Cycle(RequestResponseCycle):
    """A hop under way, as far as uvicorn asks about it: how it ended, and whether its connection goes on."""

    message_event = Event()  # nobody waits for more of a body that is whole

    def __init__(self, *, keep_alive: bool) -> None:
        self.disconnected = self.response_started = self.response_complete = False
        self.keep_alive = keep_alive


class HopProtocol(LimitedHttpTools):
    """uvicorn's HTTP within our limits, save that a plain hop is answered without ASGI: a sixth of all that it costs.

    While a plain hop is read `_desk` is where it goes and `_body` what has come of its body; else None and nothing.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        usual = config.limit_concurrency is not None or config.access_log or config.root_path
        self._desks: Mapping[bytes, HopRoute] = {} if usual else app_state.get(HOP_ROUTES, {})
        self._desk: HopRoute | None = None
        self._body = b""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._desk is not None and not self.transport.is_closing():
            self._go_the_usual_way()  # the rest is still to come, or never will

    def on_headers_complete(self) -> None:
        desk = self._desks.get(self.url)
        if desk is not None and self._is_plain(desk):
            self._desk, self._body = desk, b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._desk is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        desk = self._desk
        if desk is not None:
            headers = {
                name.decode("latin-1"): told.decode("latin-1") for name, told in reversed(self.headers)
            }
            if self._may_answer(headers):
                body, self._desk, self._body, self.reading = self._body, None, b"", False
                return self._start(desk, headers, body)
            self._go_the_usual_way()
        return super().on_message_complete()

    def _is_plain(self, desk: HopRoute) -> bool:
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and "POST" in desk.gateway.METHODS
            and not parser.should_upgrade()
            and not self.expect_100_continue
        )

    def _may_answer(self, headers: Mapping[str, str]) -> bool:
        """Not while the request before it is being answered, and nothing that is to be refused."""
        before: RequestResponseCycle | None = self.cycle
        free = before is None or before.response_complete
        return free and len(self._body) <= LARGEST_FORM and is_form(headers)

    def _go_the_usual_way(self) -> None:
        body, self._desk, self._body = self._body, None, b""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _start(self, desk: HopRoute, headers: Mapping[str, str], body: bytes) -> None:
        self._unset_keepalive_if_required()  # the hop before may have come, and been answered, in the same segment
        parser = self.parser
        self.cycle = cycle = _Cycle(
            keep_alive=parser.get_http_version() != "1.0" and parser.should_keep_alive()
        )
        try:
            desk.answer(fields_of(body), headers, partial(self._show, desk, cycle))
        except Exception:
            self._give_up()

    def _show(self, desk: HopRoute, cycle: _Cycle, shown: Shown) -> None:
        if not self.flow.write_paused:
            return self._answer(desk, cycle, shown)
        task = self.loop.create_task(self._show_when_read(desk, cycle, shown))
        task.add_done_callback(self.tasks.discard)
        return self.tasks.add(task)

    async def _show_when_read(self, desk: HopRoute, cycle: _Cycle, shown: Shown) -> None:
        await self.flow.drain()
        self._answer(desk, cycle, shown)

    def _answer(self, desk: HopRoute, cycle: _Cycle, shown: Shown) -> None:
        if self.transport.is_closing():
            return None  # who asked has hung up
        try:
            screen, told = desk.gateway.write_screen(shown)
            self.transport.write(self._response(cycle, screen.encode(), told))
        except Exception:
            return self._give_up()
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        return self.on_response_complete()

    def _give_up(self) -> None:
        """A fault of ours, for which there is no sentence: the connection ends, and the gateway ends the call."""
        log.exception("hop.fault")
        self.transport.close()

    def _response(self, cycle: _Cycle, body: bytes, told: Mapping[str, str]) -> bytes:
        lines = [b"HTTP/1.1 200 OK"]
        lines += [b"%b: %b" % header for header in self.server_state.default_headers]
        lines += [f"{name}: {value}".encode() for name, value in told.items()]
        if not cycle.keep_alive:
            lines.append(b"connection: close")
        return b"%b\r\ncontent-length: %d\r\n\r\n%b" % (b"\r\n".join(lines), len(body), body)
