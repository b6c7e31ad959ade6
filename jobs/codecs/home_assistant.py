"""Devices announce themselves as Home Assistant has it: each thing on `<prefix>/<component>/[<node>/]<object>/config`, or all on one.

The prefix is `homeassistant`, or `farm/<farm>/homeassistant` for one farm. Keys may be shortened, topics may start or end with `~`.
Templates are understood where they only name a value; a thing with any other is left out by its name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from data.core.errors import Invalid
from data.farm.announced import Announcement, Availability, Part
from data.farm.rules.topics import RESERVED
from jobs.codecs.fields import Document, document, items, mapping, number, text

TOPIC = re.compile(
    r"(?:farm/(?P<farm>[^/]+)/)?homeassistant/(?P<component>\w{1,50})/(?:(?P<node>[A-Za-z0-9_-]{1,100})/)?(?P<object>[A-Za-z0-9_-]{1,100})/config"
)
LARGEST, MOST_PARTS = 20_000, 60
LONGEST_TOPIC = 200

SHORT = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic", "avty_tpl": "availability_template",
    "bri_cmd_t": "brightness_command_topic", "bri_scl": "brightness_scale", "bri_stat_t": "brightness_state_topic",
    "bri_val_tpl": "brightness_value_template", "cmd_t": "command_topic", "cmd_tpl": "command_template", "cmps": "components",
    "dev": "device", "dev_cla": "device_class", "ent_cat": "entity_category", "o": "origin", "p": "platform",
    "pct_cmd_t": "percentage_command_topic", "pct_cmd_tpl": "percentage_command_template", "pct_stat_t": "percentage_state_topic",
    "pct_val_tpl": "percentage_value_template", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off", "pl_on": "payload_on", "spd_rng_max": "speed_range_max", "spd_rng_min": "speed_range_min",
    "stat_off": "state_off", "stat_on": "state_on", "stat_t": "state_topic", "stat_val_tpl": "state_value_template",
    "sup_clrm": "supported_color_modes", "t": "topic", "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
SHORT_OF_DEVICE = {"cns": "connections", "ids": "identifiers", "mdl": "model", "mf": "manufacturer", "sa": "suggested_area", "sw": "sw_version"}
SHARED = ("state_topic", "command_topic", "availability", "availability_topic", "availability_mode", "availability_template",
          "payload_available", "payload_not_available")  # fmt: skip
"""What all things of a device may have in common, in the form that announces them at once."""

_KEY = r"""\.\w+|\[\s*(?:'[^'\]]+'|"[^"\]]+"|\d+)\s*\]"""
TEMPLATE = re.compile(
    rf"\s*\{{\{{-?\s*(?P<root>value_json|value)(?P<keys>(?:{_KEY})*)\s*(?:\|\s*(?:float|int|round|string|default|is_defined)\s*(?:\([^()|]*\))?\s*)*-?\}}\}}\s*"
)
KEY = re.compile(_KEY)
PLAIN_COMMAND = re.compile(r"\s*\{\{-?\s*value\s*(?:\|\s*(?:int|float|round|string)\s*(?:\([^()|]*\))?\s*)*-?\}\}\s*")

QUANTITIES = {
    ("temperature", "°C"): "temperature", ("temperature", "°F"): "temperature", ("temperature", "K"): "temperature",
    ("humidity", "%"): "humidity", ("moisture", "%"): "humidity",
    ("pressure", "hPa"): "pressure", ("pressure", "mbar"): "pressure", ("pressure", "kPa"): "pressure", ("pressure", "Pa"): "pressure",
    ("atmospheric_pressure", "hPa"): "pressure", ("atmospheric_pressure", "mbar"): "pressure", ("atmospheric_pressure", "kPa"): "pressure",
    ("atmospheric_pressure", "Pa"): "pressure", ("carbon_dioxide", "ppm"): "co2", ("illuminance", "lx"): "illuminance",
    ("power", "W"): "active_power", ("power", "kW"): "active_power",
    ("battery", "%"): "battery", ("signal_strength", "dBm"): "signal", ("duration", "s"): "uptime",
}  # fmt: skip
"""What is measured, by its class and its unit."""


class _LeftOut(Exception):
    """This thing cannot be used here."""


def is_announcement(topic: str) -> bool:
    """Whether something announces itself here."""
    return TOPIC.fullmatch(topic) is not None


def announcement(topic: str, payload: bytes) -> Announcement:
    """What is announced, or taken back where the payload is empty.

    Raises Invalid with the field: for what is too large or no announcement, and for topics that are not all of one box, or of
    none that a device can have.
    """
    match = TOPIC.fullmatch(topic)
    if match is None:
        raise Invalid("topic", "Nothing is announced on this topic.")
    path, farm = topic.removesuffix("/config"), match["farm"] or ""
    if not payload.strip():
        return Announcement(path, farm_id=farm)
    if len(payload) > LARGEST:
        raise Invalid("body", "An announcement has at most {most} bytes.", most=LARGEST)
    message = _whole(document(payload))
    device = _lengthened(mapping(message.get("device"), "device"), SHORT_OF_DEVICE)
    parts: list[Part] = []
    left_out: list[str] = []
    for part_id, component, config in _components(path, match["component"], message):
        name = text(config.get("name"), "name", 200) or ""
        try:
            if part := _part(part_id, component, name, config):
                parts.append(part)
        except _LeftOut:
            left_out.append(name or str(config.get("unique_id") or component))
    availability = _availability(message)
    box = _box(parts, availability)
    name = text(device.get("name"), "device.name", 200) or (parts[0].name if parts else "") or match["object"]
    return Announcement(
        path, f"{box}/{_identifier(device, message, match)}" if box else "", name,
        " ".join(filter(None, (text(device.get(key), f"device.{key}", 200) for key in ("manufacturer", "model")))),
        text(device.get("suggested_area"), "device.suggested_area", 200) or "", text(device.get("sw_version"), "device.sw_version", 200) or "",
        tuple(parts), availability, _mode(message), tuple(one[:200] for one in left_out), farm,
    )  # fmt: skip


def path_in(template: object) -> tuple[str, ...]:
    """Where the value stands that a template names: keys into JSON, nothing for the payload itself. Raises _LeftOut for any other."""
    if template in (None, ""):
        return ()
    match = TEMPLATE.fullmatch(template) if isinstance(template, str) and len(template) <= 300 else None
    if match is None or (match["root"] == "value") != (not match["keys"]):
        raise _LeftOut
    return tuple(key.strip("[].'\" ") for key in KEY.findall(match["keys"]))


def _whole(message: Document) -> dict[str, Any]:
    """With its keys spelled out and `~` replaced."""
    full = _lengthened(message, SHORT)
    base = full.pop("~", None)
    for key, value in full.items():
        if isinstance(base, str) and key.endswith("topic") and isinstance(value, str):
            full[key] = _based(value, base)
    availability = [_lengthened(one, SHORT) for one in items(full.get("availability"), "availability")]
    for one in availability:
        if isinstance(base, str) and isinstance(one.get("topic"), str):
            one["topic"] = _based(one["topic"], base)
    full["availability"] = availability
    if base is not None and "components" in full:
        full["components"] = {key: {"~": base} | dict(mapping(one, "components")) for key, one in mapping(full["components"], "components").items()}
    return full


def _lengthened(message: Document, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in message.items()}


def _based(topic: str, base: str) -> str:
    if topic.startswith("~"):
        topic = base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _components(path: str, component: str, message: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if component != "device":
        yield path, component, message
        return
    listed = mapping(message.get("components"), "components")
    if len(listed) > MOST_PARTS:
        raise Invalid("components", "A device has at most {most} things.", most=MOST_PARTS)
    shared = {key: message[key] for key in SHARED if message.get(key)}
    for key, one in listed.items():
        config = shared | {name: value for name, value in _whole(mapping(one, f"components.{key}")).items() if name != "availability"}
        if len(config) > len(shared):  # a component that says only its platform is taken back
            yield f"{path} {key[:100]}", str(config.get("platform") or ""), config


def _part(part_id: str, component: str, name: str, config: Document) -> Part | None:
    """None for what is of no use to a farm; _LeftOut for what would be, but is told in a way that is not understood here."""
    if component == "sensor":
        return _sensor(part_id, name, config)
    if component not in ("switch", "light", "fan", "number") or config.get("entity_category"):
        return None
    if not config.get("command_topic") or not config.get("state_topic"):
        raise _LeftOut  # nobody would ever know what became of a wish
    return {"switch": _switch, "light": _light, "fan": _fan, "number": _number_part}[component](part_id, name, config)


def _sensor(part_id: str, name: str, config: Document) -> Part | None:
    unit = config.get("unit_of_measurement")
    kind = QUANTITIES.get((str(config.get("device_class")), str(unit)))
    if kind is None or not config.get("state_topic"):
        return None
    return Part(part_id, "sensor", kind, name, _topic(config, "state_topic"), path_in(config.get("value_template")), unit=str(unit))


def _switch(part_id: str, name: str, config: Document, **more: Any) -> Part:
    if config.get("command_template"):
        raise _LeftOut
    on, off = _word(config, "payload_on", "ON"), _word(config, "payload_off", "OFF")
    component = str(more.pop("component", "switch"))
    template = config.get("value_template") if component == "switch" else config.get("state_value_template")
    return Part(
        part_id, component, str(more.pop("kind", "relay")), name, _topic(config, "state_topic"), path_in(template), _topic(config, "command_topic"),
        on=on, off=off, state_on=_word(config, "state_on", on), state_off=_word(config, "state_off", off), **more,
    )  # fmt: skip


def _light(part_id: str, name: str, config: Document) -> Part:
    schema, full = config.get("schema", "default"), number(config.get("brightness_scale", 255), "brightness_scale", 1, 65_535)
    state = _topic(config, "state_topic")
    if schema == "json":
        modes = config.get("supported_color_modes")
        dims = config.get("brightness") is True or (isinstance(modes, list) and any(mode != "onoff" for mode in modes))
        more: dict[str, Any] = {"kind": "pwm", "level_topic": state, "level_path": ("brightness",), "level_high": full} if dims else {"kind": "relay"}
        return Part(
            part_id, "light", str(more.pop("kind")), name, state, ("state",), _topic(config, "command_topic"), is_json=True, **more
        )  # fmt: skip
    if schema not in ("default", "basic"):
        raise _LeftOut
    if not config.get("brightness_command_topic") or not config.get("brightness_state_topic"):
        return _switch(part_id, name, config, component="light")
    return _switch(
        part_id, name, config, component="light", kind="pwm", level_topic=_topic(config, "brightness_state_topic"),
        level_path=path_in(config.get("brightness_value_template")), level_command=_topic(config, "brightness_command_topic"), level_high=full,
    )  # fmt: skip


def _fan(part_id: str, name: str, config: Document) -> Part:
    if not config.get("percentage_command_topic") or not config.get("percentage_state_topic"):
        return _switch(part_id, name, config, component="fan")
    _plain(config.get("percentage_command_template"))
    low = number(config.get("speed_range_min", 1), "speed_range_min", 1, 65_535)
    return _switch(
        part_id, name, config, component="fan", kind="pwm", level_topic=_topic(config, "percentage_state_topic"),
        level_path=path_in(config.get("percentage_value_template")), level_command=_topic(config, "percentage_command_topic"),
        level_low=low - 1, level_high=number(config.get("speed_range_max", 100), "speed_range_max", low, 65_535),
    )  # fmt: skip


def _number_part(part_id: str, name: str, config: Document) -> Part:
    _plain(config.get("command_template"))
    low = number(config.get("min", 1), "min", -65_535, 65_535)
    high = number(config.get("max", 100), "max", low, 65_535)
    kind = "servo" if config.get("unit_of_measurement") == "°" else "pwm"
    if low > 1 or high <= 1 or (kind == "servo" and high > 180):
        raise _LeftOut
    state = _topic(config, "state_topic")
    return Part(
        part_id, "number", kind, name, level_topic=state, level_path=path_in(config.get("value_template")), level_command=_topic(config, "command_topic"),
        level_low=0.0 if low == 1 else low, level_high=high,
    )  # fmt: skip


def _plain(template: object) -> None:
    if template and not (isinstance(template, str) and PLAIN_COMMAND.fullmatch(template)):
        raise _LeftOut


def _word(config: Document, key: str, usual: str) -> str:
    value = config.get(key, usual)
    if isinstance(value, bool | int | float):
        return str(value)
    return text(value, key, 200) or usual


def _topic(config: Document, key: str) -> str:
    topic = text(config.get(key), key, LONGEST_TOPIC) or ""
    if re.search(r"[#+$\x00-\x1f\x7f]|^/|/$", topic) or topic.partition("/")[0].lower() in RESERVED:
        raise Invalid(key, "A device cannot have this topic.")
    return topic


def _availability(message: Document) -> tuple[Availability, ...]:
    listed = items(message.get("availability"), "availability")
    if message.get("availability_topic"):
        same = {key: message[key] for key in ("payload_available", "payload_not_available") if key in message}
        listed = [{"topic": message["availability_topic"], "value_template": message.get("availability_template")} | same]
    try:
        return tuple(
            Availability(
                _topic(one, "topic"), path_in(one.get("value_template")), _word(one, "payload_available", "online"),
                _word(one, "payload_not_available", "offline"),
            )
            for one in listed[:10]
            if one.get("topic")
        )  # fmt: skip
    except _LeftOut:
        return ()


def _mode(message: Document) -> str:
    return str(message["availability_mode"]) if message.get("availability_mode") in ("all", "any") else "latest"


def _box(parts: list[Part], availability: tuple[Availability, ...]) -> str:
    """The one box that all its topics are of; '' where it has none."""
    told = [topic for part in parts for topic in (*part.topics, part.command_topic, part.level_command) if topic]
    boxes = {topic.partition("/")[0] for topic in (*told, *(one.topic for one in availability))} if told else set()
    if len(boxes) > 1:
        raise Invalid("topic", "All topics of a device must begin alike.")
    box = next(iter(boxes), "")
    if box and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", box, re.ASCII):
        raise Invalid("topic", "A topic has 1 to 50 letters, digits, hyphens and underscores.")
    return box


def _identifier(device: Document, message: Document, match: re.Match[str]) -> str:
    """What it is known by: all messages that say the same are about one device."""
    known = device.get("identifiers")
    if isinstance(known, list):
        known = known[0] if known else None
    if known is None and isinstance(connections := device.get("connections"), list) and connections and isinstance(connections[0], list):
        known = connections[0][-1] if connections[0] else None
    known = known or message.get("unique_id") or "_".join(filter(None, (match["node"], match["object"])))
    return re.sub(r"[/#+\x00-\x1f\x7f]", "_", str(known))[:100].strip() or match["object"]
