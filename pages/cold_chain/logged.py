"""One line that somebody wrote: the value, the limits of its time, the photo, what was done; a mistake is corrected by another."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.by_hand import rounded
from data.cold_chain.commands.logs import correct
from data.cold_chain.queries import logs as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.logs import LOG, LogView
from data.core.errors import Refusal
from data.core.time import now
from pages._shell import Looker, field_errors, screen
from pages.cold_chain._forms import EDIT
from pages.cold_chain.logs import PATH, state_of
from ui.badge import badge
from ui.dialog import panel
from ui.form import Form, button
from ui.player import Photo, photos
from ui.words import _, celsius_from, full_moment, percent, temperature, temperature_unit, temperature_value


@screen(f"{PATH}/{{log_id:uuid}}", title="Written down by hand", place="cold_chain", permission="cold_chain.view")
async def logged(look: Looker, log_id: UUID) -> None:
    assert look.frame
    async with look.transaction() as tx:
        one = await queries.log(tx, log_id)
    look.frame.set_title(f"{one.unit_name} · {temperature(float(one.log.temperature_celsius))}")
    is_own = one.log.user_id is not None and one.log.user_id == look.actor.user_id
    with look.frame.actions:
        button(_("Written down by hand"), kind="quiet", icon="arrow_back", href=PATH)
        if not one.corrected_by_id and look.may(LOG, one.site_id) and (is_own or look.may(EDIT, one.site_id)):
            button(_("Correct it"), lambda: _correct(look, one), icon="edit")
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge(*state_of(one))
        with ui.element("div").classes("st-facts"):
            for label, value in _facts(one):
                with ui.element("div").classes("st-fact"):
                    ui.label(label).classes("st-fact-label")
                    ui.label(value).classes("st-fact-value")
        with ui.element("div").classes("st-row"):
            ui.link(_("Open the unit"), f"/cold-chain/units/{one.log.unit_id}")
            if one.corrected_by_id:
                ui.link(_("What it should have been"), f"{PATH}/{one.corrected_by_id}")
            if one.log.corrects_id:
                ui.link(_("What was written first"), f"{PATH}/{one.log.corrects_id}")
    if one.log.photo_file_id:
        with ui.element("section").classes("st-card"):
            photos([Photo(f"{PATH}/{one.log.id}/photo", _("Photo of {unit}", unit=one.unit_name))])


def _facts(one: LogView) -> list[tuple[str, str]]:
    line = one.log
    low, high = (None if limit is None else float(limit) for limit in (line.low_celsius, line.high_celsius))
    facts = [
        (_("Temperature"), temperature(float(line.temperature_celsius))),
        (_("Limits then"), f"{temperature(low)} – {temperature(high)}"),
        (_("Who"), line.user_name),
        (_("Read at"), full_moment(line.recorded_at, one.time_zone)),
        (_("Arrived"), full_moment(line.created_at, one.time_zone)),
        (_("Place"), f"{one.site_name} · {one.area_name}"),
    ]
    if line.humidity_percent is not None:
        facts.append((_("Humidity"), percent(float(line.humidity_percent) / 100)))
    if one.action:
        facts.append((_("What was done"), one.action))
    if line.notes:
        facts.append((_("Note"), line.notes))
    return facts


async def _correct(look: Looker, one: LogView) -> None:
    async with look.transaction() as tx:
        found, _total = await units.units(tx, limit=500, site_id=one.site_id)
    names = {unit.id: f"{unit.area_name} · {unit.name}" for unit in found} | {one.log.unit_id: f"{one.area_name} · {one.unit_name}"}
    with panel(_("Correct it"), _("What was written stays, and names this.")) as dialog:
        form = Form()
        with form:
            form.number(
                "temperature", _("Temperature"), round(temperature_value(float(one.log.temperature_celsius)), 1), unit=temperature_unit(), required=True
            )
            form.select("unit_id", _("Unit"), names, one.log.unit_id, required=True)
            form.text("notes", _("What was wrong?"), required=True, lines=2)
            form.text("action", _("What did you do about it?"), lines=2, help=_("Needed where it is out of limits."))

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    new_id = await correct(
                        tx, one.log.id, celsius=rounded(Decimal(str(celsius_from(values["temperature"])))), notes=values["notes"],
                        unit_id=values["unit_id"], action=values["action"] or None, at=now(),
                    )  # fmt: skip
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            ui.navigate.to(f"{PATH}/{new_id}")
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()
