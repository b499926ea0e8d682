"""What is compared with what this release ships: the file is what a migrated database says, and forgeries show."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import examine
from migrations import shipped

pytestmark = pytest.mark.usefixtures("database")  # it reads the whole schema


async def test_the_file_is_what_a_migrated_database_says(
    db: AsyncConnection, request: pytest.FixtureRequest
) -> None:
    rows = (await db.execute(text(shipped.DEFINITIONS))).all()
    said = {shipped.line(row.thing, row.said) for row in rows}
    era = {" since PostgreSQL 16 = ", " before PostgreSQL 16 = "}
    [other] = [one for one in era if not any(one in line for line in said)]
    wanted = sorted(said | {line for line in shipped.lines() if other in line})
    if request.config.getoption("--rewrite-shipped"):
        shipped.FILE.write_text("".join(f"{line}\n" for line in wanted), encoding="utf-8")
    assert len(rows) == len(said) > 1000
    assert wanted == shipped.lines()


async def test_a_migrated_database_is_as_it_was_shipped(db: AsyncConnection) -> None:
    assert [finding.offenders for finding in await examine(db, shipped.CHECKS)] == [(), ()]
