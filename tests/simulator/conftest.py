"""A stand-in service, and a simulator that plays against it with waits a hundred times shorter.

`served` is the same simulator on a port of its own, for clients that bring their own HTTP.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.app import create_app
from simulator.deps import Config
from tests.support.servers import Service, Simulator, called, environment, listening, reached, serving


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    async with called(create_app(configured(service, tmp_path))) as running:
        yield running


@pytest.fixture
async def served(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    async with serving(create_app(configured(service, tmp_path))) as url, reached(url) as running:
        yield running


def configured(service: Service, data: Path) -> Config:
    return Config.read(environment(service.url, data, TIME_SCALE="100"))
