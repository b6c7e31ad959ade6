"""A driver with a phone, a shipment between two places of Phnom Penh, and what a phone says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.deliveries import commands
from data.deliveries.tables import Driver, DriverDevice, Shipment
from data.deliveries.values import Address, Fix, PhoneApp, Report

MARKET = Address(line1="Central Market", city="Phnom Penh", latitude=11.5696, longitude=104.9210)
RIVERSIDE = Address(
    line1="Sisowath Quay 12", city="Phnom Penh", contact_name="Chan Dara", latitude=11.5720, longitude=104.9310
)


@dataclass(frozen=True, slots=True)
class OnTheRoad:
    """A driver, their phone and its token."""

    driver: Driver
    device: DriverDevice
    token: str

    @property
    def id(self) -> UUID:
        return self.driver.id


async def driver(actor: Actor, name: str = "Dara", *, app: PhoneApp = PhoneApp.OWNTRACKS) -> OnTheRoad:
    async with transaction(actor) as tx:
        made = await commands.create_driver(tx, name=name)
        device, token = await commands.register_device(tx, made.id, name="phone", app=app)
    return OnTheRoad(made, device, token)


async def shipment(actor: Actor, *, promised_at: datetime | None = None, delivery: Address = RIVERSIDE) -> Shipment:
    async with transaction(actor) as tx:
        return await commands.create_shipment(tx, pickup=MARKET, delivery=delivery, promised_at=promised_at)


START = now().replace(microsecond=0) - timedelta(minutes=30)


def report(
    device_id: UUID, *, after_s: float = 0, received_after_s: float | None = None, **fix: float | None
) -> Report:
    """A good fix at the market, `after_s` seconds from START; give latitude, accuracy_m… to have it otherwise."""
    values: dict[str, float | None] = {"latitude": 11.5696, "longitude": 104.9210, "accuracy_m": 8.0} | fix
    at = START + timedelta(seconds=after_s)
    received_at = at if received_after_s is None else START + timedelta(seconds=received_after_s)
    return Report(device_id, Fix(device_identifier="", recorded_at=at, **values), received_at)  # type: ignore[arg-type]
