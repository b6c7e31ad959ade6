"""A link is handed to whom it is for: by mail or text message where there is a way, and shown to whoever asked for it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.alerts.tables import Severity
from data.core.session import Transaction
from data.identity import members
from data.identity import queries as identity
from data.identity.tables import Invitation, Role
from data.notifications.outbox import Message, queue
from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery, Purpose

INVITED = "{who} invites you to {organization} as: {role}. Join within a week: {link}"
RESET = "Choose a new password for Steading within 30 minutes: {link}"
CODE = "{code} is your code for Steading. It is good for 24 hours."
KNOWN = "Somebody wants an account with Steading for this number, which has one already. Sign in with it: {link}"
SUBJECTS = {INVITED: "An invitation", RESET: "A new password", CODE: "Your code", KNOWN: "You have an account with Steading"}
WHY_INVITED = "{who} gave this address."
WHY_RESET = "Somebody asked for a new password with this number."
WHY_SIGN_UP = "Somebody gave this number to sign up."


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its link. `to` is the address that it goes to; `why_not` says why it does not, where it does not."""

    invitation: Invitation
    link: str
    to: str | None
    why_not: str | None
    until: datetime


async def invite(
    tx: Transaction, *, origin: str, role: Role, email: str | None = None, phone: str | None = None, name: str | None = None,
    scope_id: UUID | None = None, language: str = "en",
) -> Invited:  # fmt: skip
    """Invite somebody (see `members.invite`) and send them the link; it begins with `origin`."""
    made, token = await members.invite(tx, role=role, email=email, phone=phone, name=name, scope_id=scope_id, language=language)
    return await _send(tx, made, token, origin)


async def invite_again(tx: Transaction, invitation_id: UUID, *, origin: str) -> Invited:
    """Send a new link instead of the old one."""
    made, token = await members.invite_again(tx, invitation_id)
    return await _send(tx, made, token, origin)


async def send_reset(tx: Transaction, phone: str, link: str, *, language: str) -> bool:
    """Send a link for a new password by text message; whether there is a way."""
    _, why_not = await _queue(tx, Channel.SMS, phone, RESET, {"link": link}, WHY_RESET, {}, language)
    return why_not is None


async def send_code(tx: Transaction, phone: str, code: str, *, language: str) -> bool:
    """Send the digits by which somebody who signs up shows that the number is theirs; whether there is a way."""
    _, why_not = await _queue(tx, Channel.SMS, phone, CODE, {"code": code}, WHY_SIGN_UP, {}, language)
    return why_not is None


async def send_known(tx: Transaction, phone: str, link: str, *, language: str) -> bool:
    """Tell somebody that the number with which they want to sign up has an account; whether there is a way."""
    _, why_not = await _queue(tx, Channel.SMS, phone, KNOWN, {"link": link}, WHY_SIGN_UP, {}, language)
    return why_not is None


async def _send(tx: Transaction, invitation: Invitation, token: str, origin: str) -> Invited:
    link = f"{origin}/invitation/{token}"
    values = {
        "who": tx.actor.name, "organization": (await identity.organization(tx)).name, "role": invitation.role.value, "link": link,
    }  # fmt: skip
    to, why_not = None, None
    for channel, address in ((Channel.EMAIL, invitation.email), (Channel.SMS, invitation.phone)):
        if address:
            to, why_not = await _queue(tx, channel, address, INVITED, values, WHY_INVITED, {"who": tx.actor.name}, invitation.language)
            if why_not is None:
                break
    return Invited(invitation, link, to, why_not, invitation.expires_at)


async def _queue(
    tx: Transaction, channel: Channel, to: str, message: str, values: dict[str, str], why: str, why_values: dict[str, str], language: str
) -> tuple[str, str | None]:
    ids = await queue(tx, [
        Message(
            channel, message, why, values, why_values, subject=SUBJECTS[message],
            purpose=Purpose.CODE, severity=Severity.INFO, address=to, payload={"language": language},
        )
    ])  # fmt: skip
    rows = select(NotificationDelivery.status, NotificationDelivery.error_message).where(col(NotificationDelivery.id).in_(ids))
    status, error = (await tx.exec(rows)).one()
    return to, error if status is DeliveryStatus.SUPPRESSED else None
