"""Telnyx tells what became of a text message, and what people answer; it signs each word, and waits two seconds at most."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.actor import Actor
from data.core.errors import Invalid, Unauthenticated
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.notifications import setups
from data.notifications.commands import answers
from data.notifications.tables import Channel, DeliveryStatus
from jobs.channels import Undeliverable
from jobs.channels.sms import NUMBER, first_error, verdict
from jobs.codecs.fields import document, items, mapping
from jobs.networks._door import body_of

router = APIRouter()

BODY_LIMIT = 64_000
CLOCKS_DIFFER = timedelta(minutes=5)
FATES = {
    "queued": DeliveryStatus.SENT, "sending": DeliveryStatus.SENT, "sent": DeliveryStatus.SENT,
    "delivery_unconfirmed": DeliveryStatus.SENT, "delivered": DeliveryStatus.DELIVERED, "delivery_failed": DeliveryStatus.FAILED,
    "sending_failed": DeliveryStatus.FAILED, "expired": DeliveryStatus.FAILED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One event: about which message, between which numbers."""

    event_type: str
    message_id: str
    ours: Sequence[str]
    sender: str
    text: str
    status: str
    error: Mapping[str, Any] | None


@router.post("/webhooks/telnyx")
async def receive(request: Request) -> JSONResponse:
    """One signed event. 200 once it is written down, or when it is nothing of ours; 401 without a right signature."""
    at = now()
    body = await body_of(request, limit=BODY_LIMIT)
    stamp = _fresh_stamp(request.headers.get("telnyx-timestamp", ""), at)
    said = _said(document(body))
    async with across_tenants("telnyx callback") as tx:
        held = await setups.sms_public_keys(tx, said.ours, said.message_id)
    signature = request.headers.get("telnyx-signature-ed25519", "")
    believed = [organization_id for organization_id, key in held if key and _is_signed(body, stamp, signature, key)]
    if not believed:
        raise Unauthenticated("The signature is missing or not right.")
    for organization_id in believed:
        await _hear(organization_id, said, _delivery_id(request), at)
    return JSONResponse({"received": True})


async def _hear(organization_id: UUID, said: Said, delivery_id: UUID | None, at: datetime) -> None:
    async with transaction(Actor.system(organization_id, "telnyx")) as tx:
        if said.event_type == "message.received":
            if NUMBER.fullmatch(said.sender):
                await answers.sms_received(tx, said.sender, said.text)
            return
        status = FATES.get(said.status)
        if status is None or not said.message_id:
            return
        code, words = first_error(dict(said.error)) if said.error else (0, said.status)
        error = f"{code or ''} {words}".strip() if status is DeliveryStatus.FAILED else None
        await answers.sms_fate(tx, said.message_id, status, at=at, delivery_id=delivery_id, error=error)
        refusal = verdict(code, words)
        if isinstance(refusal, Undeliverable) and refusal.has_opted_out and NUMBER.fullmatch(said.sender):
            await answers.opt_out(tx, Channel.SMS, said.sender, reason=words)


def _said(event: Mapping[str, Any]) -> Said:
    data = mapping(event.get("data"), "data")
    payload = mapping(data.get("payload"), "data.payload")
    to = items(payload.get("to"), "data.payload.to")
    sender = payload.get("from")
    origin = str(sender.get("phone_number") or "") if isinstance(sender, Mapping) else str(sender or "")
    event_type, there = str(data.get("event_type") or ""), [str(one.get("phone_number") or "") for one in to]
    is_inbound = event_type == "message.received"
    errors = items(payload.get("errors"), "data.payload.errors")
    return Said(
        event_type, str(payload.get("id") or ""), there if is_inbound else [origin], origin if is_inbound else (there or [""])[0],
        str(payload.get("text") or "")[:200], str((to[0] if to else {}).get("status") or ""),
        errors[0] if errors else None,
    )  # fmt: skip


def _fresh_stamp(stamp: str, at: datetime) -> str:
    """The time that was signed with it, unless it is so far off that somebody may be repeating an old message."""
    if not stamp.isascii() or not stamp.isdigit() or abs(at.timestamp() - int(stamp[:12])) > CLOCKS_DIFFER.total_seconds():
        raise Unauthenticated("The signature is missing or not right.")
    return stamp


def _is_signed(body: bytes, stamp: str, signature: str, public_key: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), stamp.encode() + b"|" + body)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _delivery_id(request: Request) -> UUID | None:
    named = request.query_params.get("delivery")
    try:
        return UUID(named) if named else None
    except ValueError as reason:
        raise Invalid("delivery", "This is not an id.") from reason
