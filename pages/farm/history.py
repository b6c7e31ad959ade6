"""A farm's past: what its probes measured, several together, over when its switches were on, from a day to five years."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from fastapi import Request, Response
from nicegui import app, ui

from data.core.session import transaction
from data.core.time import now
from data.farm.events import DeviceChanged
from data.farm.queries_history import MOST_DEVICES, History, history
from data.farm.rules.detail import Source
from pages._csv import csv_response, instant_of
from pages._shell import Looker, actor, screen
from pages.farm._history_asking import PATH, Choice, chosen, kept, source_words
from pages.farm._words import QUANTITY_WORDS
from ui import chart as charts
from ui.chart import Chart, ChartData, Lane, Limit, Series, chart
from ui.empty import empty_state
from ui.form import Form
from ui.live import live_value
from ui.words import _, temperature_value

RANGES = ("24h", "7d", "30d", "1y", "5y")
REDRAW_S = 30.0
GAP = timedelta(minutes=11)
"""A probe that says nothing for longer was silent."""
MOST_BANDS = 6
"""Of more lines the least and the most would only hide each other."""
HEADER = ("device", "quantity", "unit", "from", "until", "mean", "minimum", "maximum", "readings", "share_on")


@screen(PATH, title="History", place="farm", permission="farm.view")
async def past(look: Looker, farm: str = "", kind: str = "", of: str | None = None, switches: str | None = None) -> None:
    async with look.transaction() as tx:
        choice = await chosen(tx, farm=farm, kind=kind, of=of, switches=switches)
    if choice is None:
        empty_state(_("There are no farms yet."), icon="agriculture", action=_("Farm"), href="/farm")
        return
    with ui.element("section").classes("st-card"):
        drawn = _drawn(look, choice)
    with ui.element("section").classes("st-card"):
        _choose(choice, drawn)


def _drawn(look: Looker, choice: Choice) -> Chart | None:
    if not choice.of and not choice.switches:
        empty_state(_("Nothing is chosen."), _("Choose probes or switches below."), icon="show_chart")
        return None
    name = _(QUANTITY_WORDS.get(choice.kind, choice.kind))
    ui.label(f"{name} · {choice.farm.name}").classes("st-h2").props("role=heading aria-level=2")

    async def ask(start: datetime, end: datetime, _most: int) -> ChartData:
        async with look.transaction() as tx:
            found = await history(
                tx, choice.farm.id, start, end, kind=choice.kind, of=choice.of, switches=choice.switches, kept=kept()
            )
        return picture(found, choice.kind)

    made = chart(
        ask, title=f"{name}, {choice.farm.name}", unit=choice.unit, zone=choice.farm.time_zone, ranges=RANGES, height="460px",
        csv_href=choice.href(f"{PATH}.csv"),
    )  # fmt: skip

    async def nothing() -> None: ...

    live_value(nothing, lambda _none: made.refresh(), look.topic(DeviceChanged), minimum_interval_s=REDRAW_S)
    return made


def picture(found: History, kind: str) -> ChartData:
    """It in the reader's words and unit."""
    names = {device_id: device.name for device_id, device in found.devices.items()}
    width_ms = found.detail.width / timedelta(milliseconds=1)
    gap_ms = max(2.5 * width_ms, GAP / timedelta(milliseconds=1)) if found.detail.source is Source.READINGS else 1.6 * width_ms
    has_band = len(found.lines) <= MOST_BANDS

    def shown(values: Any) -> Any:
        return np.asarray(temperature_value(values), dtype=np.float64) if kind == "temperature" else values

    lines = [
        Series(
            str(one.device_id), names[one.device_id], one.times_ms, shown(one.mean), gap_ms, shown(one.low) if has_band else None,
            shown(one.high) if has_band else None,
        )
        for one in found.lines
    ]  # fmt: skip
    lanes = [Lane(str(one.device_id), names[one.device_id], one.starts_ms, one.ends_ms, one.shares) for one in found.lanes]
    low, high = (None if limit is None else float(shown(limit)) for limit in found.limits)
    limits = [Limit(low, high, _("Limits"))] if low is not None or high is not None else []
    return ChartData(lines, limits, lanes=lanes, note=source_words(found.detail))


def _choose(choice: Choice, drawn: Chart | None) -> None:
    """Which farm and quantity, which probes and switches; the stretch of time that is shown stays."""

    def stretch() -> dict[str, str]:
        if drawn is None:
            return {}
        if drawn.range in charts.RANGES:
            return {"range": drawn.range}
        return {name: str(round(at.timestamp() * 1000)) for name, at in zip(("from", "to"), drawn.window, strict=True)}

    def go(values: dict[str, Any]) -> dict[str, str] | None:
        farm_id = UUID(values.get("farm") or str(choice.farm.id))
        if farm_id != choice.farm.id:
            ui.navigate.to(choice.href(farm=farm_id, more=stretch()))
        elif (kind := values.get("kind") or choice.kind) != choice.kind:
            ui.navigate.to(choice.href(kind=kind, more=stretch()))
        elif len(values["of"] or ()) + len(values["switches"] or ()) > MOST_DEVICES:
            return {"of": _("At most {most} devices are shown together.", most=MOST_DEVICES)}
        else:
            chosen_now = {name: ",".join(values[name] or ()) for name in ("of", "switches")}
            ui.navigate.to(choice.href(more=stretch() | chosen_now))
        return None

    with Form() as form:
        with ui.element("div").classes("st-columns"):
            if len(choice.farms) > 1:
                form.select("farm", _("Farm"), {str(one.id): one.name for one in choice.farms}, str(choice.farm.id), required=True)
            if choice.units:
                named = {kind: _(QUANTITY_WORDS.get(kind, kind)) for kind in choice.units}
                form.select("kind", _("Quantity"), named, choice.kind, required=True)
        with ui.element("div").classes("st-columns"):
            for key, label, devices, ids in (("of", _("Probes"), choice.probes, choice.of), ("switches", _("Switches"), choice.outputs, choice.switches)):
                options = {str(one.id): " · ".join(filter(None, (one.name, one.location))) for one in devices}
                form.select(key, label, options, [str(one) for one in ids], multiple=True, search=len(options) > 12)
        form.buttons(_("Show"), go)


@app.get(f"{PATH}.csv")
async def as_file(
    request: Request, farm: str = "", kind: str = "", of: str | None = None, switches: str | None = None
) -> Response:  # fmt: skip
    """The stretch that the chart shows, `from` and `to` in milliseconds since 1970, as closely as 100,000 points allow."""
    who, asked = actor(request), request.query_params
    until = instant_of(asked.get("to"), now())
    since = instant_of(asked.get("from"), until - timedelta(days=1))
    async with transaction(who) as tx:
        choice = await chosen(tx, farm=farm, kind=kind, of=of, switches=switches)
        if choice is None:
            return csv_response("history.csv", HEADER, [])
        found = await history(
            tx, choice.farm.id, since, until, kind=choice.kind, of=choice.of, switches=choice.switches, kept=kept(), is_file=True
        )
    is_fahrenheit = choice.kind == "temperature" and who.units == "fahrenheit"
    unit = ("°F" if is_fahrenheit else "°C") if choice.kind == "temperature" else choice.units.get(choice.kind, "")
    return csv_response(f"history {choice.farm.name}.csv", HEADER, rows(found, choice.kind, unit, is_fahrenheit=is_fahrenheit))


def rows(found: History, kind: str, unit: str, *, is_fahrenheit: bool = False) -> Iterator[Sequence[object]]:
    """A line a point. A point of single readings stands at its own time."""
    names = {device_id: device.name for device_id, device in found.devices.items()}
    width_ms = 0 if found.detail.source is Source.READINGS else found.detail.width / timedelta(milliseconds=1)
    for line in found.lines:
        for at, *values, count in zip(line.times_ms, line.mean, line.low, line.high, line.counts, strict=True):
            shown = [round(temperature_value(float(one), "f") if is_fahrenheit else float(one), 3) for one in values]
            yield names[line.device_id], kind, unit, _at(at - width_ms / 2), _at(at + width_ms / 2), *shown, int(count), None
    for lane in found.lanes:
        for start, end, share in zip(lane.starts_ms, lane.ends_ms, lane.shares, strict=True):
            yield names[lane.device_id], "power", "", _at(start), _at(end), None, None, None, None, round(float(share), 4)


def _at(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
