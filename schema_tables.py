"""The tables as the code sees them: columns with their types, and the primary key, read from `migrations/schema`.

A column is written down once, there, with its checks, defaults and rights.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

SCHEMA = Path(__file__).with_name("migrations") / "schema"
TYPES: dict[str, TypeEngine[Any]] = {
    "bigint": BigInteger(),
    "boolean": Boolean(),
    "bytea": LargeBinary(),
    "date": Date(),
    "int": Integer(),
    "integer": Integer(),
    "integer[]": ARRAY(Integer()),
    "jsonb": JSONB(),
    "smallint": SmallInteger(),
    "text": Text(),
    "text[]": ARRAY(Text()),
    "timestamptz": DateTime(timezone=True),
    "uuid": Uuid(),
    "xid8": BigInteger(),  # as the driver reads it
}
_TABLE = re.compile(r"^create table ([\w.]+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (?!constraint |foreign |primary )(\w+) ([a-z0-9]+(?:\[\])?)(.*)", re.MULTILINE)
_KEY = re.compile(r"^    primary key \(([\w, ]+)\)", re.MULTILINE)

_metadata = MetaData()


def table(name: str) -> Table:
    """The table `name`, with its schema if that is not `public`. KeyError: no file makes it."""
    body = _bodies()[name]
    schema, _, own = name.rpartition(".")
    keys = _KEY.search(body)
    columns = [
        Column(
            column,
            TYPES[kind],
            primary_key="primary key" in rest or (keys is not None and column in keys[1].split(", ")),
            # An insert need not name a key that the database makes.
            server_default=FetchedValue() if " default " in rest else None,
        )
        for column, kind, rest in _COLUMN.findall(body)
    ]
    return Table(own, _metadata, *columns, schema=schema or None)


@cache
def _bodies() -> dict[str, str]:
    """What stands between the brackets of each `create table`, comments left out."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in sorted(SCHEMA.glob("*.sql")))
    return dict(_TABLE.findall(re.sub(r" *--.*", "", scripts)))
