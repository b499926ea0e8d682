"""The front that the proof "failover" stands on: it drops a hop where it does not try again."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engines import processes
from tests.support.servers import serving
from torture.front import HOST, Front

HOPS = 4


@pytest.mark.parametrize("retries", [True, False])
async def test_a_hop_is_dropped_where_the_front_does_not_try_again(retries: bool) -> None:
    web = Starlette(
        routes=[Route("/at/ussd", lambda _request: PlainTextResponse("CON 1 Oui"), methods=["POST"])]
    )
    async with serving(web) as address:
        front = Front((processes.free_port(), int(address.rpartition(":")[2])), retries=retries)
        async with httpx.AsyncClient(transport=front, trust_env=False) as http:
            for _hop in range(HOPS):
                await http.post(f"http://{HOST}/at/ussd", content=b"text=1")
    dropped = [hop for hop in front.hops if hop.trouble]
    assert len(front.hops) == HOPS
    assert (len(dropped), front.retried) == ((0, HOPS // 2) if retries else (HOPS // 2, 0))
