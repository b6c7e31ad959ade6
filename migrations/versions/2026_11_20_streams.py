"""Streams are watched: what came before its piece moves into one, and what is missing is said."""

from pathlib import Path

from alembic import op

revision = "0010_streams"
down_revision = "0009_cold_chain_whole"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute((Path(__file__).parents[1] / "streams.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
