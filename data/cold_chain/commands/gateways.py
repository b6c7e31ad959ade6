"""Gateways and hubs are described by people; one that falls silent is named, and is well again when it is heard."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, Severity
from data.cold_chain.events import GatewayChanged
from data.cold_chain.machines import GATEWAY_SILENT_AFTER
from data.cold_chain.queries import gateways as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.machines import DEVICES
from data.cold_chain.tables import Gateway, Hub
from data.cold_chain.values import GatewayStatus, normalise_eui, normalise_mac
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now

OFFLINE = "gateway_offline"
GATEWAY_SILENT = "The gateway {name} has not been heard for {minutes} minutes"
HUB_SILENT = "The hub {name} has not been heard for {minutes} minutes"
TOLD_OFFLINE = "The gateway {name} is offline, as another system told"
HEARD_AGAIN = "It is heard again."
GONE = "It was taken away."
LONGEST_NAME, LONGEST_NOTES = 100, 500
CLOCK_MAY_BE_AHEAD = timedelta(minutes=5)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_ID = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,35}")

_WHERE = text("""
select organization_id from cold_chain.gateways
where deleted_at is null and is_active and status <> 'offline' and last_seen_at < :since
union select organization_id from cold_chain.hubs where deleted_at is null and is_active and is_online and last_seen_at < :since
union select organization_id from alerts.alerts where alert_type = :alert_type and status <> 'resolved'
""")

_SILENT = text("""
with gone as (
  update cold_chain.gateways set status = 'offline'
  where organization_id = :organization_id and deleted_at is null and is_active and status <> 'offline' and last_seen_at < :since
  returning organization_id, id, coalesce(name, gateway_id) as name, site_id, last_seen_at, false as is_hub
), gone_too as (
  update cold_chain.hubs set is_online = false
  where organization_id = :organization_id and deleted_at is null and is_active and is_online and last_seen_at < :since
  returning organization_id, id, name, site_id, last_seen_at, true as is_hub
), all_gone as (select * from gone union all select * from gone_too)
select g.id, g.name, g.site_id, s.time_zone, g.last_seen_at, g.is_hub from all_gone g
left join cold_chain.sites s on s.organization_id = g.organization_id and s.id = g.site_id
""")

_BACK = text("""
select a.subject_id, coalesce(g.last_seen_at, h.last_seen_at) from alerts.alerts a
left join cold_chain.gateways g on g.organization_id = a.organization_id and g.id = a.subject_id
left join cold_chain.hubs h on h.organization_id = a.organization_id and h.id = a.subject_id
where a.organization_id = :organization_id and a.alert_type = :alert_type and a.status <> 'resolved'
  and coalesce(g.last_seen_at, h.last_seen_at) >= :since and g.status is distinct from 'offline'
""")


class _Silent(NamedTuple):
    id: UUID
    name: str
    site_id: UUID | None
    time_zone: str | None
    last_seen_at: datetime
    is_hub: bool


async def add_gateway(
    tx: Transaction, *, gateway_id: str, gateway_eui: str | None = None, site_id: UUID | None = None,
    ttn_connection_id: UUID | None = None, **described: Any,
) -> Gateway:  # fmt: skip
    """A LoRaWAN gateway, as its network calls it. One that is ours and silent is named."""
    await _may(tx, site_id)
    name = gateway_id.strip().lower()
    if not _ID.fullmatch(name):
        raise Invalid("gateway_id", "This has 3 to 36 small letters, digits and single dashes.")
    eui = normalise_eui(gateway_eui, "gateway_eui") if gateway_eui else None
    same = col(Gateway.gateway_id) == name
    taken = select(Gateway.id).where(or_(same, col(Gateway.gateway_eui) == eui) if eui else same, col(Gateway.deleted_at).is_(None))
    if (await tx.exec(taken)).first():
        raise Conflict("The gateway {name} is already registered.", name=name)
    made = Gateway(gateway_id=name, gateway_eui=eui, site_id=site_id, ttn_connection_id=ttn_connection_id)
    _describe(made, described)
    tx.add(made)
    await tx.flush()
    tx.emit(GatewayChanged(gateway_id=made.id))
    return made


async def edit_gateway(tx: Transaction, gateway_id: UUID, *, site_id: UUID | None, **described: Any) -> None:
    """Where it stands and what people call it."""
    gateway = await queries.gateway(tx, gateway_id, for_update=True)
    await _may(tx, gateway.site_id)
    await _may(tx, site_id)
    gateway.site_id = site_id
    _describe(gateway, described)
    tx.add(gateway)
    tx.emit(GatewayChanged(gateway_id=gateway.id))


async def remove_gateway(tx: Transaction, gateway_id: UUID) -> None:
    """Take it away; nobody is told of its silence any more."""
    gateway = await queries.gateway(tx, gateway_id, for_update=True)
    await _may(tx, gateway.site_id)
    await _remove(tx, gateway)


async def tell_status(
    tx: Transaction, gateway_id: UUID, *, status: GatewayStatus, last_seen_at: datetime | None = None, signal_dbm: int | None = None
) -> None:
    """What another system knows of a gateway: that it was heard (now, unless said), or that it is gone, which is an alert at once."""
    gateway, at = await queries.gateway(tx, gateway_id, for_update=True), now()
    await _may(tx, gateway.site_id)
    if last_seen_at and last_seen_at > at + CLOCK_MAY_BE_AHEAD:
        raise Invalid("last_seen_at", "This is still to come.")
    if status is GatewayStatus.ONLINE:
        gateway.last_seen_at = max(gateway.last_seen_at or _LONG_AGO, last_seen_at or at)
        gateway.signal_dbm = gateway.signal_dbm if signal_dbm is None else signal_dbm
    gateway.status = status
    tx.add(gateway)
    tx.emit(GatewayChanged(gateway_id=gateway.id))
    if status is GatewayStatus.OFFLINE:
        name = gateway.name or gateway.gateway_id
        zone = (await units.site(tx, gateway.site_id)).time_zone if gateway.site_id else None
        told = replace(_trouble(_Silent(gateway.id, name, gateway.site_id, zone, at, False), at), message=TOLD_OFFLINE, values={"name": name})
        await raise_alerts(tx, [(told, at)])


async def add_hub(tx: Transaction, site_id: UUID, *, name: str, mac_address: str) -> Hub:
    """A hub that collects what BLE sensors around it say."""
    await _may(tx, site_id)
    mac = normalise_mac(mac_address, "mac_address")
    if (await tx.exec(select(Hub.id).where(Hub.mac_address == mac, col(Hub.deleted_at).is_(None)))).first():
        raise Conflict("The hub {name} is already registered.", name=mac)
    made = Hub(site_id=site_id, name=_named(name), mac_address=mac)
    tx.add(made)
    await tx.flush()
    tx.emit(GatewayChanged(gateway_id=made.id))
    return made


async def edit_hub(tx: Transaction, hub_id: UUID, *, site_id: UUID, name: str) -> None:
    """Where it stands and what people call it."""
    hub = await queries.hub(tx, hub_id, for_update=True)
    await _may(tx, hub.site_id)
    await _may(tx, site_id)
    hub.site_id, hub.name = site_id, _named(name)
    tx.add(hub)
    tx.emit(GatewayChanged(gateway_id=hub.id))


async def remove_hub(tx: Transaction, hub_id: UUID) -> None:
    """Take it away."""
    hub = await queries.hub(tx, hub_id, for_update=True)
    await _may(tx, hub.site_id)
    await _remove(tx, hub)


async def where_silent(tx: Transaction, at: datetime) -> Sequence[UUID]:
    """The organizations in which a gateway or a hub is newly silent, or an alert says that one was (across tenants)."""
    return list((await tx.execute(_WHERE, {"since": at - GATEWAY_SILENT_AFTER, "alert_type": OFFLINE})).scalars())


async def listen(tx: Transaction, at: datetime) -> Sequence[Alert]:
    """Mark every gateway and hub that was not heard for ten minutes, name them, and let those be that are heard again."""
    asked = {"organization_id": tx.organization_id, "since": at - GATEWAY_SILENT_AFTER}
    back = {row[0]: row[1] for row in await tx.execute(_BACK, asked | {"alert_type": OFFLINE})}
    silent = [_Silent(*row) for row in await tx.execute(_SILENT, asked)]
    await resolve_all_open(tx, back, OFFLINE, because=HEARD_AGAIN)
    for gateway_id in (*back, *(one.id for one in silent)):
        tx.emit(GatewayChanged(gateway_id=gateway_id))
    return await raise_alerts(tx, [(_trouble(one, at), at) for one in silent])


def _trouble(one: _Silent, at: datetime) -> Trouble:
    return Trouble(
        subject_kind="cold_chain.hubs" if one.is_hub else "cold_chain.gateways", subject_id=one.id, subject_name=one.name,
        alert_type=OFFLINE, severity=Severity.WARNING, message=HUB_SILENT if one.is_hub else GATEWAY_SILENT, permission=DEVICES,
        values={"name": one.name, "minutes": int((at - one.last_seen_at).total_seconds() // 60)}, href="/cold-chain/gateways",
        scope_id=one.site_id, time_zone=one.time_zone,
    )  # fmt: skip


async def _may(tx: Transaction, site_id: UUID | None) -> None:
    if site_id is not None:
        try:
            await units.site(tx, site_id)
        except NotFound as reason:
            raise Invalid("site_id", "There is no such site.") from reason
    tx.actor.require(DEVICES, site_id)
    if site_id is None and tx.actor.scopes(DEVICES) is not None:
        raise Forbidden("You do not have the right to do this.")


async def _remove(tx: Transaction, machine: Gateway | Hub) -> None:
    at = now()
    machine.deleted_at = at
    tx.add(machine)
    await resolve_all_open(tx, {machine.id: at}, OFFLINE, because=GONE)
    tx.emit(GatewayChanged(gateway_id=machine.id))


def _describe(gateway: Gateway, described: dict[str, Any]) -> None:
    """Name, description, frequency plan and position; what is not named stays."""
    for field, value in described.items():
        match field:
            case "name":
                gateway.name = _short(field, value, LONGEST_NAME)
            case "description":
                gateway.description = _short(field, value, LONGEST_NOTES)
            case "frequency_plan_id":
                gateway.frequency_plan_id = _short(field, value, 64)
            case "latitude":
                gateway.latitude = _within(field, value, 90)
            case "longitude":
                gateway.longitude = _within(field, value, 180)
            case "altitude_m":
                gateway.altitude_m = None if value is None else int(value)
            case _:
                raise Invalid(field, "This cannot be set.")
    if (gateway.latitude is None) != (gateway.longitude is None):
        raise Invalid("longitude", "A position needs both latitude and longitude.")


def _within(field: str, value: float | None, most: float) -> float | None:
    if value is not None and not -most <= value <= most:
        raise Invalid(field, "{value} is not between {low} and {high}.", value=value, low=-most, high=most)
    return value


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid("name", "Give it a name.")
    return _short("name", name, LONGEST_NAME) or ""


def _short(field: str, value: str | None, most: int) -> str | None:
    value = (value or "").strip()
    if len(value) > most:
        raise Invalid(field, "This may have at most {most} characters.", most=most)
    return value or None
