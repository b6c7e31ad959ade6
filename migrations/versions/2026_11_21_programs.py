"""Programs sign in for a person, with a token for a day and another that fetches the next; people sign up by themselves, change
their address, and read what they did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import wall

revision = "0012_programs"
down_revision = "0011_farm_whole"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('auth_sessions', sa.Column('access_hash', sa.LargeBinary(), nullable=True), schema='identity')
    op.add_column('auth_sessions', sa.Column('access_until_at', sa.DateTime(timezone=True), nullable=True), schema='identity')
    op.add_column('auth_sessions', sa.Column('spent_hash', sa.LargeBinary(), nullable=True), schema='identity')
    op.create_index('uq_auth_sessions_access_hash', 'auth_sessions', ['access_hash'], unique=True, schema='identity')

    op.create_table('sign_ups',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('organization_name', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('tries_left', sa.Integer(), nullable=False),
    sa.Column('ip_address', postgresql.INET(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ups')),
    schema='identity'
    )
    op.create_index('uq_sign_ups_secret_hash', 'sign_ups', ['secret_hash'], unique=True, schema='identity')
    op.create_index('ix_sign_ups_created_at', 'sign_ups', ['created_at'], unique=False, schema='identity')
    wall("identity.sign_ups", using="false", grants="select")

    op.create_table('email_changes',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_email_changes_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_email_changes')),
    schema='identity'
    )
    op.create_index('uq_email_changes_token_hash', 'email_changes', ['token_hash'], unique=True, schema='identity')
    op.create_index('ix_email_changes_user_id', 'email_changes', ['user_id'], unique=False, schema='identity')
    wall("identity.email_changes", using="user_id = nullif(current_setting('app.user_id', true), '')::uuid", grants="select")

    op.create_index(
        'ix_event_logs_acting_user_id', 'event_logs', ['organization_id', 'acting_user_id', 'recorded_at'], unique=False, schema='audit',
        postgresql_where=sa.text('acting_user_id is not null'),
    )
