"""A server's log is received as it is written, and any instant of it can be gone back to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from data.core.embedded import Embedded, embedded
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.platform import stretches as noted
from data.platform.commands import keep_file, use_folder
from jobs.backup import back_up_when_due
from jobs.keeping.drill import drill
from jobs.keeping.following import Pace, keep_log
from jobs.keeping.instants import as_of, found_for, kept, pour
from jobs.keeping.replication import Refused, server_of
from jobs.keeping.restoring import NotRestored
from jobs.keeping.segments import Segment, is_received, number_of, place, segments_in, written
from jobs.keeping.store import Store
from jobs.keeping.stretches import Base, not_continued, not_needed, segments
from jobs.keeping.thinning import thin
from migrations.upgrade import upgrade
from tests.conftest import SECRET_KEY, Opened
from tests.factories.people import World
from tests.factories.s3 import Bucket, bucket

QUICK = Pace(first=0, look=0.05, reach=0.2, again=0.1, longest=0.2, refused=0.2, patience=20)
SIZE = 16 << 20


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A small server whose log is received: what the product notes goes to the shared one."""
    folder = tmp_path_factory.mktemp("own")
    with embedded(folder / "pg") as running:
        with psycopg.connect(running.database("steading"), autocommit=True) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
            connection.execute("create table eggs (laid text)")
        upgrade(running.database("steading"), SECRET_KEY)
        yield running


@pytest.fixture
async def settings(opened: Opened, own: Embedded, tmp_path: Path, world: World) -> AsyncIterator[Settings]:
    use_folder(tmp_path / "files")
    with psycopg.connect(own.database("steading"), autocommit=True) as connection:
        connection.execute("truncate eggs")
    yield Settings(_env_file=None, database_url=own.database("steading"), secret_key=SECRET_KEY, var_dir=tmp_path)
    use_folder(opened.files)


@pytest.fixture
def there() -> Iterator[Bucket]:
    """A store that speaks S3, empty."""
    with bucket() as made:
        yield made


@contextlib.asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_log(settings, QUICK))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told() -> noted.Log | None:
    async with across_tenants("tests") as tx:
        return await noted.log(tx)


async def until(is_so: Callable[[noted.Log], bool], within_s: float = 20) -> noted.Log:
    for _ in range(int(within_s / 0.05)):
        log = await told()
        if log and is_so(log):
            return log
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")


async def reaches(at: datetime) -> noted.Log:
    return await until(lambda log: bool(log.spans) and log.spans[-1].until > at)


def lay(settings: Settings, *eggs: str) -> datetime:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.cursor().executemany("insert into eggs values (%s)", [[egg] for egg in eggs])
        found = connection.execute("select clock_timestamp()").fetchone()
    assert found
    return found[0].astimezone(UTC)


async def test_an_instant_is_gone_back_to_with_exactly_its_rows_and_none_beyond_the_log(
    settings: Settings, there: Bucket, world: World, server: Embedded, tmp_path: Path
) -> None:
    settings = settings.model_copy(
        update={
            "backup_url": f"s3://{there.name}/steading", "backup_endpoint": there.url, "backup_region": there.region,
            "backup_access_key": there.access_key, "backup_secret_key": "secret",
        }
    )  # fmt: skip
    async with transaction(world.owner) as tx:
        file = await keep_file(tx, b"a photo", file_name="hens.jpg", mime_type="image/jpeg")
    async with following(settings):
        await until(lambda log: bool(log.spans))
        wanted = lay(settings, "one", "two")
        lay(settings, "three")
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute("delete from eggs where laid = 'one'")
        await reaches(now())
        assert (await told()).stands(now())  # type: ignore[union-attr]
        await back_up_when_due(settings)
    store = Store(settings)
    assert await store.times() == {}, "no copies by the hour are made where the log is received"
    assert there.objects[f"steading/files/{file.key}"] == b"a photo"

    found = await found_for(store, wanted)
    assert found
    elsewhere = server.database("gone_back", fresh=True)
    (tmp_path / "work").mkdir()
    async with as_of(store, found, tmp_path / "work", at=wanted) as recovered:
        assert await pour(recovered, found.base, elsewhere, tmp_path) == {}
    with psycopg.connect(elsewhere) as connection:
        assert connection.execute("select laid from eggs order by 1").fetchall() == [("one",), ("two",)]
    server.drop("gone_back")

    with pytest.raises(NotRestored, match=f"it ends at {found.reach.at:%Y-%m-%d %H:%M:%S} UTC"):
        await found_for(store, now() + timedelta(hours=1))

    async with following(settings):
        drilled = await drill(settings)
        assert drilled.faults == [] and drilled.tables > 100 and drilled.rows > 2

    newest = await found_for(store, None)
    assert newest
    (tmp_path / "newest").mkdir()
    async with as_of(store, newest, tmp_path / "newest", data=tmp_path / "new" / "pg"):
        pass
    with embedded(tmp_path / "new" / "pg") as again, psycopg.connect(again.database("steading")) as connection:
        assert connection.execute("select laid from eggs order by 1").fetchall() == [("three",), ("two",)]
        assert connection.execute("select timeline_id from pg_control_checkpoint()").fetchone() == (2,)
    assert there.refused == []


async def test_a_receiver_that_is_killed_begins_again_and_what_the_server_has_dropped_is_a_gap(settings: Settings, own: Embedded) -> None:
    async with following(settings):
        first = await until(lambda log: bool(log.spans))
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_replication")
        lay(settings, "after")
        assert (await reaches(now())).now.key == first.now.key
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("alter system set wal_keep_size = 0")
        connection.execute("select pg_reload_conf()")
        for _ in range(3):
            connection.execute("create table if not exists filler (n int)")
            connection.execute("insert into filler values (1)")
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")
    async with following(settings):
        second = await until(lambda log: len(log.spans) == 2)
    assert second.now.key != first.now.key and second.spans[0].until < second.spans[1].since


async def test_where_the_role_may_not_copies_by_the_hour_are_made_and_it_is_said(settings: Settings, own: Embedded) -> None:
    with psycopg.connect(own.conninfo, autocommit=True) as connection:
        connection.execute("drop role if exists hosted")
        connection.execute("create role hosted login")
    hosted = settings.model_copy(update={"database_url": settings.database_url.replace("postgres:@", "hosted@")})
    with pytest.raises(Refused, match="role_may_not"):
        await server_of(hosted.database_url)
    async with following(hosted):
        log = await until(lambda log: log.now.refusal is not None)
    assert log.now.refusal == "role_may_not" and not log.stands(now()) and not log.is_behind(now())
    async with following(settings.model_copy(update={"backup_log": False})):
        await until(lambda log: log.now.refusal == "is_off")


async def test_what_nothing_goes_on_from_any_more_is_dropped(settings: Settings) -> None:
    async with following(settings):
        await until(lambda log: bool(log.spans))
    store = Store(settings)
    (one,) = await kept(store)
    early = settings.var_dir / "backups" / "log" / one.stretch.key / "000000010000000000000000.gz"
    early.write_bytes(b"")
    old = settings.var_dir / "backups" / "base" / one.stretch.key / "2020-01-01T02-00-00Z-12345678.json"
    words = one.base.as_json().replace(f"{one.base.at:%Y-%m-%d}".encode(), b"2020-01-01").replace(one.base.key.encode(), str(old.relative_to(settings.var_dir / "backups"))[:-5].encode())
    old.write_bytes(words)
    await thin(settings)
    assert old.exists(), "it is needed for the days until the next one"
    assert not early.exists() and await segments(store, one.stretch)


@pytest.mark.parametrize(("text", "size", "number"), [("000000010000000000000002", SIZE, 2), ("0000000200000001000000FF", SIZE, 511), ("000000010000000100000001", 1 << 30, 5)])
def test_files_of_the_log_are_numbered(text: str, size: int, number: int) -> None:
    assert number_of(text, size) == number and written(place("16/B374D848")) == "16/B374D848"
    assert segments_in([f"{text}.partial", text, "00000002.history"], size) == [Segment(number, True, text)]


def test_what_has_arrived_is_what_anything_is_behind(tmp_path: Path) -> None:
    part = tmp_path / "000000010000000000000002.partial"
    part.write_bytes(b"x" * 100 + bytes(SIZE - 100))
    assert is_received(tmp_path, 2 * SIZE, SIZE) and is_received(tmp_path, 2 * SIZE + 99, SIZE)
    assert not is_received(tmp_path, 2 * SIZE + 100, SIZE) and not is_received(tmp_path, 3 * SIZE + 1, SIZE)
    part.rename(tmp_path / "000000010000000000000002")
    assert is_received(tmp_path, 3 * SIZE, SIZE) and not is_received(tmp_path, 3 * SIZE + 1, SIZE)


def test_a_copy_is_needed_until_the_next_is_as_old_as_what_is_kept() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    nights = [at - timedelta(days=n) for n in range(33, 0, -1)]
    found = [Base(f"b{n}", "s", night, night, f"{'0' * 7}1{'0' * 8}{n:08X}", 180000, "d", "o", 1, "") for n, night in enumerate(nights)]
    dropped = not_needed(found, at, timedelta(days=30))
    assert [base.key for base in dropped] == ["b0", "b1", "b2"] and not_needed(found[:1], at, timedelta(days=30)) == []
    log = {Segment(n, True, str(n)): str(n) for n in range(6)}
    assert not_continued(log, found[3:], SIZE) == ["0", "1", "2"]
