"""The tables of farm."""

revision = "0003_farm"
down_revision = "0002_cold_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
