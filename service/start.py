"""What must be right before web or worker starts: the same for both, and for `keneya settings check`."""

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import migrations
import settings
from migrations import OldSchemaError
from mutuelle.contributions.route_guards import StrangeRouteError, refuse_strange_routes
from service.clock import WrongClockError, refuse_wrong_clock
from service.database import connect_args
from service.pooler import PoolerError, explain_refusal, refuse_pooler
from settings import NoDatabaseError, Settings, SettingsError

START_FAULTS = (
    SettingsError,
    OldSchemaError,
    StrangeRouteError,
    NoDatabaseError,
    WrongClockError,
    PoolerError,
)


async def expect_good_start(wanted: Settings) -> None:
    """One of START_FAULTS, with a line for the operator, unless database, role, schema, clock and routes are right."""
    try:
        await settings.refuse_owner(wanted.database_url)
    except NoDatabaseError as fault:
        if advice := explain_refusal(fault):
            raise PoolerError(advice) from None
        raise
    await migrations.refuse_old_schema(wanted.database_url)
    pool = create_async_engine(wanted.database_url, poolclass=NullPool, connect_args=connect_args())
    try:
        await refuse_pooler(pool)
        async with pool.connect() as db:
            await refuse_wrong_clock(db)
        await refuse_strange_routes(pool, wanted.credentials)
    finally:
        await pool.dispose()


def exit_code(fault: Exception) -> int:
    """1 where no database answers (it may come), 2 for what a person must put right."""
    return 1 if isinstance(fault, NoDatabaseError) else 2
