"""Before a schedule is saved one sees its week, and with whom it would clash."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now, zone
from data.farm import planned
from data.farm.planned import Ahead
from data.farm.rules import Clash, ClockChange, Timing
from pages._shell import Looker, translated
from pages.farm._schedule_words import lines
from ui.badge import badge
from ui.live import Merging, page_spawn
from ui.timeline import timeline
from ui.words import _, clock, day, n_

DAYS = 7
SHOWN = 3
"""Of the times at which two schedules clash."""


class Preview:
    """The week of what is typed; `wanted` reads the form: (device, timing, action, name, priority), or raises a refusal."""

    def __init__(self, look: Looker, wanted: Callable[[], tuple[UUID | None, Timing, str, str, int]], schedule_id: UUID | None) -> None:
        self._look, self._wanted, self._schedule_id = look, wanted, schedule_id
        with ui.element("div").classes("st-field"):
            ui.label(_("The next seven days")).classes("st-field-label")
            self._box = ui.element("div").classes("st-stack").props("aria-live=polite")
        # In the panel's own place: the row that was changed last may be gone by then.
        self._merging = Merging(self._refresh, minimum_interval_s=0.4, spawn=page_spawn("preview"))

    def poke(self, *_event: Any) -> None:
        if not self._box.is_deleted:
            self._merging.poke()

    async def _refresh(self) -> None:
        if not self._box.is_deleted:
            with self._box:  # for whoever reads it
                await self._ask()

    async def _ask(self) -> None:
        try:
            device_id, timing, action, name, priority = self._wanted()
            ahead = None
            if device_id is not None:
                async with self._look.transaction() as tx:
                    ahead = await planned.preview(
                        tx, device_id, timing, action=action, name=name, priority=priority, schedule_id=self._schedule_id
                    )
        except Refusal as reason:
            if not self._box.is_deleted:
                self._show(translated(reason))
            return
        if self._box.is_deleted:
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
        if self._box.is_deleted:
            return
        self._box.clear()
        with self._box:
            if ahead.is_conditional:
                ui.label(_("Nobody knows beforehand when this will be so. It is looked at every few seconds.")).classes("st-soft")
            else:
                self._week(ahead, timing, action)
            _clashes(ahead)
            _rivals(ahead)

    def _week(self, ahead: Ahead, timing: Timing, action: str) -> None:
        plan = timing.plan(zone(ahead.farm.time_zone), action=action)
        begin = planned.midnight(now(), ahead.farm)
        days = [planned.midnight(begin + timedelta(days=n, hours=3 if n else 0), ahead.farm) for n in range(DAYS + 1)]
        if not ahead.moments:
            ui.label(_("Nothing happens in the next seven days.")).classes("st-soft")
        else:
            timeline(lines(ahead.moments, plan, days))
            next_words = _("Next: {when}", when=_when(ahead.moments[0].at, ahead))
            ui.label(f"{next_words} ({ahead.farm.time_zone})").classes("st-soft")
        for change in ahead.changes:
            ui.label(change_words(change, ahead.farm.time_zone)).classes("st-soft").props("role=note")


def _clashes(ahead: Ahead) -> None:
    """Which schedule gets its way when; the first times of each are enough to see what is the matter."""
    for (name, wins), found in _by_outcome(ahead.clashes).items():
        with ui.element("div").classes("st-row").props("role=alert"):
            badge("warning", _("Clash"))
            with ui.element("div").classes("st-stack"):
                ui.label(_("{name} wants something else. {winner} gets its way:", name=name, winner=wins or _("This one")))
                times = [_when(one.at, ahead) + (f" – {clock(one.until, ahead.farm.time_zone)}" if one.until > one.at else "") for one in found[:SHOWN]]
                more = [n_("and {n} more time", "and {n} more times", len(found) - SHOWN)] if len(found) > SHOWN else []
                ui.label(" · ".join(times + more)).classes("st-soft")


def _by_outcome(clashes: Sequence[Clash]) -> Mapping[tuple[str, str], list[Clash]]:
    found: dict[tuple[str, str], list[Clash]] = {}
    for one in clashes:
        found.setdefault((one.name, one.wins), []).append(one)
    return found


def _rivals(ahead: Ahead) -> None:
    for name, wins in ahead.rivals:
        with ui.element("div").classes("st-row").props("role=note"):
            badge("neutral", _("May come in between"), icon="info")
            ui.label(
                _("{name} has a higher priority and gets its way while it wants something else.", name=name) if wins
                else _("{name} gives way while this one wants something else.", name=name)
            )  # fmt: skip


def _when(at: datetime, ahead: Ahead) -> str:
    return f"{day(at, ahead.farm.time_zone)}, {clock(at, ahead.farm.time_zone)}"


def change_words(change: ClockChange, time_zone: str) -> str:
    """What the clocks' going forward or back means for what is planned."""
    before, after = change.shown(zone(time_zone))
    values = {"day": day(change.at, time_zone), "before": f"{before:%H:%M}", "after": f"{after:%H:%M}"}
    if change.by > timedelta(0):
        return _("{day}: the clock is put forward from {before} to {after}. What is planned in between happens at {after}.", **values)
    return _("{day}: the clock is put back from {before} to {after}. What is planned in the hour that comes twice happens once, the first time.", **values)
