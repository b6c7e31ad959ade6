"""What a device is called at the broker, in each dialect, and on which topics it may speak and listen."""

import re
from dataclasses import dataclass
from uuid import UUID

from data.core.errors import Invalid
from data.farm.rules.commanding import topic_of

DISCOVERY = "homeassistant"
"""Below this devices announce themselves; below `farm/{farm}/homeassistant` they do so for one farm."""
RESERVED = frozenset({"stat", "tele", "cmnd", "farm", DISCOVERY, "esphome", "tasmota", "gateway"})
"""First levels that belong to a dialect, and so to no device."""

COMPONENTS = frozenset({"switch", "light", "fan", "number", "sensor", "binary_sensor"})
"""The kinds of things within a box that ESPHome runs on which a farm can use."""
_OBJECT = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_ANNOUNCED = re.compile(r"[^/#+\x00-\x1f\x7f]{1,100}")


@dataclass(frozen=True, slots=True)
class Topics:
    """MQTT filters, with `+` and `#` as the standard has them: what a device may publish to, and what it may subscribe to."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def topics_of(dialect: str, topic: str, *, farm_id: UUID | str, output: int = 1) -> Topics:
    """What the box that this device is (or is a part of) may say and hear.

    A box has one connection for all its outputs, so `output` changes nothing, and neither does what follows the first level of
    an ESPHome or Home Assistant device's topic. A gateway's devices have no business at the broker.
    """
    box = node_of(topic)
    if dialect == "tasmota":
        return Topics((f"stat/{topic}/#", f"tele/{topic}/#"), (f"cmnd/{topic}/#",))
    if dialect == "steading":
        device = f"farm/{farm_id}/devices/{topic}"
        said = ("heartbeat", "status", "sensor", "response", "command/response")
        writes = (*(f"{device}/{word}" for word in said), f"farm/{farm_id}/sensors/{topic}/data")
        return Topics(writes, (f"{device}/command", f"{device}/fw_update"))
    if dialect == "esphome":
        told = (f"{start}/+/{box}/+/config" for start in (DISCOVERY, discovery_of(farm_id)))
        return Topics((f"{box}/#", f"esphome/discover/{box}", *told), (f"{box}/#", "esphome/discover", f"esphome/ping/{box}"))
    if dialect == "home_assistant":
        own = discovery_of(farm_id)
        announces = (f"{DISCOVERY}/+/{box}/config", f"{DISCOVERY}/+/{box}/+/config", f"{own}/+/+/config", f"{own}/+/+/+/config")
        return Topics((f"{box}/#", *announces), (f"{box}/#", f"{DISCOVERY}/status", f"{own}/status"))
    return Topics()


def discovery_of(farm_id: UUID | str) -> str:
    """Where boxes announce devices for this farm and for no other."""
    return f"farm/{farm_id}/{DISCOVERY}"


def node_of(topic: str) -> str:
    """The box that a device is a part of: the first level of its topic. All devices of a box belong to one organization."""
    return topic.partition("/")[0]


def topic_for(dialect: str, text: str, *, field: str = "topic") -> str:
    """A device's topic as this dialect has it; Invalid(field) otherwise.

    Tasmota and our own: one level. ESPHome: the box, then what it measures is meant, or `box/component/object`. Home Assistant:
    the box (a bridge), or `box/identifier` for what it announced.
    """
    topic = text.strip()
    box, *rest = topic.split("/")
    if dialect not in ("esphome", "home_assistant"):
        return topic_of(topic, field=field)
    topic_of(box, field=field)
    if box.lower() in RESERVED:
        raise Invalid(field, "All devices listen to {topic}. Choose a topic of its own.", topic=box)
    if dialect == "esphome" and rest and not (len(rest) == 2 and rest[0] in COMPONENTS and _OBJECT.fullmatch(rest[1])):
        raise Invalid(field, "An ESPHome device is called like box or box/switch/fan.")
    if dialect == "home_assistant" and rest and not (len(rest) == 1 and _ANNOUNCED.fullmatch(rest[0])):
        raise Invalid(field, "This is not the topic of one device.")
    return topic
