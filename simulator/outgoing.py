"""What the simulator posts to the service later: delivery reports, incoming SMS, ends of calls, notices.

A row is written first and deleted only after a 2xx of the service: each arrives at least once, or is given up after
its tries.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from simulator.deps import Simulator, epoch
from simulator.store import Row

PARALLEL = 32
FORM = "application/x-www-form-urlencoded"


class Retries(NamedTuple):
    """`tries` in all; the first wait is `wait_s`, and each next one `growth` times as long."""

    wait_s: float
    growth: float
    tries: int


def form_later(
    sim: Simulator, path: str, form: Mapping[str, str], *, after_s: float, retry_s: float, tries: int
) -> None:
    """Post a form to the Africa's Talking webhook `path` of the service; tries are `retry_s` apart."""
    _later(sim, path, FORM, urlencode(form), after_s, Retries(retry_s, 1, tries))


def json_later(sim: Simulator, url: str, body: Mapping[str, str], *, after_s: float) -> None:
    """Post JSON to an address that the service gave; five tries 1, 2, 4 and 8 s apart."""
    _later(sim, url, "application/json", json.dumps(body), after_s, Retries(1, 2, 5))


def _later(
    sim: Simulator, address: str, content_type: str, body: str, after_s: float, retries: Retries
) -> None:
    due_at, wait_s = epoch() + sim.scaled(after_s), sim.scaled(retries.wait_s)
    sim.db.execute(
        "INSERT INTO outgoing (address, content_type, body, due_at, retry_s, growth, tries_left)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (address, content_type, body, due_at, wait_s, retries.growth, retries.tries),
    )
    sim.wake.set()


async def deliver_forever(sim: Simulator) -> None:
    """Send what is due, in parallel, until cancelled."""
    async with asyncio.TaskGroup() as group:
        while True:
            now = epoch()
            for row in _due(sim, now):
                sim.sending.add(row["position"])
                group.create_task(_deliver(sim, row))
            await _until_next(sim, now)


def _due(sim: Simulator, now: float) -> list[Row]:
    rows = sim.db.execute(
        "SELECT * FROM outgoing WHERE due_at <= ? AND tries_left > 0 ORDER BY due_at LIMIT ?",
        (now, 2 * PARALLEL),
    ).fetchall()
    waiting = [row for row in rows if row["position"] not in sim.sending]
    return waiting[: max(0, PARALLEL - len(sim.sending))]


async def _until_next(sim: Simulator, now: float) -> None:
    """Sleep until a row is added, a send ends, or the next row is due; one second at most."""
    row = sim.db.execute(
        "SELECT min(due_at) AS due_at FROM outgoing WHERE tries_left > 0 AND due_at > ?", (now,)
    ).fetchone()
    rest_s = 1.0 if row["due_at"] is None else min(1.0, max(0.001, row["due_at"] - epoch()))
    sim.wake.clear()
    try:
        async with asyncio.timeout(rest_s):
            await sim.wake.wait()
    except TimeoutError:
        return


async def _deliver(sim: Simulator, row: Row) -> None:
    try:
        if await _accepted(sim, row):
            sim.db.execute("DELETE FROM outgoing WHERE position = ?", (row["position"],))
        else:
            sim.db.execute(
                "UPDATE outgoing SET tries_left = tries_left - 1, due_at = ?, retry_s = retry_s * growth"
                " WHERE position = ?",
                (epoch() + row["retry_s"], row["position"]),
            )
    finally:
        sim.sending.discard(row["position"])
        sim.wake.set()


async def _accepted(sim: Simulator, row: Row) -> bool:
    """Whether the service answered 2xx in time. The secret is added only here: it is never in the store."""
    address = row["address"]
    if address.startswith("/"):
        address = f"{sim.config.service_url}/at/{sim.config.secret}{address}"
    try:
        answer = await sim.http.post(
            address, content=row["body"], headers={"content-type": row["content_type"]}
        )
    except httpx.HTTPError:
        return False
    return answer.is_success
