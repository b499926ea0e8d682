"""The hops of calls, straight on ASGI: nearly every request is one, and a caller waits for it.

A hop that is believed to come from the gateway is always answered 200 with CON or END.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

import metrics
from forms import read_form, read_query
from locales import DEFAULT_LANGUAGE
from ussd import calls
from ussd.gateways import Gateway
from ussd.hop import Unreadable
from ussd.screens import say


class Web(Starlette):
    """Starlette, save that a hop is answered before its middleware and its routes are asked.

    `hops` are the gateways by the path of their hops, secret and all: a dictionary finds a path by a keyed hash, so
    that the time it takes tells nothing of how much of a wrong secret was right.
    """

    def __init__(self, hops: Mapping[str, Gateway], **more: Any) -> None:
        super().__init__(**more)
        self._hops = hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self._hops.get(scope["path"]) if scope["type"] == "http" else None
        if gateway is None or scope["method"] not in gateway.METHODS:
            return await super().__call__(scope, receive, send)
        return await _answer(gateway, self.state.lines[gateway.NAME], scope, receive, send)


async def _answer(gateway: Gateway, line: calls.Line, scope: Scope, receive: Receive, send: Send) -> None:
    headers = Headers(scope=scope)
    try:
        asks = scope["method"] == "GET"
        fields = read_query(scope["query_string"]) if asks else await read_form(headers, receive)
    except HTTPException as refusal:
        return await PlainTextResponse(refusal.detail, refusal.status_code)(scope, receive, send)
    began = perf_counter()
    try:
        shown = await calls.hop(line, gateway.read_hop(fields, headers))
    except Unreadable as trouble:
        shown = say(trouble.sentence, DEFAULT_LANGUAGE)
    metrics.count_hop(shown.end, perf_counter() - began)
    body, told = gateway.write_screen(shown)
    return await _send_screen(body.encode(), told, send)


async def _send_screen(body: bytes, told: Mapping[str, str], send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in told.items()]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def wrong_secret(_request: Request) -> Response:
    """The route of hops for whoever does not know the secret."""
    raise HTTPException(404)
