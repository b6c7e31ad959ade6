"""The past of one device: what it measured with its own limits, when it was on, and to what it was set."""

from datetime import datetime
from urllib.parse import urlencode

from nicegui import ui

from data.farm.events import DeviceChanged
from data.farm.queries_history import history
from data.farm.rules import LEVELS, SWITCHED, WATER_LEVEL
from data.farm.tables import Device, DeviceType, Farm
from pages._shell import Looker
from pages.farm._device_words import quantity_words
from pages.farm._history_asking import PATH, kept
from pages.farm.history import picture
from ui.chart import ChartData, chart
from ui.live import live_value
from ui.words import _, temperature_unit

RANGES = ("1h", "24h", "7d", "30d", "1y", "5y")
REDRAW_S = 20.0
SET_TO = "level"
"""What a pwm or servo output said that it was set to."""


def charts(look: Looker, device: Device, farm: Farm) -> None:
    """A card for each quantity, and one for when it was on."""
    kinds = [kind for kind in device.latest if kind != "power" and not (kind in LEVELS and WATER_LEVEL in device.latest)]
    if device.device_type.value in SWITCHED:
        _card(look, device, farm, "power", "", _("When it was on"))
    elif not kinds and device.device_type is DeviceType.SENSOR:
        kinds = ["temperature"]
    if device.value is not None:
        _card(look, device, farm, SET_TO, "", _("To what it was set"))
    for kind in sorted(kinds, key=lambda kind: (kind != "temperature", kind)):
        unit = temperature_unit() if kind == "temperature" else device.latest.get(kind, {}).get("unit", "")
        _card(look, device, farm, kind, unit, quantity_words(kind))


def _card(look: Looker, device: Device, farm: Farm, kind: str, unit: str, name: str) -> None:
    is_switch = kind == "power"
    of, switches = ((), (device.id,)) if is_switch else ((device.id,), ())

    async def ask(start: datetime, end: datetime, _most: int) -> ChartData:
        async with look.transaction() as tx:
            return picture(await history(tx, farm.id, start, end, kind=kind, of=of, switches=switches, kept=kept()), kind)

    chosen = {"farm": farm.id, "kind": kind, "switches" if is_switch else "of": device.id} | ({"of": ""} if is_switch else {})
    with ui.element("section").classes("st-card"):
        ui.label(name).classes("st-h2").props("role=heading aria-level=2")
        made = chart(
            ask, title=name, unit=unit, zone=farm.time_zone, name=kind, ranges=RANGES, height="180px" if is_switch else "320px",
            csv_href=f"/farm/devices/{device.id}/readings.csv?kind={kind}" if kind == SET_TO else f"{PATH}.csv?{urlencode(chosen)}",
        )  # fmt: skip

        async def nothing() -> None: ...

        live_value(nothing, lambda _none: made.refresh(), look.topic(DeviceChanged, device_id=device.id), minimum_interval_s=REDRAW_S)
