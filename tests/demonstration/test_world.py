"""The demonstration is made once, by commands, and its devices' secrets are kept where only their owner reads them."""

import json
import stat
from datetime import timedelta

import pytest
from psycopg import Connection

from data.core.errors import Unauthenticated
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.farm.queries_logins import signer
from data.identity import door
from data.identity.secrets import token_hash
from data.identity.tables import Role, TokenKind
from data.tracking import queries as tracking
from jobs.demonstration import world
from jobs.demonstration.kept import FILE, Kept
from jobs.demonstration.people import PEOPLE, ensure_people
from tests.conftest import Opened

COUNTS = {
    "farm.farms": 2, "farm.devices": 12, "cold_chain.sites": 1, "cold_chain.units": 8, "cold_chain.devices": 8,
    "tracking.trackers": 30, "tracking.production_runs": 2, "deliveries.drivers": 8, "deliveries.driver_devices": 8,
    "deliveries.active_driver_locations": 8, "identity.organizations": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
async def settings(opened: Opened, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A world with a shorter past, so that it is there quickly; these tests share it."""
    await opened.attach()
    opened.broom.sweep()
    made = Settings(_env_file=None, var_dir=tmp_path_factory.mktemp("demonstration"), demonstration=True)  # type: ignore[call-arg]
    await world.ensure_world(made, SHORT)
    return made


def counted(connection: Connection, *tables: str) -> dict[str, int]:
    return {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}  # type: ignore[index]


SHORT = timedelta(days=3)
STREAMS = ("cold_chain.sensor_readings", "farm.sensor_readings", "tracking.location_reports", "deliveries.driver_location_events", "alerts.alerts")


async def test_a_second_start_changes_nothing(settings: Settings, owner_connection: Connection) -> None:
    before = counted(owner_connection, *COUNTS, *STREAMS, "identity.api_tokens", "audit.event_logs")
    kept = (settings.var_dir / FILE).read_text()
    await world.ensure_world(settings)
    assert counted(owner_connection, *COUNTS, *STREAMS, "identity.api_tokens", "audit.event_logs") == before
    assert (settings.var_dir / FILE).read_text() == kept


async def test_the_world_has_what_it_promises_and_a_past(settings: Settings, owner_connection: Connection) -> None:
    assert counted(owner_connection, *COUNTS) == COUNTS
    filled = counted(owner_connection, *STREAMS)
    assert filled["cold_chain.sensor_readings"] > 8 * 288 * 2.9
    assert filled["farm.sensor_readings"] > 3 * 2 * 288 * 2.9
    assert filled["tracking.location_reports"] > 500
    assert filled["deliveries.driver_location_events"] > 3000


async def test_the_past_lies_in_pieces_of_its_own(settings: Settings, owner_connection: Connection) -> None:
    for stream in STREAMS[:-1]:
        assert owner_connection.execute(f"select count(*) from {stream}_default").fetchone() == (0,)


async def test_no_past_alert_is_left_open_and_every_unit_has_its_last_reading(settings: Settings, owner_connection: Connection) -> None:
    assert owner_connection.execute("select count(*) from alerts.alerts where resolved_at < triggered_at").fetchone() == (0,)
    assert owner_connection.execute("select count(*) from alerts.alerts where status <> 'resolved' and triggered_at < now() - interval '2 hours'").fetchone() == (0,)
    unread = "select count(*) from cold_chain.units where last_reading_at is null or last_reading_at > now()"
    assert owner_connection.execute(unread).fetchone() == (0,)


async def test_trackers_are_on_their_way(settings: Settings) -> None:
    staff = await ensure_people()
    async with transaction(staff.acting(Role.OWNER)) as tx:
        found = await tracking.on_map(tx)
    assert len(list(found)) == 30


async def test_only_the_owner_of_the_file_reads_the_secrets(settings: Settings) -> None:
    assert stat.S_IMODE((settings.var_dir / FILE).stat().st_mode) == 0o600


async def opens(board: str, password: str) -> bool:
    """Whether a board is let in at the broker with this password."""
    async with across_tenants("tests") as tx:
        login = await signer(tx, board)
    return login is not None and login.token_hash == token_hash(password)


async def test_the_kept_secrets_open_their_doors(settings: Settings) -> None:
    kept = Kept.read(settings.var_dir)
    assert kept and len(kept.boards) == 12 and len(kept.phones) == 8
    assert (await door.machine(kept.ttn, TokenKind.FEED, network="ttn")).network == "ttn"
    assert (await door.machine(kept.trees, TokenKind.FEED, network="trees")).network == "trees"
    assert [board for board, password in kept.boards.items() if not await opens(board, password)] == []
    for phone in kept.phones:
        assert (await door.machine(phone.token, TokenKind.DEVICE, network=phone.app)).subject_id
    assert {phone.app for phone in kept.phones} == {"owntracks", "osmand"}


@pytest.mark.parametrize("damage", ["gone", "cut", "another shape"])
async def test_lost_secrets_are_made_anew_and_the_old_ones_stop_working(settings: Settings, damage: str, owner_connection: Connection) -> None:
    before = Kept.read(settings.var_dir)
    assert before
    file = settings.var_dir / FILE
    {"gone": file.unlink, "cut": lambda: file.write_text('{"ttn":'), "another shape": lambda: file.write_text(json.dumps({"ttn": 1}))}[damage]()
    await world.ensure_world(settings)
    after = Kept.read(settings.var_dir)
    assert after and after.ttn != before.ttn and after.boards.keys() == before.boards.keys()
    for old in (before.ttn, before.trees, *(phone.token for phone in before.phones)):
        with pytest.raises(Unauthenticated):
            await door.machine(old, *TokenKind)
    assert [board for board, password in before.boards.items() if await opens(board, password)] == []
    assert counted(owner_connection, *COUNTS) == COUNTS


async def test_the_neighbour_owns_nothing_of_it(settings: Settings, owner_connection: Connection) -> None:
    neighbour = "select id from identity.organizations where slug = 'next-door'"
    for table in COUNTS:
        if table != "identity.organizations":
            assert owner_connection.execute(f"select count(*) from {table} where organization_id = ({neighbour})").fetchone() == (0,)


async def test_everything_is_labelled_as_demonstration(settings: Settings, owner_connection: Connection) -> None:
    assert owner_connection.execute("select bool_and(is_demonstration) from identity.organizations").fetchone() == (True,)


async def test_people_are_found_again_and_a_role_that_nobody_has_is_played_by_the_demonstration_itself(settings: Settings) -> None:
    staff = await ensure_people()
    assert {staff.acting(role).name for *_, role in PEOPLE} == {name for _, name, *_ in PEOPLE}
    assert staff.acting(Role.CUSTOMER) == staff.itself
