"""Alerts that escalate, are snoozed and suppressed; who is told by which way, and whether it arrived."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import wall

revision = "0008_told"
down_revision = "0007_plans"
branch_labels = None
depends_on = None

TABLES = (
    "alerts.suppressions", "notifications.channel_states", "notifications.escalation_contacts",
    "notifications.notification_preferences", "notifications.notification_settings", "notifications.opt_outs",
    "notifications.phone_codes", "notifications.policies", "notifications.push_subscriptions",
    "notifications.sms_configs", "notifications.telegram_chats", "notifications.telegram_configs",
    "notifications.webhook_endpoints", "alerts.corrective_actions", "alerts.decisions",
    "notifications.notification_deliveries", "notifications.on_call_shifts",
)  # fmt: skip

EVIDENCE = ("alerts.decisions", "alerts.corrective_actions")
"""Written once, never changed."""


def upgrade() -> None:
    op.create_table('suppressions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('alert_type', sa.Text(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_suppressions_ends_after')),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_suppressions_created_by')),
    sa.ForeignKeyConstraint(['lifted_by'], ['identity.users.id'], name=op.f('fk_suppressions_lifted_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_suppressions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppressions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_suppressions_organization_id_id')),
    schema='alerts'
    )
    op.create_index('ix_suppressions_ends_at', 'suppressions', ['organization_id', 'ends_at'], unique=False, schema='alerts', postgresql_where=sa.text('lifted_at is null'))
    op.create_table('escalation_contacts',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('priority', sa.SmallInteger(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('num_nonnulls(phone, email, user_id) > 0', name=op.f('ck_escalation_contacts_reachable')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_escalation_contacts_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_escalation_contacts_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalation_contacts')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_escalation_contacts_organization_id_id')),
    schema='notifications'
    )
    op.create_index('ix_escalation_contacts_priority', 'escalation_contacts', ['organization_id', 'priority'], unique=False, schema='notifications', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('notification_preferences',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('is_push_enabled', sa.Boolean(), nullable=False),
    sa.Column('is_email_enabled', sa.Boolean(), nullable=False),
    sa.Column('is_sms_enabled', sa.Boolean(), nullable=False),
    sa.Column('is_telegram_enabled', sa.Boolean(), nullable=False),
    sa.Column('least_severity', postgresql.ENUM('info', 'warning', 'critical', name='severity', schema='alerts', create_type=False), nullable=False),
    sa.Column('quiet_from', sa.Time(), nullable=True),
    sa.Column('quiet_until', sa.Time(), nullable=True),
    sa.Column('digest_daily', sa.Boolean(), nullable=False),
    sa.Column('digest_weekly', sa.Boolean(), nullable=False),
    sa.Column('digest_time', sa.Time(), server_default=sa.text("'09:00'"), nullable=False),
    sa.Column('digest_site_ids', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('digest_daily_sent_on', sa.Date(), nullable=True),
    sa.Column('digest_weekly_sent_on', sa.Date(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_notification_preferences_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_notification_preferences_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification_preferences')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_notification_preferences_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', name=op.f('uq_notification_preferences_organization_id_user_id')),
    schema='notifications'
    )
    op.create_table('notification_settings',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('is_email_enabled', sa.Boolean(), nullable=False),
    sa.Column('email_recipients', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sms_per_hour', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_notification_settings_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification_settings')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_notification_settings_organization_id_id')),
    sa.UniqueConstraint('organization_id', name=op.f('uq_notification_settings_organization_id')),
    schema='notifications'
    )
    op.create_table('opt_outs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Enum('in_app', 'push', 'email', 'sms', 'telegram', 'webhook', name='notification_channel', schema='notifications'), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_opt_outs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opt_outs')),
    sa.UniqueConstraint('organization_id', 'channel', 'address', name=op.f('uq_opt_outs_organization_id_channel_address')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_opt_outs_organization_id_id')),
    schema='notifications'
    )
    op.create_table('phone_codes',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('tries_left', sa.SmallInteger(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_phone_codes_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_phone_codes_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phone_codes')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_phone_codes_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', name=op.f('uq_phone_codes_organization_id_user_id')),
    schema='notifications'
    )
    op.create_table('policies',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('alert_type', sa.Text(), nullable=True),
    sa.Column('severity', postgresql.ENUM('info', 'warning', 'critical', name='severity', schema='alerts', create_type=False), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=True),
    sa.Column('initial_channels', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('is_acknowledgement_required', sa.Boolean(), nullable=True),
    sa.Column('acknowledgement_deadline_minutes', sa.Integer(), nullable=True),
    sa.Column('steps', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('are_reminders_enabled', sa.Boolean(), nullable=True),
    sa.Column('reminder_minutes', sa.Integer(), nullable=True),
    sa.Column('are_resolved_sent', sa.Boolean(), nullable=True),
    sa.Column('least_severity', postgresql.ENUM('info', 'warning', 'critical', name='severity', schema='alerts', create_type=False), nullable=True),
    sa.Column('quiet_from', sa.Time(), nullable=True),
    sa.Column('quiet_until', sa.Time(), nullable=True),
    sa.Column('schedule', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('notify_roles', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('are_contacts_told', sa.Boolean(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('num_nonnulls(scope_id, subject_id) <= 1', name=op.f('ck_policies_one_scope')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_policies_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policies')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_policies_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'subject_id', 'scope_id', 'alert_type', 'severity', name='uq_policies_scope', postgresql_nulls_not_distinct=True),
    schema='notifications'
    )
    op.create_table('push_subscriptions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('endpoint', sa.Text(), nullable=False),
    sa.Column('p256dh', sa.Text(), nullable=False),
    sa.Column('auth_encrypted', sa.LargeBinary(), nullable=False),
    sa.Column('device_name', sa.Text(), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_push_subscriptions_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_push_subscriptions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_push_subscriptions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_push_subscriptions_organization_id_id')),
    schema='notifications'
    )
    op.create_index('uq_push_subscriptions_endpoint', 'push_subscriptions', ['organization_id', 'user_id', sa.literal_column('md5(endpoint)')], unique=True, schema='notifications')
    op.create_table('sms_configs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('telnyx_api_key_encrypted', sa.LargeBinary(), nullable=False),
    sa.Column('telnyx_api_key_last_four', sa.String(length=4), nullable=False),
    sa.Column('telnyx_public_key', sa.Text(), nullable=True),
    sa.Column('telnyx_phone_number', sa.Text(), nullable=False),
    sa.Column('telnyx_messaging_profile_id', sa.Text(), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('last_test_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_sms_configs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_configs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_sms_configs_organization_id_id')),
    sa.UniqueConstraint('organization_id', name=op.f('uq_sms_configs_organization_id')),
    schema='notifications'
    )
    op.create_table('telegram_chats',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('chat_id', sa.BigInteger(), nullable=True),
    sa.Column('username', sa.Text(), nullable=True),
    sa.Column('code_hash', sa.LargeBinary(), nullable=True),
    sa.Column('code_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('linked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_telegram_chats_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_telegram_chats_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_chats')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_telegram_chats_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', name=op.f('uq_telegram_chats_organization_id_user_id')),
    schema='notifications'
    )
    op.create_index('uq_telegram_chats_code_hash', 'telegram_chats', ['code_hash'], unique=True, schema='notifications')
    op.create_table('telegram_configs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('bot_token_encrypted', sa.LargeBinary(), nullable=False),
    sa.Column('bot_token_last_four', sa.String(length=4), nullable=False),
    sa.Column('bot_username', sa.Text(), nullable=True),
    sa.Column('webhook_secret_hash', sa.LargeBinary(), nullable=True),
    sa.Column('last_update_id', sa.Integer(), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('last_test_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_telegram_configs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_configs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_telegram_configs_organization_id_id')),
    sa.UniqueConstraint('organization_id', name=op.f('uq_telegram_configs_organization_id')),
    schema='notifications'
    )
    op.create_table('webhook_endpoints',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('event_types', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('secret_encrypted', sa.LargeBinary(), nullable=False),
    sa.Column('previous_secret_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('previous_secret_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('disabled_reason', sa.Text(), nullable=True),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_webhook_endpoints_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_webhook_endpoints_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_webhook_endpoints_organization_id_id')),
    schema='notifications'
    )
    op.create_table('channel_states',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('channel', postgresql.ENUM('in_app', 'push', 'email', 'sms', 'telegram', 'webhook', name='notification_channel', schema='notifications', create_type=False), nullable=False),
    sa.Column('endpoint_id', sa.Uuid(), nullable=True),
    sa.Column('consecutive_failures', sa.Integer(), nullable=False),
    sa.Column('open_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('last_failure_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_channel_states_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_channel_states')),
    sa.ForeignKeyConstraint(['organization_id', 'endpoint_id'], ['notifications.webhook_endpoints.organization_id', 'notifications.webhook_endpoints.id'], name=op.f('fk_channel_states_organization_id_endpoint_id'), ondelete='CASCADE'),
    sa.UniqueConstraint('organization_id', 'channel', 'endpoint_id', name='uq_channel_states_channel', postgresql_nulls_not_distinct=True),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_channel_states_organization_id_id')),
    schema='notifications'
    )
    op.create_table('corrective_actions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=True),
    sa.Column('subject_kind', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('subject_name', sa.Text(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('permission', sa.Text(), nullable=False),
    sa.Column('log_id', sa.Uuid(), nullable=True),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('action_taken', sa.Text(), nullable=False),
    sa.Column('photo_file_id', sa.Uuid(), nullable=True),
    sa.Column('has_resolved_alert', sa.Boolean(), nullable=False),
    sa.Column('acted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acted_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['acted_by'], ['identity.users.id'], name=op.f('fk_corrective_actions_acted_by')),
    sa.ForeignKeyConstraint(['organization_id', 'alert_id'], ['alerts.alerts.organization_id', 'alerts.alerts.id'], name=op.f('fk_corrective_actions_organization_id_alert_id'), ondelete='SET NULL (alert_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'photo_file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_corrective_actions_organization_id_photo_file_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_corrective_actions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_corrective_actions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_corrective_actions_organization_id_id')),
    schema='alerts'
    )
    op.create_index('ix_corrective_actions_alert_id', 'corrective_actions', ['organization_id', 'alert_id'], unique=False, schema='alerts')
    op.create_index('ix_corrective_actions_subject_id', 'corrective_actions', ['organization_id', 'subject_id', 'acted_at'], unique=False, schema='alerts')
    op.create_index('uq_corrective_actions_log_id', 'corrective_actions', ['organization_id', 'log_id'], unique=True, schema='alerts')
    op.create_table('decisions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decision', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reason_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'alert_id'], ['alerts.alerts.organization_id', 'alerts.alerts.id'], name=op.f('fk_decisions_organization_id_alert_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_decisions_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_decisions_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decisions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_decisions_organization_id_id')),
    schema='alerts'
    )
    op.create_index('ix_decisions_alert_id', 'decisions', ['organization_id', 'alert_id', 'decided_at'], unique=False, schema='alerts')
    op.create_table('notification_deliveries',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=True),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('contact_id', sa.Uuid(), nullable=True),
    sa.Column('endpoint_id', sa.Uuid(), nullable=True),
    sa.Column('channel', postgresql.ENUM('in_app', 'push', 'email', 'sms', 'telegram', 'webhook', name='notification_channel', schema='notifications', create_type=False), nullable=False),
    sa.Column('purpose', sa.Enum('alert', 'escalation', 'reminder', 'resolved', 'digest', 'test', 'code', 'event', name='purpose', schema='notifications'), nullable=False),
    sa.Column('severity', postgresql.ENUM('info', 'warning', 'critical', name='severity', schema='alerts', create_type=False), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('message_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('href', sa.Text(), nullable=True),
    sa.Column('event_type', sa.Text(), nullable=True),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reason_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('dedupe_key', sa.Text(), nullable=True),
    sa.Column('status', sa.Enum('pending', 'sending', 'sent', 'delivered', 'failed', 'suppressed', 'canceled', name='delivery_status', schema='notifications'), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('scheduled_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('leased_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('retry_count', sa.SmallInteger(), nullable=False),
    sa.Column('last_retry_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'alert_id'], ['alerts.alerts.organization_id', 'alerts.alerts.id'], name=op.f('fk_notification_deliveries_organization_id_alert_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'contact_id'], ['notifications.escalation_contacts.organization_id', 'notifications.escalation_contacts.id'], name=op.f('fk_notification_deliveries_organization_id_contact_id'), ondelete='SET NULL (contact_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'endpoint_id'], ['notifications.webhook_endpoints.organization_id', 'notifications.webhook_endpoints.id'], name=op.f('fk_notification_deliveries_organization_id_endpoint_id'), ondelete='SET NULL (endpoint_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_notification_deliveries_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_notification_deliveries_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification_deliveries')),
    sa.UniqueConstraint('organization_id', 'dedupe_key', name=op.f('uq_notification_deliveries_organization_id_dedupe_key')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_notification_deliveries_organization_id_id')),
    schema='notifications'
    )
    op.create_index('ix_notification_deliveries_alert_id', 'notification_deliveries', ['organization_id', 'alert_id'], unique=False, schema='notifications')
    op.create_index('ix_notification_deliveries_created_at', 'notification_deliveries', ['organization_id', 'created_at'], unique=False, schema='notifications')
    op.create_index('ix_notification_deliveries_due', 'notification_deliveries', ['next_attempt_at'], unique=False, schema='notifications', postgresql_where=sa.text("status in ('pending', 'sending')"))
    op.create_index('ix_notification_deliveries_external_id', 'notification_deliveries', ['external_id'], unique=False, schema='notifications', postgresql_where=sa.text('external_id is not null'))
    op.create_index('ix_notification_deliveries_rate', 'notification_deliveries', ['organization_id', 'channel', 'sent_at'], unique=False, schema='notifications')
    op.create_index('ix_notification_deliveries_user_id', 'notification_deliveries', ['organization_id', 'user_id', 'channel', 'created_at'], unique=False, schema='notifications')
    op.create_table('on_call_shifts',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_on_call_shifts_ends_after')),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_on_call_shifts_created_by')),
    sa.ForeignKeyConstraint(['organization_id', 'contact_id'], ['notifications.escalation_contacts.organization_id', 'notifications.escalation_contacts.id'], name=op.f('fk_on_call_shifts_organization_id_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_on_call_shifts_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_on_call_shifts')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_on_call_shifts_organization_id_id')),
    schema='notifications'
    )
    op.create_index('ix_on_call_shifts_ends_at', 'on_call_shifts', ['organization_id', 'ends_at'], unique=False, schema='notifications')
    op.add_column('alerts', sa.Column('parent_id', sa.Uuid(), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('is_suppressed', sa.Boolean(), nullable=False, server_default=sa.false()), schema='alerts')
    op.add_column('alerts', sa.Column('snoozed_until_at', sa.DateTime(timezone=True), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('snoozed_by', sa.Uuid(), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('next_step_at', sa.DateTime(timezone=True), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('time_zone', sa.Text(), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('ladder_from_at', sa.DateTime(timezone=True), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('last_told_at', sa.DateTime(timezone=True), nullable=True), schema='alerts')
    op.add_column('alerts', sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False), schema='alerts')
    op.create_index('ix_alerts_next_step', 'alerts', ['next_step_at'], unique=False, schema='alerts', postgresql_where=sa.text('next_step_at is not null'))
    op.create_index('ix_alerts_parent_id', 'alerts', ['organization_id', 'parent_id'], unique=False, schema='alerts', postgresql_where=sa.text('parent_id is not null'))
    op.create_index('ix_alerts_subject_id', 'alerts', ['organization_id', 'subject_id', 'triggered_at'], unique=False, schema='alerts')
    op.create_foreign_key(op.f('fk_alerts_snoozed_by'), 'alerts', 'users', ['snoozed_by'], ['id'], source_schema='alerts', referent_schema='identity')
    op.create_foreign_key(op.f('fk_alerts_organization_id_parent_id'), 'alerts', 'alerts', ['organization_id', 'parent_id'], ['organization_id', 'id'], source_schema='alerts', referent_schema='alerts', ondelete='SET NULL (parent_id)')

    for table in TABLES:
        wall(table, grants="select, insert" if table in EVIDENCE else "select, insert, update, delete")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
