"""Clients, their brands and runs, the tags of each run, where they were heard and where they stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import APP, SWEEP, schema, stream, wall

revision = "0005_tracking"
down_revision = "0004_deliveries"
branch_labels = None
depends_on = None

STATUS = postgresql.ENUM(
    "created", "in_transit", "in_storage", "delivered", name="tracker_status", schema="tracking", create_type=False
)
TABLES = (
    "clients", "brands", "production_runs", "trackers", "storage_locations", "delivery_locations",
    "production_run_storage_locations", "production_run_delivery_locations", "status_history",
)  # fmt: skip
HISTORY = """
create view tracking.location_history with (security_invoker = true) as
select organization_id, tracker_id, recorded_at, latitude, longitude, horizontal_accuracy_m, confidence, battery, nearest_city
from tracking.location_reports where confidence >= 2
"""


def upgrade() -> None:
    schema("tracking")
    STATUS.create(op.get_bind())
    op.create_table('location_reports',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('tracker_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('hashed_advertisement_key', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=False),
    sa.Column('horizontal_accuracy_m', sa.Double(), nullable=False),
    sa.Column('confidence', sa.SmallInteger(), nullable=False),
    sa.Column('battery', sa.SmallInteger(), nullable=False),
    sa.Column('nearest_city', sa.Text(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_location_reports_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_location_reports_longitude')),
    sa.PrimaryKeyConstraint('organization_id', 'tracker_id', 'recorded_at', name=op.f('pk_location_reports')),
    schema='tracking',
    postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_table('clients',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_clients_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clients')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_clients_organization_id_id')),
    schema='tracking'
    )
    op.create_index('uq_clients_name', 'clients', ['organization_id', sa.literal_column('lower(name)')], unique=True, schema='tracking', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('brands',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'client_id'], ['tracking.clients.organization_id', 'tracking.clients.id'], name=op.f('fk_brands_organization_id_client_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_brands_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_brands')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_brands_organization_id_id')),
    schema='tracking'
    )
    op.create_index('uq_brands_name', 'brands', ['organization_id', 'client_id', sa.literal_column('lower(name)')], unique=True, schema='tracking', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('production_runs',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('brand_id', sa.Uuid(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('image_url', sa.Text(), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_production_runs_ends_after_its_start')),
    sa.ForeignKeyConstraint(['organization_id', 'brand_id'], ['tracking.brands.organization_id', 'tracking.brands.id'], name=op.f('fk_production_runs_organization_id_brand_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_production_runs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_production_runs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_production_runs_organization_id_id')),
    schema='tracking'
    )
    op.create_index('ix_production_runs_brand_id', 'production_runs', ['organization_id', 'brand_id'], unique=False, schema='tracking')
    op.create_table('delivery_locations',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=False),
    sa.Column('geofence_size_m', sa.Integer(), nullable=False),
    sa.Column('production_run_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('geofence_size_m between 10 and 100000', name=op.f('ck_delivery_locations_geofence_size_m')),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_delivery_locations_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_delivery_locations_longitude')),
    sa.ForeignKeyConstraint(['organization_id', 'production_run_id'], ['tracking.production_runs.organization_id', 'tracking.production_runs.id'], name=op.f('fk_delivery_locations_organization_id_production_run_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_delivery_locations_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_locations')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_delivery_locations_organization_id_id')),
    schema='tracking'
    )
    op.create_index('ix_delivery_locations_production_run_id', 'delivery_locations', ['organization_id', 'production_run_id'], unique=False, schema='tracking')
    op.create_table('storage_locations',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=False),
    sa.Column('geofence_size_m', sa.Integer(), nullable=False),
    sa.Column('production_run_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('geofence_size_m between 10 and 100000', name=op.f('ck_storage_locations_geofence_size_m')),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_storage_locations_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_storage_locations_longitude')),
    sa.ForeignKeyConstraint(['organization_id', 'production_run_id'], ['tracking.production_runs.organization_id', 'tracking.production_runs.id'], name=op.f('fk_storage_locations_organization_id_production_run_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_storage_locations_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_storage_locations')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_storage_locations_organization_id_id')),
    schema='tracking'
    )
    op.create_index('ix_storage_locations_production_run_id', 'storage_locations', ['organization_id', 'production_run_id'], unique=False, schema='tracking')
    op.create_table('production_run_delivery_locations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('production_run_id', sa.Uuid(), nullable=False),
    sa.Column('delivery_location_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'delivery_location_id'], ['tracking.delivery_locations.organization_id', 'tracking.delivery_locations.id'], name=op.f('fk_production_run_delivery_locations_organization_id_delivery_location_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'production_run_id'], ['tracking.production_runs.organization_id', 'tracking.production_runs.id'], name=op.f('fk_production_run_delivery_locations_organization_id_production_run_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_production_run_delivery_locations_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_production_run_delivery_locations')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_production_run_delivery_locations_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'production_run_id', 'delivery_location_id', name='uq_run_delivery_location'),
    schema='tracking'
    )
    op.create_table('production_run_storage_locations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('production_run_id', sa.Uuid(), nullable=False),
    sa.Column('storage_location_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'production_run_id'], ['tracking.production_runs.organization_id', 'tracking.production_runs.id'], name=op.f('fk_production_run_storage_locations_organization_id_production_run_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'storage_location_id'], ['tracking.storage_locations.organization_id', 'tracking.storage_locations.id'], name=op.f('fk_production_run_storage_locations_organization_id_storage_location_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_production_run_storage_locations_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_production_run_storage_locations')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_production_run_storage_locations_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'production_run_id', 'storage_location_id', name='uq_run_storage_location'),
    schema='tracking'
    )
    op.create_table('trackers',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('mac_address', sa.Text(), nullable=True),
    sa.Column('advertisement_key', sa.Text(), nullable=False),
    sa.Column('hashed_advertisement_key', sa.Text(), nullable=False),
    sa.Column('sealed_private_key', sa.LargeBinary(), nullable=False),
    sa.Column('production_run_id', sa.Uuid(), nullable=True),
    sa.Column('current_status', STATUS, nullable=False),
    sa.Column('current_state_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('storage_location_id', sa.Uuid(), nullable=True),
    sa.Column('delivery_location_id', sa.Uuid(), nullable=True),
    sa.Column('total_transit_time', sa.Interval(), nullable=False),
    sa.Column('total_storage_time', sa.Interval(), nullable=False),
    sa.Column('last_status_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_report_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_report_received_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('positioned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('horizontal_accuracy_m', sa.Double(), nullable=True),
    sa.Column('confidence', sa.SmallInteger(), nullable=True),
    sa.Column('battery', sa.SmallInteger(), nullable=True),
    sa.Column('nearest_city', sa.Text(), nullable=True),
    sa.Column('next_fetch_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('failed_fetches', sa.SmallInteger(), nullable=False),
    sa.CheckConstraint('latitude between -90 and 90', name=op.f('ck_trackers_latitude')),
    sa.CheckConstraint('longitude between -180 and 180', name=op.f('ck_trackers_longitude')),
    sa.CheckConstraint('num_nonnulls(latitude, longitude) in (0, 2)', name=op.f('ck_trackers_whole_position')),
    sa.CheckConstraint('num_nonnulls(storage_location_id, delivery_location_id) <= 1', name=op.f('ck_trackers_one_place')),
    sa.ForeignKeyConstraint(['organization_id', 'delivery_location_id'], ['tracking.delivery_locations.organization_id', 'tracking.delivery_locations.id'], name=op.f('fk_trackers_organization_id_delivery_location_id'), ondelete='SET NULL (delivery_location_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'production_run_id'], ['tracking.production_runs.organization_id', 'tracking.production_runs.id'], name=op.f('fk_trackers_organization_id_production_run_id')),
    sa.ForeignKeyConstraint(['organization_id', 'storage_location_id'], ['tracking.storage_locations.organization_id', 'tracking.storage_locations.id'], name=op.f('fk_trackers_organization_id_storage_location_id'), ondelete='SET NULL (storage_location_id)'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_trackers_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trackers')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_trackers_organization_id_id')),
    schema='tracking'
    )
    op.create_index('ix_trackers_next_fetch_at', 'trackers', ['next_fetch_at'], unique=False, schema='tracking', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('ix_trackers_production_run_id', 'trackers', ['organization_id', 'production_run_id'], unique=False, schema='tracking')
    op.create_index('uq_trackers_hashed_advertisement_key', 'trackers', ['organization_id', 'hashed_advertisement_key'], unique=True, schema='tracking', postgresql_where=sa.text('deleted_at is null'))
    op.create_index('uq_trackers_name', 'trackers', ['organization_id', sa.literal_column('lower(name)')], unique=True, schema='tracking', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('status_history',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('tracker_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', STATUS, nullable=False),
    sa.Column('storage_location_id', sa.Uuid(), nullable=True),
    sa.Column('delivery_location_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'delivery_location_id'], ['tracking.delivery_locations.organization_id', 'tracking.delivery_locations.id'], name=op.f('fk_status_history_organization_id_delivery_location_id'), ondelete='SET NULL (delivery_location_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'storage_location_id'], ['tracking.storage_locations.organization_id', 'tracking.storage_locations.id'], name=op.f('fk_status_history_organization_id_storage_location_id'), ondelete='SET NULL (storage_location_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'tracker_id'], ['tracking.trackers.organization_id', 'tracking.trackers.id'], name=op.f('fk_status_history_organization_id_tracker_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_status_history_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_status_history')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_status_history_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'tracker_id', 'recorded_at', name='uq_status_history_tracker_id'),
    schema='tracking'
    )

    stream("tracking.location_reports")
    for table in TABLES:
        wall(f"tracking.{table}")
    wall("tracking.location_reports", grants="select, insert")
    op.execute(HISTORY)
    op.execute(f"grant select on tracking.location_history to {APP}, {SWEEP}")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
