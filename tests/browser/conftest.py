"""A real Chromium, a simulator process and a stand-in service process for it to call.

Without Chromium these tests say so and are skipped; where CI is set they fail instead.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from engines import processes
from tests.support.servers import environment, process

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no Chromium here: THE PHONE PAGE IS NOT TESTED"
        )
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture(scope="module")
def simulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulator with the stand-in service of `tests/support/browser_service.py` behind it."""
    simulator, service = processes.free_port(), processes.free_port()
    service_url, simulator_url = f"http://127.0.0.1:{service}", f"http://127.0.0.1:{simulator}"
    data: Path = tmp_path_factory.mktemp("simulator")
    behind = {"SIMULATOR_URL": simulator_url, "OWN_URL": service_url}
    before = environment(service_url, data, TIME_SCALE="10")
    with (
        process("tests.support.browser_service:app", port=service, env=behind),
        process("--factory", "simulator.app:create_app", port=simulator, env=before) as url,
    ):
        yield url
