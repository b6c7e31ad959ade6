"""The frame around every screen: where one can go, who is looking, for which organization, and whether it is live.

A rail on a wide screen and a bar of five places on a phone are both in the page; the style sheet shows one of them, so
nothing has to be asked of the browser first.
"""
from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from nicegui import ui

from ui import palette
from ui.palette import Found, Search
from ui.theme import page_head
from ui.words import LANGUAGES, _, current_language, n_

__all__ = ['Found', 'Frame', 'Organization', 'Person', 'Place', 'frame', 'use_language_and_theme']

Theme = Literal['light', 'dark', 'system']
Handler = Callable[[str], Any]


@dataclass(frozen=True)
class Place:
    """Somewhere to go. The first four of `Frame.places` make the phone's bar; `group` draws a heading in the rail."""

    key: str
    label: str
    icon: str
    href: str
    count: int = 0
    group: str = ''


@dataclass(frozen=True)
class Person:
    """Who is signed in; `picture` is an address or empty for initials."""

    name: str
    email: str
    picture: str = ''


@dataclass(frozen=True)
class Organization:
    """One the person may switch to."""

    id: str
    name: str


@dataclass
class Look:
    """Everything about the frame that is the reader's and not the page's.

    Handlers get the chosen organization id, language ('en', 'km') or theme and may be async; what they must do
    (remember it, reload) is the shell's business. An empty `on_sign_out` leaves the entry out.
    """

    person: Person
    organizations: Sequence[Organization] = ()
    organization_id: str = ''
    theme: Theme = 'system'
    unread: int = 0
    inbox_href: str = '/alerts'
    profile_href: str = ''
    told_href: str = ''
    demonstration: str = ''
    warning: str = ''
    warning_href: str = ''
    search: Search | None = None
    on_organization: Handler | None = None
    on_language: Handler | None = None
    on_theme: Handler | None = None
    on_sign_out: Callable[[], Any] | None = None
    languages: dict[str, str] = field(default_factory=lambda: dict(LANGUAGES))


class Frame:
    """What pages hold of the frame while it is on the screen.

    `with frame.actions:` puts buttons beside the heading; `frame.content` is the column the page is drawn in.
    """

    def __init__(self) -> None:
        self._bell: ui.element | None = None
        self._count: ui.label | None = None
        self.content: ui.element
        self.actions: ui.element
        self._counts: dict[str, list[ui.label]] = {}
        self._titles: list[ui.label] = []

    def set_title(self, title: str) -> None:
        """Call the page by the name of what it shows, once that is known."""
        for label in self._titles:
            label.set_text(title)
        ui.page_title(f'{title} · Steading')

    def set_unread(self, count: int) -> None:
        """Show another number on the bell; zero hides it."""
        if self._count is not None and self._bell is not None:
            _show_count(self._count, count)
            self._bell.props['aria-label'] = _bell_words(count)
            self._bell.update()

    def set_count(self, key: str, count: int) -> None:
        """Show another number beside a place (see `Place.key`); zero hides it."""
        for label in self._counts.get(key, ()):
            _show_count(label, count)


def use_language_and_theme(language: str, theme: Theme = 'system') -> None:
    """Give the page being built its own language (`lang`, Quasar's words) and theme; call before drawing."""
    import copy
    client = ui.context.client
    client.page = copy.copy(client.page)
    client.page.language = 'km' if language == 'km' else 'en-GB'
    client.page.dark = {'light': False, 'dark': True, 'system': None}[theme]


@contextmanager
def frame(title: str, places: Sequence[Place], here: str, look: Look, *, is_wide: bool = False) -> Iterator[Frame]:
    """Draw the frame and yield inside its content column; `here` is the key of the place to mark.

    The title is the page's `<h1>` (a phone shows it in the top bar); do not draw another. `is_wide` lets the content take the
    whole width, for maps and dispatch.
    The page's language is `ui.words.current_language()`; call `set_reader` and `use_language_and_theme` before.
    """
    page_head()
    ui.page_title(f'{title} · Steading')
    held = Frame()
    with ui.element('div').classes('st-frame'):
        ui.link(_('Skip to content'), '#content').classes('st-skip')
        _rail(places, here, held)
        with ui.element('div').classes('st-main'):
            if look.demonstration:
                with ui.element('div').classes('st-ribbon').props('role=note'):
                    ui.icon('science').props('aria-hidden=true')
                    ui.label(look.demonstration)
            if look.warning:
                with ui.element('a').classes('st-ribbon is-warning').props('role=note') as ribbon:
                    ribbon.props['href'] = look.warning_href
                    ui.icon('warning').props('aria-hidden=true')
                    ui.label(look.warning)
            _top_bar(title, look, held)
            held.content = ui.element('div').classes('st-content').props('id=content tabindex=-1')
            if is_wide:
                held.content.classes('is-wide')
            with held.content, ui.element('div').classes('st-heading'):
                with ui.element('h1'):
                    held._titles.append(ui.label(title))
                held.actions = ui.element('div').classes('st-row')
        _bottom_bar(places, here, held)
    with held.content:
        yield held


def _rail(places: Sequence[Place], here: str, held: Frame) -> None:
    with ui.element('nav').classes('st-rail').props(f'aria-label="{_("Main menu")}"'):
        with ui.element('a').classes('st-brand').props('href=/'):
            ui.icon('spa').props('aria-hidden=true')
            ui.label('Steading')
        group = ''
        for place in places:
            if place.group != group:
                group = place.group
                if group:
                    ui.label(group).classes('st-rail-group')
            _place(place, here, held)


def _place(place: Place, here: str, held: Frame) -> None:
    link = ui.element('a').classes('st-place')
    link.props['href'] = place.href
    if place.key == here:
        link.classes('is-here').props('aria-current=page')
    with link:
        ui.icon(place.icon).props('aria-hidden=true')
        ui.label(place.label).classes('st-place-label')
        count = ui.label().classes('st-count')
        _show_count(count, place.count)
        held._counts.setdefault(place.key, []).append(count)


def _bottom_bar(places: Sequence[Place], here: str, held: Frame) -> None:
    """Four places and "More"; five places or fewer all fit."""
    shown, more = (places, ()) if len(places) <= 5 else (places[:4], places[4:])
    with ui.element('nav').classes('st-bottom').props(f'aria-label="{_("Main menu")}"'):
        for place in shown:
            _place(place, here, held)
        if more:
            with ui.dialog().props('position=bottom') as sheet, ui.element('div').classes('st-sheet'):
                for place in more:
                    _place(place, here, held)
            button = ui.element('button').classes('st-place').props('type=button aria-haspopup=dialog')
            button.on('click', sheet.open)
            if any(place.key == here for place in more):
                button.classes('is-here')
            with button:
                ui.icon('menu').props('aria-hidden=true')
                ui.label(_('More')).classes('st-place-label')


def _top_bar(title: str, look: Look, held: Frame) -> None:
    with ui.element('header').classes('st-top'):
        _organizations(look)
        held._titles.append(ui.label(title).classes('st-top-title').props('aria-hidden=true'))
        if look.search is not None:
            palette.search_field(look.search)
        ui.element('div').classes('st-grow')
        with ui.element('div').classes('st-livedot').props(
                f'role=status aria-live=off data-lang={current_language()} data-word="{_("live")}" data-away="{_("away")}"'):
            ui.element('span').classes('st-livedot-dot')
            ui.label(_('live')).classes('st-livedot-text')
        held._bell = ui.element('a').classes('st-bell')
        held._bell.props['href'] = look.inbox_href
        held._bell.props['aria-label'] = _bell_words(look.unread)
        with held._bell:
            ui.icon('notifications_none').props('aria-hidden=true')
            held._count = ui.label().classes('st-count')
            _show_count(held._count, look.unread)
        _profile(look)


def _organizations(look: Look) -> None:
    current = next((one for one in look.organizations if one.id == look.organization_id), None)
    if current is None:
        return
    if len(look.organizations) < 2:
        ui.label(current.name).classes('st-organization is-only')
        return
    with ui.element('button').classes('st-organization').props(
            'type=button aria-haspopup=menu') as opener:
        opener.props['aria-label'] = f'{current.name}: {_("Switch organization")}'
        ui.label(current.name)
        ui.icon('unfold_more').props('aria-hidden=true')
        with ui.menu().props('auto-close'):
            for one in look.organizations:
                _entry(one.name, 'check' if one.id == current.id else '', look.on_organization, one.id)


def _profile(look: Look) -> None:
    dark = ui.dark_mode({'light': False, 'dark': True, 'system': None}[look.theme])

    def choose_theme(theme: str) -> Any:
        dark.value = {'light': False, 'dark': True, 'system': None}[theme]
        return look.on_theme(theme) if look.on_theme else None

    with ui.element('button').classes('st-profile').props(f'type=button aria-haspopup=menu aria-label="{_("Your menu")}"'):
        if look.person.picture:
            ui.image(look.person.picture).classes('st-face')
        else:
            ui.element('span').classes('st-face').props['data-initials'] = _initials(look.person.name)
        with ui.menu().classes('st-menu'):
            with ui.element('div').classes('st-menu-head'):
                ui.label(look.person.name).classes('st-menu-name')
                ui.label(look.person.email).classes('st-soft')
            if look.profile_href:
                _entry(_('Your settings'), 'settings', ui.navigate.to, look.profile_href)
            if look.told_href:
                _entry(_('How you are told'), 'notifications_active', ui.navigate.to, look.told_href)
            _choices(_('Language'), look.languages, current_language(), look.on_language)
            _choices(_('Appearance'), {'light': _('Light'), 'dark': _('Dark'), 'system': _('Like the device')},
                     look.theme, choose_theme)
            if look.on_sign_out:
                ui.separator()
                _entry(_('Sign out'), 'logout', lambda _value: look.on_sign_out() if look.on_sign_out else None, '')


def _choices(heading: str, options: dict[str, str], chosen: str, on_choose: Handler | None) -> None:
    ui.label(heading).classes('st-menu-heading')
    with ui.element('div').classes('st-menu-choices').props(f'role=group aria-label="{heading}"'):
        toggle = ui.toggle(options, value=chosen).props('no-caps unelevated spread')

        async def choose() -> None:
            if on_choose is not None and isinstance(toggle.value, str):
                done = on_choose(toggle.value)
                if inspect.isawaitable(done):
                    await done
        toggle.on_value_change(choose)


def _entry(text: str, icon: str, handler: Handler | None, value: str) -> None:
    async def click() -> None:
        if handler is not None:
            done: Any | Awaitable[Any] = handler(value)
            if inspect.isawaitable(done):
                await done
    with ui.menu_item(on_click=click), ui.element('div').classes('st-menu-entry'):
        ui.icon(icon or 'blank').classes('' if icon else 'is-hidden').props('aria-hidden=true')
        ui.label(text)


def _show_count(label: ui.label, count: int) -> None:
    label.set_text('99+' if count > 99 else str(count))
    label.set_visibility(count > 0)


def _bell_words(count: int) -> str:
    return n_('{n} unread message', '{n} unread messages', count)


def _initials(name: str) -> str:
    words = [word for word in name.split() if word]
    return ''.join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or '?'
