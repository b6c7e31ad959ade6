"""What was said at the broker, read in the dialect of whoever it is about, and what only several messages together tell."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from data.core.errors import Invalid
from data.farm.announced import Availability, Part, is_measuring
from data.farm.queries_topics import Address, Known
from data.farm.rules import METERED
from data.farm.rules.topics import node_of
from data.farm.values import DeviceReport, Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs import announced, esphome, farm_topics, tasmota

MEASURING = frozenset({"sensor", "adc"})
ALWAYS_HEARD = (
    "stat/#", "tele/#", "farm/+/devices/+/heartbeat", "farm/+/devices/+/status", "farm/+/devices/+/sensor", "farm/+/devices/+/response",
    "farm/+/devices/+/command/response", "farm/+/sensors/+/data", "homeassistant/+/+/config", "homeassistant/+/+/+/config",
    "farm/+/homeassistant/+/+/config", "farm/+/homeassistant/+/+/+/config",
)  # fmt: skip
"""What is subscribed to whoever there is; boxes that run ESPHome or announce devices are heard by their own names besides."""


OF_A_BRIDGE = ("bridge/state", "status", "LWT")
"""Where bridges tell that they themselves are there, plainly or as {"state": …}."""


class Said:
    """Reads messages. It remembers by which words a Tasmota output is set, what an output last said of its state, and who is there."""

    def __init__(self) -> None:
        self.known = Known()
        self._parts: dict[str, list[tuple[Address, Part]]] = {}
        self._availability: dict[str, list[tuple[str, Availability]]] = {}
        self._words: dict[str, frozenset[str]] = defaultdict(frozenset)
        self._is_on: dict[str, bool] = {}
        self._is_here: dict[str, bool] = {}

    def learn(self, known: Known) -> None:
        """From now on these are the devices."""
        self.known = known
        parts: dict[str, list[tuple[Address, Part]]] = defaultdict(list)
        availability: dict[str, list[tuple[str, Availability]]] = defaultdict(list)
        for topic, described in known.described.items():
            living = {address.output: address for address in known.by_topic[topic] if address.dialect == "home_assistant"}
            for part in described.parts:
                if address := _owner(part, living):
                    for told in part.topics:
                        parts[told].append((address, part))
            for one in described.availability if living else ():
                availability[one.topic].append((topic, one))
        for box in (topic for topic, found in known.by_topic.items() if "/" not in topic and found[0].dialect == "home_assistant"):
            for topic in (f"{box}/{word}" for word in OF_A_BRIDGE):
                availability[topic] += [(box, Availability(topic)), (box, Availability(topic, ("state",)))]
        self._parts, self._availability = dict(parts), dict(availability)

    def filters(self) -> dict[str, frozenset[UUID]]:
        """What is to be subscribed to, and for which devices, so that all of them are heard: presence first, for it decides whether the
        rest is true."""
        wanted: dict[str, frozenset[UUID]] = {}
        for box, found in self.known.by_box.items():
            if speaking := frozenset(address.device_id for address in found if address.dialect == "esphome"):
                wanted |= dict.fromkeys(esphome.heard(box), speaking)
        for topic, told in self._availability.items():
            wanted[topic] = frozenset(address.device_id for device, _one in told for address in self.known.by_topic.get(device, ()))
        for topic, parts in self._parts.items():
            wanted[topic] = wanted.get(topic, frozenset()) | {address.device_id for address, _part in parts}
        return wanted

    def presences(self) -> list[str]:
        """Where the presence of boxes is told that do not speak of themselves at regular times; the broker keeps it."""
        boxes = [f"{box}/status" for box, found in self.known.by_box.items() if any(address.dialect == "esphome" for address in found)]
        return [*boxes, *self._availability]

    def part_of(self, topic: str, output: int) -> Part | None:
        """What was announced of this output."""
        described = self.known.described.get(topic)
        return next((part for part in described.parts if part.output == output and part.is_output), None) if described else None

    def words_of(self, outgoing: Outgoing) -> frozenset[str]:
        """By which words a Tasmota output is set, as far as it has shown."""
        return self._words[outgoing.topic]

    def is_strange(self, topic: str) -> bool:
        """Whether this is from a device that speaks of itself alone, and that is not known."""
        prefix, _, rest = topic.partition("/")
        if prefix in ("stat", "tele"):
            return rest.rpartition("/")[0] not in self.known.by_topic
        place = farm_topics.place(topic)
        return place is not None and place[1] not in self.known.by_topic

    def read(self, topic: str, payload: bytes, *, now: datetime, is_retained: bool = False) -> list[tuple[Address, Report]]:
        """Which of our devices this is about, and what it says of each. Raises Invalid where it cannot be read.

        A retained message is a memory of the broker's. Only a presence stays true for as long as it is kept, and so does, while its
        device is there, what an output that cannot be asked last said of itself.
        """
        prefix = topic.partition("/")[0]
        if prefix in ("stat", "tele"):
            return [] if is_retained and not topic.endswith("/LWT") else list(self._tasmota(topic, payload, now))
        if prefix == "farm":
            return [] if is_retained else list(self._own(topic, payload, now))
        found = list(self._esphome(topic, payload, now, is_retained)) if prefix in self.known.by_box else []
        return [*found, *self._announced(topic, payload, now, is_retained)]

    def _tasmota(self, topic: str, payload: bytes, now: datetime) -> Iterator[tuple[Address, Report]]:
        for report in tasmota.reports(topic, payload, now=now):
            addresses = [one for one in self.known.by_topic.get(report.topic, ()) if one.dialect == "tasmota"]
            if addresses and (words := tasmota.vocabulary(payload)):
                self._words[report.topic] = words
            for address in _concerned(addresses, report):
                is_servo = address.device_type == "servo" and isinstance(report, StateReport)
                yield address, tasmota.angle_of(report) if is_servo else report  # type: ignore[arg-type]

    def _own(self, topic: str, payload: bytes, now: datetime) -> Iterator[tuple[Address, Report]]:
        place = farm_topics.place(topic)
        if place is None:
            return
        farm, device = place
        addresses = [one for one in self.known.by_topic.get(device, ()) if one.dialect == "steading" and str(one.farm_id) == farm]
        for report in farm_topics.reports(topic, payload, now=now) if addresses else ():
            for address in _concerned(addresses, report):
                yield address, report

    def _esphome(self, topic: str, payload: bytes, now: datetime, is_retained: bool) -> Iterator[tuple[Address, Report]]:
        box = node_of(topic)
        addresses = [one for one in self.known.by_box[box] if one.dialect == "esphome"]
        is_presence = topic == f"{box}/status"
        if not addresses or (is_retained and not is_presence and not (self._is_here.get(box) and esphome.is_state(topic))):
            return
        thing = esphome.thing_of(topic) or box
        for report in esphome.reports(topic, payload, now=now, is_on=self._is_on.get(thing)):
            if isinstance(report, Presence):
                self._is_here[box] = report.is_online
            if isinstance(report, StateReport):
                self._is_on[thing] = report.is_on
            for address in _metered(addresses) if isinstance(report, SensorValue) and report.sensor_type == METERED else addresses:
                is_itself = address.topic == thing and (not isinstance(report, SensorValue) or not _has(addresses, box))
                is_its_box = isinstance(report, Presence | Health) or (isinstance(report, SensorValue) and address.topic == box)
                if is_itself or is_its_box or (isinstance(report, SensorValue) and report.sensor_type == METERED):
                    yield address, report

    def _announced(self, topic: str, payload: bytes, now: datetime, is_retained: bool) -> Iterator[tuple[Address, Report]]:
        for device, told in self._availability.get(topic, ()):
            if (is_here := announced.is_here(told, payload)) is not None:
                self._is_here[f"{device} {topic}"] = is_here
                if (is_there := self._is_there(device, topic)) is not None:
                    self._is_here[device] = is_there
                    for address in self.known.by_topic.get(device, ()):
                        yield address, Presence(device, is_there, now)
        for address, part in self._parts.get(topic, ()):
            if is_retained and not (part.is_output and self._is_here.get(address.topic)):
                continue
            key = f"{address.topic} {address.output}"
            for report in announced.reports(address.topic, part, topic, payload, now=now, is_on=self._is_on.get(key)):
                if isinstance(report, StateReport):
                    self._is_on[key] = report.is_on
                for one in self.known.by_topic[address.topic] if isinstance(report, Health) else (address,):
                    yield one, report

    def _is_there(self, device: str, topic: str) -> bool | None:
        """By all that tells of its presence; None while not all of what must be known is."""
        if (described := self.known.described.get(device)) is None:
            return self._is_here[f"{device} {topic}"]
        told = [self._is_here.get(f"{device} {one.topic}") for one in described.availability]
        match described.availability_mode:
            case "all":
                return False if False in told else None if None in told else True
            case "any":
                return True if True in told else None if None in told else False
        return self._is_here[f"{device} {topic}"]


def _concerned(addresses: list[Address], report: Report) -> Iterable[Address]:
    """Which of a board's devices a report is about. What it measures is its probe's; where it has none, it is its first output's."""
    match report:
        case StateReport():
            return [one for one in addresses if one.output == report.output and one.device_type not in MEASURING]
        case Health() if report.output is not None:
            return [one for one in addresses if one.output == report.output]
        case SensorValue():
            probes = [one for one in addresses if one.device_type in MEASURING]
            if report.sensor_type == METERED:
                return _metered(addresses)
            return probes or addresses[:1]
    return addresses


def _metered(addresses: list[Address]) -> list[Address]:
    """Whose meter it is: one for several outputs says of none what flows through it."""
    outputs = [one for one in addresses if one.device_type not in MEASURING]
    return outputs if len(outputs) == 1 else []


def _owner(part: Part, living: dict[int, Address]) -> Address | None:
    """Which of our devices a part of an announced one is; how it fares is told by any of them, and passed on to all."""
    if part.kind == METERED:
        return next(iter(_metered(list(living.values()))), None)
    return living.get(part.output) or (next(iter(living.values()), None) if not part.is_output and not is_measuring(part) else None)


def _has(addresses: list[Address], topic: str) -> bool:
    return any(one.topic == topic for one in addresses)


def as_reports(said: Iterable[tuple[Address, Report]]) -> list[DeviceReport]:
    return [DeviceReport(address.device_id, report) for address, report in said]


def check_known(part: Part | None) -> Part:
    """Invalid where nothing was announced by which it could be told."""
    if part is None:
        raise Invalid("topic", "This device has not said how it is told. It must announce itself first.")
    return part
