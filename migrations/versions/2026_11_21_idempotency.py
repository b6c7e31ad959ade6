"""What programs asked under a key of their own is known for a day."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import wall

revision = "0015_idempotency"
down_revision = "0014_log_stretches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('idempotency_keys',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('asked_hash', sa.LargeBinary(), nullable=False),
    sa.Column('result_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_idempotency_keys_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_idempotency_keys_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotency_keys')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_idempotency_keys_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', 'key', name=op.f('uq_idempotency_keys_organization_id_user_id_key')),
    schema='platform'
    )
    wall("platform.idempotency_keys")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
