"""Which firmware is newer, when a device may be given it, and what its reports make of that."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from data.core.errors import Invalid
from data.farm.rules.commanding import FARM_STOPPED, OFFLINE, OUT_OF_USE

NIGHT_BEGINS_H, NIGHT_ENDS_H = 2, 4
"""By the clock on the farm's wall: nobody works, and the day's heat is gone."""
LEAST_LEFT = timedelta(minutes=15)
"""Of a night that ends sooner than this nothing is begun any more."""
BACK_WITHIN = timedelta(minutes=10)
"""A device that was told must have reported the new version by then; so long does what is wanted now wait to be told, too."""

LATER_WITHIN = timedelta(hours=2)
"""What is wanted at a time that somebody chose waits so long from then on."""
FURTHEST_DAYS = 30

STAGES = (10, 50, 100)
"""Per cent of the boards that have a release before the next ones are given it."""
HEARD_FOR = timedelta(minutes=10)
"""How long those of a stage must have been back before the next stage begins."""

LEAST_REASON, LONGEST_REASON = 10, 500

TOLD_BY: Mapping[str, bool] = MappingProxyType({"tasmota": True, "steading": True, "esphome": False, "home_assistant": False, "gateway": False})
"""Whether a dialect has words for it."""
CANNOT = {
    "esphome": "A device that runs ESPHome gets its firmware from ESPHome itself, not from here.",
    "home_assistant": "What was announced through Home Assistant gets its firmware where it was set up, not from here.",
    "gateway": "Devices behind a gateway get their firmware at the gateway, not from here.",
}
OTHER_KIND = "This firmware is for devices of another model."
RUNS_ALREADY = "The device runs this version already."
RUNS_NEWER = "The device runs {version}, which is newer."
UNDER_WAY = "This device, or another output of the same board, is being given new firmware already."
IS_ASKED = "The device has not answered yet what it was asked last. Wait until it has."
IS_ON = "It is on, and animals live on this farm. It would stand still for a few minutes: say first that it may."
WAS_ON = "It was on all the time, and animals live on this farm."
WAS_ASKED = "The device had something else to do all the time."
WAS_NOT_TOLD = "The message broker could not be reached."
CAME_BACK_OLD = "It came back with the version from before ({version})."
DID_NOT_COME_BACK = "It did not report the new version within {minutes} minutes."
SAYS_IT_FAILED = "The device says: {reason}"
BY_HAND = "It was called off."

_PARTS = re.compile(r"\d+")
_MINIMAL = "minimal"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,49}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for and against giving a device new firmware. `is_on`: an output of its board is on, or may be; `is_asked`: an
    open command stands at one of them; `is_under_way`: another update does."""

    dialect: str
    model: str | None
    runs: str | None = None
    is_active: bool = True
    is_online: bool = True
    is_stopped: bool = False
    is_on: bool = False
    has_animals: bool = False
    is_asked: bool = False
    is_under_way: bool = False


def core(version: str) -> str:
    """A version without what its builder wrote behind it: `14.3.0` of `14.3.0(release-tasmota)`."""
    return version.strip().partition("(")[0].strip()


def runs(said: str | None, wanted: str) -> bool:
    """Whether what a device says it runs is this release. The small one that Tasmota installs on the way is not."""
    if said is None or (_MINIMAL in said.lower() and _MINIMAL not in wanted.lower()):
        return False
    return said.strip() == wanted.strip() or core(said) == wanted.strip()


def is_newer(version: str, than: str | None) -> bool:
    """By its numbers from left to right; where there are none, whatever is other is newer."""
    if than is None:
        return True
    one, other = _numbers(version), _numbers(than)
    return one > other if one and other else core(version) != core(than)


def goes_back(said: str | None, wanted: str) -> bool:
    """Whether a device that says what it runs would run something older."""
    return said is not None and not runs(said, wanted) and not is_newer(wanted, said)


def reason_to_go_back(text: str) -> str:
    """Why a device shall run an older version, tidied; Invalid('older_because') where it says nothing."""
    because = " ".join(text.split())
    if not LEAST_REASON <= len(because) <= LONGEST_REASON:
        raise Invalid("older_because", "Say why, in {least} to {most} characters: it stays in the event log.", least=LEAST_REASON, most=LONGEST_REASON)
    return because


def _numbers(version: str) -> tuple[int, ...]:
    found = [int(part) for part in _PARTS.findall(core(version).partition("+")[0])]
    while found and found[-1] == 0:  # 2.0 is 2
        found.pop()
    return tuple(found)


One = TypeVar("One")


def newest(releases: Sequence[tuple[str, One]]) -> One | None:
    """The release with the highest version, of (version, release)."""
    best: tuple[str, One] | None = None
    for version, release in releases:
        if best is None or is_newer(version, best[0]):
            best = version, release
    return best[1] if best else None


def release(*, model: str, dialect: str, version: str, url: str, size_bytes: int | None, sha256: str | None) -> dict[str, Any]:
    """A release as it may be kept. Invalid names the field."""
    if not model.strip():
        raise Invalid("model", "Say for which model it is, as it stands at the devices.")
    if not TOLD_BY.get(dialect):
        raise Invalid("dialect", "Devices of this kind cannot be given firmware from here.")
    if not _VERSION.fullmatch(version.strip()):
        raise Invalid("version", "A version is written like 14.3.0.")
    parts = urlsplit(url.strip())
    is_near = dialect == "tasmota" and parts.scheme == "http" and _is_of_the_house(parts.hostname or "")
    if not (parts.scheme == "https" or is_near) or not parts.hostname or parts.username or len(url) > 500 or re.search(r"[\s\x00-\x1f;]", url.strip()):
        raise Invalid("url", "Give the address of the file. It begins with https://, or for Tasmota with http:// and an address of the house's own network.")
    if size_bytes is not None and not 0 < size_bytes <= 100_000_000:
        raise Invalid("size_bytes", "A file of firmware has up to 100,000,000 bytes.")
    digest = (sha256 or "").strip().lower() or None
    if digest and not _SHA256.fullmatch(digest):
        raise Invalid("sha256", "A SHA-256 has 64 digits from 0 to 9 and a to f.")
    if dialect == "steading":  # this dialect's devices check both
        if size_bytes is None:
            raise Invalid("size_bytes", "These devices check the size of the file. Give it.")
        if digest is None:
            raise Invalid("sha256", "These devices check the file's SHA-256. Give it.")
    return {"model": model.strip(), "version": version.strip(), "url": url.strip(), "size_bytes": size_bytes, "sha256": digest}


def _is_of_the_house(host: str) -> bool:
    """Whether a file there does not travel beyond the house's own network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower().endswith(".local")
    return address.is_private and not (address.is_loopback or address.is_link_local or address.is_unspecified)


def fits(model: str, dialect: str, standing: Standing) -> bool:
    """Whether a release is for such devices."""
    return dialect == standing.dialect and standing.model is not None and model.lower() == standing.model.strip().lower()


def refusal_to_update(
    standing: Standing, *, model: str, dialect: str, version: str, tonight: bool = False, may_be_on: bool = False, may_be_older: bool = False,
) -> tuple[str, dict[str, Any]] | None:
    """Why this device is not given this release. What may be otherwise by tonight is no reason against tonight."""
    checks: list[tuple[bool, str, dict[str, Any]]] = [
        (not TOLD_BY[standing.dialect], CANNOT.get(standing.dialect, OTHER_KIND), {}),
        (not fits(model, dialect, standing), OTHER_KIND, {}),
        (not standing.is_active, OUT_OF_USE, {}),
        (runs(standing.runs, version), RUNS_ALREADY, {}),
        (goes_back(standing.runs, version) and not may_be_older, RUNS_NEWER, {"version": standing.runs}),
        (standing.is_under_way, UNDER_WAY, {}),
    ]
    if not tonight:
        checks += [
            (standing.is_stopped, FARM_STOPPED, {}),
            (not standing.is_online, OFFLINE, {}),
            (standing.is_asked, IS_ASKED, {}),
            (standing.is_on and standing.has_animals and not may_be_on, IS_ON, {}),
        ]
    return next(((words, values) for is_so, words, values in checks if is_so), None)


def why_not_told(standing: Standing, *, may_be_on: bool) -> tuple[str, dict[str, Any]]:
    """What kept a device from being told until its time was over."""
    if not standing.is_active:
        return OUT_OF_USE, {}
    if standing.is_stopped:
        return FARM_STOPPED, {}
    if not standing.is_online:
        return OFFLINE, {}
    if standing.is_on and standing.has_animals and not may_be_on:
        return WAS_ON, {}
    return (WAS_ASKED if standing.is_asked else WAS_NOT_TOLD), {}


def night(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The night that goes on or comes next: from 02:00 until 04:00 by the farm's clock, whichever way that is put that night."""
    today = at.astimezone(zone).date()
    for day in (today, today + timedelta(days=1)):
        begins, ends = (
            datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(at.tzinfo) for hour in (NIGHT_BEGINS_H, NIGHT_ENDS_H)
        )
        if ends - at >= LEAST_LEFT:
            return max(begins, at), ends
    raise AssertionError("a day has a night")


def hours(at: datetime, zone: ZoneInfo, *, tonight: bool = False, begins_at: datetime | None = None) -> tuple[datetime, datetime]:
    """Between which instants a device is told what was asked at `at`: at once, in the night, or from `begins_at` on. Invalid('begins_at')."""
    if begins_at is not None:
        if not at <= begins_at <= at + timedelta(days=FURTHEST_DAYS):
            raise Invalid("begins_at", "Choose a time from now on, within {days} days.", days=FURTHEST_DAYS)
        return begins_at, begins_at + LATER_WITHIN
    return night(at, zone) if tonight else (at, at + BACK_WITHIN)


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of an update: `restarting`, `done` or `failed`, and why."""

    status: str
    error: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


def after_version(status: str, *, said: str, wanted: str, before: str | None) -> Course | None:
    """A device reports what it runs. One that has installed it and then says the old version has gone back to it."""
    if runs(said, wanted):
        return Course("done")
    if status == "restarting" and before is not None and said == before:
        return Course("failed", CAME_BACK_OLD, {"version": said})
    return None


def after_answer(status: str, *, is_installed: bool, error: str | None) -> Course | None:
    """A device says itself whether it could install it."""
    if not is_installed:
        return Course("failed", SAYS_IT_FAILED, {"reason": error or "?"})
    return Course("restarting") if status != "restarting" else None


def stage_size(total: int, stage: int) -> int:
    """How many boards have a turn up to and with this stage, 1 to 3; at least one."""
    return -(-total * STAGES[stage - 1] // 100)


@dataclass(frozen=True, slots=True)
class Member:
    """A board in a roll-out: what became of its last update (None: none yet), whether it was told, since when it is over, whether it
    is heard. `needs_none`: it runs the release or cannot be given it any more."""

    status: str | None = None
    was_told: bool = False
    ended_at: datetime | None = None
    is_online: bool = True
    needs_none: bool = False

    @property
    def has_failed(self) -> bool:
        """It was told and did not come back as it should."""
        return self.status in ("failed", "timeout") and (self.was_told or self.status == "failed")

    @property
    def is_to_be_asked(self) -> bool:
        """It was not asked yet, or its night went by without its being told."""
        return not self.needs_none and (self.status is None or (self.status == "timeout" and not self.was_told))

    def is_settled(self, at: datetime) -> bool:
        """The next stage need not wait for it."""
        if self.status == "done":
            return self.is_online and self.ended_at is not None and at - self.ended_at >= HEARD_FOR
        return self.status == "canceled" or (self.needs_none and self.status in (None, "timeout"))
