"""Redis, or the one that its sentinels call the master now: `redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/NAME`."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

SENTINEL_PORT = 26379
TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Sentinels:
    """Who is asked where the master `name` is. `password` is Redis's; the sentinels may have another, or none."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    password: str | None
    sentinel_password: str | None
    is_tls: bool


def sentinels_of(url: str) -> Sentinels:
    """What `redis+sentinel://…` or `rediss+sentinel://…` says; ValueError, with a sentence, if it says it wrongly."""
    parts = urlsplit(url)
    secrets, _, hosts = parts.netloc.rpartition("@")
    named = tuple(re.fullmatch(r"([\w.-]+)(?::(\d{1,5}))?", host) for host in hosts.split(","))
    name = parts.path.strip("/")
    if (
        parts.scheme not in ("redis+sentinel", "rediss+sentinel")
        or not all(named)
        or not re.fullmatch(r"[\w.-]+", name)
    ):
        raise ValueError("must be redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/NAME-OF-THE-MASTER")
    (theirs,) = parse_qs(parts.query).get("sentinel_password", [""])
    return Sentinels(
        hosts=tuple((found[1], int(found[2] or SENTINEL_PORT)) for found in named if found),
        name=name,
        password=unquote(secrets.partition(":")[2]) or None,
        sentinel_password=theirs or None,
        is_tls=parts.scheme == "rediss+sentinel",
    )


def connect(url: str) -> Redis:
    """A client of Redis at `url`. It never tries twice: a caller waits, and the next hop connects again."""
    given: dict[str, Any] = {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    if "+sentinel://" not in url:
        return Redis.from_url(url, **given)
    to = sentinels_of(url)
    if to.is_tls:
        given["ssl"] = True
    sentinel = Sentinel(
        to.hosts, sentinel_kwargs={**given, "password": to.sentinel_password}, **given, password=to.password
    )
    client: Redis = sentinel.master_for(to.name)
    return client
