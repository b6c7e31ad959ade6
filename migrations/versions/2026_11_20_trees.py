"""The tables of trees."""

revision = "0006_trees"
down_revision = "0005_tracking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
