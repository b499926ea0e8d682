"""The phone page as its user has it: keys, field, screen."""

from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Browser, Locator, Page, expect

from tests.support.patience import PATIENCE_S

DESK = (1280, 860)
POCKET = (360, 640)
PATIENCE_MS = 1000 * PATIENCE_S


@dataclass(frozen=True)
class Handset:
    """One phone; a wait longer than PATIENCE_MS fails the test."""

    page: Page
    phone: Locator

    async def shows(self, *words: str) -> None:
        """Wait until the screen has all of these words."""
        for word in words:
            await expect(self.phone.locator(".words")).to_contain_text(word, timeout=PATIENCE_MS)

    async def press(self, keys: str) -> None:
        """Press digits, * and # on the handset itself, one by one."""
        for key in keys:
            await self.key(key).click()

    async def send(self) -> None:
        """Press the green key: dials, sends, approves."""
        await self.key("green").click()

    async def answer(self, keys: str) -> None:
        await self.press(keys)
        await self.send()

    def key(self, name: str) -> Locator:
        return self.phone.locator(f'[data-key="{name}"]')

    @property
    def field(self) -> Locator:
        return self.phone.locator(".field:visible")

    @property
    def unread(self) -> Locator:
        return self.phone.locator(".unread")


async def visit(
    browser: Browser,
    address: str,
    size: tuple[int, int] = DESK,
    *,
    scheme: Literal["light", "dark"] = "light",
) -> Page:
    """Open the page with empty storage. A script's error or a refused file fails the test at `close`."""
    pocket = size == POCKET
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=pocket,
        is_mobile=pocket,
        color_scheme=scheme,
    )
    page = await context.new_page()
    await page.goto(address)
    await expect(page.locator(".handset:visible").first).to_be_visible(timeout=PATIENCE_MS)
    return page


# The width and height that the page needs, how many keys are in sight, and the smallest side of one.
MEASURED = """() => {
  const keys = [...document.querySelectorAll("[data-key]")].map((key) => key.getBoundingClientRect());
  const seen = keys.filter((key) => key.width && key.top >= 0 && key.bottom < innerHeight && key.right <= innerWidth);
  const sides = keys.filter((key) => key.width).flatMap((key) => [key.width, key.height]);
  return [document.body.scrollWidth, document.documentElement.scrollHeight, seen.length, Math.min(...sides)];
}"""


async def expect_all_in_sight(page: Page) -> None:
    """On a narrow screen nothing is scrolled: all twelve keys and the six others, large enough for a finger."""
    width, height, keys, smallest = await page.evaluate(MEASURED)
    assert (width, height, keys) == (*POCKET, 12 + 6), await page.inner_text("body")
    assert smallest >= 36


def handset(page: Page, position: int = 0) -> Handset:
    return Handset(page, page.locator(".phone").nth(position))


async def join_and_pay(phone: Handset, name: str) -> None:
    """From the dial to the receipt, with the keys of the handset; letters are typed."""
    await phone.send()
    await phone.shows("1 Adhérer")
    await phone.answer("1")
    await phone.shows("Nom du chef de famille")
    await phone.field.fill(name)
    await phone.send()
    await phone.shows("Payer 2 000 F ?", "Cotisation Keneya")  # the narrow space is how French groups digits
    await phone.press("1234")
    await phone.send()
    await phone.shows("Un SMS suivra")
    await expect(phone.unread).to_have_text("✉ 1", timeout=PATIENCE_MS)
