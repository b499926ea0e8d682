"""The rights of the service's role and of an auditor's, given anew at each `keneya migrate`.

A right stands beside its table or function in `schema/*.sql`: `grant … to service`, `to auditor`, or both, whatever
the roles of an installation are called. What is not granted there, nobody but the owner can do.
"""

import re
from collections.abc import Iterator
from typing import Literal

from schema_tables import SCHEMA

SCHEMAS: tuple[str, ...] = ("public", "ledger")
AUDITOR_ROLE = "keneya_auditor"  # reads the whole ledger, and what a mutuelle says of itself

_RIGHT = re.compile(r"^(grant [^;]+) to (service|auditor|service, auditor);.*\n", re.MULTILINE)
# What is no subject's: web and worker refuse a schema that is older than they are.
_ON_FUNCTION = "grant execute on function "
_GENERAL = ("grant usage on schema public", "grant select on alembic_version")


def without_rights(subject: str) -> str:
    """`schema/SUBJECT.sql` without its rights."""
    return _RIGHT.sub("", (SCHEMA / f"{subject}.sql").read_text(encoding="utf-8"))


def rights(who: Literal["service", "auditor"]) -> list[str]:
    """`grant … on …` for each right that the files give to `who`."""
    scripts = [path.read_text(encoding="utf-8") for path in sorted(SCHEMA.glob("*.sql"))]
    found = [right for script in scripts for right in _RIGHT.findall(script)]
    return [*_GENERAL, *(grant for grant, roles in found if who in roles.split(", "))]


def grant_statements(role: str) -> Iterator[str]:
    """The statements that give the service's `role` its rights, and take back what an older program gave."""
    yield from _from_nothing(role)
    yield from (f"{grant} to {_name(role)}" for grant in rights("service"))


def shared_statements(role: str, database: str) -> Iterator[str]:
    """What is everybody's in a new database and the service's `role` keeps: tables that fill the disk, and locks of a
    number, where `server.sql` has taken them from everybody."""
    yield f"revoke temporary on database {_name(database)} from public"
    yield f"grant temporary on database {_name(database)} to {_name(role)}"
    yield _ADVISORY_LOCKS.replace("ROLE", role)


def auditor_statements(role: str) -> Iterator[str]:
    """The same for an auditor's `role`: it reads, and writes nothing, not even by a function."""
    yield from _from_nothing(role)
    yield from (f"{grant} to {_name(role)}" for grant in rights("auditor"))


# Our own only: a hosted server may keep views of its extensions in `public`, whose rights are not ours to take.
_OWN_TABLES = """
do $own$
declare
    ours regclass;
begin
    for ours in select oid from pg_class
                 where relnamespace = to_regnamespace('SCHEMA') and relkind in ('r', 'p', 'v', 'm')
                   and pg_get_userbyid(relowner) = current_user
    loop
        execute format('revoke all on %s from %s', ours, $role$ROLE$role$);
    end loop;
end $own$
"""


_ADVISORY_LOCKS = """
do $own$ begin
    if exists (select from pg_roles where rolname = 'keneya_locks'
                  and pg_has_role(oid, 'member with admin option')
                  and not pg_has_role($role$ROLE$role$, oid, 'member')) then
        execute format('grant keneya_locks to %I', $role$ROLE$role$);
    end if;
end $own$
"""


def _name(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


def _from_nothing(role: str) -> Iterator[str]:
    for schema in SCHEMAS:
        yield _OWN_TABLES.replace("SCHEMA", schema).replace("ROLE", _name(role))
    # A function is everybody's from its making on, and a restore leaves every right out.
    yield f"revoke all on all functions in schema ledger from public, {_name(role)}"
    for grant in rights("service"):
        if grant.startswith(_ON_FUNCTION):
            yield f"revoke all on function {grant.removeprefix(_ON_FUNCTION)} from public, {_name(role)}"
