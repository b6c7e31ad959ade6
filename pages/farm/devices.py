"""A farm on a phone in the sun: how it fares in one word, what to do, its rooms with a switch for everything, and one for it all."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import app, ui

from data.alerts.events import AlertChanged
from data.core.time import now
from data.farm import commands, queries
from data.farm.events import DeviceChanged, DeviceRegistered, FarmChanged
from data.farm.overview import Overview, overview, overviews
from data.farm.queries import Tile as Known
from data.farm.rules import SWITCHED, warmth
from data.farm.tables import Farm
from pages._shell import Looker, screen
from pages.farm import _downloads, _health, _known  # noqa: F401 - their routes
from pages.farm._faces import Faces
from pages.farm._forms import add_device, describe_farm
from pages.farm._health_words import HEALTH_ICONS, HEALTH_STATES, HEALTH_WORDS
from pages.farm._new_devices import new_devices
from pages.farm._rooms import Rooms
from pages.farm._words import WARMTH_WORDS, degrees
from ui.empty import empty_state
from ui.form import button
from ui.live import live, live_value
from ui.slowed import Slowed
from ui.stop import stop_button
from ui.words import _, n_, temperature_unit

__all__ = ["Faces", "devices"]
FIRST_STEPS = (("/farm/gateways", "router"), ("/farm/discoveries", "travel_explore"))


@screen("/farm", title="Farm", place="farm", permission="farm.view")
async def devices(look: Looker, farm: UUID | None = None) -> None:
    assert look.frame
    async with look.transaction() as tx:
        farms = await queries.farms(tx)
        chosen = await queries.farm(tx, farm) if farm else farms[0] if len(farms) == 1 else None
    if chosen is None:
        _several(look)
        return
    if len(farms) > 1:
        look.frame.set_title(chosen.name)
    with look.frame.actions:
        _actions(look, chosen)
    _chooser(farms, chosen)
    new_devices(look, chosen)
    await _farm(look, chosen)


def _actions(look: Looker, farm: Farm) -> None:
    if look.may("farm.batch", farm.id):
        button(_("Several at once"), icon="checklist", href=f"/farm/batch?farm={farm.id}")
    if not look.may("farm.edit", farm.id):
        return
    with button(_("Change"), kind="quiet", icon="edit"), ui.menu().props("auto-close"):
        ui.menu_item(_("Add a device"), lambda: add_device(look, farm))
        ui.menu_item(_("Edit the farm"), lambda: _edit(look, farm.id))
        if look.actor.scopes("farm.edit") is None:
            ui.menu_item(_("Add a farm"), lambda: describe_farm(look))


async def _edit(look: Looker, farm_id: UUID) -> None:
    async with look.command() as tx:
        describe_farm(look, await queries.farm(tx, farm_id))


def _chooser(farms: Sequence[Farm], chosen: Farm) -> None:
    if len(farms) < 2:
        return
    with ui.element("nav").classes("st-farms").props(f'aria-label="{_("Farms")}"'):
        ui.label(chosen.name).classes("st-farms-here st-trouble-words")
        with ui.element("a").classes("st-way is-all").props("href=/farm"):
            ui.icon("unfold_more").props("aria-hidden=true")
            ui.label(_("All farms"))
        for one in farms:
            link = ui.element("a").classes("st-way" + (" is-here" if one.id == chosen.id else ""))
            link.props["href"] = f"/farm?farm={one.id}"
            if one.id == chosen.id:
                link.props("aria-current=page")
            with link:
                ui.label(one.name)


def _several(look: Looker) -> None:
    """Which farm? Or none is there yet."""
    assert look.frame
    with look.frame.actions:
        if look.actor.scopes("farm.edit") is None:
            button(_("Add a farm"), lambda: describe_farm(look), icon="add_home")

    async def ask() -> Sequence[Overview]:
        async with look.transaction() as tx:
            return await overviews(tx, await queries.farms(tx), at=now())

    def show(found: Sequence[Overview]) -> None:
        if not found:
            _no_farm(look)
        with ui.element("div").classes("st-columns"):
            for one in found:
                _card(one)

    topics = look.topic(FarmChanged), look.topic(DeviceRegistered), look.topic(AlertChanged), Slowed(look.topic(DeviceChanged), 2.0)
    live(ask, show, *topics, minimum_interval_s=1.0)


def _no_farm(look: Looker) -> None:
    if look.actor.scopes("farm.edit") is None:
        empty_state(
            _("There are no farms yet."), _("Add the first one, then its relays and probes."), icon="agriculture",
            action=_("Add a farm"), on_action=lambda: describe_farm(look),
        )  # fmt: skip
    else:
        empty_state(_("There is no farm that you look after yet."), _("Ask a manager to add you to one."), icon="agriculture")


def _card(one: Overview) -> None:
    """One farm of several: its name, its word, and how many are away."""
    if one.farm.is_stopped:
        state, icon, word = "critical", "dangerous", _("Stopped")
    elif one.devices:
        state, icon, word = HEALTH_STATES[one.health], HEALTH_ICONS[one.health], _(HEALTH_WORDS[one.health])
    else:
        state, icon, word = "neutral", "sensors", _("No devices here yet.")
    with ui.element("a").classes(f"st-health st-trouble is-{state}") as box:
        box.props["href"] = f"/farm?farm={one.farm.id}"
        ui.label(one.farm.name).classes("st-trouble-words").props("role=heading aria-level=2")
        with ui.element("div").classes("st-health-word"):
            ui.icon(icon).props("aria-hidden=true")
            ui.label(word)
        said = [n_("{n} device", "{n} devices", one.devices)]
        if one.offline:
            said.append(n_("{n} offline", "{n} offline", one.offline))
        if one.celsius is not None:
            said.append(f"{_(WARMTH_WORDS[warmth(one.celsius)])} {degrees(one.celsius)} {temperature_unit()}")
        ui.label(" · ".join(said))


async def _farm(look: Looker, farm: Farm) -> None:
    changes = look.topic(DeviceChanged, farm_id=farm.id)

    async def ask() -> Sequence[Known]:
        async with look.transaction() as tx:
            await queries.farm(tx, farm.id)
            return await queries.tiles(tx, farm_id=farm.id)

    card = _health.Card(look)
    health = live_value(
        lambda: _health.ask(look, farm), card.push, look.topic(AlertChanged), look.topic(FarmChanged, farm_id=farm.id),
        look.topic(DeviceRegistered), Slowed(changes, 1.0), minimum_interval_s=0.5,
    )  # fmt: skip

    def show(tiles: Sequence[Known]) -> None:
        if not tiles:
            _first_steps(look, farm)
            return
        rooms = Rooms(farm, Faces(look))
        rooms.draw(tiles)
        live_value(ask, rooms.push, changes, minimum_interval_s=0.3)

    live(ask, show, look.topic(DeviceRegistered), minimum_interval_s=0.5)

    async def ask_numbers() -> Overview:
        async with look.transaction() as tx:
            return await overview(tx, farm.id, at=now())

    live(ask_numbers, lambda one: _health.figures(one) if one.devices else None, Slowed(changes, 5.0), look.topic(DeviceRegistered))
    if look.may("farm.stop_all", farm.id):
        _stopper(look, farm)
    await health.first()


def _stopper(look: Looker, farm: Farm) -> None:
    """The button that stops it all, while there is something to stop."""

    async def ask() -> bool:
        async with look.transaction() as tx:
            if (await queries.farm(tx, farm.id)).is_stopped:
                return False
            return any(one.device_type in SWITCHED for one in await queries.devices(tx, farm_id=farm.id))

    async def stop() -> None:
        async with look.transaction() as tx:
            await commands.stop_all(tx, farm.id)

    def show(is_offered: bool) -> None:
        if is_offered:
            stop_button(
                _("Emergency stop"), sure=_("Switch off everything on {farm}?", farm=farm.name), do_it=_("Switch everything off"), on_stop=stop
            )

    live(ask, show, look.topic(FarmChanged, farm_id=farm.id), look.topic(DeviceRegistered), skeleton=lambda: None)


def _first_steps(look: Looker, farm: Farm) -> None:
    if not look.may("farm.edit", farm.id):
        empty_state(_("No devices here yet."), icon="sensors")
        return
    words = {
        "/farm/gateways": (_("Claim a gateway"), _("A box in the house that speaks for the devices around it shows a code. Type it in.")),
        "/farm/discoveries": (_("Wait for a discovery"), _("Devices that announce themselves appear there, and wait until you take them in.")),
    }
    there = {getattr(route, "path", "") for route in app.routes}
    ui.label(_("No devices here yet.")).classes("st-h2").props("role=heading aria-level=2")
    with ui.element("ol").classes("st-steps"):
        _step("add_circle", _("Add a device"), _("A relay that switches, or a probe that measures. It gets a name and a secret."), lambda: add_device(look, farm))
        for href, icon in FIRST_STEPS:
            if href in there:
                _step(icon, *words[href], href=f"{href}?farm={farm.id}")


def _step(icon: str, title: str, text: str, on_click: object = None, *, href: str = "") -> None:
    with ui.element("li"):
        ui.icon(icon, size="32px").props("aria-hidden=true")
        with ui.element("div").classes("st-item-main"):
            ui.label(title).classes("st-item-words")
            ui.label(text).classes("st-soft")
        button(_("Open") if href else title, on_click, kind="plain" if href else "primary", href=href)  # type: ignore[arg-type]
