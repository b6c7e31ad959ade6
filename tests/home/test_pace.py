"""Who waits how long for an answer is counted, and nothing is slowed or swallowed by that."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from nicegui.outbox import Outbox
from starlette.types import Receive, Scope, Send

from data.core import waits
from data.core.waits import Answered, Waits, answered
from pages import _pace
from pages._pace import Paced


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    answered.take()
    yield
    answered.take()


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([], (0, {})), ([7.0], (1, {"p50": 7, "p95": 7, "max": 7})), ([9.0, 1.0], (2, {"p50": 1, "p95": 1, "max": 9})),
        (list(map(float, range(100, 0, -1))), (100, {"p50": 50, "p95": 95, "max": 100})),
    ],
)  # fmt: skip
def test_what_half_and_most_waited_at_most(times: list[float], told: object) -> None:
    some = Waits()
    for one in times:
        some.add(one)
    assert some.take() == told and some.take() == (0, {})


def test_of_very_many_a_fair_choice_is_kept_and_the_longest_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST", 100)
    some = Waits()
    for one in (5_000.0, *map(float, range(2_000))):
        some.add(one)
    assert len(some._kept) == 100
    count, told = some.take()
    assert count == 2_001 and told["max"] == 5_000 and 500 < told["p50"] < 1_500


def test_each_minute_begins_anew_and_says_also_that_nothing_happened() -> None:
    some = Answered(Waits(), Waits())
    some.requests.add(3.0)
    some.failures += 2
    assert some.take() == {
        ("answers", "requests"): 1, ("request_ms", "p50"): 3, ("request_ms", "p95"): 3, ("request_ms", "max"): 3,
        ("answers", "events"): 0, ("answers", "failures"): 2,
    }  # fmt: skip
    assert some.take() == {("answers", "requests"): 0, ("answers", "events"): 0, ("answers", "failures"): 0}


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as its path says, 20 ms after it was asked, and takes its time with the rest."""
    await asyncio.sleep(0.02)
    if scope["path"] == "/broken":
        raise RuntimeError("broken")
    await send({"type": "http.response.start", "status": 503 if "full" in scope["path"] else 200, "headers": []})
    await asyncio.sleep(0.2)
    await send({"type": "http.response.body", "body": b"whole"})


async def test_a_request_is_timed_until_its_answer_begins_and_failures_are_counted() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Paced(_app)), base_url="http://here") as client:
        answers = await asyncio.gather(*(client.get(path) for path in ("/farm", "/v1/full", "/_nicegui/full", "/health", "/steading-ui/a.js")))
        with pytest.raises(RuntimeError, match="broken"):
            await client.get("/broken")  # the server's own fault handler answers it, outside of us
    assert [one.status_code for one in answers] == [200, 503, 503, 200, 200] and {one.text for one in answers} == {"whole"}
    found = answered.take()
    assert found["answers", "requests"] == 2 and found["answers", "failures"] == 3
    assert found["request_ms", "p50"] >= 20


async def test_sockets_pass_untouched() -> None:
    seen: list[object] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((receive, send))

    async def receive() -> dict[str, str]:
        return {}

    async def send(message: object) -> None: ...

    await Paced(inner)({"type": "websocket", "path": "/x"}, receive, send)
    assert seen == [receive, send]


async def test_a_tap_is_timed_until_its_page_changes_and_what_changes_later_by_itself_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    changed = _pace._noticed(told.append)
    running: list[asyncio.Task[None]] = []

    async def slowly() -> None:
        await asyncio.sleep(0.03)
        changed("asked")
        changed("and more")

    def handler(sid: str, message: dict[str, object]) -> str:
        if message["does"] == "slowly":
            running.append(asyncio.create_task(slowly()))
        elif message["does"] == "at once":
            changed("there")
        return sid

    tapped = _pace._timed(handler)
    assert [tapped("sid", {"does": word}) for word in ("at once", "nothing", "slowly")] == ["sid"] * 3
    changed("by itself")
    assert answered.events.take()[0] == 1
    await asyncio.gather(*running)
    count, times = answered.events.take()
    assert count == 1 and times["max"] >= 30 and told == ["there", "by itself", "asked", "and more"]


def test_nicegui_tells_changes_where_we_listen() -> None:
    assert callable(Outbox.enqueue_update) and callable(Outbox.enqueue_message)
