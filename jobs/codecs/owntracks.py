"""A driver's phone with the OwnTracks app posts where it is, and much else that is no position."""

from datetime import datetime

from data.core.errors import Invalid
from data.deliveries.values import Fix
from jobs.codecs.fields import (
    Document,
    believable,
    document,
    from_zero,
    is_nowhere,
    number,
    text,
    unix_instant,
)

KMH_PER_MPS = 3.6
PRESSED_BY_HAND = "u"


def fix(body: bytes | str | Document, user: str | None, device: str | None, *, now: datetime) -> Fix | None:
    """One position as OwnTracks posts it in HTTP mode (JSON text, or already parsed).

    None is what is no position: an empty body, (0, 0), and every `_type` but `location`: transitions, waypoints, status
    and commands, and `encrypted`, whose key stays on the phone. The phone is called `user/device` after its headers,
    or, where it sends none, after the end of its `topic`. Speed comes in km/h. An accuracy of 0 is none.
    Fixes may be old, since phones queue them; one ahead of `now` is refused. Raises Invalid with the field's name.
    """
    if isinstance(body, bytes | str) and not body.strip():
        return None
    message = document(body)
    kind = text(message.get("_type"), "_type")
    if kind is None:
        raise Invalid("_type", "This message does not say what it is.")
    if kind != "location":
        return None
    latitude = number(message.get("lat"), "lat", -90, 90)
    longitude = number(message.get("lon"), "lon", -180, 180)
    fixed_at = unix_instant(number(message.get("tst"), "tst"), "tst")
    speed_kmh = from_zero(message.get("vel"), "vel")
    heading = from_zero(message.get("cog"), "cog", 360)
    altitude = message.get("alt")
    found = Fix(
        device_identifier=_phone(message, user, device),
        recorded_at=believable(fixed_at, "tst", now=now),
        latitude=latitude,
        longitude=longitude,
        accuracy_m=from_zero(message.get("acc"), "acc") or None,
        speed_mps=None if speed_kmh is None else speed_kmh / KMH_PER_MPS,
        heading_deg=None if heading is None else heading % 360,
        altitude_m=None if altitude is None else number(altitude, "alt"),
        battery_percent=from_zero(message.get("batt"), "batt", 100),
        source="manual" if message.get("t") == PRESSED_BY_HAND else "background",
    )
    return None if is_nowhere(latitude, longitude) else found


def _phone(message: Document, user: str | None, device: str | None) -> str:
    named = [part for part in (user, device) if part]
    if not named:
        topic = text(message.get("topic"), "topic") or ""
        named = [part for part in topic.split("/") if part][-2:]
    if not named:
        raise Invalid("topic", "This message does not say which phone it is from.")
    return "/".join(named)
