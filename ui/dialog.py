"""Questions that interrupt: before something goes for good, and when a secret is shown this one time."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui

from ui.form import button
from ui.words import _


@contextmanager
def panel(title: str, text: str = '', *, persistent: bool = False) -> Iterator[ui.dialog]:
    """A dialog to fill: `with panel(_('Add a device')) as d: …` then `d.open()`; `d.submit(x)` ends `await d`.

    It belongs to the page and not to the part that opened it, which may be drawn anew while somebody types. Made for one
    showing: once hidden it is gone.
    """
    with ui.context.client.content, ui.dialog() as dialog, ui.element('div').classes('st-panel').props(f'role=dialog aria-modal=true aria-label="{title}"'):
        dialog.on('hide', lambda: None if dialog.is_deleted else dialog.delete())
        if persistent:
            dialog.props('persistent')
        ui.label(title).classes('st-panel-title').props('role=heading aria-level=2')
        if text:
            ui.label(text).classes('st-panel-text')
        yield dialog


async def confirm(title: str, text: str = '', *, action: str, goes: Sequence[str] = (), danger: bool = True) -> bool:
    """Ask once, naming what will go (`goes`); `action` is the verb on the button. True only if that was pressed."""
    with panel(title, text) as dialog:
        if goes:
            with ui.element('ul').classes('st-goes'):
                for thing in goes:
                    with ui.element('li'):
                        ui.label(thing)
        with ui.element('div').classes('st-panel-buttons'):
            button(_('Keep it') if danger else _('Cancel'), lambda: dialog.submit(False), kind='plain').props('autofocus')
            button(action, lambda: dialog.submit(True), kind='danger' if danger else 'primary')
    return bool(await dialog)


async def ask_secret_once(title: str, secret: str, text: str = '') -> None:
    """Show a secret that is not kept readable, with a copy button, until the person says it is stored."""
    with panel(title, text or _('Copy it now. It is not shown again.'), persistent=True) as dialog:
        copyable(secret)
        with ui.element('div').classes('st-panel-buttons'):
            button(_('I have stored it'), lambda: dialog.submit(True), kind='primary')
    await dialog


def copyable(text: str) -> None:
    """Text that is typed or pasted elsewhere, line by line as it is, with a copy button."""
    with ui.element('div').classes('st-secret'):
        ui.label(text).classes('st-secret-text')
        copied = button(_('Copy'), icon='content_copy')

        def copy() -> None:
            ui.clipboard.write(text)
            copied.set_text(_('Copied'))
        copied.on_click(copy)
