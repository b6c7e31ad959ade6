"""The tables of cold chain."""

revision = "0002_cold_chain"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
