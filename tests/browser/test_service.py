"""The whole service in a real browser: a villager dials, joins, approves the payment and reads her receipt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Browser, Page, expect
from playwright.async_api import Error as PlaywrightError
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.demonstration import seed
from tests.support.browser_handset import PATIENCE_MS, POCKET, expect_all_in_sight, handset, visit
from tests.support.patience import PATIENCE_S
from tests.support.running_service import House, housed
from tests.support.town import AWA, found_town

if TYPE_CHECKING:
    from tests.conftest import Database

pytestmark = pytest.mark.browser


@pytest.fixture
async def busy_house(
    database: "Database", redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> AsyncIterator[House]:
    """A running service whose worker turns its rounds by itself; a prompt waits half a minute for its PIN."""
    await found_town(pool)
    async with housed(database.url, redis_url, tmp_path, pool, TIME_SCALE="10") as house, working(house):
        yield house


@pytest.fixture
async def demonstration(
    database: "Database", redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> AsyncIterator[House]:
    """The same with the federation that `make run` writes."""
    await seed(database.url, datetime.now(UTC), households=10)
    async with housed(database.url, redis_url, tmp_path, pool, TIME_SCALE="10") as house, working(house):
        yield house


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    turning = asyncio.create_task(turn(house))
    yield
    turning.cancel()
    with suppress(asyncio.CancelledError):
        await turning


async def turn(house: House) -> None:
    while True:
        await house.work()
        await asyncio.sleep(0.1)


async def test_a_villager_joins_pays_and_reads_her_receipt(browser: Browser, busy_house: House) -> None:
    address = f"{busy_house.environ['PUBLIC_URL']}/phone?phone1={AWA.removeprefix('+')}"
    phone = handset(await visit(browser, address, POCKET))
    await phone.send()
    await phone.shows("1 Adhérer")
    await phone.answer("1")
    await phone.shows("Où habitez-vous")
    await phone.answer("1")
    await phone.shows("Votre prénom")
    await phone.field.fill("Awa Koné")
    await phone.send()
    await phone.shows("Combien d'années")
    await phone.answer("45*38*12*7")
    await phone.shows("12 000 F")
    await phone.answer("1")
    await phone.shows("J'accepte")
    await phone.answer("1")
    await phone.shows("Bienvenue", "Votre numéro")
    await phone.shows("Payer 12 000 F ?")
    await phone.press("2580")
    await phone.send()
    await phone.shows("Un SMS suivra")
    await expect(phone.unread).to_be_visible(timeout=PATIENCE_MS)
    await phone.send()
    await phone.key("left").click()
    await phone.key("left").click()
    await phone.shows("KENEYA", "12 000 F", "Awa Koné")
    await phone.key("red").click()
    await phone.send()
    await phone.shows("1 Ma couverture")
    await phone.answer("1")
    await phone.shows("Awa Koné", "Couvert du")


SCENARIOS = {  # what the page says at the end, in its languages, and what the last SMS says to the phone that reads it
    "join": ("Awa est membre", "Awa is a member", "15 000 F", "numéro 101 "),
    "doctor": ("La réponse engage la mutuelle", "The answer binds", "A. T.", "COUVERT", "référence"),
    "cash": ("l'argent en main", "the cash in hand", "7 500 F", "espèces", "Reste à payer : 0 F"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_whoever_presses_what_a_scenario_points_at_comes_to_its_end(
    browser: Browser, demonstration: House, scenario: str, language: str
) -> None:
    """Only keys that are lit up are pressed, one by one: letters and figures too. All is in sight at each step."""
    asked = f"phone?language={language}&scenario={scenario}"
    page = await visit(browser, f"{demonstration.environ['PUBLIC_URL']}/{asked}", POCKET)
    await follow(page)
    french, english, *read = SCENARIOS[scenario]
    await expect(page.locator(".guide .todo")).to_contain_text(french if language == "fr" else english)
    for words in read:
        await expect(page.locator(".phone.active .words")).to_contain_text(words)
    assert await page.locator(".steps li:not(.did)").count() == 0


async def follow(page: Page) -> None:
    """Press what is lit up until the page offers to begin again; all is in sight at each step."""
    limit = asyncio.get_running_loop().time() + PATIENCE_S
    while not await page.locator(".guide .again").is_visible():
        assert asyncio.get_running_loop().time() < limit, await page.locator(".guide .current").inner_text()
        await expect_all_in_sight(page)
        with suppress(PlaywrightError):  # the light has moved on meanwhile
            await page.locator(".hint").first.click(timeout=1500)


async def test_the_collector_is_paid_as_often_as_one_likes(browser: Browser, demonstration: House) -> None:
    """The second time nothing is due: it is said as soon as the member reads it, and how another household is made."""
    page = await visit(browser, f"{demonstration.environ['PUBLIC_URL']}/phone?scenario=cash", POCKET)
    again = page.locator(".guide .again")
    for words, offered in (
        ("l'argent en main", "Recommencer"),
        ("ne doit plus rien", "Autre ménage"),
        ("doit le reste", "Payer au collecteur"),
        ("l'argent en main", "Recommencer"),
    ):
        await follow(page)
        await expect(page.locator(".guide .todo")).to_contain_text(words)
        await expect(again).to_have_text(offered)
        await expect_all_in_sight(page)
        await again.click()
        await expect(again).to_be_hidden()
        await expect(page.locator(".hint").first).to_be_visible()  # the next one is ready
