"""The outside parties, on loopback and as strict as the real ones: a mail server, Telnyx, Telegram, a push service, a partner."""

import base64
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey
from standardwebhooks import Webhook as Verifier

from data.core.time import now
from jobs.demonstration.haystack import serving


@dataclass
class MailServer:
    """A real SMTP server. `refusing` is a reply to every recipient; `arrived` is what it took, parsed."""

    refusing: str = ""
    arrived: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.refusing:
            return self.refusing
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type]
        assert isinstance(message, EmailMessage) and message["Message-ID"] and message["Date"] and message["From"]
        assert message["To"] == envelope.rcpt_tos[0]
        self.arrived.append(message)
        return "250 kept"

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve; the address as SMTP_URL has it."""
        with socket.socket() as probe:  # the controller knocks at its own port, so it must be known before
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(self, hostname="127.0.0.1", port=port)
        controller.start()
        try:
            yield f"smtp://127.0.0.1:{port}"
        finally:
            controller.stop()


@dataclass
class Telnyx:
    """Takes messages for one account. `failing` is a status and an error code instead; `sent` is what it accepted."""

    key: str = "KEY0123456789"
    failing: tuple[int, int] | None = None
    retry_after: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> str:
        return base64.b64encode(self.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = FastAPI(openapi_url=None)
        app.post("/v2/messages")(self._take)
        async with serving(app) as address:
            yield address

    async def _take(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self._refusal(401, 10009)
        body = await request.json()
        if set(body) - {"from", "to", "text", "messaging_profile_id", "webhook_url"} or not body.get("text"):
            return self._refusal(400, 10015)
        if not all(body.get(name, "").startswith("+") for name in ("from", "to")):
            return self._refusal(400, 40310)
        if self.failing:
            return self._refusal(*self.failing)
        self.sent.append(body)
        return JSONResponse({"data": {"record_type": "message", "id": f"message-{len(self.sent)}", "to": [{"status": "queued"}]}})

    def _refusal(self, status: int, code: int) -> JSONResponse:
        headers = {"retry-after": self.retry_after} if self.retry_after else {}
        return JSONResponse({"errors": [{"code": str(code), "title": "No", "detail": f"It says {code}"}]}, status, headers)

    def tells(self, event_type: str, payload: dict[str, Any], *, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """A callback as Telnyx signs it: its body and headers."""
        event = {
            "data": {
                "record_type": "event", "event_type": event_type, "id": "event", "occurred_at": now().isoformat(),
                "payload": payload,
            },
            "meta": {"attempt": 1},
        }  # fmt: skip
        body, stamp = json.dumps(event).encode(), str(at if at is not None else int(now().timestamp()))
        signature = self.signer.sign(stamp.encode() + b"|" + body)
        return body, {"telnyx-signature-ed25519": base64.b64encode(signature).decode(), "telnyx-timestamp": stamp}


@dataclass
class TelegramServer:
    """One bot. `blocked` are the chats that want nothing more of it; `said` is what people wrote to it."""

    token: str = "12345:bot-secret"
    blocked: set[str] = field(default_factory=set)
    busy_for_s: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = FastAPI(openapi_url=None)
        app.post("/bot{token}/{method}")(self._answer)
        async with serving(app) as address:
            yield address

    def say(self, chat_id: int, text: str) -> None:
        """Somebody writes to the bot."""
        message = {"message_id": 1, "chat": {"id": chat_id, "type": "private", "first_name": "Dara"}, "text": text}
        self.said.append({"update_id": 100 + len(self.said), "message": message})

    async def _answer(self, token: str, method: str, request: Request) -> JSONResponse:
        body = await request.json()
        if token != self.token:
            return self._no(401, "Unauthorized")
        if method == "getMe":
            return JSONResponse({"ok": True, "result": {"id": 1, "is_bot": True, "username": "steading_bot"}})
        if method == "getUpdates":
            return JSONResponse({"ok": True, "result": [u for u in self.said if u["update_id"] >= body["offset"]]})
        if method != "sendMessage":
            return self._no(404, "Not Found")
        if self.busy_for_s:
            return self._no(429, "Too Many Requests", retry_after=self.busy_for_s)
        if not body.get("text") or len(body["text"]) > 4096:
            return self._no(400, "Bad Request: message text is empty or too long")
        if str(body["chat_id"]) in self.blocked:
            return self._no(403, "Forbidden: bot was blocked by the user")
        self.sent.append(body)
        return JSONResponse({"ok": True, "result": {"message_id": len(self.sent), "chat": {"id": body["chat_id"]}}})

    def _no(self, status: int, words: str, **parameters: int) -> JSONResponse:
        return JSONResponse({"ok": False, "error_code": status, "description": words, "parameters": parameters}, status)


@dataclass
class Browser:
    """A browser and its push service: takes only what is signed for it and sealed for it, and opens it."""

    answering: int = 201
    shown: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    subscribed_with: str = ""
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = bytes(range(16))
    origin: str = ""

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": b64(point(self.private.public_key())), "auth": b64(self.auth)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = FastAPI(openapi_url=None)
        app.post("/push/{subscription}")(self._take)
        async with serving(app) as address:
            self.origin = address.rstrip("/")
            yield f"{self.origin}/push/abc"

    async def _take(self, subscription: str, request: Request) -> Response:
        if self.answering >= 300:
            return Response("not today", self.answering, headers={"retry-after": "7"})
        headers = dict(request.headers)
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit() or headers["ttl"] == "0":
            return Response("TTL or encoding", 400)
        if not self._is_signed(headers.get("authorization", "")):
            return Response("the key is not the one that subscribed", 403)
        body = await request.body()
        if len(body) > 4096:
            return Response("too large", 413)
        self.headers.append(headers)
        self.shown.append(json.loads(opened(body, self.private, self.auth)))
        return Response(status_code=201, headers={"location": f"{self.origin}/message/{len(self.shown)}"})

    def _is_signed(self, authorization: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or (self.subscribed_with and parts["k"] != self.subscribed_with):
            return False
        x, y = unb64(parts["k"])[1:33], unb64(parts["k"])[33:]
        key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)})
        claims = jwt.decode(parts["t"], key, algorithms=["ES256"]).claims
        is_timely = now().timestamp() < claims["exp"] <= now().timestamp() + 24 * 3600
        return claims["aud"] == self.origin and is_timely and claims["sub"].startswith(("mailto:", "https:"))


def opened(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What a browser does with a push message, written from RFC 8188 and RFC 8291 and from nothing of ours."""
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    assert length == 65 and len(sealed) <= size
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    info = b"WebPush: info\0" + point(private.public_key()) + sender
    secret = HKDF(hashes.SHA256(), 32, salt=auth, info=info).derive(shared)
    key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(secret)
    plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert plain[-1:] == b"\x02"
    return plain[:-1]


@dataclass
class Partner:
    """Somebody's endpoint: takes what the reference implementation of Standard Webhooks finds genuine."""

    secret: str = ""
    answering: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = FastAPI(openapi_url=None)
        app.post("/hook")(self._take)
        async with serving(app) as address:
            yield f"{address}hook"

    async def _take(self, request: Request) -> Response:
        if self.answering >= 300:
            return Response("not now", self.answering, headers=self.headers)
        self.told.append(Verifier(self.secret).verify(await request.body(), dict(request.headers)))
        self.ids.append(request.headers["webhook-id"])
        return Response(status_code=self.answering)


def point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
