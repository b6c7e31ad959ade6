"""Programs sign in for a person, with a token for a day and another that fetches the next."""

import sqlalchemy as sa
from alembic import op

revision = "0012_programs"
down_revision = "0011_farm_whole"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('auth_sessions', sa.Column('access_hash', sa.LargeBinary(), nullable=True), schema='identity')
    op.add_column('auth_sessions', sa.Column('access_until_at', sa.DateTime(timezone=True), nullable=True), schema='identity')
    op.add_column('auth_sessions', sa.Column('spent_hash', sa.LargeBinary(), nullable=True), schema='identity')
    op.create_index('uq_auth_sessions_access_hash', 'auth_sessions', ['access_hash'], unique=True, schema='identity')
