"""ChirpStack v4 posts what its gateways heard of a LoRaWAN sensor, what the sensor says of its battery, and that it joined."""

from datetime import datetime, timedelta

from data.cold_chain.values import GatewayHeard, Measurement, normalise_eui
from data.core.errors import Invalid
from jobs.codecs.fields import Document, believable, document, instant, items, mapping, number, text
from jobs.codecs.spellings import Fields, Told

OLDEST = timedelta(days=365)
UP, JOIN, STATUS = "up", "join", "status"
ALSO_SENT = frozenset({"ack", "txack", "log", "location", "integration"})
"""What says nothing of a sensor that we keep."""


def measurement(body: bytes | str | Document, event: str | None, *, now: datetime) -> Measurement | None:
    """One event (`?event=` names which); None for those that say nothing of the sensor. Raises Invalid with the field's path."""
    message = document(body)
    if event in ALSO_SENT:
        return None
    if event not in (UP, JOIN, STATUS):
        raise Invalid("event", "This must be up, join, status, ack, txack, log, location or integration.")
    device = mapping(message.get("deviceInfo"), "deviceInfo")
    eui = normalise_eui(device.get("devEui"), "deviceInfo.devEui")
    name = text(device.get("deviceName"), "deviceInfo.deviceName")
    at = now
    if message.get("time") is not None:
        at = believable(instant(message["time"], "time"), "time", now=now, oldest=now - OLDEST)
    if event == JOIN:
        return Measurement(eui, at, now, device_name=name, model=_model(device), has_joined=True)
    if event == STATUS:
        return Measurement(eui, at, now, battery_percent=_battery(message), device_name=name, model=_model(device))
    return _uplink(message, device, eui, at, now)


def _uplink(message: Document, device: Document, eui: str, at: datetime, now: datetime) -> Measurement:
    told = Told(Fields(mapping(message.get("object"), "object"), "object"))
    gateways = _gateways(items(message.get("rxInfo"), "rxInfo"))
    celsius, fault = told.temperature()
    probe_celsius, probe_fault = told.probe()
    percent, volts = told.battery()
    return Measurement(
        device_eui=eui,
        recorded_at=at,
        received_at=now,
        temperature_celsius=celsius,
        humidity_percent=told.humidity(),
        battery_percent=percent,
        battery_v=volts,
        door_is_open=told.door(),
        signal_dbm=max((one.signal_dbm for one in gateways if one.signal_dbm is not None), default=None),
        counter=None if message.get("fCnt") is None else int(number(message["fCnt"], "fCnt", 0, 2**32 - 1)),
        device_name=text(device.get("deviceName"), "deviceInfo.deviceName"),
        raw_payload=text(message.get("data"), "data"),
        fault=fault,
        probe_celsius=probe_celsius,
        probe_fault=probe_fault,
        door_open_count=told.openings(),
        door_open_s=told.last_open_s(),
        port=None if message.get("fPort") is None else int(number(message["fPort"], "fPort", 0, 255)),
        model=_model(device) or told.model(),
        gateways=tuple(one for one in gateways if one.gateway_id),
    )


def _model(device: Document) -> str | None:
    """A tag `model` says it best; else what the profile is called, which often is the model."""
    tags = mapping(device.get("tags"), "deviceInfo.tags")
    tagged = text(tags.get("model"), "deviceInfo.tags.model")
    return tagged or text(device.get("deviceProfileName"), "deviceInfo.deviceProfileName")


def _battery(message: Document) -> float | None:
    """Percent, unless the sensor cannot tell, or hangs on the mains."""
    if message.get("batteryLevelUnavailable") is True or message.get("externalPowerSource") is True:
        return None
    return None if message.get("batteryLevel") is None else number(message["batteryLevel"], "batteryLevel", 0, 100)


def _gateways(heard: list[Document]) -> list[GatewayHeard]:
    found = []
    for index, gateway in enumerate(heard):
        signal = gateway.get("rssi")
        read = None if signal is None else round(number(signal, f"rxInfo[{index}].rssi", -200, 100))
        named = text(gateway.get("gatewayId"), f"rxInfo[{index}].gatewayId")
        found.append(GatewayHeard(named or "", named.upper() if named else None, read))
    return found
