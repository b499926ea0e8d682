"""The phone page as a server sends it: nothing from outside, nothing inline, nothing but its own files."""

import re

import pytest

from simulator.deps import Config
from simulator.page import FILES
from simulator.vendor import vendors
from tests.support.servers import SECRET, Simulator, environment


async def test_the_page_allows_nothing_from_outside(simulator: Simulator) -> None:
    answer = await simulator.http.get("/phone?phones=2")
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'lang="fr"' in answer.text


async def test_every_file_the_page_names_is_there(simulator: Simulator) -> None:
    named = set(re.findall(r"/simulator/phone/[\w.]+", (FILES / "phone.html").read_text()))
    assert named
    for path in named:
        answer = await simulator.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2e%2e/app.py", ".", "phone.js/"])
async def test_nothing_but_the_pages_own_files_is_served(simulator: Simulator, name: str) -> None:
    assert (await simulator.http.get(f"/simulator/phone/{name}")).status_code in (404, 307)


@pytest.mark.parametrize("file", sorted(FILES.iterdir()), ids=lambda file: file.name)
def test_no_file_makes_markup_of_data_or_looks_outside(file: object) -> None:
    text = (FILES / str(file)).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    outside = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()


def test_the_page_holds_no_inline_script_or_style() -> None:
    html = (FILES / "phone.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


async def test_the_page_learns_what_to_dial_and_where_to_write(simulator: Simulator) -> None:
    about = await simulator.get("/simulator/about")
    assert about.pop("gateways") == vendors()
    assert about.pop("providers") == ["africastalking", "jasmin", "kannel", "orange", "simulated"]
    assert about == {"service_code": "*384*57#", "short_code": "38457"}


def test_the_configuration_keeps_its_secrets_to_itself(tmp_path: object) -> None:
    config = Config.read(environment("http://127.0.0.1:1/", FILES, WEBHOOK_SECRET=f"{SECRET},older"))
    assert (config.secret, config.service_url) == (SECRET, "http://127.0.0.1:1")
    assert SECRET not in repr(config)


@pytest.mark.parametrize("scale", ["0", "-1", "fast", "nan"])
def test_a_scale_of_time_is_above_zero(scale: str) -> None:
    with pytest.raises(ValueError, match=r"TIME_SCALE|could not convert"):
        Config.read(environment("http://127.0.0.1:1", FILES, TIME_SCALE=scale))


@pytest.mark.parametrize(("asked", "language"), [("", "fr"), ("?language=en", "en"), ("?language=<x>", "fr")])
async def test_the_page_is_in_the_language_that_is_asked_for(
    simulator: Simulator, asked: str, language: str
) -> None:
    page = (await simulator.http.get(f"/phone{asked}")).text
    assert f'<html lang="{language}">' in page
    assert "{{" not in page
    assert (">Mode d&#x27;emploi<" in page, ">How it works<" in page) == (language == "fr", language == "en")


@pytest.mark.parametrize(
    ("typed", "number", "fault"),
    [
        ("+223 70 12 34 56", "+22370123456", ""),
        ("0022370123456", "+22370123456", ""),
        ("+2237012345", None, "short"),
        ("+22", None, "country"),
        ("", None, "country"),
        ("x", None, "country"),
    ],
)
async def test_a_number_is_checked_as_its_network_would(
    simulator: Simulator, typed: str, number: str | None, fault: str
) -> None:
    asked = await simulator.http.get("/simulator/numbers", params={"phone": typed})
    assert asked.json() == {"number": number, "fault": fault}
