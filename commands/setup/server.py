"""What a superuser of PostgreSQL makes: the owner's role, the service's role, the database, and who may lock in it.

No password reaches the server or its log: it is given the verifier that it would have made of it (SCRAM-SHA-256,
RFC 5803).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from asyncpg.exceptions import PostgresError
from sqlalchemy import URL, make_url

import settings
from commands.command import CommandError
from engines.cluster import GUARDS, OWNER_ROLE, RIGHTS

ROUNDS, SALT_BYTES = 4096, 16
IS_ROLE = "select exists (select from pg_roles where rolname = $1)"
IS_DATABASE = "select exists (select from pg_database where datname = $1)"


@dataclass(frozen=True)
class WantedServer:
    """The addresses of the two roles: names, passwords and the database are in them."""

    owner: URL
    service: URL

    @property
    def database(self) -> str:
        return str(self.service.database)


def wanted(environ: Mapping[str, str]) -> WantedServer:
    """What DATABASE_URL and MIGRATE_DATABASE_URL ask for; CommandError if the two do not fit together."""
    owner, service = (_url(environ, name) for name in ("MIGRATE_DATABASE_URL", "DATABASE_URL"))
    if owner.username == service.username:
        raise CommandError(
            "DATABASE_URL and MIGRATE_DATABASE_URL name one role: the service must own nothing", 2
        )
    at = [(url.database, settings.hosts_of(url)) for url in (owner, service)]
    if at[0] != at[1]:
        raise CommandError("DATABASE_URL and MIGRATE_DATABASE_URL name two databases", 2)
    return WantedServer(owner, service)


def _url(environ: Mapping[str, str], name: str) -> URL:
    try:
        url = make_url(settings.database_url(environ.get(name, "").strip()))
    except ValueError as fault:
        raise CommandError(f"{name}: {fault}", 2) from None
    if not url.username or not url.password:
        raise CommandError(f"{name}: must name a role and its password", 2)
    if not str(url.password).isascii() or not str(url.password).isprintable():
        raise CommandError(f"{name}: a password of plain letters, digits and signs, please", 2)
    return url


def verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    kept = (
        base64.b64encode(part).decode()
        for part in (salt, client, hmac.digest(salted, b"Server Key", "sha256"))
    )
    written, stored, server = kept
    return f"SCRAM-SHA-256${ROUNDS}:{written}${stored}:{server}"


def _create_role(role: URL) -> str:
    kept = verifier(str(role.password), secrets.token_bytes(SALT_BYTES))
    return f"create role {_name(role.username)} {RIGHTS} password '{kept}'"


def _create_database(server: WantedServer) -> str:
    owner = _name(server.owner.username)
    return f"create database {_name(server.database)} owner {owner} encoding 'UTF8' template template0"


def _rights(server: WantedServer) -> tuple[str, ...]:
    database = _name(server.database)
    return (
        f"revoke connect on database {database} from public",
        f"grant connect on database {database} to {_name(server.service.username)}",
    )


def _guards(server: WantedServer) -> str:
    """`server.sql` for these roles."""
    return GUARDS.read_text(encoding="utf-8").replace(
        f"to {OWNER_ROLE} ", f"to {_name(server.owner.username)} "
    )


def _name(name: str | None) -> str:
    return '"' + (name or "").replace('"', '""') + '"'


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


async def make(superuser_url: str, server: WantedServer) -> list[str]:
    """Make what is not there; a line on each thing. CommandError if the superuser may not."""
    try:
        said = await _make(superuser_url, server)
        await _run(_into(superuser_url, server.database), _guards(server))
    except (PostgresError, OSError, ValueError) as fault:
        raise CommandError(f"SUPERUSER_URL: {str(fault).splitlines()[0]}") from None
    return [*said, "advisory locks: kept for the service"]


async def _make(superuser_url: str, server: WantedServer) -> list[str]:
    said = []
    db = await asyncpg.connect(superuser_url)
    try:
        for role in (server.owner, server.service):
            there = await db.fetchval(IS_ROLE, role.username)
            if not there:
                await db.execute(_create_role(role))
            said.append(f"role {role.username}: {'was there' if there else 'made'}")
        there = await db.fetchval(IS_DATABASE, server.database)
        if not there:
            await db.execute(_create_database(server))
        said.append(f"database {server.database}: {'was there' if there else 'made'}")
        for statement in _rights(server):
            await db.execute(statement)
    finally:
        await db.close()
    return said


async def _run(url: str, statements: str) -> None:
    db = await asyncpg.connect(url)
    try:
        await db.execute(statements)
    finally:
        await db.close()


def _into(superuser_url: str, database: str) -> str:
    """The same address in another database."""
    return make_url(superuser_url).set(database=database).render_as_string(hide_password=False)


def script(server: WantedServer) -> str:
    """The same for psql, which must be connected as a superuser."""
    lines = [r"\set ON_ERROR_STOP on"]
    made = [(IS_ROLE, str(role.username), _create_role(role)) for role in (server.owner, server.service)]
    made.append((IS_DATABASE, server.database, _create_database(server)))
    for is_there, name, create in made:
        asked = is_there.removeprefix("select ").replace("$1", _text(name))
        lines.append(f"select {_text(create)} where not {asked} \\gexec")
    lines += [f"{statement};" for statement in _rights(server)]
    return "\n".join([*lines, f"\\connect {_name(server.database)}", _guards(server)])
