"""HTTP with a provider of SMS: one call, and whether a call without an answer may have sent the message.

Nothing here is logged or raised that has an address in it: Kannel's and Jasmin's calls carry the password.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from sms.provider import SendResult, SendStatus

TIMEOUT = httpx.Timeout(9, connect=3)
WHOLE_S = 15  # for a whole answer: of a slow one each read may be in time, the sum not
BODY_SIZE = 64 * 1024
USER_AGENT = "keneya/0.1 (sms)"


@dataclass(frozen=True)
class ProviderReply:
    """An HTTP answer; `text` is its body."""

    code: int
    text: str

    @property
    def status(self) -> str:
        """The beginning of the answer, to store beside the message."""
        words = " ".join(self.text.replace("\x00", "").split())
        return f"HTTP {self.code} {words}"[:60].strip()


@dataclass(frozen=True)
class HttpCall:
    """A request; its repr shows no password. One of `form` and `json` is its body."""

    method: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


async def ask(client: httpx.AsyncClient, call: HttpCall) -> ProviderReply | SendResult:
    """The answer; without one LATER, if the request certainly did not leave, else UNKNOWN.

    A redirect is not followed: a fault at a second address would look as if nothing had been sent.
    """
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            client.stream(
                call.method,
                call.url,
                params=call.query or None,
                data=call.form,
                json=call.json,
                headers={"user-agent": USER_AGENT} | dict(call.headers),
                timeout=TIMEOUT,
                follow_redirects=False,
            ) as answer,
        ):
            return await _read(answer)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as fault:
        return SendResult(SendStatus.LATER, reason=f"no connection ({type(fault).__name__})")
    except httpx.InvalidURL:
        return SendResult(SendStatus.ACCOUNT, reason="the url of the account leads nowhere")
    except (httpx.HTTPError, TimeoutError) as fault:
        return SendResult(SendStatus.UNKNOWN, reason=f"no answer ({type(fault).__name__})")


async def _read(answer: httpx.Response) -> ProviderReply:
    """At most BODY_SIZE bytes of the body: more tells nothing more."""
    read = bytearray()
    async for chunk in answer.aiter_bytes():
        read += chunk
        if len(read) > BODY_SIZE:
            break
    return ProviderReply(answer.status_code, bytes(read[:BODY_SIZE]).decode("utf-8", "replace"))
