"""Somebody follows the link to the bot, and from then on the bot writes to them."""

import re
from datetime import timedelta

import httpx
import psycopg
import pytest

from data.core.errors import Conflict
from data.core.session import transaction
from data.notifications import queries
from data.notifications.commands import channels, preferences
from jobs.channels import _outside
from jobs.telegram import listen, starts
from tests.factories.outside import TelegramServer
from tests.factories.people import World

TOKEN = "12345:bot-secret"


async def linking(world: World, over: httpx.AsyncClient, address: str) -> str:
    """The code of a link that the colleague asked for, once the bot's name is known."""
    async with transaction(world.owner) as tx:
        await channels.set_bot(tx, token=TOKEN)
    await listen(over, address)
    async with transaction(world.colleague) as tx:
        link = await preferences.link_telegram(tx)
    assert (found := re.fullmatch(r"https://t\.me/steading_bot\?start=([A-Za-z0-9_-]{20,64})", link))
    return found[1]


async def test_whoever_follows_the_link_is_that_person(world: World) -> None:
    server = TelegramServer()
    async with server.running() as address, _outside.client() as over:
        code = await linking(world, over, address)
        server.say(41, "hello")
        server.say(42, f"/start {code}")
        server.say(43, f"/start {code}x")
        await listen(over, address)
        await listen(over, address)
        async with transaction(world.colleague) as tx:
            mine = await queries.own_addresses(tx)
        assert mine.chat and mine.chat.chat_id == 42 and mine.chat.code_hash is None
        server.say(99, f"/start {code}")  # the link is used up
        await listen(over, address)
        async with transaction(world.colleague) as tx:
            assert (await queries.own_addresses(tx)).chat.chat_id == 42  # type: ignore[union-attr]
    assert [sent["chat_id"] for sent in server.sent] == ["42"]


async def test_a_link_that_is_too_old_links_nobody(world: World, owner_connection: psycopg.Connection) -> None:
    server = TelegramServer()
    async with server.running() as address, _outside.client() as over:
        code = await linking(world, over, address)
        owner_connection.execute("update notifications.telegram_chats set code_expires_at = now() - %s", [timedelta(seconds=1)])
        async with transaction(world.owner) as tx:
            await preferences.link_telegram(tx)  # somebody else's link is open, so the bot is asked
        server.say(42, f"/start {code}")
        await listen(over, address)
    async with transaction(world.colleague) as tx:
        assert (await queries.own_addresses(tx)).chat.chat_id is None  # type: ignore[union-attr]


async def test_without_an_open_link_no_bot_is_asked(world: World) -> None:
    server = TelegramServer()
    async with server.running() as address, _outside.client() as over:
        async with transaction(world.owner) as tx:
            await channels.set_bot(tx, token=TOKEN)
        await listen(over, address)
    async with _outside.client() as over:
        await listen(over, "http://127.0.0.1:9")  # nobody answers there; nobody is asked


async def test_a_token_that_is_not_right_leaves_the_bot_without_a_name(world: World) -> None:
    server = TelegramServer(token="999:other")
    async with server.running() as address, _outside.client() as over:
        async with transaction(world.owner) as tx:
            await channels.set_bot(tx, token=TOKEN)
        await listen(over, address)
    async with transaction(world.colleague) as tx:
        with pytest.raises(Conflict):
            await preferences.link_telegram(tx)


def test_only_a_link_followed_in_a_private_chat_counts() -> None:
    def says(text: str, kind: str = "private") -> dict[str, object]:
        return {"update_id": 1, "message": {"chat": {"id": 5, "type": kind, "username": "dara"}, "text": text}}

    updates = [says("/start abc"), says("/start abc", "group"), says("/start"), says("start abc"), {"update_id": 2, "my_chat_member": {}}]
    assert starts(updates) == [(5, "dara", "abc")]
