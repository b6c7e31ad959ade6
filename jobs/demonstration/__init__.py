"""A business that does not exist, with devices that do as real ones would: what `run` shows, and nothing else reaches."""

from jobs.demonstration.people import PASSWORD, SIGN_INS, ensure_people

__all__ = ["PASSWORD", "SETTINGS", "SIGN_INS", "ensure_world", "simulated", "welcome"]

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from data.core.settings import Settings

SETTINGS: dict[str, Any] = {}
"""What the demonstration sets beside the addresses that `run` chooses."""


def welcome(settings: Settings) -> str:
    """Where to go and as whom, for the terminal."""
    width = max(len(email) for email, _ in SIGN_INS)
    people = "\n".join(f"  {email:{width}}  {who}" for email, who in SIGN_INS)
    return f"\nSteading is at http://{settings.host}:{settings.port}\n\n{people}\n\nThe password is {PASSWORD} for all of them. Ctrl-C ends everything.\n"


async def ensure_world() -> None:
    """Make the demonstration's world, once."""
    await ensure_people()


@asynccontextmanager
async def simulated(settings: Settings) -> AsyncIterator[None]:
    """The simulated devices, each speaking its own protocol to the same doors as a real one."""
    yield
