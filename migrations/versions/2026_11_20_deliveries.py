"""The tables of deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import schema, stream, wall

revision = "0004_deliveries"
down_revision = "0003_farm"
branch_labels = None
depends_on = None

POSITIONS = "deliveries.driver_location_events"


def upgrade() -> None:
    schema("deliveries")
    op.create_table('driver_location_events',
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=False),
    sa.Column('accuracy_m', sa.REAL(), nullable=True),
    sa.Column('speed_mps', sa.REAL(), nullable=True),
    sa.Column('heading_deg', sa.REAL(), nullable=True),
    sa.Column('altitude_m', sa.REAL(), nullable=True),
    sa.Column('battery_percent', sa.REAL(), nullable=True),
    sa.Column('source', sa.Enum('foreground', 'background', 'manual', 'external', name='position_source', schema='deliveries'), nullable=False),
    sa.Column('is_accurate', sa.Boolean(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_driver_location_events_place')),
    sa.PrimaryKeyConstraint('organization_id', 'driver_id', 'recorded_at', name=op.f('pk_driver_location_events')),
    schema='deliveries',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('delivery_addresses',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('contact_name', sa.Text(), nullable=True),
    sa.Column('contact_phone', sa.Text(), nullable=True),
    sa.Column('line1', sa.Text(), nullable=False),
    sa.Column('line2', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=True),
    sa.Column('postal_code', sa.Text(), nullable=True),
    sa.Column('country_code', sa.String(length=2), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('instructions', sa.Text(), nullable=True),
    sa.CheckConstraint('(latitude is null) = (longitude is null)', name=op.f('ck_delivery_addresses_whole_place')),
    sa.CheckConstraint('latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_delivery_addresses_place')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_delivery_addresses_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_addresses')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_delivery_addresses_organization_id_id')),
    schema='deliveries'
    )
    op.create_table('vehicles',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('registration_number', sa.Text(), nullable=True),
    sa.Column('vehicle_type', sa.Text(), nullable=True),
    sa.Column('capacity_kg', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('capacity_litres', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('capacity_parcels', sa.Integer(), nullable=True),
    sa.CheckConstraint('capacity_kg >= 0 and capacity_litres >= 0 and capacity_parcels >= 0', name=op.f('ck_vehicles_capacity')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_vehicles_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicles')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_vehicles_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('uq_vehicles_registration_number', 'vehicles', ['organization_id', 'registration_number'], unique=True, schema='deliveries', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('drivers',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('vehicle_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('employment_status', sa.Enum('pending', 'active', 'suspended', 'disabled', name='employment_status', schema='deliveries'), nullable=False),
    sa.Column('license_number', sa.Text(), nullable=True),
    sa.Column('license_expires_on', sa.Date(), nullable=True),
    sa.Column('is_license_verified', sa.Boolean(), nullable=False),
    sa.Column('is_background_checked', sa.Boolean(), nullable=False),
    sa.Column('service_region', postgresql.JSONB(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'vehicle_id'], ['deliveries.vehicles.organization_id', 'deliveries.vehicles.id'], name=op.f('fk_drivers_organization_id_vehicle_id'), ondelete='SET NULL (vehicle_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_drivers_organization_id')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_drivers_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drivers')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_drivers_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('uq_drivers_user_id', 'drivers', ['organization_id', 'user_id'], unique=True, schema='deliveries', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('orders',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('delivery_address_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Enum('draft', 'submitted', 'confirmed', 'ready_for_dispatch', 'in_transit', 'fulfilled', 'cancelled', name='order_status', schema='deliveries'), nullable=False),
    sa.Column('channel', sa.Enum('web', 'mobile', 'wechat', 'system', name='channel', schema='deliveries'), nullable=False),
    sa.Column('contact_name', sa.Text(), nullable=True),
    sa.Column('contact_phone', sa.Text(), nullable=True),
    sa.Column('subtotal', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('tax_total', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('delivery_fee', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('discount_total', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('grand_total', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('client_token', sa.Text(), nullable=True),
    sa.Column('promised_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('least(subtotal, tax_total, delivery_fee, discount_total, grand_total) >= 0', name=op.f('ck_orders_money')),
    sa.ForeignKeyConstraint(['created_by'], ['identity.users.id'], name=op.f('fk_orders_created_by')),
    sa.ForeignKeyConstraint(['organization_id', 'delivery_address_id'], ['deliveries.delivery_addresses.organization_id', 'deliveries.delivery_addresses.id'], name=op.f('fk_orders_organization_id_delivery_address_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_orders_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orders')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_orders_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('ix_orders_status', 'orders', ['organization_id', 'status', 'created_at'], unique=False, schema='deliveries')
    op.create_index('uq_orders_client_token', 'orders', ['organization_id', 'client_token'], unique=True, schema='deliveries', postgresql_where=sa.text('client_token is not null'))
    op.create_table('active_driver_locations',
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=False),
    sa.Column('accuracy_m', sa.REAL(), nullable=True),
    sa.Column('speed_mps', sa.REAL(), nullable=True),
    sa.Column('heading_deg', sa.REAL(), nullable=True),
    sa.Column('altitude_m', sa.REAL(), nullable=True),
    sa.Column('battery_percent', sa.REAL(), nullable=True),
    sa.Column('source', postgresql.ENUM('foreground', 'background', 'manual', 'external', name='position_source', schema='deliveries', create_type=False), nullable=False),
    sa.Column('is_accurate', sa.Boolean(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_active_driver_locations_place')),
    sa.ForeignKeyConstraint(['organization_id', 'driver_id'], ['deliveries.drivers.organization_id', 'deliveries.drivers.id'], name=op.f('fk_active_driver_locations_organization_id_driver_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'driver_id', name=op.f('pk_active_driver_locations')),
    schema='deliveries',
    postgresql_with={'fillfactor': 70}
    )
    op.create_index('ix_active_driver_locations_place', 'active_driver_locations', [sa.text('ll_to_earth(latitude, longitude)')], unique=False, schema='deliveries', postgresql_using='gist')
    op.create_table('driver_devices',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('app', sa.Enum('owntracks', 'osmand', name='phone_app', schema='deliveries'), nullable=False),
    sa.Column('platform', sa.Enum('ios', 'android', 'web', 'tracker', name='platform', schema='deliveries'), nullable=False),
    sa.Column('device_identifier', sa.Text(), nullable=True),
    sa.Column('push_token', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'driver_id'], ['deliveries.drivers.organization_id', 'deliveries.drivers.id'], name=op.f('fk_driver_devices_organization_id_driver_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_driver_devices_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_driver_devices')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_driver_devices_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('ix_driver_devices_driver_id', 'driver_devices', ['organization_id', 'driver_id'], unique=False, schema='deliveries')
    op.create_index('uq_driver_devices_device_identifier', 'driver_devices', ['organization_id', 'driver_id', 'platform', 'device_identifier'], unique=True, schema='deliveries', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('shipments',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('pickup_address_id', sa.Uuid(), nullable=False),
    sa.Column('delivery_address_id', sa.Uuid(), nullable=False),
    sa.Column('tracking_number', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('pending', 'ready', 'assigned', 'in_transit', 'delivered', 'returned', 'cancelled', name='shipment_status', schema='deliveries'), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('weight_kg', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('courier_notes', sa.Text(), nullable=True),
    sa.Column('promised_arrival_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('estimated_arrival_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('weight_kg >= 0', name=op.f('ck_shipments_weight')),
    sa.ForeignKeyConstraint(['organization_id', 'delivery_address_id'], ['deliveries.delivery_addresses.organization_id', 'deliveries.delivery_addresses.id'], name=op.f('fk_shipments_organization_id_delivery_address_id')),
    sa.ForeignKeyConstraint(['organization_id', 'order_id'], ['deliveries.orders.organization_id', 'deliveries.orders.id'], name=op.f('fk_shipments_organization_id_order_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'pickup_address_id'], ['deliveries.delivery_addresses.organization_id', 'deliveries.delivery_addresses.id'], name=op.f('fk_shipments_organization_id_pickup_address_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_shipments_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipments')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_shipments_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('ix_shipments_created_at', 'shipments', ['organization_id', 'created_at'], unique=False, schema='deliveries')
    op.create_index('ix_shipments_status', 'shipments', ['organization_id', 'status', 'promised_arrival_at'], unique=False, schema='deliveries')
    op.create_index('uq_shipments_order_id', 'shipments', ['organization_id', 'order_id'], unique=True, schema='deliveries')
    op.create_index('uq_shipments_tracking_number', 'shipments', ['organization_id', 'tracking_number'], unique=True, schema='deliveries')
    op.create_table('driver_assignments',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=True),
    sa.Column('vehicle_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Enum('pending', 'accepted', 'en_route', 'arrived', 'delivered', 'handed_off', 'rejected', 'cancelled', name='assignment_status', schema='deliveries'), nullable=False),
    sa.Column('schedule_sequence', sa.Integer(), nullable=True),
    sa.Column('assigned_by', sa.Uuid(), nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('declined_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('en_route_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['assigned_by'], ['identity.users.id'], name=op.f('fk_driver_assignments_assigned_by')),
    sa.ForeignKeyConstraint(['organization_id', 'driver_id'], ['deliveries.drivers.organization_id', 'deliveries.drivers.id'], name=op.f('fk_driver_assignments_organization_id_driver_id'), ondelete='SET NULL (driver_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'shipment_id'], ['deliveries.shipments.organization_id', 'deliveries.shipments.id'], name=op.f('fk_driver_assignments_organization_id_shipment_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'vehicle_id'], ['deliveries.vehicles.organization_id', 'deliveries.vehicles.id'], name=op.f('fk_driver_assignments_organization_id_vehicle_id'), ondelete='SET NULL (vehicle_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_driver_assignments_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_driver_assignments')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_driver_assignments_organization_id_id')),
    schema='deliveries'
    )
    op.create_index('ix_driver_assignments_open', 'driver_assignments', ['organization_id', 'driver_id', 'status'], unique=False, schema='deliveries', postgresql_where=sa.text('ended_at is null'))
    op.create_index('ix_driver_assignments_shipment_id', 'driver_assignments', ['organization_id', 'shipment_id', 'created_at'], unique=False, schema='deliveries')
    op.create_index('uq_driver_assignments_open', 'driver_assignments', ['organization_id', 'shipment_id'], unique=True, schema='deliveries', postgresql_where=sa.text('ended_at is null'))
    op.create_table('driver_sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('app_version', sa.Text(), nullable=True),
    sa.Column('is_background_location_enabled', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['deliveries.driver_devices.organization_id', 'deliveries.driver_devices.id'], name=op.f('fk_driver_sessions_organization_id_device_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'driver_id'], ['deliveries.drivers.organization_id', 'deliveries.drivers.id'], name=op.f('fk_driver_sessions_organization_id_driver_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_driver_sessions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_driver_sessions')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_driver_sessions_organization_id_id')),
    schema='deliveries',
    postgresql_with={'fillfactor': 70}
    )
    op.create_index('ix_driver_sessions_driver_id', 'driver_sessions', ['organization_id', 'driver_id', 'started_at'], unique=False, schema='deliveries')
    op.create_index('uq_driver_sessions_open', 'driver_sessions', ['organization_id', 'device_id'], unique=True, schema='deliveries', postgresql_where=sa.text('ended_at is null'))

    stream(POSITIONS, step="day", ahead="14 days", retention="30 days")
    # Phones bring what they kept while they had no link, so the days that may still come have pieces of their own.
    op.execute(f"select platform.make_partitions('{POSITIONS}', now() - interval '30 days', now())")

    wall(POSITIONS, grants="select, insert")
    for table in (
        "vehicles", "drivers", "driver_devices", "driver_sessions", "delivery_addresses", "orders", "shipments",
        "driver_assignments", "active_driver_locations",
    ):  # fmt: skip
        wall(f"deliveries.{table}")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
