"""Gateways, hubs, calibrations, excursions, temperatures by hand, reports, and readings drawn together by the hour."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import stream, wall

revision = "0009_cold_chain_whole"
down_revision = "0008_told"
branch_labels = None
depends_on = None

TABLES = (
    "cold_chain.stale_metrics", "cold_chain.entity_dashboard_layouts", "cold_chain.ttn_connections",
    "cold_chain.gateways", "cold_chain.hubs", "cold_chain.pilot_feedback", "cold_chain.excursions",
    "cold_chain.manual_temperature_logs", "cold_chain.reports", "cold_chain.alert_rules_history",
    "cold_chain.calibration_records", "cold_chain.lora_sensors", "cold_chain.pairing_sessions",
)  # fmt: skip

EVIDENCE = ("cold_chain.alert_rules_history", "cold_chain.manual_temperature_logs")
"""Written once, never changed."""


def upgrade() -> None:
    sa.Enum('cr17450', 'lifes2_2aa', 'alkaline_2aa', 'cr2032', 'li_socl2', name='battery_chemistry', schema='cold_chain').create(op.get_bind())
    sa.Enum('network', 'trust', 'app', name='decode_mode', schema='cold_chain').create(op.get_bind())
    op.execute("alter type cold_chain.reading_source add value if not exists 'chirpstack'")
    op.execute("alter type cold_chain.reading_source add value if not exists 'hub'")
    op.create_table('reading_metrics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('granularity', sa.Enum('hourly', 'daily', 'weekly', 'monthly', name='granularity', schema='cold_chain'), nullable=False),
    sa.Column('period_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('period_end', sa.DateTime(timezone=True), nullable=False),
    sa.Column('temp_min_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('temp_max_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('temp_avg_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('temp_sum_celsius', sa.Numeric(precision=14, scale=2), nullable=False),
    sa.Column('humidity_min_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('humidity_max_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('humidity_avg_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('humidity_sum_percent', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('humidity_count', sa.Integer(), nullable=False),
    sa.Column('kinetic_sum', sa.Double(), nullable=False),
    sa.Column('reading_count', sa.Integer(), nullable=False),
    sa.Column('anomaly_count', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'unit_id', 'granularity', 'period_start', 'device_id', name=op.f('pk_reading_metrics')),
    schema='cold_chain',
    postgresql_partition_by='RANGE (period_start)'
    )
    op.create_index('ix_reading_metrics_granularity', 'reading_metrics', ['organization_id', 'granularity', 'period_start'], unique=False, schema='cold_chain')
    op.create_table('stale_metrics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'unit_id', 'hour', 'claim', name=op.f('pk_stale_metrics')),
    schema='cold_chain'
    )
    op.create_table('entity_dashboard_layouts',
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('entity_type', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('slot_number', sa.SmallInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('is_user_default', sa.Boolean(), nullable=False),
    sa.Column('layout', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('widget_preferences', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('timeline_state', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('layout_version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_entity_dashboard_layouts_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_entity_dashboard_layouts_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entity_dashboard_layouts')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_entity_dashboard_layouts_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'user_id', 'entity_type', 'entity_id', 'slot_number', name=op.f('uq_entity_dashboard_layouts_organization_id_user_id_entity_type_entity_id_slot_number')),
    schema='cold_chain'
    )
    op.create_table('ttn_connections',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('ttn_application_id', sa.Text(), nullable=False),
    sa.Column('ttn_region', sa.Text(), nullable=False),
    sa.Column('server_url', sa.Text(), nullable=True),
    sa.Column('frequency_plan_id', sa.Text(), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ttn_api_key_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('ttn_api_key_last_four', sa.String(length=4), nullable=True),
    sa.Column('ttn_org_api_key_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('ttn_org_api_key_last_four', sa.String(length=4), nullable=True),
    sa.Column('ttn_webhook_url', sa.Text(), nullable=True),
    sa.Column('ttn_webhook_secret_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('ttn_webhook_secret_last_four', sa.String(length=4), nullable=True),
    sa.Column('feed_token_id', sa.Uuid(), nullable=True),
    sa.Column('provisioning_status', sa.Enum('not_started', 'in_progress', 'complete', 'failed', name='provisioning_status', schema='cold_chain'), nullable=False),
    sa.Column('provisioning_step', sa.Text(), nullable=True),
    sa.Column('provisioning_step_details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('provisioning_error', sa.Text(), nullable=True),
    sa.Column('provisioning_attempt_count', sa.Integer(), nullable=False),
    sa.Column('app_rights_check_status', sa.Text(), nullable=True),
    sa.Column('last_http_status', sa.Integer(), nullable=True),
    sa.Column('last_http_body', sa.Text(), nullable=True),
    sa.Column('last_ttn_correlation_id', sa.Text(), nullable=True),
    sa.Column('last_ttn_error_name', sa.Text(), nullable=True),
    sa.Column('credentials_last_rotated_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_ttn_connections_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ttn_connections')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_ttn_connections_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_ttn_connections_application', 'ttn_connections', ['organization_id', 'ttn_application_id'], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('gateways',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('ttn_connection_id', sa.Uuid(), nullable=True),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('gateway_id', sa.Text(), nullable=False),
    sa.Column('gateway_eui', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('frequency_plan_id', sa.Text(), nullable=True),
    sa.Column('status', sa.Enum('online', 'offline', 'disconnected', 'unknown', name='gateway_status', schema='cold_chain'), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('altitude_m', sa.Integer(), nullable=True),
    sa.Column('signal_dbm', sa.SmallInteger(), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_gateways_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_gateways_longitude')),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_gateways_organization_id_site_id'), ondelete='SET NULL (site_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'ttn_connection_id'], ['cold_chain.ttn_connections.organization_id', 'cold_chain.ttn_connections.id'], name=op.f('fk_gateways_organization_id_ttn_connection_id'), ondelete='SET NULL (ttn_connection_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_gateways_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gateways')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_gateways_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_gateways_gateway_eui', 'gateways', ['organization_id', 'gateway_eui'], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_gateways_gateway_id', 'gateways', ['organization_id', 'gateway_id'], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('hubs',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('mac_address', sa.Text(), nullable=False),
    sa.Column('firmware_version', sa.Text(), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_online', sa.Boolean(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_hubs_organization_id_site_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_hubs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hubs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_hubs_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_hubs_mac_address', 'hubs', ['organization_id', 'mac_address'], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('pilot_feedback',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('week_start', sa.Date(), nullable=False),
    sa.Column('logging_speed_rating', sa.SmallInteger(), nullable=True),
    sa.Column('alert_fatigue_rating', sa.SmallInteger(), nullable=True),
    sa.Column('report_usefulness_rating', sa.SmallInteger(), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('submitted_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('alert_fatigue_rating between 1 and 5', name=op.f('ck_pilot_feedback_alert_fatigue')),
    sa.CheckConstraint('logging_speed_rating between 1 and 5', name=op.f('ck_pilot_feedback_logging_speed')),
    sa.CheckConstraint('report_usefulness_rating between 1 and 5', name=op.f('ck_pilot_feedback_report_usefulness')),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_pilot_feedback_organization_id_site_id'), ondelete='SET NULL (site_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_pilot_feedback_organization_id')),
    sa.ForeignKeyConstraint(['submitted_by'], ['identity.users.id'], name=op.f('fk_pilot_feedback_submitted_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pilot_feedback')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_pilot_feedback_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'site_id', 'week_start', name='uq_pilot_feedback_week', postgresql_nulls_not_distinct=True),
    schema='cold_chain'
    )
    op.create_table('excursions',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=True),
    sa.Column('direction', sa.Enum('above', 'below', name='direction', schema='cold_chain'), nullable=False),
    sa.Column('low_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('high_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('peak_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('peak_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('degree_minutes', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('reading_count', sa.Integer(), nullable=False),
    sa.Column('last_reading_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('was_door_open', sa.Boolean(), nullable=False),
    sa.Column('cause', sa.Enum('unknown', 'door', 'delivery', 'defrost', 'power', 'equipment', 'cleaning', 'sensor', 'other', name='excursion_cause', schema='cold_chain'), nullable=False),
    sa.Column('cause_note', sa.Text(), nullable=True),
    sa.Column('cause_by', sa.Uuid(), nullable=True),
    sa.Column('cause_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ended_at >= started_at', name=op.f('ck_excursions_ends_after')),
    sa.ForeignKeyConstraint(['cause_by'], ['identity.users.id'], name=op.f('fk_excursions_cause_by')),
    sa.ForeignKeyConstraint(['organization_id', 'alert_id'], ['alerts.alerts.organization_id', 'alerts.alerts.id'], name=op.f('fk_excursions_organization_id_alert_id'), ondelete='SET NULL (alert_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_excursions_organization_id_unit_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_excursions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_excursions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_excursions_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_excursions_started_at', 'excursions', ['organization_id', 'started_at'], unique=False, schema='cold_chain')
    op.create_index('ix_excursions_unit_id', 'excursions', ['organization_id', 'unit_id', 'started_at'], unique=False, schema='cold_chain')
    op.create_index('uq_excursions_open', 'excursions', ['organization_id', 'unit_id'], unique=True, schema='cold_chain', postgresql_where=sa.text('ended_at is null'))
    op.create_table('manual_temperature_logs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('user_name', sa.Text(), nullable=False),
    sa.Column('temperature_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('humidity_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('low_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('high_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('is_in_range', sa.Boolean(), nullable=False),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('photo_file_id', sa.Uuid(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('corrects_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('temperature_celsius between -100 and 200', name=op.f('ck_manual_temperature_logs_temperature_celsius')),
    sa.ForeignKeyConstraint(['organization_id', 'corrects_id'], ['cold_chain.manual_temperature_logs.organization_id', 'cold_chain.manual_temperature_logs.id'], name=op.f('fk_manual_temperature_logs_organization_id_corrects_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'photo_file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_manual_temperature_logs_organization_id_photo_file_id')),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_manual_temperature_logs_organization_id_unit_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_manual_temperature_logs_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_manual_temperature_logs_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_manual_temperature_logs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_manual_temperature_logs_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_manual_temperature_logs_recorded_at', 'manual_temperature_logs', ['organization_id', 'recorded_at'], unique=False, schema='cold_chain')
    op.create_index('uq_manual_temperature_logs_corrects_id', 'manual_temperature_logs', ['organization_id', 'corrects_id'], unique=True, schema='cold_chain')
    op.create_index('ix_manual_temperature_logs_unit_id', 'manual_temperature_logs', ['organization_id', 'unit_id', 'recorded_at'], unique=False, schema='cold_chain')
    op.create_table('reports',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('daily', 'exceptions', 'manual', 'compliance', name='report_kind', schema='cold_chain'), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('units', sa.Text(), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('requested_as', sa.Text(), nullable=True),
    sa.Column('background_job_id', sa.Uuid(), nullable=True),
    sa.Column('generated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('file_id', sa.Uuid(), nullable=True),
    sa.Column('fingerprint', sa.String(length=64), nullable=True),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint('until > since', name=op.f('ck_reports_until_after_since')),
    sa.ForeignKeyConstraint(['organization_id', 'background_job_id'], ['platform.background_jobs.organization_id', 'platform.background_jobs.id'], name=op.f('fk_reports_organization_id_background_job_id'), ondelete='SET NULL (background_job_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_reports_organization_id_file_id')),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_reports_organization_id_site_id'), ondelete='SET NULL (site_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_reports_organization_id_unit_id'), ondelete='SET NULL (unit_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_reports_organization_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['identity.users.id'], name=op.f('fk_reports_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reports')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_reports_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_reports_created_at', 'reports', ['organization_id', 'created_at'], unique=False, schema='cold_chain')
    op.create_index('ix_reports_fingerprint', 'reports', ['fingerprint'], unique=False, schema='cold_chain')
    op.create_table('alert_rules_history',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('alert_rule_id', sa.Uuid(), nullable=True),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.Column('change_type', sa.Text(), nullable=False),
    sa.Column('old_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('new_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['identity.users.id'], name=op.f('fk_alert_rules_history_changed_by')),
    sa.ForeignKeyConstraint(['organization_id', 'alert_rule_id'], ['cold_chain.alert_rules.organization_id', 'cold_chain.alert_rules.id'], name=op.f('fk_alert_rules_history_organization_id_alert_rule_id'), ondelete='SET NULL (alert_rule_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_alert_rules_history_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_rules_history')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_alert_rules_history_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_alert_rules_history_changed_at', 'alert_rules_history', ['organization_id', 'changed_at'], unique=False, schema='cold_chain')
    op.create_table('calibration_records',
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('calibrated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('calibrated_by', sa.Uuid(), nullable=True),
    sa.Column('calibrated_by_name', sa.Text(), nullable=True),
    sa.Column('temperature_offset_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('humidity_offset_percent', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('reference_temperature_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('certificate_file_id', sa.Uuid(), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('expires_at > calibrated_at', name=op.f('ck_calibration_records_expires_after')),
    sa.ForeignKeyConstraint(['calibrated_by'], ['identity.users.id'], name=op.f('fk_calibration_records_calibrated_by')),
    sa.ForeignKeyConstraint(['organization_id', 'certificate_file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_calibration_records_organization_id_certificate_file_id')),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['cold_chain.devices.organization_id', 'cold_chain.devices.id'], name=op.f('fk_calibration_records_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_calibration_records_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calibration_records')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_calibration_records_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_calibration_records_device_id', 'calibration_records', ['organization_id', 'device_id', 'calibrated_at'], unique=False, schema='cold_chain')
    op.create_table('lora_sensors',
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('app_eui', sa.Text(), nullable=True),
    sa.Column('join_eui', sa.Text(), nullable=True),
    sa.Column('app_key_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('app_key_last_four', sa.String(length=4), nullable=True),
    sa.Column('lorawan_version', sa.Text(), nullable=False),
    sa.Column('network_server_id', sa.Text(), nullable=True),
    sa.Column('activation_type', sa.Text(), nullable=False),
    sa.Column('last_join_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['cold_chain.devices.organization_id', 'cold_chain.devices.id'], name=op.f('fk_lora_sensors_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_lora_sensors_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lora_sensors')),
    sa.UniqueConstraint('organization_id', 'device_id', name=op.f('uq_lora_sensors_organization_id_device_id')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_lora_sensors_organization_id_id')),
    schema='cold_chain'
    )
    op.create_table('pairing_sessions',
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Enum('pending', 'completed', 'failed', 'expired', name='pairing_status', schema='cold_chain'), nullable=False),
    sa.Column('pairing_code', sa.Text(), nullable=False),
    sa.Column('started_by', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['cold_chain.devices.organization_id', 'cold_chain.devices.id'], name=op.f('fk_pairing_sessions_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_pairing_sessions_organization_id_unit_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_pairing_sessions_organization_id')),
    sa.ForeignKeyConstraint(['started_by'], ['identity.users.id'], name=op.f('fk_pairing_sessions_started_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pairing_sessions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_pairing_sessions_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_pairing_sessions_code', 'pairing_sessions', ['organization_id', 'pairing_code'], unique=True, schema='cold_chain', postgresql_where=sa.text("status = 'pending'"))
    op.add_column('alert_rules', sa.Column('offline_trigger_multiplier', sa.Numeric(precision=5, scale=2), nullable=True), schema='cold_chain')
    op.add_column('alert_rules', sa.Column('offline_trigger_additional_minutes', sa.Integer(), nullable=True), schema='cold_chain')
    op.add_column('alert_rules', sa.Column('door_open_max_mask_minutes_per_day', sa.Integer(), nullable=True), schema='cold_chain')
    op.add_column('alert_rules', sa.Column('rise_celsius_per_hour', sa.Numeric(precision=7, scale=2), nullable=True), schema='cold_chain')
    op.add_column('alert_rules', sa.Column('low_battery_percent', sa.SmallInteger(), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('hub_id', sa.Uuid(), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('model', sa.Text(), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('battery_chemistry', postgresql.ENUM('cr17450', 'lifes2_2aa', 'alkaline_2aa', 'cr2032', 'li_socl2', name='battery_chemistry', schema='cold_chain', create_type=False), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('decode_mode', postgresql.ENUM('network', 'trust', 'app', name='decode_mode', schema='cold_chain', create_type=False), nullable=False, server_default='network'), schema='cold_chain')
    op.add_column('devices', sa.Column('fault', sa.Text(), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('uplink_interval_s', sa.Integer(), nullable=True), schema='cold_chain')
    op.add_column('devices', sa.Column('notes', sa.Text(), nullable=True), schema='cold_chain')
    op.create_check_constraint(op.f('ck_devices_uplink_interval_s'), 'devices', 'uplink_interval_s between 60 and 86400', schema='cold_chain')
    op.create_foreign_key(op.f('fk_devices_organization_id_hub_id'), 'devices', 'hubs', ['organization_id', 'hub_id'], ['organization_id', 'id'], source_schema='cold_chain', referent_schema='cold_chain', ondelete='SET NULL (hub_id)')
    op.add_column('door_events', sa.Column('open_count', sa.Integer(), nullable=True), schema='cold_chain')
    op.add_column('sensor_readings', sa.Column('raw_temperature_celsius', sa.Numeric(precision=7, scale=2), nullable=True), schema='cold_chain')
    op.add_column('units', sa.Column('door_masked_on', sa.Date(), nullable=True), schema='cold_chain')
    op.add_column('units', sa.Column('door_masked_s', sa.Integer(), nullable=False, server_default='0'), schema='cold_chain')
    op.add_column('units', sa.Column('trend_celsius_per_hour', sa.Numeric(precision=7, scale=2), nullable=True), schema='cold_chain')
    op.add_column('units', sa.Column('trend_error_celsius_per_hour', sa.Numeric(precision=7, scale=2), nullable=True), schema='cold_chain')

    op.execute("insert into cold_chain.stale_metrics (organization_id, unit_id, hour)"
               " select distinct organization_id, unit_id, date_trunc('hour', recorded_at, 'UTC') from cold_chain.sensor_readings")
    stream("cold_chain.reading_metrics")
    wall("cold_chain.reading_metrics")
    for table in TABLES:
        wall(table, grants="select, insert" if table in EVIDENCE else "select, insert, update, delete")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
