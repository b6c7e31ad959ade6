"""Telegram: a bot of the organization's own writes to the chats that people have opened with it."""

from typing import Any

import httpx

from jobs.channels import Letter, TryLater, Undeliverable, shortened
from jobs.channels._outside import unreachable

ADDRESS = "https://api.telegram.org"
MOST = 4096
GONE = ("chat not found", "user is deactivated", "group chat was deactivated", "peer_id_invalid", "have no rights")


class Telegram:
    """One bot, by its token."""

    def __init__(self, over: httpx.AsyncClient, token: str, *, address: str = ADDRESS) -> None:
        self._over, self._base = over, f"{address.rstrip('/')}/bot{token}"

    async def send(self, letter: Letter) -> str:
        """Write to one chat; the message's number in it."""
        text = shortened(letter.text, MOST - len(letter.link) - 1)
        body: dict[str, Any] = {
            "chat_id": letter.to, "text": f"{text}\n{letter.link}".strip(), "disable_notification": not letter.is_urgent,
            "link_preview_options": {"is_disabled": True},
        }  # fmt: skip
        return str((await self._ask("sendMessage", body))["message_id"])

    async def me(self) -> str:
        """The bot's name, without the @: what a link to it needs, and the proof that the token is right."""
        return str((await self._ask("getMe", {}))["username"])

    async def heard(self, after: int) -> list[dict[str, Any]]:
        """What people wrote to the bot since that update, the oldest first; asking again with a later number forgets them."""
        body = {"offset": after, "timeout": 0, "allowed_updates": ["message", "my_chat_member"]}
        return list(await self._ask("getUpdates", body))

    async def _ask(self, method: str, body: dict[str, Any]) -> Any:
        try:
            reply = await self._over.post(f"{self._base}/{method}", json=body)
        except httpx.HTTPError as reason:
            raise TryLater(str(unreachable(reason)).replace(self._base, "")) from None  # its address holds the secret
        try:
            said = reply.json()
        except ValueError:
            said = {}
        if reply.is_success and said.get("ok"):
            return said["result"]
        raise _as_ours(reply.status_code, said)


def _as_ours(status: int, said: dict[str, Any]) -> Exception:
    words = str(said.get("description") or f"Telegram answered {status}")
    more = said.get("parameters") or {}
    if status == 429 or status >= 500:
        return TryLater(words, retry_after_s=more.get("retry_after"))
    if status in (401, 404, 409):  # the token is not right, or another process is listening: the bot's fault, not the chat's
        return TryLater(f"Telegram refuses this bot: {words}")
    is_gone = status == 403 or any(sign in words.lower() for sign in GONE)
    return Undeliverable(words, is_dead=is_gone)
