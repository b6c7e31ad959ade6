"""The gateways in the houses: which are heard, what stands behind each, and a new one by the code on its screen."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from data.farm import queries, queries_gateways
from data.farm.commands import gateways as commands
from data.farm.commands import gateways_asked
from data.farm.events import DeviceChanged, GatewayChanged
from data.farm.queries import Tile
from data.farm.queries_gateways import Standing, Waiting
from data.farm.rules.gateways import OFFLINE_AFTER
from data.farm.tables import Device, Farm
from pages._shell import Looker, screen
from pages.farm._face import face
from pages.farm._gateway_forms import claim, edit
from pages.farm._words import icon_of
from ui.age import age
from ui.badge import State, badge
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.slowed import Slowed
from ui.words import _, n_


@screen("/farm/gateways", title="Gateways", place="farm", permission="farm.view")
async def gateways(look: Looker, code: str = "") -> None:
    assert look.frame
    async with look.transaction() as tx:
        farms = [farm for farm in await queries.farms(tx) if look.may("farm.edit", farm.id)]
    if farms:
        with look.frame.actions:
            button(_("Claim a gateway"), lambda: claim(look, farms), kind="primary", icon="add")
        if code:
            await claim(look, farms, code[:20])

    async def ask() -> Sequence[Standing]:
        async with look.transaction() as tx:
            return await queries_gateways.standings(tx)

    live(ask, lambda found: _show(look, found, farms), look.topic(GatewayChanged), Slowed(look.topic(DeviceChanged), 2.0), minimum_interval_s=1.0)


def _show(look: Looker, found: Sequence[Standing], farms: Sequence[Farm]) -> None:
    if not found and farms:
        empty_state(
            _("No gateway is here yet."),
            _("A gateway speaks for the fans and probes of a house over the internet. Switch it on, and type the code that it shows."),
            icon="router", action=_("Claim a gateway"), on_action=lambda: claim(look, farms),
        )  # fmt: skip
    elif not found:
        empty_state(_("No gateway is here yet."), icon="router")
    for one in found:
        _card(look, one)


def _card(look: Looker, one: Standing) -> None:
    gateway, may = one.gateway, look.may("farm.edit", one.gateway.farm_id)
    with ui.element("section").classes("st-card"):
        with ui.element("article").classes("st-item is-flat"):
            badge(*_face(one))
            with ui.element("div").classes("st-item-main"):
                ui.label(gateway.name).classes("st-item-words").props("role=heading aria-level=2")
                with ui.element("div").classes("st-row st-soft"):
                    ui.label(" · ".join(filter(None, (gateway.house if gateway.house != gateway.name else None, one.farm.name))))
                    ui.label(gateway.hardware_id)
                    if gateway.firmware_version:
                        ui.label(_("Firmware {version}", version=gateway.firmware_version))
                    ui.label(n_("{n} device", "{n} devices", len(one.devices)))
                    if gateway.last_heartbeat_at:
                        age(gateway.last_heartbeat_at, one.farm.time_zone, stale_after_s=OFFLINE_AFTER.total_seconds(), prefix=_("heard") + " ")
            if may:
                button(_("Edit"), partial(edit, look, gateway), kind="quiet", icon="edit")
                button(_("Remove"), partial(_remove, look, one), kind="quiet", icon="delete")
        if not gateway.last_heartbeat_at:
            ui.label(_("It fetches its token by itself within seconds, if it still shows the code. Otherwise claim it again.")).classes("st-soft")
        for device in one.devices:
            _device(device)
        if one.waiting:
            _waiting(look, one, may)
        if one.unwanted and may:
            _unwanted(look, one)


def _face(one: Standing) -> tuple[State, str]:
    if one.gateway.is_online:
        return "ok", _("Online")
    return ("offline", _("Offline")) if one.gateway.last_heartbeat_at else ("waiting", _("Not heard yet"))


def _device(device: Device) -> None:
    with ui.element("article").classes("st-item is-flat"):
        ui.icon(icon_of(device)).classes("st-matter-icon").props("aria-hidden=true")
        with ui.element("div").classes("st-item-main"):
            ui.link(device.name, f"/farm/devices/{device.id}").classes("st-item-words")
            if device.is_on is None and (shown := face(Tile(device, None), may_switch=False))["value"]:
                ui.label(f"{shown['value']} {shown['unit']}").classes("st-soft")
        if not device.is_active:
            badge("neutral", _("Out of use"))
        elif not device.is_online:
            badge("offline", _("Offline"))
        elif device.is_on is not None:
            badge("ok" if device.is_on else "neutral", _("On") if device.is_on else _("Off"))


def _waiting(look: Looker, one: Standing, may: bool) -> None:
    async def take_in() -> None:
        async with look.command() as tx:
            await gateways_asked.take_in(tx, one.gateway.id)

    with ui.element("div").classes("st-row"):
        ui.label(n_("{n} device waits to be taken in", "{n} devices wait to be taken in", len(one.waiting))).props("role=heading aria-level=3")
        if may:
            button(_("Take in") if len(one.waiting) == 1 else _("Take all in"), take_in, icon="check")
    for found in one.waiting:
        with ui.element("article").classes("st-item is-flat"):
            ui.icon(found.description.get("icon") or "memory").classes("st-matter-icon").props("aria-hidden=true")
            with ui.element("div").classes("st-item-main"):
                ui.label(found.name).classes("st-item-words")
            if may:
                away = button("", partial(_turn_away, look, one, found), kind="quiet", icon="close")
                away.props["aria-label"] = _("{name} is not wanted", name=found.name)


def _unwanted(look: Looker, one: Standing) -> None:
    with ui.expansion(n_("{n} device is not wanted", "{n} devices are not wanted", len(one.unwanted))).classes("st-fold"):
        for found in one.unwanted:
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(found.name).classes("st-item-words")
                button(_("Want it after all"), partial(_turn_away, look, one, found, for_good=False), kind="quiet")


async def _turn_away(look: Looker, one: Standing, found: Waiting, *, for_good: bool = True) -> None:
    async with look.command() as tx:
        await gateways_asked.turn_away(tx, one.gateway.id, found.discovery_id, for_good=for_good)


async def _remove(look: Looker, one: Standing) -> None:
    text = _("It may not speak any more, and nothing behind it can be switched. The devices and their past stay on the farm.")
    if await confirm(_("Remove the gateway?"), text, action=_("Remove"), goes=[one.gateway.name]):
        async with look.command() as tx:
            await commands.remove_gateway(tx, one.gateway.id)
