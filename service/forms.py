"""The form in a request, read within limits: no further than so many bytes. `http_limits` limits its time.

What is wrong with it is an HTTPException; a form with a field twice or too many of them is an empty one.
"""

import logging
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive

log = logging.getLogger("keneya.web")

LARGEST_FORM = 8 * 1024
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 40
_HEX = "0123456789ABCDEFabcdef"
_BYTES = {high + low: chr(int(high + low, 16)) for high in _HEX for low in _HEX}


async def read_body(receive: Receive, limit: int) -> bytes:
    """The body, read no further than `limit` (413)."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400)  # nobody is left to read it
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise HTTPException(413)
    return body


async def read_form(headers: Headers, receive: Receive) -> dict[str, str]:
    """The form's fields, once size and type are right (413, 415); 400 where the body that was announced is not there.

    A server may leave a body unread, as where its head asks for another protocol: 200 would be the end of what it said.
    """
    body = await read_body(receive, LARGEST_FORM)
    if not is_form(headers):
        raise HTTPException(415)
    if not body and headers.get("content-length", "0") != "0":
        raise HTTPException(400)
    return fields_of(body)


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the body is said to be a form."""
    told = headers.get("content-type", "")
    return told == FORM or told.partition(";")[0].strip().lower() == FORM


def read_query(query: bytes) -> dict[str, str]:
    """The query's fields, of a gateway that asks with GET (413)."""
    if len(query) > LARGEST_FORM:
        raise HTTPException(413)
    return fields_of(query)


def fields_of(body: bytes) -> dict[str, str]:
    """Empty for a form with a field twice or too many of them: no gateway sends one, whatever it is to slip in."""
    pairs = [pair for pair in body.decode("latin-1").replace("+", " ").split("&") if pair]
    if len(pairs) > MOST_FIELDS:
        log.warning("webhook.too_many_fields")
        return {}
    fields = {}
    for pair in pairs:
        name, _equals, value = pair.partition("=")
        fields[_text(name)] = _text(value).replace("\x00", "")
    if len(fields) < len(pairs):
        log.warning("webhook.doubled_field")
        return {}
    return fields


def _text(written: str) -> str:
    """What UTF-8 says there, of bytes that are characters here: nearly all are letters without accents."""
    plain = _plain(written) if "%" in written else written
    return plain if plain.isascii() else plain.encode("latin-1").decode("utf-8", "replace")


def _plain(escaped: str) -> str:
    """What `unquote_to_bytes` says, mostly without asking it: a form has ten of these, and a hop waits for them."""
    first, *others = escaped.split("%")
    try:
        return first + "".join([_BYTES[other[:2]] + other[2:] for other in others])
    except KeyError:
        return unquote_to_bytes(escaped.encode("latin-1")).decode("latin-1")
