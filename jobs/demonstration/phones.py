"""Drivers' phones: one half runs OwnTracks, the other half Traccar Client or another app that speaks OsmAnd's way."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.deliveries.values import PhoneApp
from jobs.demonstration.driving import Fix

KNOTS_PER_MPS = 1.943844
KMH_PER_MPS = 3.6


@dataclass(frozen=True, slots=True)
class Phone:
    """A driver's phone with the token it was given."""

    app: PhoneApp
    user: str
    token: str

    def request(self, fix: Fix, at: datetime, *, battery_percent: int) -> dict[str, Any]:
        """The request that its app would send, as httpx takes it (method, path, and what goes with them)."""
        if self.app is PhoneApp.OWNTRACKS:
            return self._owntracks(fix, at, battery_percent)
        return self._osmand(fix, at, battery_percent)

    def _owntracks(self, fix: Fix, at: datetime, battery_percent: int) -> dict[str, Any]:
        seconds = int(at.timestamp())
        message = {
            "_type": "location", "lat": fix.latitude, "lon": fix.longitude, "tst": seconds, "created_at": seconds,
            "acc": round(fix.accuracy_m), "vel": round(fix.speed_mps * KMH_PER_MPS), "cog": round(fix.heading_deg), "alt": 12,
            "batt": battery_percent, "bs": 1, "conn": "m", "tid": self.user[:2].upper(), "topic": f"owntracks/{self.user}/phone",
        }  # fmt: skip
        return {
            "method": "POST", "url": "/feeds/owntracks", "json": message, "auth": (self.user, self.token),
            "headers": {"X-Limit-U": self.user, "X-Limit-D": "phone"},
        }  # fmt: skip

    def _osmand(self, fix: Fix, at: datetime, battery_percent: int) -> dict[str, Any]:
        """Users whose name has an even length have Traccar Client, which posts a form; the others have OsmAnd itself."""
        fields = {
            "id": self.token, "lat": fix.latitude, "lon": fix.longitude, "speed": round(fix.speed_mps * KNOTS_PER_MPS, 2),
            "bearing": fix.heading_deg, "altitude": 12.0, "accuracy": fix.accuracy_m, "batt": battery_percent,
            "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }  # fmt: skip
        if len(self.user) % 2 == 0:
            return {"method": "POST", "url": "/feeds/osmand", "data": {name: str(value) for name, value in fields.items()}}
        return {"method": "GET", "url": "/feeds/osmand", "params": fields}
