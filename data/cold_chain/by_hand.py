"""A thermometer is read by a person: what can be true of that, what it demands, and when it is due again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS
from data.core.errors import Invalid
from data.platform.pictures import Picture

CLOCK_MAY_BE_AHEAD = timedelta(minutes=10)
OLDEST = timedelta(days=30)
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """One line of somebody's round. The phone chose `id`; `recorded_at` is its clock when the thermometer was read.

    `action` is what was done about a temperature outside the limits; `corrects_id` names the mistaken line that this replaces.
    """

    id: UUID
    unit_id: UUID
    celsius: Decimal
    recorded_at: datetime
    humidity_percent: Decimal | None = None
    notes: str | None = None
    action: str | None = None
    photo: Picture | None = None
    corrects_id: UUID | None = None


def rounded(celsius: Decimal) -> Decimal:
    """As it is kept; what is compared with a limit is what stands in the row."""
    return round(celsius, 2)


def is_in_range(celsius: Decimal, low: float | None, high: float | None) -> bool:
    """The limits themselves are inside; None is open."""
    return (low is None or float(celsius) >= low) and (high is None or float(celsius) <= high)


def refusal(line: Written, *, low: float | None, high: float | None, at: datetime) -> Invalid | None:
    """Why this line cannot be taken at that instant, under those limits; None where it can."""
    if not COLDEST_CELSIUS <= line.celsius <= HOTTEST_CELSIUS:
        return Invalid("temperature", "No thermometer in a cold store says this.")
    if line.humidity_percent is not None and not 0 <= line.humidity_percent <= 100:
        return Invalid("humidity", "Humidity is between 0 and 100 %.")
    if line.corrects_id is None and line.recorded_at > at + CLOCK_MAY_BE_AHEAD:
        return Invalid("recorded_at", "This was read in the future. Is the clock of the phone right?")
    if line.corrects_id is None and line.recorded_at < at - OLDEST:
        return Invalid("recorded_at", "This was read more than {days} days ago. Is the clock of the phone right?", days=OLDEST.days)
    for field, words in (("notes", line.notes), ("action", line.action)):
        if words and len(words) > LONGEST_TEXT:
            return Invalid(field, "At most {most} characters.", most=LONGEST_TEXT)
    if not is_in_range(line.celsius, low, high) and not (line.action or "").strip():
        return Invalid("action", "This is out of limits. Say what you did about it.")
    return None
