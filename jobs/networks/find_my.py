"""Apple tells where tags were heard to whoever knows a key's hash; a macless-haystack endpoint asks on our behalf."""

import json
import ssl
from functools import cache
from types import TracebackType
from typing import Protocol, Self

import httpx

from jobs.codecs.find_my import MOST_DAYS, request_body

LARGEST_REPLY = 20_000_000


class FetchFailed(Exception):
    """The endpoint gave no reports this time; ask again later."""


class Source(Protocol):
    """Whoever can be asked for a tag's sealed reports."""

    async def fetch(self, hashed_key: str, *, days: int = MOST_DAYS) -> bytes:
        """The endpoint's reply as it came. Raises FetchFailed."""


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed; reading them all takes 20 ms, which is too long for each time that somebody is asked."""
    return httpx.create_ssl_context()


class FindMy:
    """One macless-haystack endpoint; `async with` it, for it keeps its connection."""

    def __init__(self, url: str, user: str = "", password: str = "", *, timeout_s: float = 30) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            auth=httpx.BasicAuth(user, password) if user or password else None, timeout=timeout_s, follow_redirects=False, verify=_trusted(),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.aclose()

    async def fetch(self, hashed_key: str, *, days: int = MOST_DAYS) -> bytes:
        """Ask for one tag alone: the endpoint files what it finds by the second, so two tags asked at once hide each other."""
        body = json.dumps(request_body([hashed_key], days)).encode()
        try:
            async with self._client.stream("POST", self._url, content=body, headers={"content-type": "application/json"}) as reply:
                if reply.status_code != httpx.codes.OK:
                    raise FetchFailed(f"the endpoint answered {reply.status_code}")
                return await _whole(reply)
        except httpx.HTTPError as reason:
            raise FetchFailed(f"the endpoint does not answer: {type(reason).__name__}") from reason


async def _whole(reply: httpx.Response) -> bytes:
    size, pieces = 0, []
    async for piece in reply.aiter_bytes():
        size += len(piece)
        if size > LARGEST_REPLY:
            raise FetchFailed("the endpoint's reply is too large")
        pieces.append(piece)
    return b"".join(pieces)
