"""How a flock does, from what its keeper writes down each day: how many live, how they grow, eat and drink, and what is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

KINDS = ("broiler", "layer", "duck")
Curve = tuple[tuple[float, float], ...]

NEWLY_HATCHED_G: Mapping[str, float] = {"broiler": 42, "layer": 38, "duck": 55}
"""What a bird weighs that is placed on the day it hatched, where nobody weighed it."""

TARGETS: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "broiler": ((0, 33, 2), (7, 30, 2), (14, 27, 2), (21, 24, 3), (28, 21, 5), (35, 20, 6)),
    "layer": ((0, 34, 2), (7, 31, 2), (14, 28, 2), (21, 25, 3), (28, 22, 5), (35, 20, 7)),
    "duck": ((0, 31, 2), (7, 28, 2), (14, 25, 3), (21, 21, 5), (28, 18, 8)),
}
"""(age in days, °C at the height of the birds, how far off is still fine), as breeders' guides have it for houses with brooders."""

DRINKS_ML: Mapping[str, Curve] = {
    "broiler": ((0, 20), (7, 65), (14, 120), (21, 180), (28, 235), (35, 280), (42, 310)),
    "layer": ((0, 15), (7, 30), (28, 80), (56, 120), (84, 140), (126, 180), (168, 210)),
    "duck": ((0, 40), (7, 200), (14, 350), (21, 500), (28, 600), (42, 700)),
}
"""What a bird drinks in a day by its age. Only how it grows counts: what this flock drank before says how much."""

GROWS_G: Mapping[str, Curve] = {
    "broiler": ((0, 42), (7, 190), (14, 480), (21, 960), (28, 1560), (35, 2230), (42, 2900)),
    "layer": ((0, 38), (7, 65), (14, 120), (21, 195), (28, 280), (42, 460), (56, 650), (84, 1010), (112, 1330), (140, 1600)),
    "duck": ((0, 55), (7, 230), (14, 700), (21, 1330), (28, 1950), (35, 2500), (42, 2900)),
}
"""What a bird weighs by its age. Only how it grows counts: what this flock weighed before says how heavy its breed is."""

DRINKS_LESS_BELOW = 0.8
GROWS_LESS_BELOW = 0.9
WEIGHED_WITHIN_DAYS = 28
"""Earlier weighings say nothing about how birds grow now."""
REMEMBERED_DAYS = 3
DEADLY_PERCENT = 0.5
DISASTER_PERCENT = 2.0
RISING_FROM_PERCENT = 0.1
"""Three rising days below this are a bird or two, and chance."""
WRITTEN_UNTIL = time(6)
"""A day is written down completely by then on the morning after."""
MOST_FEED_KG, MOST_WATER_L, MOST_WEIGHT_G = 1.0, 5.0, 20_000.0
"""Of one bird in one day; more is a mistyped number."""

TOO_MANY_DEAD = "In {name} {percent} % of the birds died in one day: {dead}. More than {limit} % is too many."
RISING_DEATHS = "In {name} more birds die each day: {before_last}, {before}, {dead}."
DRINK_LESS = "The birds of {name} drink less: {ml} ml each. By the days before it should be {expected_ml} ml."
GROWS_LESS = "The birds of {name} weigh {g} g. By what they weighed before it should be {expected_g} g by now."
HOUSE_HOT = "It is too hot for the birds of {name}: {value_celsius}. At {age} days {target_celsius} is right."
HOUSE_COLD = "It is too cold for the birds of {name}: {value_celsius}. At {age} days {target_celsius} is right."


@dataclass(frozen=True, slots=True)
class Flock:
    """What was placed; `targets` as in the table, empty for the usual of its kind. `closed_g` is a bird's weight at the end."""

    kind: str
    placed_on: date
    placed_count: int
    placed_age_days: int = 0
    placed_g: float | None = None
    targets: Sequence[Mapping[str, Any]] = ()
    closed_on: date | None = None
    closed_count: int | None = None
    closed_g: float | None = None

    def age(self, day: date) -> int:
        """In days; a bird placed as it hatched is 0 days old on that day."""
        return (day - self.placed_on).days + self.placed_age_days

    @property
    def start_g(self) -> float | None:
        """What a bird weighed when it was placed; None where nobody knows."""
        return self.placed_g or (NEWLY_HATCHED_G.get(self.kind) if self.placed_age_days == 0 else None)


@dataclass(frozen=True, slots=True)
class Day:
    """What was written down for one day; None was not written."""

    day: date
    dead: int = 0
    culled: int = 0
    feed_kg: float | None = None
    water_l: float | None = None
    weight_g: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What follows from one day. `alive` is in the evening; shares are of the birds of the morning, totals of those placed."""

    day: Day
    age: int
    alive: int
    mortality_percent: float
    total_mortality_percent: float
    total_culled_percent: float
    feed_g: float | None
    """A bird."""
    water_ml: float | None
    """A bird."""
    water_to_feed: float | None
    """Litres of water to a kilogram of feed."""


def figures(flock: Flock, days: Iterable[Day], *, gone_before: tuple[int, int] = (0, 0)) -> list[Figures]:
    """Each day's figures, in order. `gone_before` is how many died and were culled on days that are left out here."""
    dead, culled = gone_before
    found = []
    for one in sorted(days, key=lambda day: day.day):
        morning = flock.placed_count - dead - culled
        dead, culled = dead + one.dead, culled + one.culled
        found.append(Figures(
            one, flock.age(one.day), flock.placed_count - dead - culled, _percent(one.dead, morning), _percent(dead, flock.placed_count),
            _percent(culled, flock.placed_count), _each(one.feed_kg, morning), _each(one.water_l, morning),
            one.water_l / one.feed_kg if one.water_l is not None and one.feed_kg else None,
        ))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Summary:
    """How a flock did up to its last weighing (or its end); None where something for it was not written down.

    `efficiency` is the European production efficiency factor: % alive × kg ÷ (age in days × feed conversion) × 100.
    `unfed_days` are days without a line about feed, so that the conversion is better on paper than it was.
    """

    alive: int
    dead: int
    culled: int
    mortality_percent: float
    feed_kg: float
    weight_g: float | None = None
    weighed_on: date | None = None
    daily_gain_g: float | None = None
    feed_conversion: float | None = None
    efficiency: float | None = None
    unfed_days: int = 0


def summary(flock: Flock, days: Iterable[Day]) -> Summary:
    """Feed conversion is feed ÷ weight gained: what lives weighs now, less what all weighed when they were placed."""
    listed = sorted(days, key=lambda day: day.day)
    dead, culled = sum(one.dead for one in listed), sum(one.culled for one in listed)
    made = Summary(
        flock.placed_count - dead - culled, dead, culled, _percent(dead, flock.placed_count), sum(one.feed_kg or 0 for one in listed)
    )
    last = next((one for one in reversed(listed) if one.weight_g), None)
    if flock.closed_on and flock.closed_g:
        until, grams = flock.closed_on, flock.closed_g
    elif last and last.weight_g:
        until, grams = last.day, last.weight_g
    else:
        return made
    then = [one for one in listed if one.day <= until]
    alive = flock.placed_count - sum(one.dead + one.culled for one in then)
    if flock.closed_g and flock.closed_count is not None:
        alive = flock.closed_count
    span, age = (until - flock.placed_on).days, flock.age(until)
    fed_days = sum(one.feed_kg is not None for one in then if one.day < until)
    made = replace(made, weight_g=grams, weighed_on=until, unfed_days=span - fed_days)
    if flock.start_g is None or span <= 0:
        return made
    feed, gained_kg = sum(one.feed_kg or 0 for one in then), (alive * grams - flock.placed_count * flock.start_g) / 1000
    conversion = feed / gained_kg if feed and gained_kg > 0 else None
    efficiency = _percent(alive, flock.placed_count) * grams / 1000 / (age * conversion) * 100 if conversion else None
    return replace(made, daily_gain_g=(grams - flock.start_g) / span, feed_conversion=conversion, efficiency=efficiency)


@dataclass(frozen=True, slots=True)
class Target:
    """What the air should be for birds of an age."""

    celsius: float
    within: float

    @property
    def low(self) -> float:
        return self.celsius - self.within

    @property
    def high(self) -> float:
        return self.celsius + self.within


def points(flock: Flock) -> list[tuple[float, float, float]]:
    """(day, °C, within) by age: the flock's own, or the usual of its kind."""
    own = sorted((float(p["day"]), float(p["celsius"]), float(p.get("within", 2))) for p in flock.targets)
    return own or list(TARGETS.get(flock.kind, TARGETS["broiler"]))


def target(flock: Flock, age: float) -> Target:
    """Straight lines between the points; before the first and after the last it stays as it is there."""
    known = points(flock)
    return Target(along(tuple((day, celsius) for day, celsius, _ in known), age), along(tuple((day, within) for day, _, within in known), age))


def along(curve: Curve, x: float) -> float:
    """The curve's height at x."""
    for (x0, y0), (x1, y1) in zip(curve, curve[1:], strict=False):
        if x < x1:
            return y0 if x <= x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a day (or a moment) says about one kind of trouble; `message` is a template, `values` what goes into it."""

    is_bad: bool
    message: str = ""
    values: Mapping[str, Any] | None = None
    limit: float | None = None
    actual: float | None = None
    is_critical: bool = False


def drinking(flock: Flock, found: Sequence[Figures]) -> Finding | None:
    """The last day's water against that of the three days before, which birds of that age would have outgrown by now.

    Each of those days is held against what birds of its age drink; the mean of that says what is to be expected today. None
    where today's water is not written down, or that of fewer than two of the three days.
    """
    if not found or (drunk := found[-1].water_ml) is None:
        return None
    last, curve = found[-1], DRINKS_ML.get(flock.kind, DRINKS_ML["broiler"])
    since = last.day.day - timedelta(days=REMEMBERED_DAYS)
    shares = [one.water_ml / along(curve, one.age) for one in found[:-1] if one.day.day >= since and one.water_ml]
    if len(shares) < 2:
        return None
    expected = sum(shares) / len(shares) * along(curve, last.age)
    values = {"ml": round(drunk), "expected_ml": round(expected), "day": last.day.day.isoformat()}
    return Finding(drunk < DRINKS_LESS_BELOW * expected, DRINK_LESS, values, round(DRINKS_LESS_BELOW * expected, 1), round(drunk, 1))


def mortality(found: Sequence[Figures]) -> Finding | None:
    """The last day's deaths: too many at once, or more on each of three days in a row."""
    if not found:
        return None
    last = found[-1]
    values: dict[str, Any] = {"dead": last.day.dead, "percent": round(last.mortality_percent, 2), "day": last.day.day.isoformat()}
    if last.mortality_percent > DEADLY_PERCENT:
        is_critical = last.mortality_percent > DISASTER_PERCENT
        return Finding(True, TOO_MANY_DEAD, values | {"limit": DEADLY_PERCENT}, DEADLY_PERCENT, round(last.mortality_percent, 2), is_critical)
    three = found[-3:]
    is_in_a_row = len(three) == 3 and (three[2].day.day - three[0].day.day).days == 2
    is_rising = is_in_a_row and three[0].day.dead < three[1].day.dead < three[2].day.dead
    if is_rising and last.mortality_percent >= RISING_FROM_PERCENT:
        values |= {"before_last": three[0].day.dead, "before": three[1].day.dead}
        return Finding(True, RISING_DEATHS, values, None, round(last.mortality_percent, 2))
    return Finding(False, values=values)


def growing(flock: Flock, found: Sequence[Figures]) -> Finding | None:
    """The last weighing against those of the four weeks before it, which birds would have outgrown by now as their kind does.

    Each is held against the usual weight at its age; the mean of that says what is to be expected. None with no weighing before.
    """
    curve = GROWS_G.get(flock.kind, GROWS_G["broiler"])
    weighed = [(one, one.day.weight_g) for one in found if one.day.weight_g]
    if not weighed:
        return None
    last, grams = weighed[-1]
    since = last.day.day - timedelta(days=WEIGHED_WITHIN_DAYS)
    shares = [then / along(curve, one.age) for one, then in weighed[:-1] if one.day.day >= since]
    if not shares:
        return None
    expected = sum(shares) / len(shares) * along(curve, last.age)
    values = {"g": round(grams), "expected_g": round(expected), "day": last.day.day.isoformat()}
    return Finding(grams < GROWS_LESS_BELOW * expected, GROWS_LESS, values, round(GROWS_LESS_BELOW * expected, 1), round(grams, 1))


BACK_BY = 0.5
CHICKS_UNTIL_DAYS = 14
CRITICAL_BEYOND = 3.0
"""°C beyond the limit. Chicks cannot keep themselves warm; older birds suffer, and are told of as a warning."""


@dataclass(frozen=True, slots=True)
class House:
    """How warm it is in a house for its birds: beyond the limits (True), well inside (False), or in between (None)."""

    is_bad: bool | None
    is_critical: bool
    message: str
    target: Target
    age: int


def house(flock: Flock, celsius: float, day: date) -> House:
    """A house's temperature against what is right for the age of its birds."""
    age = flock.age(day)
    right = target(flock, age)
    beyond = max(celsius - right.high, right.low - celsius)
    is_bad = True if beyond > 0 else False if beyond <= -min(BACK_BY, right.within / 2) else None
    is_critical = age < CHICKS_UNTIL_DAYS and beyond > CRITICAL_BEYOND
    return House(is_bad, is_critical, HOUSE_HOT if celsius > right.celsius else HOUSE_COLD, right, age)


def is_whole(day: date, at: datetime, zone: ZoneInfo) -> bool:
    """Whether all of a day is written down by now: birds still drink on a day that is not over."""
    return at >= datetime.combine(day + timedelta(days=1), WRITTEN_UNTIL, zone)


def _percent(part: float, whole: float) -> float:
    return part / whole * 100 if whole > 0 else 0.0


def _each(amount: float | None, birds: int) -> float | None:
    """Kilograms or litres of all as grams or millilitres of each."""
    return amount * 1000 / birds if amount is not None and birds > 0 else None
