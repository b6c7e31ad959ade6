"""A sensor puts what it measured into a few bytes; what they say is known before anybody knows which unit it speaks of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

COLDEST_BELIEVED_CELSIUS, HOTTEST_BELIEVED_CELSIUS = -73.33, 148.89
"""−100 and 300 °F: whoever says more than that is broken, and measures nothing."""


class Fault(StrEnum):
    """Why a sensor that was heard told no temperature one can believe."""

    DISCONNECTED = "disconnected"
    """Its probe is not plugged in."""
    FAILED = "failed"
    """It says itself that it could not measure."""
    OUT_OF_RANGE = "out_of_range"
    """It says what cannot be."""
    DECODERS_DISAGREE = "decoders_disagree"
    """The network's decoder and ours read different things from the same bytes; the network's is kept. Only noted."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one frame says. Absent quantities are None, never zero.

    A sensor with a probe beside its built-in one says both: `celsius` is the built-in one (or the first of several equal
    probes) and `probe_celsius` the probe. `fault` is why `celsius` is absent, `probe_fault` why `probe_celsius` is.
    `at` is the sensor's own clock, `earlier` what it had kept while nobody heard it.
    """

    celsius: float | None = None
    probe_celsius: float | None = None
    fault: Fault | None = None
    probe_fault: Fault | None = None
    humidity_percent: float | None = None
    battery_percent: float | None = None
    battery_v: float | None = None
    door_is_open: bool | None = None
    door_open_count: int | None = None
    door_open_s: int | None = None
    at: datetime | None = None
    earlier: tuple["Said", ...] = ()


Decode = Callable[[str, bytes, int | None], Said]
"""The bytes of a known model's frame and the port they came on. Raises Invalid where that model never says so."""


def believed(celsius: float | None) -> tuple[float | None, Fault | None]:
    """The temperature, or why it is none."""
    if celsius is None or COLDEST_BELIEVED_CELSIUS <= celsius <= HOTTEST_BELIEVED_CELSIUS:
        return celsius, None
    return None, Fault.OUT_OF_RANGE
