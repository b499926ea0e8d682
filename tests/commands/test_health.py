"""`keneya health`, /health/ready and the metrics: the operator that does not answer is seen at three in the morning."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.operator_health import minute_of
from mutuelle.contributions.operator_watch import write_minutes
from tests.commands.test_limits import Keneya, in_town, keneya
from tests.conftest import Database
from tests.service.test_metrics import scrape
from tests.support.running_service import House
from tests.support.town import found_town, operators_answer

__all__ = ["keneya"]
KEY = ("BEN", "simulated-ML")


async def heard_lately(pool: AsyncEngine) -> None:
    """What was heard in the last whole minute: two answers, a refusal, three silences."""
    minute = minute_of(datetime.now(UTC), timedelta(minutes=1)) - timedelta(minutes=1)
    async with pool.begin() as db:
        for counts in ({"answers": 2, "silences": 3}, {"refusals": 1}):  # by two workers
            await write_minutes(db, {(*KEY, minute): Counter(counts)})


def test_each_account_is_told_with_what_was_heard(database: Database, keneya: Keneya) -> None:
    async def is_down(pool: AsyncEngine) -> None:
        await found_town(pool)
        await heard_lately(pool)
        await operators_answer(pool, answer=False)

    in_town(database.url, is_down)
    code, said, _trouble = keneya("health")
    assert code == 1
    assert "simulated-ML (simulated) down since 2026-11-22 12:00 UTC" in said
    assert "2 answers, 1 refusals, 3 silences" in said
    assert said.endswith("Accounts at operators: 1, down: 1.\n")

    async def is_back(pool: AsyncEngine) -> None:
        await operators_answer(pool, answer=True)

    in_town(database.url, is_back)
    code, said, _trouble = keneya("health", "--mutuelle", "ben")
    assert (code, "simulated-ML (simulated) up" in said) == (0, True)


async def test_metrics_and_readiness_name_it(house: House) -> None:
    assert "operators down" not in (await house.http.get("/health/ready")).json()
    await heard_lately(house.pool)
    await operators_answer(house.pool, answer=False)
    ready = await house.http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["operators down"] == "simulated"
    told = await scrape(house)
    assert told["keneya_operator_accounts", "down,simulated"] == 1
    questions = [
        told["keneya_operator_questions", f"{heard},simulated"] for heard in ("answer", "refusal", "silence")
    ]
    assert questions == [2, 1, 3]
