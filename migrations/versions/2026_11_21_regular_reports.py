"""Reports that come of their own accord, what became of each, and patterns over time that count as trouble."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import wall

revision = "0013_regular_reports"
down_revision = "0012_programs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter type notifications.purpose add value 'report'")
    op.add_column('notification_settings', sa.Column('may_reports_leave', sa.Boolean(), nullable=False, server_default=sa.false()), schema='notifications')
    op.create_table('report_schedules',
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('domain', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('question', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('every', sa.Enum('day', 'week', 'month', name='every', schema='platform'), nullable=False),
    sa.Column('on_day', sa.SmallInteger(), nullable=False),
    sa.Column('at_time', sa.Time(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('units', sa.Text(), nullable=False),
    sa.Column('paper', sa.Text(), nullable=False),
    sa.Column('member_ids', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('addresses', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('ended', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('next_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("case every when 'week' then on_day between 0 and 6 when 'month' then on_day between 1 and 28 else on_day = 0 end", name=op.f('ck_report_schedules_on_day')),
    sa.ForeignKeyConstraint(['user_id'], ['identity.users.id'], name=op.f('fk_report_schedules_user_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_report_schedules_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_schedules')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_report_schedules_organization_id_id')),
    schema='platform'
    )
    op.create_index('ix_report_schedules_next_due_at', 'report_schedules', ['next_due_at'], unique=False, schema='platform', postgresql_where=sa.text('next_due_at is not null and deleted_at is null'))
    op.create_table('report_runs',
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('schedule_id', sa.Uuid(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_by_hand', sa.Boolean(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('passed_over', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('making', 'sending', 'sent', 'failed', name='report_run_status', schema='platform'), nullable=False),
    sa.Column('report_id', sa.Uuid(), nullable=True),
    sa.Column('background_job_id', sa.Uuid(), nullable=True),
    sa.Column('recipients', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('error_values', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'background_job_id'], ['platform.background_jobs.organization_id', 'platform.background_jobs.id'], name=op.f('fk_report_runs_organization_id_background_job_id'), ondelete='SET NULL (background_job_id)'),
    sa.ForeignKeyConstraint(['organization_id', 'schedule_id'], ['platform.report_schedules.organization_id', 'platform.report_schedules.id'], name=op.f('fk_report_runs_organization_id_schedule_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['identity.organizations.id'], name=op.f('fk_report_runs_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_runs')),
    sa.UniqueConstraint('organization_id', 'id', name=op.f('uq_report_runs_organization_id_id')),
    sa.UniqueConstraint('organization_id', 'schedule_id', 'due_at', name=op.f('uq_report_runs_organization_id_schedule_id_due_at')),
    schema='platform'
    )
    op.create_index('ix_report_runs_unfinished', 'report_runs', ['created_at'], unique=False, schema='platform', postgresql_where=sa.text("status in ('making', 'sending')"))
    for name, kind in (
        ('drift_celsius_per_hour', sa.Numeric(7, 2)), ('danger_minutes', sa.Integer()), ('rising_together_units', sa.Integer()),
        ('sensors_apart_celsius', sa.Numeric(7, 2)),
    ):
        op.add_column('alert_rules', sa.Column(name, kind, nullable=True), schema='cold_chain')
    wall("platform.report_schedules")
    wall("platform.report_runs")
