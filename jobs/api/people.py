"""Signing in as a program: an access token for a day, and another that fetches the next two."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from data.core.errors import Unauthenticated
from data.identity import door as people
from data.identity import programs, second_factor
from jobs.api._door import ENTRANCE, Setter, allow, answer, browser_of, door, refused

router = door("/v1/auth", "Signing in")


class SignIn(BaseModel):
    """`email` may be a telephone number as well; `device_name` is what the person sees in the list of their sessions."""

    email: str
    password: str
    device_name: str | None = Field(default=None, max_length=100)


class Code(BaseModel):
    """`token` is what signing in answered where a second factor is due; `code` is what the telephone shows."""

    token: str
    code: str
    device_name: str | None = Field(default=None, max_length=100)


class Refresh(BaseModel):
    refresh_token: str


@router.post("/login", response_model=None)
async def login(request: Request, said: SignIn) -> dict[str, Any] | Response:
    """The tokens for the right password; with a second factor a `token` to be shown with its code to `/v1/auth/verify-code`."""
    allow(request, ENTRANCE, _address(request))
    try:
        token = await people.sign_in(said.email, said.password, browser_of(request))
    except Unauthenticated as refusal:
        return refused(refusal, code="INVALID_CREDENTIALS")
    if await second_factor.is_due(token):
        return JSONResponse(answer({"needs_code": True, "token": token}), status_code=202)
    return answer((await programs.open_for(token, device_name=said.device_name)).as_told())


@router.post("/verify-code")
async def verify_code(request: Request, said: Code) -> dict[str, Any]:
    """The tokens for the code of the second factor."""
    allow(request, ENTRANCE, _address(request))
    token = await second_factor.show_code(said.token, said.code)
    return answer((await programs.open_for(token, device_name=said.device_name)).as_told())


@router.post("/refresh")
async def refresh(request: Request, said: Refresh) -> dict[str, Any]:
    """The next two tokens, once: whoever comes a second time with the same one ends the session."""
    allow(request, ENTRANCE, _address(request))
    return answer((await programs.renew(said.refresh_token)).as_told())


@router.post("/logout")
async def logout(actor: Setter) -> dict[str, Any]:
    """Neither token opens anything any more."""
    assert actor.user_id and actor.session_id
    await people.end_session(actor.user_id, actor.session_id)
    return answer({})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
