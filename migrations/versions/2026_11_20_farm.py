"""Farms, their devices and settings, wishes and answers, schedules and their runs, readings by the month."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import schema, stream, wall

revision = "0003_farm"
down_revision = "0002_cold_chain"
branch_labels = None
depends_on = None

STATUS = postgresql.ENUM(
    "queued", "sent", "executing", "completed", "failed", "timeout", name="command_status", schema="farm", create_type=False
)
ACTION = postgresql.ENUM("on", "off", "toggle", name="switch_action", schema="farm", create_type=False)
TABLES = ("farms", "devices", "device_configs", "schedules", "device_commands", "schedule_executions", "sensor_readings")


def upgrade() -> None:
    schema("farm")
    STATUS.create(op.get_bind())
    ACTION.create(op.get_bind())
    op.create_table('sensor_readings',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('sensor_type', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('value', sa.Numeric(precision=10, scale=2), nullable=False),
    sa.Column('quality', sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'device_id', 'sensor_type', 'recorded_at', name=op.f('pk_sensor_readings')),
    schema='farm',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('farms',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('location', sa.Text(), nullable=True),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('image_url', sa.Text(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_farms_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_farms_longitude')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_farms_organization_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['identity.users.id'], name=op.f('fk_farms_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_farms')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_farms_organization_id_id')),
    schema='farm'
    )
    op.create_table('devices',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('output', sa.SmallInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('device_type', sa.Enum('gpio', 'relay', 'pwm', 'adc', 'servo', 'sensor', name='device_type', schema='farm'), nullable=False),
    sa.Column('model', sa.Text(), nullable=True),
    sa.Column('firmware_version', sa.Text(), nullable=True),
    sa.Column('hardware_id', sa.Text(), nullable=True),
    sa.Column('location', sa.Text(), nullable=True),
    sa.Column('icon', sa.Text(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('is_online', sa.Boolean(), nullable=False),
    sa.Column('last_heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_on', sa.Boolean(), nullable=True),
    sa.Column('state_reported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('latest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('last_command_status', STATUS, nullable=True),
    sa.Column('last_command_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('output between 1 and 32', name=op.f('ck_devices_output')),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_devices_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_devices_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_devices')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_devices_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_devices_farm_id', 'devices', ['organization_id', 'farm_id'], unique=False, schema='farm')
    op.create_index('uq_devices_hardware_id', 'devices', ['organization_id', 'hardware_id'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_devices_topic', 'devices', ['topic'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('device_configs',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('parameter_name', sa.Text(), nullable=False),
    sa.Column('parameter_value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('unit', sa.Text(), nullable=True),
    sa.Column('min_value', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('max_value', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('is_calibrated', sa.Boolean(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_device_configs_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_device_configs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_configs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_device_configs_organization_id_id')),
    schema='farm'
    )
    op.create_index('uq_device_configs_parameter', 'device_configs', ['organization_id', 'device_id', 'parameter_name'], unique=True, schema='farm', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('schedules',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('schedule_type', sa.Enum('time_based', 'duration_based', 'condition_based', name='schedule_type', schema='farm'), nullable=False),
    sa.Column('cron_expression', sa.Text(), nullable=True),
    sa.Column('start_time', sa.Time(), nullable=True),
    sa.Column('end_time', sa.Time(), nullable=True),
    sa.Column('on_duration_s', sa.Integer(), nullable=True),
    sa.Column('off_duration_s', sa.Integer(), nullable=True),
    sa.Column('repeat_count', sa.Integer(), nullable=True),
    sa.Column('condition', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('action', ACTION, nullable=False),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('priority', sa.SmallInteger(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('next_run_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_run_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("schedule_type <> 'time_based' or cron_expression is not null or start_time is not null", name=op.f('ck_schedules_time_based')),
    sa.CheckConstraint('priority between 0 and 10', name=op.f('ck_schedules_priority')),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_schedules_created_by')),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_schedules_organization_id_device_id')),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_schedules_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_schedules_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_schedules')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_schedules_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_schedules_device_id', 'schedules', ['organization_id', 'device_id'], unique=False, schema='farm')
    op.create_index('ix_schedules_next_run_at', 'schedules', ['next_run_at'], unique=False, schema='farm', postgresql_where=sa.text('is_enabled and deleted_at is null'))
    op.create_table('device_commands',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('farm_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('command_type', ACTION, nullable=False),
    sa.Column('command_params', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('priority', sa.SmallInteger(), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('schedule_id', sa.Uuid(), nullable=True),
    sa.Column('status', STATUS, nullable=False),
    sa.Column('response_data', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_device_commands_organization_id_device_id')),
    sa.ForeignKeyConstraint(['organization_id', 'farm_id'], ['farm.farms.organization_id', 'farm.farms.id'], name=op.f('fk_device_commands_organization_id_farm_id')),
    sa.ForeignKeyConstraint(['organization_id', 'schedule_id'], ['farm.schedules.organization_id', 'farm.schedules.id'], name=op.f('fk_device_commands_organization_id_schedule_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_device_commands_organization_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['identity.users.id'], name=op.f('fk_device_commands_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_commands')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_device_commands_organization_id_id')),
    schema='farm'
    )
    op.create_index('ix_device_commands_device_id', 'device_commands', ['organization_id', 'device_id', 'requested_at'], unique=False, schema='farm')
    op.create_index('ix_device_commands_expires_at', 'device_commands', ['expires_at'], unique=False, schema='farm', postgresql_where=sa.text("status in ('queued', 'sent', 'executing')"))
    op.create_index('ix_device_commands_queued', 'device_commands', ['requested_at'], unique=False, schema='farm', postgresql_where=sa.text("status = 'queued'"))
    op.create_index('uq_device_commands_open', 'device_commands', ['organization_id', 'device_id'], unique=True, schema='farm', postgresql_where=sa.text("status in ('queued', 'sent', 'executing')"))
    op.create_table('schedule_executions',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('schedule_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('command_id', sa.Uuid(), nullable=True),
    sa.Column('scheduled_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('executed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.Enum('pending', 'executed', 'failed', 'timeout', 'skipped', name='execution_status', schema='farm'), nullable=False),
    sa.Column('command_sent', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('device_response', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('execution_duration_ms', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'command_id'], ['farm.device_commands.organization_id', 'farm.device_commands.id'], name=op.f('fk_schedule_executions_organization_id_command_id')),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['farm.devices.organization_id', 'farm.devices.id'], name=op.f('fk_schedule_executions_organization_id_device_id')),
    sa.ForeignKeyConstraint(['organization_id', 'schedule_id'], ['farm.schedules.organization_id', 'farm.schedules.id'], name=op.f('fk_schedule_executions_organization_id_schedule_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_schedule_executions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_schedule_executions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_schedule_executions_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'schedule_id', 'scheduled_time', name='uq_schedule_executions_once'),
    schema='farm'
    )
    op.create_index('ix_schedule_executions_command_id', 'schedule_executions', ['organization_id', 'command_id'], unique=False, schema='farm')

    stream("farm.sensor_readings")
    for table in TABLES:
        wall(f"farm.{table}")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
