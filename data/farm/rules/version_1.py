"""What an installation of version 1 was, in the words of today: pure, row by row, with a reason for whatever cannot be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from data.core.errors import Invalid
from data.farm.rules.settings import setting
from data.identity.phones import dialled

SECRETS = ("password", "key")
"""A hash of bcrypt cannot be used here, and the key to sign up with opens nothing any more: neither is kept."""
FEED_S, PUMP_S = 900, 300
"""How long a feeder and a pump run where nothing is said: version 1 did not say it."""
LIMITS = (("temp_min", "temp_threshold_low"), ("temp_max", "temp_threshold_high"),
          ("hum_min", "humidity_threshold_low"), ("hum_max", "humidity_threshold_high"))  # fmt: skip
UNITS = {"temp": "°C", "hum": "%"}


@dataclass(frozen=True, slots=True)
class Person:
    """One who signed in there. Without a phone number that can be read they are invited and give an address."""

    source_id: str
    name: str
    phone: str | None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One schedule. `device` is which of the devices it switches: lights, feeder or water."""

    part: str
    device: str
    cron: str | None = None
    start: time | None = None
    end: time | None = None
    on_s: int | None = None
    off_s: int | None = None


@dataclass(frozen=True, slots=True)
class House:
    """One row of the flat table: its schedules, its limits, and what of it cannot be taken over (column → why)."""

    source_id: str
    plans: Sequence[Plan] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it is remembered: everything but its secrets, in words that JSON has."""
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else repr(value) for name, value in row.items() if name not in SECRETS}


def person(user: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Person:
    """Somebody, with the profile's newer words before the user's own."""
    written = str((profile or {}).get("phone_number") or user.get("phone_number") or "").strip()
    phone = dialled(written)
    remark = f"the phone number {written} cannot be read" if written and phone is None else None
    return Person(str(user["id"]), str(user["username"]).strip(), phone, remark)


def house(row: Mapping[str, Any]) -> House:
    """Lights, feeding, watering and limits, each on its own: what is wrong with one keeps no other back."""
    plans: list[Plan] = []
    refused: dict[str, str] = {}
    for read in (_lights, _feeding, _watering):
        found, faults = read(row)
        plans += found
        refused |= faults
    limits: dict[str, float] = {}
    for column, name in LIMITS:
        if (value := row.get(column)) is not None:
            try:
                limits[name] = setting("sensor", name, value, unit=UNITS[column.split("_")[0]], others=limits).value
            except Invalid as reason:
                refused[column] = f"{value}: {reason}"
    return House(str(row["id"]), plans, limits, refused)


Read = tuple[list[Plan], dict[str, str]]


def _lights(row: Mapping[str, Any]) -> Read:
    written = {name: str(row[name]) for name in ("lighting_start", "lighting_end") if row.get(name) not in (None, "")}
    times = {name: clock(words) for name, words in written.items()}
    refused = {name: f"{written[name]} is not a time of day" for name, found in times.items() if found is None}
    if not written or refused:
        return [], refused
    if len(written) == 1:
        (name,) = written
        return [], {name: "the other end is missing"}
    if times["lighting_start"] == times["lighting_end"]:
        return [], {"lighting_end": "it ends when it begins"}
    return [Plan("lighting", "lights", start=times["lighting_start"], end=times["lighting_end"])], {}


def _feeding(row: Mapping[str, Any]) -> Read:
    words = [part.strip() for part in str(row.get("feeding_times") or "").split(",") if part.strip()]
    times = {word: clock(word) for word in words}
    wrong = [word for word, found in times.items() if found is None]
    hours: dict[int, set[int]] = {}
    for found in filter(None, times.values()):
        hours.setdefault(found.minute, set()).add(found.hour)
    plans = [
        Plan(f"feeding at minute {minute}", "feeder", cron=f"{minute} {','.join(map(str, sorted(at)))} * * *", on_s=FEED_S)
        for minute, at in sorted(hours.items())
    ]
    return plans, {"feeding_times": f"{', '.join(wrong)}: not a time of day"} if wrong else {}


def _watering(row: Mapping[str, Any]) -> Read:
    value = row.get("water_interval")
    if value in (None, "", 0):
        return [], {}
    try:
        minutes = int(str(value))
    except ValueError:
        minutes = 0
    if not 1 <= minutes <= 24 * 60:
        return [], {"water_interval": f"{value} is not a number of minutes between 1 and 1440"}
    on_s = min(PUMP_S, minutes * 30)
    return [Plan("watering", "water", on_s=on_s, off_s=minutes * 60 - on_s)], {}


def clock(written: str) -> time | None:
    """HH:MM, a second's part is let go; None when it is no time of day."""
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})(?::\d{2})?\s*", written)
    return time(int(found[1]), int(found[2])) if found and int(found[1]) < 24 and int(found[2]) < 60 else None
