"""What a device says of itself before it is one of ours: the things in it, and on which topics each tells and is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

OUTPUTS = frozenset({"relay", "pwm", "servo"})


@dataclass(frozen=True, slots=True)
class Part:
    """One thing in an announced device, by the topic on which it was announced (`id`).

    `kind` is relay, pwm or servo for what is switched or set; the quantity (`temperature`…) for what is measured; `battery`, `signal`
    or `uptime` for what tells how the device fares. A `_path` is where in a JSON payload the value stands, none for the payload itself.
    `on` and `off` are what it is told, `state_on` and `state_off` what it tells. A level runs from `level_low` to `level_high`.
    """

    id: str
    component: str
    kind: str
    name: str = ""
    state_topic: str = ""
    state_path: tuple[str, ...] = ()
    command_topic: str = ""
    is_json: bool = False
    on: str = "ON"
    off: str = "OFF"
    state_on: str = "ON"
    state_off: str = "OFF"
    level_topic: str = ""
    level_path: tuple[str, ...] = ()
    level_command: str = ""
    level_low: float = 0.0
    level_high: float = 100.0
    unit: str = ""
    output: int = 0
    """Which of our device's outputs it is; 0 until somebody has taken it in. What is measured counts after the outputs."""

    @property
    def is_output(self) -> bool:
        return self.kind in OUTPUTS

    @property
    def topics(self) -> tuple[str, ...]:
        """Where it tells something."""
        return tuple(topic for topic in dict.fromkeys((self.state_topic, self.level_topic)) if topic)


@dataclass(frozen=True, slots=True)
class Availability:
    """Where a device's presence is told, and how."""

    topic: str
    path: tuple[str, ...] = ()
    here: str = "online"
    gone: str = "offline"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message of a device that announces itself, or, with nothing in it (`is_gone`), takes that back.

    `path` is the topic it came on, without `/config`. `identifier` is `box/name`: its topic, should it become one of ours. `left_out`
    names the things in it that cannot be used here.
    """

    path: str
    identifier: str = ""
    name: str = ""
    model: str = ""
    area: str = ""
    firmware: str = ""
    parts: tuple[Part, ...] = ()
    availability: tuple[Availability, ...] = ()
    availability_mode: str = "latest"
    left_out: tuple[str, ...] = ()
    farm_id: str = ""

    @property
    def is_gone(self) -> bool:
        return not self.identifier


@dataclass(frozen=True, slots=True)
class Described:
    """All that was announced of one device, as it is kept in `discoveries.description`."""

    parts: tuple[Part, ...] = ()
    availability: tuple[Availability, ...] = ()
    availability_mode: str = "latest"
    model: str = ""
    area: str = ""
    firmware: str = ""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By the path of the message."""

    @property
    def waiting(self) -> tuple[Part, ...]:
        """What somebody could take in and has not."""
        is_measured = any(part.output and not part.is_output for part in self.parts)
        return tuple(part for part in self.parts if not part.output and (part.is_output or (not is_measured and is_measuring(part))))


    def freed(self, outputs: frozenset[int]) -> "Described":
        """Without the numbers of devices that are not there any more: those may be taken in again."""
        is_known = bool(outputs)
        freed = (part.output > 0 and part.output not in outputs or part.output < 0 and not is_known for part in self.parts)
        return replace(self, parts=tuple(replace(part, output=0) if is_free else part for part, is_free in zip(self.parts, freed, strict=True)))


def is_measuring(part: Part) -> bool:
    """Whether it measures something about the farm, and not only how the device itself fares or what flows through it."""
    return not part.is_output and part.kind not in ("battery", "signal", "uptime", "active_power")


def as_document(described: Described) -> dict[str, Any]:
    """As it is kept; what is as usual is left out."""
    return {
        "parts": [_changed(part) for part in described.parts], "availability": [_changed(one) for one in described.availability],
        "mode": described.availability_mode, "model": described.model, "area": described.area, "firmware": described.firmware,
        "left_out": {path: list(names) for path, names in described.left_out.items()},
        "paths": sorted({path_of(part.id) for part in described.parts} | set(described.left_out)),
        "is_waiting": bool(described.waiting),
    }  # fmt: skip


def from_document(kept: Mapping[str, Any]) -> Described:
    return Described(
        tuple(_made(Part, one) for one in kept.get("parts", ())), tuple(_made(Availability, one) for one in kept.get("availability", ())),
        kept.get("mode", "latest"), kept.get("model", ""), kept.get("area", ""), kept.get("firmware", ""), kept.get("left_out", {}),
    )  # fmt: skip


def path_of(part_id: str) -> str:
    """The topic, without `/config`, of the message that announced it: one message may announce several things."""
    return part_id.partition(" ")[0]


def _changed(one: Any) -> dict[str, Any]:
    told = ((f.name, f.default, getattr(one, f.name)) for f in fields(one))
    return {name: list(value) if isinstance(value, tuple) else value for name, usual, value in told if value != usual}


def _made(kind: Any, kept: Mapping[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()})
