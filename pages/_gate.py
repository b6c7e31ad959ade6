"""Nobody comes in unseen: every request and socket is matched with a session, an origin and the page it belongs to.

The cookie holds a random token; signed in or not, its hash owns the pages that this browser opened. A socket may act
only for such a page, and only from our own origin. Pages get a fresh nonce, without which no script runs.
"""

import hmac
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nicegui import Client, app, background_tasks, core
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.core.actor import Actor
from data.core.bus import Heard, bus
from data.core.settings import Settings
from data.identity import door
from data.identity.door import Browser
from data.identity.secrets import new_token, token_hash

COOKIE = "steading"
COOKIE_LIFE_S = int(door.SESSION_LIFE.total_seconds())
SOCKET = "/_nicegui_ws"
UPLOADS = "/_nicegui/client/"
"""Where a page's own files go in; the page's id stands in the address."""
STATIC = ("/_nicegui/", "/steading-ui/", "/favicon.ico")
DOORS = ("/feeds/", "/api/", "/v1/", "/webhooks/", "/health")
"""Machines' doors: they show secrets of their own, never a cookie, and are not asked for an origin."""


ASKED_BY_OTHERS = ("/unsubscribe",)
"""Posts that a mail program makes for its reader (RFC 8058): the sealed link is the proof, and there is no origin."""


class Gate:
    """Pure ASGI, over http and websocket alike."""

    def __init__(self, inner: ASGIApp, settings: Settings) -> None:
        self._inner, self._settings = inner, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(DOORS):
            await self._inner(scope, receive, send)
            return
        if scope["path"].startswith(STATIC) and not scope["path"].startswith(UPLOADS):
            await self._inner(scope, receive, self._guarded(scope, send, None))
            return
        headers = Headers(scope=scope)
        token = _cookie(headers)
        new_visitor = None if token else new_token()
        browser = Browser(scope["client"][0] if scope.get("client") else None, headers.get("user-agent"))
        state = scope.setdefault("state", {})
        state["owner"] = token_hash(token or new_visitor or "")
        state["token"], state["browser"] = token, browser
        if scope["path"].startswith(SOCKET):
            if not (self._is_our_origin(headers) and _owns_client(_asked_client(scope), state["owner"])):
                await _refuse(scope, receive, send)
                return
            await self._inner(scope, receive, send)
            return
        if scope["path"].startswith(UPLOADS):
            page_id = scope["path"].removeprefix(UPLOADS).partition("/")[0]
            if page_id not in Client.instances or not _owns_client(page_id, state["owner"]):
                await _refuse(scope, receive, send)
                return
        is_asked_by_others = scope["path"] in ASKED_BY_OTHERS
        if scope["method"] not in ("GET", "HEAD") and not is_asked_by_others and not self._is_our_origin(headers):
            await _refuse(scope, receive, send)
            return
        state["actor"] = await door.who(token, browser) if token else None
        await self._inner(scope, receive, self._guarded(scope, send, new_visitor))

    def _is_our_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        if self._settings.public_url:
            return hmac.compare_digest(origin, self._settings.origin)
        return bool(origin) and urlsplit(origin).netloc == headers.get("host")

    def _guarded(self, scope: Scope, send: Send, new_visitor: str | None) -> Send:
        """Add what a browser needs to protect its person: a policy, a nonce on each script, the visitor's cookie."""
        nonce = secrets.token_urlsafe(16)
        start: Message = {}
        body = bytearray()

        async def guarded(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                protect(headers, nonce)
                if new_visitor and not any(v.startswith(f"{COOKIE}=") for v in headers.getlist("set-cookie")):
                    headers.append("set-cookie", cookie(new_visitor, self._settings))
                if headers.get("content-type", "").startswith("text/html"):
                    start = message
                    return
            elif message["type"] == "http.response.body" and start:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = bytes(body).replace(b"<script", f'<script nonce="{nonce}"'.encode())
                body.clear()  # an open page keeps its request, and with it this function
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(page))
                await send(start)
                message = {"type": "http.response.body", "body": page}
            await send(message)

        return guarded


def protect(headers: MutableHeaders, nonce: str) -> None:
    """As strict a policy as NiceGUI allows: its template compiler needs `unsafe-eval`, its styles need to be inline."""
    headers["content-security-policy"] = "; ".join((
        "default-src 'self'", f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob: https:", "font-src 'self' data:", "media-src 'self' blob:", "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'",
    ))  # fmt: skip
    headers["x-content-type-options"] = "nosniff"
    headers.setdefault("referrer-policy", "same-origin")
    headers["permissions-policy"] = "camera=(self), geolocation=(self), microphone=(self)"


def cookie(token: str, settings: Settings, *, life_s: int = COOKIE_LIFE_S) -> str:
    """The Set-Cookie line for a session's or visitor's token."""
    secure = "; Secure" if settings.is_https else ""
    return f"{COOKIE}={token}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}"


def actor_of(connection: HTTPConnection) -> Actor | None:
    """Who sent this request, or None for somebody who is not signed in."""
    found: Actor | None = connection.scope.get("state", {}).get("actor")
    return found


def _cookie(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel and 20 <= len(morsel.value) <= 100 else None


def _asked_client(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    return (parse_qs(query.decode(errors="replace")).get("client_id") or [""])[0]


def _owns_client(client_id: str, owner: bytes) -> bool:
    client = Client.instances.get(client_id)
    if client is None:  # gone since; the handshake fails and the browser loads the page anew
        return bool(client_id)
    owned_by = _state_of(client).get("owner")
    return owned_by is not None and hmac.compare_digest(owned_by, owner)


def _state_of(client: Client) -> dict[str, Any]:
    try:
        state: dict[str, Any] = client.request.scope.get("state", {})
    except RuntimeError:  # NiceGUI's own client without a request
        return {}
    return state


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This page was opened elsewhere. Load it again."})


def guard_sockets() -> None:
    """No socket can act for a page it did not open: NiceGUI trusts the `client_id` in a message, we do not."""
    handlers = core.sio.handlers["/"]
    for name in ("event", "javascript_response", "ack", "log"):
        core.sio.on(name, _only_own(handlers[name]))


def _only_own(inner: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    def guarded(sid: str, message: dict[str, Any]) -> Any:
        return inner(sid, message) if _is_in(sid, message.get("client_id")) else None

    return guarded


def _is_in(sid: str, client_id: object) -> bool:
    """Whether the socket is in the room of that page. (`sio.rooms` asks it of every room there is, at each event.)"""
    rooms: dict[object, Any] = core.sio.manager.rooms.get("/", {})
    return isinstance(client_id, str) and sid in rooms.get(client_id, ())


def close_pages_of_ended_sessions() -> None:
    """When a session ends or somebody's roles change, their open pages go, whatever the browser does."""

    def session_ended(heard: Heard) -> None:
        if heard.ids:
            _reload(lambda actor: str(actor.session_id) == heard.ids.get("session_id"))
        else:  # the bus was away: ask which sessions still live
            background_tasks.create(_close_dead_sessions(), name="close dead sessions")

    def people_changed(heard: Heard) -> None:
        if heard.ids:
            _reload(lambda actor: str(actor.user_id) == heard.ids.get("user_id"))

    bus.listen("SessionEnded", "*", session_ended)
    bus.listen("PeopleChanged", "*", people_changed)


async def _close_dead_sessions() -> None:
    actors = [_state_of(client).get("actor") for client in tuple(Client.instances.values())]
    alive = await door.living_sessions({a.session_id for a in actors if a and a.session_id})
    _reload(lambda actor: actor.session_id not in alive)


def _reload(concerns: Callable[[Actor], bool]) -> None:
    for client in tuple(Client.instances.values()):
        actor = _state_of(client).get("actor")
        if actor and concerns(actor):
            # later than the page's own sign-out, which is a navigation that a reload would cut short
            client.run_javascript("setTimeout(() => location.reload(), 500)")
            app.timer(0.2, client.delete, once=True)
