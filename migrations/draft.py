"""Drafts a migration from what the tables say and the database lacks: `python -m migrations.draft 0007_farm_flocks "Flock batches."`

Read the draft before you keep it: add the schema, the wall of each table, the grants and the streams by hand.
"""

import sys

from alembic import command
from sqlalchemy import create_engine

from data.core.embedded import embedded
from data.core.settings import Settings
from migrations.upgrade import alembic_config, upgrade, url


def draft(revision: str, message: str) -> None:
    """Upgrade a throw-away database in the embedded server and compare it with the tables."""
    settings = Settings(_env_file=None, secret_key="draft" * 8)  # type: ignore[call-arg]
    with embedded(settings.var_dir / "draft") as server:
        address = server.database("draft", fresh=True)
        upgrade(address, settings.secret_key)
        engine = create_engine(url(address))
        with engine.begin() as connection:
            command.revision(alembic_config(connection), message, autogenerate=True, rev_id=revision)
        engine.dispose()


if __name__ == "__main__":
    draft(sys.argv[1], sys.argv[2])
