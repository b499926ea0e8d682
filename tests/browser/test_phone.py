"""The phone page in a real browser: by finger, by keyboard, two at once, and when nothing answers.

Behind it stands `service.py`, not the service: a call through the whole service is in `test_service.py`.
"""

import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

from engines import processes
from tests.support.browser_handset import POCKET, Handset, handset, join_and_pay, visit
from tests.support.servers import environment, process

pytestmark = pytest.mark.browser

AWA = "22370000100"
FATOU = "22370000101"
IBRAHIM = "22370000102"


@pytest.mark.parametrize(("size", "number"), [((1280, 860), AWA), (POCKET, FATOU)], ids=["desk", "pocket"])
async def test_from_the_dial_to_the_receipt(
    browser: Browser, simulator_url: str, size: tuple[int, int], number: str
) -> None:
    phone = handset(await visit(browser, f"{simulator_url}/phone?phone1={number}", size))
    await join_and_pay(phone, "Awa Koné")
    await phone.send()
    await phone.shows("1 nouveau message")
    await phone.key("left").click()
    await expect(phone.phone.locator(".list li.new")).to_have_count(1)
    await phone.key("left").click()
    await phone.shows("KENEYA", "Reçu : 2000 F. Votre famille est couverte.")
    await expect(phone.unread).to_be_hidden()


async def test_by_keyboard_alone(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1={IBRAHIM}")
    phone, keyboard = handset(page), page.keyboard
    await expect(phone.field).to_be_focused()
    await keyboard.type("*384*57*1#")
    await keyboard.press("Enter")
    await phone.shows("Nom du chef de famille")
    await expect(phone.field).to_be_focused()
    await keyboard.press("Escape")
    await phone.shows("Touche verte")
    await keyboard.press("Enter")
    await phone.shows("1 Adhérer")
    await keyboard.type("1")
    await keyboard.press("Enter")
    await phone.shows("Nom du chef de famille")
    await keyboard.type("Ibrahim")
    await keyboard.press("Enter")
    await phone.shows("Payer")
    await keyboard.type("12")
    await keyboard.press("Enter")
    await phone.shows("Le PIN a 4 chiffres")
    await keyboard.press("Escape")
    await phone.shows("Paiement refusé")


async def test_every_key_can_be_reached_and_has_a_name(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1={IBRAHIM}")
    phone = handset(page)
    await phone.field.focus()
    names = []
    for _ in range(18):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.getAttribute('aria-label')"))
    start = ["Messages", "Monter", "Descendre", "Touche sans effet", "Appeler", "Effacer tout"]
    assert names == [*start, *"123456789", "étoile", "0", "dièse"]


async def test_the_pin_never_leaves_the_page(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000103")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(wire(request)))
    phone = handset(page)
    await join_and_pay(phone, "Salif")
    assert any("answer=approve" in request for request in sent)
    assert not [request for request in sent if "1234" in request]


def wire(request: Request) -> str:
    return f"{request.method} {request.url} {request.post_data or ''}"


async def test_two_phones_side_by_side(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phones=2&phone1=22370000104&phone2=22370000105")
    first, second = handset(page), handset(page, 1)
    await second.send()
    await second.shows("1 Adhérer")
    await first.shows("Touche verte")
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")
    await second.shows("Nom du chef de famille")


async def test_any_number_can_be_given(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone")
    await page.locator(".who").select_option(label="Autre numéro")
    other = page.locator(".other input")
    await other.fill("+228 90 11 22 33")
    await other.press("Tab")
    await expect(page.locator(".own")).to_have_text("+22890112233")
    await expect(page).to_have_url(re.compile("phone1=22890112233"))
    await page.locator(".who").select_option(label="Trésorier, 70 00 00 03")
    await expect(page.locator(".own")).to_have_text("+22370000003")


@pytest.mark.parametrize(("size", "number"), [((1280, 860), "22370000108"), (POCKET, "22370000109")])
async def test_an_sms_is_written_and_its_answer_opens(
    browser: Browser, simulator_url: str, size: tuple[int, int], number: str
) -> None:
    phone = handset(await visit(browser, f"{simulator_url}/phone?phone1={number}", size))
    await phone.key("left").click()
    await phone.shows("Aucun message", "écrire")
    await phone.send()
    await phone.shows("SMS au 38457")
    await phone.send()  # nothing written: nothing sent
    await phone.shows("SMS au 38457")
    await phone.field.fill("Couverture ?")
    await phone.send()
    await phone.shows("KENEYA", "Vous avez écrit : Couverture ?")
    await phone.send()
    await phone.shows("SMS au 38457")
    await phone.field.fill("PAYER 5000")
    await phone.key("left").click()
    await phone.shows("Vous avez écrit : PAYER 5000")


async def test_an_sms_that_does_not_go_is_told(browser: Browser, tmp_path: Path) -> None:
    port = processes.free_port()
    with process(
        "--factory", "simulator.app:create_app", port=port, env=environment("http://127.0.0.1:9", tmp_path)
    ) as url:
        phone = handset(await visit(browser, f"{url}/phone?phone1={AWA}"))
        await phone.key("left").click()
        await phone.send()
        await phone.field.fill("AIDE")
    await phone.send()
    await phone.shows("n’est pas parti")


async def test_a_message_is_shown_as_text_and_never_as_markup(browser: Browser, simulator_url: str) -> None:
    form = {"username": "demo", "to": "+22370000106", "message": "<img src=x onerror=alert(1)><b>gras</b>"}
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(
            f"{simulator_url}/simulator/at/version1/messaging", data=form, headers={"apiKey": "key"}
        )
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000106")
    phone = handset(page)
    await expect(phone.unread).to_be_visible()
    await phone.key("left").click()
    await phone.key("left").click()
    await phone.shows("<img src=x onerror=alert(1)><b>gras</b>")
    assert await page.locator(".words *, .list img, .list b").count() == 0


async def test_nothing_comes_from_outside_and_no_script_complains(
    browser: Browser, simulator_url: str
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    asked, complaints = watch(page)
    await page.goto(f"{simulator_url}/phone?phone1=22370000107")
    await join_and_pay(handset(page), "Oumou")
    assert [url for url in asked if not url.startswith(simulator_url)] == []
    assert complaints == []


def watch(page: Page) -> tuple[list[str], list[str]]:
    """The addresses that a page asks for and whatever its console says, as they come."""
    asked: list[str] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    page.on("request", lambda request: asked.append(request.url))
    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return asked, complaints


async def test_it_fits_a_narrow_screen(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone", POCKET)
    wide, high = await page.evaluate(
        "[document.body.scrollWidth, document.querySelector('.handset').offsetHeight]"
    )
    assert wide == POCKET[0]
    assert high < POCKET[1]
    for key in await page.locator("[data-key]").all():
        box = await key.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 36


async def test_a_service_that_is_down_is_the_networks_error(browser: Browser, tmp_path: Path) -> None:
    port = processes.free_port()
    env = environment("http://127.0.0.1:9", tmp_path)
    with process("--factory", "simulator.app:create_app", port=port, env=env) as url:
        phone: Handset = handset(await visit(browser, f"{url}/phone?phone1={AWA}"))
        await phone.send()
        await phone.shows("Problème de connexion")
        await phone.send()
        await phone.shows("Touche verte")
    await phone.shows("Pas de réseau")
    await phone.send()
    await phone.shows("Le service ne répond pas")
    with process("--factory", "simulator.app:create_app", port=port, env=env):
        await phone.send()
        await phone.shows("Touche verte")
