"""Several schedules are chosen and paused, moved, ranked or taken away together; what was taken away can be brought back."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.farm import commands
from pages._shell import Looker, explain, field_errors
from ui.dialog import confirm, panel
from ui.form import Form, button
from ui.words import _, n_


class Chosen:
    """Which schedules are chosen (id: name), with the bar that says what can be done with them; and what was taken away last."""

    def __init__(self, look: Looker) -> None:
        self._look = look
        self._names: dict[UUID, str] = {}
        self._removed: dict[UUID, str] = {}
        self._boxes: dict[UUID, ui.checkbox] = {}
        self._bar = ui.element("div").classes("st-chosen").props("role=status")
        self._draw()

    def box(self, schedule_id: UUID, name: str) -> None:
        """The box by which this schedule is chosen."""
        made = ui.checkbox(value=schedule_id in self._names, on_change=lambda event: self._choose(schedule_id, name, bool(event.value)))
        made.props["aria-label"] = _("Choose {name}", name=name)
        self._boxes[schedule_id] = made

    def keep(self, there: Mapping[UUID, str]) -> None:
        """Forget those that are not there any more."""
        gone = self._names.keys() - there.keys()
        for schedule_id in gone:
            del self._names[schedule_id]
        if gone:
            self._draw()

    async def remove(self, names: Mapping[UUID, str]) -> None:
        """Take these away after one question, and offer to bring them back."""
        title = _("Remove {name}?", name=next(iter(names.values()))) if len(names) == 1 else n_("Remove {n} schedule?", "Remove {n} schedules?", len(names))
        if not await confirm(title, _("What they have begun is ended. You can bring them back afterwards."), action=_("Remove"), goes=list(names.values())):
            return
        if await self._do(lambda tx: commands.remove_schedules(tx, names)):
            self._removed = dict(names)
            for schedule_id in names:
                self._names.pop(schedule_id, None)
            self._draw()

    def _choose(self, schedule_id: UUID, name: str, is_chosen: bool) -> None:
        if is_chosen:
            self._names[schedule_id] = name
        else:
            self._names.pop(schedule_id, None)
        self._draw()

    def _draw(self) -> None:
        self._bar.clear()
        self._bar.set_visibility(bool(self._names or self._removed))
        with self._bar:
            if self._removed:
                with ui.element("div").classes("st-row"):
                    ui.label(n_("{n} schedule was removed.", "{n} schedules were removed.", len(self._removed)))
                    button(_("Bring it back") if len(self._removed) == 1 else _("Bring them back"), self._restore, kind="plain", icon="undo")
                    button(_("Close"), self._forget, kind="quiet")
            if self._names:
                with ui.element("div").classes("st-row"):
                    ui.label(n_("{n} chosen", "{n} chosen", len(self._names)))
                    button(_("Let them run"), lambda: self._enable(True), kind="plain", icon="play_arrow")
                    button(_("Pause"), lambda: self._enable(False), kind="plain", icon="pause")
                    button(_("Move the times"), self._shift, kind="plain", icon="more_time")
                    button(_("Priority"), self._prioritize, kind="plain", icon="low_priority")
                    button(_("Remove"), lambda: self.remove(dict(self._names)), kind="plain", icon="delete")
                    button(_("Choose none"), self._clear, kind="quiet")

    async def _enable(self, is_enabled: bool) -> None:
        if await self._do(lambda tx: commands.enable_schedules(tx, self._names, is_enabled=is_enabled)):
            self._clear()

    async def _restore(self) -> None:
        if await self._do(lambda tx: commands.restore_schedules(tx, self._removed)):
            self._forget()

    def _shift(self) -> None:
        def fields(form: Form) -> None:
            form.number(
                "minutes", _("Later by"), 15, unit=_("min"), minimum=-720, maximum=720, decimals=0, required=True, help=_("Less than 0 is earlier."),
            )  # fmt: skip

        async def act(tx: Any, values: dict[str, Any]) -> None:
            await commands.shift_schedules(tx, self._names, minutes=values["minutes"])

        text = _("Cycles and conditions that are bound to no time of the day stay as they are.")
        self._panel(_("Move the times"), text, fields, act)

    def _prioritize(self) -> None:
        def fields(form: Form) -> None:
            form.number("priority", _("Priority"), 5, minimum=0, maximum=10, decimals=0, required=True, help=_("Of two schedules at the same time the higher one runs."))

        async def act(tx: Any, values: dict[str, Any]) -> None:
            await commands.prioritize_schedules(tx, self._names, priority=values["priority"])

        self._panel(_("Priority"), "", fields, act)

    def _panel(self, title: str, text: str, fields: Callable[[Form], None], act: Callable[[Any, dict[str, Any]], Awaitable[None]]) -> None:
        with panel(title, text) as dialog:
            with ui.element("ul").classes("st-goes"):
                for name in self._names.values():
                    with ui.element("li"):
                        ui.label(name)
            form = Form()
            with form:
                fields(form)

            async def send(values: dict[str, Any]) -> dict[str, str] | None:
                try:
                    async with self._look.transaction() as tx:
                        await act(tx, values)
                except Refusal as reason:
                    return field_errors(reason)
                dialog.close()
                self._clear()
                return None

            form.buttons(_("Save"), send, on_cancel=dialog.close)
        dialog.open()

    def _clear(self) -> None:
        self._names.clear()
        for made in self._boxes.values():
            if not made.is_deleted:
                made.set_value(False)
        self._draw()

    def _forget(self) -> None:
        self._removed = {}
        self._draw()

    async def _do(self, act: Callable[[Any], Awaitable[None]]) -> bool:
        """Whether it was done; a refusal is told in a notice."""
        try:
            async with self._look.transaction() as tx:
                await act(tx)
        except Exception as reason:  # an edge
            with self._look.page:
                ui.notify(explain(reason), type="negative", position="top")
            return False
        return True
