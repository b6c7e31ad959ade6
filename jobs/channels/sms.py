"""Text messages go out over an organization's own account at Telnyx."""

import json
import re
from typing import Any

import httpx

from jobs.channels import Letter, TryLater, Undeliverable, shortened
from jobs.channels._outside import MOST_TOLD, retry_after_s, unreachable

ADDRESS = "https://api.telnyx.com"
MOST = 160
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
OPTED_OUT = {40300}
NO_SUCH_PHONE = {40001, 40012, 40301, 40310, 10002, 10016}
"""Not routable (a landline), no such number, no E.164."""
FOR_NOW = {40002, 40006, 40011, 40014, 40016, 40018, 40318, 40320, 10007, 10008, 10011}
"""The carrier is away, a queue is full, too much at once."""
OUR_ACCOUNT = (401, 402, 403)
"""The key, the balance, a right: every message would fail, until somebody mends it."""


class Sms:
    """One organization's account: its key, the number it sends from, and where Telnyx tells what became of a message."""

    def __init__(
        self, over: httpx.AsyncClient, *, api_key: str, number: str, profile_id: str | None = None, callback: str = "",
        address: str = ADDRESS,
    ) -> None:  # fmt: skip
        self._over, self._key, self._number = over, api_key, number
        self._profile_id, self._callback, self._address = profile_id, callback, address.rstrip("/")

    async def send(self, letter: Letter) -> str:
        """Hand one message of at most 160 characters to Telnyx; its id there."""
        if not NUMBER.fullmatch(letter.to):
            raise Undeliverable(f"{letter.to} is not a telephone number with its country", is_dead=True)
        body = {"from": self._number, "to": letter.to, "text": shortened(letter.text, MOST)}
        if self._profile_id:
            body["messaging_profile_id"] = self._profile_id
        if self._callback:  # the answer may overtake what we write down, so it names the message itself
            body["webhook_url"] = f"{self._callback}?delivery={letter.id}"
        try:
            reply = await self._over.post(
                f"{self._address}/v2/messages", json=body, headers={"authorization": f"Bearer {self._key}"}
            )
        except httpx.HTTPError as reason:
            raise unreachable(reason) from reason
        if reply.is_success:
            return _message_id(reply)
        raise _as_ours(reply)


def verdict(code: int, words: str) -> Exception:
    """What one of Telnyx's error codes means for a message that was accepted or refused."""
    reason = f"{code} {words}".strip()[:MOST_TOLD]
    if code in OPTED_OUT:
        return Undeliverable(reason, has_opted_out=True)
    if code in FOR_NOW:
        return TryLater(reason)
    return Undeliverable(reason, is_dead=code in NO_SUCH_PHONE)


def _message_id(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["data"]["id"])
    except (ValueError, LookupError, TypeError) as reason:
        raise TryLater("the answer names no message") from reason


def _as_ours(reply: httpx.Response) -> Exception:
    code, words = _first_error(reply)
    if reply.status_code in (408, 425, 429) or reply.status_code >= 500:
        return TryLater(words or f"Telnyx answered {reply.status_code}", retry_after_s=retry_after_s(reply.headers))
    if code in OPTED_OUT | NO_SUCH_PHONE | FOR_NOW:
        return verdict(code, words)
    if reply.status_code in OUR_ACCOUNT:
        return TryLater(f"Telnyx refuses this account: {words or reply.status_code}")
    return verdict(code or reply.status_code, words)


def _first_error(reply: httpx.Response) -> tuple[int, str]:
    try:
        [first, *_] = reply.json()["errors"]
        return first_error(first)
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError):
        return 0, ""


def first_error(error: dict[str, Any]) -> tuple[int, str]:
    """The code and the words of one of Telnyx's errors."""
    code = str(error.get("code") or "")
    return int(code) if code.isdecimal() else 0, str(error.get("detail") or error.get("title") or "")[:MOST_TOLD]
