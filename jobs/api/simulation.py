"""In a demonstration, and nowhere else, a unit can be given a past: readings of a stretch until now, through the door that all take."""

from datetime import datetime, timedelta
from random import Random
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from data.cold_chain.queries import units
from data.cold_chain.queries.machines import DEVICES
from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS, UnitMeasurement
from data.core.errors import Invalid, NotFound, Refusal
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from jobs.api._door import Setter, answer, door
from jobs.networks._door import intake
from jobs.networks.ingest import INSERTED

router = door("/api/dev", "Demonstration")
MOST_READINGS = 1_000


class Wish(BaseModel):
    """°C; each reading is `baseTemperature` give or take `variance`."""

    model_config = ConfigDict(populate_by_name=False)

    unit_id: Annotated[UUID, Field(alias="unitId")]
    duration_minutes: Annotated[int, Field(alias="durationMinutes", ge=1, le=7 * 24 * 60)] = 60
    interval_s: Annotated[int, Field(alias="intervalSeconds", ge=10, le=3_600)] = 60
    base_celsius: Annotated[float, Field(alias="baseTemperature", ge=COLDEST_CELSIUS, le=HOTTEST_CELSIUS)] = 4.0
    variance: Annotated[float, Field(ge=0, le=50)] = 1.0
    includes_humidity: Annotated[bool, Field(alias="includeHumidity")] = False
    includes_battery: Annotated[bool, Field(alias="includeBattery")] = False


def _only_here(request: Request) -> None:
    if not request.app.state.settings.demonstration:
        raise NotFound("There is no such thing here.")


@router.post("/simulate", dependencies=[Depends(_only_here)])
async def simulate(actor: Setter, wish: Wish) -> dict[str, Any]:
    """Readings of a unit as if it had been measured; for those who may register its sensors."""
    count = wish.duration_minutes * 60 // wish.interval_s
    if not 1 <= count <= MOST_READINGS:
        raise Invalid("intervalSeconds", "That would be {count} readings; choose 1 to {most}.", count=count, most=MOST_READINGS)
    async with transaction(actor) as tx:
        unit = await units.unit(tx, wish.unit_id)
        tx.actor.require(DEVICES, unit.site_id)
        organization_id = tx.organization_id
    told = readings(wish, count, now())
    outcomes = await intake.take_all(organization_id, uplink.store_of_units, told, by=actor.name)
    stored = [one for one in outcomes if not isinstance(one, Refusal)]
    return answer(
        {
            "success": len(stored) == len(told), "insertedCount": sum(one.fate in INSERTED for one in stored),
            "alertsTriggered": sum(one.alerts_triggered for one in stored),
        }
    )  # fmt: skip


def readings(wish: Wish, count: int, at: datetime) -> list[UnitMeasurement]:
    """So many, the last one now; the same wish at the same time makes the same."""
    chance = Random(f"{wish.unit_id} {at:%Y%m%d%H%M%S}")
    return [
        UnitMeasurement(
            unit_id=wish.unit_id, device_id=None, recorded_at=at - timedelta(seconds=wish.interval_s * (count - 1 - place)), received_at=at,
            temperature_celsius=round(min(HOTTEST_CELSIUS, max(COLDEST_CELSIUS, wish.base_celsius + chance.uniform(-1, 1) * wish.variance)), 2),
            humidity_percent=round(chance.uniform(60, 90), 1) if wish.includes_humidity else None,
            battery_percent=round(100 - 20 * place / count) if wish.includes_battery else None,
        )
        for place in range(count)
    ]  # fmt: skip
