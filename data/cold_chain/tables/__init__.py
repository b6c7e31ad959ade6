"""Food is kept cold in units; sensors say how warm it is; people answer for it."""

from data.cold_chain.tables.evidence import EntityDashboardLayout, ManualTemperatureLog, PilotFeedback, Report
from data.cold_chain.tables.judging import AlertRule, AlertRuleHistory, Excursion
from data.cold_chain.tables.machines import (
    CalibrationRecord,
    Device,
    Gateway,
    Hub,
    LoraSensor,
    PairingSession,
    TtnConnection,
)
from data.cold_chain.tables.places import Area, Site, Unit
from data.cold_chain.tables.streams import DoorEvent, ReadingMetric, SensorReading, StaleMetric

__all__ = [
    "AlertRule", "AlertRuleHistory", "Area", "CalibrationRecord", "Device", "DoorEvent", "EntityDashboardLayout", "Excursion",
    "Gateway", "Hub", "LoraSensor", "ManualTemperatureLog", "PairingSession", "PilotFeedback", "ReadingMetric", "Report",
    "SensorReading", "Site", "StaleMetric", "TtnConnection", "Unit",
]  # fmt: skip
