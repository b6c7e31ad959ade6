"""A gateway asks for a code, somebody types it, and it is theirs: it fetches its token once, and may be taken away again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.alerts.commands import resolve_open
from data.core.errors import Busy, Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.farm import queries, queries_gateways
from data.farm.commands.gateways_silent import GATEWAY_ALERT
from data.farm.events import DeviceChanged, GatewayChanged
from data.farm.rules.gateways import CODE_LIFE, new_code, written_code
from data.farm.tables import Farm, Gateway
from data.identity.commands import make_token, revoke_tokens_of
from data.identity.secrets import new_token, seal, token_hash
from data.identity.tables import TokenKind

NETWORK = "gateway"
MOST_CODES = 5
"""That may wait for one box at a time: it asks for another when its screen was off, and so may somebody who knows its number."""
MOST_OPEN = 1_000
"""Codes that may wait at a time in the whole installation."""
TRIED_WITHIN = timedelta(minutes=15)
MOST_TRIES, MOST_TRIES_OF_ALL = 20, 60
"""Codes that one person, and all of a business, may try in that time."""
TRIED = "farm.gateways.code_tried"

REMOVED = "The gateway was removed."
WRONG = "No gateway waits for this code. Look at its screen again; a code is good for {minutes} minutes and for one time."

_FORGET = text("delete from platform.device_claims where expires_at < :before")
_WAITING = text("""
    select count(*) filter (where hardware_id = :hardware_id) as own, count(*) as of_all
    from platform.device_claims where claimed_at is null and expires_at > :at""")
_WAIT = text("""
    insert into platform.device_claims (id, code, hardware_id, poll_hash, description, expires_at)
    values (:id, :code, :hardware_id, :poll_hash, cast(:description as jsonb), :expires_at)
    on conflict (code) where claimed_at is null do nothing returning id""")
_ASKED = text("""
    select c.id, c.claimed_at, c.expires_at, c.organization_id, c.gateway_id, c.token_sealed, g.farm_id
    from platform.device_claims c
    left join farm.gateways g on g.organization_id = c.organization_id and g.id = c.gateway_id and g.deleted_at is null
    where c.code = :code and c.poll_hash = :poll_hash for update of c""")
_FETCHED = text("update platform.device_claims set token_sealed = null where id = :id")

_FIND = text("select id, hardware_id, description from platform.device_claims where code = :code and claimed_at is null and expires_at > :at for update")
_TAKE = text("""
    update platform.device_claims set claimed_at = :at, organization_id = :organization_id, gateway_id = :gateway_id, token_sealed = :sealed
    where id = :id""")
_TRIES = text("""
    select count(*) filter (where subject_id = :user_id) as own, count(*) as of_all from audit.event_logs
    where organization_id = :organization_id and event_type = :tried and recorded_at > :since""")
_IN_TURN = text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")

_DARK = text("""
    with gone as (
        update farm.devices d set is_online = false from farm.discoveries x
        where d.organization_id = :organization_id and x.organization_id = d.organization_id and x.device_id = d.id
          and x.dialect = 'gateway' and split_part(x.identifier, '/', 1) = :hardware_id and d.deleted_at is null
        returning d.id, d.farm_id
    ), ended as (
        update farm.device_commands c set status = 'failed', completed_at = :at, error_message = :reason from gone
        where c.organization_id = :organization_id and c.device_id = gone.id and c.status in ('queued', 'sent', 'executing')
        returning c.id
    ), executed as (
        update farm.schedule_executions e set status = 'failed', error_message = :reason from ended
        where e.organization_id = :organization_id and e.command_id = ended.id
    )
    select id, farm_id from gone""")


@dataclass(frozen=True, slots=True)
class Code:
    """What a box shows to people, what it asks with whether somebody has typed that, and until when it may."""

    code: str
    poll_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """Whether a code was typed. `token` is there once and never again; the rest says where the gateway stands now."""

    is_claimed: bool
    token: str | None = None
    farm_id: UUID | None = None
    gateway_id: UUID | None = None


async def ask_for_code(tx: Transaction, hardware_id: str, *, description: str, at: datetime) -> Code:
    """Across tenants: a box that is nobody's, or has lost its token, gets a code to show. `description` is JSON. Busy when it, or
    all boxes together, have asked too often."""
    await tx.execute(_FORGET, {"before": at - timedelta(days=1)})
    waiting = (await tx.execute(_WAITING, {"hardware_id": hardware_id, "at": at})).one()
    if waiting.own >= MOST_CODES or waiting.of_all >= MOST_OPEN:
        raise Busy("Too many codes wait to be typed. Ask again later.", retry_after_s=60)
    made = Code("", new_token(), at + CODE_LIFE)
    values = {"hardware_id": hardware_id, "poll_hash": token_hash(made.poll_token), "description": description, "expires_at": made.expires_at}
    while True:
        code = new_code()
        if (await tx.execute(_WAIT, values | {"id": uuid7(), "code": code})).one_or_none():
            return Code(code, made.poll_token, made.expires_at)


async def fetch_token(tx: Transaction, code: str, poll_token: str, *, at: datetime) -> Fetched:
    """Across tenants: a box asks whether its code was typed, and gets its token the first time after it was. NotFound for a code that
    is not its own or is over."""
    found = (await tx.execute(_ASKED, {"code": written_code(code), "poll_hash": token_hash(poll_token)})).one_or_none()
    if found is None or (found.expires_at <= at and found.token_sealed is None) or (found.claimed_at and found.farm_id is None):
        raise NotFound("This code is not waited for any more. Ask for a new one.")
    if found.claimed_at is None:
        return Fetched(False)
    if found.token_sealed is None:
        return Fetched(True, None, found.farm_id, found.gateway_id)
    await tx.execute(_FETCHED, {"id": found.id})
    tx.emit(GatewayChanged(gateway_id=found.gateway_id, farm_id=found.farm_id), organization_id=found.organization_id)
    return Fetched(True, seal().open(found.token_sealed), found.farm_id, found.gateway_id)


async def note_try(tx: Transaction) -> None:
    """Before each code that somebody tries, in a transaction of its own, so that it counts also when the code was wrong.

    Conflict when they, or all of their business, have tried too many lately.
    """
    tx.actor.require("farm.edit")
    await tx.execute(_IN_TURN, {"what": f"{TRIED} {tx.organization_id}"})
    values = {"organization_id": tx.organization_id, "user_id": tx.actor.user_id, "tried": TRIED, "since": now() - TRIED_WITHIN}
    tries = (await tx.execute(_TRIES, values)).one()
    if tries.own >= MOST_TRIES or tries.of_all >= MOST_TRIES_OF_ALL:
        raise Conflict("Too many codes were tried. Try again in {minutes} minutes.", minutes=int(TRIED_WITHIN.total_seconds() // 60))
    tx.record(TRIED, "A gateway's code was tried", subject_id=tx.actor.user_id)


async def claim_gateway(tx: Transaction, code: str, *, farm_id: UUID, house: str = "", name: str = "") -> Gateway:
    """The gateway that shows this code is theirs from now on, and fetches its token by itself. The code is used up.

    One that is theirs already gets a new token, and its old one stops working. Invalid('code') where nobody waits for it.
    """
    tx.actor.require("farm.edit", farm_id)
    farm, at, wanted = await queries.farm(tx, farm_id), now(), written_code(code)
    claim: Any = None
    if wanted:
        await (await tx.connection()).exec_driver_sql(f"set local app.claim_code = '{wanted}'")  # letters, digits and a dash
        claim = (await tx.execute(_FIND, {"code": wanted, "at": at})).one_or_none()
    if claim is None:
        raise Invalid("code", WRONG, minutes=int(CODE_LIFE.total_seconds() // 60))
    gateway = await _known(tx, claim.hardware_id, farm_id) or Gateway(farm_id=farm.id, hardware_id=claim.hardware_id, name="")
    gateway.house = " ".join(house.split()) or None
    gateway.name = " ".join(name.split()) or gateway.name or gateway.house or claim.hardware_id
    gateway.claimed_by, gateway.firmware_version = tx.actor.user_id, claim.description.get("firmware_version") or gateway.firmware_version
    gateway.status = dict(gateway.status) | {"model": claim.description.get("model")}
    tx.add(gateway)
    await _flush(tx)
    await revoke_tokens_of(tx, gateway.id)
    _, secret = await make_token(tx, name=gateway.name, kind=TokenKind.DEVICE, network=NETWORK, subject_id=gateway.id, needs="farm.edit")
    taken = {"id": claim.id, "at": at, "organization_id": tx.organization_id, "gateway_id": gateway.id, "sealed": seal().close(secret)}
    await tx.execute(_TAKE, taken)
    tx.record("farm.gateways.claimed", f"{gateway.name} was claimed", subject_id=gateway.id, hardware_id=gateway.hardware_id, farm_id=farm_id)
    tx.emit(GatewayChanged(gateway_id=gateway.id, farm_id=farm_id))
    return gateway


async def edit_gateway(tx: Transaction, gateway_id: UUID, *, name: str, house: str = "") -> None:
    """Call it something else, or say that it stands in another house."""
    gateway = await queries_gateways.gateway(tx, gateway_id, for_update=True)
    tx.actor.require("farm.edit", gateway.farm_id)
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    gateway.name, gateway.house = " ".join(name.split()), " ".join(house.split()) or None
    tx.add(gateway)
    tx.emit(GatewayChanged(gateway_id=gateway_id, farm_id=gateway.farm_id))


async def remove_gateway(tx: Transaction, gateway_id: UUID) -> None:
    """It may not speak any more. What stands behind it is away, what was asked of that fails, and its past stays."""
    gateway = await queries_gateways.gateway(tx, gateway_id, for_update=True)
    tx.actor.require("farm.edit", gateway.farm_id)
    at = now()
    gateway.deleted_at, gateway.is_online = at, False
    tx.add(gateway)
    await tx.flush()
    await revoke_tokens_of(tx, gateway.id)
    await resolve_open(tx, gateway_id, GATEWAY_ALERT, at=at, because=REMOVED)
    values = {"organization_id": tx.organization_id, "hardware_id": gateway.hardware_id, "at": at, "reason": REMOVED}
    for device_id, farm_id in await tx.execute(_DARK, values):
        tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id))
    tx.emit(GatewayChanged(gateway_id=gateway_id, farm_id=gateway.farm_id))


async def _known(tx: Transaction, hardware_id: str, farm_id: UUID) -> Gateway | None:
    """The same box, where it is theirs already. Conflict where it stands on another of their farms."""
    statement = select(Gateway).where(Gateway.hardware_id == hardware_id, col(Gateway.deleted_at).is_(None)).with_for_update()
    known = (await tx.exec(statement)).one_or_none()
    if known and (await tx.get_one(Farm, known.farm_id)).deleted_at:
        known.farm_id = farm_id
    if known and known.farm_id != farm_id:
        raise Conflict("This gateway stands on another of your farms. Remove it there first.")
    return known


async def _flush(tx: Transaction) -> None:
    try:
        await tx.flush()
    except IntegrityError as reason:
        if "uq_gateways_hardware_id" in str(reason.orig):
            raise Conflict("Somebody else has just claimed this gateway.") from None
        raise
