"""Machines' doors without a server: the routers under test, the real intake, and a client that knocks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient

from data.core.settings import Settings
from jobs.accounts import Accounts
from jobs.networks import _refusals
from jobs.networks._door import intake
from pages.notifications._account_letters import account_letter


@asynccontextmanager
async def doors(*routers: APIRouter, settings: Settings | None = None) -> AsyncIterator[AsyncClient]:
    """Open these doors; what they take is stored by the running intake."""
    app = FastAPI()
    app.state.accounts = Accounts(settings or Settings(_env_file=None, public_url="https://farm.example"), account_letter)  # type: ignore[call-arg]
    _refusals.install(app)
    for router in routers:
        app.include_router(router)
    intake.start()
    try:
        async with AsyncClient(transport=ASGITransport(app=app), base_url="http://steading") as client:
            yield client
    finally:
        await intake.stop()
