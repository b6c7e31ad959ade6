"""The steps of a sequence below one another: what to do and for how many seconds, dragged, or moved up and down with a tap."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from data.core.errors import Invalid
from data.farm.rules import Step
from data.farm.rules.planning import LONGEST_S, MOST_STEPS
from ui.form import button
from ui.sortable import grip, sortable
from ui.words import _, span

FIRST = (Step("on", 30), Step("off", 10), Step("on", 30), Step("off", 10))


class Steps:
    """A list that somebody edits; `read` says what is meant, `on_change` is called after every change."""

    def __init__(self, steps: Sequence[Step], on_change: Callable[[], None]) -> None:
        self._rows: list[tuple[str, float | None]] = [(step.action, step.duration_s) for step in steps or FIRST]
        self._on_change = on_change
        self.box = ui.element("div").classes("st-field")
        with self.box:
            ui.label(_("Steps")).classes("st-field-label")
            self._list = sortable(self._put).classes("st-parts")
            with ui.element("div").classes("st-row"):
                self._add = button(_("Add a step"), self._append, kind="plain", icon="add")
                self._sum = ui.label().classes("st-soft")
            ui.label(_("Up to 20 steps, each for 1 to 3,600 seconds. At the end it is off.")).classes("st-field-help")
            self._error = ui.label().classes("st-field-error").props("role=alert")
            self._error.set_visibility(False)
        self._draw()

    def read(self) -> tuple[Step, ...]:
        """The steps; Invalid('steps') where one of them has no length."""
        for number, (_action, seconds) in enumerate(self._rows, 1):
            if seconds is None or not 1 <= seconds <= LONGEST_S or seconds != int(seconds):
                raise Invalid("steps", "Step {number} needs 1 to {most} whole seconds.", number=number, most=LONGEST_S)
        return tuple(Step(action, int(seconds or 0)) for action, seconds in self._rows)

    def take(self, steps: Sequence[Step]) -> None:
        """Begin with others, as a template has them."""
        self._rows = [(step.action, step.duration_s) for step in steps]
        self._draw()

    def show_error(self, message: str) -> None:
        self._error.set_text(message)
        self._error.set_visibility(bool(message))

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            for index, (action, seconds) in enumerate(self._rows):
                self._row(index, action, seconds)
        self._add.set_visibility(len(self._rows) < MOST_STEPS)
        self._count()

    def _row(self, index: int, action: str, seconds: float | None) -> None:
        number = index + 1
        with ui.element("li").classes("st-part"):
            ui.label(str(number)).classes("st-part-number").props("aria-hidden=true")
            what = ui.select({"on": _("on"), "off": _("off")}, value=action).props("outlined dense options-dense=false")
            what.props["aria-label"] = _("What step {number} does", number=number)
            length = ui.number(value=seconds, min=1, max=LONGEST_S, precision=0, suffix=_("s")).props("outlined dense inputmode=numeric")
            length.props["aria-label"] = _("Seconds of step {number}", number=number)
            what.on_value_change(lambda event: self._set(index, action=event.value))
            length.on_value_change(lambda event: self._set(index, seconds=event.value))
            with ui.element("div").classes("st-part-buttons"):
                if len(self._rows) > 1:
                    grip()
                self._tool("arrow_upward", _("Move step {number} up", number=number), lambda: self._move(index, -1), off=index == 0)
                self._tool("arrow_downward", _("Move step {number} down", number=number), lambda: self._move(index, 1), off=number == len(self._rows))
                self._tool("close", _("Remove step {number}", number=number), lambda: self._remove(index), off=len(self._rows) == 1)

    def _tool(self, icon: str, label: str, act: Callable[[], Any], *, off: bool) -> None:
        made = button("", act, kind="quiet", icon=icon).classes("st-tool")
        made.props["aria-label"] = label
        made.set_enabled(not off)

    def _set(self, index: int, *, action: str | None = None, seconds: Any = ...) -> None:
        before = self._rows[index]
        self._rows[index] = (action or before[0], before[1] if seconds is ... else seconds)
        self._count()
        self._changed()

    def _move(self, index: int, by: int) -> None:
        self._rows[index], self._rows[index + by] = self._rows[index + by], self._rows[index]
        self._redraw()

    def _put(self, start: int, end: int) -> None:
        self._rows.insert(end, self._rows.pop(start))
        self._redraw()

    def _remove(self, index: int) -> None:
        del self._rows[index]
        self._redraw()

    def _append(self) -> None:
        last = self._rows[-1][0]
        self._rows.append(("off" if last == "on" else "on", 30))
        self._redraw()

    def _redraw(self) -> None:
        with self.box:  # and not in the row that was tapped, which goes with this
            self._draw()
            self._changed()

    def _count(self) -> None:
        self._sum.set_text(_("{span} in all", span=span(sum(seconds or 0 for _action, seconds in self._rows))))

    def _changed(self) -> None:
        self.show_error("")
        self._on_change()
