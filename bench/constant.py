"""The limit of a hop: an application that answers every request with one constant screen, under the same server."""

from starlette.types import Receive, Scope, Send

SCREEN = b"CON Keneya\n1 Adherer\n2 Payer\n7 La mutuelle\n8 Langue / Language"
HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(SCREEN)).encode()),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing but ASGI."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": SCREEN})


def create_app() -> object:
    """For `uvicorn --factory`, as the service is started."""
    return app
