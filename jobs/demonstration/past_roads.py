"""Eight drivers and what they drive, who orders, and the last three days on the roads of Phnom Penh."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from data.core.session import Transaction
from data.core.table import uuid7
from data.deliveries import commands, rules
from data.deliveries.tables import Driver, DriverDevice, Vehicle
from data.deliveries.values import Address, PhoneApp, Platform
from data.identity.tables import Role
from jobs.demonstration.bulk import pour
from jobs.demonstration.city import CORNERS
from jobs.demonstration.driving import Fix, day_on_the_road
from jobs.demonstration.people import ZONE, Staff

DEPOT = "tuol_kork"
DAYS = 3
SHIFT = time(6, 30), 12 * 3600.0
STREAM = (
    "driver_id", "device_id", "recorded_at", "received_at", "latitude", "longitude", "accuracy_m", "speed_mps", "heading_deg",
    "altitude_m", "battery_percent", "source", "is_accurate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Crew:
    """A driver, the name their phone goes by, and what they drive."""

    name: str
    user: str
    phone: str
    vehicle: str
    registration: str
    vehicle_type: str
    capacity_kg: int

    @property
    def app(self) -> PhoneApp:
        return PhoneApp.OWNTRACKS if CREWS.index(self) % 2 == 0 else PhoneApp.OSMAND


CREWS: Sequence[Crew] = (
    Crew("Vuthy Nhem · ញ៉ែម វុទ្ធី", "vuthy", "+855 12 555 011", "Hyundai Porter, cooled", "2AB-4471", "truck", 900),
    Crew("Sreymom Kong · គង់ ស្រីមុំ", "sreymom", "+855 12 555 012", "Honda Dream, cool box", "1CD-9023", "motorcycle", 40),
    Crew("Bunthoeun Ros · រស់ ប៊ុនធឿន", "bunthoeun", "+855 12 555 013", "Kia K2700, cooled", "2AC-1182", "truck", 1000),
    Crew("Pisey Heng · ហេង ពិសី", "pisey", "+855 12 555 014", "Tuk-tuk, cool box", "1AX-5520", "tuk-tuk", 150),
    Crew("Kosal Yim · យឹម កុសល", "kosal", "+855 12 555 015", "Toyota Hiace, cooled", "2AF-7734", "van", 750),
    Crew("Rachana Tep · ទេព រចនា", "rachana", "+855 12 555 016", "Honda Wave, cool box", "1DK-3391", "motorcycle", 40),
    Crew("Samnang Ouk · អ៊ុក សំណាង", "samnang", "+855 12 555 017", "Suzuki Carry, cooled", "2BB-6108", "van", 450),
    Crew("Lina Phal · ផល លីណា", "lina", "+855 12 555 018", "Tuk-tuk, cool box", "1AZ-8846", "tuk-tuk", 150),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    line1: str
    corner: str
    contact: str


CUSTOMERS: Sequence[Customer] = (
    Customer("Central Market stall 14 · តូប១៤ ផ្សារធំថ្មី", "Central Market · ផ្សារធំថ្មី", "central_market", "Mealea Noun"),
    Customer("Riverside kitchen · ផ្ទះបាយមាត់ទន្លេ", "Sisowath Quay 172 · មាត់ទន្លេ១៧២", "quay_130", "Sothy Prak"),
    Customer("Palace view café · ហាងកាហ្វេមើលព្រះបរមរាជវាំង", "Sothearos 12 · សុធារស១២", "palace", "Dany Im"),
    Customer("Orussey wholesaler · លក់ដុំអូរឫស្សី", "Orussey Market · ផ្សារអូរឫស្សី", "orussey", "Heng Ly"),
    Customer("Boeung Keng Kang grocer · ហាងទំនិញបឹងកេងកង", "Street 360 · ផ្លូវ៣៦០", "monivong_360", "Chenda Va"),
    Customer("Russian Market noodles · គុយទាវទួលទំពូង", "Street 155 · ផ្លូវ១៥៥", "russian_market", "Phally Sin"),
    Customer("Olympic stadium canteen · អាហារដ្ឋានអូឡាំពិក", "Sihanouk 274 · សីហនុ២៧៤", "olympic_market", "Virak Chea"),
    Customer("Independence bistro · ភោជនីយដ្ឋានវិមានឯករាជ្យ", "Norodom 96 · នរោត្តម៩៦", "independence", "Kunthea Mao"),
    Customer("Chbar Ampov market · ផ្សារច្បារអំពៅ", "National Road 1 · ផ្លូវជាតិ១", "chbar_ampov", "Sokun Pich"),
    Customer("Boeung Trabek minimart · ម៉ាតបឹងត្របែក", "Street 271 · ផ្លូវ២៧១", "boeung_trabek", "Nary Toch"),
    Customer("Stung Meanchey school · សាលាស្ទឹងមានជ័យ", "Monireth 410 · មុនីរ៉េត៤១០", "stung_meanchey", "Borey Kim"),
    Customer("University dormitory · អន្តេវាសិកដ្ឋានសាកលវិទ្យាល័យ", "Russian Boulevard · សហព័ន្ធរុស្ស៊ី", "university", "Sreyneang Hor"),
    Customer("Airport catering · សេវាម្ហូបអាហារព្រលាន", "Russian Boulevard 2 · សហព័ន្ធរុស្ស៊ី២", "tuk_thla", "Vannak Sam"),
    Customer("Night market grill · អាំងផ្សាររាត្រី", "Night market · ផ្សាររាត្រី", "night_market", "Ratha Duong"),
    Customer("Prek Leap guesthouse · ផ្ទះសំណាក់ព្រែកលាប", "National Road 6A · ផ្លូវជាតិ៦អា", "prek_leap", "Malis Keo"),
)  # fmt: skip
GOODS = (
    "Eggs, 20 trays · ស៊ុត ២០ថាស", "Chicken, chilled, 35 kg · សាច់មាន់ ៣៥គ.ក", "Vegetables, 6 crates · បន្លែ ៦កេស",
    "Yoghurt, 12 boxes · យ៉ាអួត ១២ប្រអប់", "Fish, on ice, 25 kg · ត្រី ២៥គ.ក", "Herbs and salad · ជី និងសាឡាត់",
)  # fmt: skip


def address_of(customer: Customer) -> Address:
    latitude, longitude = CORNERS[customer.corner]
    return Address(
        line1=customer.line1, city="Phnom Penh", contact_name=f"{customer.contact}, {customer.name}", contact_phone="+855 23 555 0100",
        latitude=latitude, longitude=longitude,
    )  # fmt: skip


def depot() -> Address:
    latitude, longitude = CORNERS[DEPOT]
    return Address(
        line1="Tuol Kork cold store, Street 289 · ឃ្លាំងត្រជាក់ទួលគោក", city="Phnom Penh", contact_name="Angkor Fresh",
        latitude=latitude, longitude=longitude,
    )  # fmt: skip


async def make_drivers(tx: Transaction, staff: Staff) -> None:
    """Drivers with their vehicles and phones."""
    for crew in CREWS:
        vehicle = Vehicle(
            name=crew.vehicle, registration_number=crew.registration, vehicle_type=crew.vehicle_type,
            capacity_kg=Decimal(crew.capacity_kg),
        )  # fmt: skip
        tx.add(vehicle)
        await tx.flush()
        driver = await commands.create_driver(
            tx, name=crew.name, phone=crew.phone, license_number=f"PP-{crew.registration[-4:]}-{len(crew.user)}", vehicle_id=vehicle.id,
            user_id=staff.acting(Role.DRIVER).user_id if crew is CREWS[0] else None,
        )  # fmt: skip
        platform = Platform.IOS if crew.app is PhoneApp.OWNTRACKS else Platform.ANDROID
        await commands.register_device(tx, driver.id, name=f"{crew.user}'s phone", app=crew.app, platform=platform)


async def live_through(tx: Transaction, staff: Staff, *, end: datetime) -> int:
    """Load where the drivers were and what they brought in the last days."""
    rows = (await tx.exec(select(Driver, DriverDevice).join(DriverDevice, col(DriverDevice.driver_id) == Driver.id))).all()
    by_name = {driver.name: (driver, device) for driver, device in rows}
    shifts = [
        (crew, driver, device, begins, min(SHIFT[1], (end - begins).total_seconds()))
        for crew in CREWS
        for driver, device in (by_name[crew.name],)
        for begins in _shifts(crew, end)
    ]
    fixes = [
        _row(driver.id, device.id, begins + timedelta(seconds=seconds), fix, seconds)
        for crew, driver, device, begins, lasts in shifts
        for seconds, fix in _day(crew, begins, lasts)
    ]
    await pour(tx, "deliveries.driver_location_events", STREAM, fixes)
    last = {fix[0]: fix for fix in fixes}
    await pour(tx, "deliveries.active_driver_locations", STREAM, last.values())
    sessions = ((uuid7(), driver.id, device.id, begins, at := begins + timedelta(seconds=lasts), at) for _, driver, device, begins, lasts in shifts)
    await pour(tx, "deliveries.driver_sessions", ("id", "driver_id", "device_id", "started_at", "last_seen_at", "ended_at"), sessions)
    await _deliveries(tx, staff, [(driver.id, driver.vehicle_id, begins, lasts) for _, driver, _, begins, lasts in shifts])
    return len(fixes)


def _shifts(crew: Crew, end: datetime) -> Iterator[datetime]:
    """When this driver's working days began: everybody has a day off now and then."""
    today = end.astimezone(ZoneInfo(ZONE)).date()
    for back in range(DAYS, -1, -1):
        chance = Random(f"{crew.user} {today - timedelta(days=back)}")
        begins = datetime.combine(today - timedelta(days=back), SHIFT[0], ZoneInfo(ZONE)) + timedelta(minutes=chance.uniform(-40, 50))
        if begins < end - timedelta(minutes=5) and (chance.random() < 0.85 or back == 0):
            yield begins.astimezone(UTC)


def _day(crew: Crew, begins: datetime, lasts: float) -> Iterator[tuple[float, Fix]]:
    seed = Random(f"{crew.user} {begins.date()}").randrange(1 << 30)
    return day_on_the_road(seed, DEPOT, [customer.corner for customer in CUSTOMERS], seconds=lasts)


def _row(driver_id: UUID, device_id: UUID, at: datetime, fix: Fix, seconds: float) -> tuple[object, ...]:
    battery = max(18, 98 - seconds / 600)
    return (
        driver_id, device_id, at, at, fix.latitude, fix.longitude, fix.accuracy_m, fix.speed_mps, fix.heading_deg, 12.0, round(battery),
        "background", rules.is_accurate(fix.accuracy_m),
    )  # fmt: skip


async def _deliveries(tx: Transaction, staff: Staff, shifts: Sequence[tuple[UUID, UUID | None, datetime, float]]) -> None:
    """What was brought on those days: most on time, some late, one refused."""
    dispatcher, chance = staff.acting(Role.MANAGER).user_id, Random(8)
    addresses, orders, shipments, assignments = [], [], [], []
    for driver_id, vehicle_id, begins, lasts in shifts:
        at = begins + timedelta(minutes=20)
        while at < begins + timedelta(seconds=lasts - 3600):
            customer = chance.choice(CUSTOMERS)
            ids = [uuid7() for _ in range(5)]
            addresses += [(one, *_place(place)) for one, place in ((ids[0], depot()), (ids[1], address_of(customer)))]
            left, arrived = at + timedelta(minutes=8), at + timedelta(minutes=chance.uniform(20, 45))
            done, promised = arrived + timedelta(minutes=4), at + timedelta(minutes=chance.choice((40, 60, 60, 90)))
            contact = (f"{customer.contact}, {customer.name}", "+855 23 555 0100")
            orders.append((ids[2], ids[1], "fulfilled", "system", *contact, promised, at - timedelta(minutes=30), at - timedelta(minutes=30), "USD", 0, 0, 0, 0, 0, dispatcher))
            shipments.append((ids[3], ids[2], ids[0], ids[1], rules.tracking_number(at, chance.getrandbits(30)), "delivered", chance.choice(GOODS), promised, left, done, at - timedelta(minutes=30)))
            assignments.append((ids[4], ids[3], driver_id, vehicle_id, "delivered", dispatcher, at, left, arrived, done, done, at))
            at += timedelta(minutes=chance.uniform(45, 150))
    await pour(tx, "deliveries.delivery_addresses", ("id", "contact_name", "contact_phone", "line1", "city", "latitude", "longitude"), addresses)
    await pour(tx, "deliveries.orders", (
        "id", "delivery_address_id", "status", "channel", "contact_name", "contact_phone", "promised_at", "placed_at", "created_at",
        "currency", "subtotal", "tax_total", "delivery_fee", "discount_total", "grand_total", "created_by",
    ), orders)  # fmt: skip
    await pour(tx, "deliveries.shipments", (
        "id", "order_id", "pickup_address_id", "delivery_address_id", "tracking_number", "status", "description", "promised_arrival_at",
        "dispatched_at", "delivered_at", "created_at",
    ), shipments)  # fmt: skip
    await pour(tx, "deliveries.driver_assignments", (
        "id", "shipment_id", "driver_id", "vehicle_id", "status", "assigned_by", "accepted_at", "en_route_at", "arrived_at",
        "completed_at", "ended_at", "created_at",
    ), assignments)  # fmt: skip


def _place(address: Address) -> tuple[object, ...]:
    return address.contact_name, address.contact_phone, address.line1, address.city, address.latitude, address.longitude
