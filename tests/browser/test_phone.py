"""The phone page in a real browser: by finger, by keyboard, two at once, and when nothing answers.

Behind it stands `tests/support/browser_service.py`, not the service: a call through the whole service is in
`test_service.py`.
"""

import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

from engines import processes
from tests.support.browser_handset import POCKET, Handset, expect_all_in_sight, handset, join_and_pay, visit
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
    await phone.shows("Nouveaux messages : 1")
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


async def test_a_prompt_says_which_operator_asks(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22896123456")
    asked = {
        "auth_token": "a key",
        "phone_number": "96123456",
        "amount": 2000,
        "identifier": "a prompt in the browser",
        "network": "FLOOZ",
        "description": "Mutuelle 101000101",
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{simulator_url}/simulator/paygate/api/v1/pay", json=asked)
    phone = handset(page)
    await phone.shows("PayGateGlobal", "Payer", "Mutuelle 101000101")
    await phone.press("1234")
    await phone.send()
    await phone.shows("Un SMS suivra")


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


WRONG = {
    "+223 7012345": "Trop court",
    "+223 70 12 34 56 7": "Trop long",
    "+999 70 12 34 56": "Commencez par l'indicatif",
    "70 12 34 56": "Commencez par l'indicatif",
    "+223 10 12 34 56": "Aucun réseau",
}


async def test_a_number_that_no_network_has_is_refused_and_it_is_said_why(
    browser: Browser, simulator_url: str
) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1={AWA}")
    await page.locator(".who").select_option(label="Autre numéro")
    other = page.locator(".other input")
    for typed, why in WRONG.items():
        await other.fill(typed)
        await other.press("Tab")
        await expect(page.locator(".fault")).to_contain_text(why)
        await expect(page.locator(".own")).to_have_text(f"+{AWA}")


async def test_whoever_dials_something_else_is_told_what_the_service_is(
    browser: Browser, simulator_url: str
) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1={AWA}")
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if "/calls" in request.url else None)
    phone = handset(page)
    await phone.answer("*144#")
    await phone.shows("*144# n'est pas le service", "Composez *384*57#")
    assert calls == []


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
    await expect(phone.phone.locator(".count")).to_have_text("reste 148 · 1 SMS · GSM-7")
    await phone.send()
    await phone.shows("KENEYA", "Vous avez écrit : Couverture ?")
    await phone.send()
    await phone.shows("SMS au 38457")
    await phone.field.fill("PAYER 5000")
    await phone.key("left").click()
    await phone.shows("Vous avez écrit : PAYER 5000")


TIME = r"\d\d:\d\d"


async def test_the_thread_has_both_directions_with_times_and_is_read_by_arrows_and_enter(
    browser: Browser, simulator_url: str
) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000110")
    phone, keyboard = handset(page), page.keyboard
    for nth, words in enumerate(("AIDE", "COUVERTURE")):
        await phone.key("left").click()
        await phone.send()
        if nth:
            await phone.shows("SMS au")
        await phone.field.fill(words)
        await keyboard.press("Enter")
        await phone.shows(f"Vous avez écrit : {words}")
        await keyboard.press("Escape")
    await phone.key("left").click()
    rows = phone.phone.locator(".list li")
    await expect(rows).to_have_text(
        [
            re.compile(f"^Vous · {TIME}AIDE$"),
            re.compile(f"^KENEYA · {TIME}Vous avez écrit : AIDE$"),
            re.compile(f"^Vous · {TIME}COUVERTURE$"),
            re.compile(f"^KENEYA · {TIME}Vous avez écrit : COUVERTURE$"),
        ]
    )
    await expect(rows.nth(3)).to_have_class(re.compile("chosen"))
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_have_class(re.compile("chosen"))
    await keyboard.press("Enter")
    await phone.shows("Vous avez écrit : AIDE")


async def test_a_silent_service_is_said_to_be_silent(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000111")
    await page.clock.install()
    await page.reload()
    phone = handset(page)
    await phone.key("left").click()
    await phone.send()
    await phone.field.fill("merci")
    await phone.send()
    await phone.shows("Message envoyé", "La réponse arrive par SMS")
    await page.clock.fast_forward(20_000)
    await phone.shows("Pas de réponse à ce message")
    await phone.send()
    await phone.key("left").click()
    await expect(phone.phone.locator(".list li")).to_contain_text("sans réponse")


async def test_letters_are_typed_on_twelve_keys(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000112")
    phone, mode = handset(page), page.locator(".mode")
    await phone.key("left").click()
    await phone.send()
    await expect(mode).to_have_text("abc")
    await phone.press("333266")  # f, a, n
    await expect(phone.field).to_have_value("fan")
    await page.wait_for_timeout(1100)
    await phone.press("60222222")  # a new letter of the same key; once round: a b c 2 à a
    await expect(phone.field).to_have_value("fanm a")
    await phone.press("#")
    await expect(mode).to_have_text("123")
    await phone.press("20")
    await expect(phone.field).to_have_value("fanm a20")
    await mode.click()
    await phone.press("77")
    await page.keyboard.type("é")  # a keyboard writes beside the keys
    await expect(phone.field).to_have_value("fanm a20qé")


async def test_a_keyboard_writes_letters_wherever_the_focus_is(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000113")
    phone = handset(page)
    await phone.key("left").click()
    await phone.send()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.type("Oui4712")
    await page.keyboard.press("Backspace")
    await expect(phone.field).to_have_value("Oui471")


SEGMENTS = [  # a text, its alphabet, how many SMS it is, how many letters are left in the last one
    ("", "GSM-7", 1, 160),
    ("a" * 160, "GSM-7", 1, 0),
    ("a" * 161, "GSM-7", 2, 145),
    ("é" * 160, "GSM-7", 1, 0),
    ("€" * 80, "GSM-7", 1, 0),
    ("€" * 81, "GSM-7", 2, 143),  # of 153 septets the last one stays empty: a letter of two is not cut
    ("ê" * 70, "UCS-2", 1, 0),
    ("ê" * 71, "UCS-2", 2, 63),
    ("😀" * 36, "UCS-2", 2, 61),
]


async def test_an_sms_is_counted_as_a_network_counts(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000114")
    count = """async (texts) => {
      const { segments } = await import("/simulator/phone/segments.js");
      return texts.map(segments).map(({ alphabet, segments, left }) => [alphabet, segments, left]);
    }"""
    counted = await page.evaluate(count, [text for text, *_counts in SEGMENTS])
    assert counted == [counts for _text, *counts in SEGMENTS]


async def test_the_page_speaks_english_too(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone?phone1=22370000115")
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    phone = handset(page)
    await phone.shows("Green key")
    await expect(page).to_have_url(re.compile("phone1=22370000115"))
    await phone.key("left").click()
    await phone.shows("No message")


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
    await phone.shows("n'est pas parti")


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


@pytest.mark.parametrize(
    "asked", ["", "?phone1=22370000116", "?phones=2", "?scenario=join", "?scenario=doctor", "?scenario=cash"]
)
async def test_everything_is_in_sight_on_a_narrow_screen(
    browser: Browser, simulator_url: str, asked: str
) -> None:
    page = await visit(browser, f"{simulator_url}/phone{asked}", POCKET)
    await expect_all_in_sight(page)
    await expect(page.get_by_text("Mode d'emploi")).to_be_visible()


OVERLAPPED = """() => {
  const meets = (one, other) =>
    one.left < other.right - 1 && other.left < one.right - 1 &&
    one.top < other.bottom - 1 && other.top < one.bottom - 1;
  const phones = [...document.querySelectorAll('.phone')].map((phone) => phone.getBoundingClientRect());
  const words = [...document.querySelectorAll('.welcome :is(h1, h2, a, p, li, summary, button)')];
  const seen = words.filter((word) => word.checkVisibility() && word.getClientRects().length);
  const texts = seen.flatMap((word) => {
    const range = document.createRange();
    range.selectNodeContents(word);
    return [...range.getClientRects()].map((box) => [word.textContent, box]);
  });
  const hidden = texts.filter(([, box]) => phones.some((phone) => meets(box, phone))).map(([text]) => text);
  const wide = document.documentElement.scrollWidth > window.innerWidth ? ['the page is wider than its window'] : [];
  return [...wide, ...hidden];
}"""


@pytest.mark.parametrize("width", [1000, 1100, 1200, 1280])
@pytest.mark.parametrize(
    "query", ["", "phones=2", "phones=2&language=en", "scenario=doctor", "scenario=cash"]
)
async def test_no_word_lies_under_a_phone(
    browser: Browser, simulator_url: str, query: str, width: int
) -> None:
    page = await visit(browser, f"{simulator_url}/phone?{query}", (width, 900))
    await expect(page.locator(".phone").first).to_be_visible()
    assert await page.evaluate(OVERLAPPED) == []
    english = page.locator(".languages a").last
    await english.click(trial=True)  # nothing covers it


async def test_no_name_in_the_list_of_phones_is_cut(browser: Browser, simulator_url: str) -> None:
    page = await visit(browser, f"{simulator_url}/phone", POCKET)
    select = page.locator(".who")
    widest = await select.evaluate("""select => {
      const pen = new OffscreenCanvas(1, 1).getContext("2d");
      pen.font = getComputedStyle(select).font;
      return Math.max(...[...select.options].map(({ text }) => pen.measureText(text).width));
    }""")
    arrow = 30
    assert await select.evaluate("select => select.clientWidth") > widest + arrow


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
