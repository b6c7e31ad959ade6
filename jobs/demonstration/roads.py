"""Drivers on the road: orders come in, a desk hands them out, and each phone tells where it is while its driver brings them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import httpx
import structlog
from sqlmodel import col, func, select

from data.core.errors import Refusal
from data.core.session import Transaction, transaction
from data.core.time import now
from data.deliveries import commands
from data.deliveries.tables import DeliveryAddress, DriverAssignment, Shipment
from data.deliveries.values import AssignmentStatus, PhoneApp, ShipmentStatus
from data.identity.tables import Role
from jobs.demonstration.city import CORNERS, metres
from jobs.demonstration.driving import Drive, Receiver
from jobs.demonstration.kept import Carried
from jobs.demonstration.past_roads import CUSTOMERS, DEPOT, GOODS, address_of, depot
from jobs.demonstration.people import Staff
from jobs.demonstration.phones import Phone

log = structlog.get_logger()

MOVING_EVERY_S, PARKED_EVERY_S = 4.0, 30.0
UNDER_WAY_SHARE = 0.7
LOADING_S, HANDING_OVER_S = (60, 200), (70, 240)
ORDER_EVERY_S, MOST_WAITING, MOST_CARRIED = 75.0, 2, 3
A = AssignmentStatus


@dataclass(frozen=True, slots=True)
class Load:
    """A shipment that a driver has, how far it is, and the corner nearest to where it goes."""

    shipment_id: UUID
    status: AssignmentStatus
    corner: str


class Desk:
    """The dispatcher's desk: it takes orders and gives waiting ones to whoever stands at the depot, by the same commands as people.

    What a person changes meanwhile stands: a refused step is left at that.
    """

    def __init__(self, staff: Staff) -> None:
        self._dispatcher = staff.acting(Role.MANAGER)
        self._chance = Random()
        self._handing_out = asyncio.Lock()

    async def take_orders(self) -> None:
        """An order now and then, as long as not too many wait."""
        while True:
            async with transaction(self._dispatcher) as tx:
                if await _waiting(tx) < MOST_WAITING:
                    await self._order(tx)
            await asyncio.sleep(ORDER_EVERY_S * self._chance.uniform(0.6, 1.4))

    async def _order(self, tx: Transaction) -> None:
        customer, minutes = self._chance.choice(CUSTOMERS), self._chance.choice((60, 90, 90, 120))
        await commands.create_shipment(
            tx, pickup=depot(), delivery=address_of(customer), description=self._chance.choice(GOODS),
            promised_at=now() + timedelta(minutes=minutes),
        )  # fmt: skip

    async def loads(self, driver_id: UUID, *, most: int = MOST_CARRIED, orders: int = 0) -> list[Load]:
        """What this driver has to bring: what they have already, filled up with what waits, the oldest first.

        So many `orders` come in just for them, where they have nothing.
        """
        async with self._handing_out, transaction(self._dispatcher) as tx:
            mine = await _loads(tx, driver_id)
            for _ in range(0 if mine else orders):
                await self._order(tx)
            waiting = select(Shipment.id).where(col(Shipment.status).in_((ShipmentStatus.PENDING, ShipmentStatus.READY)))
            for shipment_id in (await tx.exec(waiting.order_by(col(Shipment.created_at)).limit(max(most - len(mine), 0)))).all():
                await commands.assign(tx, shipment_id, driver_id=driver_id)
            return await _loads(tx, driver_id)

    async def step(self, load: Load, to: AssignmentStatus) -> bool:
        """Write down how far it is; False where somebody has decided otherwise meanwhile."""
        try:
            async with transaction(self._dispatcher) as tx:
                await commands.step(tx, load.shipment_id, to=to)
            return True
        except Refusal as refusal:
            log.debug("a simulated step was refused", reason=str(refusal))
            return False


async def _waiting(tx: Transaction) -> int:
    waiting = col(Shipment.status).in_((ShipmentStatus.PENDING, ShipmentStatus.READY))
    return (await tx.exec(select(func.count()).select_from(Shipment).where(waiting))).one()


async def _loads(tx: Transaction, driver_id: UUID) -> list[Load]:
    rows = await tx.exec(
        select(DriverAssignment, DeliveryAddress)
        .join(Shipment, col(Shipment.id) == DriverAssignment.shipment_id)
        .join(DeliveryAddress, col(DeliveryAddress.id) == Shipment.delivery_address_id)
        .where(DriverAssignment.driver_id == driver_id, col(DriverAssignment.ended_at).is_(None))
        .order_by(col(DriverAssignment.created_at))
    )
    return [Load(assignment.shipment_id, assignment.status, _corner(address)) for assignment, address in rows]


def _corner(address: DeliveryAddress) -> str:
    if address.latitude is None or address.longitude is None:
        return CUSTOMERS[0].corner
    place = (address.latitude, address.longitude)
    return min(CORNERS, key=lambda corner: metres(CORNERS[corner], place))


class Courier:
    """One driver with a phone, for ever on the way between the depot and those who ordered."""

    def __init__(self, carried: Carried, desk: Desk, client: httpx.AsyncClient) -> None:
        self._driver_id = UUID(carried.driver_id)
        self._phone = Phone(PhoneApp(carried.app), carried.user, carried.token)
        self._desk, self._client = desk, client
        self._chance, self._receiver = Random(), Receiver(sum(map(ord, carried.user)))
        self._battery = self._chance.uniform(45, 100)
        self._corner = self._chance.choice(CUSTOMERS).corner

    async def run(self) -> None:
        """Most are under way with something when the world begins; the others are on their way back to the depot."""
        await asyncio.sleep(self._chance.uniform(0, MOVING_EVERY_S))
        if self._chance.random() < UNDER_WAY_SHARE:
            await self._bring_all(await self._desk.loads(self._driver_id, most=1, orders=1))
        while True:
            await self._drive_to(DEPOT)
            loads = await self._desk.loads(self._driver_id)
            await self._stay(LOADING_S)
            await self._bring_all(loads)

    async def _bring_all(self, loads: Sequence[Load]) -> None:
        for load in loads:
            if load.status is A.PENDING:
                await self._desk.step(load, A.ACCEPTED)
        for one in loads or (None,):
            await self._bring(one)

    async def _bring(self, load: Load | None) -> None:
        """One after the other. With nothing to bring, somebody wants something fetched somewhere."""
        if load is None:
            await self._drive_to(self._chance.choice(CUSTOMERS).corner)
            return
        if load.status in (A.PENDING, A.ACCEPTED) and not await self._desk.step(load, A.EN_ROUTE):
            return
        await self._drive_to(load.corner)
        if load.status is not A.ARRIVED:
            await self._desk.step(load, A.ARRIVED)
        await self._stay(HANDING_OVER_S)
        await self._desk.step(load, A.DELIVERED)

    async def _drive_to(self, corner: str) -> None:
        drive = Drive(self._corner, corner, seed=self._chance.getrandbits(30))
        clock = asyncio.get_running_loop().time
        departed_at = clock()
        while (since_s := clock() - departed_at) < drive.duration_s:
            await self._tell(*drive.at(since_s))
            await asyncio.sleep(MOVING_EVERY_S)
        self._corner = corner

    async def _stay(self, between_s: tuple[int, int]) -> None:
        leaves_at = asyncio.get_running_loop().time() + self._chance.uniform(*between_s)
        while asyncio.get_running_loop().time() < leaves_at:
            await self._tell(CORNERS[self._corner], 0.0, 0.0)
            await asyncio.sleep(PARKED_EVERY_S)

    async def _tell(self, place: tuple[float, float], speed_mps: float, heading_deg: float) -> None:
        self._battery = self._battery - 0.01 if self._battery > 20 else 100.0
        fix = self._receiver.fix(place, speed_mps, heading_deg)
        reply = await self._client.request(**self._phone.request(fix, now(), battery_percent=round(self._battery)))
        if reply.status_code != httpx.codes.OK:
            log.debug("a simulated phone was refused", status=reply.status_code, reply=reply.text[:200])
