"""An organization may let go of its farms' past sooner than the installation does."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import wall

revision = "0016_farm_retention"
down_revision = "0015_idempotency"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('retentions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('raw_days', sa.Integer(), nullable=True),
    sa.Column('hourly_days', sa.Integer(), nullable=True),
    sa.Column('daily_days', sa.Integer(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('least(raw_days, hourly_days, daily_days) > 0', name=op.f('ck_retentions_days')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_retentions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retentions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_retentions_organization_id_id')),
    sa.UniqueConstraint('organization_id', name='uq_retentions_organization'),
    schema='farm'
    )
    wall("farm.retentions")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
