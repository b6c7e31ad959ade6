"""Flocks, gateways, devices that announce themselves; schedules with conditions, cycles and the sun; metrics; backups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import stream, wall

revision = "0011_farm_whole"
down_revision = "0010_streams"
branch_labels = None
depends_on = None

TABLES = (
    "farm.stale_metrics", "farm.taken_over", "farm.reports", "notifications.alert_subscriptions", "farm.flock_batches",
    "farm.gateways", "farm.broker_logins", "farm.discoveries", "farm.flock_records", "farm.firmware_releases", "farm.firmware_rollouts",
    "farm.firmware_updates",
)  # fmt: skip


def upgrade() -> None:
    op.execute("alter type farm.command_status add value if not exists 'canceled'")
    op.execute("alter type farm.command_status add value if not exists 'expired'")
    sa.Enum('person', 'schedule', 'emergency', 'guard', name='commanded', schema='farm').create(op.get_bind())
    sa.Enum('tasmota', 'esphome', 'home_assistant', 'steading', 'gateway', name='dialect', schema='farm').create(op.get_bind())
    sa.Enum('skip', 'run_late', 'reconcile', name='missed_policy', schema='farm').create(op.get_bind())
    op.create_table('device_metrics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('metric_type', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('value', sa.Numeric(precision=12, scale=3), nullable=False),
    sa.Column('status', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('organization_id', 'device_id', 'metric_type', 'recorded_at', name=op.f('pk_device_metrics')),
    schema='farm',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('reading_metrics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('sensor_type', sa.Text(), nullable=False),
    sa.Column('granularity', sa.Enum('hourly', 'daily', name='granularity', schema='farm'), nullable=False),
    sa.Column('period_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('minimum', sa.Numeric(precision=10, scale=2), nullable=False),
    sa.Column('maximum', sa.Numeric(precision=10, scale=2), nullable=False),
    sa.Column('total', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('square_total', sa.Numeric(precision=20, scale=4), nullable=False),
    sa.Column('reading_count', sa.Integer(), nullable=False),
    sa.Column('on_s', sa.Integer(), nullable=True),
    sa.Column('cycle_count', sa.Integer(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'device_id', 'sensor_type', 'granularity', 'period_start', name=op.f('pk_reading_metrics')),
    schema='farm',
    postgresql_partition_by='RANGE (period_start)'
    )
    op.create_index(
        'ix_reading_metrics_days', 'reading_metrics', ['organization_id', 'device_id', 'sensor_type', 'period_start'], unique=False, schema='farm',
        postgresql_include=['minimum', 'maximum', 'total', 'reading_count'], postgresql_where=sa.text("granularity = 'daily'"),
    )
    op.create_table('stale_metrics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('sensor_type', sa.Text(), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'device_id', 'sensor_type', 'hour', 'claim', name=op.f('pk_stale_metrics')),
    schema='farm'
    )
    op.create_table('backups',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('store', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('row_counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('restorable_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_backups')),
    schema='platform'
    )
    op.create_table('device_claims',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('hardware_id', sa.Text(), nullable=False),
    sa.Column('poll_hash', sa.LargeBinary(), nullable=False),
    sa.Column('description', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('organization_id', sa.Uuid(), nullable=True),
    sa.Column('gateway_id', sa.Uuid(), nullable=True),
    sa.Column('token_sealed', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_claims')),
    schema='platform'
    )
    op.create_index('ix_device_claims_hardware_id', 'device_claims', ['hardware_id'], unique=False, schema='platform')
    op.create_index('uq_device_claims_code', 'device_claims', ['code'], unique=True, schema='platform', postgresql_where=sa.text('claimed_at is null'))
    op.create_table('system_metrics',
    sa.Column('metric_type', sa.Text(), nullable=False),
    sa.Column('service_name', sa.Text(), nullable=False),
    sa.Column('percentile', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('value', sa.Numeric(precision=16, scale=4), nullable=False),
    sa.PrimaryKeyConstraint('metric_type', 'service_name', 'percentile', 'recorded_at', name=op.f('pk_system_metrics')),
    schema='platform',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('taken_over',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('source_table', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('target_id', sa.Uuid(), nullable=False),
    sa.Column('row', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_taken_over_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_taken_over')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_taken_over_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'source', 'source_table', 'source_id', 'part', name=op.f('uq_taken_over_organization_id_source_source_table_source_id_part')),
    schema='farm'
    )
    op.create_table('recovery_codes',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_recovery_codes_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_codes')),
    schema='identity'
    )
    op.create_index('ix_recovery_codes_user_id', 'recovery_codes', ['user_id'], unique=False, schema='identity')
    op.create_table('alert_subscriptions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('alert_type', sa.Text(), nullable=False),
    sa.Column('channel', postgresql.ENUM('in_app', 'push', 'email', 'sms', 'telegram', 'webhook', name='notification_channel', schema='notifications', create_type=False), nullable=False),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('quiet_from', sa.Time(), nullable=True),
    sa.Column('quiet_until', sa.Time(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_alert_subscriptions_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_alert_subscriptions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_subscriptions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_alert_subscriptions_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', 'alert_type', 'channel', name=op.f('uq_alert_subscriptions_organization_id_user_id_alert_type_channel')),
    schema='notifications'
    )
    op.create_table('restore_drills',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('backup_id', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('restored_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_whole', sa.Boolean(), nullable=True),
    sa.Column('compared', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['backup_id'], ['platform.backups.id'], name=op.f('fk_restore_drills_backup_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_restore_drills')),
    schema='platform'
    )
    op.create_table('flock_batches',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('house', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('breed', sa.Text(), nullable=True),
    sa.Column('placed_on', sa.Date(), nullable=False),
    sa.Column('placed_age_days', sa.Integer(), nullable=False),
    sa.Column('placed_count', sa.Integer(), nullable=False),
    sa.Column('placed_weight_g', sa.Numeric(precision=8, scale=1), nullable=True),
    sa.Column('targets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('closed_count', sa.Integer(), nullable=True),
    sa.Column('closed_weight_kg', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('closed_on >= placed_on', name=op.f('ck_flock_batches_closed_after')),
    sa.CheckConstraint('placed_count > 0', name=op.f('ck_flock_batches_placed_count')),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_flock_batches_created_by')),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_flock_batches_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_flock_batches_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flock_batches')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_flock_batches_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_flock_batches_farm_id', 'flock_batches', ['organization_id', 'farm_id', 'placed_on'], unique=False, schema='farm')
    op.create_index('uq_flock_batches_house', 'flock_batches', ['organization_id', 'farm_id', sa.literal_column('lower(house)')], unique=True, schema='farm', postgresql_where=sa.text('closed_on is null and deleted_at is null'))
    op.create_table('reports',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('units', sa.Text(), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('requested_as', sa.Text(), nullable=True),
    sa.Column('background_job_id', sa.Uuid(), nullable=True),
    sa.Column('generated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('file_id', sa.Uuid(), nullable=True),
    sa.Column('fingerprint', sa.String(length=64), nullable=True),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint('last_day >= first_day', name=op.f('ck_reports_last_day')),
    sa.ForeignKeyConstraint(['organization_id', 'background_job_id'], ['platform.background_jobs.organization_id', 'platform.background_jobs.id'], name=op.f('fk_reports_organization_id_background_job_id'), ondelete='SET NULL (background_job_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_reports_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id', 'file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_reports_organization_id_file_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_reports_organization_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['identity.users.id'], name=op.f('fk_reports_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reports')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_reports_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_reports_created_at', 'reports', ['organization_id', 'created_at'], unique=False, schema='farm')
    op.create_index('ix_reports_fingerprint', 'reports', ['fingerprint'], unique=False, schema='farm')
    op.create_table('firmware_releases',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('model', sa.Text(), nullable=False),
    sa.Column('dialect', postgresql.ENUM('tasmota', 'esphome', 'home_assistant', 'steading', 'gateway', name='dialect', schema='farm', create_type=False), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('added_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('size_bytes > 0', name=op.f('ck_firmware_releases_size_bytes')),
    sa.ForeignKeyConstraint(['added_by'], ['identity.users.id'], name=op.f('fk_firmware_releases_added_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_firmware_releases_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_firmware_releases')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_firmware_releases_organization_id_id')),
    schema='farm'
    )
    op.create_index('uq_firmware_releases_version', 'firmware_releases', ['organization_id', 'dialect', sa.literal_column('lower(model)'), 'version'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('firmware_rollouts',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('release_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('running', 'done', 'stopped', name='rollout_status', schema='farm'), nullable=False),
    sa.Column('stage', sa.SmallInteger(), nullable=False),
    sa.Column('boards', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('is_nightly', sa.Boolean(), nullable=False),
    sa.Column('may_be_on', sa.Boolean(), nullable=False),
    sa.Column('started_by', sa.Uuid(), nullable=True),
    sa.Column('stopped_by', sa.Uuid(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped_for', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_firmware_rollouts_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id', 'release_id'], ['farm.firmware_releases.organization_id', 'farm.firmware_releases.id'], name=op.f('fk_firmware_rollouts_organization_id_release_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_firmware_rollouts_organization_id')),
    sa.ForeignKeyConstraint(['started_by'], ['identity.users.id'], name=op.f('fk_firmware_rollouts_started_by')),
    sa.ForeignKeyConstraint(['stopped_by'], ['identity.users.id'], name=op.f('fk_firmware_rollouts_stopped_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_firmware_rollouts')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_firmware_rollouts_organization_id_id')),
    schema='farm'
    )
    op.create_index('uq_firmware_rollouts_running', 'firmware_rollouts', ['organization_id', 'farm_id', 'release_id'], unique=True, schema='farm', postgresql_where=sa.text("status = 'running'"))
    op.create_table('firmware_updates',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('release_id', sa.Uuid(), nullable=False),
    sa.Column('rollout_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('from_version', sa.Text(), nullable=True),
    sa.Column('status', sa.Enum('asked', 'told', 'restarting', 'done', 'failed', 'timeout', 'canceled', name='firmware_status', schema='farm'), nullable=False),
    sa.Column('may_be_on', sa.Boolean(), nullable=False),
    sa.Column('asked_by', sa.Uuid(), nullable=True),
    sa.Column('not_before_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('restarted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['asked_by'], ['identity.users.id'], name=op.f('fk_firmware_updates_asked_by')),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_firmware_updates_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_firmware_updates_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id', 'release_id'], ['farm.firmware_releases.organization_id', 'farm.firmware_releases.id'], name=op.f('fk_firmware_updates_organization_id_release_id')),
    sa.ForeignKeyConstraint(['organization_id', 'rollout_id'], ['farm.firmware_rollouts.organization_id', 'farm.firmware_rollouts.id'], name=op.f('fk_firmware_updates_organization_id_rollout_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_firmware_updates_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_firmware_updates')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_firmware_updates_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_firmware_updates_device_id', 'firmware_updates', ['organization_id', 'device_id', 'created_at'], unique=False, schema='farm')
    op.create_index('ix_firmware_updates_open', 'firmware_updates', ['not_before_at'], unique=False, schema='farm', postgresql_where=sa.text("status in ('asked', 'told', 'restarting')"))
    op.create_index('uq_firmware_updates_open', 'firmware_updates', ['organization_id', 'device_id'], unique=True, schema='farm', postgresql_where=sa.text("status in ('asked', 'told', 'restarting')"))
    op.create_table('gateways',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('hardware_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('house', sa.Text(), nullable=True),
    sa.Column('firmware_version', sa.Text(), nullable=True),
    sa.Column('is_online', sa.Boolean(), nullable=False),
    sa.Column('last_heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('claimed_by', sa.Uuid(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['claimed_by'], ['identity.users.id'], name=op.f('fk_gateways_claimed_by')),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_gateways_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_gateways_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gateways')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_gateways_organization_id_id')),
    schema='farm'
    )
    op.create_index('uq_gateways_hardware_id', 'gateways', ['organization_id', 'hardware_id'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('broker_logins',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('username', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_broker_logins_created_by')),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_broker_logins_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_broker_logins_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_broker_logins')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_broker_logins_organization_id_id')),
    schema='farm'
    )
    op.create_index('uq_broker_logins_username', 'broker_logins', ['username'], unique=True, schema='farm', postgresql_where=sa.text('revoked_at is null'))
    op.create_table('discoveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=True),
    sa.Column('dialect', postgresql.ENUM('tasmota', 'esphome', 'home_assistant', 'steading', 'gateway', name='dialect', schema='farm', create_type=False), nullable=False),
    sa.Column('identifier', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('description', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=True),
    sa.Column('dismissed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_discoveries_organization_id_device_id'), ondelete='SET NULL (device_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_discoveries_organization_id_farm_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_discoveries_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_discoveries')),
    sa.UniqueConstraint('organization_id', 'dialect', 'identifier', name=op.f('uq_discoveries_organization_id_dialect_identifier')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_discoveries_organization_id_id')),
    schema='farm'
    )
    op.create_table('flock_records',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('dead', sa.Integer(), nullable=False),
    sa.Column('culled', sa.Integer(), nullable=False),
    sa.Column('feed_kg', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('water_l', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('weight_g', sa.Numeric(precision=8, scale=1), nullable=True),
    sa.Column('weighed_count', sa.Integer(), nullable=True),
    sa.Column('cause', sa.Text(), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('recorded_by', sa.Uuid(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('culled >= 0', name=op.f('ck_flock_records_culled')),
    sa.CheckConstraint('dead >= 0', name=op.f('ck_flock_records_dead')),
    sa.CheckConstraint('feed_kg >= 0', name=op.f('ck_flock_records_feed_kg')),
    sa.CheckConstraint('water_l >= 0', name=op.f('ck_flock_records_water_l')),
    sa.CheckConstraint('weight_g >= 0', name=op.f('ck_flock_records_weight_g')),
    sa.ForeignKeyConstraint(['organization_id', 'batch_id'], ['farm.flock_batches.organization_id', 'farm.flock_batches.id'], name=op.f('fk_flock_records_organization_id_batch_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_flock_records_organization_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['identity.users.id'], name=op.f('fk_flock_records_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flock_records')),
    sa.UniqueConstraint('organization_id', 'batch_id', 'day', name=op.f('uq_flock_records_organization_id_batch_id_day')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_flock_records_organization_id_id')),
    schema='farm'
    )
    op.add_column('device_commands', sa.Column('source', postgresql.ENUM('person', 'schedule', 'emergency', 'guard', name='commanded', schema='farm', create_type=False), nullable=False, server_default='person'), schema='farm')
    op.add_column('device_commands', sa.Column('batch_id', sa.Uuid(), nullable=True), schema='farm')
    op.add_column('device_commands', sa.Column('attempt_count', sa.SmallInteger(), nullable=False, server_default='0'), schema='farm')
    op.add_column('device_commands', sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('device_commands', sa.Column('answer_until_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('device_commands', sa.Column('canceled_by', sa.Uuid(), nullable=True), schema='farm')
    op.execute("""create type farm.command_type as enum ('on', 'off', 'toggle', 'set_value', 'set_angle', 'set_speed')""")
    op.execute("alter table farm.device_commands alter command_type type farm.command_type using command_type::text::farm.command_type")
    op.create_index('ix_device_commands_batch_id', 'device_commands', ['organization_id', 'batch_id'], unique=False, schema='farm', postgresql_where=sa.text('batch_id is not null'))
    op.create_foreign_key(op.f('fk_device_commands_canceled_by'), 'device_commands', 'users', ['canceled_by'], ['id'], source_schema='farm', referent_schema='identity')
    op.drop_index('uq_devices_topic', 'devices', schema='farm')
    op.create_index('uq_devices_topic', 'devices', ['topic', 'output'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.execute("create extension if not exists btree_gist schema public")
    op.execute("""
        alter table farm.devices add constraint ex_devices_box
        exclude using gist ((split_part(topic, '/', 1)) with =, organization_id with <>) where (deleted_at is null)""")
    op.add_column('devices', sa.Column('dialect', postgresql.ENUM('tasmota', 'esphome', 'home_assistant', 'steading', 'gateway', name='dialect', schema='farm', create_type=False), nullable=False, server_default='tasmota'), schema='farm')
    op.add_column('devices', sa.Column('battery_percent', sa.SmallInteger(), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('signal_dbm', sa.SmallInteger(), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('startup_state', postgresql.ENUM('on', 'off', 'toggle', name='switch_action', schema='farm', create_type=False), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('max_on_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('on_since_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('value', sa.Numeric(precision=10, scale=2), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('contradicted_by', sa.Text(), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('contradicted_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('state_source', sa.Text(), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('asked_state_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('on_total_s', sa.Numeric(precision=14, scale=3), nullable=False, server_default='0'), schema='farm')
    op.add_column('devices', sa.Column('on_cycles', sa.Integer(), nullable=False, server_default='0'), schema='farm')
    op.add_column('devices', sa.Column('error_count', sa.Integer(), nullable=False, server_default='0'), schema='farm')
    op.add_column('devices', sa.Column('started_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('devices', sa.Column('own_max_on_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('device_configs', sa.Column('set_by', sa.Uuid(), nullable=True), schema='farm')
    op.create_foreign_key(op.f('fk_device_configs_set_by'), 'device_configs', 'users', ['set_by'], ['id'], source_schema='farm', referent_schema='identity')
    op.add_column('sensor_readings', sa.Column('raw_value', sa.Numeric(precision=10, scale=2), nullable=True), schema='farm')
    op.create_index('ix_devices_guarded', 'devices', ['on_since_at'], unique=False, schema='farm', postgresql_where=sa.text('is_on and max_on_s is not null'))
    op.add_column('farms', sa.Column('may_keepers_schedule', sa.Boolean(), nullable=False, server_default=sa.true()), schema='farm')
    op.add_column('farms', sa.Column('device_defaults', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='{}'), schema='farm')
    op.add_column('farms', sa.Column('takes_old_secrets', sa.Boolean(), nullable=False, server_default=sa.true()), schema='farm')
    op.add_column('farms', sa.Column('is_stopped', sa.Boolean(), nullable=False, server_default=sa.false()), schema='farm')
    op.add_column('farms', sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('farms', sa.Column('stopped_by', sa.Uuid(), nullable=True), schema='farm')
    op.create_foreign_key(op.f('fk_farms_stopped_by'), 'farms', 'users', ['stopped_by'], ['id'], source_schema='farm', referent_schema='identity')
    op.add_column('schedule_executions', sa.Column('is_late', sa.Boolean(), nullable=False, server_default=sa.false()), schema='farm')
    op.add_column('schedule_executions', sa.Column('missed_policy', postgresql.ENUM('skip', 'run_late', 'reconcile', name='missed_policy', schema='farm', create_type=False), nullable=True), schema='farm')
    op.add_column('schedule_executions', sa.Column('lag_ms', sa.Integer(), nullable=True), schema='farm')
    op.create_index('ix_schedule_executions_scheduled_time', 'schedule_executions', ['organization_id', 'scheduled_time'], unique=False, schema='farm')
    op.add_column('schedules', sa.Column('weekdays', postgresql.JSONB(astext_type=sa.Text()), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('start_date', sa.Date(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('end_date', sa.Date(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('sun_event', sa.Text(), nullable=True), schema='farm')
    op.drop_constraint(op.f('ck_schedules_time_based'), 'schedules', schema='farm', type_='check')
    op.create_check_constraint(
        op.f('ck_schedules_time_based'), 'schedules', "schedule_type <> 'time_based' or num_nonnulls(cron_expression, start_time, sun_event) > 0",
        schema='farm',
    )
    op.add_column('schedules', sa.Column('sun_offset_minutes', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('steps', postgresql.JSONB(astext_type=sa.Text()), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('action_duration_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('value', sa.Numeric(precision=10, scale=2), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('value_command', postgresql.ENUM('on', 'off', 'toggle', 'set_value', 'set_angle', 'set_speed', name='command_type', schema='farm', create_type=False), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('off_value', sa.Numeric(precision=10, scale=2), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('longest_run_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('minimum_on_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('minimum_off_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('fail_safe_action', postgresql.ENUM('on', 'off', 'toggle', name='switch_action', schema='farm', create_type=False), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('silent_after_s', sa.Integer(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('missed_policy', postgresql.ENUM('skip', 'run_late', 'reconcile', name='missed_policy', schema='farm', create_type=False), nullable=False, server_default='skip'), schema='farm')
    op.add_column('schedules', sa.Column('template', sa.Text(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('is_met', sa.Boolean(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('phase', sa.Text(), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('phase_since_at', sa.DateTime(timezone=True), nullable=True), schema='farm')
    op.add_column('schedules', sa.Column('cycles_done', sa.Integer(), nullable=False, server_default='0'), schema='farm')
    op.add_column('schedules', sa.Column('failure_count', sa.SmallInteger(), nullable=False, server_default='0'), schema='farm')
    op.add_column('auth_sessions', sa.Column('is_second_factor_due', sa.Boolean(), nullable=False, server_default=sa.false()), schema='identity')
    op.add_column('auth_sessions', sa.Column('idle_after_s', sa.Integer(), nullable=True), schema='identity')
    op.add_column('invitations', sa.Column('name', sa.Text(), nullable=True), schema='identity')
    op.add_column('invitations', sa.Column('phone', sa.Text(), nullable=True), schema='identity')
    op.add_column('invitations', sa.Column('language', sa.Text(), nullable=False, server_default='en'), schema='identity')
    op.add_column('invitations', sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True), schema='identity')
    op.add_column('notifications', sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True), schema='notifications')
    op.drop_index('ix_notifications_unread', 'notifications', schema='notifications')
    op.create_index('ix_notifications_unread', 'notifications', ['organization_id', 'user_id'], schema='notifications', postgresql_where=sa.text('not is_read and deleted_at is null'))
    op.add_column('users', sa.Column('totp_secret_encrypted', sa.LargeBinary(), nullable=True), schema='identity')
    op.add_column('users', sa.Column('totp_last_step', sa.BigInteger(), nullable=True), schema='identity')
    

    op.execute("""
        insert into farm.stale_metrics (organization_id, device_id, sensor_type, hour)
        select distinct r.organization_id, r.device_id, r.sensor_type, date_trunc('hour', r.recorded_at, f.time_zone)
        from farm.sensor_readings r join farm.farms f on f.organization_id = r.organization_id and f.id = r.farm_id""")
    stream("farm.device_metrics")
    stream("farm.reading_metrics")
    stream("platform.system_metrics", retention="12 months")
    for table in ("farm.device_metrics", "farm.reading_metrics"):
        wall(table)
    wall("platform.system_metrics", using="true", grants="select, insert")
    for table in TABLES:
        wall(table)
    for table in ("platform.backups", "platform.restore_drills"):
        wall(table, using="true", grants="select")
    wall("identity.recovery_codes", using="false", grants="select")
    # A code that is waited for is seen and taken by whoever has typed it, and by nobody else.
    wall("platform.device_claims", using="code = nullif(current_setting('app.claim_code', true), '')", grants="select, update")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
