"""A phone that calls through any gateway, over HTTP, as its vendor would."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

import httpx

from simulator import vendor
from simulator.vendor import VendorHop, VendorReply
from tests.support.running_service import SECRET, House
from tests.support.town import AWA

CODE = "*384*57#"
_calls = count(1)


@dataclass
class GatewayPhone:
    """`hop` is the newest hop, `shown` its answer; typing the same again waits until it counts as typed twice."""

    house: House
    gateway: str
    phone: str = AWA
    hop: VendorHop = field(init=False)
    shown: VendorReply = field(init=False)
    sent: list[httpx.Request] = field(default_factory=list)
    received: list[httpx.Response] = field(default_factory=list)

    async def dial(self, dialled: str = "") -> str:
        self.hop = VendorHop(f"{self.gateway}-{next(_calls)}", self.phone, CODE, dialled)
        return await self.again()

    async def type(self, *words: str) -> str:
        for word in words:
            if self.hop.typed[-1:] == (word,):
                await asyncio.sleep(vendor.repeats_within_s(self.gateway) * 1.1)
            self.hop = self.hop._replace(typed=(*self.hop.typed, word))
            await self.again()
        return self.shown.words

    async def again(self) -> str:
        """The newest hop, once more if it was sent before."""
        self.shown = vendor.read_reply(self.gateway, await self.send(self.hop))
        return self.shown.words

    async def end(self, how: str) -> httpx.Response:
        """The gateway says that the call is over."""
        return await self.send(self.hop._replace(ended=how))

    async def send(self, hop: VendorHop) -> httpx.Response:
        url = vendor.address(self.gateway, str(self.house.http.base_url).rstrip("/"), SECRET)
        request = vendor.request_of(self.gateway, url, hop)
        self.sent.append(request)
        response = await self.house.http.send(request)
        assert response.status_code == 200, response.text
        self.received.append(response)
        return response
