"""HTTP with an operator, and reading its answers.

Nothing here raises for a received answer: one that cannot be understood is None, which becomes UNKNOWN.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import httpx
import phonenumbers
from anyascii import anyascii

from currencies import MINOR_DIGITS

BODY_SIZE = 64 * 1024
FIELD_SIZE = 200
TIMEOUT = httpx.Timeout(9, connect=3)
WHOLE_S = 15  # for a whole answer: of a slow one each read may be in time, the sum not
NOTE_SIZE = 22
USER_AGENT = "keneya/0.1 (mobile money)"  # some gateways refuse a library's default name

AMOUNT_LIMIT = 10**15


@dataclass(frozen=True)
class HttpReply:
    """An HTTP answer. `body` is its JSON object; None if it is anything else."""

    code: int
    body: dict[str, Any] | None

    def text(self, *path: str) -> str | None:
        """A field of the body, as `text` reads it."""
        return text(self.body, *path)


def text(told: object, *path: str) -> str | None:
    """A field of an object, sent as text or number, as text that PostgreSQL can store; None if absent or empty.

    `path` leads through objects inside the object: "payer", "partyId".
    """
    value: Any = told
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    kept = str(value)[:FIELD_SIZE].encode(errors="replace").decode()
    return kept.replace("\x00", "") or None


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    body: Mapping[str, object] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    patience_s: float | None = None,
) -> HttpReply | None:
    """Send one request and read at most BODY_SIZE bytes of the answer; None without a complete answer.

    A body of bytes is sent as it is: a signature is over these bytes. A redirect is not followed: it is an answer.
    `patience_s` is for an answer that is known to take longer than others.
    """
    sent = {"user-agent": USER_AGENT, "accept": "application/json"} | dict(headers or {})
    content, fields = (body, None) if isinstance(body, bytes) else (None, body)
    waits = TIMEOUT if patience_s is None else httpx.Timeout(patience_s, connect=TIMEOUT.connect)
    try:
        async with (
            asyncio.timeout(patience_s or WHOLE_S),
            client.stream(
                method,
                url,
                content=content,
                json=fields,
                headers=sent,
                timeout=waits,
                follow_redirects=False,
            ) as answer,
        ):
            return await _read(answer)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return None


@dataclass(frozen=True)
class AccessToken:
    """What opens an account, and how long it does; a life that nobody told lasts until it is refused."""

    word: str = field(repr=False)
    life_s: float = math.inf


@dataclass
class TokenHolder:
    """The token of an account, which all its requests share; `fetching` is the request for a new one."""

    kept: AccessToken | None = None
    until: float = 0
    fetching: "asyncio.Task[AccessToken | None] | None" = None

    async def exchange(
        self,
        fetch: Callable[[], Awaitable[AccessToken | None]],
        send: Callable[[str], Awaitable[HttpReply | None]],
    ) -> HttpReply | None:
        """Send with the token; once more with a new one if the one that was kept is refused (401): then nothing was
        done. A request waits for one token at most, so what it may take in all is known. None where there is none.
        """
        kept = self._now()
        token = kept or await self._fetched(fetch)
        reply = await self._sent(token, send)
        if kept is None or reply is None or reply.code != 401:
            return reply
        return await self._sent(self._now() or await self._fetched(fetch), send)

    async def _sent(
        self, token: AccessToken | None, send: Callable[[str], Awaitable[HttpReply | None]]
    ) -> HttpReply | None:
        reply = await send(token.word) if token else None
        if reply is not None and reply.code == 401 and self.kept is token:
            self.kept = None
        return reply

    def _now(self) -> AccessToken | None:
        return self.kept if asyncio.get_running_loop().time() < self.until else None

    async def _fetched(self, fetch: Callable[[], Awaitable[AccessToken | None]]) -> AccessToken | None:
        if self.fetching is None or self.fetching.done():
            self.fetching = asyncio.create_task(self._fetch(fetch))
        return await asyncio.shield(self.fetching)  # who gives up waiting does not take it from the others

    async def _fetch(self, fetch: Callable[[], Awaitable[AccessToken | None]]) -> AccessToken | None:
        asked_at = asyncio.get_running_loop().time()
        if (token := await fetch()) is not None:
            self.kept, self.until = token, asked_at + token.life_s
        return token


async def _read(answer: httpx.Response) -> HttpReply | None:
    read = bytearray()
    async for chunk in answer.aiter_bytes():
        read += chunk
        if len(read) > BODY_SIZE:
            return None
    return HttpReply(answer.status_code, json_object(bytes(read)))


def json_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object with exact numbers; None for anything else."""
    try:
        parsed = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _no_number(word: str) -> None:
    raise ValueError(word)


def minor(value: str | None, currency: str | None) -> int | None:
    """An amount in minor units: "1000", "1000.0000"; None for part of a minor unit or an unknown currency."""
    digits = MINOR_DIGITS.get(currency or "")
    if digits is None or value is None or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,10})?", value):
        return None
    try:
        amount = Decimal(value).scaleb(digits)
    except InvalidOperation:
        return None
    return int(amount) if amount == amount.to_integral_value() and amount < AMOUNT_LIMIT else None


def decimal_text(amount_minor: int, currency: str) -> str:
    """Minor units as operators write amounts, without needless decimals; KeyError for an unknown currency."""
    amount = Decimal(amount_minor).scaleb(-MINOR_DIGITS[currency])
    return format(amount.normalize() if amount % 1 else amount.to_integral_value(), "f")


def e164(value: str | None) -> str | None:
    """A phone number with its plus, written with or without; None for anything else.

    Numbers of Benin got 01 in front of their eight digits on 30 November 2024: without it, it is the same phone.
    """
    digits = re.fullmatch(r"\+?([1-9][0-9]{7,14})", value or "")
    return "+" + re.sub(r"^229([0-9]{8})$", r"22901\1", digits[1]) if digits else None


def national(phone: str, country: str) -> str | None:
    """The digits behind the country code of an E.164 number; None if it is not one of the country ("ML")."""
    code = f"+{phonenumbers.country_code_for_region(country)}"
    digits = phone.removeprefix(code)
    return digits if digits != phone and digits.isdecimal() else None


def reference(value: object) -> UUID | None:
    """One of our references, always a UUID; None for anything else."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def moment(value: str | None) -> datetime | None:
    """An ISO 8601 time in UTC, one without a zone read as UTC; None for anything else."""
    try:
        parsed = datetime.fromisoformat(value or "")
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):  # not a time, or in UTC outside the years 1 to 9999
        return None


def plain_note(note: str) -> str:
    """A note of at most 22 letters, digits and spaces: operators refuse apostrophes and accents."""
    letters = re.sub(r"[^A-Za-z0-9]+", " ", anyascii(note)).strip()
    return letters[:NOTE_SIZE].strip()
