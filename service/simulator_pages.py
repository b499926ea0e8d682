"""Passes the simulator's pages on to its own process; exists only with SIMULATOR=1."""

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

LARGEST_BODY = 64 * 1024
TIMEOUT_S = 20  # its slowest answer takes 15 s, on purpose
OF_THE_CONNECTION = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


async def pass_on(request: Request) -> Response:
    """Forward the request to the simulator and return its answer, both without the connection's own headers."""
    content = await request.body()
    headers = [(name, value) for name, value in request.headers.items() if name not in OF_THE_CONNECTION]
    try:
        answer = await request.app.state.client.request(
            request.method,
            _target(request),
            content=content,
            headers=[*headers, ("accept-encoding", "identity")],
        )
    except (UnicodeDecodeError, httpx.InvalidURL):
        return PlainTextResponse("an address that nobody can read", 400)
    except httpx.HTTPError:
        return PlainTextResponse("the simulator does not answer", 502)
    kept = {name: value for name, value in answer.headers.items() if name not in OF_THE_CONNECTION}
    return Response(answer.content, answer.status_code, headers=kept)


def _target(request: Request) -> httpx.URL:
    """The simulator's URL with path and query byte for byte: decoding would change a `+` or a `%3F`."""
    raw: bytes = request.scope["raw_path"]
    if query := request.scope["query_string"]:
        raw += b"?" + query
    return httpx.URL(request.app.state.settings.simulator_url).copy_with(raw_path=raw)


async def to_phone(_request: Request) -> Response:
    """Whoever opens web's bare address is shown the phone."""
    return RedirectResponse("/phone")


ROUTES = [
    Route("/", to_phone, methods=["GET"]),
    *(
        Route(path, pass_on, methods=["GET", "POST", "DELETE"], max_body_size=LARGEST_BODY)
        for path in ("/phone", "/phone/{rest:path}", "/simulator/{rest:path}")
    ),
]
