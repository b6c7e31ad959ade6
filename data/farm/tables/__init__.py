"""A farm has devices that are switched or that measure, schedules that switch them, flocks, and a record of each wish and answer."""

from data.farm.tables._shape import SCHEMA
from data.farm.tables.devices import BrokerLogin, Device, DeviceConfig, Discovery, Farm, Gateway
from data.farm.tables.firmware import (
    OPEN_UPDATES,
    FirmwareRelease,
    FirmwareRollout,
    FirmwareUpdate,
    RolloutStatus,
    UpdateStatus,
)
from data.farm.tables.flocks import FlockBatch, FlockRecord
from data.farm.tables.reports import FarmReport
from data.farm.tables.retention import FarmRetention
from data.farm.tables.schedules import DeviceCommand, Schedule, ScheduleExecution
from data.farm.tables.streams import DeviceMetric, ReadingMetric, SensorReading, StaleMetric
from data.farm.tables.takeover import TakenOver
from data.farm.tables.words import (
    FOR_SAFETY,
    OPEN,
    Commanded,
    CommandStatus,
    CommandType,
    DeviceType,
    Dialect,
    ExecutionStatus,
    Granularity,
    MissedPolicy,
    ScheduleType,
    SwitchAction,
)

__all__ = [
    "FOR_SAFETY", "OPEN", "OPEN_UPDATES", "SCHEMA", "BrokerLogin", "CommandStatus", "CommandType", "Commanded", "Device", "DeviceCommand", "DeviceConfig",
    "DeviceMetric", "DeviceType", "Dialect", "Discovery", "ExecutionStatus", "Farm", "FarmReport", "FarmRetention", "FirmwareRelease", "FirmwareRollout",
    "FirmwareUpdate", "FlockBatch", "FlockRecord", "Gateway",
    "Granularity", "MissedPolicy", "ReadingMetric", "RolloutStatus", "Schedule", "ScheduleExecution", "ScheduleType", "SensorReading", "StaleMetric",
    "SwitchAction", "TakenOver", "UpdateStatus",
]  # fmt: skip
