"""Whose program asks, how often it may, and how it is answered."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from data.core.actor import Actor
from data.core.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooLarge,
    TooOften,
    Unauthenticated,
    Unsupported,
)
from data.core.session import UNREACHABLE
from data.core.time import now
from data.identity import programs
from data.identity.door import Browser
from jobs.networks._pace import Pace
from jobs.networks._refusals import ABSENT, invalid

log = structlog.get_logger()

MINUTE_S = 60
ENTRANCE = Pace(10, MINUTE_S)
"""Signing in and what belongs to it, from one address."""
READING, CONTROL, SETTING, REPORTS = Pace(300, MINUTE_S), Pace(100, MINUTE_S), Pace(50, MINUTE_S), Pace(30, MINUTE_S)
"""What one session may ask in a minute: look, switch, change, and have something made that takes long."""

_bearer = HTTPBearer(auto_error=False, description="The access token of /v1/auth/login.")


def browser_of(request: Request) -> Browser:
    """What is known of the program that asks."""
    return Browser(request.client.host if request.client else None, request.headers.get("user-agent"))


def allow(request: Request, pace: Pace, who: object) -> None:
    """Count the request, and have the answer say what is left. TooOften."""
    left = pace.check(who)
    request.state.left = {"X-RateLimit-Limit": left.most, "X-RateLimit-Remaining": left.remaining, "X-RateLimit-Reset": left.reset_s}


async def actor_of(request: Request) -> Actor:
    """The person for whom it asks, by `Authorization: Bearer`. The path's organization counts, or `X-Organization-Id`, or the last one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The access token is missing.")
    named = request.path_params.get("organization_id") or request.headers.get("x-organization-id")
    try:
        organization_id = UUID(str(named)) if named else None
    except ValueError:
        raise NotFound("There is no such organization.") from None
    return await programs.who(token.strip(), browser_of(request), organization_id=organization_id)


def _at(pace: Pace) -> Callable[..., Awaitable[Actor]]:
    async def known(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Actor:
        actor = await actor_of(request)
        allow(request, pace, actor.session_id)
        return actor

    return known


Reader = Annotated[Actor, Depends(_at(READING))]
Controller = Annotated[Actor, Depends(_at(CONTROL))]
Setter = Annotated[Actor, Depends(_at(SETTING))]
Reporter = Annotated[Actor, Depends(_at(REPORTS))]
"""Who asks; which one an endpoint takes says how often it may be asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a long list is wanted."""

    page: Annotated[int, Query(ge=1, le=10_000)] = 1
    limit: Annotated[int, Query(ge=1, le=100)] = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def of(self, everything: Sequence[Any], shape: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any]:
        """The part of a list that is at hand as a whole; see `listed`."""
        return listed([shape(one) for one in everything[self.offset : self.offset + self.limit]], self, total=len(everything))


Paged = Annotated[Page, Depends()]


def answer(data: Any) -> dict[str, Any]:
    """What every success looks like, as at the gateways' door."""
    return {"success": True, "data": data}


def listed(items: Sequence[Any], page: Page, *, total: int) -> dict[str, Any]:
    """A part of a list, and of how much it is a part."""
    return answer(items) | {"pagination": {"page": page.page, "limit": page.limit, "total": total}}


class _Answering(APIRoute):
    """Answers refusals in words a program can tell apart, and says how often it may still ask."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                response = await inner(request)
            except Refusal as refusal:
                response = refused(refusal)
            except RequestValidationError as reason:
                response = refused(invalid(reason))
            except UNREACHABLE as reason:
                log.warning("a program's request could not reach the database", reason=str(reason).splitlines()[0])
                response = refused(Busy(ABSENT))
            except Exception:
                response = _broken(request)
            for name, value in getattr(request.state, "left", {}).items():
                response.headers[name] = str(value)
            return response

        return answered


@contextmanager
def called(**names: str) -> Iterator[None]:
    """A field that is wrong is named as the program wrote it: `called(until="hours")`, ours first."""
    try:
        yield
    except Invalid as refusal:
        raise Invalid(names.get(refusal.field, refusal.field), refusal.message, **refusal.values) from refusal


def door(prefix: str, tag: str) -> APIRouter:
    """A part's router; `tag` is its heading in the description."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=_Answering)


CODES: Mapping[type[Refusal], str] = {
    Unauthenticated: "UNAUTHORIZED", Forbidden: "FORBIDDEN", NotFound: "NOT_FOUND", Conflict: "CONFLICT", TooLarge: "TOO_LARGE",
    Unsupported: "UNSUPPORTED", Invalid: "INVALID_INPUT", Busy: "UNAVAILABLE", TooOften: "RATE_LIMIT_EXCEEDED",
}  # fmt: skip


def refused(refusal: Refusal, *, code: str = "") -> JSONResponse:
    """A refusal as an answer; see `fault`."""
    headers = {}
    if isinstance(refusal, Busy):
        headers["Retry-After"] = str(refusal.retry_after_s)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(fault(refusal, code=code), status_code=refusal.status, headers=headers)


def fault(refusal: Refusal | None, *, code: str = "") -> dict[str, Any]:
    """`{"error": {code, message, details, timestamp, request_id}}`; `details.field` names the field that is wrong. None: it is ours."""
    details: dict[str, Any] = {name: str(value) for name, value in refusal.values.items()} if refusal else {}
    if isinstance(refusal, Invalid):
        details["field"] = refusal.field
    code, message = (code or _code(refusal), str(refusal)) if refusal else ("INTERNAL_ERROR", "This went wrong on our side. It was noted.")
    said = {"code": code, "message": message, "details": details, "timestamp": now().isoformat(), "request_id": str(uuid4())}
    return {"error": said}


def _code(refusal: Refusal) -> str:
    """What is missing is named: DEVICE_NOT_FOUND."""
    missing = re.fullmatch(r"There is no such ([a-z ]+)\.", refusal.message) if isinstance(refusal, NotFound) else None
    return f"{missing[1].replace(' ', '_').upper()}_NOT_FOUND" if missing else CODES[type(refusal)]


def _broken(request: Request) -> JSONResponse:
    response = JSONResponse(fault(None), status_code=500)
    log.exception("a program's request failed", path=request.url.path, answer=response.body)
    return response
