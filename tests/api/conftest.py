"""Programs of several people at the doors of the JSON interface."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest

from data.core.actor import Actor
from data.core.session import across_tenants
from data.identity import door, programs
from data.identity.door import Browser
from jobs import api
from jobs.api import _door
from tests.factories.doors import doors


@dataclass
class Program:
    """What somebody's program asks, and what it is answered."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        """What is in `data`, or in `error` where a refusal is expected; `status` must be what came."""
        answer = await self.client.request(method, path, json=body, params=query or None, headers=self.headers)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return answer.json()["data" if status < 400 else "error"]

    async def list(self, path: str, **query: Any) -> tuple[list[Any], int]:
        """One page of a list, and how many there are in all."""
        answer = await self.client.get(path, params=query or None, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"], answer.json()["pagination"]["total"]


@dataclass
class Programs:
    client: httpx.AsyncClient

    async def of(self, actor: Actor, *, organization_id: UUID | None = None) -> Program:
        """A program that has signed in for this person."""
        assert actor.user_id
        async with across_tenants("tests") as tx:
            token = await door.open_session(tx, actor.user_id, Browser())
        tokens = await programs.open_for(token)
        named = {"X-Organization-Id": str(organization_id)} if organization_id else {}
        return Program(self.client, {"Authorization": f"Bearer {tokens.access}"} | named)

    @property
    def nobody(self) -> Program:
        return Program(self.client)


@pytest.fixture
async def asking() -> AsyncIterator[Programs]:
    """The doors, open, and whoever is to come to them; nobody has asked anything yet."""
    _door.ENTRANCE._asked.clear()
    async with doors(api.router) as client:
        yield Programs(client)
