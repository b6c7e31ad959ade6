"""A pretended crowd of iPhones and the endpoint that tells what they heard, as macless-haystack does, over real HTTP."""

import asyncio
import base64
import hmac
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from data.core.time import now
from data.tracking.tags import hashed
from jobs.codecs.find_my_finder import encrypt_like_a_finder

KEPT = 7 * 24 * 60
"""Reports kept for a tag: one a minute for a week."""


class Haystack:
    """Holds sealed reports by hashed key. `asked` are the ids of each request; `failing_with` answers that status instead."""

    def __init__(self, user: str = "", password: str = "") -> None:
        self._expected = f"{user}:{password}" if user or password else ""
        self._reports: dict[str, deque[tuple[datetime, bytes]]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.asked: list[list[str]] = []
        self.failing_with = 0
        self.app = FastAPI(openapi_url=None)
        self.app.post("/")(self._answer)

    def hear(
        self, advertisement_key: str, *, at: datetime, latitude: float, longitude: float, accuracy_m: int = 10,
        confidence: int = 3, battery: int = 0, is_newer_phone: bool = False,
    ) -> None:  # fmt: skip
        """A phone passes a tag (its key as base64), and files a report that only the tag's owner can read."""
        key = base64.b64decode(advertisement_key)
        payload = encrypt_like_a_finder(
            key, recorded_at=at, latitude=latitude, longitude=longitude, accuracy_m=accuracy_m, confidence=confidence,
            battery=battery, is_newer_phone=is_newer_phone,
        )  # fmt: skip
        self._reports[hashed(key)].append((at.replace(microsecond=0), payload))

    async def _answer(self, request: Request) -> Response:
        if not self._is_known(request.headers.get("authorization", "")):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="Auth Realm"'})
        wanted = _wanted(await request.body())
        if wanted is None or self.failing_with:
            return Response(status_code=self.failing_with or 501)
        ids, days = wanted
        self.asked.append(ids)
        return Response(json.dumps({"results": self._results(ids, days), "statusCode": "200"}))

    def _is_known(self, authorization: str) -> bool:
        if not self._expected:
            return True
        scheme, _, credentials = authorization.partition(" ")
        expected = base64.b64encode(self._expected.encode()).decode()
        return scheme.lower() == "basic" and hmac.compare_digest(credentials, expected)

    def _results(self, ids: list[str], days: int) -> list[dict[str, Any]]:
        """The newest first and one a second, whichever tag it is of: the real endpoint files them so as well."""
        oldest, by_second = now() - timedelta(days=days), {}
        for id in ids:
            for at, payload in self._reports.get(id, ()):
                if at > oldest:
                    published = round(at.timestamp() * 1000)
                    by_second[at] = {"id": id, "datePublished": published, "payload": base64.b64encode(payload).decode()}
        return [by_second[at] for at in sorted(by_second, reverse=True)]


def _wanted(body: bytes) -> tuple[list[str], int] | None:
    """The ids and days of a request in exactly the shape that the endpoint takes, else None."""
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not set(asked) <= {"ids", "days"}:
        return None
    ids, days = asked.get("ids"), asked.get("days", 7)
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids) or type(days) is not int:
        return None
    return ids, days


class _Server(uvicorn.Server):
    """Leaves the process's signals to whoever composes it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, *, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback while the context lasts; its address. Port 0 takes any that is free."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve(), name="haystack")
    try:
        while not server.started:
            if task.done():
                raise OSError(f"port {port} cannot be used")
            await asyncio.sleep(0.01)
        taken = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{taken}/"
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
