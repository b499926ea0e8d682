"""What all files of the simulator share: its configuration, store, HTTP client and forms.

`time_scale` divides the waits of machines, not the limits that a person meets during a call.
"""

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request

PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
PATIENCE_S = 10.0  # how long Africa's Talking waits for an answer, connection included


@dataclass(frozen=True)
class Config:
    """Read once from the environment. `service_url` is the base address of the service."""

    service_url: str
    secret: str = field(repr=False)
    api_key: str = field(repr=False)
    data: Path
    time_scale: float
    service_code: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Config":
        """Raise KeyError for an absent variable and ValueError for a bad one."""
        scale = float(environ.get("TIME_SCALE") or 1)
        if not scale > 0:
            raise ValueError("TIME_SCALE must be above 0")
        return cls(
            service_url=environ["SIMULATOR_SERVICE_URL"].rstrip("/"),
            secret=environ["WEBHOOK_SECRET"].split(",")[0].strip(),
            api_key=environ["AT_API_KEY"],
            data=Path(environ["SIMULATOR_DATA"]),
            time_scale=scale,
            service_code=environ.get("SIMULATOR_SERVICE_CODE") or "*384*57#",
        )


@dataclass
class Simulator:
    """The running simulator. `calling` and `sending` are requests under way: a restart may lose them.

    `drawn` counts how often a trouble was drawn for a request that is meant: the next draw is another.
    """

    config: Config
    db: sqlite3.Connection
    http: httpx.AsyncClient
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    calling: set[str] = field(default_factory=set)
    sending: set[int] = field(default_factory=set)
    drawn: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    orange_token: tuple[str, float] = ("", 0.0)  # and when it ends

    def scaled(self, seconds: float) -> float:
        return seconds / self.config.time_scale


def simulator_of(request: Request) -> Simulator:
    sim: Simulator = request.app.state.sim
    return sim


def epoch() -> float:
    """The time now, in seconds since 1970."""
    return datetime.now(UTC).timestamp()


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form or of a flat JSON object, as text; HTTP 400 for anything else."""
    body = await request.body()
    try:
        if "json" not in request.headers.get("content-type", ""):
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
        parsed = json.loads(body)
    except ValueError:
        raise HTTPException(400, "unreadable body") from None
    if not isinstance(parsed, dict):
        raise HTTPException(400, "an object is expected")
    return {str(name): str(value) for name, value in parsed.items()}


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty one for anything else."""
    try:
        parsed = json.loads(await request.body())
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def phone_number(raw: str) -> str:
    """E.164 with its plus, which URL decoding may have turned into a space; HTTP 400 for anything else."""
    number = "+" + raw.strip().removeprefix("+")
    if not PHONE.fullmatch(number):
        raise HTTPException(400, "a phone number is +, country and number, 8 to 15 digits")
    return number
