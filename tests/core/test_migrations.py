import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from data.core.embedded import Embedded
from migrations.upgrade import UnsafeRole, ensure_roles, upgrade, url
from tests.conftest import SECRET_KEY


@pytest.fixture
def plain_owner(server: Embedded, worker_id: str) -> Iterator[str]:
    """A database whose owner is no superuser, as a hosted one has; its address."""
    name = f"plain_{worker_id}"
    address = server.database(name, fresh=True)
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute(f"drop role if exists {name}")
        superuser.execute(f"create role {name} login createrole")
        superuser.execute(f"grant steading_app, steading_sweep to {name} with admin option")
        superuser.execute(f"alter database {name} owner to {name}")
        superuser.execute(f"grant create on schema public to {name}")
        superuser.execute("create extension cube")
        superuser.execute("create extension earthdistance")
    yield make_url(address).set(username=name).render_as_string(hide_password=False)
    server.drop(name)
    with psycopg.connect(server.conninfo, autocommit=True) as superuser:
        superuser.execute(f"drop role {name}")


def test_an_owner_that_is_no_superuser_migrates_twice_and_cuts_streams(plain_owner: str) -> None:
    upgrade(plain_owner, SECRET_KEY)
    upgrade(plain_owner, SECRET_KEY)
    with psycopg.connect(plain_owner, autocommit=True) as owner:
        assert owner.execute("select count(*) from platform.partitioned_tables").fetchone() != (0,)
        late = "insert into audit.event_logs_default select gen_random_uuid(), '2031-05-31T12:00Z', gen_random_uuid(), 1, 'system', null,"
        owner.execute(f"{late} null, null, false, '', '', '', '', '', null, '{{}}', null, null, '', ''")
        owner.execute("select platform.make_partitions('audit.event_logs', '2031-05-01', '2031-05-02')")
        assert owner.execute("select count(*) from audit.event_logs_y2031m05").fetchone() == (1,)


def test_a_role_that_steps_past_the_wall_is_not_lived_as(server: Embedded) -> None:
    engine = create_engine(url(server.database("steading_template")))
    with engine.connect() as connection, pytest.raises(UnsafeRole, match="steading_sweep"):
        connection.exec_driver_sql("alter role steading_sweep createrole")  # for nobody else: it is never committed
        ensure_roles(connection, SECRET_KEY)
    engine.dispose()


def test_whoever_changes_the_roles_at_the_same_moment_keeps_nobody_from_starting(server: Embedded, worker_id: str) -> None:
    """Roles belong to all databases of a server: another installation there may be starting too."""
    name = f"beside_{worker_id}"
    address = server.database(name, fresh=True, template="steading_template")
    waits = "select true from pg_stat_activity where datname = %s and wait_event_type = 'Lock'"
    with psycopg.connect(server.conninfo) as other, ThreadPoolExecutor(1) as thread, psycopg.connect(server.conninfo, autocommit=True) as looking:
        other.execute("alter role steading_app login")
        starting = thread.submit(upgrade, address, SECRET_KEY)
        while not looking.execute(waits, [name]).fetchone():
            assert not starting.done()
            time.sleep(0.01)
        other.commit()
        starting.result(30)
    server.drop(name)
