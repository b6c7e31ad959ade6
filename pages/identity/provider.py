"""Signing in by way of one's organization's own provider, with OpenID Connect and PKCE."""

from collections import OrderedDict
from typing import Any

import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import Request
from fastapi.responses import RedirectResponse
from httpx import HTTPError
from nicegui import app

from data.core.errors import Refusal
from data.core.settings import Settings
from data.identity import door
from pages.identity._plain import browser_of
from pages.identity.sign_in import safe_next, with_session

log = structlog.get_logger()

_flows: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
"""What a flow under way has to remember (state, PKCE verifier, nonce), by the visitor's cookie; on this side only."""
FLOWS_KEPT = 10_000


def client(settings: Settings) -> Any:
    """The provider's client, its metadata read when first needed."""
    oauth = OAuth()
    return oauth.register(
        "provider",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
    )


def _flow(request: Request) -> dict[str, Any]:
    """Give the request its flow's memory, as the session that Authlib asks for."""
    owner: bytes = request.scope["state"]["owner"]
    flow = _flows.setdefault(owner, {})
    _flows.move_to_end(owner)
    while len(_flows) > FLOWS_KEPT:
        _flows.popitem(last=False)
    request.scope["session"] = flow
    return flow


@app.get("/sign-in/provider")
async def begin(request: Request, next: str = "/") -> Any:
    settings: Settings = app.state.settings
    if not settings.oidc_issuer:
        return RedirectResponse("/sign-in", status_code=303)
    _flow(request)["next"] = safe_next(next)
    try:
        return await client(settings).authorize_redirect(request, f"{settings.origin}/sign-in/provider/back")
    except (OAuthError, HTTPError) as reason:
        log.warning("the sign-in provider does not answer", reason=str(reason))
        return RedirectResponse("/sign-in?problem_code=provider", status_code=303)


@app.get("/sign-in/provider/back")
async def back(request: Request) -> RedirectResponse:
    settings: Settings = app.state.settings
    flow = _flow(request)
    target = safe_next(str(flow.pop("next", "/")))
    try:
        token = await client(settings).authorize_access_token(request)
        claims = token["userinfo"]
        session = await door.sign_in_by_provider(
            claims["iss"], claims["sub"], claims.get("email") if claims.get("email_verified") is True else None, browser_of(request)
        )
    except (OAuthError, HTTPError, KeyError, Refusal) as reason:
        log.warning("the sign-in provider did not confirm somebody", reason=str(reason))
        return RedirectResponse("/sign-in?problem_code=provider", status_code=303)
    finally:
        _flows.pop(request.scope["state"]["owner"], None)
    return with_session(RedirectResponse(target, status_code=303), session)


