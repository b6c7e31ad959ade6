"""Sites, areas, units, sensors and limits are described in a panel over the page."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import places, rules
from data.cold_chain.queries import units
from data.cold_chain.queries.units import UnitView
from data.cold_chain.rules import STARTING_LIMITS
from data.cold_chain.tables import Area, Site
from data.cold_chain.values import UnitType
from data.core.errors import Refusal
from data.core.session import Transaction
from pages._shell import Looker, field_errors
from pages.cold_chain._words import TYPE_WORDS
from ui.dialog import panel
from ui.form import Form
from ui.words import _, celsius_from, number, temperature, temperature_unit, temperature_value, time_zones

Values = Mapping[str, Any]
EDIT = "cold_chain.edit"


def may_add_sites(look: Looker) -> bool:
    """Only those whose right is not limited to certain sites."""
    return look.actor.scopes(EDIT) is None


def add_site(look: Looker) -> None:
    async def save(tx: Transaction, values: Values) -> str:
        await places.create_site(tx, **values)
        return "/cold-chain/places"

    def fields(form: Form) -> None:
        form.text("name", _("Name"), required=True, placeholder=_("Market hall"))
        form.select(
            "time_zone", _("Time zone"), time_zones(look.time_zone), look.time_zone, required=True, search=True,
            help=_("Charts and reports of this site show its own time."),
        )  # fmt: skip
        form.text("address", _("Address"))
        form.text("city", _("City"))
        form.number("latitude", _("Latitude"), unit="°", minimum=-90, maximum=90)
        form.number("longitude", _("Longitude"), unit="°", minimum=-180, maximum=180)

    _ask(look, _("Add a site"), "", _("Add the site"), fields, save)


def add_area(look: Looker, site: Site) -> None:
    async def save(tx: Transaction, values: Values) -> None:
        await places.create_area(tx, site.id, **values)

    def fields(form: Form) -> None:
        form.text("name", _("Name"), required=True, placeholder=_("Kitchen"))

    _ask(look, _("Add an area"), site.name, _("Add the area"), fields, save)


def add_unit(look: Looker, area: Area) -> None:
    """A unit, and at once the sensor in it where one is at hand."""

    async def save(tx: Transaction, values: Values) -> str:
        unit = await places.create_unit(tx, area.id, name=values["name"], unit_type=UnitType(values["unit_type"]))
        if values["device_eui"]:
            await places.create_sensor(tx, unit.id, device_eui=values["device_eui"])
        return f"/cold-chain/units/{unit.id}"

    def fields(form: Form) -> None:
        form.text("name", _("Name"), required=True, placeholder=_("Freezer 3"))
        kinds = {kind.value: f"{_(TYPE_WORDS[kind])} ({_range(*STARTING_LIMITS[kind])})" for kind in UnitType}
        form.select(
            "unit_type", _("Kind"), kinds, UnitType.FRIDGE.value, required=True,
            help=_("The limits it begins with; they can be changed."),
        )  # fmt: skip
        _eui(form, required=False)

    _ask(look, _("Add a unit"), area.name, _("Add the unit"), fields, save)


def add_sensor(look: Looker, unit: UnitView) -> None:
    async def save(tx: Transaction, values: Values) -> None:
        await places.create_sensor(tx, unit.id, **values)

    def fields(form: Form) -> None:
        _eui(form, required=True)
        form.text("name", _("Name"), placeholder=_("Top shelf"))

    _ask(look, _("Add a sensor"), unit.name, _("Add the sensor"), fields, save)


async def set_limits(look: Looker, unit_id: UUID) -> None:
    """What the unit itself says; an empty field shows what is inherited."""
    async with look.transaction() as tx:
        unit, own = await units.unit(tx, unit_id), await units.own_rule(tx, unit_id)
    rule = unit.rule

    async def save(tx: Transaction, values: Values) -> None:
        await rules.set_limits(
            tx, unit_id, low_celsius=_celsius(values["temperature_min_celsius"]),
            high_celsius=_celsius(values["temperature_max_celsius"]), delay_minutes=values["delay_minutes"],
        )  # fmt: skip

    def fields(form: Form) -> None:
        for name, label, value, holds in (
            ("temperature_min_celsius", _("Not colder than"), own.temperature_min_celsius if own else None, rule.low_celsius),
            ("temperature_max_celsius", _("Not warmer than"), own.temperature_max_celsius if own else None, rule.high_celsius),
        ):
            shown = None if value is None else round(temperature_value(float(value)), 2)
            inherited = "" if value is not None or holds is None else _("Now {value}, inherited.", value=temperature(holds))
            form.number(name, label, shown, unit=temperature_unit(), help=inherited)
        minutes = number(rule.delay.total_seconds() / 60)
        form.number(
            "delay_minutes", _("Alarm after"), own.delay_minutes if own else None, unit=_("min"), minimum=0, decimals=0,
            help="" if own and own.delay_minutes is not None else _("Now {minutes} min, inherited.", minutes=minutes),
        )  # fmt: skip
        if look.may("cold_chain.rules", unit.site_id):
            ui.link(_("All rules of this unit"), f"/cold-chain/rules?unit={unit_id}")

    text = _("An empty field takes what the site or the organization says, else what is usual for this kind of unit.")
    _ask(look, _("Limits of {unit}", unit=unit.name), text, _("Save"), fields, save)


def _ask(
    look: Looker, title: str, text: str, action: str, fields: Callable[[Form], None],
    save: Callable[[Transaction, Values], Awaitable[str | None]],
) -> None:  # fmt: skip
    """A panel with a form; `save` runs in one transaction and may answer where to go then."""
    with panel(title, text) as dialog:
        with Form() as form:
            fields(form)

        async def send(values: Values) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    next_page = await save(tx, values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            if next_page:
                ui.navigate.to(next_page)
            return None

        form.buttons(action, send, on_cancel=dialog.close)
    dialog.open()


def _eui(form: Form, *, required: bool) -> None:
    form.text(
        "device_eui", _("Sensor's device EUI"), required=required, placeholder="0004A30B001C0530",
        help=_("16 letters and digits, printed on the sensor."),
    )  # fmt: skip


def _celsius(typed: float | None) -> float | None:
    return None if typed is None else round(celsius_from(typed), 2)


def _range(low: float, high: float) -> str:
    return _("{low} to {high}", low=temperature(low), high=temperature(high))
