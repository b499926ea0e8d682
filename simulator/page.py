"""The phone page: a basic phone in a web page, to see the service as a member does.

Its files are served unchanged; the content security policy forbids all from elsewhere.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from simulator.deps import simulator_of
from simulator.sms import SHORT_CODE

FILES = Path(__file__).parent / "phone"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


async def page(request: Request) -> Response:
    return FileResponse(FILES / "phone.html", headers=HEADERS)


async def asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {file.name for file in FILES.iterdir()}:
        raise HTTPException(404, "no such file")
    return FileResponse(FILES / name, headers=HEADERS)


async def about(request: Request) -> JSONResponse:
    """GET: the facts that the page needs before the first call."""
    return JSONResponse({"service_code": simulator_of(request).config.service_code, "short_code": SHORT_CODE})


ROUTES = [
    Route("/phone", page, methods=["GET"]),
    Route("/simulator/about", about, methods=["GET"]),
    Route("/simulator/phone/{name}", asset, methods=["GET"]),
]
