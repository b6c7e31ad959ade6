"""People link their chats by following a link to the organization's bot; while somebody may, the bot is asked what it heard.

Asking, because Telegram can only call an address that it can reach and trusts: a farm's server behind a home router has none.
Only bots with an open link are asked, so that idle ones cost nothing.
"""

from typing import Any

import httpx
import structlog
from apscheduler.triggers.interval import IntervalTrigger
from cryptography.fernet import InvalidToken

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.identity.secrets import seal
from data.notifications import setups
from data.notifications.commands import answers
from data.notifications.setups import Bot
from jobs.channels import Letter, TryLater, Undeliverable
from jobs.channels._outside import client
from jobs.channels.telegram import Telegram
from jobs.timetable import Line

log = structlog.get_logger()

NAME = "telegram.links"
WELCOME = "This chat is linked with Steading. / ការជជែកនេះត្រូវបានភ្ជាប់ជាមួយ Steading ហើយ។"
"""In both languages: who writes from a chat has not been asked for theirs."""


async def listen(over: httpx.AsyncClient, address: str) -> None:
    """Ask each bot that somebody may be writing to."""
    async with across_tenants(NAME) as tx:
        bots = await setups.bots_to_ask(tx, now())
    for bot in bots:
        try:
            await _ask(bot, Telegram(over, seal().open(bot.sealed_token), address=address))
        except (TryLater, Undeliverable, InvalidToken) as reason:
            log.warning("a bot could not be asked", organization_id=str(bot.organization_id), reason=str(reason) or type(reason).__name__)


async def _ask(bot: Bot, telegram: Telegram) -> None:
    username = bot.username or await telegram.me()
    heard = await telegram.heard((bot.last_update_id or 0) + 1)
    linked = []
    async with transaction(Actor.system(bot.organization_id, NAME)) as tx:
        if bot.username is None:
            await answers.bot_named(tx, username)
        if heard:
            newest = max(int(update["update_id"]) for update in heard)
            linked = list(await answers.chats_linked(tx, starts(heard), last_update_id=newest, at=now()))
    for chat_id in linked:
        await telegram.send(Letter(f"welcome {chat_id}", str(chat_id), WELCOME))


def starts(updates: list[dict[str, Any]]) -> list[tuple[int, str | None, str]]:
    """Who followed a link: chat, user name, code. Private chats only; a group would tell everybody in it."""
    found = []
    for update in updates:
        message = update.get("message") or {}
        chat, words = message.get("chat") or {}, str(message.get("text") or "").split()
        if chat.get("type") == "private" and len(words) == 2 and words[0] == "/start":
            found.append((int(chat["id"]), chat.get("username") or chat.get("first_name"), words[1]))
    return found


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""

    async def links() -> None:
        async with client() as over:
            await listen(over, settings.telegram_url)

    return [Line(NAME, IntervalTrigger(seconds=3), links)]
