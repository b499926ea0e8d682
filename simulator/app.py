"""The simulator's process: `uvicorn --factory simulator.app:create_app`, configured by its environment.

SIMULATOR_SERVICE_URL, WEBHOOK_SECRET, AT_API_KEY and SIMULATOR_DATA are required; TIME_SCALE and
SIMULATOR_SERVICE_CODE are optional.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from simulator import calls, journal, money, page, sms, trouble
from simulator.deps import PATIENCE_S, Config, Simulator
from simulator.outgoing import deliver_forever
from simulator.store import open_store

BODY_SIZE = 64 * 1024


def create_app(config: Config | None = None) -> Starlette:
    """Make the application; without `config` it is read from the environment."""
    settings = config or Config.read(os.environ)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # No proxy of the environment is used: the service is on this machine.
        client = httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False, headers={"user-agent": "simulator"})
        with closing(open_store(settings.data)) as db:
            async with client:
                app.state.sim = sim = Simulator(settings, db, client)
                journal.catch_up(sim)
                kept_up = (deliver_forever, calls.close_forgotten, money.expire_forever)
                chores = [asyncio.create_task(chore(sim)) for chore in kept_up]
                yield
                for chore in chores:
                    chore.cancel()
                await asyncio.gather(*chores, return_exceptions=True)

    return Starlette(
        routes=[
            *calls.ROUTES,
            *sms.ROUTES,
            *sms.provider_routes(),
            *page.ROUTES,
            *trouble.ROUTES,
            *money.ROUTES,
            *_providers(),
        ],
        exception_handlers={HTTPException: _fault},
        lifespan=lifespan,
        max_body_size=BODY_SIZE,
    )


def _providers() -> list[BaseRoute]:
    """The HTTP of every provider whose file is there."""
    return [route for file in money.provider_files() for route in file.ROUTES]


async def _fault(request: Request, fault: Exception) -> JSONResponse:
    answered = fault if isinstance(fault, HTTPException) else HTTPException(500)
    return JSONResponse({"error": answered.detail}, answered.status_code)
