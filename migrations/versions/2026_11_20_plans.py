"""What an organization has bought, long work that somebody asked for, and links for inspectors."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import wall

revision = "0007_plans"
down_revision = "0006_trees"
branch_labels = None
depends_on = None

TABLES = (
    "identity.support_visits",
    "identity.inspector_links", "platform.subscriptions", "platform.background_jobs",
)  # fmt: skip


def upgrade() -> None:
    op.create_table('stripe_events',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Text(), nullable=False),
    sa.Column('event_type', sa.Text(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('processed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stripe_events')),
    sa.UniqueConstraint('event_id', name=op.f('uq_stripe_events_event_id')),
    schema='platform'
    )
    op.create_table('inspector_links',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('last_four', sa.String(length=4), nullable=False),
    sa.Column('site_ids', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('use_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_inspector_links_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_inspector_links_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspector_links')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_inspector_links_organization_id_id')),
    schema='identity'
    )
    op.create_index('uq_inspector_links_token_hash', 'inspector_links', ['token_hash'], unique=True, schema='identity')
    op.create_table('subscriptions',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('plan', sa.Enum('starter', 'pro', 'haccp', 'enterprise', name='subscription_plan', schema='platform'), nullable=False),
    sa.Column('status', sa.Enum('trial', 'active', 'past_due', 'canceled', 'paused', name='subscription_status', schema='platform'), nullable=False),
    sa.Column('stripe_customer_id', sa.Text(), nullable=True),
    sa.Column('stripe_subscription_id', sa.Text(), nullable=True),
    sa.Column('current_period_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('current_period_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trial_ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('past_due_since_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('canceled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stripe_event_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_subscriptions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriptions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_subscriptions_organization_id_id')),
    schema='platform'
    )
    op.create_index('uq_subscriptions_organization_id', 'subscriptions', ['organization_id'], unique=True, schema='platform', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_subscriptions_stripe_customer_id', 'subscriptions', ['stripe_customer_id'], unique=True, schema='platform')
    op.create_index('uq_subscriptions_stripe_subscription_id', 'subscriptions', ['stripe_subscription_id'], unique=True, schema='platform')
    op.create_table('background_jobs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('queued', 'running', 'completed', 'failed', 'canceled', name='background_job_status', schema='platform'), nullable=False),
    sa.Column('arguments', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('progress', sa.SmallInteger(), nullable=False),
    sa.Column('step', sa.Text(), nullable=True),
    sa.Column('step_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('attempt_count', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('result_file_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('progress between 0 and 100', name=op.f('ck_background_jobs_progress')),
    sa.ForeignKeyConstraint(['organization_id', 'result_file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_background_jobs_organization_id_result_file_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_background_jobs_organization_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['identity.users.id'], name=op.f('fk_background_jobs_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_background_jobs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_background_jobs_organization_id_id')),
    schema='platform'
    )
    op.create_index('ix_background_jobs_waiting', 'background_jobs', ['created_at'], unique=False, schema='platform', postgresql_where=sa.text("status in ('queued', 'running')"))
    op.create_table('support_visits',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('user_name', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_support_visits_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_support_visits_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_support_visits')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_support_visits_organization_id_id')),
    schema='identity'
    )
    op.create_index('ix_support_visits_created_at', 'support_visits', ['organization_id', 'created_at'], unique=False, schema='identity')
    op.add_column('auth_sessions', sa.Column('visit_id', sa.Uuid(), nullable=True), schema='identity')
    op.create_foreign_key(op.f('fk_auth_sessions_visit_id'), 'auth_sessions', 'support_visits', ['visit_id'], ['id'], source_schema='identity', referent_schema='identity', ondelete='SET NULL')
    op.add_column('organizations', sa.Column('sensor_limit', sa.Integer(), nullable=True), schema='identity')
    op.add_column('organizations', sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False), schema='identity')
    op.add_column('users', sa.Column('is_phone_verified', sa.Boolean(), nullable=False, server_default=sa.false()), schema='identity')

    for table in TABLES:
        wall(table)
    wall("platform.stripe_events", using="true", grants="select")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
