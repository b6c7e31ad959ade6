"""Tree jobs: the phones, the customers and their trees, rounds of field work, finals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import schema, stream, wall

revision = "0006_trees"
down_revision = "0005_tracking"
branch_labels = None
depends_on = None

TABLES = (
    "devices", "runtime_counters", "customers", "billing_profiles", "operators", "trees", "jobs", "job_assignments",
    "job_rounds", "round_recordings", "round_images", "job_finals", "job_geojson_exports", "artifacts",
)  # fmt: skip


def upgrade() -> None:
    schema("trees")
    op.create_table('job_events',
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=True),
        sa.Column('device_id', sa.Uuid(), nullable=True),
        sa.Column('round_number', sa.Integer(), nullable=True),
        sa.Column('event_type', sa.Text(), nullable=False),
        sa.Column('actor_name', sa.Text(), nullable=False),
        sa.Column('event_data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint('organization_id', 'recorded_at', 'id', name=op.f('pk_job_events')),
        schema='trees',
        postgresql_partition_by='RANGE (recorded_at)'
    )
    op.create_index('ix_job_events_job_id', 'job_events', ['organization_id', 'job_id', 'recorded_at'], unique=False, schema='trees')
    op.create_table('billing_profiles',
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('billing_code', sa.Text(), nullable=False),
        sa.Column('billing_name', sa.Text(), nullable=False),
        sa.Column('billing_contact_name', sa.Text(), nullable=False),
        sa.Column('billing_address', sa.Text(), nullable=False),
        sa.Column('contact_preference', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_billing_profiles_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_profiles')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_billing_profiles_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_billing_profiles_billing_code', 'billing_profiles', ['organization_id', 'billing_code'], unique=True, schema='trees')
    op.create_index('uq_billing_profiles_identity', 'billing_profiles', ['organization_id', 'billing_name', 'billing_contact_name', 'billing_address'], unique=True, schema='trees', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('customers',
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('customer_code', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('phone', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_customers_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_customers')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_customers_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_customers_customer_code', 'customers', ['organization_id', 'customer_code'], unique=True, schema='trees')
    op.create_index('uq_customers_identity', 'customers', ['organization_id', 'name', 'phone', 'address'], unique=True, schema='trees', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('devices',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('device_id', sa.Text(), nullable=False),
        sa.Column('device_name', sa.Text(), nullable=True),
        sa.Column('app_version', sa.Text(), nullable=True),
        sa.Column('profile_summary', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('status', sa.Enum('pending', 'approved', 'revoked', name='device_status', schema='trees'), nullable=False),
        sa.Column('role', sa.Enum('arborist', 'admin', name='device_role', schema='trees'), nullable=False),
        sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('approved_by', sa.Uuid(), nullable=True),
        sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('revoked_by', sa.Uuid(), nullable=True),
        sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['approved_by'], ['identity.users.id'], name=op.f('fk_devices_approved_by')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_devices_organization_id')),
        sa.ForeignKeyConstraint(['revoked_by'], ['identity.users.id'], name=op.f('fk_devices_revoked_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_devices')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_devices_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_devices_device_id', 'devices', ['organization_id', 'device_id'], unique=True, schema='trees')
    op.create_table('operators',
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('display_name', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Uuid(), nullable=True),
        sa.Column('phone', sa.Text(), nullable=True),
        sa.Column('isa_number', sa.Text(), nullable=True),
        sa.Column('correspondence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_operators_organization_id')),
        sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_operators_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_operators')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_operators_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_operators_user_id', 'operators', ['organization_id', 'user_id'], unique=True, schema='trees', postgresql_where=sa.text('deleted_at is null'))
    op.create_table('runtime_counters',
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('counter_name', sa.Text(), nullable=False),
        sa.Column('last_value', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_runtime_counters_organization_id')),
        sa.PrimaryKeyConstraint('organization_id', 'counter_name', name=op.f('pk_runtime_counters')),
        schema='trees'
    )
    op.create_table('trees',
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('customer_id', sa.Uuid(), nullable=False),
        sa.Column('tree_number', sa.Integer(), nullable=False),
        sa.Column('tree_species', sa.Text(), nullable=True),
        sa.Column('latitude', sa.Float(), nullable=True),
        sa.Column('longitude', sa.Float(), nullable=True),
        sa.CheckConstraint('(latitude is null) = (longitude is null) and latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_trees_position')),
        sa.CheckConstraint('tree_number > 0', name=op.f('ck_trees_tree_number')),
        sa.ForeignKeyConstraint(['organization_id', 'customer_id'], ['trees.customers.organization_id', 'trees.customers.id'], name=op.f('fk_trees_organization_id_customer_id')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_trees_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_trees')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_trees_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_trees_tree_number', 'trees', ['organization_id', 'customer_id', 'tree_number'], unique=True, schema='trees')
    op.create_table('jobs',
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_number', sa.Text(), nullable=False),
        sa.Column('status', sa.Enum('not_started', 'draft', 'submitted_for_processing', 'review_returned', 'archived', 'failed', name='job_status', schema='trees'), nullable=False),
        sa.Column('customer_id', sa.Uuid(), nullable=False),
        sa.Column('billing_profile_id', sa.Uuid(), nullable=False),
        sa.Column('tree_id', sa.Uuid(), nullable=True),
        sa.Column('operator_id', sa.Uuid(), nullable=True),
        sa.Column('project_id', sa.Text(), nullable=True),
        sa.Column('job_name', sa.Text(), nullable=False),
        sa.Column('job_address', sa.Text(), nullable=False),
        sa.Column('job_phone', sa.Text(), nullable=False),
        sa.Column('contact_preference', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('location_notes', sa.Text(), nullable=True),
        sa.Column('tree_species', sa.Text(), nullable=True),
        sa.Column('risk_rating', sa.Enum('low', 'moderate', 'high', 'extreme', name='risk_rating', schema='trees'), nullable=True),
        sa.Column('latitude', sa.Float(), nullable=True),
        sa.Column('longitude', sa.Float(), nullable=True),
        sa.Column('created_by_device_id', sa.Uuid(), nullable=True),
        sa.Column('idempotency_key', sa.Text(), nullable=True),
        sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint('(latitude is null) = (longitude is null) and latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_jobs_position')),
        sa.ForeignKeyConstraint(['organization_id', 'billing_profile_id'], ['trees.billing_profiles.organization_id', 'trees.billing_profiles.id'], name=op.f('fk_jobs_organization_id_billing_profile_id')),
        sa.ForeignKeyConstraint(['organization_id', 'created_by_device_id'], ['trees.devices.organization_id', 'trees.devices.id'], name=op.f('fk_jobs_organization_id_created_by_device_id')),
        sa.ForeignKeyConstraint(['organization_id', 'customer_id'], ['trees.customers.organization_id', 'trees.customers.id'], name=op.f('fk_jobs_organization_id_customer_id')),
        sa.ForeignKeyConstraint(['organization_id', 'operator_id'], ['trees.operators.organization_id', 'trees.operators.id'], name=op.f('fk_jobs_organization_id_operator_id')),
        sa.ForeignKeyConstraint(['organization_id', 'tree_id'], ['trees.trees.organization_id', 'trees.trees.id'], name=op.f('fk_jobs_organization_id_tree_id')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_jobs_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_jobs_organization_id_id')),
        schema='trees'
    )
    op.create_index('ix_jobs_customer_id', 'jobs', ['organization_id', 'customer_id'], unique=False, schema='trees')
    op.create_index('ix_jobs_status', 'jobs', ['organization_id', 'status', 'created_at'], unique=False, schema='trees')
    op.create_index('ix_jobs_tree_id', 'jobs', ['organization_id', 'tree_id'], unique=False, schema='trees')
    op.create_index('uq_jobs_idempotency_key', 'jobs', ['organization_id', 'created_by_device_id', 'idempotency_key'], unique=True, schema='trees')
    op.create_index('uq_jobs_job_number', 'jobs', ['organization_id', 'job_number'], unique=True, schema='trees')
    op.create_table('job_assignments',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('device_id', sa.Uuid(), nullable=False),
        sa.Column('assigned_by', sa.Enum('created', 'claimed', 'person', name='assigned_by', schema='trees'), nullable=False),
        sa.Column('assigned_by_user_id', sa.Uuid(), nullable=True),
        sa.Column('assigned_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['assigned_by_user_id'], ['identity.users.id'], name=op.f('fk_job_assignments_assigned_by_user_id')),
        sa.ForeignKeyConstraint(['organization_id', 'device_id'], ['trees.devices.organization_id', 'trees.devices.id'], name=op.f('fk_job_assignments_organization_id_device_id')),
        sa.ForeignKeyConstraint(['organization_id', 'job_id'], ['trees.jobs.organization_id', 'trees.jobs.id'], name=op.f('fk_job_assignments_organization_id_job_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_job_assignments_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_job_assignments')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_job_assignments_organization_id_id')),
        schema='trees'
    )
    op.create_index('ix_job_assignments_device_id', 'job_assignments', ['organization_id', 'device_id'], unique=False, schema='trees')
    op.create_index('uq_job_assignments_job_id', 'job_assignments', ['organization_id', 'job_id'], unique=True, schema='trees')
    op.create_table('job_geojson_exports',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('export_kind', sa.Enum('final', 'correction', name='final_kind', schema='trees'), nullable=False),
        sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(['organization_id', 'job_id'], ['trees.jobs.organization_id', 'trees.jobs.id'], name=op.f('fk_job_geojson_exports_organization_id_job_id')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_job_geojson_exports_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_job_geojson_exports')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_job_geojson_exports_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_job_geojson_exports_kind', 'job_geojson_exports', ['organization_id', 'job_id', 'export_kind'], unique=True, schema='trees')
    op.create_table('job_rounds',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('round_number', sa.Integer(), nullable=False),
        sa.Column('status', sa.Enum('draft', 'submitted_for_processing', 'review_returned', 'failed', name='round_status', schema='trees'), nullable=False),
        sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('missing', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('form', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('narrative', sa.Text(), nullable=True),
        sa.Column('transcript', sa.Text(), nullable=True),
        sa.Column('server_revision_id', sa.Text(), nullable=True),
        sa.Column('client_revision_id', sa.Text(), nullable=True),
        sa.Column('error_code', sa.Text(), nullable=True),
        sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('returned_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('review_note', sa.Text(), nullable=True),
        sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reviewed_by', sa.Uuid(), nullable=True),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['organization_id', 'job_id'], ['trees.jobs.organization_id', 'trees.jobs.id'], name=op.f('fk_job_rounds_organization_id_job_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_job_rounds_organization_id')),
        sa.ForeignKeyConstraint(['reviewed_by'], ['identity.users.id'], name=op.f('fk_job_rounds_reviewed_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_job_rounds')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_job_rounds_organization_id_id')),
        schema='trees'
    )
    op.create_index('ix_job_rounds_submitted', 'job_rounds', ['submitted_at'], unique=False, schema='trees', postgresql_where=sa.text("status = 'submitted_for_processing'"))
    op.create_index('uq_job_rounds_round_number', 'job_rounds', ['organization_id', 'job_id', 'round_number'], unique=True, schema='trees')
    op.create_table('artifacts',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('round_id', sa.Uuid(), nullable=True),
        sa.Column('kind', sa.Enum('audio', 'image', 'transcript_txt', 'review_json', 'final_json', 'final_pdf', 'report_pdf', 'report_docx', 'geojson', name='artifact_kind', schema='trees'), nullable=False),
        sa.Column('file_id', sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(['organization_id', 'file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_artifacts_organization_id_file_id')),
        sa.ForeignKeyConstraint(['organization_id', 'job_id'], ['trees.jobs.organization_id', 'trees.jobs.id'], name=op.f('fk_artifacts_organization_id_job_id')),
        sa.ForeignKeyConstraint(['organization_id', 'round_id'], ['trees.job_rounds.organization_id', 'trees.job_rounds.id'], name=op.f('fk_artifacts_organization_id_round_id'), ondelete='SET NULL (round_id)'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_artifacts_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_artifacts')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_artifacts_organization_id_id')),
        schema='trees'
    )
    op.create_index('ix_artifacts_job_id', 'artifacts', ['organization_id', 'job_id', 'kind'], unique=False, schema='trees')
    op.create_table('job_finals',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('round_id', sa.Uuid(), nullable=True),
        sa.Column('kind', postgresql.ENUM('final', 'correction', name='final_kind', schema='trees', create_type=False), nullable=False),
        sa.Column('server_revision_id', sa.Text(), nullable=True),
        sa.Column('client_revision_id', sa.Text(), nullable=True),
        sa.Column('archived_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('transcript', sa.Text(), nullable=True),
        sa.Column('form', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('narrative', sa.Text(), nullable=True),
        sa.Column('user_name', sa.Text(), nullable=False),
        sa.Column('profile', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('report_images', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(['organization_id', 'job_id'], ['trees.jobs.organization_id', 'trees.jobs.id'], name=op.f('fk_job_finals_organization_id_job_id')),
        sa.ForeignKeyConstraint(['organization_id', 'round_id'], ['trees.job_rounds.organization_id', 'trees.job_rounds.id'], name=op.f('fk_job_finals_organization_id_round_id'), ondelete='SET NULL (round_id)'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_job_finals_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_job_finals')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_job_finals_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_job_finals_kind', 'job_finals', ['organization_id', 'job_id', 'kind'], unique=True, schema='trees')
    op.create_table('round_images',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('round_id', sa.Uuid(), nullable=False),
        sa.Column('section_id', sa.Text(), nullable=False),
        sa.Column('image_id', sa.Text(), nullable=False),
        sa.Column('upload_status', sa.Enum('pending', 'uploading', 'uploaded', 'processed', 'failed', name='upload_status', schema='trees'), nullable=False),
        sa.Column('file_id', sa.Uuid(), nullable=False),
        sa.Column('report_file_id', sa.Uuid(), nullable=False),
        sa.Column('mime_type', sa.Text(), nullable=False),
        sa.Column('size_bytes', sa.Integer(), nullable=False),
        sa.Column('width_px', sa.Integer(), nullable=False),
        sa.Column('height_px', sa.Integer(), nullable=False),
        sa.Column('caption', sa.Text(), nullable=True),
        sa.Column('latitude', sa.Float(), nullable=True),
        sa.Column('longitude', sa.Float(), nullable=True),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('(latitude is null) = (longitude is null) and latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_round_images_position')),
        sa.ForeignKeyConstraint(['organization_id', 'file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_round_images_organization_id_file_id')),
        sa.ForeignKeyConstraint(['organization_id', 'report_file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_round_images_organization_id_report_file_id')),
        sa.ForeignKeyConstraint(['organization_id', 'round_id'], ['trees.job_rounds.organization_id', 'trees.job_rounds.id'], name=op.f('fk_round_images_organization_id_round_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_round_images_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_round_images')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_round_images_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_round_images_image_id', 'round_images', ['organization_id', 'round_id', 'image_id'], unique=True, schema='trees')
    op.create_table('round_recordings',
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('round_id', sa.Uuid(), nullable=False),
        sa.Column('section_id', sa.Text(), nullable=False),
        sa.Column('recording_id', sa.Text(), nullable=False),
        sa.Column('issue_id', sa.Text(), nullable=True),
        sa.Column('upload_status', postgresql.ENUM('pending', 'uploading', 'uploaded', 'processed', 'failed', name='upload_status', schema='trees', create_type=False), nullable=False),
        sa.Column('file_id', sa.Uuid(), nullable=False),
        sa.Column('mime_type', sa.Text(), nullable=False),
        sa.Column('size_bytes', sa.Integer(), nullable=False),
        sa.Column('duration_s', sa.Float(), nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('transcript', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['organization_id', 'file_id'], ['platform.files.organization_id', 'platform.files.id'], name=op.f('fk_round_recordings_organization_id_file_id')),
        sa.ForeignKeyConstraint(['organization_id', 'round_id'], ['trees.job_rounds.organization_id', 'trees.job_rounds.id'], name=op.f('fk_round_recordings_organization_id_round_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_round_recordings_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_round_recordings')),
        sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_round_recordings_organization_id_id')),
        schema='trees'
    )
    op.create_index('uq_round_recordings_recording_id', 'round_recordings', ['organization_id', 'round_id', 'section_id', 'recording_id'], unique=True, schema='trees')

    stream("trees.job_events")
    for table in TABLES:
        wall(f"trees.{table}")
    wall("trees.job_events", grants="select, insert")


def downgrade() -> None:
    raise NotImplementedError("a database goes forward only; restore a backup to go back")
