"""A site, an area or a unit is described anew in a panel, or taken away from there by those who may."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import editing
from data.cold_chain.queries import units
from data.cold_chain.tables import Area, Site, Unit
from data.cold_chain.values import ComplianceMode, UnitType
from data.core.errors import Refusal
from data.core.session import Transaction
from pages._shell import Looker, field_errors
from pages.cold_chain._words import TYPE_WORDS
from ui.dialog import confirm, panel
from ui.form import Form, button
from ui.words import _, n_, noop, time_zones

Values = Mapping[str, Any]
MODE_WORDS = {ComplianceMode.STANDARD: noop("Standard"), ComplianceMode.HACCP: noop("HACCP")}


def edit_site(look: Looker, site: Site, unit_count: int) -> None:
    def fields(form: Form) -> None:
        form.text("name", _("Name"), site.name, required=True)
        form.select("time_zone", _("Time zone"), time_zones(site.time_zone), site.time_zone, required=True, search=True)
        form.text("address", _("Address"), site.address or "")
        form.text("postal_code", _("Postal code"), site.postal_code or "")
        form.text("city", _("City"), site.city or "")
        form.text("country", _("Country"), site.country or "")
        form.number("latitude", _("Latitude"), site.latitude, unit="°", minimum=-90, maximum=90)
        form.number("longitude", _("Longitude"), site.longitude, unit="°", minimum=-180, maximum=180)
        form.select("compliance_mode", _("Records as for"), {m.value: _(w) for m, w in MODE_WORDS.items()}, site.compliance_mode.value, required=True)
        cadence = None if site.manual_log_cadence_s is None else site.manual_log_cadence_s / 60
        form.number(
            "manual_interval_minutes", _("Measured by hand every"), cadence, unit=_("min"), minimum=15, decimals=0,
            help=_("Where a unit says nothing itself."),
        )  # fmt: skip
        form.check(
            "is_corrective_action_required", _("Asks for a corrective action"), site.is_corrective_action_required,
            help=_("An excursion that raised an alarm is explained only after what was done is written down."),
        )  # fmt: skip

    async def save(tx: Transaction, values: Values) -> None:
        await editing.edit_site(
            tx, site.id, **{**values, "compliance_mode": ComplianceMode(values["compliance_mode"]), "manual_interval_minutes": _whole(values)}
        )

    goes = [site.name, n_("{n} unit", "{n} units", unit_count)]
    _ask(look, _("Change {name}", name=site.name), fields, save, Site, site.id, site.id, goes)


def edit_area(look: Looker, area: Area, unit_count: int) -> None:
    def fields(form: Form) -> None:
        form.text("name", _("Name"), area.name, required=True)
        form.text("description", _("Description"), area.description or "")
        form.number("sort_order", _("Place in the list"), area.sort_order, decimals=0)

    async def save(tx: Transaction, values: Values) -> None:
        await editing.edit_area(tx, area.id, **{**values, "sort_order": int(values["sort_order"] or 0)})

    goes = [area.name, n_("{n} unit", "{n} units", unit_count)]
    _ask(look, _("Change {name}", name=area.name), fields, save, Area, area.id, area.site_id, goes)


async def edit_unit(look: Looker, unit: Unit, site_id: UUID) -> None:
    async with look.transaction() as tx:
        found = await units.tree(tx)
    areas = {str(branch.area.id): f"{site.site.name} · {branch.area.name}" for site in found for branch in site.areas}

    def fields(form: Form) -> None:
        form.text("name", _("Name"), unit.name, required=True)
        form.select("unit_type", _("Kind"), {kind.value: _(TYPE_WORDS[kind]) for kind in UnitType}, unit.unit_type.value, required=True)
        form.select("area_id", _("Area"), areas, str(unit.area_id), required=True, search=True)
        form.number("sort_order", _("Place in the list"), unit.sort_order, decimals=0)
        form.check("is_active", _("In use"), unit.is_active, help=_("A unit that is not in use is neither judged nor missed."))
        form.check("is_manual_monitoring_required", _("Must be measured by hand too"), unit.is_manual_monitoring_required)
        form.number(
            "manual_interval_minutes", _("Measured by hand every"), unit.manual_monitoring_interval_minutes, unit=_("min"), minimum=15,
            decimals=0, help=_("Empty: as its site or its rules say."),
        )  # fmt: skip

    async def save(tx: Transaction, values: Values) -> None:
        await editing.edit_unit(
            tx, unit.id,
            **{
                **values, "unit_type": UnitType(values["unit_type"]), "area_id": UUID(values["area_id"]),
                "sort_order": int(values["sort_order"] or 0), "manual_interval_minutes": _whole(values),
            },
        )  # fmt: skip

    _ask(look, _("Change {name}", name=unit.name), fields, save, Unit, unit.id, site_id, [unit.name])


def _ask(
    look: Looker, title: str, fields: Callable[[Form], None], save: Callable[[Transaction, Values], Awaitable[None]],
    kind: type[Site] | type[Area] | type[Unit], place_id: UUID, site_id: UUID, goes: list[str],
) -> None:  # fmt: skip
    with panel(title) as dialog:
        with Form() as form:
            fields(form)

        async def send(values: Values) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await save(tx, values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        async def take_away() -> None:
            words = _("What was recorded stays. For a month it can be brought back on this page.")
            if await confirm(_("Take it away?"), words, action=_("Take away"), goes=goes):
                dialog.close()
                async with look.command() as tx:
                    await editing.take_away(tx, kind, place_id)

        form.buttons(_("Save"), send, on_cancel=dialog.close)
        if look.may(editing.DELETE, site_id):
            button(_("Take away"), take_away, kind="quiet", icon="delete")
    dialog.open()


def taken_away(look: Looker, found: list[Site | Area | Unit]) -> None:
    """What may be brought back."""
    if not found:
        return
    ui.label(_("Taken away lately")).classes("st-h2").props("role=heading aria-level=2")
    for one in found:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                ui.label(one.name).classes("st-item-words")
                ui.label(_(KIND_WORDS[type(one)])).classes("st-soft")
            button(_("Bring back"), lambda _event, one=one: _bring_back(look, one.id), kind="quiet", icon="undo")


KIND_WORDS: Mapping[type, str] = {Site: noop("Site"), Area: noop("Area"), Unit: noop("Unit")}


async def _bring_back(look: Looker, place_id: UUID) -> None:
    async with look.command() as tx:
        await editing.bring_back(tx, place_id)


def _whole(values: Values) -> int | None:
    typed = values["manual_interval_minutes"]
    return None if typed is None else int(typed)
