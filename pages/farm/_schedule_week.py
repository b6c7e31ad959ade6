"""The next seven days of each device as one picture: when it is on because of any of its schedules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nicegui import ui

from data.core.time import now, zone
from data.farm import planned
from data.farm.events import DeviceRegistered, FarmChanged, ScheduleChanged
from data.farm.planned import Row
from data.farm.rules import Moment, clock_changes
from pages._shell import Looker
from pages.farm._schedule_preview import DAYS, change_words
from pages.farm._schedule_words import bars_of
from ui.empty import empty_state
from ui.live import live
from ui.slowed import Slowed
from ui.timeline import timeline
from ui.words import _


def week(look: Looker) -> None:
    """Below one another, each device with its days; conditions are left out, since nobody knows beforehand."""

    async def ask() -> Sequence[Row]:
        at = now()
        async with look.transaction() as tx:
            return await planned.timeline(tx, since=at - timedelta(days=1), until=at + timedelta(days=DAYS))

    topics = (Slowed(look.topic(event), 5.0) for event in (ScheduleChanged, DeviceRegistered, FarmChanged))
    live(ask, _show, *topics)


def _show(rows: Sequence[Row]) -> None:
    if not rows:
        empty_state(_("Nothing is planned for the next seven days."), icon="schedule", action=_("Schedules"), href="/farm/schedules")
        return
    at = now()
    for farm in {row.farm.id: row.farm for row in rows}.values():
        for change in clock_changes(zone(farm.time_zone), at, at + timedelta(days=DAYS)):
            ui.label(f"{farm.name} · {change_words(change, farm.time_zone)}").classes("st-soft").props("role=note")
    for row in rows:
        begin = planned.midnight(at, row.farm)
        days = [planned.midnight(begin + timedelta(days=n, hours=3 if n else 0), row.farm) for n in range(DAYS + 1)]
        with ui.element("section").classes("st-card"):
            ui.link(row.device.name, f"/farm/devices/{row.device.id}").classes("st-h2")
            names = dict.fromkeys(schedule.name for schedule, _moment in row.bars)
            ui.label(" · ".join(filter(None, (row.farm.name, row.device.location, ", ".join(names))))).classes("st-soft")
            timeline(bars_of(held([moment for _schedule, moment in row.bars]), days, zone(row.farm.time_zone)))


def held(moments: Sequence[Moment]) -> list[Moment]:
    """What is switched on without an end stays on until something else, in order, switches it off."""
    found: list[Moment] = []
    off_at: datetime | None = None
    for one in reversed(moments):
        if one.action == "off":
            off_at = one.at
        found.append(replace(one, until=off_at) if one.action == "on" and one.until is None else one)
    return found[::-1]
