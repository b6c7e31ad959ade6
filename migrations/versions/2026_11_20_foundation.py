"""Organizations, people, the event log, alerts and inboxes."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import SAME_ORGANIZATION, schema, stream, wall

revision = '0001_foundation'
down_revision = None
branch_labels = None
depends_on = None


ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MINE = f"user_id = {ME}"
PEOPLE = f"id = {ME} or id in (select r.user_id from identity.user_roles r)"


def upgrade() -> None:
    for name in ("identity", "audit", "platform", "alerts", "notifications"):
        schema(name)
    for extension in ("cube", "earthdistance"):
        op.execute(f"create extension if not exists {extension} schema public")
    op.create_table('chains',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('length', sa.BigInteger(), nullable=False),
    sa.Column('last_hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', name=op.f('pk_chains')),
    schema='audit'
    )
    op.create_table('event_logs',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('actor_type', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('acting_user_id', sa.Uuid(), nullable=True),
    sa.Column('impersonation_session_id', sa.Uuid(), nullable=True),
    sa.Column('was_impersonated', sa.Boolean(), nullable=False),
    sa.Column('actor_name', sa.Text(), nullable=False),
    sa.Column('event_type', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('event_data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('ip_address', postgresql.INET(), nullable=True),
    sa.Column('user_agent', sa.Text(), nullable=True),
    sa.Column('previous_hash', sa.Text(), nullable=False),
    sa.Column('event_hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'recorded_at', 'id', name=op.f('pk_event_logs')),
    schema='audit',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_index('ix_event_logs_sequence', 'event_logs', ['organization_id', 'sequence'], unique=False, schema='audit')
    op.create_index('ix_event_logs_subject_id', 'event_logs', ['organization_id', 'subject_id', 'recorded_at'], unique=False, schema='audit')
    op.create_table('organizations',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.Column('is_demonstration', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organizations')),
    schema='identity'
    )
    op.create_index('uq_organizations_slug', 'organizations', ['slug'], unique=True, schema='identity', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('users',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('password_hash', sa.Text(), nullable=True),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('units', sa.Text(), nullable=False),
    sa.Column('theme', sa.Text(), nullable=False),
    sa.Column('avatar_url', sa.Text(), nullable=True),
    sa.Column('oidc_issuer', sa.Text(), nullable=True),
    sa.Column('oidc_subject', sa.Text(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('is_email_verified', sa.Boolean(), nullable=False),
    sa.Column('is_mfa_enabled', sa.Boolean(), nullable=False),
    sa.Column('is_platform_admin', sa.Boolean(), nullable=False),
    sa.Column('failed_sign_ins', sa.Integer(), nullable=False),
    sa.Column('locked_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_login_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    schema='identity'
    )
    op.create_index('uq_users_email', 'users', [sa.literal_column('lower(email)')], unique=True, schema='identity', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_users_oidc_subject', 'users', ['oidc_issuer', 'oidc_subject'], unique=True, schema='identity')
    op.create_index('uq_users_phone', 'users', ['phone'], unique=True, schema='identity', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('partition_retention_overrides',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('partition_name', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_partition_retention_overrides')),
    sa.UniqueConstraint('partition_name', name=op.f('uq_partition_retention_overrides_partition_name')),
    schema='platform'
    )
    op.create_table('partitioned_tables',
    sa.Column('table_name', sa.Text(), nullable=False),
    sa.Column('step', sa.String(length=5), nullable=False),
    sa.Column('ahead', sa.Interval(), nullable=False),
    sa.Column('retention', sa.Interval(), nullable=True),
    sa.PrimaryKeyConstraint('table_name', name=op.f('pk_partitioned_tables')),
    schema='platform'
    )
    op.create_table('scheduled_jobs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('last_run_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_duration_ms', sa.Integer(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('run_count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_scheduled_jobs')),
    sa.UniqueConstraint('name', name=op.f('uq_scheduled_jobs_name')),
    schema='platform'
    )
    op.create_table('alerts',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('subject_kind', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('subject_name', sa.Text(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('permission', sa.Text(), nullable=False),
    sa.Column('href', sa.Text(), nullable=True),
    sa.Column('alert_type', sa.Text(), nullable=False),
    sa.Column('severity', sa.Enum('info', 'warning', 'critical', name='severity', schema='alerts'), nullable=False),
    sa.Column('status', sa.Enum('active', 'acknowledged', 'escalated', 'resolved', name='alert_status', schema='alerts'), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('message_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('threshold_value', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('actual_value', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('triggered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.Column('acknowledgement_note', sa.Text(), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resolved_by', sa.Uuid(), nullable=True),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.Column('escalated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('escalation_level', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['acknowledged_by'], ['identity.users.id'], name=op.f('fk_alerts_acknowledged_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_alerts_organization_id')),
    sa.ForeignKeyConstraint(['resolved_by'], ['identity.users.id'], name=op.f('fk_alerts_resolved_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_alerts_organization_id_id')),
    schema='alerts'
    )
    op.create_index('ix_alerts_status', 'alerts', ['organization_id', 'status', 'triggered_at'], unique=False, schema='alerts')
    op.create_index('uq_alerts_open', 'alerts', ['organization_id', 'subject_id', 'alert_type'], unique=True, schema='alerts', postgresql_where=sa.text("status <> 'resolved'"))
    op.create_table('api_tokens',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('feed', 'api', 'device', name='token_kind', schema='identity'), nullable=False),
    sa.Column('network', sa.Text(), nullable=True),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('last_four', sa.String(length=4), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_api_tokens_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_api_tokens_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_api_tokens_organization_id_id')),
    schema='identity'
    )
    op.create_index('ix_api_tokens_subject_id', 'api_tokens', ['organization_id', 'subject_id'], unique=False, schema='identity')
    op.create_index('uq_api_tokens_token_hash', 'api_tokens', ['token_hash'], unique=True, schema='identity')
    op.create_table('auth_sessions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=True),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('device_name', sa.Text(), nullable=True),
    sa.Column('ip_address', postgresql.INET(), nullable=True),
    sa.Column('user_agent', sa.Text(), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_auth_sessions_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_auth_sessions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_auth_sessions')),
    schema='identity'
    )
    op.create_index('ix_auth_sessions_user_id', 'auth_sessions', ['user_id'], unique=False, schema='identity')
    op.create_index('uq_auth_sessions_token_hash', 'auth_sessions', ['token_hash'], unique=True, schema='identity')
    op.create_table('invitations',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('role', sa.Enum('owner', 'admin', 'manager', 'staff', 'viewer', 'keeper', 'driver', 'customer', 'assessor', 'inspector', name='role', schema='identity'), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('invited_by', sa.Uuid(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accepted_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['accepted_by'], ['identity.users.id'], name=op.f('fk_invitations_accepted_by')),
    sa.ForeignKeyConstraint(['invited_by'], ['identity.users.id'], name=op.f('fk_invitations_invited_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_invitations_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_invitations_organization_id_id')),
    schema='identity'
    )
    op.create_index('uq_invitations_token_hash', 'invitations', ['token_hash'], unique=True, schema='identity')
    op.create_table('password_resets',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_password_resets_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_password_resets')),
    schema='identity'
    )
    op.create_index('uq_password_resets_token_hash', 'password_resets', ['token_hash'], unique=True, schema='identity')
    op.create_table('user_roles',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('role', postgresql.ENUM('owner', 'admin', 'manager', 'staff', 'viewer', 'keeper', 'driver', 'customer', 'assessor', 'inspector', name='role', schema='identity', create_type=False), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('invited_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['invited_by'], ['identity.users.id'], name=op.f('fk_user_roles_invited_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_user_roles_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_user_roles_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_roles')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_user_roles_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', 'role', 'scope_id', name='uq_user_roles_once', postgresql_nulls_not_distinct=True),
    schema='identity'
    )
    op.create_index('ix_user_roles_user_id', 'user_roles', ['user_id'], unique=False, schema='identity')
    op.create_table('files',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('file_name', sa.Text(), nullable=False),
    sa.Column('mime_type', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_files_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_files')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_files_organization_id_id')),
    schema='platform'
    )
    op.create_index('ix_files_sha256', 'files', ['organization_id', 'sha256'], unique=False, schema='platform')
    op.create_table('unknown_devices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('network', sa.Text(), nullable=False),
    sa.Column('identifier', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('message_count', sa.Integer(), nullable=False),
    sa.Column('last_message', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_unknown_devices_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unknown_devices')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_unknown_devices_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'network', 'identifier', name=op.f('uq_unknown_devices_organization_id_network_identifier')),
    schema='platform'
    )
    op.create_table('notifications',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=True),
    sa.Column('notification_type', sa.Text(), nullable=False),
    sa.Column('severity', postgresql.ENUM('info', 'warning', 'critical', name='severity', schema='alerts', create_type=False), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('message_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('href', sa.Text(), nullable=True),
    sa.Column('is_read', sa.Boolean(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'alert_id'], ['alerts.alerts.organization_id', 'alerts.alerts.id'], name=op.f('fk_notifications_organization_id_alert_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_notifications_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_notifications_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_notifications_organization_id_id')),
    schema='notifications'
    )
    op.create_index('ix_notifications_inbox', 'notifications', ['organization_id', 'user_id', 'created_at'], unique=False, schema='notifications')
    op.create_index('ix_notifications_unread', 'notifications', ['organization_id', 'user_id'], unique=False, schema='notifications', postgresql_where=sa.text('not is_read'))

    op.execute((Path(__file__).parents[1] / "partitions.sql").read_text())
    stream("audit.event_logs")

    for table in ("user_roles", "invitations", "api_tokens"):
        wall(f"identity.{table}")
    wall("identity.organizations", using=SAME_ORGANIZATION.replace("organization_id = ", "id = "))
    wall("identity.users", using=PEOPLE)
    wall("identity.auth_sessions", using=MINE)
    wall("identity.password_resets", using=MINE)
    wall("audit.event_logs", grants="select, insert")
    wall("audit.chains", grants="select, insert, update")
    for table in ("platform.files", "platform.unknown_devices", "alerts.alerts", "notifications.notifications"):
        wall(table)
    for table in ("scheduled_jobs", "partitioned_tables", "partition_retention_overrides"):
        wall(f"platform.{table}", using="true", grants="select")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
