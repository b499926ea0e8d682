"""What an installation still lacks before its first call, a line each, with what to type."""

import re
from collections.abc import Mapping
from typing import Any

from asyncpg.exceptions import PostgresError
from sqlalchemy import URL, TextClause, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import settings
from commands.backup import programs
from commands.command import CommandError, one_line
from commands.setup.server import WantedServer
from commands.upkeep import redis_fault
from service.database import connect_args
from service.start import START_FAULTS, expect_good_start
from settings import Settings, SettingsError

PLACEHOLDER = re.compile(r"TO-FILL-IN|\bDRAWN\b|\bexample\.(?:org|com)\b")
SERVER = text("show server_version_num")
IS_EMPTY = text("select not exists (select from mutuelle)")


async def logins(server: WantedServer) -> list[str]:
    """Which of the two roles cannot log in, and why."""
    return [refusal for role in (server.owner, server.service) if (refusal := await _refusal(role))]


async def _refusal(role: URL) -> str | None:
    try:
        await _answer(role.render_as_string(hide_password=False), SERVER)
    except (SQLAlchemyError, PostgresError, OSError) as fault:
        return f"{role.username} cannot log in: {one_line(fault)}"
    return None


async def missing(environ: Mapping[str, str]) -> list[str]:
    """Every thing that is missing; the roles can log in."""
    lacking = [
        f"{name}: is still the example's" for name, value in environ.items() if PLACEHOLDER.search(value)
    ]
    try:
        wanted = settings.read(environ)
    except SettingsError as fault:
        return [*lacking, *fault.faults]
    return [
        *lacking,
        *await _of_database(wanted),
        *await _of_redis(wanted),
        *_of_addresses(wanted),
        *await _of_backup(wanted),
    ]


async def _of_database(wanted: Settings) -> list[str]:
    try:
        await expect_good_start(wanted)
    except START_FAULTS as fault:
        return str(fault).splitlines()
    if await _answer(wanted.database_url, IS_EMPTY):
        return ["a mutuelle: keneya import DIR (docs/start has the files to fill in)"]
    return []


async def _answer(url: str, asked: TextClause) -> Any:
    engine = create_async_engine(url, poolclass=NullPool, connect_args=connect_args())
    try:
        async with engine.connect() as db:
            return await db.scalar(asked)
    finally:
        await engine.dispose()


async def _of_redis(wanted: Settings) -> list[str]:
    fault = await redis_fault(wanted.redis_url)
    return [f"Redis: {fault}"] if fault else []


def _of_addresses(wanted: Settings) -> list[str]:
    if wanted.simulator:
        return ["SIMULATOR: is 1, which is for demonstrations only"]
    if wanted.public_url.startswith("https://"):
        return []
    return [f"PUBLIC_URL: {wanted.public_url} cannot be reached by operators; https://… of your proxy"]


async def _of_backup(wanted: Settings) -> list[str]:
    major = int(await _answer(wanted.database_url, SERVER)) // 10_000
    try:
        programs.find("pg_dump", server=major, oldest=major)
    except CommandError as fault:
        return [f"backups: {fault}"]
    return []
