"""What a picture of a farm's past shows stands in its address: which farm, what was measured by which devices, which switches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from nicegui import app

from data.core.session import Transaction
from data.farm import queries
from data.farm.rules.detail import Detail, Kept, Source
from data.farm.tables import Device, Farm
from pages.farm._words import QUANTITY_WORDS
from ui.words import _, n_, noop, temperature_unit

PATH = "/farm/history"
AT_FIRST = 6
"""Lines and switches that are shown where nobody has chosen any."""
SOURCE_WORDS = {
    Source.READINGS: noop("Drawn from single readings; a point is {width}."),
    Source.HOURS: noop("Drawn from hourly figures; a point is {width}."),
    Source.DAYS: noop("Drawn from daily figures; a point is {width}."),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is to choose from on one farm, and what is chosen."""

    farm: Farm
    farms: Sequence[Farm]
    units: Mapping[str, str]
    """What its devices measure, and in which unit."""
    probes: Sequence[Device]
    outputs: Sequence[Device]
    kind: str
    of: tuple[UUID, ...]
    switches: tuple[UUID, ...]

    @property
    def unit(self) -> str:
        """As the reader reads it."""
        return temperature_unit() if self.kind == "temperature" else self.units.get(self.kind, "")

    def href(self, path: str = PATH, *, farm: UUID | None = None, kind: str | None = None, more: Mapping[str, str] | None = None) -> str:
        """The address of this, or of the same on another farm, or of another quantity."""
        values = {"farm": str(farm or self.farm.id), "kind": kind or self.kind}
        if farm is None and kind is None:
            values |= {"of": _joined(self.of), "switches": _joined(self.switches)}
        return f"{path}?{urlencode(values | dict(more or {}))}"


async def chosen(tx: Transaction, *, farm: str = "", kind: str = "", of: str | None = None, switches: str | None = None) -> Choice | None:
    """What an address asks for, however it was typed; None where there is no farm to see. NotFound where that one is not there."""
    here = await queries.farm(tx, UUID(farm)) if _is_id(farm) else None
    farms = await queries.farms(tx)
    if not farms:
        return None
    wanted, together = _ids(of or ""), _ids(switches or "")
    if here is None and (named := (*wanted, *together)):
        here = await queries.farm(tx, (await queries.device(tx, named[0])).farm_id)
    here = here or farms[0]
    devices = await queries.devices(tx, farm_id=here.id)
    outputs = [one for one in devices if one.device_type not in ("sensor", "adc")]
    units: dict[str, str] = {}
    for one in devices:
        units |= {name: str(known.get("unit") or "") for name, known in one.latest.items() if name not in units}
    ordered = {name: units[name] for name in sorted(units, key=lambda name: (name not in QUANTITY_WORDS, list(QUANTITY_WORDS).index(name) if name in QUANTITY_WORDS else 0, name))}
    asked = next((name for one in devices if one.id in wanted for name in ordered if name in one.latest), next(iter(ordered), "temperature"))
    kind = kind if kind in ordered else asked
    probes = [one for one in devices if kind in one.latest]
    return Choice(
        here, farms, ordered, probes, outputs, kind,
        tuple(one.id for one in probes if one.id in wanted) if of is not None else tuple(one.id for one in probes[:AT_FIRST]),
        tuple(one.id for one in outputs if one.id in together) if switches is not None else () if of is not None else tuple(one.id for one in outputs[:AT_FIRST]),
    )  # fmt: skip


def kept() -> Kept:
    """How long this installation keeps what a picture is drawn from."""
    settings = getattr(app.state, "settings", None)
    if settings is None:
        return Kept()
    return Kept.for_days(settings.farm_raw_days, settings.farm_hourly_days)


def source_words(seen: Detail) -> str:
    """What a picture was drawn from."""
    return _(SOURCE_WORDS[seen.source], width=_width(seen.width))


def _width(width: timedelta) -> str:
    """'14 days', '1 hour', '2 minutes', '5 seconds': pieces are always whole ones."""
    seconds = round(width.total_seconds())
    if seconds % 86_400 == 0:
        return n_("{n} day", "{n} days", seconds // 86_400)
    if seconds % 3600 == 0:
        return n_("{n} hour", "{n} hours", seconds // 3600)
    return n_("{n} minute", "{n} minutes", seconds // 60) if seconds % 60 == 0 else n_("{n} second", "{n} seconds", seconds)


def _joined(ids: Sequence[UUID]) -> str:
    return ",".join(map(str, ids))


def _ids(text: str) -> tuple[UUID, ...]:
    return tuple(UUID(one) for one in text.split(",")[:200] if _is_id(one))


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
