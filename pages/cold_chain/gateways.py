"""Gateways and hubs: which are heard, which are not, and where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from data.cold_chain.commands import gateways as commands
from data.cold_chain.events import GatewayChanged, UnitChanged
from data.cold_chain.machines import GATEWAY_SILENT_AFTER
from data.cold_chain.queries import gateways as queries
from data.cold_chain.queries.gateways import GatewayView, HubView
from data.cold_chain.queries.machines import DEVICES
from data.cold_chain.values import GatewayStatus
from pages._map import live_map
from pages._shell import Looker, screen
from pages.cold_chain._machine_forms import edit_gateway, edit_hub
from ui.age import age
from ui.badge import State, badge
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.slowed import Slowed
from ui.words import _, n_, noop, number

FACES: dict[GatewayStatus, tuple[State, str]] = {
    GatewayStatus.ONLINE: ("ok", noop("Online")),
    GatewayStatus.OFFLINE: ("offline", noop("Offline")),
    GatewayStatus.DISCONNECTED: ("offline", noop("Offline")),
    GatewayStatus.UNKNOWN: ("waiting", noop("Not heard yet")),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    gateways: Sequence[GatewayView]
    hubs: Sequence[HubView]


@screen("/cold-chain/gateways", title="Gateways and hubs", place="cold_chain", permission="cold_chain.view")
async def gateways(look: Looker) -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await queries.gateways(tx), await queries.hubs(tx))

    if look.may(DEVICES):
        with look.frame.actions:
            button(_("Add a gateway"), lambda: edit_gateway(look), icon="add")
            button(_("Add a hub"), lambda: edit_hub(look), icon="add")
    seen = await ask()
    if any(one.gateway.latitude is not None for one in seen.gateways):
        await live_map(look, "cold_chain", height="320px")
    live(ask, lambda one: _show(look, one), look.topic(GatewayChanged), Slowed(look.topic(UnitChanged), 10.0))


def _show(look: Looker, seen: _Seen) -> None:
    may = look.may(DEVICES)
    if not seen.gateways and not seen.hubs:
        empty_state(
            _("No gateways or hubs here yet."),
            _("A gateway hears LoRaWAN sensors; a hub collects what BLE sensors say. Register yours, and you are told when one falls silent."),
            icon="cell_tower", action=_("Add a gateway") if may else "", on_action=lambda: edit_gateway(look),
        )  # fmt: skip
        return
    with ui.element("div").classes("st-columns"):
        with ui.element("section").classes("st-card"):
            ui.label(_("Gateways")).classes("st-h2").props("role=heading aria-level=2")
            if not seen.gateways:
                ui.label(_("None yet.")).classes("st-soft")
            for one in seen.gateways:
                _gateway(look, one)
        with ui.element("section").classes("st-card"):
            ui.label(_("Hubs")).classes("st-h2").props("role=heading aria-level=2")
            if not seen.hubs:
                ui.label(_("None yet.")).classes("st-soft")
            for hub in seen.hubs:
                _hub(look, hub)


def _gateway(look: Looker, one: GatewayView) -> None:
    gateway = one.gateway

    async def remove() -> None:
        if await confirm(_("Remove the gateway?"), _("Nobody is told of its silence any more."), action=_("Remove"), goes=[one.name]):
            async with look.command() as tx:
                await commands.remove_gateway(tx, gateway.id)

    with ui.element("article").classes("st-item is-flat"):
        badge(*_face(gateway.status))
        with ui.element("div").classes("st-item-main"):
            ui.label(one.name).classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                if gateway.name:
                    ui.label(gateway.gateway_id)
                ui.label(one.site_name or _("No site"))
                if gateway.signal_dbm is not None:
                    ui.label(f"{number(gateway.signal_dbm)} dBm".replace("-", "−"))
                age(gateway.last_seen_at, one.time_zone, stale_after_s=GATEWAY_SILENT_AFTER.total_seconds(), prefix=_("heard") + " ")
        if look.may(DEVICES, gateway.site_id):
            button(_("Edit"), partial(edit_gateway, look, one), kind="quiet")
            button(_("Remove"), remove, kind="quiet")


def _hub(look: Looker, one: HubView) -> None:
    hub = one.hub

    async def remove() -> None:
        if await confirm(_("Remove the hub?"), _("Nobody is told of its silence any more."), action=_("Remove"), goes=[hub.name]):
            async with look.command() as tx:
                await commands.remove_hub(tx, hub.id)

    status = GatewayStatus.ONLINE if hub.is_online else GatewayStatus.OFFLINE if hub.last_seen_at else GatewayStatus.UNKNOWN
    with ui.element("article").classes("st-item is-flat"):
        badge(*_face(status))
        with ui.element("div").classes("st-item-main"):
            ui.label(hub.name).classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(hub.mac_address)
                ui.label(one.site_name)
                ui.label(n_("{n} sensor", "{n} sensors", one.sensor_count))
                age(hub.last_seen_at, one.time_zone, stale_after_s=GATEWAY_SILENT_AFTER.total_seconds(), prefix=_("heard") + " ")
        if look.may(DEVICES, hub.site_id):
            button(_("Edit"), partial(edit_hub, look, one), kind="quiet")
            button(_("Remove"), remove, kind="quiet")


def _face(status: GatewayStatus) -> tuple[State, str]:
    colour, word = FACES[status]
    return colour, _(word)
