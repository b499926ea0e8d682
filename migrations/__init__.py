"""The schema, one numbered step a file, applied by the owner's role; the service's role gets only what
`grants.py` lists.

`migrate` may be run any number of times; it is what `keneya migrate` and every test run.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.grants import grant_statements

LOCK_KEY = 7_305_011  # any constant: two releases migrating at once take turns


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(owner_url: str, service_role: str) -> None:
    """Bring the database at `owner_url` (`postgresql+asyncpg://…`) to the newest version, all or nothing.

    `service_role` is the role that web and worker connect as; it owns nothing.
    """
    engine = create_async_engine(owner_url)
    try:
        async with engine.begin() as db:
            await db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            await db.run_sync(_upgrade)
            for statement in grant_statements(service_role):
                await db.execute(text(statement))
    finally:
        await engine.dispose()
