"""Reads the form of a request up to a limit of bytes; `http_limits` limits the time.

A bad body is an HTTPException; a form with a repeated field or too many fields is read as empty.
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
    """The body; 413 if it is longer than `limit` bytes."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400)  # the client is gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise HTTPException(413)
    return body


async def read_form(headers: Headers, receive: Receive) -> dict[str, str]:
    """The form's fields; 413 for its size, 415 for its type, 400 if the announced body is missing.

    A server may leave a body unread (its head asks for another protocol): a 200 would lose what it said.
    """
    body = await read_body(receive, LARGEST_FORM)
    if not is_form(headers):
        raise HTTPException(415)
    if not body and headers.get("content-length", "0") != "0":
        raise HTTPException(400)
    return fields_of(body)


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the content type is a form's."""
    content_type = headers.get("content-type", "")
    return content_type == FORM or content_type.partition(";")[0].strip().lower() == FORM


def read_query(query: bytes) -> dict[str, str]:
    """The fields of the query, for a gateway that uses GET; 413 if it is too long."""
    if len(query) > LARGEST_FORM:
        raise HTTPException(413)
    return fields_of(query)


def fields_of(body: bytes) -> dict[str, str]:
    """The fields; none for a form with a repeated field or too many: no gateway sends one."""
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
    """The UTF-8 text of bytes read as Latin-1; quick for plain ASCII, as nearly all are."""
    plain = _plain(written) if "%" in written else written
    return plain if plain.isascii() else plain.encode("latin-1").decode("utf-8", "replace")


def _plain(escaped: str) -> str:
    """The result of `unquote_to_bytes`, mostly without calling it: a hop has ten of these."""
    first, *others = escaped.split("%")
    try:
        return first + "".join([_BYTES[other[:2]] + other[2:] for other in others])
    except KeyError:
        return unquote_to_bytes(escaped.encode("latin-1")).decode("latin-1")
