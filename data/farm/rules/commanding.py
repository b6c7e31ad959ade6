"""What a farm's device may be asked, how long a wish waits, what answers it, and what is said when it cannot be."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

from data.core.errors import Invalid
from data.farm.values import FULL, Calibration

ANSWER_WITHIN = timedelta(seconds=30)
"""How long a device may take to confirm what it was asked."""
SILENT_AFTER = timedelta(minutes=11)
"""Devices speak every five minutes; twice missed and a little more is gone, even where the broker has not noticed."""
WAITS = timedelta(minutes=10)
"""How long a wish waits for a device that is away, unless its setting `wait_offline_s` says otherwise."""
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When a wish expires that waits for as long as it takes: an emergency stop, a limit that is over."""
RETRIES_S = (1, 2, 4, 8, 16)
"""How long to wait before each further attempt at handing a wish over."""
FRESH = timedelta(minutes=1)
"""A state that is told later than this is history, and no answer."""
MOST_DEVICES = 100
"""On one farm."""

NO_ANSWER = "The device did not answer within {seconds} seconds."
NOT_SENT = "The message broker could not be reached for {seconds} seconds."
REPLACED = "Something else was asked before the device answered."
OFFLINE = "The device is offline. Check its power and its network, then try again."
OUT_OF_USE = "The device is out of use."
NOT_SWITCHED = "This device only measures; it cannot be switched."
STATE_UNKNOWN = "It is not known whether the device is on, so it cannot be toggled."
NOT_THIS = "A device of this kind cannot do this."
FARM_STOPPED = "Everything on this farm is stopped. Let it go on first."
TOO_LATE = "The device was away for too long, so this is not done any more."
CALLED_OFF = "It was called off."
NOT_CALLED_OFF = "This keeps animals and people safe, so it cannot be called off."
GOES_ON = "The farm goes on, so this is not needed any more."
REFUSED_BY_DEVICE = "The device says that it could not: {reason}"
DID_SOMETHING_ELSE = "The device says that it did something else."
REMOVED = "The device was removed."

TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", re.ASCII)
COMMON_TOPICS = frozenset({"tasmotas", "sonoffs"})

_SWITCHED = frozenset({"on", "off", "toggle"})
COMMANDS: Mapping[str, frozenset[str]] = MappingProxyType({
    "gpio": _SWITCHED,
    "relay": _SWITCHED,
    "pwm": _SWITCHED | {"set_value", "set_speed"},
    "servo": frozenset({"set_angle"}),
    "adc": frozenset(),
    "sensor": frozenset(),
})  # fmt: skip
"""What each kind of device may be asked."""
SWITCHED = tuple(sorted(kind for kind, commands in COMMANDS.items() if "off" in commands))
"""The kinds that an emergency switches off."""

NEXT: Mapping[str, frozenset[str]] = MappingProxyType({
    "queued": frozenset({"sent", "executing", "completed", "failed", "canceled", "expired"}),
    "sent": frozenset({"executing", "completed", "failed", "timeout"}),
    "executing": frozenset({"completed", "failed", "timeout"}),
})  # fmt: skip
"""A wish's way. A device may be at it, or done, before the note of sending is written: then both are written at once."""

VITAL = frozenset({"air", "local_fire_department"})
"""Pictures of what keeps animals alive: fans and heaters."""


class Urgency(IntEnum):
    """The higher goes first."""

    STOP = 10
    HIGH = 5
    NORMAL = 0
    LOW = -5


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device's own settings allow for a setting."""

    low: Decimal | None = None
    high: Decimal | None = None


def refusal_to_switch(*, is_switched: bool, is_active: bool, is_online: bool) -> str | None:
    """Why this device would not switch at once, as a template for its reader; None when it would."""
    if not is_switched:
        return NOT_SWITCHED
    if not is_active:
        return OUT_OF_USE
    return None if is_online else OFFLINE


def check_kind(device_type: str, command: str) -> None:
    """Invalid('command_type') where devices of this type cannot be asked this."""
    allowed = COMMANDS[device_type]
    if command not in allowed:
        raise Invalid("command_type", NOT_THIS if allowed else NOT_SWITCHED)


def value_asked(command: str, value: float | Decimal | None, limits: Limits | None = None) -> Decimal | None:
    """The value of a setting, within its range and the device's own limits; None for on, off and toggle. Invalid('value')."""
    if command in _SWITCHED:
        if value is not None:
            raise Invalid("value", "Only a setting takes a value.")
        return None
    if value is None:
        raise Invalid("value", "Say to what it shall be set.")
    if isinstance(value, bool) or not math.isfinite(value):
        raise Invalid("value", "This is not a number.")
    asked, full = Decimal(str(value)), Decimal(str(FULL[command]))
    limits = limits or Limits()
    low, high = max(Decimal(0), limits.low or Decimal(0)), min(full, full if limits.high is None else limits.high)
    # Off is always allowed: a limit keeps a fan from turning too slowly, not from standing still.
    if not low <= asked <= high and not (asked == 0 and command != "set_angle"):
        raise Invalid("value", "{value} is not between {low} and {high}.", value=_short(asked), low=_short(low), high=_short(high))
    if command == "set_value" and asked != asked.to_integral_value():
        raise Invalid("value", "A whole number is needed here.")
    return round(asked, 2)


def energizes(command: str, value: float | Decimal | None) -> bool:
    """Whether something runs because of it: what is not allowed while a farm is stopped."""
    return command in ("on", "toggle") if value is None else command == "set_angle" or value > 0


def resolved(command: str, *, is_on: bool | None) -> str | None:
    """A toggle as on or off, so that handing it over twice does no harm; None where nobody knows which."""
    if command != "toggle":
        return command
    return None if is_on is None else "off" if is_on else "on"


def answers(command: str, value: float | Decimal | None, *, is_on: bool, reported: float | Decimal | None) -> bool:
    """Whether a device that says this of itself has done what was asked. A setting may differ by a hundredth of its whole."""
    if command in ("on", "off"):
        return is_on is (command == "on")
    if value is None:
        return False
    if reported is None:
        return value == 0 and not is_on and command != "set_angle"
    return abs(float(reported) - float(value)) <= FULL[command] / 100 and (command == "set_angle" or is_on is (value > 0))


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts that failed; None when enough were made."""
    return timedelta(seconds=RETRIES_S[attempts - 1]) if 1 <= attempts <= len(RETRIES_S) else None


def calibrated(value: Decimal, by: Calibration | None) -> Decimal:
    """What is true, from what was measured; or what to send, from what is wanted."""
    return value if by is None else value * by.scale + by.offset


def uncalibrated(value: Decimal, by: Calibration | None) -> Decimal:
    """The way back: what was wanted, from what a device says it is set to."""
    return value if by is None else (value - by.offset) / by.scale


def is_vital(icon: str | None, configured: object) -> bool:
    """Whether animals die without it: fans and heaters, unless its setting `is_vital` says otherwise."""
    return configured if isinstance(configured, bool) else icon in VITAL


def topic_of(text: str, *, field: str = "topic") -> str:
    """A topic that names one device and nobody else's; Invalid(field) otherwise. One level, so that it contains no other."""
    topic = text.strip()
    if not TOPIC.fullmatch(topic):
        raise Invalid(field, "A topic has 1 to 50 letters, digits, hyphens and underscores.")
    if topic.lower() in COMMON_TOPICS:
        raise Invalid(field, "All devices listen to {topic}. Choose a topic of its own.", topic=topic)
    return topic


def _short(value: Decimal) -> str:
    return format(value.normalize(), "f")
