"""One unit: how warm it is now, its past with its limits, its sensors, and what they said last."""

from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.cold_chain.events import ExcursionChanged, SensorChanged, TemperatureWritten, UnitChanged
from data.cold_chain.queries import excursions, logs, machines, points, units
from data.core.time import now
from pages._shell import Looker, screen
from pages.cold_chain import _downloads  # noqa: F401 - its routes
from pages.cold_chain._forms import EDIT, add_sensor, set_limits
from pages.cold_chain._machine_forms import begin_pairing
from pages.cold_chain._picture import Past, chart_of, figures
from pages.cold_chain._unit_parts import Seen, excursions_card, now_card, readings_card, sensors_card, written_card
from ui.form import button
from ui.live import live
from ui.words import _


@screen("/cold-chain/units/{unit_id:uuid}", title="Unit", place="cold_chain", permission="cold_chain.view")
async def unit(look: Looker, unit_id: UUID) -> None:
    assert look.frame

    async def ask() -> Seen:
        async with look.transaction() as tx:
            found = await units.unit(tx, unit_id)
            out, out_count = await excursions.page(tx, excursions.Wanted(unit_id=unit_id), limit=4)
            return Seen(
                found, await alerts.open_of(tx, [unit_id]), (await machines.sensors(tx, unit_id=unit_id))[0],
                await points.last_readings(tx, unit_id, until=now(), limit=6),
                (await logs.page(tx, logs.Wanted(unit_ids=[unit_id]), limit=4))[0],
                out, out_count,
            )  # fmt: skip

    seen = await ask()
    look.frame.set_title(seen.unit.name)
    with look.frame.actions:
        button(_("All units"), kind="quiet", icon="arrow_back", href="/cold-chain")
        if look.may(EDIT, seen.unit.site_id):
            button(_("Limits"), lambda: set_limits(look, unit_id), icon="tune")
            button(_("Pair a sensor"), lambda: begin_pairing(look, unit_id), icon="sensors")
            button(_("Add a sensor"), lambda: add_sensor(look, seen.unit), icon="add")
    changed = look.topic(UnitChanged, unit_id=unit_id)
    written = look.topic(TemperatureWritten, unit_id=unit_id)
    live(ask, lambda one: now_card(look, one), changed, look.topic(AlertChanged), minimum_interval_s=0.3)
    with ui.element("section").classes("st-card"):
        picture = chart_of(look, seen.unit, height="420px", tell=lambda past: _told(past))
        picture.chart.watch(written)
        shown = ui.element("div").classes("st-live")

    def _told(past: Past) -> None:
        with shown.clear():
            figures(past.summary)

    with ui.element("div").classes("st-columns"):
        live(ask, lambda one: excursions_card(one), changed, look.topic(ExcursionChanged), minimum_interval_s=2.0)
        live(ask, lambda one: written_card(look, one), written, minimum_interval_s=1.0)
    with ui.element("div").classes("st-columns"):
        live(ask, lambda one: readings_card(one), changed, minimum_interval_s=1.0)
        live(ask, lambda one: sensors_card(look, one), changed, look.topic(SensorChanged), minimum_interval_s=2.0)
