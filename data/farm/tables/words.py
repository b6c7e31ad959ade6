"""The words that rows of this domain are made of."""

from enum import StrEnum


class DeviceType(StrEnum):
    """How a device acts or measures; relays and sensors are spoken with today."""

    GPIO = "gpio"
    RELAY = "relay"
    PWM = "pwm"
    ADC = "adc"
    SERVO = "servo"
    SENSOR = "sensor"


class CommandStatus(StrEnum):
    """A wish's way: waiting, handed to the broker, taken up by the device, and one of its ends. `expired`: it waited too long for
    a device that was away, and is not obeyed any more."""

    QUEUED = "queued"
    SENT = "sent"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN = (CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.EXECUTING)


class ScheduleType(StrEnum):
    TIME = "time_based"
    DURATION = "duration_based"
    CONDITION = "condition_based"


class SwitchAction(StrEnum):
    ON = "on"
    OFF = "off"
    TOGGLE = "toggle"


class ExecutionStatus(StrEnum):
    PENDING = "pending"
    EXECUTED = "executed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


class CommandType(StrEnum):
    """What a device may be asked: outputs on, off and toggle; pwm a value 0–255 or a speed 0–100 %; a servo an angle 0–180°."""

    ON = "on"
    OFF = "off"
    TOGGLE = "toggle"
    SET_VALUE = "set_value"
    SET_ANGLE = "set_angle"
    SET_SPEED = "set_speed"


class Dialect(StrEnum):
    """How a device is spoken with."""

    TASMOTA = "tasmota"
    ESPHOME = "esphome"
    HOME_ASSISTANT = "home_assistant"
    STEADING = "steading"
    """Topics `farm/{farm}/devices/{device}/…`, as the seed lays them down."""
    GATEWAY = "gateway"
    """A gateway in the house, which asks over HTTP."""


class MissedPolicy(StrEnum):
    """What is done about a run that fell into an outage."""

    SKIP = "skip"
    RUN_LATE = "run_late"
    RECONCILE = "reconcile"
    """Bring the device to the state it should be in by now."""


class Commanded(StrEnum):
    """On whose behalf a device is asked."""

    PERSON = "person"
    SCHEDULE = "schedule"
    EMERGENCY = "emergency"
    GUARD = "guard"
    """The longest time it may be on is over, its start state is restored, or its sensor fell silent."""


FOR_SAFETY = (Commanded.EMERGENCY, Commanded.GUARD)
"""What keeps animals and people safe, and is called off by nobody."""


class Granularity(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
