"""The places and things that somebody may choose from, whichever domain they belong to."""

from dataclasses import dataclass
from uuid import UUID

from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.queries import units
from data.cold_chain.values import UnitStatus
from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries as farm
from pages._shell import Looker
from ui.words import _, temperature

IN_ORDER = (UnitStatus.OK, UnitStatus.RESTORING)


@dataclass(frozen=True, slots=True)
class Place:
    """A site or a farm: what rights, contacts and policies may be limited to."""

    id: UUID
    name: str
    zone: str
    permission: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A unit or a device."""

    id: UUID
    name: str
    place: Place

    @property
    def label(self) -> str:
        return f"{self.name} · {self.place.name}"


@dataclass(frozen=True, slots=True)
class Known:
    """All that one may see, by id."""

    places: dict[UUID, Place]
    things: dict[UUID, Thing]

    def name(self, scope_id: UUID | None) -> str:
        place = self.places.get(scope_id) if scope_id else None
        return place.name if place else ""

    def place_options(self, look: Looker, permission: str) -> dict[str, str]:
        """The places where one has this right, to choose from."""
        return {str(p.id): p.name for p in self.places.values() if look.may(permission, p.id)}

    def thing_options(self, look: Looker, permission: str) -> dict[str, str]:
        """The things of those places."""
        return {str(t.id): t.label for t in self.things.values() if look.may(permission, t.place.id)}


async def known(look: Looker, tx: Transaction) -> Known:
    """Sites with their units, and farms with their devices."""
    places: dict[UUID, Place] = {}
    things: dict[UUID, Thing] = {}
    if look.may("cold_chain.view"):
        for branch in await units.tree(tx):
            place = places[branch.site.id] = Place(branch.site.id, branch.site.name, branch.site.time_zone, "cold_chain.view")
            things |= {unit.id: Thing(unit.id, unit.name, place) for area in branch.areas for unit in area.units}
    if look.may("farm.view"):
        for one in await farm.farms(tx):
            places[one.id] = Place(one.id, one.name, one.time_zone, "farm.view")
        things |= {d.id: Thing(d.id, d.name, places[d.farm_id]) for d in await farm.devices(tx) if d.farm_id in places}
    return Known(places, things)


async def trouble_now(tx: Transaction, alert: Alert) -> str:
    """What is still wrong with the thing itself; nothing where it is in order or nobody knows."""
    if alert.status is AlertStatus.RESOLVED:
        return ""
    try:
        match alert.subject_kind:
            case "cold_chain.units":
                unit = await units.unit(tx, alert.subject_id)
                if unit.status in IN_ORDER:
                    return ""
                return _(
                    "{name} is still in trouble; the last reading was {temperature}.",
                    name=alert.subject_name, temperature=temperature(unit.last_celsius),
                )  # fmt: skip
            case "farm.devices":
                if (await farm.device(tx, alert.subject_id)).is_online:
                    return ""
                return _("{name} is still offline.", name=alert.subject_name)
    except NotFound:
        return ""
    return ""
