"""Passes the simulator's pages on to its own process; exists only with SIMULATOR=1."""

import httpx
from starlette.requests import Request
from starlette.responses import Response

LARGEST_BODY = 64 * 1024
NOT_OURS = {
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "content-encoding",
    "date",
    "server",
}


async def pass_on(request: Request) -> Response:
    """The same request to the simulator, its answer back, unchanged but for the connection's own headers."""
    body = await request.body()
    if len(body) > LARGEST_BODY:
        return Response(status_code=413)
    target = f"{request.app.state.settings.simulator_url}{request.url.path}"
    headers = {name: value for name, value in request.headers.items() if name not in ("host", *NOT_OURS)}
    try:
        answer = await request.app.state.client.request(
            request.method,
            httpx.URL(target, query=request.url.query.encode()),
            content=body,
            headers={**headers, "accept-encoding": "identity"},
        )
    except httpx.HTTPError:
        return Response("the simulator does not answer", 502, media_type="text/plain")
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in NOT_OURS}
    return Response(answer.content, answer.status_code, headers=kept)
