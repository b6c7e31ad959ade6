"""Where a stranger's phone heard a tag, free of how Apple wraps it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TrackerStatus(StrEnum):
    """Where a tag's goods stand on their way."""

    CREATED = "created"
    IN_TRANSIT = "in_transit"
    IN_STORAGE = "in_storage"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One decrypted Find My report. `confidence` is 1 low, 2 medium, 3 high; `battery` is 0 full … 3 critical."""

    hashed_advertisement_key: str
    recorded_at: datetime
    latitude: float
    longitude: float
    horizontal_accuracy_m: float
    confidence: int
    battery: int = 0


@dataclass(frozen=True, slots=True)
class TagKeys:
    """One tag as a vendor delivers it: a name and its key pair, each base64 of 28 bytes, the hash base64 of 32."""

    name: str
    advertisement_key: str
    private_key: str = field(repr=False)
    hashed_advertisement_key: str
    mac_address: str | None = None
