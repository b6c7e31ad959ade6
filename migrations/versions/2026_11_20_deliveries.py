"""The tables of deliveries."""

revision = "0004_deliveries"
down_revision = "0003_farm"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
