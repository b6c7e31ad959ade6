"""When it is too hot and too damp, or somebody forgot the door: comparisons are put together with a thumb and read back as a sentence."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Invalid, Refusal
from pages._shell import translated
from pages.farm._schedule_parts import Group, Row, Source, meant, typed
from pages.farm._schedule_words import SIGN_WORDS, condition_words
from ui.form import button
from ui.words import _, noop

MOST_PARTS = 6
WORDS = {"and": noop("All of these hold"), "or": noop("Any of these holds")}


class Condition:
    """The rows of a condition; `read` says what is meant, `on_change` is called after every change."""

    def __init__(
        self, condition: Mapping[str, Any] | None, sources: Mapping[str, Source], probes: Mapping[UUID, str], on_change: Callable[[], None]
    ) -> None:
        self._sources, self._probes, self._on_change = sources, probes, on_change
        self._kept = condition
        self._root: Group | None = typed(condition) if condition else self._new()
        self._errors: dict[str, ui.label] = {}
        self.box = ui.element("div").classes("st-field")
        with self.box:
            ui.label(_("While")).classes("st-field-label")
            self._parts = ui.element("div").classes("st-stack")
            self._sentence = ui.label().classes("st-field-help").props("aria-live=polite")
            self._error = ui.label().classes("st-field-error").props("role=alert")
            self._error.set_visibility(False)
        self._draw()

    def read(self) -> dict[str, Any]:
        """The condition that is meant; Invalid names the row that is wrong."""
        if self._root is None:
            return dict(self._kept or {})
        if not self._sources and not self._kept:
            raise Invalid("condition", "No probe of this farm has told a value yet.")
        return meant(self._root)

    def show_error(self, key: str, message: str) -> None:
        """At the row that `key` names, or below them all; '' takes them away."""
        for label in (*self._errors.values(), self._error):
            label.set_visibility(False)
        if message:
            shown = self._errors.get(key, self._error)
            shown.set_text(message)
            shown.set_visibility(True)

    def _new(self) -> Group:
        return Group(parts=[self._new_row()])

    def _new_row(self) -> Row:
        return Row(next(iter(self._sources), None))

    def _draw(self) -> None:
        self._parts.clear()
        self._errors.clear()
        with self._parts:
            if self._root is None:
                ui.label(_("This condition is put together in a way that can only be kept, or begun anew.")).classes("st-soft")
                button(_("Begin anew"), self._anew, kind="plain", icon="restart_alt")
            else:
                self._group(self._root, "condition")
        self._say()

    def _group(self, group: Group, path: str) -> None:
        is_top = path == "condition"
        if len(group.parts) > 1 or not is_top:
            joined = ui.select({key: _(words) for key, words in WORDS.items()}, value=group.word).props("outlined dense options-dense=false")
            joined.props["aria-label"] = _("How they are joined")
            joined.on_value_change(lambda event: self._set(group, "word", event.value))
        for number, part in enumerate(group.parts):
            here = f"{path}.{number}"
            if isinstance(part, Group):
                with ui.element("fieldset").classes("st-parts-group"):
                    self._group(part, here)
                    self._foot(group, part, here, _("Take this group away"))
            else:
                self._row(group, part, here, is_only=is_top and len(group.parts) == 1)
        with ui.element("div").classes("st-row"):
            if len(group.parts) < MOST_PARTS:
                button(_("And another"), lambda: self._add(group, self._new_row()), kind="quiet", icon="add")
                if is_top:
                    button(_("A group"), lambda: self._add(group, Group("or", [self._new_row(), self._new_row()])), kind="quiet", icon="data_array")

    def _row(self, group: Group, row: Row, path: str, *, is_only: bool) -> None:
        with ui.element("fieldset").classes("st-parts-row"):
            known = {key: one.words for key, one in self._sources.items()}
            if row.source and row.source not in known:
                known[row.source] = _("A probe that is gone")
            what = ui.select(known, value=row.source, with_input=len(known) > 8).props("outlined dense options-dense=false").classes("st-parts-what")
            what.props["aria-label"] = _("What is measured")
            sign = ui.select({key: _(words) for key, words in SIGN_WORDS.items()}, value=row.sign).props("outlined dense options-dense=false")
            sign.props["aria-label"] = _("How it is compared")
            unit = self._unit(row)
            value = ui.number(value=row.value, suffix=unit).props("outlined dense inputmode=decimal")
            value.props["aria-label"] = _("The value")
            until = ui.number(value=row.until, suffix=unit, label=_("until")).props("outlined dense inputmode=decimal")
            until.props["aria-label"] = _("Until it has passed")
            until.set_visibility(row.sign != "==")

            def chosen(event: Any) -> None:
                row.source = event.value
                for one in (value, until):
                    one.props["suffix"] = self._unit(row)
                self._changed()

            def compared(event: Any) -> None:
                row.sign = event.value
                until.set_visibility(row.sign != "==")
                self._changed()

            what.on_value_change(chosen)
            sign.on_value_change(compared)
            value.on_value_change(lambda event: self._set(row, "value", event.value))
            until.on_value_change(lambda event: self._set(row, "until", event.value))
            self._foot(group, row, path, _("Take this comparison away"), is_only=is_only)

    def _foot(self, group: Group, part: Row | Group, path: str, label: str, *, is_only: bool = False) -> None:
        with ui.element("div").classes("st-row"):
            turned = ui.checkbox(_("not"), value=part.is_not)
            turned.on_value_change(lambda event: self._set(part, "is_not", bool(event.value)))
            if not is_only:
                away = button("", lambda: self._take_away(group, part), kind="quiet", icon="close").classes("st-tool")
                away.props["aria-label"] = label
        self._errors[path] = ui.label().classes("st-field-error").props("role=alert")
        self._errors[path].set_visibility(False)

    def _unit(self, row: Row) -> str:
        source = self._sources.get(row.source or "")
        return source.unit if source else ""

    def _set(self, part: Row | Group, name: str, value: Any) -> None:
        setattr(part, name, value)
        self._changed()

    def _add(self, group: Group, part: Row | Group) -> None:
        group.parts.append(part)
        self._redraw()

    def _take_away(self, group: Group, part: Row | Group) -> None:
        group.parts = [one for one in group.parts if one is not part]
        self._redraw()

    def _anew(self) -> None:
        self._root = self._new()
        self._redraw()

    def _redraw(self) -> None:
        with self.box:  # and not in the row that was tapped, which goes with this
            self._draw()
            self._changed()

    def _changed(self) -> None:
        self.show_error("", "")
        self._say()
        self._on_change()

    def _say(self) -> None:
        try:
            said = _("While {condition}", condition=condition_words(self.read(), self._probes))
        except Refusal as refusal:
            said = translated(refusal)
        self._sentence.set_text(said)
