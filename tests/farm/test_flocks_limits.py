"""Growing too slowly is told; the age of the birds proposes the limits of their house; an hour unlike others is shown."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from data.alerts import queries as alerts
from data.alerts.tables import Alert, Severity
from data.core.errors import Forbidden, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands import flocks_limits
from data.farm.commands.anomalies import judge_hours, organizations_with_hours
from data.farm.commands.flocks_limits import limits
from data.farm.flocks import GROWS_G, Day, Flock, Target, figures, growing
from data.farm.rules.anomalies import odd
from data.farm.settings import configs_of
from data.farm.values import SensorValue
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World
from tests.farm.asking import hear, system
from tests.farm.test_flocks import judge, noon, place, today, write

START = date(2026, 11, 1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def open_alerts(world: World) -> list[Alert]:
    async with transaction(world.owner) as tx:
        return list(await alerts.open_alerts(tx))


def weighed(*grams: float | None, kind: str = "broiler", every: int = 7) -> bool | None:
    """Whether a flock that was weighed so each week grows too slowly."""
    flock = Flock(kind, START, 1000)
    days = [Day(START + timedelta(days=n * every), weight_g=one) for n, one in enumerate(grams)]
    found = growing(flock, figures(flock, days))
    return found.is_bad if found else None


@pytest.mark.parametrize(
    ("grams", "verdict"),
    [
        ((42,), None),
        ((None, 190), None),
        ((42, 190, 480), False),
        ((42, 190, 420), True),
        ((None, 95, 240), False),
        ((None, 95, 200), True),
        ((None, 190, 480, None), False),
        ((None, 190, 480, 470), True),
    ],
    ids=["no weighing before", "the first", "as usual", "far too light", "a light breed that grows", "a light breed that does not", "a day without", "lost weight"],
)
def test_birds_grow_by_what_they_weighed_before(grams: tuple[float | None, ...], verdict: bool | None) -> None:
    assert weighed(*grams) is verdict


def test_the_weighings_of_a_month_ago_say_nothing_of_today() -> None:
    curve = dict(GROWS_G["layer"])
    flock = Flock("layer", START, 1000)
    days = [Day(START + timedelta(days=14), weight_g=curve[14] * 2), Day(START + timedelta(days=56), weight_g=curve[56])]
    assert growing(flock, figures(flock, days)) is None


def test_limits_are_in_half_degrees_and_never_cross() -> None:
    assert limits(Target(33, 2)) == (31.0, 35.0)
    assert limits(Target(21.3, 4.9)) == (16.5, 26.0)
    assert limits(Target(16, 3)) == (13.0, 20.0), "no upper limit below 20 °C can be set at a probe"


async def test_a_flock_that_grows_too_slowly_is_told_of_and_over_with_the_next_weighing(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm, days_ago=22)
    await write(world.keeper, flock, 15, weight_g=190)
    await write(world.keeper, flock, 8, weight_g=480)
    assert await open_alerts(world) == []
    await write(world.keeper, flock, 1, weight_g=700)
    (alert,) = await open_alerts(world)
    assert (alert.alert_type, alert.severity, alert.message_values["g"]) == ("flock_growing_less", Severity.WARNING, 700)
    assert alert.time_zone == "Asia/Phnom_Penh"
    await write(world.keeper, flock, 0, weight_g=1000)
    await judge(world, noon(today()))
    assert await open_alerts(world) == []


async def test_the_birds_age_proposes_the_limits_of_their_house_and_a_manager_takes_them(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm, days_ago=0)
    async with transaction(world.owner) as tx:
        assert await flocks_limits.proposals(tx, flock.id) == [], "no probe has measured yet"
    await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", 32.0, "°C", now()))
    async with transaction(world.keeper) as tx:
        (one,) = await flocks_limits.proposals(tx, flock.id)
        assert (one.low, one.high, one.right_low, one.right_high, one.is_right) == (None, None, 31.0, 35.0, False)
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await flocks_limits.take(tx, flock.id)
    async with transaction(world.owner) as tx:
        assert await flocks_limits.take(tx, flock.id) == 1
    async with transaction(world.owner) as tx:
        assert {c.parameter_name: c.parameter_value for c in await configs_of(tx, farm.probe.id)} == {"temp_threshold_low": 31, "temp_threshold_high": 35}
        assert await flocks_limits.take(tx, flock.id) == 0


@pytest.mark.parametrize(
    ("value", "before", "verdict"),
    [
        (30.0, [30.0] * 6, None),
        (30.5, [30.0] * 14, False),
        (32.5, [30.0] * 14, None),
        (33.1, [30.0] * 14, True),
        (26.5, [30.0] * 14, True),
        (34.0, [30.0, 31, 32, 29, 28, 30, 31, 33, 27, 30], False),
        (39.0, [30.0, 31, 32, 29, 28, 30, 31, 40, 41, 30], True),
    ],
    ids=["too few days", "as ever", "in between", "too warm", "too cold", "days that differ", "odd days before"],
)
def test_an_hour_is_odd_by_the_same_hour_of_other_days(value: float, before: list[float], verdict: bool | None) -> None:
    found = odd("temperature", value, before)
    assert (found.is_odd if found else None) is verdict


async def test_a_probe_unlike_other_days_is_shown_until_it_is_as_ever(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    hour = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def measured(at: datetime, celsius: float) -> None:
        owner_connection.execute(
            "insert into farm.reading_metrics (organization_id, device_id, sensor_type, granularity, period_start, farm_id, unit, minimum, maximum,"
            " total, square_total, reading_count) values (%s, %s, 'temperature', 'hourly', %s, %s, '°C', %s, %s, %s, 0, 10)",
            [world.organization_id, farm.probe.id, at, farm.farm.id, celsius, celsius, celsius * 10],
        )

    for ago in range(1, 11):
        measured(hour - timedelta(days=ago), 29 + ago % 3)
    measured(hour, 38)
    async with across_tenants("tests") as tx:
        assert list(await organizations_with_hours(tx, at=hour + timedelta(minutes=74))) == [world.organization_id]
    async with transaction(system(world)) as tx:
        await judge_hours(tx, at=hour + timedelta(minutes=74))
    (alert,) = await open_alerts(world)
    assert (alert.alert_type, alert.severity, alert.message_values) == (
        "anomaly", Severity.INFO, {"name": "Probe", "value_celsius": 38.0, "usual_celsius": 30.0},
    )  # fmt: skip
    measured(hour + timedelta(hours=1), 30)
    for ago in range(1, 11):
        measured(hour + timedelta(hours=1) - timedelta(days=ago), 30)
    async with transaction(system(world)) as tx:
        await judge_hours(tx, at=hour + timedelta(minutes=134))
    assert await open_alerts(world) == []
