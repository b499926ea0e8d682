"""The phone page: a basic phone in a web page, to see the service as a member does.

`phone.html` has blanks for words, filled in the page's language; the other files are served unchanged. The content
security policy forbids all from elsewhere.
"""

import html
import json
import re
from pathlib import Path

import phonenumbers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from simulator import vendor, words
from simulator.deps import simulator_of
from simulator.sms import SHORT_CODE, sms_providers

FILES = Path(__file__).parent / "phone"
BLANK = re.compile(r"\{\{(\w+)\}\}")
FAULTS = {
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "country",
    phonenumbers.ValidationResult.TOO_SHORT: "short",
    phonenumbers.ValidationResult.TOO_LONG: "long",
}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


async def page(request: Request) -> Response:
    """GET, `?language=`: the page in that language; its words are in it, for its scripts too."""
    language = words.chosen(request.query_params.get("language"))
    said = words.words_in(language, simulator_of(request).config.service_code)
    filled = {name: html.escape(text) for name, text in said.items()}
    filled["language_of_page"], filled["language"] = filled["language"], language
    filled["languages"] = "".join(
        f'<a data-language="{code}" lang="{code}" href="?language={code}">{html.escape(name)}</a>'
        for code, name in words.offered().items()
    )
    filled["words"], filled["known"] = (
        html.escape(json.dumps(texts, ensure_ascii=False)) for texts in (said, words.known_screens())
    )
    template = (FILES / "phone.html").read_text()
    return HTMLResponse(BLANK.sub(lambda blank: filled[blank[1]], template), headers=HEADERS)


async def asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {file.name for file in FILES.iterdir()}:
        raise HTTPException(404, "no such file")
    return FileResponse(FILES / name, headers=HEADERS)


async def about(request: Request) -> JSONResponse:
    """GET: the facts that the page needs before the first call."""
    codes = {"service_code": simulator_of(request).config.service_code, "short_code": SHORT_CODE}
    return JSONResponse(codes | {"gateways": vendor.vendors(), "providers": list(sms_providers())})


async def number(request: Request) -> JSONResponse:
    """GET ?phone=: the number as a network knows it, and what is wrong with it: country, short, long, unknown or ""."""
    typed = request.query_params.get("phone", "")
    digits = "".join(letter for letter in typed if letter.isdecimal())[:20].removeprefix("00")
    fault = _fault(f"+{digits}")
    if fault and not typed.strip().startswith(("+", "00")):
        fault = "country"  # whatever else: that is what must be typed first
    return JSONResponse({"number": None if fault else f"+{digits}", "fault": fault})


def _fault(number: str) -> str:
    try:
        read = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as trouble:
        short = trouble.error_type == phonenumbers.NumberParseException.TOO_SHORT_NSN
        return "short" if short else "country"
    possible = FAULTS.get(phonenumbers.is_possible_number_with_reason(read), "")
    return possible or ("" if phonenumbers.is_valid_number(read) else "unknown")


ROUTES = [
    Route("/phone", page, methods=["GET"]),
    Route("/simulator/about", about, methods=["GET"]),
    Route("/simulator/numbers", number, methods=["GET"]),
    Route("/simulator/phone/{name}", asset, methods=["GET"]),
]
