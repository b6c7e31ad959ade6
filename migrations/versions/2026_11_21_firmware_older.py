"""A device is given older firmware only for a reason, which is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0017_firmware_older"
down_revision = "0016_farm_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('firmware_updates', sa.Column('older_because', sa.Text(), nullable=True), schema='farm')


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
