"""An organization may keep less of its farms' past than the installation does: then what is older goes, and nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands import retention
from data.farm.queries_history import history
from data.farm.queries_retention import own_retention
from data.farm.rules.detail import Kept, Source
from data.farm.rules.retention import Retention, wanted
from jobs import upkeep
from pages.farm._retention import shortened
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World
from ui.words import Reader, reading_as

HERE = Retention(30, 365, 1826)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("own", "installation", "found"),
    [
        (Retention(), HERE, Retention()), (Retention(7, 90, 400), HERE, Retention(7, 90, 400)), (Retention(30, 365, 1826), HERE, Retention()),
        (Retention(7), HERE, Retention(7)), (Retention(7), Retention(), Retention(7)), (Retention(None, 30), HERE, Retention(None, 30)),
        (Retention(20, 20, 31), Retention(None, 365, None), Retention(20, 20, 31)),
    ],
)  # fmt: skip
def test_less_than_the_installation_can_be_wanted(own: Retention, installation: Retention, found: Retention) -> None:
    assert wanted(own, installation) == found


@pytest.mark.parametrize(
    ("own", "installation", "field"),
    [
        (Retention(31), HERE, "raw_days"), (Retention(None, 366), HERE, "hourly_days"), (Retention(None, None, 1827), HERE, "daily_days"),
        (Retention(1), HERE, "raw_days"), (Retention(None, 6), HERE, "hourly_days"), (Retention(None, None, 30), HERE, "daily_days"),
        (Retention(20, 10), HERE, "hourly_days"), (Retention(None, 29), HERE, "hourly_days"), (Retention(None, None, 364), HERE, "daily_days"),
        (Retention(None, 100), Retention(), "hourly_days"), (Retention(-5), Retention(), "raw_days"),
    ],
)  # fmt: skip
def test_more_or_too_little_is_refused_at_its_field(own: Retention, installation: Retention, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        wanted(own, installation)
    assert refusal.value.field == field


def test_what_holds_is_the_shorter_of_both_also_when_the_installation_keeps_less_later() -> None:
    assert Retention(20, 300).within(Retention(10, None, 500)) == Retention(10, 300, 500)
    assert Retention(20).narrowed(Kept()) == Kept(20 * DAY, 365 * DAY)
    assert Retention(None, 30).narrowed(Kept(None, None)) == Kept(None, 30 * DAY)


@pytest.fixture
async def farms(world: World) -> tuple[FarmWorld, FarmWorld]:
    return await build_farm(world.owner, prefix="own"), await build_farm(world.stranger, prefix="other")


def fill(connection: psycopg.Connection, farm: FarmWorld, ages: Sequence[int], at: datetime) -> None:
    """A value, an hour and a day of the probe, a word of the fan and one of its figures, so many days ago."""
    organization_id, farm_id = farm.farm.organization_id, farm.farm.id
    for days in ages:
        then = (at - days * DAY).replace(minute=0, second=0, microsecond=0)
        for device, kind in ((farm.probe, "temperature"), (farm.fan, "power")):
            connection.execute(
                "insert into farm.sensor_readings (organization_id, device_id, sensor_type, recorded_at, farm_id, unit, value, quality)"
                " values (%s, %s, %s, %s, %s, '', 1, 0)", [organization_id, device.id, kind, then, farm_id],
            )  # fmt: skip
        for granularity in ("hourly", "daily"):
            connection.execute(
                "insert into farm.reading_metrics (organization_id, device_id, sensor_type, granularity, period_start, farm_id, unit, minimum, maximum,"
                " total, square_total, reading_count) values (%s, %s, 'temperature', %s, %s, %s, '', 1, 1, 1, 1, 1)",
                [organization_id, farm.probe.id, granularity, then, farm_id],
            )
        connection.execute(
            "insert into farm.device_metrics (organization_id, device_id, metric_type, recorded_at, farm_id, value) values (%s, %s, 'errors', %s, %s, 1)",
            [organization_id, farm.fan.id, then, farm_id],
        )


def left(connection: psycopg.Connection, organization_id: UUID, at: datetime) -> dict[str, list[int]]:
    """Of what there is still something, and how many days old."""
    rows = connection.execute(
        "select sensor_type as what, recorded_at as at from farm.sensor_readings where organization_id = %(o)s"
        " union all select granularity::text, period_start from farm.reading_metrics where organization_id = %(o)s"
        " union all select 'figures', recorded_at from farm.device_metrics where organization_id = %(o)s order by 2 desc", {"o": organization_id},
    )  # fmt: skip
    found: dict[str, list[int]] = {}
    for what, then in rows:
        found.setdefault(what, []).append(round((at - then) / DAY))
    return found


AGES = (1, 5, 20, 40, 100, 500)
ALL = {"temperature": list(AGES), "power": list(AGES), "hourly": list(AGES), "daily": list(AGES), "figures": list(AGES)}


async def test_what_is_older_goes_by_night_and_nobody_elses(
    world: World, farms: tuple[FarmWorld, FarmWorld], owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)  # so that there is more than one part
    at, (_, others) = now(), farms
    for farm in farms:
        fill(owner_connection, farm, AGES, at)
    await upkeep.forget_for_organizations()
    assert left(owner_connection, world.organization_id, at) == ALL
    async with transaction(world.owner) as tx:
        await retention.keep_for(tx, Retention(10, 60, 400), installation=HERE)
    await upkeep.forget_for_organizations()
    assert left(owner_connection, world.organization_id, at) == {
        "temperature": [1, 5], "power": [1, 5, 20], "hourly": [1, 5, 20, 40], "daily": [1, 5, 20, 40, 100], "figures": [1, 5, 20, 40, 100],
    }  # fmt: skip
    assert left(owner_connection, others.farm.organization_id, at) == ALL


async def test_of_a_devices_hourly_figures_the_first_of_each_day_stays(
    world: World, farms: tuple[FarmWorld, FarmWorld], owner_connection: psycopg.Connection
) -> None:
    ours, _ = farms
    for hour in (1, 2, 9):
        owner_connection.execute(
            "insert into farm.device_metrics (organization_id, device_id, metric_type, recorded_at, farm_id, value)"
            " values (%s, %s, 'runtime_hours', date_trunc('day', now(), 'Asia/Phnom_Penh') - interval '90 days' + make_interval(hours => %s), %s, %s)",
            [world.organization_id, ours.fan.id, hour, ours.farm.id, hour],
        )
    async with transaction(world.owner) as tx:
        await retention.keep_for(tx, Retention(None, 60), installation=HERE)
    await upkeep.forget_for_organizations()
    (kept,) = owner_connection.execute("select value from farm.device_metrics where organization_id = %s", [world.organization_id]).fetchall()
    assert kept == (1,)


async def test_what_is_not_counted_yet_and_what_is_held_by_law_stays(
    world: World, farms: tuple[FarmWorld, FarmWorld], owner_connection: psycopg.Connection
) -> None:
    at, (ours, _) = now(), farms
    fill(owner_connection, ours, (20,), at)
    month = (at.replace(day=1) - DAY).replace(day=1)
    held = f"farm.sensor_readings_y{month:%Y}m{month:%m}"
    owner_connection.execute("select platform.make_partitions('farm.sensor_readings', %s, %s)", [month, month])
    fill(owner_connection, ours, ((at - month).days - 2,), at)
    async with transaction(world.owner) as tx:
        await retention.keep_for(tx, Retention(2), installation=HERE)
    owner_connection.execute(
        "insert into farm.stale_metrics (organization_id, device_id, sensor_type, hour) values (%s, %s, 'temperature', now() - interval '400 days')",
        [world.organization_id, ours.probe.id],
    )
    await upkeep.forget_for_organizations()
    assert len(left(owner_connection, world.organization_id, at)["temperature"]) == 2
    owner_connection.execute("delete from farm.stale_metrics where organization_id = %s", [world.organization_id])
    owner_connection.execute(
        "insert into platform.partition_retention_overrides (id, partition_name, reason, created_by) values (gen_random_uuid(), %s, 'court', 'x')", [held]
    )
    await upkeep.forget_for_organizations()
    rows = owner_connection.execute(
        "select count(*) filter (where tableoid = %s::regclass), count(*) from farm.sensor_readings where organization_id = %s and sensor_type = 'temperature'",
        [held, world.organization_id],
    ).fetchone()
    assert rows and rows[0] == rows[1] >= 1
    owner_connection.execute("update platform.partition_retention_overrides set expires_at = now() - interval '1 hour' where partition_name = %s", [held])
    await upkeep.forget_for_organizations()
    assert "temperature" not in left(owner_connection, world.organization_id, at)
    owner_connection.execute("delete from platform.partition_retention_overrides where partition_name = %s", [held])


async def test_only_who_decides_about_the_organization_says_so_and_pictures_heed_it(world: World, farms: tuple[FarmWorld, FarmWorld]) -> None:
    ours, _ = farms
    who: Sequence[Actor] = (world.colleague, world.keeper)
    for one in who:
        with pytest.raises(Forbidden):
            async with transaction(one) as tx:
                await retention.keep_for(tx, Retention(10), installation=HERE)
    async with transaction(world.owner) as tx:
        await retention.keep_for(tx, Retention(10), installation=HERE)
        await retention.keep_for(tx, Retention(10, 90), installation=HERE)
    async with transaction(world.stranger) as tx:
        assert (await own_retention(tx)).is_as_usual
    end = now() - 15 * DAY
    async with transaction(world.keeper) as tx:
        assert await own_retention(tx) == Retention(10, 90)
        seen = await history(tx, ours.farm.id, end - DAY, end, of=[ours.probe.id])
    assert seen.detail.source is Source.HOURS
    async with transaction(world.owner) as tx:
        await retention.keep_for(tx, Retention(), installation=HERE)
        assert (await own_retention(tx)).is_as_usual
        assert (await history(tx, ours.farm.id, end - DAY, end, of=[ours.probe.id])).detail.source is Source.READINGS
    async with across_tenants("tests") as tx:
        assert not [one for one in await retention.wishes(tx) if one[0] == world.organization_id]


@pytest.mark.parametrize(
    ("before", "after", "goes"),
    [
        (HERE, HERE, []), (HERE, Retention(10, 365, 1826), ["Each value: older than 10 days"]), (Retention(10, 90, 400), HERE, []),
        (Retention(), Retention(30, None, 400), ["Each value: older than 30 days", "Days: older than 400 days"]),
    ],
)  # fmt: skip
def test_before_it_is_saved_one_reads_what_will_go(before: Retention, after: Retention, goes: list[str]) -> None:
    with reading_as(Reader(language="en")):
        assert shortened(before, after) == goes
