"""What is known of a unit's past becomes lines, bands, shades and marks in the reader's words and unit."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import overload
from uuid import UUID

import numpy as np

from data.cold_chain.limits import Span
from data.cold_chain.queries.marks import Marks
from data.cold_chain.queries.points import Numbers, Points
from data.core.time import epoch_ms
from ui.chart import Excursion, Limit, Mark, Series
from ui.words import _, temperature, temperature_value

MOST_SHADED = 100
BELOW = "humidity "
"""Begins the keys of the lines in the smaller picture."""


def lines(one: Points, name: str, interval: timedelta) -> Iterator[Series]:
    """A sensor's temperature, and its humidity underneath where it tells any."""
    apart_ms = (interval.total_seconds() * 3000 if one.gap is None else max(interval * 3, one.gap * 1.5).total_seconds() * 1000)
    low, high = (None, None) if one.band is None else (_shown(one.band.low), _shown(one.band.high))
    yield Series(str(one.device_id), name, one.times_ms, _shown(one.celsius), apart_ms, low, high)
    if one.humidity_percent is not None:
        told = np.isfinite(one.humidity_percent)
        damp = one.humidity_band
        low, high = (None, None) if damp is None else (damp.low[told], damp.high[told])
        yield Series(
            f"{BELOW}{one.device_id}", _("Humidity"), one.times_ms[told], one.humidity_percent[told], apart_ms, low, high, is_below=True
        )


def bands(spans: Sequence[Span]) -> list[Limit]:
    """The limits of a stretch of time; they carry their name where they are the same all the time."""
    ends = [None, *(epoch_ms(span.since) for span in spans[1:]), None]
    return [
        Limit(
            _shown(span.low_celsius), _shown(span.high_celsius), _("Limits") if len(spans) == 1 else "", ends[index], ends[index + 1]
        )
        for index, span in enumerate(spans)
    ]


def shades(found: Marks, drawn: Sequence[Points], spans: Sequence[Span]) -> list[Excursion]:
    """When the unit was out of limits: as it was judged then, else where its readings themselves show it."""
    if found.out:
        return [
            Excursion(
                epoch_ms(one.started_at), None if one.ended_at is None else epoch_ms(one.ended_at),
                state="critical" if one.is_confirmed else "warning",
            )
            for one in found.out
        ]  # fmt: skip
    return [shade for one in drawn[:1] if one.band is None for shade in outside(one, spans)]


def outside(one: Points, spans: Sequence[Span]) -> list[Excursion]:
    """The stretches in which a sensor's readings were outside the limits of their time; the last may still last."""
    low, high = np.full(one.times_ms.size, -np.inf), np.full(one.times_ms.size, np.inf)
    for span in spans:
        first, last = np.searchsorted(one.times_ms, [epoch_ms(span.since), epoch_ms(span.until)])
        low[first:last] = -np.inf if span.low_celsius is None else span.low_celsius
        high[first:last] = np.inf if span.high_celsius is None else span.high_celsius
    celsius = one.celsius.round(2)
    is_out = np.concatenate([[False], (celsius < low) | (celsius > high), [False]])
    edges = np.flatnonzero(is_out[1:] != is_out[:-1])
    starts, ends = edges[::2], edges[1::2]
    return [
        Excursion(int(one.times_ms[start]), None if end == one.times_ms.size else int(one.times_ms[end]))
        for start, end in list(zip(starts, ends, strict=True))[-MOST_SHADED:]
    ]


def marks(found: Marks) -> list[Mark]:
    """Doors, temperatures by hand and what was done, each with its words."""
    return [
        *(Mark(epoch_ms(door.recorded_at), _("Door opened") if door.is_open else _("Door shut"), "door") for door in found.doors),
        *(
            Mark(epoch_ms(log.recorded_at), _("{celsius} by hand, {name}", celsius=temperature(log.celsius), name=log.user_name), "log")
            for log in found.by_hand
        ),
        *(Mark(epoch_ms(act.acted_at), act.action_taken, "action") for act in found.done),
    ]


def names(sensors: dict[UUID, str], drawn: Sequence[Points]) -> dict[UUID, str]:
    """What each line is called; a sensor that is not here any more, or was never named, is just the temperature."""
    return {one.device_id: sensors.get(one.device_id, _("Temperature")) for one in drawn}


@overload
def _shown(celsius: Numbers) -> Numbers: ...
@overload
def _shown(celsius: float | None) -> float | None: ...
def _shown(celsius: Numbers | float | None) -> Numbers | float | None:
    return None if celsius is None else temperature_value(celsius)  # type: ignore[arg-type]


