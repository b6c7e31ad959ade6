"""What can be wrong with a farm's device, as it is told to the alerts."""

from data.alerts.commands import Trouble
from data.alerts.tables import Severity
from data.farm.tables import Device

OFFLINE_ALERT = "device_offline"
NO_ANSWER_ALERT = "device_silent"
CONNECTION_ALERT = "device_unreachable"
REFUSED_ALERT = "device_refused"
TOO_LONG_ALERT = "device_on_too_long"
BATTERY_ALERT = "low_battery"
FIRMWARE_ALERT = "firmware_available"
UPDATE_ALERT = "firmware_failed"
METER_ALERT = "device_contradicted"

ANSWERS_END = (NO_ANSWER_ALERT, CONNECTION_ALERT, REFUSED_ALERT)
"""What is over when a device does what it is asked."""


def trouble(
    device: Device, alert_type: str, severity: Severity, message: str, *, zone: str | None = None, threshold: float | None = None,
    actual: float | None = None, **values: object,
) -> Trouble:  # fmt: skip
    """Something is wrong with this device. `zone` is its farm's, for the quiet hours there."""
    return Trouble(
        subject_kind="farm.devices", subject_id=device.id, subject_name=device.name, alert_type=alert_type,
        severity=severity, message=message, values=dict(values), permission="farm.view", scope_id=device.farm_id,
        href=f"/farm/devices/{device.id}", time_zone=zone, threshold_value=threshold, actual_value=actual,
    )  # fmt: skip
