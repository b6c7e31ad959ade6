"""A tag's status and sureness in the reader's language."""

from datetime import datetime, timedelta

from data.tracking.rules import PlaceKind
from data.tracking.tables import TrackerStatus
from ui.badge import State
from ui.words import _, noop

SILENT_AFTER = timedelta(days=1)

STATUS_WORDS = {
    TrackerStatus.CREATED: noop("Not on its way yet"),
    TrackerStatus.IN_TRANSIT: noop("In transit"),
    TrackerStatus.IN_STORAGE: noop("In storage"),
    TrackerStatus.DELIVERED: noop("Delivered"),
}
STATUS_STATES: dict[TrackerStatus, State] = {
    TrackerStatus.CREATED: "neutral",
    TrackerStatus.IN_TRANSIT: "waiting",
    TrackerStatus.IN_STORAGE: "neutral",
    TrackerStatus.DELIVERED: "ok",
}
STATUS_ICONS = {
    TrackerStatus.CREATED: "hourglass_empty",
    TrackerStatus.IN_TRANSIT: "local_shipping",
    TrackerStatus.IN_STORAGE: "warehouse",
    TrackerStatus.DELIVERED: "check_circle",
}
PLACE_WORDS = {PlaceKind.STORAGE: noop("Storage"), PlaceKind.DELIVERY: noop("Delivery")}
CONFIDENCE_WORDS = {1: noop("low"), 2: noop("medium"), 3: noop("high")}
BATTERY_WORDS = {0: noop("full"), 1: noop("medium"), 2: noop("low"), 3: noop("nearly empty")}


def status_word(status: TrackerStatus) -> str:
    return _(STATUS_WORDS[status])


def map_state(status: TrackerStatus, positioned_at: datetime | None, now: datetime) -> State:
    """The marker's state: a tag that nobody heard for a day is somewhere, but nobody knows where."""
    if positioned_at is None or positioned_at < now - SILENT_AFTER:
        return "offline"
    return STATUS_STATES[status]
