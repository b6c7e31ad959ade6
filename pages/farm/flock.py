"""One flock: today's line to be written with a thumb, what it has come to, and how it has grown, drunk and died."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.core.errors import Refusal
from data.core.time import epoch_ms, now, zone
from data.farm import queries
from data.farm import queries_flocks as flocks_there
from data.farm.commands.flocks import remove_batch, remove_day, reopen_batch, restore_day, write_day
from data.farm.events import FlockChanged
from data.farm.flocks import DEADLY_PERCENT, Flock, Summary, figures, summary, target
from data.farm.queries_flocks import Written, day_of, flock_of
from data.farm.tables import Farm, FlockBatch, FlockRecord
from pages._shell import Looker, field_errors, screen
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.farm import _flocks_csv  # noqa: F401 - its route
from pages.farm._flocks_forms import close, describe, set_limits
from pages.farm._flocks_words import PATH, age_words, day_words, figure, kind_words, summary_facts
from ui.badge import badge
from ui.chart import ChartData, Limit, Series, chart
from ui.dialog import confirm
from ui.form import Field, Form, button
from ui.live import live, live_value
from ui.words import _, n_, temperature, temperature_unit, temperature_value

RANGES = ("7d", "30d", "1y")
SHOWN_DAYS = 14
HOUR_MS = 3_600_000
NUMBERS = ("dead", "culled", "feed_kg", "water_l", "weight_g")


@dataclass(frozen=True, slots=True)
class _Seen:
    batch: FlockBatch
    farm: Farm
    lines: list[Written]
    celsius: float | None = None
    """How warm it is in the house now."""
    alerts: Sequence[Alert] = ()

    @property
    def flock(self) -> Flock:
        return flock_of(self.batch)

    @property
    def summary(self) -> Summary:
        return summary(self.flock, [day_of(one.record) for one in self.lines])

    @property
    def last_day(self) -> date:
        """Today by the farm's clock, or the day it left."""
        return self.batch.closed_on or datetime.now(zone(self.farm.time_zone)).date()

    def line(self, day: date) -> FlockRecord | None:
        return next((one.record for one in self.lines if one.record.day == day), None)


@screen("/farm/flocks/{batch_id:uuid}", title="Flock", place="farm", permission="farm.view")
async def flock(look: Looker, batch_id: UUID, day: str = "") -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            batch = await flocks_there.batch(tx, batch_id)
            warm = await flocks_there.houses(tx, [batch.farm_id], at=now())
            return _Seen(
                batch, await queries.farm(tx, batch.farm_id), list(await flocks_there.records(tx, batch_id)),
                warm.get((batch.farm_id, batch.house.lower())), await alerts.open_of(tx, [batch_id]),
            )  # fmt: skip

    seen = await ask()
    look.frame.set_title(seen.batch.name)
    _actions(look, seen)
    topic = look.topic(FlockChanged, batch_id=batch_id)
    may_write = look.may("farm.record" if seen.batch.closed_on is None else "farm.edit", seen.farm.id)
    with ui.element("div").classes("st-columns"):
        if may_write:
            with ui.element("section").classes("st-card"):
                line = _Line(look, seen, _chosen(day, seen))
                live_value(ask, line.push, topic)
        with ui.element("section").classes("st-card"):
            live(ask, _facts, topic, look.topic(AlertChanged), minimum_interval_s=2.0)
    _charts(look, seen, topic)
    with ui.element("section").classes("st-stack"):
        ui.label(_("The last days")).classes("st-h2").props("role=heading aria-level=2")
        live(ask, lambda now_there: _days(look, now_there, may_write), topic, minimum_interval_s=1.0)


def _chosen(text: str, seen: _Seen) -> date:
    """The day in the address, or the last one; never one that cannot be written of."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return seen.last_day
    return min(max(day, seen.batch.placed_on), seen.last_day)


def _actions(look: Looker, seen: _Seen) -> None:
    assert look.frame
    batch, farm = seen.batch, seen.farm

    async def current() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await flocks_there.batch(tx, batch.id), farm, list(await flocks_there.records(tx, batch.id)))

    async def edit() -> None:
        describe(look, [farm], (await current()).batch)

    async def leave() -> None:
        close(look, batch, farm, (await current()).summary.alive)

    async def back() -> None:
        async with look.command() as tx:
            await reopen_batch(tx, batch.id)
            ui.navigate.reload()

    async def remove() -> None:
        if await confirm(_("Remove {name}?", name=batch.name), _("This can be undone."), action=_("Remove"), goes=[batch.name, _("all its days")]):
            async with look.command() as tx:
                await remove_batch(tx, batch.id)
                ui.navigate.to(f"{PATH}?removed={batch.id}")

    with look.frame.actions:
        button(_("All flocks"), kind="quiet", icon="arrow_back", href=PATH)
        button(_("Download CSV"), kind="quiet", icon="download", href=f"{PATH}/{batch.id}/days.csv")
        if look.may("farm.edit", farm.id):
            button(_("Edit"), edit, icon="edit")
            if not batch.closed_on:
                button(_("Set the house's limits"), lambda: set_limits(look, batch), icon="thermostat")
            if batch.closed_on:
                button(_("It is still here"), back, icon="undo")
            else:
                button(_("The flock has left"), leave, icon="logout")
            button(_("Remove"), remove, icon="delete")


class _Line:
    """The line of one day: large fields, what stood there the day before beside each, and nothing of another's is written over."""

    def __init__(self, look: Looker, seen: _Seen, day: date) -> None:
        self._look, self._batch, self._day = look, seen.batch, day
        self._was = _values(seen.line(day))
        before = _values(seen.line(day - timedelta(days=1)))
        self._heading(seen)
        self._form = Form()
        labels = {
            "dead": (_("Dead"), "", 0), "culled": (_("Culled"), "", 0), "feed_kg": (_("Feed"), "kg", 2), "water_l": (_("Water"), "l", 2),
            "weight_g": (_("Weight of a bird"), "g", 1),
        }  # fmt: skip
        with self._form:
            for name, (label, unit, decimals) in labels.items():
                told = _("The day before: {value}", value=figure(before[name], 0 if decimals == 0 else 1, unit))
                self._form.number(name, label, self._was[name], unit=unit, minimum=0, decimals=decimals, help=told)
            self._form.text("cause", _("Of what they died"), self._was["cause"])
            self._form.text("notes", _("Note"), self._was["notes"], lines=2)
        self._form.buttons(_("Save"), self._send)

    def push(self, seen: _Seen) -> None:
        """Somebody wrote: what is untouched here shows it."""
        now_there = _values(seen.line(self._day))
        for name, field in self._form.fields.items():
            if now_there[name] != self._was[name] and _read(field) == self._was[name]:
                field.control.set_value(now_there[name])
                self._was[name] = now_there[name]

    def _heading(self, seen: _Seen) -> None:
        day, here = self._day, f"{PATH}/{seen.batch.id}"
        with ui.element("div").classes("st-row"):
            if day > seen.batch.placed_on:
                earlier = day - timedelta(days=1)
                button("", kind="quiet", icon="chevron_left", href=f"{here}?day={earlier}").props(f'aria-label="{day_words(earlier)}"')
            ui.label(day_words(day)).classes("st-h2").props("role=heading aria-level=2")
            if day < seen.last_day:
                later = day + timedelta(days=1)
                button("", kind="quiet", icon="chevron_right", href=f"{here}?day={later}").props(f'aria-label="{day_words(later)}"')
        ui.label(age_words(seen.flock.age(day))).classes("st-soft")

    async def _send(self, _typed: dict[str, Any]) -> dict[str, str] | None:
        typed = {name: _read(field) for name, field in self._form.fields.items()}
        changed = {name: value for name, value in typed.items() if value != self._was[name]}
        if not changed:
            return {"": _("Nothing has changed.")}
        try:
            async with self._look.transaction() as tx:
                await write_day(tx, self._batch.id, self._day, written=changed, was={name: self._was[name] for name in changed})
        except Refusal as reason:
            return field_errors(reason)
        self._was |= changed
        ui.notify(_("Written down."), type="positive", position="top")
        return None


def _values(record: FlockRecord | None) -> dict[str, Any]:
    """A line as the form holds it."""
    numbers = {name: None if record is None or getattr(record, name) is None else float(getattr(record, name)) for name in NUMBERS}
    return numbers | {"cause": (record.cause or "") if record else "", "notes": (record.notes or "") if record else ""}


def _read(field: Field) -> Any:
    return float(field.value) if isinstance(field.value, int) else field.value


def _facts(seen: _Seen) -> None:
    flock, found = seen.flock, seen.summary
    right = target(flock, flock.age(seen.last_day))
    facts = [
        (_("Farm"), seen.farm.name), (_("House"), seen.batch.house), (_("Birds"), kind_words(seen.batch)),
        (_("Age"), age_words(flock.age(seen.last_day))), (_("Alive"), f"{figure(found.alive)} / {figure(seen.batch.placed_count)}"),
        *summary_facts(found),
    ]  # fmt: skip
    for alert in seen.alerts:
        with ui.element("div").classes("st-row"):
            badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
            ui.link(words(alert), f"/alerts/{alert.id}").classes("st-item-words")
    if seen.batch.closed_on:
        badge("neutral", _("Left on {day}", day=day_words(seen.batch.closed_on)), icon="logout")
    else:
        facts.append((_("Temperature in the house"), temperature(seen.celsius)))
        facts.append((_("Right temperature"), f"{temperature(right.celsius)} ({temperature(right.low)} – {temperature(right.high)})"))
    with ui.element("div").classes("st-facts"):
        for label, value in facts:
            with ui.element("div").classes("st-fact"):
                ui.label(label).classes("st-fact-label")
                ui.label(value).classes("st-fact-value")
    if found.unfed_days > 0 and found.feed_conversion:
        ui.label(n_("Feed was not written down on {n} day, so more was eaten than this says.", "Feed was not written down on {n} days, so more was eaten than this says.", found.unfed_days)).classes("st-soft")  # fmt: skip


def _charts(look: Looker, seen: _Seen, topic: Any) -> None:
    batch, clock = seen.batch, zone(seen.farm.time_zone)

    def at_ms(day: date) -> int:
        return epoch_ms(datetime.combine(day, time(), clock))

    async def days(start: datetime, end: datetime) -> tuple[Flock, list[Any], np.ndarray[Any, np.dtype[np.int64]]]:
        async with look.transaction() as tx:
            one = await flocks_there.batch(tx, batch.id)
            lines = await flocks_there.records(tx, batch.id)
        found = figures(flock_of(one), [day_of(line.record) for line in lines])
        shown = [each for each in found if epoch_ms(start) - 24 * HOUR_MS <= at_ms(each.day.day) <= epoch_ms(end)]
        return flock_of(one), shown, np.array([at_ms(each.day.day) for each in shown], dtype=np.int64)

    def series(key: str, name: str, times: Any, values: list[float | None], *, is_below: bool = False) -> Series:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        is_there = ~np.isnan(numbers)
        gap = None if key == "weight" else 36 * HOUR_MS
        return Series(key, name, times[is_there], numbers[is_there], gap, is_below=is_below)

    async def weight(start: datetime, end: datetime, _most: int) -> ChartData:
        _flock, found, times = await days(start, end)
        return ChartData([series("weight", _("Weight"), times, [one.day.weight_g for one in found])])

    async def water(start: datetime, end: datetime, _most: int) -> ChartData:
        _flock, found, times = await days(start, end)
        return ChartData([
            series("water", _("Water"), times, [one.water_ml for one in found]),
            series("feed", _("Feed"), times, [one.feed_g for one in found], is_below=True),
        ])  # fmt: skip

    async def deaths(start: datetime, end: datetime, _most: int) -> ChartData:
        _flock, found, times = await days(start, end)
        daily = series("daily", _("Died that day"), times, [one.mortality_percent for one in found])
        total = series("total", _("Died in all"), times, [one.total_mortality_percent for one in found], is_below=True)
        return ChartData([daily, total], [Limit(high=DEADLY_PERCENT, label=_("Up to here it is usual"))])

    async def warmth(start: datetime, end: datetime, _most: int) -> ChartData:
        first, last = datetime.combine(batch.placed_on, time(), clock), datetime.combine(seen.last_day + timedelta(days=1), time(), clock)
        start, end = max(start, first), min(end, last)
        async with look.transaction() as tx:
            one = flock_of(await flocks_there.batch(tx, batch.id))
            found = await flocks_there.warmth(tx, batch.id, since=start, until=end)
        noons = [batch.placed_on + timedelta(days=n) for n in range((seen.last_day - batch.placed_on).days + 1)]
        noons = [day for day in noons if start - timedelta(days=1) <= datetime.combine(day, time(), clock) <= end]
        right = [target(one, one.age(day)) for day in noons]
        limits = [
            Limit(temperature_value(each.low), temperature_value(each.high), "", at_ms(day), at_ms(day + timedelta(days=1)))
            for day, each in zip(noons, right, strict=True)
        ]
        mean, low, high = (np.asarray([temperature_value(v) for v in values], dtype=np.float64) for values in (found.mean, found.low, found.high))
        times = found.times_ms.astype(np.int64)
        measured = Series("measured", _("Measured"), times, mean, 2.5 * HOUR_MS, low, high)
        wanted = series("target", _("Right for their age"), np.array([at_ms(day) for day in noons], dtype=np.int64), [temperature_value(each.celsius) for each in right])
        return ChartData([measured, wanted], limits)

    for name, title, unit, below, draw in (
        ("weight", _("Weight of a bird"), "g", "", weight), ("water", _("Water and feed of a bird a day"), "ml", "g", water),
        ("deaths", _("Deaths"), "%", "%", deaths), ("warmth", _("Temperature in the house"), temperature_unit(), "", warmth),
    ):  # fmt: skip
        with ui.element("section").classes("st-card"):
            ui.label(title).classes("st-h2").props("role=heading aria-level=2")
            chart(
                draw, title=title, unit=unit, unit_below=below, range="30d", ranges=RANGES, zone=seen.farm.time_zone, name=name,
                height="280px", csv_href=f"{PATH}/{batch.id}/days.csv", topics=[topic],
            )  # fmt: skip


def _days(look: Looker, seen: _Seen, may_write: bool) -> None:
    found = figures(seen.flock, [day_of(one.record) for one in seen.lines])
    if not found:
        ui.label(_("Nothing is written down yet.")).classes("st-soft")
    for one, line in list(zip(reversed(found), reversed(seen.lines), strict=True))[:SHOWN_DAYS]:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                named = f"{day_words(one.day.day)} · {age_words(one.age)}"
                if may_write:
                    ui.link(named, f"{PATH}/{seen.batch.id}?day={one.day.day}").classes("st-item-words")
                else:
                    ui.label(named).classes("st-item-words")
                with ui.element("div").classes("st-soft"):
                    ui.label(_("{count} dead", count=figure(one.day.dead)))
                    for value, unit, of_each, each in (
                        (one.day.feed_kg, "kg", one.feed_g, "g"), (one.day.water_l, "l", one.water_ml, "ml"), (one.day.weight_g, "g", None, ""),
                    ):  # fmt: skip
                        if value is not None:
                            ui.label(figure(value, 0, unit) + (f" ({figure(of_each, 0, each)})" if of_each is not None else ""))
                if told := " · ".join(filter(None, (line.record.cause, line.record.notes, line.person))):
                    ui.label(told).classes("st-soft")
            if may_write:
                button(_("Remove"), lambda day=one.day.day: _remove_day(look, seen.batch.id, day), kind="quiet", icon="delete")


async def _remove_day(look: Looker, batch_id: UUID, day: date) -> None:
    async def undo() -> None:
        async with look.command() as tx:
            await restore_day(tx, batch_id, day)
        bar.delete()

    is_done = False
    async with look.command() as tx:
        await remove_day(tx, batch_id, day)
        is_done = True
    if not is_done:  # the refusal has been told
        return
    with look.page, ui.element("div").classes("st-undo").props("role=status") as bar:
        ui.label(_("{name} was removed.", name=day_words(day)))
        button(_("Undo"), undo, icon="undo", kind="quiet")
        button(_("Close"), bar.delete, kind="quiet")
