"""What the installed application's worker does with a message, and where it tells of a browser's new address."""

from typing import Any

from fastapi import Body, Request, Response
from nicegui import app

from data.core.errors import Invalid
from data.core.session import transaction
from data.notifications.commands import preferences
from pages._shell import actor
from ui.offline import PUSH
from ui.theme import STATIC


@app.get(PUSH, include_in_schema=False)
async def worker_script() -> Response:
    """Imported by the service worker; asked for anew whenever that is."""
    script = (STATIC / "push_worker.js").read_text(encoding="utf-8")
    return Response(script, media_type="text/javascript", headers={"cache-control": "no-cache"})


@app.post("/settings/browser", include_in_schema=False, status_code=204)
async def moved(request: Request, said: Any = Body()) -> Response:
    """The worker's own word, with the person's cookie; the gate has asked for our origin."""
    async with transaction(actor(request)) as tx:
        await preferences.subscribe_browser(tx, **given(said, request.headers.get("user-agent", "")))
    return Response(status_code=204)


def given(said: Any, user_agent: str) -> dict[str, Any]:
    """A subscription as browsers write it. Invalid where it is none."""
    keys = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(keys, dict):
        raise Invalid("keys", "These are not a browser's keys.")
    endpoint, p256dh, auth = said.get("endpoint"), keys.get("p256dh"), keys.get("auth")
    if not (isinstance(endpoint, str) and isinstance(p256dh, str) and isinstance(auth, str)):
        raise Invalid("endpoint", "This is not the address of a push service.")
    return {"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "device_name": device_name(user_agent)}


def device_name(user_agent: str) -> str | None:
    """'Firefox on Linux', from what a browser says of itself."""
    browsers = (("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"))
    browser = next((name for sign, name in browsers if sign in user_agent), None)
    system = next((name for sign, name in systems if sign in user_agent), None)
    return f"{browser} · {system}" if browser and system else browser or system


