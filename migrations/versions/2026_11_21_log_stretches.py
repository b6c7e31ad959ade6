"""When the database's own log was received without a gap, and why it was not."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import wall

revision = "0014_log_stretches"
down_revision = "0013_regular_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('log_stretches',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('store', sa.Text(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refusal', sa.Text(), nullable=True),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_stretches')),
    schema='platform'
    )
    op.create_index('ix_log_stretches_began_at', 'log_stretches', ['began_at'], unique=False, schema='platform')
    wall("platform.log_stretches", using="true", grants="select")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
