"""The facts of a report: everything that its pages, its table and its screen say, and nothing besides.

Temperatures are °C, lengths of time minutes, instants UTC. What is not known is None or an empty list, never a zero. What became
known after `as_of` is not in it, so that the same question asked again has the same answer.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from data.cold_chain.reports.minutes import Shares
from data.cold_chain.values import ReportKind, UnitType

FORMAT = "steading.cold_chain.report/1"


class Verdict(StrEnum):
    """What a unit's time amounts to, the worst first."""

    NOTHING_KNOWN = "nothing_known"
    EXCURSIONS_UNANSWERED = "excursions_unanswered"
    EXCURSIONS_ANSWERED = "excursions_answered"
    NOT_FULLY_KNOWN = "not_fully_known"
    IN_LIMITS = "in_limits"


class Calibrated(StrEnum):
    """What a sensor's calibration was worth in that time."""

    VALID = "valid"
    EXPIRED = "expired"
    PARTLY = "partly"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LimitFact:
    """These limits held from then on; None is open."""

    since: datetime
    low_celsius: float | None
    high_celsius: float | None


@dataclass(frozen=True, slots=True)
class ReadingFact:
    """What the unit's own sensor said. `sha256` is over all its readings as they are kept (see drawing_up.py)."""

    count: int
    late_count: int
    sha256: str
    lowest_celsius: float | None
    lowest_at: datetime | None
    highest_celsius: float | None
    highest_at: datetime | None
    average_celsius: float | None
    kinetic_celsius: float | None


@dataclass(frozen=True, slots=True)
class DayFact:
    """One day by the site's own calendar."""

    day: date
    minutes: Shares
    lowest_celsius: float | None
    average_celsius: float | None
    highest_celsius: float | None
    outside_minutes: float


@dataclass(frozen=True, slots=True)
class ActionFact:
    """Somebody did something about it."""

    id: UUID
    acted_at: datetime
    by: str | None
    description: str
    action: str
    photo_sha256: str | None
    alert_id: UUID | None


@dataclass(frozen=True, slots=True)
class ExcursionFact:
    """A stretch outside the limits; `is_confirmed`: longer than the rule excuses. `cause` as a person said it, or as it looks."""

    started_at: datetime
    ended_at: datetime | None
    minutes: float
    outside_minutes: float
    is_above: bool
    limit_celsius: float
    peak_celsius: float
    peak_at: datetime
    degree_minutes: float
    is_confirmed: bool
    cause: str | None
    cause_note: str | None
    cause_by: str | None
    action_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class GapFact:
    """The sensor said nothing; `manual_minutes` of it were covered by hand. `is_missed`: somebody should have measured."""

    starts_at: datetime
    ends_at: datetime
    minutes: int
    manual_minutes: int
    is_missed: bool


@dataclass(frozen=True, slots=True)
class LogFact:
    """A temperature that somebody wrote down; `arrived_at` is when it reached us. A corrected one does not count."""

    id: UUID
    recorded_at: datetime
    arrived_at: datetime
    by: str
    celsius: float
    is_in_limits: bool
    notes: str | None
    photo_sha256: str | None
    is_corrected: bool


@dataclass(frozen=True, slots=True)
class DoorFact:
    """How often and how long the door stood open, and the long openings one by one."""

    openings: int
    open_minutes: float
    longest_minutes: float
    long_openings: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class ToldFact:
    """Who was told by which way, when, and whether it arrived (`read`, `delivered`, `sent`, `failed`, `suppressed`, `pending`)."""

    at: datetime
    who: str
    channel: str
    outcome: str
    outcome_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertFact:
    """An alert and what became of it. `message` is an English template with its values."""

    id: UUID
    kind: str
    severity: str
    message: str
    values: dict[str, object]
    triggered_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    resolved_at: datetime | None
    told: tuple[ToldFact, ...]


@dataclass(frozen=True, slots=True)
class CalibrationFact:
    """A comparison with a reference. `certificate_sha256` is of the certificate's file."""

    calibrated_at: datetime
    expires_at: datetime | None
    by: str | None
    offset_celsius: float
    certificate_sha256: str | None


@dataclass(frozen=True, slots=True)
class SensorFact:
    """A sensor that spoke for the unit, or should have."""

    id: UUID
    name: str
    eui: str
    calibrated: Calibrated
    calibrations: tuple[CalibrationFact, ...]


@dataclass(frozen=True, slots=True)
class UnitFact:
    """One unit's time from `since` until `until`: the part of the report's in which it was in use."""

    id: UUID
    name: str
    unit_type: UnitType
    area: str
    site_id: UUID
    site: str
    time_zone: str
    since: datetime
    until: datetime
    interval_s: float
    verdict: Verdict
    minutes: Shares
    outside_minutes: float
    limits: tuple[LimitFact, ...]
    readings: ReadingFact
    days: tuple[DayFact, ...]
    excursions: tuple[ExcursionFact, ...]
    gaps: tuple[GapFact, ...]
    logs: tuple[LogFact, ...]
    doors: DoorFact
    alerts: tuple[AlertFact, ...]
    actions: tuple[ActionFact, ...]
    sensors: tuple[SensorFact, ...]

    @property
    def confirmed(self) -> tuple[ExcursionFact, ...]:
        return tuple(one for one in self.excursions if one.is_confirmed)

    @property
    def brief(self) -> tuple[ExcursionFact, ...]:
        return tuple(one for one in self.excursions if not one.is_confirmed)

    @property
    def missed(self) -> tuple[GapFact, ...]:
        return tuple(one for one in self.gaps if one.is_missed)


@dataclass(frozen=True, slots=True)
class PersonFact:
    """Who answers for the place, and as what."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A whole report. `first_day` and `last_day` are whole days of each site's own calendar."""

    kind: ReportKind
    organization: str
    scope: str
    scope_name: str
    first_day: date
    last_day: date
    time_zone: str
    as_of: datetime
    made_for: str
    people: tuple[PersonFact, ...]
    units: tuple[UnitFact, ...]
    site_alerts: tuple[AlertFact, ...]
    format: str = FORMAT

    @property
    def minutes(self) -> Shares:
        return sum((unit.minutes for unit in self.units), Shares())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all to report: no unit, or no minute of any."""
        return self.minutes.total == 0
