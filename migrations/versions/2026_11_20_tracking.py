"""The tables of tracking."""

revision = "0005_tracking"
down_revision = "0004_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
