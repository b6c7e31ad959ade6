"""Before a schedule is saved one sees its week, and with whom it would clash."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now, zone
from data.farm import planned
from data.farm.planned import Ahead
from data.farm.rules import Timing
from pages._shell import Looker, translated
from pages.farm._schedule_words import lines
from ui.badge import badge
from ui.live import Merging
from ui.timeline import timeline
from ui.words import _, clock, day

DAYS = 7


class Preview:
    """The week of what is typed; `wanted` reads the form: (device, timing, action, name, priority), or raises a refusal."""

    def __init__(self, look: Looker, wanted: Callable[[], tuple[UUID | None, Timing, str, str, int]], schedule_id: UUID | None) -> None:
        self._look, self._wanted, self._schedule_id = look, wanted, schedule_id
        with ui.element("div").classes("st-field"):
            ui.label(_("The next seven days")).classes("st-field-label")
            self._box = ui.element("div").classes("st-stack").props("aria-live=polite")
        self._merging = Merging(self._refresh, minimum_interval_s=0.4)

    def poke(self, *_event: Any) -> None:
        if not self._box.is_deleted:
            self._merging.poke()

    async def _refresh(self) -> None:
        if self._box.is_deleted:
            return
        try:
            device_id, timing, action, name, priority = self._wanted()
            ahead = None
            if device_id is not None:
                async with self._look.transaction() as tx:
                    ahead = await planned.preview(
                        tx, device_id, timing, action=action, name=name, priority=priority, schedule_id=self._schedule_id
                    )
        except Refusal as reason:
            self._show(translated(reason))
            return
        if ahead is None:
            self._show(_("Choose a device to see when it would run."))
        else:
            self._draw(ahead, timing, action)

    def _show(self, words: str) -> None:
        if self._box.is_deleted:
            return
        self._box.clear()
        with self._box:
            ui.label(words).classes("st-soft")

    def _draw(self, ahead: Ahead, timing: Timing, action: str) -> None:
        if ahead.is_conditional:
            self._show(_("Nobody knows beforehand when this will be so. It is looked at every few seconds."))
            return
        if self._box.is_deleted:
            return
        plan = timing.plan(zone(ahead.farm.time_zone), action=action)
        begin = planned.midnight(now(), ahead.farm)
        days = [planned.midnight(begin + timedelta(days=n, hours=3 if n else 0), ahead.farm) for n in range(DAYS + 1)]
        self._box.clear()
        with self._box:
            if not ahead.moments:
                ui.label(_("Nothing happens in the next seven days.")).classes("st-soft")
            else:
                timeline(lines(list(ahead.moments), plan, days))
                first = ahead.moments[0]
                next_words = _("Next: {when}", when=f"{day(first.at, ahead.farm.time_zone)}, {clock(first.at, ahead.farm.time_zone)}")
                ui.label(f"{next_words} ({ahead.farm.time_zone})").classes("st-soft")
            for one in ahead.clashes:
                with ui.element("div").classes("st-row").props("role=alert"):
                    badge("warning", _("Clash"))
                    at = f"{day(one.at, ahead.farm.time_zone)}, {clock(one.at, ahead.farm.time_zone)}"
                    ui.label(_("{name} wants something else at {time}. {winner} gets its way.", name=one.name, time=at, winner=one.wins or _("This one")))
