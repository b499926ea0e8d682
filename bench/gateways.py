"""The reader of gateways that are files of data beside Africa's Talking's: the same calls, on the real home, in turn.

A caller dials and looks around; nothing is agreed to. Every answer is compared with the one that its caller may see.
"""

from dataclasses import dataclass
from itertools import count, islice

import httpx

from bench.callers import phone_of
from bench.measures import Measure, Size, against, alone, must_be_none
from bench.place import WEB, BenchPlace, Served, served
from bench.wire import Exchange, Load, WireHop, closed_loop, in_turn
from settings import DEMO_CODE, DEMO_SECRET
from simulator import vendor
from simulator.vendor import VendorHop

SHAPES = ("plain", "hubtel", "nalo")
TYPED = ("8", "0", "7", "0")  # no key twice in a row
PATIENCE_S = 60.0
REHEARSING = 5_000_000  # far above every other caller
_people = count(REHEARSING + 1)


@dataclass
class ShapeLoad(Load):
    """Any form of answer may be right."""

    def take(self, hop: WireHop, status: int, body: bytes, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        self.bad += status != 200
        self.crossed += status == 200 and not hop.is_answered_by(body)


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some seconds a shape."""
    laps: dict[str, list[ShapeLoad]] = {shape: [] for shape in (vendor.AFRICASTALKING, *SHAPES)}
    async with served(place, WEB) as web:
        answers = {shape: await _rehearse(web, shape) for shape in laps}
        for _round in range(size.rounds):
            for shape, done in laps.items():
                people = islice(_people, max(1, size.reading_calls // 4))
                calls = iter([_hops(shape, nth, answers[shape]) for nth in people])
                callers = [in_turn(calls) for _caller in range(size.callers)]
                load = await closed_loop(web.port, callers, PATIENCE_S, ShapeLoad())
                done.append(load if isinstance(load, ShapeLoad) else ShapeLoad())
    rates = {shape: [load.hops_per_s for load in done] for shape, done in laps.items()}
    ours = rates.pop(vendor.AFRICASTALKING)
    wrong = sum(load.crossed + load.bad for done in laps.values() for load in done)
    return [
        alone("gateways", "hops through africastalking", "hops/s", ours),
        *(
            against("gateways", f"hops through {s}", "hops/s", r, "africastalking", ours)
            for s, r in rates.items()
        ),
        must_be_none("gateways", "wrong answers of gateways", "answers", wrong),
    ]


def _asked(shape: str, nth: int) -> list[bytes]:
    """The requests of one call, as they go over the wire."""
    call = VendorHop(f"bench-{nth:09}", phone_of(nth), DEMO_CODE)
    hops = [call._replace(typed=TYPED[:typed]) for typed in range(len(TYPED) + 1)]
    url = vendor.address(shape, "http://keneya", DEMO_SECRET)
    return [_on_the_wire(vendor.request_of(shape, url, hop)) for hop in hops]


def _on_the_wire(request: httpx.Request) -> bytes:
    lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1", "host: keneya"]
    if request.content:
        lines += [
            f"content-type: {request.headers['content-type']}",
            f"content-length: {len(request.content)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + request.content


async def _rehearse(web: Served, shape: str) -> list[bytes]:
    exchange = Exchange(web.port)
    answers = [(await exchange.ask(request))[1] for request in _asked(shape, REHEARSING)]
    exchange.close()
    return answers


def _hops(shape: str, nth: int, answers: list[bytes]) -> list[WireHop]:
    """The answers of the rehearsal, with what they echo of the caller."""
    call, phone = (f"bench-{REHEARSING:09}", f"bench-{nth:09}"), (phone_of(REHEARSING)[1:], phone_of(nth)[1:])
    own = [answer.decode().replace(*call).replace(*phone).encode() for answer in answers]
    return [WireHop(*pair) for pair in zip(_asked(shape, nth), own, strict=True)]
