"""The words on the screen, in the reader's language: English as written in the code, Khmer from `locale/`.

A reader has a language, a time zone and a temperature unit. A page sets them once (`set_reader`); whatever is drawn or
handled for that page later finds them again through its client, a job finds them through the context of its task.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone_name
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from nicegui import ui
from nicegui.slot import Slot

LANGUAGES = {'en': 'English', 'km': 'ខ្មែរ'}
LOCALES = Path(__file__).parent / 'locale'


@dataclass(frozen=True)
class Reader:
    """Who reads: a language of `LANGUAGES`, an IANA zone name, and 'c' or 'f' for temperatures."""

    language: str = 'en'
    zone: str = 'UTC'
    temperature_unit: str = 'c'


reader: ContextVar[Reader] = ContextVar('reader')
_borrowed: ContextVar[Reader | None] = ContextVar('borrowed_reader', default=None)
_DEFAULT = Reader()


def _load() -> dict[str, dict[str, str | tuple[str, ...]]]:
    """Read `locale/km.po` and `locale/km/*.po` (one file a domain, so that several people can write at once)."""
    catalogs: dict[str, dict[str, str | tuple[str, ...]]] = {}
    for name in LANGUAGES:
        words: dict[str, str | tuple[str, ...]] = {}
        for path in [LOCALES / f'{name}.po', *sorted((LOCALES / name).glob('*.po'))]:
            if not path.exists():
                continue
            with path.open('rb') as file:
                for message in read_po(file, locale=name):
                    if message.id and message.string and not message.fuzzy:
                        key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                        if message.string if isinstance(message.string, str) else message.string[0]:
                            words[key] = message.string if isinstance(message.string, str) else tuple(message.string)
        catalogs[name] = words
    return catalogs


CATALOGS = _load()


def current_reader() -> Reader:
    """Who reads what is being made now: a borrowed reader, else the page's, else the task's, else English in UTC."""
    if (borrowed := _borrowed.get()) is not None:
        return borrowed
    if Slot.get_stack():
        found = getattr(ui.context.client, 'steading_reader', None)
        if isinstance(found, Reader):
            return found
    return reader.get(_DEFAULT)


def current_language() -> str:
    """'en' or 'km'."""
    return current_reader().language


def set_reader(new: Reader) -> None:
    """Say who reads, for this task and (inside a page) for all that happens on this page later."""
    if new.language not in LANGUAGES:
        new = replace(new, language='en')
    reader.set(new)
    if Slot.get_stack():
        ui.context.client.steading_reader = new  # type: ignore[attr-defined]


def set_language(language: str) -> None:
    """Change only the language of the current reader; an unknown one falls back to English."""
    set_reader(replace(current_reader(), language=language))


@contextmanager
def reading_as(other: Reader) -> Iterator[None]:
    """Write for somebody else for a moment, for instance a message to a colleague with another language."""
    token = _borrowed.set(other)
    try:
        yield
    finally:
        _borrowed.reset(token)


def _(text: str, /, **values: Any) -> str:
    """The text in the reader's language, with `{name}` places filled from the keywords."""
    found = CATALOGS[current_language()].get(text, text)
    chosen = found if isinstance(found, str) else found[0]
    return chosen.format(**values) if values else chosen


def n_(singular: str, plural: str, n: int, /, **values: Any) -> str:
    """Like `_`, choosing the form for the count; `{n}` is the count, written the reader's way."""
    found = CATALOGS[current_language()].get(singular)
    if found is None:
        chosen = singular if n == 1 else plural
    elif isinstance(found, str):
        chosen = found
    else:
        chosen = found[0 if n == 1 or len(found) == 1 else 1]
    return chosen.format(n=number(n), **values)


def noop(text: str) -> str:
    """Mark a text for the catalogue where it is written, to be translated where it is shown."""
    return text


def _locale() -> Locale:
    """Khmer readers get Latin digits, as on thermometers and in ledgers, so that numbers line up with the devices."""
    return Locale.parse('km_KH' if current_language() == 'km' else 'en_GB')


def number(value: float, decimals: int | None = None) -> str:
    """1234.5 → '1,234.5'; with `decimals` exactly so many places. Non-finite values become '–'."""
    if value != value or value in (float('inf'), float('-inf')):
        return '–'
    pattern = None if decimals is None else '#,##0' + ('.' + '0' * decimals if decimals else '')
    return format_decimal(value, format=pattern, locale=_locale())


def compact(value: float) -> str:
    """12345 → '12K', for places where only the size matters."""
    return format_compact_decimal(value, locale=_locale(), fraction_digits=0 if abs(value) < 1000 else 1)


def percent(share: float, decimals: int = 0) -> str:
    """0.42 → '42%'."""
    return format_percent(share, format='0' + ('.' + '0' * decimals if decimals else '') + '%', locale=_locale())


def money(amount: float, currency: str) -> str:
    """An amount in an ISO 4217 currency, with that currency's own decimals: 'US$12.50', 'KHR 4,000'."""
    return format_currency(amount, currency, locale=_locale())


def temperature(celsius: float | None, unit: str | None = None, decimals: int = 1) -> str:
    """°C as kept → '−18.4 °C' or '−1.1 °F' by the reader's unit (or `unit`); None → '–'."""
    if celsius is None:
        return '–'
    shown = round(temperature_value(celsius, unit), decimals) + 0.0  # never "−0.0"
    return f'{number(shown, decimals)} {temperature_unit(unit)}'.replace('-', '−')


def temperature_value(celsius: float, unit: str | None = None) -> float:
    """The bare number in the reader's unit, for charts and inputs."""
    return celsius * 9 / 5 + 32 if (unit or current_reader().temperature_unit) == 'f' else celsius


def celsius_from(value: float, unit: str | None = None) -> float:
    """Back from the reader's unit to °C, for what was typed."""
    return (value - 32) * 5 / 9 if (unit or current_reader().temperature_unit) == 'f' else value


def temperature_difference(celsius: float, unit: str | None = None, decimals: int = 1) -> str:
    """A step between two temperatures: 1 °C more is '1.8 °F' more, whatever zero is."""
    return f'{number(difference_value(celsius, unit), decimals)} {temperature_unit(unit)}'.replace('-', '−')


def difference_value(celsius: float, unit: str | None = None) -> float:
    """The bare number of such a step in the reader's unit."""
    return celsius * 9 / 5 if (unit or current_reader().temperature_unit) == 'f' else celsius


def difference_from(value: float, unit: str | None = None) -> float:
    """Back from the reader's unit to °C."""
    return value * 5 / 9 if (unit or current_reader().temperature_unit) == 'f' else value


def temperature_unit(unit: str | None = None) -> str:
    """'°C' or '°F'."""
    return '°F' if (unit or current_reader().temperature_unit) == 'f' else '°C'


def time_zones(*also: str) -> list[str]:
    """The zones that somebody may choose: UTC, those of places, and whatever is chosen already."""
    skip = ('Etc/', 'posix/', 'right/', 'SystemV/')
    places = {name for name in available_timezones() if '/' in name and not name.startswith(skip)}
    return ['UTC', *sorted((places | set(also)) - {'UTC'})]


def zone(name: str | None = None) -> ZoneInfo:
    """The place's zone by name, else the reader's; an unknown name becomes UTC."""
    try:
        return ZoneInfo(name or current_reader().zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo('UTC')


def moment(at: datetime, zone_name: str | None = None, *, seconds: bool = False) -> str:
    """An instant as people say it, '20 Nov 2026, 14:05', in the place's zone."""
    pattern = 'd MMM y, HH:mm:ss' if seconds else 'd MMM y, HH:mm'
    return format_datetime(_aware(at), pattern, tzinfo=zone(zone_name), locale=_locale())


def full_moment(at: datetime, zone_name: str | None = None) -> str:
    """An instant with seconds and the name of the zone, for tooltips and reports."""
    there = zone(zone_name)
    name = get_timezone_name(_aware(at).astimezone(there), width='short', locale=_locale())
    return f'{moment(at, zone_name, seconds=True)} {name} ({there.key})'


def day(at: datetime, zone_name: str | None = None) -> str:
    """'Fri, 20 Nov 2026' in the place's zone."""
    return format_date(_aware(at).astimezone(zone(zone_name)).date(), 'EEE, d MMM y', locale=_locale())


def clock(at: datetime, zone_name: str | None = None) -> str:
    """'14:05' in the place's zone."""
    return format_time(_aware(at), 'HH:mm', tzinfo=zone(zone_name), locale=_locale())


def span(length: timedelta | float) -> str:
    """A length of time in words, '3 hours'; a bare number is seconds."""
    delta = length if isinstance(length, timedelta) else timedelta(seconds=length)
    return format_timedelta(delta, threshold=1.5, locale=_locale())


def ago(at: datetime, now: datetime | None = None) -> str:
    """'2 minutes ago' or 'in 2 minutes'; a first text that the browser then keeps current (see `ui.age`)."""
    delta = _aware(at) - (now or datetime.now(UTC))
    return format_timedelta(delta, add_direction=True, threshold=1.2, locale=_locale())


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
