"""A browser's own push service wakes a phone whose page is closed; what it carries only that browser can read."""

import base64
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import http_ece
import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from data.core.time import now
from jobs.channels import Letter, TryLater, Undeliverable, shortened
from jobs.channels._outside import MOST_TOLD, post, retry_after_s

ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GONE = (404, 410)
NOT_OUR_KEY = (400, 401, 403)
MOST_BODY = 700
"""Characters; a push service takes 4,096 bytes, and Khmer needs three for a character."""
CLAIM_LIFE = timedelta(hours=12)


class Vapid:
    """The key pair by which push services know this installation; made from its secret key, so that it is kept nowhere."""

    def __init__(self, secret_key: str) -> None:
        seed = HKDF(hashes.SHA256(), 48, salt=None, info=b"steading web push").derive(secret_key.encode())
        self.private = ec.derive_private_key(int.from_bytes(seed, "big") % (ORDER_P256 - 1) + 1, ec.SECP256R1())
        self._jwk = ECKey.import_key(self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @property
    def public(self) -> str:
        """What a browser subscribes with: 65 bytes, base64url."""
        return unpadded(self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def authorization(self, endpoint: str, contact: str) -> str:
        """The header that says who sends to this push service, good for half a day."""
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int((now() + CLAIM_LIFE).timestamp()), "sub": contact}
        return f"vapid t={jwt.encode({'alg': 'ES256', 'typ': 'JWT'}, claims, self._jwk)},k={self.public}"


class Push:
    """Sends as `contact` (mailto: or https:). A browser keeps to the key that it subscribed with: older ones still sign for it."""

    def __init__(self, over: httpx.AsyncClient, keys: Sequence[Vapid], contact: str, *, may_be_private: bool = False) -> None:
        self._over, self._keys, self._contact, self._may_be_private = over, keys, contact, may_be_private

    async def send(self, letter: Letter) -> str:
        """Hand it to the push service at `letter.to`, sealed for `letter.keys` (p256dh, auth). Undeliverable when it is gone."""
        content = _sealed(letter)
        for key in self._keys:
            status, said, answered = await post(
                self._over, letter.to, content=content, headers=self._headers(key, letter), may_be_private=self._may_be_private
            )
            if 200 <= status < 300:
                return str(answered.get("location", ""))
            if status not in NOT_OUR_KEY:
                break
        words = f"{status} {said}".strip()[:MOST_TOLD]
        if status in GONE or status in NOT_OUR_KEY:
            raise Undeliverable(words, is_dead=status in GONE)
        if status == 413:
            raise Undeliverable(words)
        raise TryLater(words, retry_after_s=retry_after_s(answered))

    def _headers(self, key: Vapid, letter: Letter) -> dict[str, str]:
        return {
            "content-encoding": "aes128gcm", "content-type": "application/octet-stream",
            "ttl": str(int(letter.life.total_seconds())), "urgency": "high" if letter.is_urgent else "normal",
            "authorization": key.authorization(letter.to, self._contact),
        }  # fmt: skip


def _sealed(letter: Letter) -> bytes:
    shown = {"id": letter.id, "title": letter.subject, "body": shortened(letter.text, MOST_BODY), "url": letter.link}
    try:
        return sealed(json.dumps(shown, ensure_ascii=False).encode(), letter.keys["p256dh"], letter.keys["auth"])
    except (ValueError, KeyError) as reason:
        raise Undeliverable("this browser's keys cannot be used", is_dead=True) from reason


def sealed(content: bytes, p256dh: str, auth: str) -> bytes:
    """The content as RFC 8291 has it, for one browser's public key and secret (both base64url)."""
    one_time = ec.generate_private_key(ec.SECP256R1())
    encrypted: bytes = http_ece.encrypt(
        content, private_key=one_time, dh=padded(p256dh), auth_secret=padded(auth), version="aes128gcm"
    )
    return encrypted


def unpadded(value: bytes) -> str:
    """base64url without its equals signs, as browsers write it."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    """The bytes of base64url, with or without its equals signs. ValueError for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+=*", text):
        raise ValueError("this is not base64url")
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
