"""The outside world's post, pretended: a mail server and Telnyx that take everything, and a page where one reads what came."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlmodel import select

from data.core.session import transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity.tables import Role, User
from data.notifications.commands import channels
from data.notifications.tables import NotificationPreference, SmsConfig
from jobs.demonstration.haystack import serving
from jobs.demonstration.people import Staff

KEY, NUMBER = "KEY-of-the-demonstration", "+85523000000"
PHONES = {Role.OWNER: "+85512000001", Role.MANAGER: "+85512000002", Role.STAFF: "+85512000003"}
KEPT, ARRIVES_AFTER_S = 200, 1.5


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that came: a mail (with its HTML) or a text message."""

    at: datetime
    to: str
    subject: str
    text: str
    html: str = ""


class Postbox:
    """Keeps the latest of what was sent. Telnyx's part tells the application at `home` what became of each text message."""

    def __init__(self, secret_key: str, home: str) -> None:
        seed = hmac.new(secret_key.encode(), b"demonstration telnyx", hashlib.sha256).digest()
        self._signer, self._home = Ed25519PrivateKey.from_private_bytes(seed), home
        self._tasks: set[asyncio.Task[None]] = set()
        self.items: deque[Item] = deque(maxlen=KEPT)
        self.app = FastAPI(openapi_url=None)
        self.app.get("/")(self._list)
        self.app.get("/mail/{number}")(self._mail)
        self.app.post("/v2/messages")(self._text)

    @property
    def public_key(self) -> str:
        return base64.b64encode(self._signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    async def speak_smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a mail program: as much of RFC 5321 as it takes to hand over mails."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.write(b"220 demonstration\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self._keep(body[:-3].replace(b"\r\n..", b"\r\n."))
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                await writer.drain()
                if verb == b"QUIT":
                    break
        writer.close()

    def _keep(self, content: bytes) -> None:
        mail = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        text = plain.get_content() if plain else ""
        self.items.append(Item(now(), str(mail["To"]), str(mail["Subject"]), text, html.get_content() if html else ""))

    async def _text(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"errors": [{"code": "10009", "title": "Authentication failed"}]}, 401)
        said = await request.json()
        id = str(uuid7())
        self.items.append(Item(now(), str(said["to"]), "SMS", str(said["text"])))
        task = asyncio.create_task(self._tell(id, said), name="telnyx tells")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return JSONResponse({"data": {"record_type": "message", "id": id, "to": [{"phone_number": said["to"], "status": "queued"}]}})

    async def _tell(self, id: str, said: dict[str, Any]) -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            for event, status in (("message.sent", "sent"), ("message.finalized", "delivered")):
                await asyncio.sleep(ARRIVES_AFTER_S)
                payload = {"id": id, "from": {"phone_number": said["from"]}, "to": [{"phone_number": said["to"], "status": status}], "errors": []}
                body = json.dumps({"data": {"record_type": "event", "event_type": event, "payload": payload}}).encode()
                stamp = str(int(now().timestamp()))
                signature = base64.b64encode(self._signer.sign(stamp.encode() + b"|" + body)).decode()
                with suppress(httpx.HTTPError):
                    headers = {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature}
                    await client.post(f"{self._home}/webhooks/telnyx", content=body, headers=headers)

    async def _list(self) -> HTMLResponse:
        rows = "".join(
            f"<tr><td>{one.at:%H:%M:%S}<td>{escape(one.to)}<td>{_title(number, one)}<td>{escape(one.text[:200])}</tr>"
            for number, one in reversed(list(enumerate(self.items)))
        )
        return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>Post</title><h1>Post of the demonstration</h1><table cellpadding=6>{rows}</table>")

    async def _mail(self, number: int) -> Response:
        if not 0 <= number < len(self.items):
            return Response(status_code=404)
        return HTMLResponse(self.items[number].html, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})


def _title(number: int, item: Item) -> str:
    return f'<a href="/mail/{number}">{escape(item.subject)}</a>' if item.html else escape(item.subject)


@asynccontextmanager
async def delivering(postbox: Postbox, *, http_port: int, smtp_port: int) -> AsyncIterator[None]:
    """The pretended servers, while the context lasts."""
    server = await asyncio.start_server(postbox.speak_smtp, "127.0.0.1", smtp_port, limit=20_000_000)
    try:
        async with serving(postbox.app, port=http_port):
            yield
    finally:
        server.close()


async def ensure_channels(staff: Staff, postbox: Postbox) -> None:
    """The business has an account for text messages, and three of its people have telephones; made once."""
    async with transaction(staff.itself) as tx:
        if (await tx.exec(select(SmsConfig.id))).first() is not None:
            return
        await channels.set_sms(tx, number=NUMBER, api_key=KEY, public_key=postbox.public_key, profile_id=None)
        for role, phone in PHONES.items():
            actor = staff.people.get(role)
            user = await tx.get(User, actor.user_id) if actor else None
            if user is None or user.phone:
                continue
            user.phone, user.is_phone_verified = phone, True
            tx.add(user)
            tx.add(NotificationPreference(user_id=user.id, is_sms_enabled=True, digest_daily=True))
