"""A refusal at a machine's door is a status, a sentence and, where one field is wrong, that field's name."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from data.core.errors import Busy, Invalid, Refusal, TooLarge, Unauthenticated
from data.core.session import UNREACHABLE

log = structlog.get_logger()

ABSENT = "The database does not answer. Try again in a few seconds."


def install(app: FastAPI) -> None:
    """Turn refusals, malformed parameters and an absent database into answers."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    for absent in UNREACHABLE:
        app.add_exception_handler(absent, _no_database)


def answer(refusal: Refusal) -> JSONResponse:
    """`{"error": {"code", "message", "field"?}}` with the refusal's status, and when to come back if that helps."""
    error = {"code": type(refusal).__name__, "message": str(refusal)}
    headers = {}
    if isinstance(refusal, Invalid):
        error["field"] = refusal.field
    if isinstance(refusal, Busy):
        headers["Retry-After"] = str(refusal.retry_after_s)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = 'Basic realm="Steading"'
    if isinstance(refusal, TooLarge):
        headers["Connection"] = "close"
    return JSONResponse({"error": error}, status_code=refusal.status, headers=headers)


async def _refused(request: Request, reason: Exception) -> JSONResponse:
    assert isinstance(reason, Refusal)
    return answer(reason)


async def _malformed(request: Request, reason: Exception) -> JSONResponse:
    assert isinstance(reason, RequestValidationError)
    return answer(invalid(reason))


def invalid(reason: RequestValidationError) -> Invalid:
    """The first field that is wrong, as our own refusals say it."""
    first = reason.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return Invalid(field or "body", "{reason}", reason=first["msg"])


async def _no_database(request: Request, reason: Exception) -> JSONResponse:
    log.warning("a request could not reach the database", path=request.url.path, reason=str(reason).splitlines()[0])
    return answer(Busy(ABSENT))
