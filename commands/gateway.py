"""`keneya gateway try`: a call through a USSD gateway as its vendor makes it, with both sides on the screen.

What is typed is done: a yes is a yes of this phone. A PIN, and the secrets of the gateway, are never shown.
"""

import argparse
import asyncio
import getpass
import re
import sys
from collections.abc import Mapping
from uuid import uuid4

import httpx

import settings
from commands.command import CommandError, Commands, command, environment, group, phone
from settings import DEMO_CODE
from simulator import vendor
from simulator.vendor import VendorHop, VendorReply
from ussd.access import GatewayAccess

ASKS_PIN = re.compile(r"\bPIN\b|code secret|secret code", re.IGNORECASE)
FIGURES = re.compile(r"(?<![0-9/])[0-9]{4,6}(?![0-9])")  # as long as a PIN or a code
HIDDEN = "****"
LETTERS = str.maketrans("0123456789", "ghijklmnop")  # a session is named without figures, which are hidden
TIMEOUT_S = 15.0
HUNG_UP = "cancelled"


def add(commands: Commands) -> None:
    tried = command(
        group(commands, "gateway", "USSD gateways"),
        "try",
        try_gateway,
        "call through a gateway as its vendor would; what is typed is done",
    )
    tried.add_argument("name", help="africastalking or one of USSD_GATEWAYS")
    tried.add_argument("--phone", type=phone, required=True, help="the phone that calls")
    tried.add_argument(
        "--code", default=None, help=f"the service code (default: USSD_NAME_CODE, or {DEMO_CODE})"
    )
    tried.add_argument("--url", default=None, help="where the service answers (default: this machine)")


async def try_gateway(arguments: argparse.Namespace) -> int:
    """Dial, show each request and its answer, and type what is read until the call ends."""
    base, gateways = settings.read_gateways(environment())
    access = next((one for one in gateways if one.name == arguments.name), None)
    if access is None:
        names = ", ".join(one.name for one in gateways)
        raise CommandError(f"no gateway {arguments.name!r} is on; there are {names}", 2)
    code = arguments.code or access.code or DEMO_CODE
    hop = VendorHop(f"try-{uuid4().hex.translate(LETTERS)}", arguments.phone, code)
    secret = access.secrets[0] if access.secrets else ""
    url = vendor.address(access.name, arguments.url or base, secret)
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as http:
        call = TriedCall(http, access, url, secret)
        reply = await call.send(hop)
        while reply.goes_on:
            if (typed := _typed(reply.words)) is None:
                if vendor.tells_ends(access.name):
                    await call.send(hop._replace(ended=HUNG_UP))
                return 0
            if hop.typed[-1:] == (typed,):
                await asyncio.sleep(
                    vendor.repeats_within_s(access.name)
                )  # sooner it would be the same hop again
            hop = hop._replace(typed=(*hop.typed, typed))
            reply = await call.send(hop)
    return 0


def _typed(screen: str) -> str | None:
    """The next line of what is typed; None at its end. A PIN leaves no trace on the terminal."""
    try:
        if sys.stdin.isatty() and ASKS_PIN.search(screen):
            return getpass.getpass("type: ")
        sys.stdout.write("type: ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not sys.stdin.isatty():
            print()
    except EOFError:
        return None
    return line.rstrip("\r\n") if line else None


class TriedCall:
    """One call that shows what goes over the wire, without what nobody else should read."""

    def __init__(self, http: httpx.AsyncClient, access: GatewayAccess, url: str, secret: str) -> None:
        self._http, self._access, self._url, self._secret = http, access, url, secret
        self._asked_pin = False
        self._pins: set[str] = set()

    async def send(self, hop: VendorHop) -> VendorReply:
        """Send one hop and show both sides; CommandError for an answer that the vendor would not take."""
        if self._asked_pin and hop.typed:
            self._pins.add(hop.typed[-1])
        request = vendor.request_of(self._access.name, self._url, hop)
        request.headers.update({name: values[0] for name, values in self._access.headers.items()})
        self._show(">", f"{request.method} {request.url.raw_path.decode()}", request.content)
        try:
            response = await self._http.send(request)
            self._show("<", f"{response.status_code} {_told(response.headers)}".rstrip(), response.content)
            reply = vendor.read_reply(self._access.name, response)
        except httpx.HTTPError as fault:
            raise CommandError(f"the service does not answer: {type(fault).__name__}") from None
        except ValueError as fault:
            raise CommandError(f"the vendor would not take this answer: {fault}") from None
        self._asked_pin = bool(ASKS_PIN.search(reply.words))
        print(f"\n{self._hidden(reply.words)}\n")
        if not reply.goes_on:
            print("(the call has ended)")
        return reply

    def _show(self, side: str, line: str, body: bytes) -> None:
        for shown in (line, body.decode("utf-8", "replace")):
            if shown:
                print(f"{side} {self._hidden(shown)}")

    def _hidden(self, words: str) -> str:
        if self._secret:
            words = words.replace(self._secret, "SECRET")
        for pin in filter(None, self._pins):
            words = words.replace(pin, HIDDEN)
        return FIGURES.sub(HIDDEN, words)


def _told(headers: Mapping[str, str]) -> str:
    """The headers of an answer that say something of the call."""
    return " ".join(
        f"{name}: {headers[name]}" for name in ("freeflow", "at-ussd-hop-metadata") if name in headers
    )
