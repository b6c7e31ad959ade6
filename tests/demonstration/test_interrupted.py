"""Somebody presses Ctrl-C while the demonstration is made."""

from datetime import timedelta
from pathlib import Path

import pytest
from psycopg import Connection

from data.core.session import Database
from data.core.settings import Settings
from jobs.demonstration import world


async def test_an_interrupted_first_start_begins_anew(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner_connection: Connection
) -> None:
    async def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    settings = Settings(_env_file=None, var_dir=tmp_path, demonstration=True)  # type: ignore[call-arg]
    with monkeypatch.context() as patch:
        patch.setattr(world.past_roads, "live_through", interrupted)
        with pytest.raises(KeyboardInterrupt):
            await world.ensure_world(settings, timedelta(days=2))
    farms = "select count(*) from farm.farms"
    assert owner_connection.execute(farms).fetchone() == (0,)
    await world.ensure_world(settings, timedelta(days=2))
    assert owner_connection.execute(farms).fetchone() == (2,)
