"""A stand-in service, and a simulator that plays against it with waits a hundred times shorter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.app import create_app
from simulator.desk import Config
from tests.simulator.servers import Service, Simulator, environment, listening, reached, serving


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="100"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running
