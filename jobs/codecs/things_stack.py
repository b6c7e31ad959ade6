"""A LoRaWAN sensor is heard by several gateways, and The Things Stack v3 posts what it said, in its decoder's words."""

from datetime import datetime, timedelta

from data.cold_chain.values import GatewayHeard, Measurement, normalise_eui
from jobs.codecs.fields import Document, believable, document, instant, items, mapping, number, text
from jobs.codecs.spellings import Fields, Told

OLDEST = timedelta(days=365)
NOT_A_GATEWAY = "packetbroker"
"""Other networks hand on what their gateways heard, and all of these are called so."""


def measurement(body: bytes | str | Document, *, now: datetime) -> Measurement | None:
    """One uplink as The Things Stack posts it (JSON text, or already parsed), or that a sensor joined; None for any other event.

    The decoder's fields come first, then the network's `normalized_payload`. Nothing measured is not refused:
    such a message still says that the sensor lives. An absent `f_cnt` stays None, since the network omits zeros
    and so a first frame and a hand-made one look alike. Raises Invalid with the field's path as it was sent.
    """
    message = document(body)
    if message.get("join_accept") is not None:
        return _join(message, now)
    kind = next((name for name in ("uplink_message", "uplink_normalized") if message.get(name) is not None), None)
    if kind is None:
        return None
    uplink = mapping(message[kind], kind)
    device = mapping(message.get("end_device_ids"), "end_device_ids")
    told = _told(uplink, kind)
    received_at, recorded_at = _times(message, uplink, kind, told, now)
    gateways = _gateways(items(uplink.get("rx_metadata"), f"{kind}.rx_metadata"), f"{kind}.rx_metadata")
    celsius, fault = told.temperature()
    probe_celsius, probe_fault = told.probe()
    percent, volts = told.battery()
    return Measurement(
        device_eui=normalise_eui(device.get("dev_eui"), "end_device_ids.dev_eui"),
        recorded_at=recorded_at,
        received_at=received_at,
        temperature_celsius=celsius,
        humidity_percent=told.humidity(),
        battery_percent=percent if percent is not None or volts is not None else _last_battery(uplink, kind),
        battery_v=volts,
        door_is_open=told.door(),
        signal_dbm=max((one.signal_dbm for one in gateways if one.signal_dbm is not None), default=None),
        counter=_whole(uplink.get("f_cnt"), f"{kind}.f_cnt", 2**32 - 1),
        device_name=text(device.get("device_id"), "end_device_ids.device_id"),
        raw_payload=text(uplink.get("frm_payload"), f"{kind}.frm_payload"),
        simulated=message.get("simulated") is True or uplink.get("simulated") is True,
        fault=fault,
        probe_celsius=probe_celsius,
        probe_fault=probe_fault,
        door_open_count=told.openings(),
        door_open_s=told.last_open_s(),
        port=_whole(uplink.get("f_port"), f"{kind}.f_port", 255),
        model=_model(uplink, kind) or told.model(),
        gateways=tuple(one for one in gateways if one.gateway_id and one.gateway_id != NOT_A_GATEWAY),
    )


def _join(message: Document, now: datetime) -> Measurement:
    device = mapping(message.get("end_device_ids"), "end_device_ids")
    accepted = mapping(message["join_accept"], "join_accept")
    received = _at(message.get("received_at"), "received_at", now, now)
    return Measurement(
        device_eui=normalise_eui(device.get("dev_eui"), "end_device_ids.dev_eui"),
        recorded_at=_at(accepted.get("received_at"), "join_accept.received_at", received, now),
        received_at=received,
        device_name=text(device.get("device_id"), "end_device_ids.device_id"),
        has_joined=True,
    )


def _told(uplink: Document, kind: str) -> Told:
    path = f"{kind}.normalized_payload"
    normalized = uplink.get("normalized_payload")
    entries = items(normalized, path)
    paths = [f"{path}[{index}]" if isinstance(normalized, list) else path for index in range(len(entries))]
    decoded = Fields(mapping(uplink.get("decoded_payload"), f"{kind}.decoded_payload"), f"{kind}.decoded_payload")
    return Told(decoded, tuple(Fields(entry, at) for entry, at in zip(entries, paths, strict=True)))


def _at(value: object, field: str, otherwise: datetime, now: datetime) -> datetime:
    if value is None:
        return otherwise
    return believable(instant(value, field), field, now=now, oldest=now - OLDEST)


def _times(message: Document, uplink: Document, kind: str, told: Told, now: datetime) -> tuple[datetime, datetime]:
    """When the network passed it on, and when the sensor spoke: its own clock if told, else the first server's."""
    received = _at(message.get("received_at"), "received_at", now, now)
    recorded = _at(uplink.get("received_at"), f"{kind}.received_at", received, now)
    clock = next((found for fields in told.normalized if (found := fields.find(("time",)))), None)
    return received, _at(clock[1], clock[0], recorded, now) if clock else recorded


def _last_battery(uplink: Document, kind: str) -> float | None:
    """What the sensor told its network (not us) of its battery."""
    path = f"{kind}.last_battery_percentage"
    value = mapping(uplink.get("last_battery_percentage"), path).get("value")
    return None if value is None else number(value, f"{path}.value", 0, 100)


def _model(uplink: Document, kind: str) -> str | None:
    """Which model it was registered as at its network."""
    path = f"{kind}.version_ids"
    version = mapping(uplink.get("version_ids"), path)
    return text(version.get("model_id"), f"{path}.model_id")


def _gateways(heard: list[Document], path: str) -> list[GatewayHeard]:
    found = []
    for index, gateway in enumerate(heard):
        at = f"{path}[{index}]"
        name = "rssi" if gateway.get("rssi") is not None else "channel_rssi"
        signal = None if gateway.get(name) is None else round(number(gateway[name], f"{at}.{name}", -200, 100))
        named = mapping(gateway.get("gateway_ids"), f"{at}.gateway_ids")
        gateway_id = text(named.get("gateway_id"), f"{at}.gateway_ids.gateway_id")
        eui = text(named.get("eui"), f"{at}.gateway_ids.eui")
        found.append(GatewayHeard(gateway_id or eui or "", eui.upper() if eui else None, signal))
    return found


def _whole(value: object, field: str, most: int) -> int | None:
    return None if value is None else int(number(value, field, 0, most))
