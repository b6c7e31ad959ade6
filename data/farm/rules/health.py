"""How a farm fares in one word, and how the air of a room is, from what was measured lately."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MEASURED_WITHIN = timedelta(minutes=15)
"""An older value says how it was, not how it is."""


class Health(StrEnum):
    """The worst that is known of a farm."""

    GOOD = "good"
    WARNINGS = "warnings"
    ERRORS = "errors"


def health(severities: Iterable[str], *, offline: int, in_error: int) -> Health:
    """From the severities of what is open, and how many devices are away or in error. What is only to be known counts for nothing."""
    found = set(severities)
    if "critical" in found:
        return Health.ERRORS
    return Health.WARNINGS if "warning" in found or offline or in_error else Health.GOOD


@dataclass(frozen=True, slots=True)
class Air:
    """The mean of a room's probes: °C, % and % of the tank; `at` is the oldest value in it. None is not measured.

    Where nothing was measured lately it is the newest that there is, and `is_old`.
    """

    celsius: float | None = None
    humidity: float | None = None
    water: float | None = None
    at: datetime | None = None
    is_old: bool = False


def air(latests: Iterable[Mapping[str, Any]], *, at: datetime) -> Air:
    """What the probes of one room say together; `latests` as in the table."""
    known = [
        (kind, float(value["value"]), datetime.fromisoformat(value["at"]))
        for latest in latests
        for kind in ("temperature", "humidity", "water_level")
        if (value := latest.get(kind)) is not None
    ]
    if not known:
        return Air()
    fresh = [one for one in known if at - one[2] <= MEASURED_WITHIN]
    newest = max(measured_at for _, _, measured_at in known)
    used = fresh or [one for one in known if newest - one[2] <= MEASURED_WITHIN]

    def mean(kind: str) -> float | None:
        values = [value for name, value, _ in used if name == kind]
        return sum(values) / len(values) if values else None

    return Air(mean("temperature"), mean("humidity"), mean("water_level"), min(one[2] for one in used), is_old=not fresh)
