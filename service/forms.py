"""Reads the fields of a request up to a limit of bytes; `http_limits` limits the time.

A bad body is an HTTPException; a form with a repeated field or too many fields is read as empty, and so is JSON or XML
that nobody can read.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.parsers.expat import ExpatError
from xmlrpc.client import DateTime, Fault
from xmlrpc.client import loads as xml_rpc

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive

log = logging.getLogger("keneya.web")

LARGEST_FORM = 8 * 1024
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 40
DEEPEST = 3  # objects within objects
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


async def read_json(headers: Headers, receive: Receive) -> dict[str, str]:
    """The fields of a JSON object as text, those of an object within it as `name.field`; 413, 415 and 400 as above."""
    body = await read_body(receive, LARGEST_FORM)
    if not _is_one_of(headers, "json"):
        raise HTTPException(415)
    return _known(lambda: _flat(orjson.loads(body)))


async def read_xml_rpc(headers: Headers, receive: Receive) -> dict[str, str]:
    """The members of a method's only struct, or its values in pairs of name and value; 413, 415 and 400 as above."""
    body = await read_body(receive, LARGEST_FORM)
    if not _is_one_of(headers, "xml"):
        raise HTTPException(415)
    if b"<!" in body:  # entities could make a few bytes very many
        return {}
    return _known(lambda: _members(xml_rpc(body.decode())[0]))


def _is_one_of(headers: Headers, kind: str) -> bool:
    said = headers.get("content-type", "").partition(";")[0].strip().lower()
    return said in (f"application/{kind}", f"text/{kind}") or said.endswith(f"+{kind}")


def _known(read: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        fields = read()
    except (ValueError, TypeError, LookupError, ExpatError, Fault, RecursionError):
        log.warning("webhook.unreadable_body")
        return {}
    return fields if len(fields) <= MOST_FIELDS else {}


def _members(parameters: Sequence[Any]) -> dict[str, str]:
    if len(parameters) == 1:
        return _flat(parameters[0])
    return _flat(dict(zip(parameters[::2], parameters[1::2], strict=True)))


def _flat(written: Any, within: str = "", depth: int = 0) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, found in written.items():
        if isinstance(found, dict) and depth < DEEPEST:
            fields |= _flat(found, f"{within}{name}.", depth + 1)
        elif isinstance(found, bool):
            fields[f"{within}{name}"] = str(found).lower()
        elif isinstance(found, str | int | DateTime):
            fields[f"{within}{name}"] = str(found).replace("\x00", "")
    return fields


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
