"""Machines' doors without a server: the routers under test, the real intake, and a client that knocks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient

from jobs.networks import _refusals
from jobs.networks._door import intake


@asynccontextmanager
async def doors(*routers: APIRouter) -> AsyncIterator[AsyncClient]:
    """Open these doors; what they take is stored by the running intake."""
    app = FastAPI()
    _refusals.install(app)
    for router in routers:
        app.include_router(router)
    intake.start()
    try:
        async with AsyncClient(transport=ASGITransport(app=app), base_url="http://steading") as client:
            yield client
    finally:
        await intake.stop()
