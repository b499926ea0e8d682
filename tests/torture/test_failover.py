"""The proof "failover" in short; and the front that it stands on, which drops a hop where it does not try again."""

import shutil

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engines import processes
from tests.conftest import open_folder, wait_until_unlocked
from tests.support.servers import serving
from torture import failover
from torture.front import HOST, Front

HOPS = 4


async def test_servers_are_lost_and_processes_replaced_and_nothing_is_lost_or_doubled() -> None:
    folder = open_folder("keneya-failover-")
    try:
        verdict = await failover.prove(1, folder / "place", failover.SHORT)
        assert verdict.broken == []
        counts = verdict.counts
        assert counts[failover.DROPPED] == 0
        assert counts[failover.POSTGRES] > counts[failover.PROMOTED]
        assert min(counts[failover.REDIS], counts[failover.IN_UPGRADE], counts["retried by the front"]) > 0
        assert counts["paid"] == counts["posted"] > 50
        assert counts["SMS in"] > 10
    finally:
        wait_until_unlocked(folder / "place" / "var")
        shutil.rmtree(folder)


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
