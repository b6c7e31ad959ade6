"""What is kept elsewhere can be put back, and a damaged copy is found before it is needed."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from data.core.embedded import Embedded, embedded
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.farm import commands as farm
from data.platform import backups
from data.platform.backups import Keeping
from data.platform.commands import keep_file, use_folder
from jobs.api.health import health
from jobs.backup import BackupFailed, back_up, back_up_when_due, timetable
from jobs.keeping.drill import DrillFailed, clear_away, drill
from jobs.keeping.following import slot
from jobs.keeping.restoring import NotRestored, chosen, missing_files, put_back, put_back_files
from jobs.keeping.store import Store
from jobs.keeping.thinning import thin
from migrations.upgrade import upgrade
from tests.conftest import SECRET_KEY, Opened
from tests.factories.people import World
from tests.factories.s3 import bucket


@pytest.fixture
def settings(opened: Opened, tmp_path: Path) -> Iterator[Settings]:
    """An installation that keeps its copies beside its files."""
    use_folder(tmp_path / "files")
    yield Settings(_env_file=None, database_url=opened.url, secret_key=SECRET_KEY, var_dir=tmp_path)
    use_folder(opened.files)


async def keeping() -> Keeping:
    async with across_tenants("tests") as tx:
        return await backups.keeping(tx)


async def test_what_was_copied_can_be_put_back_row_by_row_and_file_by_file(
    world: World, settings: Settings, server: Embedded, tmp_path: Path
) -> None:
    async with transaction(world.owner) as tx:
        farm_id = (await farm.create_farm(tx, name="ផ្ទះមាន់")).id
        file = await keep_file(tx, b"a photo", file_name="hens.jpg", mime_type="image/jpeg")
    made = await back_up(settings)
    async with transaction(world.owner) as tx:
        await farm.create_farm(tx, name="After the copy")

    store, elsewhere = Store(settings), server.database("restored", fresh=True)
    assert await put_back(store, await chosen(store, None), elsewhere, tmp_path) == {}
    with psycopg.connect(elsewhere) as connection:
        assert connection.execute("select id, name from farm.farms").fetchall() == [(farm_id, "ផ្ទះមាន់")]
        assert connection.execute("select count(*) from farm.device_metrics_default").fetchone() == (0,)
        assert connection.execute("select count(*) from pg_policies where policyname = 'same_organization'").fetchone()[0] > 50
    assert await missing_files(store, elsewhere) == {}
    assert await put_back_files(store, tmp_path / "back") == 1
    assert (tmp_path / "back" / file.key).read_bytes() == b"a photo"
    server.drop("restored")

    last = (await keeping()).last
    assert last and last.key == made.key and last.row_counts["farm.farms"] == 1 and last.restorable_until_at == made.at


async def test_what_only_another_server_knows_of_a_column_keeps_nothing_back(
    world: World, settings: Settings, server: Embedded, tmp_path: Path, owner_connection: psycopg.Connection
) -> None:
    column = "attrelid = 'farm.farms'::regclass and attname ="
    owner_connection.execute(f"update pg_attribute set attoptions = '{{pg_attver=31165216}}' where {column} 'name'")
    owner_connection.execute("alter table farm.farms alter column location set (n_distinct = 7)")
    try:
        await back_up(settings)
        store, elsewhere = Store(settings), server.database("restored", fresh=True)
        assert await put_back(store, await chosen(store, None), elsewhere, tmp_path) == {}
        with psycopg.connect(elsewhere) as connection:
            options = connection.execute(f"select attoptions from pg_attribute where {column} any(%s) order by attname", [["name", "location"]])
            assert options.fetchall() == [(["n_distinct=7"],), (None,)]
    finally:
        owner_connection.execute(f"update pg_attribute set attoptions = null where {column} any('{{name, location}}')")
        server.drop("restored")


async def test_a_copy_is_put_back_into_an_empty_database_only(world: World, settings: Settings, tmp_path: Path) -> None:
    await back_up(settings)
    store = Store(settings)
    with pytest.raises(NotRestored, match="not empty"):
        await put_back(store, await chosen(store, None), settings.database_url, tmp_path)


async def test_a_drill_really_restores_and_says_so(world: World, settings: Settings) -> None:
    await back_up(settings)
    found = await drill(settings)
    assert found.tables > 100 and found.rows > 20 and found.chains == 3 and found.faults == []
    kept = await keeping()
    assert kept.drill and kept.last and kept.drill.is_whole and kept.drill.backup_id == kept.last.id
    assert kept.troubles(now()) == [] and list(settings.var_dir.glob(".unfinished-*")) == []


async def test_a_damaged_copy_is_found_by_the_drill(world: World, settings: Settings) -> None:
    made = await back_up(settings)
    file = settings.var_dir / "backups" / f"{made.key}.dump"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DrillFailed, match="damaged"):
        await drill(settings)
    kept = await keeping()
    assert kept.drill and kept.drill.is_whole is False and "damaged" in str(kept.drill.error)
    assert kept.troubles(now()) == ["drill_failed"]
    told = await health(settings)
    assert told["status"] == "degraded" and told["backups"] == ["drill_failed"]
    assert "backups" not in await health(settings.model_copy(update={"backup_every_hours": 0}))
    assert kept.troubles(now() + timedelta(hours=27)) == ["backup_stale", "drill_failed"]


async def test_a_forged_log_and_a_lost_file_are_found_by_the_drill(
    world: World, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        await farm.create_farm(tx, name="North")
        await keep_file(tx, b"a photo", file_name="hens.jpg", mime_type="image/jpeg")
    with owner_connection.transaction():
        owner_connection.execute("set local session_replication_role = replica")
        owner_connection.execute("update audit.event_logs set title = 'nothing happened' where event_type = 'farm.farms.created'")
    await back_up(settings)
    for file in (settings.var_dir / "backups" / "files").rglob("*"):
        if file.is_file():
            file.write_bytes(b"a ph")
    with pytest.raises(DrillFailed, match=r"altered at \d+.*is cut off"):
        await drill(settings)


async def test_what_a_killed_process_left_behind_goes_a_day_later(world: World, settings: Settings) -> None:
    left, fresh = settings.var_dir / ".unfinished-drill-left", settings.var_dir / ".unfinished-backup-fresh"
    kept = settings.var_dir / "backup-store"  # somebody's own name for the place of the copies
    for folder in (fresh, kept):
        folder.mkdir()
    running = embedded(left / "pg")
    address = running.__enter__().conninfo
    for folder in (left, kept):
        os.utime(folder, (0, 0))
    await clear_away(settings.var_dir)
    assert not left.exists() and fresh.exists() and kept.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)


async def test_without_any_copy_a_drill_fails_plainly(world: World, settings: Settings) -> None:
    with pytest.raises(DrillFailed, match="there is no backup in"):
        await drill(settings)


async def test_one_that_cannot_be_made_is_noted_with_its_reason_and_another_may_be_made(world: World, settings: Settings) -> None:
    taken = settings.model_copy(update={"backup_url": str(settings.var_dir / "not a folder")})
    (settings.var_dir / "not a folder").write_text("a file")
    with pytest.raises(BackupFailed):
        await back_up(taken)
    kept = await keeping()
    assert kept.last is None and kept.failed and kept.failed.error and kept.troubles(now()) == ["backup_failed"]
    await back_up(settings)
    assert (await keeping()).failed is None


async def test_one_that_is_due_is_made_once(world: World, settings: Settings) -> None:
    await back_up_when_due(settings)
    await back_up_when_due(settings)
    assert len(await Store(settings).times()) == 1


async def test_a_moment_finds_the_newest_copy_that_is_not_younger(world: World, settings: Settings) -> None:
    first = await back_up(settings)
    store = Store(settings)
    assert (await chosen(store, now())).key == first.key
    with pytest.raises(NotRestored, match="no backup"):
        await chosen(store, first.at - timedelta(minutes=1))


async def test_what_has_had_its_time_goes_from_the_store(world: World, settings: Settings) -> None:
    made = await back_up(settings)
    folder = settings.var_dir / "backups" / "database"
    for age in (timedelta(hours=47), timedelta(days=31)):
        for end in ("dump", "json"):
            (folder / f"{now() - age:%Y-%m-%dT%H-%M-%SZ}-12345678.{end}").write_bytes(b"{}")
    await thin(settings)
    left = sorted(file.name for file in folder.iterdir())
    assert len(left) == 4 and f"{made.key}.json".endswith(left[-1])


def test_two_days_all_are_kept_then_the_first_of_each_night_for_thirty_days() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    hourly = [at - timedelta(hours=n) for n in range(24 * 40)]
    dropped = set(backups.to_drop(hourly, at))
    kept = [time for time in hourly if time not in dropped]
    assert [time for time in kept if at - time <= timedelta(hours=48)] == hourly[:49]
    older = [time for time in kept if at - time > timedelta(hours=48)]
    assert {time.hour for time in older} == {2} and len(older) == 28
    assert backups.to_drop([at - timedelta(days=90)], at) == []


@pytest.mark.parametrize(
    ("at", "every", "begun"),
    [
        ("2026-11-21T01:59", 24, "2026-11-20T02:00"), ("2026-11-21T02:00", 24, "2026-11-21T02:00"),
        ("2026-11-21T12:34", 1, "2026-11-21T12:00"), ("2026-11-21T01:10", 6, "2026-11-20T20:00"),
    ],
)  # fmt: skip
def test_a_copy_is_due_at_two_in_the_night_and_every_so_many_hours_after(at: str, every: int, begun: str) -> None:
    assert slot(datetime.fromisoformat(at + "+00:00"), every) == datetime.fromisoformat(begun + "+00:00")


def test_who_wants_none_gets_none() -> None:
    assert timetable(Settings(_env_file=None, backup_every_hours=0)) == []
    assert len(timetable(Settings(_env_file=None))) == 2


async def test_a_store_that_speaks_s3_keeps_copies_gives_them_back_and_drops_them(
    world: World, settings: Settings, server: Embedded, tmp_path: Path
) -> None:
    async with transaction(world.owner) as tx:
        file = await keep_file(tx, b"a photo", file_name="hens.jpg", mime_type="image/jpeg")
    with bucket() as there:
        far = settings.model_copy(
            update={
                "backup_url": f"s3://{there.name}/steading", "backup_endpoint": there.url, "backup_region": there.region,
                "backup_access_key": there.access_key, "backup_secret_key": "secret",
            }
        )  # fmt: skip
        made = await back_up(far)
        await back_up(far)
        assert sorted(there.objects)[-1] == f"steading/files/{file.key}" and len(there.objects) == 5
        for end in ("dump", "json"):
            there.objects[f"steading/database/2020-01-01T02-00-00Z-12345678.{end}"] = b"{}"
        await thin(far)
        assert len(there.objects) == 5 and f"steading/{made.key}.dump" in there.objects

        store, elsewhere = Store(far), server.database("restored", fresh=True)
        assert await put_back(store, await chosen(store, None), elsewhere, tmp_path) == {}
        assert await put_back_files(store, tmp_path / "back") == 1 and await missing_files(store, elsewhere) == {}
        server.drop("restored")
        assert there.refused == []

        with pytest.raises(BackupFailed, match="AccessDenied|403|Forbidden|denied"):
            await back_up(far.model_copy(update={"backup_access_key": "somebody else"}))


@pytest.fixture
def plain_owners(server: Embedded, worker_id: str) -> Iterator[tuple[str, str]]:
    """Two databases, each of an owner that is no superuser, as hosted ones have; the first is migrated and holds a few rows."""
    names, addresses = (f"copied_{worker_id}", f"put_back_{worker_id}"), []
    for name in names:
        address = server.database(name, fresh=True)
        with psycopg.connect(address, autocommit=True) as superuser:
            superuser.execute(f"drop role if exists {name}")
            superuser.execute(f"create role {name} login createrole")
            superuser.execute(f"grant steading_app, steading_sweep to {name} with admin option")
            superuser.execute(f"alter database {name} owner to {name}")
            superuser.execute(f"grant create on schema public to {name}")
            superuser.execute("create extension cube; create extension earthdistance")
        addresses.append(make_url(address).set(username=name).render_as_string(hide_password=False))
    upgrade(addresses[0], SECRET_KEY)
    with psycopg.connect(addresses[0], autocommit=True) as owner:
        late = "insert into audit.event_logs select gen_random_uuid(), '2031-05-31T12:00Z', gen_random_uuid(), 1, 'system', null,"
        owner.execute(f"{late} null, null, false, '', '', '', '', '', null, '{{}}', null, null, '', ''")
    yield addresses[0], addresses[1]
    for name in names:
        server.drop(name)
    with psycopg.connect(server.conninfo, autocommit=True) as superuser:
        for name in names:
            superuser.execute(f"drop role {name}")


async def test_an_owner_behind_the_wall_copies_every_row_and_another_puts_them_back(
    world: World, settings: Settings, plain_owners: tuple[str, str], tmp_path: Path
) -> None:
    source, target = plain_owners
    hosted = settings.model_copy(update={"database_url": source})
    made = await back_up(hosted)
    assert made.tables["audit.event_logs"][0] == 1 and made.tables["platform.partitioned_tables"][0] > 5
    store = Store(hosted)
    assert await put_back(store, await chosen(store, None), target, tmp_path) == {}
    upgrade(target, SECRET_KEY)
    with psycopg.connect(target) as owner:
        assert owner.execute("select count(*) from audit.event_logs").fetchone() == (1,)
        assert owner.execute("select count(*) from pg_policies where %s = any(roles)", [make_url(source).username]).fetchone() == (0,)
