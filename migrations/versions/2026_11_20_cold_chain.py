"""Sites, areas, units and their sensors; the rules of each; what the sensors said, month by month."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import schema, stream, wall

revision = "0002_cold_chain"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None

TABLES = ("sites", "areas", "units", "devices", "alert_rules")
STREAMS = ("sensor_readings", "door_events")


def upgrade() -> None:
    schema("cold_chain")
    op.create_table('door_events',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('duration_s', sa.Integer(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'unit_id', 'recorded_at', 'device_id', name=op.f('pk_door_events')),
    schema='cold_chain',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('sensor_readings',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('temperature_celsius', sa.Numeric(precision=7, scale=2), nullable=False),
    sa.Column('humidity_percent', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('battery_percent', sa.SmallInteger(), nullable=True),
    sa.Column('signal_dbm', sa.SmallInteger(), nullable=True),
    sa.Column('source', sa.Enum('ttn', 'api', 'manual', name='reading_source', schema='cold_chain'), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('raw_payload', sa.Text(), nullable=True),
    sa.CheckConstraint('temperature_celsius between -100 and 200', name=op.f('ck_sensor_readings_temperature_celsius')),
    sa.PrimaryKeyConstraint('organization_id', 'unit_id', 'recorded_at', 'device_id', name=op.f('pk_sensor_readings')),
    schema='cold_chain',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('sites',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('postal_code', sa.Text(), nullable=True),
    sa.Column('country', sa.Text(), nullable=True),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('compliance_mode', sa.Enum('standard', 'haccp', name='compliance_mode', schema='cold_chain'), nullable=False),
    sa.Column('manual_log_cadence_s', sa.Integer(), nullable=True),
    sa.Column('is_corrective_action_required', sa.Boolean(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_sites_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_sites_longitude')),
    sa.CheckConstraint('num_nonnulls(latitude, longitude) in (0, 2)', name=op.f('ck_sites_whole_position')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_sites_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sites')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_sites_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_sites_name', 'sites', ['organization_id', sa.literal_column('lower(name)')], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('areas',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('sort_order', sa.Integer(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_areas_organization_id_site_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_areas_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_areas')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_areas_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_areas_name', 'areas', ['organization_id', 'site_id', sa.literal_column('lower(name)')], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('units',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('area_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('unit_type', sa.Enum('fridge', 'freezer', 'display_case', 'walk_in_cooler', 'walk_in_freezer', 'blast_chiller', name='unit_type', schema='cold_chain'), nullable=False),
    sa.Column('status', sa.Enum('ok', 'excursion', 'alarm_active', 'monitoring_interrupted', 'manual_required', 'restoring', 'offline', name='unit_status', schema='cold_chain'), nullable=False),
    sa.Column('status_changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('out_of_range_since_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('good_readings', sa.SmallInteger(), nullable=False),
    sa.Column('last_reading_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_temperature_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('door_is_open', sa.Boolean(), nullable=True),
    sa.Column('door_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('door_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_manual_monitoring_required', sa.Boolean(), nullable=False),
    sa.Column('manual_monitoring_interval_minutes', sa.Integer(), nullable=True),
    sa.Column('last_manual_log_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('sort_order', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'area_id'], ['cold_chain.areas.organization_id', 'cold_chain.areas.id'], name=op.f('fk_units_organization_id_area_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_units_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_units')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_units_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('uq_units_name', 'units', ['organization_id', 'area_id', sa.literal_column('lower(name)')], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('alert_rules',
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('temperature_min_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('temperature_max_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('hysteresis_celsius', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('delay_minutes', sa.Integer(), nullable=True),
    sa.Column('delay_door_open_minutes', sa.Integer(), nullable=True),
    sa.Column('door_grace_minutes', sa.Integer(), nullable=True),
    sa.Column('expected_reading_interval_s', sa.Integer(), nullable=True),
    sa.Column('offline_warning_missed_checkins', sa.Integer(), nullable=True),
    sa.Column('offline_critical_missed_checkins', sa.Integer(), nullable=True),
    sa.Column('manual_interval_minutes', sa.Integer(), nullable=True),
    sa.Column('manual_grace_minutes', sa.Integer(), nullable=True),
    sa.Column('manual_log_missed_checkins_threshold', sa.Integer(), nullable=True),
    sa.Column('door_open_warning_minutes', sa.Integer(), nullable=True),
    sa.Column('door_open_critical_minutes', sa.Integer(), nullable=True),
    sa.Column('max_excursion_minutes', sa.Integer(), nullable=True),
    sa.CheckConstraint('num_nonnulls(site_id, unit_id) <= 1', name=op.f('ck_alert_rules_one_scope')),
    sa.CheckConstraint('temperature_min_celsius < temperature_max_celsius', name=op.f('ck_alert_rules_low_is_below_high')),
    sa.ForeignKeyConstraint(['organization_id', 'site_id'], ['cold_chain.sites.organization_id', 'cold_chain.sites.id'], name=op.f('fk_alert_rules_organization_id_site_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_alert_rules_organization_id_unit_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_alert_rules_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_rules')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_alert_rules_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'site_id', 'unit_id', name='uq_alert_rules_scope', postgresql_nulls_not_distinct=True),
    schema='cold_chain'
    )
    op.create_index('ix_alert_rules_unit_id', 'alert_rules', ['organization_id', 'unit_id'], unique=False, schema='cold_chain')
    op.create_table('devices',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('device_eui', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('device_type', sa.Text(), nullable=False),
    sa.Column('is_primary', sa.Boolean(), nullable=False),
    sa.Column('status', sa.Enum('active', 'inactive', 'pairing', 'error', name='device_status', schema='cold_chain'), nullable=False),
    sa.Column('battery_percent', sa.SmallInteger(), nullable=True),
    sa.Column('battery_v', sa.Numeric(precision=5, scale=3), nullable=True),
    sa.Column('signal_dbm', sa.SmallInteger(), nullable=True),
    sa.Column('firmware_version', sa.Text(), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'unit_id'], ['cold_chain.units.organization_id', 'cold_chain.units.id'], name=op.f('fk_devices_organization_id_unit_id'), ondelete='SET NULL (unit_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_devices_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_devices')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_devices_organization_id_id')),
    schema='cold_chain'
    )
    op.create_index('ix_devices_unit_id', 'devices', ['organization_id', 'unit_id'], unique=False, schema='cold_chain')
    op.create_index('uq_devices_device_eui', 'devices', ['organization_id', 'device_eui'], unique=True, schema='cold_chain', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_devices_primary', 'devices', ['organization_id', 'unit_id'], unique=True, schema='cold_chain', postgresql_where=sa.text('is_primary and deleted_at is null'))

    for table in STREAMS:
        stream(f"cold_chain.{table}", retention="24 months")
        wall(f"cold_chain.{table}", grants="select, insert")
    for table in TABLES:
        wall(f"cold_chain.{table}")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
