"""A business that does not exist, with devices that do as real ones would: what `run` shows, and nothing else reaches."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from data.core.settings import Settings
from jobs.demonstration.city import geojson as streets
from jobs.demonstration.people import PASSWORD, SIGN_INS, SLUG
from jobs.demonstration.postal import Postbox, delivering
from jobs.demonstration.simulation import free_port, living
from jobs.demonstration.world import ensure_world

__all__ = ["PASSWORD", "SETTINGS", "SIGN_INS", "ensure_world", "simulated", "streets", "welcome"]

_HAYSTACK_PORT, _POST_PORT, _SMTP_PORT = free_port(), free_port(), free_port()
SETTINGS: dict[str, Any] = {
    "find_my_url": f"http://127.0.0.1:{_HAYSTACK_PORT}/",
    "find_my_user": "demonstration",
    "find_my_password": secrets.token_urlsafe(16),
    "find_my_every_s": 10,
    "smtp_url": f"smtp://127.0.0.1:{_SMTP_PORT}",
    "telnyx_url": f"http://127.0.0.1:{_POST_PORT}",
    "steading_sign_up": True,
    "steading_sign_up_sms": SLUG,
    "mail_from": "Steading <steading@demo.example>",
}
"""What the demonstration sets beside the addresses that `run` chooses: where its own crowd of phones is asked, and where
its own post office takes mails and text messages."""


def welcome(settings: Settings) -> str:
    """Where to go and as whom, for the terminal."""
    width = max(len(email) for email, _ in SIGN_INS)
    people = "\n".join(f"  {email:{width}}  {who}" for email, who in SIGN_INS)
    post = f"\nMails and text messages that it sends: {settings.telnyx_url}\n" if settings.telnyx_url == SETTINGS["telnyx_url"] else ""
    return f"\nSteading is at http://{settings.host}:{settings.port}\n\n{people}\n{post}\nThe password is {PASSWORD} for all of them. Ctrl-C ends everything.\n"


@asynccontextmanager
async def simulated(settings: Settings) -> AsyncIterator[None]:
    """The simulated devices, each speaking its own protocol to the same doors as a real one."""
    postbox = Postbox(settings.secret_key, f"http://{settings.host}:{settings.port}")
    async with (
        delivering(postbox, http_port=_POST_PORT, smtp_port=_SMTP_PORT),
        living(settings, postbox, haystack_port=_HAYSTACK_PORT),
    ):
        yield
