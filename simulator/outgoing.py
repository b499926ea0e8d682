"""What the simulator posts to the service later: delivery reports, incoming SMS, ends of calls, notices.

A row is written first and deleted only after a 2xx of the service: each arrives at least once, or is given up after
its tries.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from simulator.deps import Simulator, epoch
from simulator.store import Row

PARALLEL = 32
KEPT_OUT = "{secret}"  # in an address of the service, which begins with its path
FORM = "application/x-www-form-urlencoded"


class Retries(NamedTuple):
    """`tries` in all; the first wait is `wait_s`, and each next one `growth` times as long."""

    wait_s: float
    growth: float
    tries: int


class OutgoingNotice(NamedTuple):
    """What a provider tells an address that the service gave, in the provider's own form.

    `seal` says who signs it when it leaves, and how: a name of SEALS, and a word for it.
    """

    url: str
    body: str
    method: str = "POST"
    headers: Mapping[str, str] = {"content-type": "application/json"}
    seal: str = ""


# What makes the headers of a signed notice, of its address, its body and a word.
SEALS: dict[str, Callable[[Simulator, str, str, str], Mapping[str, str]]] = {}


NOTICE_RETRIES = Retries(1, 2, 5)  # 1, 2, 4 and 8 s apart


def form_notice(path: str, form: Mapping[str, str]) -> OutgoingNotice:
    """A form that is posted to a path of the service."""
    return OutgoingNotice(path, urlencode(form), headers={"content-type": FORM})


def form_later(
    sim: Simulator, path: str, form: Mapping[str, str], *, after_s: float, retry_s: float, tries: int
) -> None:
    """Post a form to the Africa's Talking webhook `path` of the service; tries are `retry_s` apart."""
    _later(
        sim,
        form_notice(f"/at/{KEPT_OUT}{path}", form),
        after_s,
        Retries(retry_s, 1, tries),
    )


def notice_later(
    sim: Simulator, notice: OutgoingNotice, *, after_s: float, retries: Retries = NOTICE_RETRIES
) -> None:
    """Send a notice to an address that the service gave, or to a path of it with KEPT_OUT inside."""
    _later(sim, notice, after_s, retries)


def _later(sim: Simulator, notice: OutgoingNotice, after_s: float, retries: Retries) -> None:
    due_at, wait_s = epoch() + sim.scaled(after_s), sim.scaled(retries.wait_s)
    sim.db.execute(
        "INSERT INTO outgoing (method, address, headers, seal, body, due_at, retry_s, growth, tries_left)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            notice.method,
            notice.url.replace(sim.config.secret, KEPT_OUT),
            json.dumps(dict(notice.headers)),
            notice.seal,
            notice.body,
            due_at,
            wait_s,
            retries.growth,
            retries.tries,
        ),
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
    address = row["address"].replace(KEPT_OUT, sim.config.secret)
    if address.startswith("/"):
        address = sim.config.service_url + address
    headers, (sealer, _, word) = json.loads(row["headers"]), row["seal"].partition(" ")
    if sealer:
        headers |= SEALS[sealer](sim, address, row["body"], word)
    try:
        answer = await sim.http.request(row["method"], address, content=row["body"], headers=headers)
    except httpx.HTTPError:
        return False
    return answer.is_success
