"""Nobody is kept out of the phone page: axe-core finds nothing, and what has the focus is seen."""

from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.browser_handset import DESK, POCKET, handset, visit

pytestmark = pytest.mark.browser

# axe does not judge words on a gradient: here each is its plain colour, which stands beside it in the style sheet.
PLAIN = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before { background-image: none !important; animation: none !important }");
  document.adoptedStyleSheets = [sheet];
}"""


async def expect_nothing_found(page: Page, state: str) -> None:
    await page.evaluate(PLAIN)
    found: dict[str, Any] = (await Axe().run(page, options={"resultTypes": ["violations"]})).response
    faults = [
        (state, fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found["violations"]
    ]
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [POCKET, DESK], ids=["pocket", "desk"])
async def test_axe_finds_nothing_in_any_state(
    browser: Browser, simulator_url: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    number = 22370000120 + 2 * (size == DESK) + (scheme == "dark")
    page = await visit(browser, f"{simulator_url}/phone?phone1={number}", size, scheme=scheme)
    phone = handset(page)
    await expect_nothing_found(page, "home")
    await phone.send()
    await phone.shows("1 Adhérer")
    await expect_nothing_found(page, "call")
    await phone.answer("1")
    await phone.shows("Nom du chef de famille")
    await phone.field.fill("Awa")
    await phone.send()
    await phone.shows("Payer 2 000 F ?")
    await expect_nothing_found(page, "prompt")
    await phone.key("red").click()
    await phone.shows("Paiement refusé")
    await expect_nothing_found(page, "ended")
    await phone.send()
    await phone.key("left").click()
    await phone.send()
    await phone.field.fill("AIDE")
    await expect_nothing_found(page, "write")
    await phone.send()
    await phone.shows("Vous avez écrit")
    await expect_nothing_found(page, "message")
    await phone.key("right").click()
    await expect(page.locator(".list li")).to_have_count(2)
    await expect_nothing_found(page, "inbox")


@pytest.mark.parametrize("asked", ["?phones=2", "?scenario=cash&language=en"])
@pytest.mark.parametrize("size", [POCKET, DESK], ids=["pocket", "desk"])
async def test_axe_finds_nothing_on_two_phones(
    browser: Browser, simulator_url: str, size: tuple[int, int], asked: str
) -> None:
    page = await visit(browser, f"{simulator_url}/phone{asked}", size)
    await page.locator(".howto summary").click()
    await expect_nothing_found(page, asked)


LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.11
# What a ring is drawn on: itself, then the colours that its surroundings pass through.
AROUND = {
    "body": ("--paper", "--paper-light", "--paper-deep"),
    ".handset": ("--body", "--body-light", "--body-dark"),
    ".screen": ("--lcd", "--lcd-light", "--lcd-dark"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_ring_of_the_focus_stands_out(
    browser: Browser, simulator_url: str, scheme: Literal["light", "dark"]
) -> None:
    page = await visit(browser, f"{simulator_url}/phone", scheme=scheme)
    for place, names in AROUND.items():
        ring, *around = [
            await page.locator(place).evaluate(
                "(place, name) => getComputedStyle(place).getPropertyValue(name).trim()", name
            )
            for name in ("--ring", *names)
        ]
        for colour in around:
            assert contrast(ring, colour) >= LEAST_CONTRAST, (place, ring, colour)
    await page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"


def contrast(one: str, other: str) -> float:
    """Of two colours like #f3e6d0, as WCAG counts it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
