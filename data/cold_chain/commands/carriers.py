"""Gateways and hubs carry what sensors say; that they did is how we know that they still stand."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.values import GatewayHeard, Measurement
from data.core import columns
from data.core.session import Transaction

_GATEWAYS = text("""
with mine as materialized (
  select g.id, v.seen_at, v.signal from cold_chain.gateways g
  join unnest(:names, :euis, :times, :signals) v (name, eui, seen_at, signal) on v.name = g.gateway_id or v.eui = g.gateway_eui
  where g.organization_id = :organization_id and g.deleted_at is null
    and (g.status <> 'online' or g.last_seen_at is null or g.last_seen_at < v.seen_at - interval '10 seconds')
  order by g.id for no key update of g skip locked
)
update cold_chain.gateways g set
  last_seen_at = greatest(g.last_seen_at, mine.seen_at), signal_dbm = coalesce(mine.signal, g.signal_dbm), status = 'online'
from mine where g.organization_id = :organization_id and g.id = mine.id
  and (g.last_seen_at is null or g.last_seen_at < mine.seen_at)
""")
"""A gateway that somebody else is writing at this moment is seen by them; one seen ten seconds ago is not written again."""

_HUBS = text("""
with mine as materialized (
  select h.id, v.seen_at, v.firmware from cold_chain.hubs h
  join unnest(:ids, :times, :firmwares) v (id, seen_at, firmware) on v.id = h.id
  where h.organization_id = :organization_id order by h.id for no key update of h skip locked
)
update cold_chain.hubs h set
  last_seen_at = greatest(h.last_seen_at, mine.seen_at), firmware_version = coalesce(mine.firmware, h.firmware_version),
  is_online = true
from mine where h.organization_id = :organization_id and h.id = mine.id
""")

_BEHIND = text("""
update cold_chain.devices d set hub_id = v.hub_id from unnest(:hubs, :euis) v (hub_id, eui)
where d.organization_id = :organization_id and d.device_eui = v.eui and d.id in (
  select o.id from cold_chain.devices o where o.organization_id = :organization_id and o.device_eui = any(:euis)
    and o.deleted_at is null and o.hub_id is null for no key update skip locked)
""")


async def note_gateways(tx: Transaction, messages: Iterable[Measurement]) -> None:
    """Those of our gateways that heard these messages are online.

    A gateway becomes ours by being registered, never by being heard: on a public network most of those that hear a sensor are
    strangers', and nobody here would know what to do when one of them falls silent.
    """
    heard: dict[str, tuple[GatewayHeard, datetime]] = {}
    for message in messages:
        for gateway in message.gateways:
            before = heard.get(gateway.gateway_id)
            if before is None or before[1] < message.received_at:
                heard[gateway.gateway_id] = gateway, message.received_at
    if not heard:
        return
    each = [heard[name] for name in sorted(heard)]
    await tx.execute(
        _GATEWAYS,
        {
            "organization_id": tx.organization_id,
            "names": columns.texts(gateway.gateway_id for gateway, _ in each),
            "euis": columns.texts(gateway.eui for gateway, _ in each),
            "times": columns.instants(at for _, at in each),
            "signals": columns.smallints(gateway.signal_dbm for gateway, _ in each),
        },
    )


async def note_hubs(tx: Transaction, seen: Mapping[UUID, tuple[datetime, str | None]], behind: Sequence[tuple[UUID, str]]) -> None:
    """These hubs are online (when, and with which firmware), and which sensors (by MAC) were heard behind which of them."""
    if not seen:
        return
    each = sorted(seen)
    await tx.execute(
        _HUBS,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids(each),
            "times": columns.instants(seen[hub_id][0] for hub_id in each),
            "firmwares": columns.texts(seen[hub_id][1] for hub_id in each),
        },
    )
    if behind:
        values = {
            "organization_id": tx.organization_id,
            "hubs": columns.ids([hub_id for hub_id, _ in behind]),
            "euis": columns.texts(mac for _, mac in behind),
        }
        await tx.execute(_BEHIND, values)
