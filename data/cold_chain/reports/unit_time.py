"""One unit's time, minute by minute and reading by reading: what was fetched becomes facts, by arithmetic alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data.cold_chain import kinetic
from data.cold_chain.reports import minutes
from data.cold_chain.reports.excursions import Bounds, Spell, outside, spells
from data.cold_chain.reports.facts import DayFact, GapFact, ReadingFact
from data.cold_chain.reports.gathering import Readings
from data.cold_chain.reports.limits import Held
from data.cold_chain.reports.minutes import Kind, Kinds, Shares
from data.cold_chain.rules import Rule
from data.cold_chain.rules.excursions import GAP_INTERVALS

NONE_READ = Readings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Log:
    """When a temperature was written down, for how long it speaks (s), and whether it was inside."""

    at_s: int
    reach_s: float
    is_in_limits: bool


class UnitTime:
    """A unit from `since` until `until`, whole minutes both; `readings` may begin a little before."""

    def __init__(
        self, since: datetime, until: datetime, readings: Readings, held: Sequence[Held], logs: Sequence[Log], manual_s: float
    ) -> None:
        self.start_s, self.end_s = int(since.timestamp()), int(until.timestamp())
        self.held, self.manual_s = held, manual_s
        which = np.searchsorted(np.array([h.since.timestamp() for h in held[1:]]), readings.taken_s, side="right")
        intervals = np.array([h.rule.interval.total_seconds() for h in held])[which]
        self.apart = intervals * GAP_INTERVALS
        self.reaches = reaches = np.array([minutes.reach_s(h.rule.interval.total_seconds()) for h in held])[which]
        count = minutes.minutes_between(since, until)
        self.kinds: Kinds = minutes.classify(
            self.start_s, count, readings.taken_s, readings.received_s, reaches,
            np.array([log.at_s for log in logs], dtype=np.int64), np.array([log.reach_s for log in logs], dtype=np.float64),
        )  # fmt: skip
        self.lasting = minutes.lasting_s(readings.taken_s, reaches, self.start_s, self.end_s)
        self.readings, self.which = readings, which
        self.within = (readings.taken_s >= self.start_s) & (readings.taken_s < self.end_s)
        self.bounds = _bounds([h.rule for h in held], which)
        self.is_out = outside(readings.celsius, self.bounds)

    def shares(self) -> Shares:
        return minutes.shares(self.kinds)

    def outside_minutes(self) -> float:
        """For how long the sensor's readings stood outside their limits."""
        return float(self.lasting[self.is_out].sum() / 60)

    def reading_fact(self) -> ReadingFact:
        """The figures of the readings within the stretch; averages weigh each by how long it stands for."""
        taken, celsius = self.readings.taken_s[self.within], self.readings.celsius[self.within]
        late = self.readings.received_s[self.within] - taken > minutes.LATE_AFTER.total_seconds()
        if not taken.size:
            return ReadingFact(0, 0, digest(self.readings, self.within), None, None, None, None, None, None)
        low, high = int(np.argmin(celsius)), int(np.argmax(celsius))
        known = self.lasting > 0
        return ReadingFact(
            count=int(taken.size), late_count=int(late.sum()), sha256=digest(self.readings, self.within),
            lowest_celsius=float(celsius[low]), lowest_at=instant(taken[low]),
            highest_celsius=float(celsius[high]), highest_at=instant(taken[high]),
            average_celsius=_average(self.readings.celsius[known], self.lasting[known]),
            kinetic_celsius=kinetic.mean_kinetic_celsius(self.readings.celsius[known], self.lasting[known]),
        )  # fmt: skip

    def spells(self) -> Sequence[Spell]:
        """The excursions that reach into the stretch."""
        found = spells(self.readings.taken_s, self.readings.celsius, self.bounds, self.lasting, self.apart)
        return [one for one in found if one.started_s < self.end_s and (one.ended_s is None or one.ended_s > self.start_s)]

    def rule_at(self, at_s: int) -> Rule:
        """What held then."""
        return [h.rule for h in self.held if h.since.timestamp() <= max(at_s, self.start_s)][-1]

    def gaps(self) -> Sequence[GapFact]:
        """Where the sensor was silent. Somebody should have measured where neither kind of temperature came for too long."""
        found = []
        for run in minutes.silent_runs(self.start_s, self.kinds):
            first = (run.starts_at_s - self.start_s) // 60
            unknown = self.kinds[first : first + run.minutes] == Kind.UNKNOWN
            is_missed = longest_run(unknown) * 60 >= self.manual_s
            ends = run.starts_at_s + run.minutes * 60
            found.append(GapFact(instant(run.starts_at_s), instant(ends), run.minutes, run.manual_minutes, is_missed))
        return found

    def days(self, zone: ZoneInfo) -> Sequence[DayFact]:
        """Each day by that clock; 23 or 25 hours where it was changed."""
        if self.end_s <= self.start_s:
            return []
        day = instant(self.start_s).astimezone(zone).date()
        found = []
        while (begins := _midnight(day, zone)) < self.end_s:
            ends = _midnight(day + timedelta(days=1), zone)
            found.append(self._day(day, max(begins, self.start_s), min(ends, self.end_s)))
            day += timedelta(days=1)
        return found

    def _day(self, day: date, begins: int, ends: int) -> DayFact:
        kinds = self.kinds[(begins - self.start_s) // 60 : (ends - self.start_s) // 60]
        first, behind = np.searchsorted(self.readings.taken_s, [begins, ends])
        celsius, lasting = self.readings.celsius[first:behind], self.lasting[first:behind]
        return DayFact(
            day, minutes.shares(kinds), float(celsius.min()) if celsius.size else None, _average(celsius, lasting),
            float(celsius.max()) if celsius.size else None, float(lasting[self.is_out[first:behind]].sum() / 60),
        )  # fmt: skip


def digest(readings: Readings, within: NDArray[np.bool_]) -> str:
    """SHA-256 over the readings as they are kept, in the order of time: seconds since 1970 when taken and when received (8 bytes
    each) and hundredths of °C (4 bytes), big-endian, one reading after the other."""
    table = np.empty(int(within.sum()), dtype=[("taken", ">i8"), ("received", ">i8"), ("hundredths", ">i4")])
    table["taken"], table["received"] = readings.taken_s[within], readings.received_s[within]
    table["hundredths"] = readings.hundredths[within]
    return hashlib.sha256(table.tobytes()).hexdigest()


def instant(seconds: float | np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def longest_run(holds: NDArray[np.bool_]) -> int:
    """How many in a row at most."""
    padded = np.concatenate([[False], holds, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def _bounds(rules: Sequence[Rule], which: NDArray[np.intp]) -> Bounds:
    low = np.array([-np.inf if r.low_celsius is None else r.low_celsius for r in rules])
    high = np.array([np.inf if r.high_celsius is None else r.high_celsius for r in rules])
    margin = np.minimum([r.hysteresis_celsius for r in rules], (high - low) / 4)
    return Bounds(low[which], high[which], margin[which])


def _average(celsius: Array, lasting: Array) -> float | None:
    weight = float(lasting.sum())
    return float(np.dot(celsius, lasting)) / weight if weight else None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
