"""Forms: labels above, units beside, errors at the field in plain words, and nothing typed is lost on an error."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import date as Day
from datetime import datetime
from datetime import time as Clock
from typing import Any, Literal

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from ui.live import explain
from ui.words import _

Kind = Literal['primary', 'plain', 'danger', 'quiet']


def button(text: str, on_click: Callable[..., Any] | None = None, *, kind: Kind = 'plain', icon: str = '', href: str = '') -> ui.button:
    """A button by its weight: one 'primary' a screen, 'danger' for what destroys, 'plain' and 'quiet' for the rest."""
    made = ui.button(text, on_click=on_click, icon=icon or None).props('no-caps')
    made.props({'primary': 'unelevated', 'plain': 'outline', 'danger': 'unelevated color=negative', 'quiet': 'flat'}[kind])
    if href:
        made.props['href'], made.props['type'] = href, 'a'
    return made


class Field:
    """One field: its label, its control, its unit, and the place where its error appears."""

    def __init__(self, key: str, label: str, unit: str, help_text: str, required: bool) -> None:
        self.key = key
        self.box = ui.element('div').classes('st-field')
        with self.box:
            caption = ui.element('label').classes('st-field-label')
            with caption:
                ui.label(label)
                if not required:
                    ui.label(_('optional')).classes('st-field-optional')
            self._row = ui.element('div').classes('st-field-row')
            if unit:
                with self._row:
                    ui.label(unit).classes('st-field-unit').props('aria-hidden=true')
            self._help = ui.label(help_text).classes('st-field-help')
            self._help.set_visibility(bool(help_text))
            self._error = ui.label().classes('st-field-error').props('role=alert')
            self._error.set_visibility(False)
        self._caption, self.control, self.read = caption, None, None  # type: ignore[assignment]

    control: ValueElement[Any]
    read: Callable[[], Any]

    def hold(self, control: ValueElement[Any], read: Callable[[], Any]) -> Field:
        """Put the control in; `read` turns what was typed into a value."""
        control.move(self._row, 0)
        control.props['for'] = f'field-{control.id}'
        control.props['aria-describedby'] = f'{self._error.html_id} {self._help.html_id}'
        self._caption.props['for'] = f'field-{control.id}'
        self.control, self.read = control, read
        control.on_value_change(lambda: self.show_error(''))
        return self

    def show_error(self, message: str) -> None:
        """Show the message at the field, or take it away with ''."""
        self._error.set_text(message)
        self._error.set_visibility(bool(message))
        self.box.classes(add='has-error' if message else '', remove='' if message else 'has-error')

    @property
    def value(self) -> Any:
        """What is in the field now, converted; None when empty."""
        return self.read()


class Form:
    """Fields by key; `values()` reads them, `show_errors` puts each message at its field and focuses the first."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.box = ui.element('div').classes('st-form').props('role=form')
        with self.box:
            self._general = ui.label().classes('st-form-error').props('role=alert')
            self._general.set_visibility(False)
        self._required: set[str] = set()

    def __enter__(self) -> Form:
        self.box.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.box.__exit__(*exc)

    def _field(self, key: str, label: str, unit: str, help_text: str, required: bool) -> Field:
        field = Field(key, label, unit, help_text, required)
        self.fields[key] = field
        if required:
            self._required.add(key)
        return field

    def text(self, key: str, label: str, value: str = '', *, unit: str = '', help: str = '', required: bool = False,
             lines: int = 1, secret: bool = False, placeholder: str = '', autocomplete: str = '', mode: str = '') -> Field:
        """A line of text (or `lines` of it); reads as a trimmed string. `mode` is the phone's keyboard: 'email', 'tel'…"""
        field = self._field(key, label, unit, help, required)
        made: ui.textarea | ui.input
        if lines > 1:
            made = ui.textarea(value=value, placeholder=placeholder).props(f'outlined rows={lines}')
        else:
            made = ui.input(value=value, placeholder=placeholder, password=secret, password_toggle_button=secret).props('outlined dense')
        if autocomplete:
            made.props['autocomplete'] = autocomplete
        if mode:
            made.props['inputmode'] = mode
        return field.hold(made, lambda: (made.value or '') if secret else (made.value or '').strip())

    def number(self, key: str, label: str, value: float | None = None, *, unit: str = '', help: str = '',
               required: bool = False, minimum: float | None = None, maximum: float | None = None,
               decimals: int | None = None) -> Field:
        """A number with its unit beside it; reads as float (int when `decimals=0`) or None when empty."""
        field = self._field(key, label, unit, help, required)
        made = ui.number(value=value, min=minimum, max=maximum, precision=decimals).props('outlined dense inputmode=decimal')

        def read() -> float | int | None:
            if made.value is None:
                return None
            return int(made.value) if decimals == 0 else float(made.value)
        return field.hold(made, read)

    def select(self, key: str, label: str, options: Mapping[Any, str] | list[str], value: Any = None, *, help: str = '',
               required: bool = False, multiple: bool = False, search: bool = False) -> Field:
        """One (or several) of the options, a mapping value → words; `search` lets one type to narrow a long list."""
        field = self._field(key, label, '', help, required)
        choices = dict(options) if isinstance(options, Mapping) else list(options)
        made = ui.select(choices, value=([] if multiple and value is None else value), multiple=multiple, with_input=search,
                         clearable=not required and not multiple).props('outlined dense options-dense=false')
        return field.hold(made, lambda: made.value)

    def time(self, key: str, label: str, value: datetime | None = None, *, zone: str = '', help: str = '',
             required: bool = False) -> Field:
        """A day and a time on that day in `zone` (shown beside); reads as a naive datetime in that zone, or None."""
        field = self._field(key, label, zone, help, required)
        made = ui.input(value=value.strftime('%Y-%m-%dT%H:%M') if value else '').props('outlined dense type=datetime-local')
        return field.hold(made, lambda: datetime.fromisoformat(made.value) if made.value else None)

    def date(self, key: str, label: str, value: Day | None = None, *, help: str = '', required: bool = False) -> Field:
        """A day; reads as `datetime.date` or None."""
        field = self._field(key, label, '', help, required)
        made = ui.input(value=value.isoformat() if value else '').props('outlined dense type=date')
        return field.hold(made, lambda: Day.fromisoformat(made.value) if made.value else None)

    def clock(self, key: str, label: str, value: Clock | None = None, *, zone: str = '', help: str = '',
              required: bool = False) -> Field:
        """A time of day; reads as `datetime.time` or None."""
        field = self._field(key, label, zone, help, required)
        made = ui.input(value=value.strftime('%H:%M') if value else '').props('outlined dense type=time')
        return field.hold(made, lambda: Clock.fromisoformat(made.value) if made.value else None)

    def check(self, key: str, label: str, value: bool = False, *, help: str = '') -> Field:
        """Yes or no, the words beside the box; reads as bool."""
        field = self._field(key, '', '', help, True)
        field._caption.set_visibility(False)
        self._required.discard(key)
        made = ui.checkbox(label, value=value)
        return field.hold(made, lambda: bool(made.value))

    def values(self) -> dict[str, Any]:
        """Everything typed, by key."""
        return {key: field.value for key, field in self.fields.items()}

    def complete(self) -> bool:
        """Whether every required field has something; those that lack it say so."""
        missing = {key: _('Please fill this in.') for key in self._required if self.fields[key].value in (None, '', [])}
        self.show_errors(missing)
        return not missing

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Put each message at its field; a key that is no field (such as '') goes above the form. {} clears all."""
        for key, field in self.fields.items():
            field.show_error(errors.get(key, ''))
        rest = ' '.join(message for key, message in errors.items() if key not in self.fields)
        self._general.set_text(rest)
        self._general.set_visibility(bool(rest))
        first = next((self.fields[key] for key in self.fields if key in errors), None)
        if first is not None:
            ui.run_javascript(f'document.getElementById("field-{first.control.id}")?.focus()')

    def buttons(self, submit: str, on_submit: Callable[[dict[str, Any]], Any], *, cancel_href: str = '',
                on_cancel: Callable[[], Any] | None = None, kind: Kind = 'primary') -> ui.button:
        """The submit button (and cancel). `on_submit(values)` may be async and may return {field: message} to refuse.

        It runs only when complete and once at a time; an exception is explained above the form, and all typed stays.
        """
        async def send() -> None:
            if not self.complete():
                return
            done.props('loading')
            done.disable()
            try:
                answer = on_submit(self.values())
                if inspect.isawaitable(answer):
                    answer = await answer
                if isinstance(answer, Mapping) and not self.box.is_deleted:
                    self.show_errors(answer)
            except Exception as exc:  # an edge: told to the person where they are looking
                if not self.box.is_deleted:
                    self.show_errors({'': explain(exc)})
            finally:
                if not self.box.is_deleted:
                    done.props(remove='loading')
                    done.enable()

        with self.box, ui.element('div').classes('st-form-buttons'):
            done = button(submit, send, kind=kind)
            if cancel_href or on_cancel:
                button(_('Cancel'), on_cancel, kind='quiet', href=cancel_href)
        return done


def show_errors(form: Form, errors: Mapping[str, str]) -> None:
    """`form.show_errors(errors)` as a function."""
    form.show_errors(errors)
