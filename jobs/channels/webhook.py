"""Partners' systems are told by a signed POST, as the Standard Webhooks specification has it."""

import json
from collections.abc import Sequence
from datetime import datetime

import httpx
from standardwebhooks import Webhook as Signer

from data.core.time import now
from jobs.channels import Letter, TryLater, Undeliverable
from jobs.channels._outside import MOST_TOLD, post, retry_after_s

GONE = 410


class Webhook:
    """One endpoint's secrets (`whsec_…`, the newest first; several while one is being replaced)."""

    def __init__(self, over: httpx.AsyncClient, secrets: Sequence[str], *, may_be_private: bool = False) -> None:
        self._over, self._secrets, self._may_be_private = over, secrets, may_be_private

    async def send(self, letter: Letter) -> str:
        """Tell the endpoint; its answer's status. 410 means that it wants nothing more."""
        body, at = json.dumps(letter.data, ensure_ascii=False, separators=(",", ":")), now()
        headers = {
            "content-type": "application/json", "user-agent": "Steading", "webhook-id": letter.id,
            "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signatures(self._secrets, letter.id, at, body),
        }  # fmt: skip
        status, said, answered = await post(
            self._over, letter.to, content=body.encode(), headers=headers, may_be_private=self._may_be_private
        )
        if 200 <= status < 300:
            return str(status)
        words = f"{status} {said}".strip()[:MOST_TOLD]
        if status == GONE:
            raise Undeliverable(words, is_dead=True)
        if 300 <= status < 400:
            raise Undeliverable(f"{status}: it wants to send us elsewhere, which is not followed")
        raise TryLater(words, retry_after_s=retry_after_s(answered))


def signatures(secrets: Sequence[str], id: str, at: datetime, body: str) -> str:
    """One signature a secret, with spaces between."""
    return " ".join(Signer(secret).sign(id, at, body) for secret in secrets)
