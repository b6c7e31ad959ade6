"""A farm's own settings: what it is called and where it is, by which clock, who plans, what devices are given, and how it goes."""

from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.farm import commands, queries
from data.farm.commands import farms_kept as kept
from data.farm.queries_retention import own_retention
from data.farm.rules import SETTINGS
from data.farm.tables import Farm
from pages._shell import Looker, field_errors, screen
from pages.farm._chosen import choose, chosen
from pages.farm._retention import past_kept
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import Form, button
from ui.words import _, celsius_from, moment, n_, noop, temperature_unit, temperature_value, time_zones

DEFAULT_WORDS = {
    "temp_threshold_low": noop("Too cold below"), "temp_threshold_high": noop("Too hot above"), "humidity_threshold_low": noop("Too dry below"),
    "humidity_threshold_high": noop("Too humid above"), "co2_threshold_high": noop("Stale air above"),
    "battery_threshold_low": noop("Battery low below"), "offline_alert_s": noop("Told when away for longer than"),
    "wait_offline_s": noop("A wish waits for a device that is away for"),
}  # fmt: skip


@screen("/farm/settings", title="Settings of the farm", place="farm", permission="farm.edit")
async def settings(look: Looker, farm: UUID | None = None) -> None:
    async with look.transaction() as tx:
        farms = [one for one in await queries.farms(tx) if look.may("farm.edit", one.id)]
        removed = await kept.removed_farms(tx)
        found = chosen(farms, farm)
        own = await own_retention(tx)
        may_remove = found is not None and kept.may_remove(tx, found)
    for gone in removed:
        _undo(look, gone)
    if found is None:
        empty_state(_("There are no farms yet."), icon="agriculture", action=_("Farm"), href="/farm")
        return
    choose(farms, found, "/farm/settings")
    with ui.element("div").classes("st-columns"):
        with _card(_("The farm")):
            _describe(look, found)
        with _card(_("Who plans")):
            _keepers(look, found)
        with _card(_("What new devices are set to")):
            _defaults(look, found)
        with _card(_("How long the past is kept")):
            past_kept(look, own)
        if may_remove:
            with _card(_("Remove the farm")):
                _removal(look, found)


def _card(title: str) -> ui.element:
    with ui.element("section").classes("st-card st-stack") as card:
        ui.label(title).classes("st-h2").props("role=heading aria-level=2")
    return card


def _saved() -> None:
    ui.notify(_("Saved."), type="positive", position="top")


def _describe(look: Looker, farm: Farm) -> None:
    form = Form()
    with form:
        form.text("name", _("Name"), farm.name, required=True)
        form.text("location", _("Place"), farm.location or "")
        form.text("description", _("Description"), farm.description or "", lines=2)
        form.select(
            "time_zone", _("Time zone"), time_zones(farm.time_zone), farm.time_zone, required=True, search=True, help=_("Schedules run by this clock."),
        )  # fmt: skip
        form.number("latitude", _("Latitude"), farm.latitude, unit="°", minimum=-90, maximum=90, help=_("Where the sun rises and sets is reckoned from here."))
        form.number("longitude", _("Longitude"), farm.longitude, unit="°", minimum=-180, maximum=180)
    here = button(_("Take the place of this phone"), icon="my_location", kind="quiet")

    async def locate() -> None:
        found = await ui.run_javascript(
            "new Promise(done => navigator.geolocation.getCurrentPosition("
            "p => done([p.coords.latitude, p.coords.longitude]), () => done(null), {timeout: 8000}))",
            timeout=10,
        )
        if found is None:
            ui.notify(_("The phone did not tell where it is."), type="warning", position="top")
            return
        form.fields["latitude"].control.set_value(round(found[0], 5))
        form.fields["longitude"].control.set_value(round(found[1], 5))

    here.on_click(locate)

    async def save(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await commands.edit_farm(tx, farm.id, **values)
        except Refusal as reason:
            return field_errors(reason)
        _saved()
        return None

    form.buttons(_("Save"), save)


def _keepers(look: Looker, farm: Farm) -> None:
    async def change(may: bool) -> None:
        async with look.command() as tx:
            await kept.let_keepers_plan(tx, farm.id, may=may)

    words = _("Keepers make schedules and edit their own")
    ui.checkbox(words, value=farm.may_keepers_schedule, on_change=lambda e: change(bool(e.value)))
    ui.label(_("Turned off, only managers and administrators plan. Everybody may still switch by hand.")).classes("st-soft")


def _defaults(look: Looker, farm: Farm) -> None:
    ui.label(_("A probe or relay that is hung up here begins with these; each can be set otherwise later.")).classes("st-soft")
    form = Form()
    held = farm.device_defaults
    with form:
        for name, words in DEFAULT_WORDS.items():
            known = SETTINGS[name]
            value = held.get(name)
            if name.startswith("temp_"):
                shown = None if value is None else temperature_value(float(value))
                form.number(name, _(words), shown, unit=temperature_unit())
            elif name.endswith("_s"):
                form.number(name, _(words), None if value is None else float(value) / 60, unit=_("minutes"), minimum=0)
            else:
                form.number(name, _(words), value, unit=known.unit or "", minimum=known.low, maximum=known.high)

    async def save(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await kept.set_defaults(tx, farm.id, _read(values))
        except Refusal as reason:
            return field_errors(reason)
        _saved()
        return None

    async def to_all() -> None:
        changed: int | None = None
        async with look.command() as tx:
            changed = await kept.give_defaults_to_all(tx, farm.id)
        if changed is not None:
            ui.notify(n_("{n} device was set.", "{n} devices were set.", changed), position="top")

    form.buttons(_("Save"), save)
    button(_("Set what is not set yet at the devices there are"), to_all, icon="playlist_add_check", kind="quiet")


def _read(values: dict[str, Any]) -> dict[str, Any]:
    """What was typed in the reader's units, as it is kept."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if name.startswith("temp_"):
            read[name] = round(celsius_from(value), 2)
        elif name.endswith("_s"):
            read[name] = round(value * 60)
        else:
            read[name] = value
    return read


def _removal(look: Looker, farm: Farm) -> None:
    days = kept.UNDO_FOR.days
    ui.label(_("It goes with its devices, schedules and flocks. For {days} days it can be brought back as it was.", days=days)).classes("st-soft")

    async def remove() -> None:
        goes = [farm.name, _("its devices"), _("its schedules"), _("its flocks")]
        if await confirm(_("Remove {farm}?", farm=farm.name), _("For {days} days this can be undone.", days=days), action=_("Remove"), goes=goes):
            async with look.command() as tx:
                await kept.remove_farm(tx, farm.id)
                ui.navigate.to("/farm/settings")

    button(_("Remove the farm"), remove, kind="danger", icon="delete")


def _undo(look: Looker, farm: Farm) -> None:
    async def undo() -> None:
        async with look.command() as tx:
            await kept.restore_farm(tx, farm.id)
            ui.navigate.to(f"/farm/settings?farm={farm.id}")

    assert farm.deleted_at
    until = moment(farm.deleted_at + kept.UNDO_FOR)
    with ui.element("div").classes("st-undo").props("role=status"):
        ui.label(_("{name} was removed. Until {time} it can be brought back.", name=farm.name, time=until))
        button(_("Bring it back"), undo, icon="undo", kind="quiet")
