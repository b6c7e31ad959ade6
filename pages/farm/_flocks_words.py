"""How flocks and their days are said."""

from datetime import UTC, date, datetime, time

from data.farm.flocks import Summary
from data.farm.tables import FlockBatch
from ui.words import _, day, n_, noop, number

KIND_WORDS = {"broiler": noop("Broilers"), "layer": noop("Laying hens"), "duck": noop("Ducks")}
PATH = "/farm/flocks"


def day_words(one: date) -> str:
    """A day as people say it; it is the same day everywhere."""
    return day(datetime.combine(one, time(12), UTC), "UTC")


def age_words(days: int) -> str:
    return n_("{n} day old", "{n} days old", days)


def kind_words(batch: FlockBatch) -> str:
    return " · ".join(filter(None, (_(KIND_WORDS.get(batch.kind, batch.kind)), batch.breed)))


def figure(value: float | None, decimals: int = 0, unit: str = "") -> str:
    """A number with its unit, a dash where nobody wrote it down."""
    return "–" if value is None else " ".join(filter(None, (number(float(value), decimals), unit)))


def summary_facts(found: Summary) -> list[tuple[str, str]]:
    """What a flock has come to, by name."""
    return [
        (_("Died in all"), f"{figure(found.dead)} · {figure(found.mortality_percent, 2, '%')}"),
        (_("Culled in all"), figure(found.culled)),
        (_("Feed in all"), figure(found.feed_kg, 0, "kg")),
        (_("Last weight"), figure(found.weight_g, 0, "g")),
        (_("Gain a day"), figure(found.daily_gain_g, 1, "g")),
        (_("Feed for a kilogram gained"), figure(found.feed_conversion, 2, "kg")),
        (_("European efficiency factor"), figure(found.efficiency)),
    ]
